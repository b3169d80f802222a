"""Where an element of a differential belongs: its path as steps with slice names.

https://hl7.org/fhir/R4/elementdefinition.html#id
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fhir_service.fhir.resource import Resource


class Step(NamedTuple):
    """One step of an element's id: `value[x]:valueQuantity` is `Step("value[x]", "valueQuantity")`."""

    name: str
    slice: str = ""


Steps = tuple[Step, ...]


def placed(elements: Iterable[Resource]) -> Iterator[tuple[Steps, Resource]]:
    """Give each element of a differential with its steps.

    The id tells them where it agrees with the path. Without one, an element belongs to the slices that were met last.
    """
    before: Steps = ()
    for element in elements:
        before = _by_id(element) or _by_order(element, before)
        yield before, element


def _by_id(element: Resource) -> Steps | None:
    names = str(element.get("path", "")).split(".")
    parts = _parts(element["id"]) if isinstance(element.get("id"), str) else []
    if len(parts) != len(names) or parts[0] != Step(names[0]):
        return None
    if not all(_is_same(part.name, name, part.slice) for part, name in zip(parts, names, strict=True)):
        return None
    named = element.get("sliceName", "")
    if named and parts[-1].slice != named:
        parts[-1] = Step(parts[-1].name, named)
    return tuple(parts)


def _parts(identifier: str) -> list[Step]:
    """Split an id at its dots; a slice name with a dot in it cannot be told and fails to agree with the path."""
    divided = (part.partition(":") for part in identifier.split("."))
    return [Step(name, slice_name) for name, _, slice_name in divided]


def _is_same(in_id: str, in_path: str, slice_name: str) -> bool:
    """Whether the steps name the same element; a path may shorten a choice whose id is sliced by type."""
    return in_id == in_path or (bool(slice_name) and in_id.endswith("[x]") and in_path.startswith(in_id[:-3]))


def _by_order(element: Resource, before: Steps) -> Steps:
    names = str(element.get("path", "")).split(".")
    steps: list[Step] = []
    for depth, name in enumerate(names[:-1]):
        known = tuple(steps) == before[:depth] and depth < len(before) and before[depth].name == name
        steps.append(before[depth] if known else Step(name))
    return (*steps, Step(names[-1], element.get("sliceName", "")))
