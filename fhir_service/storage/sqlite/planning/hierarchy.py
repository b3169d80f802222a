"""What is part of a resource, and what it is part of, step by step along the parameter that says so.

https://hl7.org/fhir/R4/search.html#recursive
"""

from collections.abc import Iterable

import apsw

from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.paths import told_type
from fhir_service.fhir.search.query import HierarchyValue, ReferenceValue
from fhir_service.storage.sqlite.keys import constant, hash64, parameter_id
from fhir_service.storage.sqlite.sql import json_array
from fhir_service.storage.too_costly import MOST_IN_HIERARCHY, too_large_hierarchy

_PARTS = """
SELECT r.rtype || '/' || r.id FROM json_each(?) m CROSS JOIN ix x ON x.k = m.value CROSS JOIN res r ON r.rid = x.rid
LIMIT ?
"""
_WHOLES = """
SELECT DISTINCT t.rtype || '/' || t.id FROM json_each(?) m CROSS JOIN res r ON r.rk = m.value
CROSS JOIN rf f ON f.rid = r.rid AND f.p = ? CROSS JOIN res t ON t.rk = f.tk
WHERE r.deleted = 0 AND t.deleted = 0 AND t.rtype = ? LIMIT ?
"""
_LIMIT = MOST_IN_HIERARCHY + 1


def members(connection: apsw.Connection, value: HierarchyValue) -> ReferenceValue:
    """Return what a hierarchy stands for; FhirError if it is very much."""
    found = set(value.targets)
    for parameter in value.part_of:
        last = {each for each in value.targets if told_type(each) == parameter.resource_type}
        while last:
            step = _wholes(connection, last, parameter) if value.above else _parts(connection, last, parameter)
            last = set(step) - found
            found |= last
            if len(found) - len(value.targets) > MOST_IN_HIERARCHY:
                raise too_large_hierarchy(MOST_IN_HIERARCHY)
    return ReferenceValue(tuple(sorted(found)))


def _parts(connection: apsw.Connection, targets: Iterable[str], parameter: SearchParameter) -> Iterable[str]:
    c = constant(parameter.resource_type, parameter.code)
    rows = connection.execute(_PARTS, (json_array([hash64(each) ^ c for each in targets]), _LIMIT))
    return (target for (target,) in rows)


def _wholes(connection: apsw.Connection, targets: Iterable[str], parameter: SearchParameter) -> Iterable[str]:
    p = parameter_id(parameter.resource_type, parameter.code)
    asked = (json_array([hash64(each) for each in targets]), p, parameter.resource_type, _LIMIT)
    return (target for (target,) in connection.execute(_WHOLES, asked))
