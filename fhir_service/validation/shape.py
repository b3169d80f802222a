"""The shape of an object in JSON: known elements, arrays where they repeat, required ones, choices, no empty values.

A good value costs one call and one look-up per property. What is wrong is told from inside out: a check returns faults
below its value, and each level adds its own step.
https://hl7.org/fhir/R4/json.html and https://hl7.org/fhir/R4/validation.html
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from fhir_service.fhir.definitions import TypeDefinition
from fhir_service.validation.fault import Fault, Faults, gravest, is_sound
from fhir_service.validation.primitive import mistyped
from fhir_service.validation.run import Check, Run

PARTNERS: list[Fault] = []
"""What the check of `_given` returns where it is right, but `given` may hold nulls, or has to be there (a code)."""

NULL = Fault(
    "",
    "structure",
    "null は、同じ位置に id か extension のある基本型の配列でだけ使えます。",
    "null stands only in arrays of primitives, where the same place has an id or extension.",
)
EMPTY_OBJECT = Fault("", "structure", "空のオブジェクトは使えません。", "An object must not be empty.")
EMPTY_ARRAY = Fault("", "structure", "空の配列は使えません。", "An array must not be empty.")
ONLY_ID = Fault(
    "",
    "invariant",
    "値も子要素もありません(id だけでは足りません)。値を入れるか、要素を取り除いてください(規則 ele-1)。",
    "It has neither a value nor children (an id is not enough): give a value or leave the element out (rule ele-1).",
    rule="ele-1",
)
SHOWN = 60  # characters of a name that a message repeats
MOST_FAULTS = 200  # of one array or object that are gathered; more than anybody reads


class Properties(dict[str, Check | None]):
    """The checks of the properties of a type by their JSON names, each compiled when it is first met.

    None for a property that the type has not: of those, which clients make up, nothing is kept.
    """

    def __init__(self, compiled: Callable[[str], Check | None]) -> None:
        self._compiled = compiled

    def __missing__(self, name: str) -> Check | None:
        check = self._compiled(name)
        if check is not None:
            self[name] = check
        return check


class Asked(NamedTuple):
    """What a type asks of the names of an object.

    `choices` are the element of each JSON name of a choice, `coded` the partners of codes of a required value set.
    """

    required: tuple[str, ...]
    choices: dict[str, str]
    required_choices: frozenset[str]
    coded: frozenset[str]


def object_check(definition: TypeDefinition, properties: Properties, rules: tuple[Check, ...]) -> Check:
    """Return the check of an object; `rules` are those of its type, asked where the object has its shape."""
    required, choices, required_choices, coded = _asked(definition)
    met = properties.get  # half as dear as a subscript that may have to compile

    def check(value: Any, run: Run) -> Faults:
        if value.__class__ is not dict:
            return mistyped(value, f"オブジェクト({definition.name})", f"an object ({definition.name})", dict)
        found: list[Fault] = []
        partnered = False
        for name, child in value.items():
            if (property_check := met(name)) is None and (property_check := properties[name]) is None:
                found.append(_unknown(name, definition))
                if len(found) > MOST_FAULTS:
                    break
            elif (faults := property_check(child, run)) is not None:
                partnered = partnered or name[0] == "_"
                found += _placed(faults, name, value, definition)
        for name in required:
            if name not in value:
                found += _missing(value, required, definition)
                break
        if choices:
            chosen = choices.keys() & value.keys()
            elements = {choices[name] for name in chosen}
            if len(elements) != len(chosen) or not required_choices <= elements:
                found += _choice_faults(value, choices, required_choices)
        if partnered:
            found = _without_paired_nulls(found, value)
            found += _without_codes(value, coded, definition)
        if len(value) < 2 and not (value and "id" not in value):
            found += _emptiness(value, definition)
        if rules and (not found or is_sound(found)):
            for rule in rules:
                if (faults := rule(value, run)) is not None:
                    found += faults
        return found or None

    return check


def _asked(definition: TypeDefinition) -> Asked:
    return Asked(
        tuple(each.name for each in definition.elements if each.min and not each.choice),
        _choices(definition),
        frozenset(each.name for each in definition.elements if each.min and each.choice),
        frozenset(f"_{name}" for name, (each, code) in definition.by_json.items() if code == "code" and each.value_set),
    )


def _placed(faults: list[Fault], name: str, value: dict[str, Any], definition: TypeDefinition) -> list[Fault]:
    """Return the faults of a property as seen from the object that has it."""
    if name[0] == "_":
        faults = _without_paired_ids(faults, value.get(name[1:]))
    step = _step(name, definition) if faults else ""
    return [fault.below(step) for fault in faults]


def array_check(item_check: Check) -> Check:
    """Return the check of an array of such items."""

    def check(value: Any, run: Run) -> Faults:
        if value.__class__ is not list:
            return mistyped(value, "配列", "an array", list)
        found: list[Fault] = []
        for index, item in enumerate(value):
            if (faults := item_check(item, run)) is not None:
                step = f"[{index}]"
                found += [NULL.below(step)] if item is None else [fault.below(step) for fault in faults]
                if len(found) > MOST_FAULTS:
                    if not is_sound(found):
                        break
                    found = gravest(found, MOST_FAULTS // 2)  # what no policy lets pass may be yet to come
        if not value:
            found.append(EMPTY_ARRAY)
        return found or None

    return check


def partners_check(partner_check: Check) -> Check:
    """Return the check of `_given`: the ids and extensions of the values in `given`, null where there are none."""

    def check(value: Any, run: Run) -> Faults:
        if value.__class__ is not list:
            return mistyped(value, "配列", "an array", list)
        found = [
            fault.below(f"[{index}]")
            for index, item in enumerate(value)
            if item is not None
            for fault in partner_check(item, run) or ()
        ]
        if all(item is None for item in value):
            found.append(EMPTY_ARRAY)
        return found or PARTNERS

    return check


def code_partner_check(partner_check: Check) -> Check:
    """Return the check of `_status`, the id and extensions of a code that has to be there."""
    return lambda value, run: partner_check(value, run) or PARTNERS


def accept(_value: Any, _run: Run) -> Faults:
    """Accept anything."""
    return None


def _choices(definition: TypeDefinition) -> dict[str, str]:
    """Return the element of each JSON name of a choice (`_valueString`, `valueString`: `value`)."""
    named = {name: element.name for name, (element, _) in definition.by_json.items() if element.choice}
    return named | {f"_{name}": element for name, element in named.items()}


def _emptiness(value: dict[str, Any], definition: TypeDefinition) -> list[Fault]:
    """Return what is wrong with an object of nothing, or of an id alone; a resource may be only its id.

    https://hl7.org/fhir/R4/element.html (the invariant ele-1)
    """
    if not value:
        return [EMPTY_OBJECT]
    return [] if definition.kind == "resource" else [ONLY_ID]


def _step(name: str, definition: TypeDefinition) -> str:
    """Return the FHIRPath step to a property: `.deceased` for `deceasedBoolean` and `_deceasedBoolean`."""
    entry = definition.by_json.get(name.removeprefix("_"))
    return f".{entry[0].name if entry else name}"


def _unknown(name: str, definition: TypeDefinition) -> Fault:
    shown = name if len(name) <= SHOWN else f"{name[:SHOWN]}…"
    step = f".{name}" if name.isidentifier() and len(name) <= SHOWN else ""
    return Fault(
        step,
        "structure",
        f"{definition.name} に「{shown}」という要素はありません。",
        f"{definition.name} has no element '{shown}'.",
    )


def _missing(value: dict[str, Any], required: Iterable[str], definition: TypeDefinition) -> list[Fault]:
    absent = {name for name in required if name not in value and f"_{name}" not in value}
    ordered = [element.name for element in definition.elements if element.name in absent]
    return [_missing_fault(name) for name in ordered]


def _missing_fault(name: str) -> Fault:
    ja = f"必須の要素「{name}」がありません。"
    return Fault(f".{name}", "required", ja, f"The required element '{name}' is missing.")


def _choice_faults(value: dict[str, Any], choices: dict[str, str], required: Iterable[str]) -> list[Fault]:
    """Tell of choices with more than one type, and of required ones without any."""
    names: dict[str, set[str]] = {}
    for name in value:
        if name in choices:
            names.setdefault(choices[name], set()).add(name.removeprefix("_"))
    found = [
        Fault(
            f".{element}",
            "structure",
            f"{element}[x] は一つの型だけにしてください: {'、'.join(sorted(types))}",
            f"{element}[x] must have one type only: {', '.join(sorted(types))}",
        )
        for element, types in names.items()
        if len(types) > 1
    ]
    return found + [_missing_fault(f"{element}[x]") for element in sorted(required) if element not in names]


def _without_codes(value: dict[str, Any], coded: frozenset[str], definition: TypeDefinition) -> list[Fault]:
    """Tell of codes of a required value set in whose place there is only an extension.

    "the concept in this element SHALL be from the specified value set": https://hl7.org/fhir/R4/terminologies.html#required
    """
    found = []
    for name in coded & value.keys():
        element, _ = definition.by_json[name[1:]]
        if name[1:] not in value:
            ja = (
                f"値セット {element.value_set} のコードが必要です。拡張だけでは足りません。"
                "わからないことを表すコード(unknown など)があれば、それを書いてください(規則 code-absent)。"
            )
            en = (
                f"A code of {element.value_set} is needed: an extension does not stand for it. "
                "If it has one for what is not known, give that (rule code-absent)."
            )
            found.append(Fault(f".{element.name}", "code-invalid", ja, en, rule="code-absent"))
    return found


def _without_paired_ids(faults: list[Fault], values: Any) -> list[Fault]:
    """Drop the faults of ids alone that stand beside a value."""
    each_value = values if isinstance(values, list) else [values]
    paired = {f"[{index}]" if values is each_value else "" for index, each in enumerate(each_value) if each is not None}
    return [fault for fault in faults if fault.rule != ONLY_ID.rule or fault.path not in paired]


def _without_paired_nulls(found: list[Fault], value: dict[str, Any]) -> list[Fault]:
    """Drop the faults of nulls that only keep the place of an id or extension beside them."""
    allowed = {
        f".{name[1:]}[{index}]"
        for name in value
        if name[0] == "_" and isinstance(value[name], list)
        for index, partner in enumerate(value[name])
        if isinstance(partner, dict)
    }
    return [fault for fault in found if fault.en != NULL.en or fault.path not in allowed]
