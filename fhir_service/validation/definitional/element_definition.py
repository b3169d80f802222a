"""The elements of a differential: values, bindings, targets, references and rules fit the types that the elements have.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from fhir_service.fhir.definitions.snapshot import Snapshot
from fhir_service.fhir.definitions.type_model import type_code
from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.resource import Resource
from fhir_service.validation.base import TYPE_BASE
from fhir_service.validation.binding import CODED
from fhir_service.validation.definitional.element_path import ANYTHING, elements_at
from fhir_service.validation.definitional.element_value import (
    changed_flags,
    extension_profiles,
    inherited_keys,
    value_faults,
)
from fhir_service.validation.definitional.expression import UNKNOWN, read_expression
from fhir_service.validation.fault import Fault

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

RULE = "definition"
SHOWN = 120
MOST_CODES = 6  # that a message repeats
VALUES = ("fixed", "pattern", "defaultValue", "minValue", "maxValue")
REFERRING = frozenset({"Reference", "canonical"})
TRUTHS = frozenset({"boolean", "System.Boolean"})
# Types of elements by which the path tells what an expression is asked of.
HOLDERS = frozenset({"BackboneElement", "Element"})
ANY_TYPE = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})


class Said(NamedTuple):
    """An element of a differential: its place, what is said of it, and what then holds of it (as in the snapshot)."""

    place: str
    element: Resource
    whole: Resource


def element_definition_rules(definition: Resource, made: Snapshot, run: Run) -> Iterator[Fault]:
    """Give the faults of the elements of a differential, of which the snapshot `made` was made."""
    whole = {each["id"]: each for each in made.elements}
    yield from _order(made)
    yield from _slices(made, whole)
    yield from _value_and_parts(whole)
    keys: dict[str, Any] = {}
    before = _base(definition, run)
    for index, (element, id_) in enumerate(zip(definition["differential"]["element"], made.places, strict=True)):
        said = Said(f".differential.element[{index}]", element, whole.get(str(id_), {}))
        yield from _targets(said, run)
        yield from _value_set(said, run)
        yield from _key_again(said, keys)
        yield from changed_flags(said.element, before.get(element.get("path"), {}), said.place)
        yield from inherited_keys(said.element, before, said.place)
        yield from extension_profiles(said.element, said.place, run)
        if said.whole:
            yield from _values(said)
            yield from value_faults(said.element, said.whole, said.place, run)
            yield from _bindable(said)
            yield from _wider_set(said, before.get(element.get("path"), {}), run)
            yield from _constraints(said, run)
            yield from _content(said, whole, run)


def _order(made: Snapshot) -> Iterator[Fault]:
    """Tell of elements that do not stand in the order of the base."""
    ranks = {each["id"]: rank for rank, each in enumerate(made.elements)}
    latest = -1
    for index, id_ in enumerate(made.places):
        rank = ranks.get(str(id_), latest)
        if rank < latest:
            ja = f"要素 {str(id_)[:SHOWN]} は、元の定義の順ではもっと前に来ます。"
            en = f"The element {str(id_)[:SHOWN]} comes earlier in the order of what it is derived from."
            yield _fault(f".differential.element[{index}]", ja, en)
        latest = max(rank, latest)


def _slices(made: Snapshot, whole: dict[str, Resource]) -> Iterator[Fault]:
    """Tell of slices that must be there more often, or may be, than the element that is sliced."""
    least: dict[str, int] = {}
    for each in made.elements:
        sliced, _, name = each["id"].rpartition(":")
        if not name or "." in name or "/" in name:
            continue
        least[sliced] = least.get(sliced, 0) + each.get("min", 0)
    told: set[str] = set()
    for index, id_ in enumerate(made.places):
        sliced = str(id_).rpartition(":")[0] or str(id_)
        most = whole.get(sliced, {}).get("max", "*")
        if sliced in {*least} - told and most not in ("*", "0") and least[sliced] > int(most):
            told.add(sliced)
            ja = f"スライスの min の合計({least[sliced]})が max({most})より大きくなっています。"
            en = f"The slices must be there {least[sliced]} times together, but the max is {most}."
            yield _fault(f".differential.element[{index}]", ja, en)


def _value_and_parts(whole: dict[str, Resource]) -> Iterator[Fault]:
    """Tell of an extension that must have both a value and extensions (ext-1), or may have neither."""
    root = [whole.get(f"Extension.{name}", {}) for name in ("value[x]", "extension")]
    if all(each.get("max") == "0" for each in root):
        ja = "値も内側の拡張も使えないので、どの拡張も合いません(規則 ext-1)。"
        yield _fault("", ja, "No extension can have neither a value nor extensions (rule ext-1).")
    for id_, element in whole.items():
        holder, _, name = id_.rpartition(".")
        if name != "value[x]" or not element.get("min") or "Extension" not in (holder, *_codes(whole.get(holder, {}))):
            continue
        parts = (each for key, each in whole.items() if key.rpartition(".")[0] == holder and each is not element)
        if any(each["path"].endswith(".extension") and each.get("min") for each in parts):
            ja = "値と内側の拡張の両方が必須なので、どの拡張も合いません(規則 ext-1)。"
            yield _fault("", ja, "No extension can have both a value and extensions, as it must (rule ext-1).")


def _codes(element: Resource) -> list[str]:
    return [type_code(each) for each in element.get("type", ())]


def _values(said: Said) -> Iterator[Fault]:
    """Tell of values of another type than the element has."""
    codes = _codes(said.whole)
    if not codes or ANY_TYPE & {*codes}:
        return
    allowed = {f"{code[:1].upper()}{code[1:]}" for code in codes}
    for name in said.element:
        start = next((each for each in VALUES if name.startswith(each)), None)
        if start is not None and name[len(start) :] not in allowed:
            yield _other_type(f"{said.place}.{start}", name, codes)
    for number, example in enumerate(said.element.get("example", ())):
        for name in example:
            if name.startswith("value") and name[5:] not in allowed:
                yield _other_type(f"{said.place}.example[{number}].value", name, codes)


def _other_type(place: str, name: str, codes: list[str]) -> Fault:
    types = ", ".join(dict.fromkeys(codes))
    ja = f"{name} の型は、この要素の型({types})ではありません。"
    return _fault(place, ja, f"{name} is not of a type of this element ({types}).")


def _bindable(said: Said) -> Iterator[Fault]:
    codes = {*_codes(said.whole)}
    if "binding" in said.element and codes and not codes & (CODED | ANYTHING | {"Element", "Extension"}):
        types = ", ".join(sorted(codes))
        ja = f"型が {types} の要素に、値セットは結び付けられません。"
        yield _fault(f"{said.place}.binding", ja, f"A value set cannot be bound to an element of type {types}.")


def _base(definition: Resource, run: Run) -> dict[Any, Resource]:
    """Return the elements of what a definition constrains, by their paths; nothing of slices."""
    try:
        base = run.validator.definitions.snapshot(str(definition.get("baseDefinition")))
    except FhirError:
        return {}
    return {each["path"]: each for each in base.elements if ":" not in each["id"]} if base else {}


def _wider_set(said: Said, base: Resource, run: Run) -> Iterator[Fault]:
    """Tell of a value set that has codes which the required value set of the base has not."""
    before, now = base.get("binding", {}), said.element.get("binding", {})
    wide, narrow = before.get("valueSet"), now.get("valueSet")
    if before.get("strength") != "required" or not isinstance(wide, str) or not isinstance(narrow, str):
        return
    allowed, members = (run.validator.terminology.members(each) for each in (wide, narrow))
    if wide == narrow or not allowed or not members or any(code is None for _, code in (*allowed, *members)):
        return
    if more := sorted(str(code) for _, code in members - allowed):
        codes = ", ".join(more[:MOST_CODES])
        ja = f"{narrow[:SHOWN]} に、元の値セット {wide[:SHOWN]} にないコードがあります: {codes}。"
        en = f"{narrow[:SHOWN]} has codes that the value set of the base, {wide[:SHOWN]}, has not: {codes}."
        yield _fault(f"{said.place}.binding.valueSet", ja, en)


def _value_set(said: Said, run: Run) -> Iterator[Fault]:
    url = said.element.get("binding", {}).get("valueSet")
    named = run.validator.definitions.name(url) if isinstance(url, str) else None
    if named is not None and named.resource_type != "ValueSet":
        ja = f"{str(url)[:SHOWN]} は {named.resource_type} で、値セット(ValueSet)ではありません。"
        en = f"{str(url)[:SHOWN]} is a {named.resource_type}, not a value set."
        yield Fault(f"{said.place}.binding.valueSet", "business-rule", ja, en, rule="definition-binding")


def _targets(said: Said, run: Run) -> Iterator[Fault]:
    """Tell of targets that are no profiles of resources, and of profiles that are no profiles."""
    known = run.validator.definitions
    for number, kind in enumerate(said.element.get("type", ())):
        for name in ("profile", "targetProfile"):
            for at, url in enumerate(kind.get(name, ())):
                found = known.find(url) if isinstance(url, str) else None
                if found is None or found.get("resourceType") == "ImplementationGuide":
                    continue
                what = found.get("type") if found.get("resourceType") == "StructureDefinition" else None
                if what is None:
                    ja = f"{url[:SHOWN]} は {found.get('resourceType')} で、プロファイルではありません。"
                    en = f"{url[:SHOWN]} is a {found.get('resourceType')}, not a profile."
                elif name == "targetProfile" and found.get("kind") not in ("resource", "logical"):
                    ja = f"{url[:SHOWN]} は {what} のもので、参照先になりません。"
                    en = f"{url[:SHOWN]} is of {what}, which nothing can refer to."
                else:
                    continue
                yield _fault(f"{said.place}.type[{number}].{name}[{at}]", ja, en)


def _key_again(said: Said, keys: dict[str, Any]) -> Iterator[Fault]:
    """Tell of a rule whose key another rule of the definition has."""
    for number, each in enumerate(said.element.get("constraint", ())):
        key, expression = str(each.get("key")), each.get("expression")
        other = keys.setdefault(key, expression)
        if other != expression and expression is not None and other is not None:
            ja = f"規則の key「{key[:SHOWN]}」は、別の式の規則にも使われています。"
            en = f"The key '{key[:SHOWN]}' is that of another rule, too, with another expression."
            yield _fault(f"{said.place}.constraint[{number}].key", ja, en)


def _constraints(said: Said, run: Run) -> Iterator[Fault]:
    context = context_of(said.whole, run)
    for number, each in enumerate(said.element.get("constraint", ())):
        place = f"{said.place}.constraint[{number}].expression"
        reading = read_expression(each.get("expression"), place, run, context)
        yield from reading.faults
        found = [types for types in reading.selects.values() if types]
        if found and not any(TRUTHS & {*types} for types in found):
            names = ", ".join(sorted({each for types in found for each in types})[:MOST_CODES])
            ja = f"規則の式は真偽を答えません({names})。"
            yield Fault(place, "invalid", ja, f"The rule does not answer yes or no, but {names}.", rule=UNKNOWN)


def context_of(element: Resource, run: Run) -> str | None:
    """Return the type that the rules of an element are asked of, None if that cannot be told."""
    known, path = run.validator.definitions, element["path"]
    if known.has_type(path):
        return str(path)
    codes = _codes(element)
    return codes[0] if len(codes) == 1 and known.has_type(codes[0]) and codes[0] not in HOLDERS else None


def _content(said: Said, whole: dict[str, Resource], run: Run) -> Iterator[Fault]:
    reference = said.element.get("contentReference")
    if not isinstance(reference, str):
        return
    url, _, path = reference.partition("#")
    root = path.partition(".")[0]
    if url and url.removeprefix(TYPE_BASE) != root:
        return
    if path not in whole and elements_at(path, run.validator.definitions) is None:
        ja = f"「{reference[:SHOWN]}」という要素はありません。"
        yield _fault(f"{said.place}.contentReference", ja, f"There is no element '{reference[:SHOWN]}'.")


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule=RULE)
