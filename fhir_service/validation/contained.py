"""Contained resources: each with an id of its own, none inside another, none a stranger, none in a circle.

https://hl7.org/fhir/R4/references.html#contained
"""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault
from fhir_service.validation.narrative_link import local_links

SHOWN = 10  # contained resources of a circle that a message names


def contained_faults(resource: Resource, *, sound: bool = True) -> list[Fault]:
    """Return what is wrong with how resources are contained in this one; `sound`: each has the shape of its type."""
    contained = resource["contained"]
    if not isinstance(contained, list):
        return []

    ids = [each.get("id") if isinstance(each, dict) else None for each in contained]
    found = [*_each_alone(contained), *_doubled(ids), *_cycle(contained, ids)]
    return found if found or not sound else [*_strangers(resource, contained)]


def _each_alone(contained: list[Any]) -> Iterator[Fault]:
    for index, each in enumerate(contained):
        if not isinstance(each, dict):
            continue
        place = f".contained[{index}]"
        if "contained" in each:
            ja = "内包リソース(contained)の中に contained は置けません(規則 dom-2)。"
            en = "A contained resource must not contain others (rule dom-2)."
            yield Fault(f"{place}.contained", "structure", ja, en, rule="dom-2")
        if "id" not in each:
            ja = "内包リソース(contained)には id が必要です。"
            yield Fault(f"{place}.id", "required", ja, "A contained resource must have an id.")
        yield from _without_meta(each.get("meta"), place)


# https://hl7.org/fhir/R4/domainresource.html: what the meta of a contained resource must not have
_META = {"versionId": "dom-4", "lastUpdated": "dom-4", "security": "dom-5"}


def _without_meta(meta: Any, place: str) -> Iterator[Fault]:
    for name, rule in _META.items() if isinstance(meta, dict) else ():
        if name in meta:
            ja = f"内包リソースの meta に {name} は書けません(規則 {rule})。"
            en = f"The meta of a contained resource must not have {name} (rule {rule})."
            yield Fault(f"{place}.meta.{name}", "invariant", ja, en, rule=rule)


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


def _strangers(resource: Resource, contained: list[Any]) -> Iterator[Fault]:
    """Tell of contained resources that nothing refers to, and that do not refer to their container (dom-3)."""
    named = {*_fragments(resource), *local_links(resource)}
    for index, each in enumerate(contained):
        if not isinstance(each, dict) or not isinstance(name := each.get("id"), str):
            continue
        if name not in named and "" not in _fragments(each):
            ja = f"内包リソース「{name}」は、どこからも参照されていません(規則 dom-3)。"
            en = f"Nothing refers to the contained resource '{name}' (rule dom-3)."
            yield Fault(f".contained[{index}]", "invariant", ja, en, rule="dom-3")


def _cycle(contained: list[Any], ids: list[Any]) -> Iterator[Fault]:
    known = {each for each in ids if isinstance(each, str)}
    graph = {
        name: {target for target in _fragments(each, only_references=True) if target in known}
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


def _fragments(value: Any, *, only_references: bool = False) -> Iterator[str]:
    """Give the ids of contained resources that a value names: in references, and in canonicals, URIs and URLs."""
    pending = [value]
    while pending:
        match pending.pop():
            case dict(properties):
                if only_references:
                    reference = properties.get("reference")
                    if isinstance(reference, str) and reference.startswith("#"):
                        yield reference[1:]
                    pending.extend(each for each in properties.values() if isinstance(each, (dict, list)))
                else:
                    pending.extend(properties.values())
            case list(items):
                pending.extend(items)
            case str(text) if text.startswith("#") and not only_references:
                yield text[1:]
