"""A snapshot that contradicts the differential beside it: it does not say what the differential says.

https://hl7.org/fhir/R4/structuredefinition.html#interpretation
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fhir_service.fhir.definitions.snapshot.faults import fault
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource

RULE = "definition-snapshot"

# What a snapshot must repeat as the differential says it; texts and examples may differ.
REPEATED = ("min", "max", "maxLength", "mustSupport", "isModifier")
REPEATED_CHOICES = ("fixed", "pattern", "minValue", "maxValue")

OWN = {"BackboneElement", "Element"}
"""The types of elements whose children are of the definition itself."""

# Whether what the differential makes is not what the snapshot says; one of them may have no binding.
LACKING: dict[str, Callable[[Resource, Resource], bool]] = {
    "type": lambda made, found: _each(made, "type", "code") != _each(found, "type", "code"),
    "binding": lambda made, found: _strength(found) is not None and _strength(made) not in (None, _strength(found)),
    "constraint": lambda made, found: not _each(made, "constraint", "key") <= _each(found, "constraint", "key"),
}


def is_contradictory(definition: Resource) -> bool:
    """Whether a definition has a snapshot and a differential that do not agree, or that cannot be compared."""
    match definition:
        case {"snapshot": {"element": [*snapshot]}, "differential": {"element": [*differential]}}:
            try:
                return next(contradictions("", snapshot, differential), None) is not None
            except (AttributeError, KeyError, TypeError):
                return True
    return "snapshot" in definition and "differential" in definition


def contradictions(url: str, snapshot: Iterable[Resource], differential: Iterable[Resource]) -> Iterator[Issue]:
    """Give an issue for each element of the differential that the snapshot has otherwise or not at all."""
    by_id = {each.get("id"): each for each in snapshot}
    paths = {each["path"] for each in by_id.values()}
    for said in differential:
        name = said.get("id")
        if not isinstance(name, str):
            continue
        found = by_id.get(name)
        if found is None:
            if not _is_named(said["path"], paths):
                ja, en = "snapshot にこの要素がありません", "its snapshot does not have it"
                yield fault(url, ja, en, at=name, rule=RULE)
            continue
        different = [key for key in said if _is_repeated(key) and not _same(said[key], found.get(key))]
        if different:
            keys = ", ".join(different)
            ja, en = (
                f"snapshot が differential と食い違います({keys})",
                f"its snapshot contradicts its differential ({keys})",
            )
            yield fault(url, ja, en, at=name, rule=RULE)


def departures(url: str, snapshot: Iterable[Resource], made: Iterable[Resource]) -> Iterator[Issue]:
    """Give an issue for each element that a snapshot has otherwise than the one that was made of the differential."""
    said, wanted = list(snapshot), list(made)
    by_id = {each.get("id"): each for each in said}
    yield from _strangers(url, said, wanted)
    for element in wanted:
        name = element["id"]
        found = by_id.get(name)
        if found is None:
            yield fault(url, "snapshot にこの要素がありません", "its snapshot does not have it", at=name, rule=RULE)
            continue
        different = [key for key in ("min", "max") if element.get(key) != found.get(key)]
        different += [key for key, lacks in LACKING.items() if lacks(element, found)]
        if different:
            keys = ", ".join(different)
            ja = f"snapshot が、differential から作られるものと違います({keys})"
            yield fault(url, ja, f"its snapshot is not what its differential makes ({keys})", at=name, rule=RULE)


def _strangers(url: str, snapshot: list[Resource], made: list[Resource]) -> Iterator[Issue]:
    """Give an issue for the first element that there must not be, and the first that stands too late.

    A snapshot may say more of what data types have inside, and have slices in another order.
    """
    ranks = {each["path"]: rank for rank, each in reversed(list(enumerate(made)))}
    inside = {each["path"] for each in made if "." not in each["path"] or OWN & _each(each, "type", "code")}
    latest, strange = 0, False
    for each in snapshot:
        path, name = each["path"], str(each.get("id"))
        if not strange and path.rpartition(".")[0] in inside and not _is_named(path, {*ranks}):
            strange = True
            ja, en = "snapshot に、元にない要素があります", "its snapshot has an element that its base has not"
            yield fault(url, ja, en, at=name, rule=RULE)
        rank = ranks.get(path, latest) if ":" not in name else latest
        if rank < latest:
            ja, en = "snapshot の要素の順が違います", "its snapshot does not have the elements in their order"
            yield fault(url, ja, en, at=name, rule=RULE)
            return
        latest = rank


def _is_named(path: str, paths: set[str]) -> bool:
    """Whether a snapshot has an element of this path, or of the choices that its steps are short for."""
    root, *names = path.split(".")
    found = root
    for name in names:
        choices = (f"{found}.{name[:at]}[x]" for at, letter in enumerate(name) if letter.isupper())
        there = next((each for each in (f"{found}.{name}", *choices) if each in paths), None)
        if there is None:
            return False
        found = there
    return True


def _is_repeated(key: str) -> bool:
    return key in REPEATED or key.startswith(REPEATED_CHOICES)


def _same(said: Any, found: Any) -> bool:
    return bool(said == found)


def _each(element: Resource, name: str, key: str) -> set[Any]:
    return {each.get(key) for each in element.get(name, ())}


def _strength(element: Resource) -> Any:
    return element.get("binding", {}).get("strength")
