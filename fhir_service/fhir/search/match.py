"""Whether a resource, by its index entries, fulfils one search parameter: the rules of R4 and nothing else.

Every backend must give the same answers as this module. It is written to be compared with the specification.
https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fhir_service.fhir.search.fold import fold
from fhir_service.fhir.search.index import (
    CompositeEntry,
    DateEntry,
    IndexEntries,
    NumberEntry,
    QuantityEntry,
    ReferenceEntry,
    StringEntry,
    TokenEntry,
    UriEntry,
)
from fhir_service.fhir.search.near import distance
from fhir_service.fhir.search.parameter import SearchType
from fhir_service.fhir.search.query import (
    HIERARCHIC,
    AllOf,
    AnyOf,
    Clause,
    CompositeValue,
    DateValue,
    IdMatch,
    Match,
    NearValue,
    NoneOf,
    NumberValue,
    Prefix,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    TypedValue,
    UriValue,
    Value,
)
from fhir_service.fhir.search.units import in_units

# Where the entries of each type of parameter stand in `IndexEntries`.
LISTS: dict[SearchType, str] = {
    "token": "tokens",
    "reference": "references",
    "string": "strings",
    "date": "dates",
    "number": "numbers",
    "quantity": "quantities",
    "uri": "uris",
    "composite": "composites",
    "special": "composites",  # `near`: latitude and longitude
}


def matches(entries: IndexEntries, match: Match) -> bool:
    """Whether the resource of these entries fulfils `match`."""
    held = entries_of(entries, match)
    if match.parameter.type == "reference" and match.modifier in HIERARCHIC:
        raise AssertionError(f"{match.parameter.code}:{match.modifier} is for who knows all resources")
    if match.modifier == "differs":
        return any(differs(entry, value) for entry in held for value in match.values)
    # "gender:missing=true will return all the resources that don't have a value for the gender parameter."
    if match.modifier == "missing":
        return match.missing is (not held)
    found = any(fulfils(entry, value, match.modifier) for entry in held for value in match.values)
    # ":not — return all resources that do not have a matching item. Note that this includes resources that have no
    # value for the parameter."
    return not found if match.modifier == "not" else found


def holds(id_: str | None, entries: IndexEntries, clause: Clause) -> bool:
    """Whether a resource fulfils a clause that asks of nothing but its id and entries; False for any other."""
    match clause:
        case Match():
            return matches(entries, clause)
        case IdMatch(ids):
            return id_ in ids
        case AnyOf(clauses):
            return any(holds(id_, entries, each) for each in clauses)
        case AllOf(clauses):
            return all(holds(id_, entries, each) for each in clauses)
        case NoneOf(clauses):
            return not any(holds(id_, entries, each) for each in clauses)
        case _:
            return False


def differs(entry: Any, value: Value) -> bool:
    """Whether an entry has another value, which is what `ne` of a `_filter` asks."""
    match entry, value:
        case StringEntry(), StringValue():
            return entry.folded != value.folded
        case TokenEntry(), TokenValue():
            return entry.value is not None and not _token(entry, value)
        case ReferenceEntry(), ReferenceValue(targets):
            return entry.target not in (None, *targets)
        case UriEntry(), UriValue(uri):
            return entry.uri != uri
        case _:
            return False


def entries_of(entries: IndexEntries, match: Match) -> Sequence[Any]:
    """Return the entries of the match's parameter."""
    of_type = getattr(entries, LISTS[match.parameter.type]) if match.parameter.type in LISTS else ()
    return [entry for entry in of_type if entry.code == match.parameter.code]


def fulfils(entry: NamedTuple, value: Value, modifier: str | None = None) -> bool:
    """Whether one entry fulfils one value; `:not` and `:missing` are the business of `matches`."""
    match entry, value:
        case StringEntry(), StringValue():
            return _string(entry, value, modifier)
        case TokenEntry(), TokenValue():
            return _token(entry, value)
        case TokenEntry(), StringValue() if modifier == "code-text":
            return entry.value is not None and entry.value.casefold().startswith(value.folded)
        case TokenEntry(), StringValue():
            # ":text — processed as a string that searches text associated with the code: CodeableConcept.text,
            # Coding.display, or Identifier.type.text."
            return entry.text is not None and fold(entry.text).startswith(value.folded)
        case TokenEntry(), TypedValue(type_system, type_code, text):
            # ":of-type — the format is system|code|value, where the system and code refer to an
            # Identifier.type.coding and match if any of the type codes match. All 3 parts must be present."
            return entry.value == text and (type_system, type_code) in entry.types
        case ReferenceEntry(), ReferenceValue():
            return _reference(entry, value)
        case DateEntry(), DateValue():
            return DATE_PREFIX[value.prefix](entry, value)
        case NumberEntry(), NumberValue():
            return NUMBER_PREFIX[value.prefix](entry, value)
        case QuantityEntry(), QuantityValue():
            return any(
                NUMBER_PREFIX[each.number.prefix](entry, each.number) and _unit(entry, each)
                for each in in_units(value, (entry.unit_code,) if entry.unit_code else ())
            )
        case UriEntry(), UriValue():
            return URI_MODIFIER[modifier](entry.uri, value.uri)
        case CompositeEntry(_, ((NumberEntry() as latitude,), (NumberEntry() as longitude,))), NearValue():
            return distance(latitude.low, longitude.low, value.latitude, value.longitude) <= value.metres
        case CompositeEntry(), CompositeValue():
            # The components of one value must be fulfilled by one and the same instance.
            return all(
                any(fulfils(part, component) for part in parts)
                for parts, component in zip(entry.parts, value.parts, strict=True)
            )
        case _:
            return False


# "uri: match is precise, case, accent, and escape sensitive, and the entire URI must match." `:below` finds what begins
# with the value, `:above` what the value begins with. Of a canonical with a version it finds the parts of this version
# (`_profile:below=url|1`). https://hl7.org/fhir/R4/search.html#uri
URI_MODIFIER: dict[str | None, Callable[[str, str], bool]] = {
    "below": lambda held, asked: is_version_below(held, asked) if "|" in asked else held.startswith(asked),
    "above": lambda held, asked: asked.startswith(held),
    None: lambda held, asked: held == asked,
}


def _string(entry: StringEntry, value: StringValue, modifier: str | None) -> bool:
    # ":exact returns results that match the entire supplied parameter, including casing and accents."
    if modifier == "exact":
        return entry.text == value.text
    # "eq" and "ew" of `_filter`: https://hl7.org/fhir/R4/search_filter.html#ops
    if modifier == "equals":
        return entry.folded == value.folded
    if modifier == "ends":
        return entry.folded.endswith(value.folded)
    # ":contains returns results that include the supplied parameter value anywhere within the field being searched."
    if modifier == "contains":
        return value.folded in entry.folded
    # "By default, a field matches a string query if the value of the field equals or starts with the supplied
    # parameter value, after both have been normalized by case and accent."
    return entry.folded.startswith(value.folded)


def _token(entry: TokenEntry, value: TokenValue) -> bool:
    match value:
        # "[code]: irrespective of the value of the system property"
        case TokenValue(None, code):
            return entry.value is not None and entry.value == code
        # "|[code]: matches [code], and the Coding/Identifier has no system property"
        case TokenValue("", code):
            return (entry.system is None or entry.kind == "code") and entry.value == code
        # "[system]|: any element where the value of [system] matches the system property"
        case TokenValue(system, None):
            return entry.system == system
        # "[system]|[code]: the value of [code] matches, and the value of [system] matches the system property"
        case TokenValue(system, code):
            return entry.system == system and entry.value == code


def _reference(entry: ReferenceEntry, value: ReferenceValue) -> bool:
    # ":identifier — the value is a token; it matches the identifier element of the Reference."
    if value.identifier is not None:
        return _token(TokenEntry(entry.code, entry.system, entry.value), value.identifier)
    # "If a reference value has a version, it matches that version; without one it matches any." The same holds for
    # canonicals: "|[version]".
    same_version = value.version is None or value.version == entry.version
    # ":below is used with canonical references, to control whether the version is considered in the search": `url|1`
    # finds major version 1. https://hl7.org/fhir/R4/search.html#versions
    if value.below and value.version is not None and entry.version is not None:
        same_version = is_version_below(entry.version, value.version)
    same_part = value.fragment is None or value.fragment == entry.fragment
    return entry.target is not None and entry.target in value.targets and same_version and same_part


def is_version_below(version: str, asked: str) -> bool:
    """Whether a version is the one that is asked for or a part of it, as 1.2.0 is of 1.2 and of 1."""
    return version == asked or version.startswith(f"{asked}.")


def _unit(entry: QuantityEntry, value: QuantityValue) -> bool:
    # "[number]: irrespective of the unit"
    if value.system is None and value.unit is None:
        return True
    # "[number]||[code]: matches the number, and the given code matches the code or the unit"
    if value.system is None:
        return value.unit in (entry.unit_code, entry.unit)
    # "[number]|[system]|[code]: matches a quantity with the given number, system and code", or (`units.py`) the same
    # quantity in another unit
    return entry.system == value.system and entry.unit_code == value.unit


# https://hl7.org/fhir/R4/search.html#prefix. "The range of the target value" is what the resource says, "the range of
# the search value" what the value covers by its precision. `ge` and `le` also find a target that only overlaps the
# search value: a period that ends on the very day is not before it.
DATE_PREFIX: dict[Prefix, Callable[[DateEntry, DateValue], bool]] = {
    # "the range of the search value fully contains the range of the target value"
    "eq": lambda entry, value: value.low <= entry.low and entry.high <= value.high,
    # "the range of the search value does not fully contain the range of the target value"
    "ne": lambda entry, value: not (value.low <= entry.low and entry.high <= value.high),
    # "the range above the search value intersects (i.e. overlaps) with the range of the target value"
    "gt": lambda entry, value: entry.high > value.high,
    # "the range below the search value intersects (i.e. overlaps) with the range of the target value"
    "lt": lambda entry, value: entry.low < value.low,
    # "the range above the search value intersects with the range of the target value, or …" (see above)
    "ge": lambda entry, value: entry.high >= value.low,
    # "the range below the search value intersects with the range of the target value, or …" (see above)
    "le": lambda entry, value: entry.low <= value.high,
    # "the range of the search value does not overlap with the range of the target value, and the range above the
    # search value contains the range of the target value"
    "sa": lambda entry, value: entry.low > value.high,
    # the same with "the range below the search value"
    "eb": lambda entry, value: entry.high < value.low,
    # "the range of the search value overlaps with the range of the target value" (the range is widened already)
    "ap": lambda entry, value: entry.low <= value.high and entry.high >= value.low,
}

_Ranged = NumberEntry | QuantityEntry

# https://hl7.org/fhir/R4/search.html#number: "When a comparison prefix in the set gt, lt, ge, le, sa & eb is provided,
# the implicit precision of the number is ignored, and they are treated as if they have arbitrarily high precision."
# The implicit range of `eq`, `ne` and `ap` is [low ... high), its end excluded: "[99.5 ... 100.5)".
NUMBER_PREFIX: dict[Prefix, Callable[[_Ranged, NumberValue], bool]] = {
    "eq": lambda entry, value: value.low <= entry.low and entry.high < value.high,
    "ne": lambda entry, value: not (value.low <= entry.low and entry.high < value.high),
    "gt": lambda entry, value: entry.high > float(value.value),
    "lt": lambda entry, value: entry.low < float(value.value),
    "ge": lambda entry, value: entry.high >= float(value.value),
    "le": lambda entry, value: entry.low <= float(value.value),
    "sa": lambda entry, value: entry.low > float(value.value),
    "eb": lambda entry, value: entry.high < float(value.value),
    "ap": lambda entry, value: entry.low < value.high and entry.high >= value.low,
}
