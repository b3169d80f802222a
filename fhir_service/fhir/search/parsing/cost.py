"""How much work a search asks for, by its clauses alone: a bound on what one request can make the server do."""

from fhir_service.fhir.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Clause,
    Has,
    IdMatch,
    LastUpdatedMatch,
    Match,
    NoneOf,
    ReferenceValue,
    StringValue,
    WordsMatch,
)

MOST = 50_000
_LOOK_UP = 50
"""What a range or a text costs, a look-up of its own, where a key costs 1."""

_BRANCH = 12
"""What a type costs that a chain leads to: a part of the statement."""

_WHOLE = frozenset({"token", "reference", "uri"})


def cost(clause: Clause) -> int:
    """Return about how many keys a clause makes the server look up, as if each look-up were of keys."""
    match clause:
        case Match(_, values, "contains"):
            return sum(_LOOK_UP + 2 * len(value.folded) for value in values if isinstance(value, StringValue))
        case Match(parameter, values, modifier):
            if parameter.type not in _WHOLE or modifier in ("text", "code-text", "above", "below"):
                return _LOOK_UP * (len(values) + 1)
            return sum(len(value.targets) if isinstance(value, ReferenceValue) else 1 for value in values) + 1
        case IdMatch(ids):
            return len(ids)
        case LastUpdatedMatch(dates):
            return _LOOK_UP * len(dates)
        case Chain(_, clauses):
            return _LOOK_UP + sum(_BRANCH + cost(rest) for _, rest in clauses)
        case Has(_, _, rest):
            return _LOOK_UP + cost(rest)
        case WordsMatch():
            return _LOOK_UP
        case AnyOf(clauses) | AllOf(clauses) | NoneOf(clauses):
            return sum(map(cost, clauses))
