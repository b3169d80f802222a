"""Where the elements of a definition stand: ids that say their path, and what a definition of a new type has to say.

https://hl7.org/fhir/R4/elementdefinition.html#id and https://hl7.org/fhir/R4/structuredefinition.html#logical
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.resource import Resource
from fhir_service.validation.base import TYPE_BASE
from fhir_service.validation.fault import Fault

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

RULE = "definition"
SHOWN = 120
CHOICE = "[x]"
ABSTRACT = frozenset({"Element", "BackboneElement", "Resource", "DomainResource"})


def element_place_rules(definition: Resource, run: Run) -> Iterator[Fault]:
    """Give the faults of the places of the elements of a StructureDefinition."""
    for view in ("differential", "snapshot"):
        for index, element in enumerate(definition.get(view, {}).get("element", ())):
            yield from _id(element, f".{view}.element[{index}]")
    if definition.get("derivation") == "specialization":
        yield from _new_elements(definition, run)


def _id(element: Resource, place: str) -> Iterator[Fault]:
    """Tell of an id that is not that of the path and slice of its element."""
    path, id_, name = str(element.get("path")), element.get("id"), element.get("sliceName")
    if not isinstance(id_, str):
        return
    steps = [each.partition(":") for each in id_.split(".")]
    names = path.split(".")
    if len(steps) != len(names) and ":" in id_:
        return  # slices whose names have a dot
    if len(steps) != len(names) or not all(_same(step, name) for (step, _, _), name in zip(steps, names, strict=True)):
        ja = f"要素の id「{id_[:SHOWN]}」が、path「{path[:SHOWN]}」のものではありません。"
        yield _fault(f"{place}.id", ja, f"The id '{id_[:SHOWN]}' is not that of the path '{path[:SHOWN]}'.")
    elif name is not None and steps[-1][1] and steps[-1][2] != name:
        ja = f"要素の id「{id_[:SHOWN]}」が、sliceName「{str(name)[:SHOWN]}」のものではありません。"
        yield _fault(f"{place}.id", ja, f"The id '{id_[:SHOWN]}' is not that of the slice '{str(name)[:SHOWN]}'.")


def _same(one: str, other: str) -> bool:
    """Whether two names of an element are the same; `value[x]` is also called `valueQuantity`."""
    if one == other:
        return True
    return any(a.endswith(CHOICE) and b.startswith(a[: -len(CHOICE)]) for a, b in ((one, other), (other, one)))


def _new_elements(definition: Resource, run: Run) -> Iterator[Fault]:
    """Tell of elements of a new type without parent, type or cardinality, or of types that there are not."""
    elements = definition.get("differential", {}).get("element", ())
    if str(definition.get("baseDefinition")).removeprefix(TYPE_BASE) == definition.get("type"):
        ja, en = "新しい型は、元の型と同じではいけません。", "A new type must not be the one that it is derived from."
        yield _fault(".type", ja, en)
    inherited = _inherited(definition, run)
    if not elements or inherited is None:
        return
    said = {str(each.get("path")) for each in elements}
    published = "snapshot" in definition
    types = {each.get("path"): [kind.get("code") for kind in each.get("type", ())] for each in elements}
    for index, element in enumerate(elements):
        above, _, name = str(element.get("path")).rpartition(".")
        below = str(element.get("path")).partition(".")[2]
        if not above or below in inherited:
            continue
        place = f".differential.element[{index}]"
        if above not in said and above.partition(".")[2] not in inherited:
            ja = f"要素 {above[:SHOWN]} がありません。"
            yield _fault(f"{place}.path", ja, f"There is no element {above[:SHOWN]}.")
        if any(_is_primitive(each, run) for each in types.get(above, ())):
            ja = f"{above[:SHOWN]} の型は、内側に要素を持てません。"
            yield _fault(f"{place}.path", ja, f"Nothing can be inside {above[:SHOWN]}, which is primitive.")
        lacking = [] if published else [each for each in ("min", "max") if each not in element]
        lacking += [] if "type" in element or "contentReference" in element else ["type"]
        if lacking:
            needed = ", ".join(lacking)
            ja = f"新しい型の要素 {name[:SHOWN]} には {needed} が必要です。"
            yield _fault(place, ja, f"The element {name[:SHOWN]} of a new type needs {needed}.")
        yield from _types(element, name, place, run)


def _is_primitive(code: Any, run: Run) -> bool:
    known = run.validator.definitions
    return isinstance(code, str) and known.has_type(code) and known.kind(code) == "primitive-type"


def _types(element: Resource, name: str, place: str, run: Run) -> Iterator[Fault]:
    codes = [str(each.get("code")) for each in element.get("type", ())]
    for number, code in enumerate(codes):
        if ":" not in code and not run.validator.definitions.has_type(code):
            ja = f"型「{code[:SHOWN]}」は FHIR R4 にありません。"
            yield _fault(f"{place}.type[{number}].code", ja, f"FHIR R4 has no type '{code[:SHOWN]}'.")
    if len({*codes}) > 1 and (abstract := ABSTRACT & {*codes}):
        ja = f"型の選択に、抽象型({', '.join(abstract)})は使えません。"
        yield _fault(f"{place}.type", ja, f"An abstract type, {', '.join(abstract)}, cannot be part of a choice.")
    if len({*codes}) > 1 and not name.endswith(CHOICE):
        ja = f"型が複数ある要素 {name[:SHOWN]} の名前は、{CHOICE} で終わらなければなりません。"
        yield _fault(f"{place}.path", ja, f"The name of {name[:SHOWN]}, which has several types, must end in {CHOICE}.")


def _inherited(definition: Resource, run: Run) -> set[str] | None:
    """Return the paths, without their root, of what a new type is derived from; None if that is not here."""
    url = definition.get("baseDefinition")
    if url is None:
        return {""}
    try:
        base = run.validator.definitions.snapshot(str(url))
    except FhirError:
        return None
    return {each["path"].partition(".")[2] for each in base.elements} if base else None


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule=RULE)
