"""References by canonical URL in SQL: from a canonical to the definitions that it means, and back.

A canonical means the definitions that have its URL, of those types that its parameter can name, and the one that stands
at the URL, if that is an address of this server. If it says a version and that is here, it means no other; if not, each
of them.
https://hl7.org/fhir/R4/references.html#canonical

`rf` holds under a definition's own parameter `url` what it is known by, its URL, `url|version` and `Type/id`; under the
parameter of another resource the canonicals that this says, each as a whole. `cn` leads from every such canonical to
what definitions are known by: few rows, however many resources say the same.
"""

from collections.abc import Sequence

from fhir_service.storage.sqlite.keys import key_of, parameter_id


def definitions(name: str, of: Sequence[str], types: Sequence[str]) -> str:
    """Return the SELECT of the definitions of these types that a canonical means, which can name all `types`.

    `name` is the SQL for the canonical as `rf` has it.
    """
    return (
        f"SELECT g.rid FROM cn m CROSS JOIN rf g INDEXED BY rf_target ON g.tk = m.tk AND {_is_url('g', of)} "
        f"WHERE m.n = {name} AND {_is_meant(types)}"
    )


def keys_of_names(rid: str, of: Sequence[str], types: Sequence[str], source_type: str, code: str) -> str:
    """Return the SELECT of the keys in `ix` of the canonicals that mean a definition of one of the types `of`.

    `rid` is the SQL for the definition; the parameter of the source type can name all `types`.
    """
    return (
        f"SELECT {key_of('m.n', source_type, code)} FROM rf g CROSS JOIN cn m ON m.tk = g.tk "
        f"WHERE g.rid = {rid} AND {_is_url('g', of)} AND {_is_meant(types)}"
    )


def _is_meant(types: Sequence[str]) -> str:
    """Return the test that a row of `cn` holds: the version that the canonical says is this one, or is not here."""
    exact = f"SELECT 1 FROM rf e INDEXED BY rf_target WHERE e.tk = m.unless AND {_is_url('e', types)}"
    return f"(m.unless = 0 OR NOT EXISTS ({exact}))"


def _is_url(row: str, types: Sequence[str]) -> str:
    """Return the test that a row of `rf` says what a definition of one of these types is known by."""
    ps = sorted({parameter_id(each, "url") for each in types})
    return f"{row}.p = {ps[0]}" if len(ps) == 1 else f"{row}.p IN ({', '.join(map(str, ps))})"
