"""`_include` and `_revinclude`: the resources that others refer to, and those that refer to them.

https://hl7.org/fhir/R4/search.html#include
"""

from collections.abc import Iterable, Sequence

import apsw

from fhir_service.fhir.search.query import Include
from fhir_service.storage.sqlite.keys import key_of_target, parameter_id
from fhir_service.storage.sqlite.planning.canonicals import definitions, keys_of_names
from fhir_service.storage.sqlite.sql import Parameter, Sql, json_array, one_of
from fhir_service.storage.too_costly import too_many_included


def included(
    connection: apsw.Connection, rids: Sequence[int], types: Iterable[str], includes: Sequence[Include], limit: int
) -> list[int]:
    """Return the rids that these include, hop by hop, each hop by rid; FhirError if there are more than `limit`.

    `types` are those of the resources, and perhaps others: no reference is looked for in what cannot have it.
    """
    seen, found, frontier, of_types, again = set(rids), list[int](), list(rids), set(types), list(includes)
    while frontier and (hop := [include for include in again if _leads_on(include, of_types)]):
        reached: dict[int, str] = {}
        for select in _selects(frontier, hop):
            room = limit - len(found) + len(seen) + 1  # what has been seen may come again
            reached.update(connection.execute(f"{select.text} LIMIT ?", (*select.parameters, room)))
        frontier, of_types = sorted(reached.keys() - seen), set(reached.values())
        seen.update(frontier)
        found += frontier
        if len(found) > limit:
            raise too_many_included(limit)
        again = [include for include in includes if include.iterate]
    return found


def _leads_on(include: Include, types: set[str]) -> bool:
    targets = include.parameter.targets
    return (not targets or not types.isdisjoint(targets)) if include.reverse else include.source in types


def _selects(rids: Sequence[int], includes: Sequence[Include]) -> list[Sql]:
    """Return a SELECT of what each group of includes reaches from these resources, rid and type."""
    forward: dict[str | None, list[Parameter]] = {}
    for include in includes:
        if not include.reverse:
            p = parameter_id(include.source, _stored(include))
            forward.setdefault(_target(include), []).append(p)
    reverse = [include for include in includes if include.reverse]
    return [
        *[_forward(rids, parameters, target) for target, parameters in forward.items()],
        *[_reverse(rids, include) for include in reverse],
        *[_by_canonical(rids, include) for include in includes if include.canonical],
    ]


def _forward(rids: Sequence[int], parameters: Sequence[Parameter], target: str | None) -> Sql:
    of_target, names = ("", ()) if target is None else (" AND r.rtype = ?", (target,))
    test = one_of("f.p", parameters)
    return Sql(
        f"SELECT DISTINCT r.rid, r.rtype FROM json_each(?) m CROSS JOIN rf f ON f.rid = m.value AND {test.text} "
        f"CROSS JOIN res r ON r.rk = f.tk WHERE r.deleted = 0{of_target}",
        (json_array(list(rids)), *test.parameters, *names),
    )


def _reverse(rids: Sequence[int], include: Include) -> Sql:
    target = _target(include)
    targets = (target,) if target else include.parameter.targets
    of_target = f" AND r.rtype IN ({', '.join('?' * len(targets))})" if targets else ""
    key = key_of_target("r", include.source, _stored(include))
    return Sql(
        f"SELECT DISTINCT x.rid, ? FROM json_each(?) m CROSS JOIN res r ON r.rid = m.value "
        f"CROSS JOIN ix x ON x.k = {key} WHERE 1{of_target}",
        (include.source, json_array(list(rids)), *targets),
    )


def _by_canonical(rids: Sequence[int], include: Include) -> Sql:
    named, code = include.canonical, include.parameter.code
    of = [each for each in named if include.target in (None, each)]
    if include.reverse:
        found = keys_of_names("j.value", of, named, include.source, code)
        text = f"SELECT DISTINCT x.rid, ? FROM json_each(?) j CROSS JOIN ix x ON x.k IN ({found})"
        return Sql(text, (include.source, json_array(list(rids))))
    found = definitions("f.tk", of, named)
    text = (
        f"SELECT DISTINCT r.rid, r.rtype FROM json_each(?) j CROSS JOIN rf f ON f.rid = j.value "
        f"AND f.p = {parameter_id(include.source, code)} CROSS JOIN res r ON r.rid IN ({found})"
    )
    return Sql(text, (json_array(list(rids)),))


def _stored(include: Include) -> str:
    return include.parameter.holder or include.parameter.code


def _target(include: Include) -> str | None:
    """Return the type that is meant; of a parameter with a holder it is that of its references."""
    return include.target or (include.parameter.targets[0] if include.parameter.holder else None)
