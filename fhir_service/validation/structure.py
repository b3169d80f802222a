"""Does a resource have the structure of its type: known elements, their JSON shape, types, values and cardinalities.

Each type is compiled to a function when it is first met; a good value costs one call and one look-up per property. What
is wrong is told from inside out: a check returns faults below its value, and each level adds its own step.

The 5,306 official examples must survive storage, so the rules that true defects of theirs break are warnings:
`LACKING_IN_EXAMPLES` below, in `reference.py` an id of more than 64 characters, and txt-2, a narrative that shows
nothing. One example keeps its error: the id of SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-
item-subject has 66 characters, so it can be created (which gives it a new id) but not put under its own.
https://hl7.org/fhir/R4/validation.html (structure, cardinality, value domains)
"""

from collections.abc import Iterable
from typing import Any

from fhir_service.fhir.definitions import Definitions, Element, TypeDefinition
from fhir_service.fhir.outcome import Issue, Severity
from fhir_service.fhir.resource import Resource
from fhir_service.validation.contained import contained_faults, without_contained
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.primitive import Check, mistyped, primitive_check
from fhir_service.validation.reference import reference_check

MAX_ISSUES = 100

# Required elements that official examples lack; elsewhere a missing required element is an error.
LACKING_IN_EXAMPLES = frozenset(
    {
        ("ImplementationGuide", "name"),  # ImplementationGuide-fhir, ig-r4
        ("ImplementationGuide", "status"),
        ("Questionnaire.item", "linkId"),  # Questionnaire-qs1
        ("SearchParameter", "base"),  # ten of the extensions of CodeSystem and ValueSet
    }
)

PARTNERS: list[Fault] = []
"""What the check of `_given` returns where it is right: no faults, but `given` may hold nulls."""

NULL = Fault(
    "",
    "structure",
    "null は、同じ位置に id か extension のある基本型の配列でだけ使えます。",
    "null stands only in arrays of primitives, where the same place has an id or extension.",
)
EMPTY_OBJECT = Fault("", "structure", "空のオブジェクトは使えません。", "An object must not be empty.")
EMPTY_ARRAY = Fault("", "structure", "空の配列は使えません。", "An array must not be empty.")
SHOWN = 60  # characters of a name that a message repeats


class StructureCheck:
    """Checks the structure of resources."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._checks: dict[str, Check] = {}
        self._resources: dict[str, Check] = {}

    def __call__(self, resource: Resource) -> list[Issue]:
        """Return what is wrong with the resource, in its order; nothing is changed."""
        faults = self._resource(resource)
        if not faults:
            return []
        root = resource.get("resourceType") if isinstance(resource, dict) else None
        return [fault.issue(root if isinstance(root, str) else "Resource") for fault in faults[:MAX_ISSUES]]

    def _resource(self, value: Any) -> Faults:
        """Check a resource, whatever its type; the type is compiled when it is first met."""
        if value.__class__ is not dict:
            return mistyped(value, "リソース", "a resource")
        name = value.get("resourceType")
        check = self._resources.get(name) if name.__class__ is str else None
        if check is None:
            if name.__class__ is not str or name not in self._definitions.resource_types:
                return [_unknown_resource_type(name)]
            check = self._resources[name] = self._check(name)
        faults = check(value)
        if "contained" in value:
            return [*without_contained(faults or [], value), *contained_faults(value)] or None
        return faults

    def _check(self, name: str) -> Check:
        """Return the check of a type, compiled with all types that its elements have."""
        if name in self._checks:
            return self._checks[name]
        if name == "Resource":
            return self._resource
        definition = self._definitions.type(name)
        if definition.kind == "primitive-type":
            self._checks[name] = primitive_check(name, self._definitions)
            return self._checks[name]

        properties: dict[str, Check] = {}
        check = self._checks[name] = _object_check(definition, properties)
        if definition.kind == "resource":
            properties["resourceType"] = _pass
        for json_name, (element, code) in definition.by_json.items():
            self._compile_property(properties, json_name, element, code)
        if name == "Reference":
            properties["reference"] = reference_check(properties["reference"], self._definitions.resource_types)
        return check

    def _compile_property(self, properties: dict[str, Check], json_name: str, element: Element, code: str) -> None:
        item = self._check(code)
        properties[json_name] = _array_check(item) if element.repeats else item
        is_primitive = code != "Resource" and self._definitions.type(code).kind == "primitive-type"
        # What XML writes as an attribute has no id or extension, nor has a narrative: its id stands in the div.
        if is_primitive and not element.xml_attribute and code != "xhtml":
            partner = self._check("Element")
            properties[f"_{json_name}"] = _partners_check(partner) if element.repeats else partner


def _object_check(definition: TypeDefinition, properties: dict[str, Check]) -> Check:
    """Return the check of an object; `properties` is filled after, since types contain each other."""
    required = frozenset(each.name for each in definition.elements if each.min and not each.choice)
    choices = _choices(definition)
    required_choices = [each.name for each in definition.elements if each.min and each.choice]
    find = properties.get

    def check(value: Any) -> Faults:
        if value.__class__ is not dict:
            return mistyped(value, f"オブジェクト({definition.name})", f"an object ({definition.name})")
        found: list[Fault] = []
        partners: list[str] = []
        for name, child in value.items():
            property_check = find(name)
            if property_check is None:
                found.append(_unknown(name, definition))
            elif (faults := property_check(child)) is not None:
                if faults is PARTNERS:
                    partners.append(name)
                else:
                    step = _step(name, definition)
                    found += [fault.below(step) for fault in faults]
        if required and not value.keys() >= required:
            found += _missing(value, required, definition)
        if choices:
            chosen = [name for name in value if name in choices]
            if len(chosen) != 1:
                found += _choice_faults(chosen, choices, required_choices)
        if partners:
            found = _without_paired_nulls(found, value, partners)
        if not value:
            found.append(EMPTY_OBJECT)
        return found or None

    return check


def _choices(definition: TypeDefinition) -> dict[str, str]:
    """Return the element of each JSON name of a choice (`_valueString`, `valueString`: `value`)."""
    named = {name: element.name for name, (element, _) in definition.by_json.items() if element.choice}
    return named | {f"_{name}": element for name, element in named.items()}


def _array_check(item_check: Check) -> Check:
    def check(value: Any) -> Faults:
        if value.__class__ is not list:
            return mistyped(value, "配列", "an array")
        found: list[Fault] = []
        for index, item in enumerate(value):
            if (faults := item_check(item)) is not None:
                step = f"[{index}]"
                found += [NULL.below(step)] if item is None else [fault.below(step) for fault in faults]
        if not value:
            found.append(EMPTY_ARRAY)
        return found or None

    return check


def _partners_check(partner_check: Check) -> Check:
    """Return the check of `_given`: the ids and extensions of the values in `given`, null where there are none."""

    def check(value: Any) -> Faults:
        if value.__class__ is not list:
            return mistyped(value, "配列", "an array")
        found = [
            fault.below(f"[{index}]")
            for index, item in enumerate(value)
            if item is not None
            for fault in partner_check(item) or ()
        ]
        if all(item is None for item in value):
            found.append(EMPTY_ARRAY)
        return found or PARTNERS

    return check


def _pass(_value: Any) -> Faults:
    return None


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


def _unknown_resource_type(name: Any) -> Fault:
    if not isinstance(name, str):
        return Fault("", "structure", "resourceType がありません。", "The resourceType is missing.")
    shown = name if len(name) <= SHOWN else f"{name[:SHOWN]}…"
    return Fault(
        "",
        "structure",
        f"リソースの型「{shown}」は FHIR R4 にありません。",
        f"FHIR R4 has no resource type '{shown}'.",
    )


def _missing(value: dict[str, Any], required: Iterable[str], definition: TypeDefinition) -> list[Fault]:
    absent = {name for name in required if name not in value and f"_{name}" not in value}
    ordered = [element.name for element in definition.elements if element.name in absent]
    return [_missing_fault(name, definition.name) for name in ordered]


def _missing_fault(name: str, type_name: str) -> Fault:
    severity: Severity = "warning" if (type_name, name) in LACKING_IN_EXAMPLES else "error"
    ja = f"必須の要素「{name}」がありません。"
    return Fault(f".{name}", "required", ja, f"The required element '{name}' is missing.", severity)


def _choice_faults(chosen: list[str], choices: dict[str, str], required: list[str]) -> list[Fault]:
    """Tell of choices with more than one type, and of required ones without any."""
    names: dict[str, set[str]] = {}
    for name in chosen:
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
    return found + [_missing_fault(f"{element}[x]", "") for element in required if element not in names]


def _without_paired_nulls(found: list[Fault], value: dict[str, Any], partners: list[str]) -> list[Fault]:
    """Drop the faults of nulls that only keep the place of an id or extension beside them."""
    allowed = {
        f".{name[1:]}[{index}]"
        for name in partners
        for index, partner in enumerate(value[name])
        if isinstance(partner, dict)
    }
    return [fault for fault in found if fault.en != NULL.en or fault.path not in allowed]
