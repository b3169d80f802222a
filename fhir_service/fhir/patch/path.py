"""From a FHIRPath to the places in a resource that it means.

An object is found by its identity in what the FHIRPath engine returns. Primitive values have none, so their path is
taken apart: the engine finds the objects before the last member, and the member and the filters after it are followed
here.
"""

import re
from typing import NamedTuple, NoReturn

from fhir_service.fhir import fhirpath
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import fhir_error
from fhir_service.fhir.patch.place import Json, Place, Places
from fhir_service.fhir.resource import Resource

_TOKEN = re.compile(r"'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|[%$]?\w+|\s+|.", re.DOTALL)
_MEMBER = re.compile(r"`(.+)`|([A-Za-z_]\w*)").fullmatch
_SUBSET = re.compile(r"(first|last|single|tail|skip|take)\(\s*(\d{0,9})\s*\)|\[\s*(\d{1,9})\s*\]").fullmatch
_FILTER = re.compile(r"(?:where|ofType|as)\(.*\)", re.DOTALL).fullmatch


class Target(NamedTuple):
    """An object to which members can be added. `beside` is the primitive whose companion it is, or is to become."""

    json: Json
    type: str
    beside: Place | None = None


class Paths:
    """Finds what FHIRPaths mean in one state of a resource; `steps` bounds each evaluation."""

    def __init__(self, resource: Resource, definitions: Definitions, steps: int) -> None:
        self.places = Places(resource, definitions)
        self._definitions = definitions
        self._environment = fhirpath.Environment(limit=steps)

    def elements(self, path: str) -> list[Place]:
        """Return the places of what the path finds; the resource itself has no place and is an error."""
        items = self._evaluate(path)
        if not items:
            return []
        if not all(isinstance(item.value, dict) for item in items):
            return self._primitives(path, items)

        places = [self.places.of(item.value) for item in items]
        return [place if place else _raise(path, *_NOT_PART) for place in places]

    def targets(self, path: str) -> list[Target]:
        """Return the objects that the path finds; that of a primitive is its companion."""
        items = self._evaluate(path)
        if all(isinstance(item.value, dict) for item in items):
            return [self._target(path, item.value) for item in items]
        return [
            Target(place.slots[place.index].companion or {}, "Element", place)
            for place in self._primitives(path, items)
        ]

    def collection(self, path: str) -> tuple[Target, str]:
        """Return the one object whose member is the list at this path, and the name of the member."""
        *head, last = segments(path) or _raise(path, *_NOT_PLAIN)
        member = _member(last) or _raise(path, "リストを指していません", "it does not lead to a list")
        targets = self.targets(_join(head))
        if len(targets) != 1:
            _raise(path, f"リストが{len(targets)}個あります", f"it leads to {len(targets)} lists, not one")
        return targets[0], member

    def _target(self, path: str, node: Json) -> Target:
        return Target(node, self.places.type_of(node) or _raise(path, *_NOT_PART))

    def _evaluate(self, path: str) -> list[fhirpath.Item]:
        return fhirpath.compile(path, self._definitions).evaluate(self.places.root, self._environment)

    def _primitives(self, path: str, items: list[fhirpath.Item]) -> list[Place]:
        """Return the places of primitive values: those of the last member, less what the rest filters away."""
        parts = segments(path) or _raise(path, *_NOT_PLAIN)
        last = max((n for n, part in enumerate(parts) if _member(part)), default=-1)
        name = _member(parts[last]) or _raise(path, *_NOT_PLAIN)
        found = [
            place
            for target in self.targets(_join(parts[:last]))
            for place in self.places.members(target.json, target.type, name)
        ]
        for end in range(last + 1, len(parts)):
            found = self._filtered(found, _join(parts[:end]), parts[end]) or _raise(path, *_NOT_PLAIN)

        values = [place.slots[place.index].value for place in found]
        return found if values == [item.value for item in items] else _raise(path, *_NOT_PLAIN)

    def _filtered(self, places: list[Place], path: str, part: str) -> list[Place]:
        """Return those of the places at `path` that the next part of it keeps."""
        if subset := _SUBSET(part):
            name, count, index = subset.groups()
            n = int(index or count or 0)
            kept = {
                "first": places[:1],
                "last": places[-1:],
                "tail": places[1:],
                "skip": places[n:],
                "take": places[:n],
            }
            return kept.get(name, places) if name else places[n : n + 1]
        if _FILTER(part):
            return [
                place
                for n, place in enumerate(places)
                if self._evaluate(f"{path}.skip({n}).take(1).{part}.exists()")[0].value
            ]
        return []


def segments(path: str) -> list[str] | None:
    """Take a path apart: `name`, `where(use = 'official')`, `given`, `[0]`; None if it is more than a path."""
    parts: list[str] = []
    depth, joined = 0, False  # joined: the next word belongs to a new part
    for token in _TOKEN.findall(path):
        if depth or token in "([{":
            depth += (token in "([{") - (token in ")]}")
            if (token == "[" and depth == 1) or not parts:
                parts.append(token)
            else:
                parts[-1] += token
        elif token == ".":
            joined = True
        elif token.isspace():
            continue
        elif (_MEMBER(token) or token[0] in "%$") and (joined or not parts):
            parts.append(token)
            joined = False
        else:
            return None
    return parts or None


def _member(part: str) -> str | None:
    found = _MEMBER(part)
    return (found[1] or found[2]) if found else None


def _join(parts: list[str]) -> str:
    """Put parts together again; no part is the resource itself."""
    return "".join(part if part[0] == "[" else f".{part}" for part in parts).removeprefix(".") or "$this"


_NOT_PART = ("このリソースの要素ではありません", "it does not lead to elements of the resource")
_NOT_PLAIN = ("要素の場所を特定できません", "it does not say where the element is; use a plain path")


def _raise(path: str, ja: str, en: str) -> NoReturn:
    shown = path[:200]
    raise fhir_error("processing", f"パス「{shown}」: {ja}。", f'The path "{shown}": {en}.', status=422)
