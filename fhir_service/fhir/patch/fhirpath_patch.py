"""FHIRPath Patch: operations in a Parameters resource, applied in their order, all or none.

https://hl7.org/fhir/R4/fhirpatch.html
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.definitions.model import Element
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.patch.path import Paths, Target
from fhir_service.fhir.patch.place import Json, Place, Places, Slot, read_slots, write_slots
from fhir_service.fhir.patch.value import bring, unknown_element, value_name
from fhir_service.fhir.resource import Resource

OPERATION_LIMIT = 1000  # each compiles a path and walks the resource
STEPS = 1_000_000  # of evaluation, which all paths of a patch share (about half a second)
LEAST_STEPS = 5_000  # that each of them has all the same


def apply_fhirpath_patch(resource: Resource, parameters: Resource, definitions: Definitions) -> Resource:
    """Return the patched resource; raise FhirError 400 for malformed Parameters, 422 for what cannot be applied.

    The expression of an error is that of the operation: `Parameters.parameter[1]`.
    """
    patched: Resource = deepcopy(resource)
    steps = max(LEAST_STEPS, STEPS // max(1, _size(parameters)))
    for where, operation in _operations(parameters):
        try:
            _APPLY[operation.type](operation, _Patch(Paths(patched, definitions, steps), definitions))
        except FhirError as error:
            raise FhirError(*(replace(issue, expression=(where,)) for issue in error.issues), status=422) from error
    return patched


def _size(parameters: Resource) -> int:
    """Return how many operations there are; 400 if they are no list or too many."""
    given = parameters.get("parameter", [])
    if not isinstance(given, list) or len(given) > OPERATION_LIMIT:
        raise _malformed("Parameters", f"操作は{OPERATION_LIMIT}個まで", f"at most {OPERATION_LIMIT} operations")
    return len(given)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `value` is the whole part of that name."""

    type: str
    path: str
    name: str | None = None
    value: Json | None = None
    index: int | None = None
    source: int | None = None
    destination: int | None = None


@dataclass(frozen=True, slots=True)
class _Patch:
    """One state of the resource and the definitions, for one operation."""

    paths: Paths
    definitions: Definitions

    @property
    def places(self) -> Places:
        return self.paths.places

    def slot(self, operation: Operation, owner: str, element: Element) -> tuple[str, Slot]:
        """Return the property and the slot for the value that the operation brings."""
        return bring(operation.value or {}, owner, element, self.definitions)

    def collection(self, operation: Operation) -> tuple[Target, Element]:
        """Return the list that the path means: the object it stands in, and its element."""
        target, name = self.paths.collection(operation.path)
        element = _known(self.places, target.type, name)
        if not element.repeats:
            raise _refused(operation, f"{name}はリストではありません", f"{name} is no list")
        return target, element

    def write(self, target: Target, name: str, slots: list[Slot], element: Element) -> None:
        """Make a property of the target hold these, and the target stand where it belongs."""
        write_slots(target.json, name, slots, repeats=element.repeats)
        if beside := target.beside:
            of = beside.slots
            of[beside.index] = of[beside.index]._replace(companion=target.json)
            write_slots(beside.holder, beside.name, of, repeats=beside.element.repeats)


def _add(operation: Operation, patch: _Patch) -> None:
    """Append to the element at the path, under the name; what does not repeat must not be there yet."""
    target = _single(patch.paths.targets(operation.path), operation)
    element = _known(patch.places, target.type, operation.name or "")
    name, slot = patch.slot(operation, target.type, element)
    there = patch.places.members(target.json, target.type, element.name)
    if there and not element.repeats:
        raise _refused(operation, f"{element.name}はすでにあります", f"{element.name} is there already")

    patch.write(target, name, [*read_slots(target.json, name), slot], element)


def _insert(operation: Operation, patch: _Patch) -> None:
    """Insert into the list at the path, at the index, which may be the length of the list."""
    target, element = patch.collection(operation)
    slots = read_slots(target.json, element.name)
    name, slot = patch.slot(operation, target.type, element)
    slots.insert(_within(operation, "index", operation.index, len(slots)), slot)

    patch.write(target, name, slots, element)


def _delete(operation: Operation, patch: _Patch) -> None:
    """Delete the element at the path; it is no error if there is none."""
    places = patch.paths.elements(operation.path)
    if not places:
        return
    place = _single(places, operation)
    slots = place.slots
    del slots[place.index]

    write_slots(place.holder, place.name, slots, repeats=place.element.repeats)
    patch.places.prune(place.holder)


def _replace(operation: Operation, patch: _Patch) -> None:
    """Put the value in the place of the one element at the path; a choice may change its type."""
    place = _single(patch.paths.elements(operation.path), operation)
    owner = patch.places.type_of(place.holder) or "Element"
    name, slot = patch.slot(operation, owner, place.element)
    slots = place.slots
    slots[place.index] = slot

    if name != place.name:
        write_slots(place.holder, place.name, [], repeats=False)
    write_slots(place.holder, name, slots, repeats=place.element.repeats)


def _move(operation: Operation, patch: _Patch) -> None:
    """Move within the list at the path, from the source to the destination, which counts without the moved one."""
    target, element = patch.collection(operation)
    slots = read_slots(target.json, element.name)
    last = len(slots) - 1
    slot = slots.pop(_within(operation, "source", operation.source, last))
    slots.insert(_within(operation, "destination", operation.destination, last), slot)

    patch.write(target, element.name, slots, element)


_APPLY: dict[str, Callable[[Operation, _Patch], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}

# https://hl7.org/fhir/R4/fhirpatch.html: the parts that each type must have besides its type and path.
_REQUIRED: dict[str, tuple[str, ...]] = {
    "add": ("name", "value"),
    "insert": ("index", "value"),
    "delete": (),
    "replace": ("value",),
    "move": ("source", "destination"),
}
_Found = TypeVar("_Found", Place, Target)
_PART_TYPES: dict[str, type] = {"type": str, "path": str, "name": str, "index": int, "source": int, "destination": int}


def _operations(parameters: Resource) -> Iterator[tuple[str, Operation]]:
    """Yield the operations, each with the expression of its parameter."""
    for n, parameter in enumerate(parameters.get("parameter", [])):
        where = f"Parameters.parameter[{n}]"
        match parameter:
            case {"name": "operation", "part": list(parts)}:
                yield where, _operation(parts, where)
            case _:
                raise _malformed(where, "partをもつoperationが必要", "an operation with its parts is required")


def _operation(parts: list[Any], where: str) -> Operation:
    """Return one operation; its parts stand once each, and all that its type needs are there."""
    given: dict[str, Any] = {}
    for part in parts:
        name = str(part.get("name")) if isinstance(part, dict) else ""
        if name in given or (name != "value" and name not in _PART_TYPES):
            raise _malformed(where, f"part「{name}」が未知か重複", f'the part "{name}" is unknown or stands twice')
        given[name] = part if name == "value" else part.get(value_name(part) or "")
        if name != "value" and type(given[name]) is not _PART_TYPES[name]:
            raise _malformed(where, f"part「{name}」の値が不正", f'the value of the part "{name}" is of a wrong type')

    if given.get("type") not in _APPLY:
        raise _malformed(where, f"typeは{'・'.join(_APPLY)}のどれか", f"the type must be one of {', '.join(_APPLY)}")
    absent = [name for name in ("path", *_REQUIRED[given["type"]]) if name not in given]
    if absent:
        raise _malformed(where, f"part「{absent[0]}」が必要", f'the part "{absent[0]}" is required')
    return Operation(**given)


def _single(found: list[_Found], operation: Operation) -> _Found:
    if len(found) != 1:
        raise _refused(
            operation, f"要素が1つではなく{len(found)}個あります", f"it finds {len(found)} elements, not one"
        )
    return found[0]


def _known(places: Places, type_name: str, name: str) -> Element:
    if element := places.element(type_name, name):
        return element
    raise unknown_element(type_name, name)


def _within(operation: Operation, what: str, index: int | None, last: int) -> int:
    """Return the index if it is one from 0 to the last."""
    if index is None or not 0 <= index <= last:
        raise _refused(operation, f"{what}が範囲外です({index})", f"the {what} {index} is out of range")
    return index


def _refused(operation: Operation, ja: str, en: str) -> FhirError:
    path = operation.path[:200]
    return fhir_error("processing", f"パス「{path}」: {ja}。", f'The path "{path}": {en}.', status=422)


def _malformed(where: str, ja: str, en: str) -> FhirError:
    return fhir_error(
        "structure", f"FHIRPath Patchの形式が不正です: {ja}。", f"This is no FHIRPath Patch: {en}.", (where,)
    )
