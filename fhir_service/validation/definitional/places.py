"""Elements of a definition by their path, with their places; tables of rules name them so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_service.fhir.resource import Resource

ANY_DEPTH = "**"


def elements_in(holder: Resource, path: str, place: str = "") -> Iterator[tuple[str, Any]]:
    """Give what a path (`rest.resource`) names, with its place (`.rest[0].resource[1]`).

    A name with `+` is also looked for inside itself (`concept+`); a path that begins with `**` at any depth.
    """
    step, _, rest = path.partition(".")
    if step == ANY_DEPTH:
        yield from _anywhere(holder, rest, place)
        return
    name = step.rstrip("+")
    for at, each in _listed(holder, name, place):
        if rest:
            yield from elements_in(each, rest, at)
        else:
            yield at, each
        if step != name:
            yield from elements_in(each, path, at)


def _anywhere(holder: Resource, name: str, place: str) -> Iterator[tuple[str, Any]]:
    for key in holder:
        for at, each in _listed(holder, key, place):
            if key == name:
                yield at, each
            if isinstance(each, dict) and "resourceType" not in each:
                yield from _anywhere(each, name, at)


def _listed(holder: Resource, name: str, place: str) -> Iterator[tuple[str, Any]]:
    value = holder.get(name, [])
    if isinstance(value, list):
        yield from ((f"{place}.{name}[{index}]", each) for index, each in enumerate(value))
    else:
        yield f"{place}.{name}", value
