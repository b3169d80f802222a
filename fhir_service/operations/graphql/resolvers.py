"""How the fields of a query are answered: elements from the resource, resources from the store.

https://hl7.org/fhir/R4/graphql.html
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import GraphQLResolveInfo, get_directive_values, get_named_type

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.reference import parse_reference
from fhir_service.fhir.resource import Key, Resource
from fhir_service.fhir.search.parsing.parse import parse_search
from fhir_service.fhir.search.query import Query
from fhir_service.interactions.answers import cursor
from fhir_service.interactions.answers.assembly import query_string
from fhir_service.interactions.answers.cursor import Position
from fhir_service.interactions.answers.versions import not_found, standing
from fhir_service.operations.graphql.scalars import argument_name
from fhir_service.operations.graphql.session import AT_ONCE, Session
from fhir_service.operations.graphql.shape import Shape
from fhir_service.storage.store import Cursor, Page

FHIR_TYPE = "fhir_type"
"""Under this name a type of the schema tells its type or path in FHIR."""

_CUTS = frozenset({"fhirpath", "_count", "_offset"})
_SHAPING = ("flatten", "first", "singleton", "slice")

Info = GraphQLResolveInfo
Resolver = Callable[..., Awaitable[Any]]


def resource_type(value: Resource, info: Info, abstract: object) -> str:
    """Return which type a resource is, where it may be of any."""
    return str(value["resourceType"])


def element(source: Resource, info: Info, /, **cut: Any) -> Any:
    """Return an element as the resource has it; of a list, what the arguments leave of it."""
    session: Session = info.context
    value = source.get(info.field_name)
    if isinstance(value, list) and not session.values(len(value)):
        return None
    if cut and value:
        value = _cut(value, info, cut)
    return _noted(value, info) if info.field_nodes[0].directives else value


async def by_id(source: None, info: Info, /, **arguments: Any) -> Resource:
    """Return the resource with this id."""
    session: Session = info.context
    key = Key(info.field_name, arguments["id"])
    found = await session.read(key)
    return found or session.resource(standing(key, await session.services.store.read(key)))


async def referred(source: Resource, info: Info, /, **options: Any) -> Resource | None:
    """Return what a reference leads to: nothing if it is not of the `type` asked for, or cannot be had but may lack."""
    session: Session = info.context
    text = source.get("reference")
    if text is None or session.stopped:
        return None
    found = session.contained(source) if text.startswith("#") else await _stored(text, session)
    if found is None:
        if options.get("optional") or session.stopped:
            return None
        raise not_found(text[:200])
    if options.get("type") not in (None, found["resourceType"]):
        return None
    _noted(found, info)
    return found


async def _stored(text: str, session: Session) -> Resource | None:
    reference = parse_reference(text)
    if reference.key is None or not reference.is_local(session.base):
        return None
    if reference.version is None:
        return await session.read(reference.key)
    if not reference.version.isdecimal():
        return None
    session.found(1)
    version = await session.services.store.vread(reference.key, int(reference.version[:18]))
    return session.resource(version) if version and not version.deleted else None


class Search(NamedTuple):
    """A search as GraphQL asks for it; `bound_to` is what its cursors are good for."""

    query: Query
    bound_to: str


def listed(name: str) -> Resolver:
    """Return what answers `TypeList`."""

    async def answer(source: Resource | None, info: Info, /, **arguments: Any) -> Any:
        session: Session = info.context
        most = session.services.max_count
        count, offset = arguments.pop("_count", None), arguments.pop("_offset", None) or 0
        if offset < 0 or offset > most or (count is not None and not 0 <= count <= most):
            raise _beyond(most)
        search = _search(name, source, arguments, session)
        page = await _page(search.query, session, offset + (most if count is None else count))
        if count is None and page.next is not None:
            raise _more(name, most)
        found = [session.resource(each) for each in page.matches[offset:]]
        return _in_turns(_noted(found, info))

    return answer


def connected(name: str) -> Resolver:
    """Return what answers `TypeConnection`: a page, and the cursors of those beside it."""

    async def answer(source: Resource | None, info: Info, /, **arguments: Any) -> Any:
        session: Session = info.context
        services = session.services
        count, token = arguments.pop("_count", None), arguments.pop("_cursor", None)
        if count is not None and count < 0:
            raise _beyond(services.max_count)
        size = services.default_count if count is None else min(count, services.max_count)
        search = _search(name, source, arguments, session)
        start = Position("after", (0,))
        place = cursor.position(token, search.bound_to, services.secret) if token else start
        offset, *at = place.cursor
        page = await _page(search.query, session, size, place.direction, tuple(at)) if size else Page((), total=0)

        def link(direction: cursor.Direction, to: int, at: Cursor | None) -> str | None:
            if at is None:
                return None
            return cursor.token(Position(direction, (max(to, 0), *at)), search.bound_to, services.secret)

        here = offset if isinstance(offset, int) else 0
        return {
            "offset": here,
            "pagesize": size,
            "first": cursor.token(start, search.bound_to, services.secret),
            "previous": link("before", here - size, page.previous),
            "next": link("after", here + size, page.next),
            "edges": [{"mode": "match", "resource": session.resource(each)} for each in page.matches],
            "query": search.query,
        }

    return answer


async def total(source: Resource, info: Info, /) -> int | None:
    """Return how many there are on all pages; counted only if it is asked for."""
    session: Session = info.context
    return (await session.search(source["query"], count=0, total=True)).total


async def edges(source: Resource, info: Info, /) -> Any:
    """Return the matches of a page."""
    return _in_turns(_noted(source["edges"], info))


def _search(name: str, source: Resource | None, arguments: Mapping[str, Any], session: Session) -> Search:
    indexer = session.services.indexer
    parameters = indexer.registry.parameters(name)
    codes = {argument_name(code): code for code in parameters}
    criteria: list[tuple[str, str]] = []
    for argument, values in arguments.items():
        if argument != "_reference" and values is not None:
            each = values if isinstance(values, list) else [values]
            criteria += [(codes.get(argument, argument), str(value)) for value in each if value is not None]
    if source is not None:
        criteria.insert(0, _pointing_at(source, name, arguments.get("_reference"), session))
    parsed = parse_search(name, criteria, indexer, base=session.base, now=session.started)
    return Search(parsed.query, f"graphql/{name}?{query_string(criteria)}")


def _pointing_at(source: Resource, name: str, said: str | None, session: Session) -> tuple[str, str]:
    """Return the criterion of what refers to a resource by the parameter that `_reference` names."""
    here = source["resourceType"]
    pointing = {
        argument_name(code): code
        for code, each in session.services.indexer.registry.parameters(name).items()
        if each.type == "reference" and (here in each.targets or not each.targets)
    }
    code = pointing.get(argument_name(said)) if said else None
    if code is None or "id" not in source:
        known = ", ".join(pointing.values())
        ja = f"{name}から{here}を指す検索パラメーターを_referenceに指定してください({known})。"
        raise fhir_error("value", ja, f"_reference has to name how a {name} refers to a {here}: {known}.")
    return code, f"{here}/{source['id']}"


async def _page(
    query: Query, session: Session, count: int, direction: cursor.Direction = "after", at: Cursor = ()
) -> Page:
    after, before = (at or None, None) if direction == "after" else (None, at or None)
    return await session.search(query, count=count, after=after, before=before)


def _cut(values: list[Any], info: Info, cut: Mapping[str, Any]) -> list[Any]:
    """Return the items that have these values in their elements, fulfil the FHIRPath, and stand in these places."""
    session: Session = info.context
    for name, wanted in cut.items():
        if name not in _CUTS and wanted is not None:
            values = [each for each in values if each and _says(each.get(name), wanted)]
    if (expression := cut.get("fhirpath")) is not None:
        values = session.kept(values, _code(info, session), expression)
    offset, count = cut.get("_offset") or 0, cut.get("_count")
    if offset < 0 or (count is not None and count < 0):
        raise _beyond(session.services.max_count)
    return values[offset:] if count is None else values[offset : offset + count]


def _says(found: Any, wanted: Any) -> bool:
    if isinstance(found, list):
        return any(_says(each, wanted) for each in found)
    return found is wanted if isinstance(wanted, bool) else found is not None and str(found) == wanted


def _noted(value: Any, info: Info) -> Any:
    """Note what the directives of a field do to its answer, and return its value."""
    session: Session = info.context
    node = info.field_nodes[0]
    said = {each.name.value for each in node.directives or ()}
    if not said.intersection(_SHAPING):
        return value
    names = None
    if "slice" in said and isinstance(value, list):
        directive = info.schema.get_directive("slice")
        given = (get_directive_values(directive, node, info.variable_values) if directive else None) or {}
        names = session.names(value, _code(info, session), given.get("path") or given.get("fhirpath") or "$index")
    path = tuple(info.path.as_list())
    session.shapes[path] = Shape("flatten" in said, "first" in said, "singleton" in said, names)
    return value


def _code(info: Info, session: Session) -> str:
    """Return the FHIR type of a field."""
    of: str | None = get_named_type(info.return_type).extensions.get(FHIR_TYPE)
    parent = info.parent_type.extensions.get(FHIR_TYPE)
    if of is not None or parent is None:
        return of or "Resource"
    _, code = session.services.definitions.type(parent).by_json[info.field_name]
    return code


def _in_turns(values: Sequence[Any]) -> Any:
    """Return the values so that other requests get their turn while they are answered."""
    return values if len(values) <= AT_ONCE else _one_by_one(values)


async def _one_by_one(values: Iterable[Any]) -> AsyncIterator[Any]:
    for n, each in enumerate(values):
        if n % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
        yield each


def _more(name: str, most: int) -> FhirError:
    ja = f"該当するものが{most:,}件を超えています。_countを指定するか、{name}Connectionでページに分けてください。"
    en = f"There are more than {most:,}. Say _count, or use {name}Connection, which has pages."
    return fhir_error("too-costly", ja, en)


def _beyond(most: int) -> FhirError:
    ja, en = f"_countと_offsetは0から{most:,}までです。", f"_count and _offset are from 0 to {most:,}."
    return fhir_error("value", ja, en)
