"""From the clauses of a query to parts of SQL.

https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.search.contained import CONTAINED, inside
from fhir_service.fhir.search.parameter import SearchType
from fhir_service.fhir.search.paths import told_type
from fhir_service.fhir.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Clause,
    CompositeValue,
    Has,
    HierarchyValue,
    IdMatch,
    LastUpdatedMatch,
    Match,
    NearValue,
    NoneOf,
    ReferenceValue,
    StringValue,
    TokenValue,
    TypedValue,
    UriValue,
    WordsMatch,
)
from fhir_service.storage.sqlite.keys import (
    code_text_id,
    constant,
    hash64,
    identifier_text,
    parameter_id,
    target_texts,
    token_text,
    type_key,
    typed_text,
)
from fhir_service.storage.sqlite.planning.composite_parts import composite_part, near_part
from fhir_service.storage.sqlite.planning.hierarchy import members
from fhir_service.storage.sqlite.planning.links import Chained, Had, ways
from fhir_service.storage.sqlite.planning.ranges import dates, numbers, quantities
from fhir_service.storage.sqlite.planning.values import Both, Differs, Either, Ids, Keys, Not, Strings, Updated, begins
from fhir_service.storage.sqlite.sql import Context, Part
from fhir_service.storage.sqlite.words import Words

_EMPTY = token_text(TokenValue("", ""))
_ANY = "SELECT 1 FROM ix WHERE k = ? LIMIT 1"
_SHAPES = "SELECT k, params FROM shape WHERE rtype = ?"
_LOOKED_UP = "SELECT x FROM tok WHERE k = ?"
_decode_codes = msgspec.json.Decoder(list[str]).decode


def part_of(resource_type: str, clause: Clause, context: Context) -> Part:
    """Return the part for a clause on resources of a type."""
    match clause:
        case Match():
            return _match_part(resource_type, clause, context)
        case IdMatch(ids):
            return Ids(resource_type, ids)
        case LastUpdatedMatch(values):
            return Updated(resource_type, values)
        case WordsMatch():
            # Over all types most have no resource: the words are looked up for the others only.
            return Words(resource_type, clause) if _has_any(resource_type, context) else Keys(())
        case Chain():
            return _chain_part(resource_type, clause, context)
        case Has(source_type, _, rest):
            part = part_of(source_type, rest, context)
            return _either([Had(resource_type, way, part) for way in ways(source_type, clause)])
        case AnyOf(clauses):
            return _either([part_of(resource_type, each, context) for each in clauses])
        case AllOf(clauses):
            return Both(tuple([part_of(resource_type, each, context) for each in clauses]))
        case NoneOf(()):
            return Keys((type_key(resource_type),))
        case NoneOf(clauses):
            return Not(resource_type, _either([part_of(resource_type, each, context) for each in clauses]))


def _has_any(resource_type: str, context: Context) -> bool:
    return context.connection.execute(_ANY, (type_key(resource_type),)).get is not None


def _chain_part(resource_type: str, chain: Chain, context: Context) -> Part:
    """Return the part for a chain: by type and id, by canonical URL, and inside what is contained if anything is."""
    parts_of = ((type_, part_of(type_, rest, context)) for type_, rest in chain.clauses)
    targets = tuple((type_, part) for type_, part in parts_of if part != Keys(()))
    parts: list[Part] = [
        Chained(way, tuple([each for each in targets if each[0] in (way.named or (each[0],))]))
        for way in ways(resource_type, chain)
    ]
    if not (chain.literal or chain.canonical) or _is_marked(resource_type, CONTAINED, context):
        parts += _inside(resource_type, chain, context)
    return _either(parts)


def _inside(resource_type: str, chain: Chain, context: Context) -> tuple[Part, ...]:
    def is_there(match: Match) -> bool:
        return _is_marked(resource_type, match.parameter.code, context)

    return tuple(part_of(resource_type, each, context) for each in inside(chain, is_there))


def _is_marked(resource_type: str, code: str, context: Context) -> bool:
    """Whether any resource has the empty token under a code, by which `contained.py` marks what holds others.

    It is asked now, for an estimate may be of before the last write.
    """
    key = hash64(_EMPTY) ^ constant(resource_type, code)
    return context.connection.execute(_ANY, (key,)).get is not None


def _either(parts: Sequence[Part]) -> Part:
    keys = [part for part in parts if isinstance(part, Keys)]
    if len(keys) == len(parts):
        return _keys([key for part in keys for key in part.keys])
    return parts[0] if len(parts) == 1 else Either(tuple(parts))


def having(resource_type: str, code: str, has: bool, context: Context) -> Keys:
    """Return the keys of the shapes of a type that have, or have not, a value for a parameter."""
    rows = context.connection.execute(_SHAPES, (resource_type,))
    return Keys(tuple(k for k, codes in rows if (code in _decode_codes(codes)) is has))


def _match_part(resource_type: str, match: Match, context: Context) -> Part:
    if match.modifier == "missing":
        return _missing(resource_type, match, context)
    if match.modifier == "differs" and match.parameter.type != "string":
        return _differing(resource_type, match, context)
    make = _PARTS.get(match.parameter.type)
    if make is None or match.modifier not in _MODIFIERS:
        raise _not_supported(match)
    part = make(resource_type, match, context)
    return Not(resource_type, part) if match.modifier == "not" else part


def _missing(resource_type: str, match: Match, context: Context) -> Keys:
    return having(resource_type, match.parameter.code, match.missing is False, context)


def _differing(resource_type: str, match: Match, context: Context) -> Part:
    """Return the part for some value that is another: by its text, or by the same code in another system."""
    p = parameter_id(resource_type, match.parameter.code)
    match match.values[0]:
        case TokenValue(None, str(code)):
            return Differs(resource_type, p, (code,))
        case TokenValue(_, str(code)) as whole:
            c = constant(resource_type, match.parameter.code)
            same = set(_token_keys(TokenValue(None, code), c, context, str))
            others = same.difference(_token_keys(whole, c, context, str))
            return Either((Differs(resource_type, p, (code,)), Keys(tuple(others))))
        case ReferenceValue(targets):
            return Differs(resource_type, p, targets)
        case UriValue(uri):
            return Differs(resource_type, p, (uri,))
        case _:
            raise _not_supported(match)


def _tokens(resource_type: str, match: Match, context: Context) -> Part:
    c = constant(resource_type, match.parameter.code)
    keys: list[int] = []
    for value in match.values:
        if isinstance(value, StringValue):
            p = (code_text_id if match.modifier == "code-text" else parameter_id)(resource_type, match.parameter.code)
            keys += _keys_of_texts(p, value.folded, context)
        elif isinstance(value, TypedValue):
            keys.append(hash64(typed_text(value.type_system, value.type_code, value.value)) ^ c)
        else:
            keys += _token_keys(value, c, context, str)
    return _keys(keys)


def _keys_of_texts(p: int, prefix: str, context: Context) -> list[int]:
    """Return the keys of the texts that begin with `prefix`."""
    test = begins("v", prefix)
    rows = context.connection.execute(f"SELECT k FROM txt WHERE p = ? AND {test.text}", (p, *test.parameters))
    return [k for (k,) in rows]


def _keys_of_versions(p: int, text: str, context: Context) -> list[int]:
    """Return the keys of `url|version`, and of the parts of that version."""
    exact = context.connection.execute("SELECT k FROM txt WHERE p = ? AND v = ?", (p, text))
    return [*[k for (k,) in exact], *_keys_of_texts(p, f"{text}.", context)]


def _references(resource_type: str, match: Match, context: Context) -> Part:
    parameter = match.parameter
    c = constant(resource_type, parameter.code)
    held = constant(resource_type, parameter.holder) if parameter.holder else c
    keys: list[int] = []
    for asked in match.values:
        value = members(context.connection, asked) if isinstance(asked, HierarchyValue) else asked
        if isinstance(value, ReferenceValue):
            if value.identifier is not None:
                keys += _token_keys(value.identifier, c, context, identifier_text)
                continue
            if value.below and value.version is not None:
                p = parameter_id(resource_type, parameter.code)
                for target in value.targets:
                    keys += _keys_of_versions(p, f"{target}|{value.version}", context)
                continue
            for target, text in zip(value.targets, target_texts(value), strict=True):
                keys.append(hash64(text) ^ c)
                if held != c and told_type(target) in parameter.targets:
                    keys.append(hash64(text) ^ held)
    return _keys(keys)


def _token_keys(value: Any, c: int, context: Context, text: Callable[[str], str]) -> list[int]:
    key = hash64(text(token_text(value))) ^ c
    keys = [] if value.system is None else [key]
    if value.system and value.value is not None:
        return keys
    return [*keys, *[x for (x,) in context.connection.execute(_LOOKED_UP, (key,))]]


def _uris(resource_type: str, match: Match, context: Context) -> Part:
    c = constant(resource_type, match.parameter.code)
    keys: list[int] = []
    for value in match.values:
        if not isinstance(value, UriValue):
            continue
        if match.modifier == "below":
            of = _keys_of_versions if "|" in value.uri else _keys_of_texts
            keys += of(parameter_id(resource_type, match.parameter.code), value.uri, context)
        elif match.modifier == "above":
            keys += [hash64(value.uri[:length]) ^ c for length in range(len(value.uri) + 1)]
        else:
            keys.append(hash64(value.uri) ^ c)
    return _keys(keys)


def _keys(keys: Sequence[int]) -> Keys:
    return Keys(tuple(dict.fromkeys(keys)))


def _strings(resource_type: str, match: Match, context: Context) -> Part:
    values: Any = match.values
    return Strings(resource_type, (parameter_id(resource_type, match.parameter.code),), values, match.modifier)


def _composites(resource_type: str, match: Match, context: Context) -> Part:
    parts: list[Part] = []
    for value in match.values:
        if isinstance(value, CompositeValue):
            part = composite_part(resource_type, match.parameter.code, value, context)
            if part is None:
                raise _not_supported(match)
            parts.append(part)
    return _either(parts)


def _near(resource_type: str, match: Match, context: Context) -> Part:
    code = match.parameter.code
    return _either([near_part(resource_type, code, value) for value in match.values if isinstance(value, NearValue)])


def _ranges(make: Callable[[str, str, Any], Part]) -> Callable[[str, Match, Context], Part]:
    return lambda resource_type, match, context: make(resource_type, match.parameter.code, match.values)


def _quantities(resource_type: str, match: Match, context: Context) -> Part:
    values: Any = match.values
    return quantities(resource_type, match.parameter.code, values, context)


_MODIFIERS = frozenset(
    {
        None,
        "not",
        "exact",
        "contains",
        "identifier",
        "text",
        "code-text",
        "of-type",
        "above",
        "below",
        "equals",
        "ends",
        "differs",
    }
)
_PARTS: dict[SearchType, Callable[[str, Match, Context], Part]] = {
    "token": _tokens,
    "reference": _references,
    "uri": _uris,
    "string": _strings,
    "date": _ranges(dates),
    "number": _ranges(numbers),
    "quantity": _quantities,
    "composite": _composites,
    "special": _near,
}


def _not_supported(match: Match) -> FhirError:
    name = match.parameter.code + (f":{match.modifier}" if match.modifier else "")
    return fhir_error(
        "not-supported", f"検索条件「{name}」にはまだ対応していません。", f'"{name}" is not supported yet.'
    )
