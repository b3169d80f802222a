"""`_include`, `_revinclude` and chains by canonical URL: from a reference to the definitions of that URL, and back.

The key of a reference and that of the definition's `url` are of the same text, each under the constant of its
parameter, so that one is had from the other. A canonical with a version means that version, if it is here.
https://hl7.org/fhir/R4/references.html#canonical
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import apsw

from fhir_service.fhir.search.index import ReferenceEntry
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.query import Include
from fhir_service.storage.sqlite.keys import constant, hash64, parameter_id, reference_texts
from fhir_service.storage.sqlite.rows import decode_rows
from fhir_service.storage.sqlite.sql import Part, json_array
from fhir_service.storage.sqlite.values import Both, Keys, Not

_INDEXED = (
    "SELECT r.rid, r.rtype, e.rows, e.sort FROM json_each(?) m CROSS JOIN res r ON r.rid = m.value "
    "CROSS JOIN entries e ON e.rid = r.rid WHERE r.deleted = 0"
)
_BY_KEY = "SELECT x.rid FROM json_each(?) m CROSS JOIN ix x ON x.k = m.value"


class _Indexed(NamedTuple):
    """What the index knows of a resource: its keys, and its URL with and without version, if it has one."""

    type: str
    keys: frozenset[int]
    urls: tuple[str, ...]


def reached_by_canonical(connection: apsw.Connection, rids: Sequence[int], includes: Iterable[Include]) -> set[int]:
    """Return the rids that these includes reach from these resources by canonical URL."""
    by_canonical = [include for include in includes if include.canonical]
    if not by_canonical:
        return set()
    here = _indexed(connection, rids)
    reached: set[int] = set()
    for include in by_canonical:
        if include.reverse:
            reached |= _reverse(connection, here, include)
        else:
            sources = {rid: each for rid, each in here.items() if each.type == include.source}
            reached.update(rid for _, rid in _forward(connection, sources, include))
    return reached


def naming(
    connection: apsw.Connection, resource_type: str, code: str, passed: Mapping[str, Iterable[int]]
) -> Iterator[Part]:
    """Give the parts for resources whose parameter names one of these definitions, which are given by their type.

    A version that is not here means any; so does none.
    """
    c = constant(resource_type, code)
    meant = _indexed(connection, [rid for rids in passed.values() for rid in rids])
    urls = {each.urls[0] for each in meant.values() if each.urls}
    keys = {hash64(url) ^ constant(type_, "url") for url in urls for type_ in passed}
    by_url: dict[str, dict[int, frozenset[int]]] = {url: {} for url in urls}
    for rid, each in _indexed(connection, _by_key(connection, keys)).items():
        if each.urls:
            by_url[each.urls[0]][rid] = _versioned(each, code, c)
    found: list[int] = []
    for url, versions in by_url.items():
        if versions.keys() <= meant.keys():
            found.append(hash64(url) ^ c)
            continue
        found += [key for rid, exact in versions.items() if rid in meant for key in exact]
        known = tuple(frozenset[int]().union(*versions.values()))
        yield Both((Keys((hash64(url) ^ c,)), Not(resource_type, Keys(known))))
    yield Keys(tuple(found))


def _forward(
    connection: apsw.Connection, sources: Mapping[int, _Indexed], include: Include
) -> Iterator[tuple[int, int]]:
    """Give the pairs (reference, definition) of these resources by an include."""
    c = constant(include.source, include.parameter.code)
    wanted = {
        key ^ c ^ constant(target, "url")
        for each in sources.values()
        for key in each.keys
        for target in include.canonical
    }
    if not wanted:
        return
    found = _by_key(connection, wanted)
    definitions = {rid: each for rid, each in _indexed(connection, found).items() if each.type in include.canonical}
    by_url: dict[str, list[int]] = {}
    for rid, definition in definitions.items():
        by_url.setdefault(definition.urls[0], []).append(rid)
    for source, each in sources.items():
        for url, versions in by_url.items():
            if hash64(url) ^ c not in each.keys:
                continue
            exact = [rid for rid in versions if _means(definitions[rid], include.parameter, c, each.keys)]
            for rid in exact or versions:
                yield source, rid


def _reverse(connection: apsw.Connection, here: Mapping[int, _Indexed], include: Include) -> set[int]:
    definitions = {rid: each for rid, each in here.items() if each.type in include.canonical and each.urls}
    c = constant(include.source, include.parameter.code)
    sources = _by_key(connection, {hash64(each.urls[0]) ^ c for each in definitions.values()})
    pairs = _forward(connection, _indexed(connection, sources), include)
    return {source for source, rid in pairs if rid in definitions}


def _means(definition: _Indexed, parameter: SearchParameter, c: int, keys: frozenset[int]) -> bool:
    """Whether one of the keys is a reference to this version of the definition."""
    return not _versioned(definition, parameter.code, c).isdisjoint(keys)


def _versioned(definition: _Indexed, code: str, c: int) -> frozenset[int]:
    """Return the keys of the references to just this version of a definition."""
    url, *versioned = definition.urls
    return frozenset(
        hash64(text) ^ c
        for each in versioned
        for text in reference_texts(ReferenceEntry(code, url, each.removeprefix(f"{url}|")))[1:]
    )


def _by_key(connection: apsw.Connection, keys: Iterable[int]) -> list[int]:
    return [rid for (rid,) in connection.execute(_BY_KEY, (json_array(list(keys)),))]


def _indexed(connection: apsw.Connection, rids: Sequence[int]) -> dict[int, _Indexed]:
    rows = connection.execute(_INDEXED, (json_array(list(rids)),))
    return {rid: _Indexed(type_, frozenset(decode_rows(ix).ix), _urls(type_, sort)) for rid, type_, ix, sort in rows}


def _urls(resource_type: str, sort: str) -> tuple[str, ...]:
    match json.loads(sort).get(str(parameter_id(resource_type, "url"))):
        case str(url):
            return (url,)
        case [str(least), str(greatest)]:
            return (least, greatest)
        case _:
            return ()
