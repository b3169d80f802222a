"""Contained resources: each with an id of its own, none inside another, none referring to itself by way of others.

https://hl7.org/fhir/R4/references.html#contained
"""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault

SHOWN = 10  # contained resources of a circle that a message names


def without_contained(faults: list[Fault], resource: Resource) -> list[Fault]:
    """Return the faults but for those that are none, because this resource contains what they miss."""
    contained = resource["contained"]
    each_id = (each.get("id") for each in contained if isinstance(each, dict)) if isinstance(contained, list) else ()
    ids = {name for name in each_id if isinstance(name, str)}
    return [fault for fault in faults if fault.unless_contained is None or fault.unless_contained not in ids]


def contained_faults(resource: Resource) -> list[Fault]:
    """Return what is wrong with how resources are contained in this one."""
    contained = resource["contained"]
    if not isinstance(contained, list):
        return []

    ids = [each.get("id") if isinstance(each, dict) else None for each in contained]
    return [*_each_alone(contained), *_doubled(ids), *_cycle(contained, ids)]


def _each_alone(contained: list[Any]) -> Iterator[Fault]:
    for index, each in enumerate(contained):
        if not isinstance(each, dict):
            continue
        if "contained" in each:
            ja = "内包リソース(contained)の中に contained は置けません。"
            yield Fault(
                f".contained[{index}].contained", "structure", ja, "A contained resource must not contain others."
            )
        if "id" not in each:
            ja = "内包リソース(contained)には id が必要です。"
            yield Fault(f".contained[{index}].id", "required", ja, "A contained resource must have an id.")


def _doubled(ids: list[Any]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, each in enumerate(ids):
        if not isinstance(each, str):
            continue
        if each in seen:
            ja = f"内包リソース(contained)の id「{each}」が重複しています。"
            en = f"The id '{each}' is that of another contained resource."
            yield Fault(f".contained[{index}].id", "structure", ja, en)
        seen.add(each)


def _cycle(contained: list[Any], ids: list[Any]) -> Iterator[Fault]:
    known = {each for each in ids if isinstance(each, str)}
    graph = {
        name: {target for target in _fragments(each) if target in known}
        for name, each in zip(ids, contained, strict=True)
        if isinstance(name, str)
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        names = error.args[1][::-1]
        way = " → ".join(f"#{name}" for name in names[:SHOWN]) + (" → …" if len(names) > SHOWN else "")
        place = f".contained[{ids.index(error.args[1][0])}]"
        yield Fault(
            place,
            "invalid",
            f"内包リソースの参照が循環しています: {way}",
            f"Contained resources refer in a circle: {way}",
        )


def _fragments(value: Any) -> Iterator[str]:
    """Give the ids of contained resources that a value refers to."""
    pending = [value]
    while pending:
        match pending.pop():
            case dict(properties):
                reference = properties.get("reference")
                if isinstance(reference, str) and reference.startswith("#"):
                    yield reference[1:]
                pending.extend(properties.values())
            case list(items):
                pending.extend(items)
