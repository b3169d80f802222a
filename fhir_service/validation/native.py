"""Invariants of R4 that nearly every resource meets, written in Python: as FHIRPath they cost several times as much.

A function stands for exactly one expression: a definition that words its constraint otherwise gets its own FHIRPath. It
is asked only of a value that has the shape of its type.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fhir_service.fhir.fhirpath.temporal import compare, parse
from fhir_service.fhir.fhirpath.ucum import SYSTEM as UCUM

Holds = Callable[[dict[str, Any]], bool]


def _has(value: Mapping[str, Any], name: str) -> bool:
    return name in value or f"_{name}" in value


def _not_below_zero(name: str) -> Holds:
    """Return whether a number is not negative; of an extension in its place nobody can tell."""
    return lambda value: not _has(value, name) or (name in value and value[name] >= 0)


def _any(*names: str) -> Holds:
    """Return whether one of these is there."""
    both = frozenset(names) | {f"_{name}" for name in names}
    return lambda value: not both.isdisjoint(value)


def _needs(name: str, other: str) -> Holds:
    """Return whether the other is there if the first is."""
    shadow, other_shadow = f"_{name}", f"_{other}"

    def holds(value: dict[str, Any]) -> bool:
        return (name not in value and shadow not in value) or other in value or other_shadow in value

    return holds


def _in_order(value: dict[str, Any]) -> bool:
    """Whether a Period ends no earlier than it starts; where the precision leaves it open (`2026-11` to a day of
    that month, as what is known of a person in part), it does not.

    https://hl7.org/fhir/R4/datatypes.html#Period: an end includes whatever matches it.
    """
    start, end = value.get("start"), value.get("end")
    if start is None or end is None:
        return True
    if len(start) == len(end) and start[19:] == end[19:]:  # of one precision and, if they have times, one zone
        return bool(start <= end)
    left, right = parse(start), parse(end)
    return left is None or right is None or compare(left, right) != 1


def _no_home(value: dict[str, Any]) -> bool:
    return value.get("use") != "home"


def _in_ucum(value: dict[str, Any]) -> bool:
    return not _has(value, "code") or (value.get("system") == UCUM and _has(value, "value"))


_IN_ERROR = ("http://terminology.hl7.org/CodeSystem/condition-ver-status", "entered-in-error")


def _without_status_in_error(condition: dict[str, Any]) -> bool:
    codings = condition.get("verificationStatus", {}).get("coding", ())
    return "clinicalStatus" not in condition or all((c.get("system"), c.get("code")) != _IN_ERROR for c in codings)


def _one_or_none(name: str, other: str) -> Holds:
    """Return whether at most one of the two is there."""
    return lambda value: not (_has(value, name) and _has(value, other))


def _no_value(names: str) -> Callable[[dict[str, Any]], bool]:
    """Return whether a choice is absent."""
    return lambda value: not any(name.lstrip("_").startswith(names) for name in value)


def _value_or_reason(value: dict[str, Any]) -> bool:
    return not _has(value, "dataAbsentReason") or _no_observed_value(value)


_no_observed_value = _no_value("value")


def _codes_apart(value: dict[str, Any]) -> bool:
    """Whether an Observation with a value has no component of its own code."""
    if "component" not in value or _no_observed_value(value):
        return True
    own = value["code"].get("coding", ())
    return not any(coding in own for each in value["component"] for coding in each.get("code", {}).get("coding", ()))


def _ratio(value: dict[str, Any]) -> bool:
    return ("numerator" in value) == ("denominator" in value) and ("numerator" in value or "extension" in value)


def _unrepeated(nested: str, name: str) -> Holds:
    """Return whether no two that stand in lists of this name, however deep, have the same value of another."""

    def holds(value: dict[str, Any]) -> bool:
        seen: set[str] = set()
        pending = list(value.get(nested, ()))
        while pending:
            each = pending.pop()
            own = each.get(name)
            if own in seen:
                return False
            if own is not None:
                seen.add(own)
            pending += each.get(nested, ())
        return True

    return holds


def _bundle_entry_with(name: str, *types: str) -> Holds:
    """Return whether every entry has this exactly where the Bundle is of one of these types."""

    def holds(value: dict[str, Any]) -> bool:
        wanted = value.get("type") in types
        return all((name in entry) == wanted for entry in value.get("entry", ()))

    return holds


def _for_type(kind: str, holds: Holds) -> Holds:
    return lambda value: value.get("type") != kind or holds(value)


def _first_is(kind: str) -> Holds:
    def holds(value: dict[str, Any]) -> bool:
        entries = value.get("entry")
        return entries is not None and bool(entries) and entries[0].get("resource", {}).get("resourceType") == kind

    return holds


# https://hl7.org/fhir/R4/questionnaire.html#invs; `type` is required: where an extension stands in its place, they fail
_OPTIONED = frozenset(
    ("choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity")
)  # of que-5: what may have options
_LONG = frozenset(("boolean", "decimal", "integer", "string", "text", "url", "open-choice"))  # of que-10


def _only_in(types: frozenset[str], *names: str) -> Holds:
    """Return whether these are absent, or the item is of one of the types."""
    present = _any(*names)
    return lambda item: not present(item) or item.get("type") in types


def _never_in(types: frozenset[str], *names: str) -> Holds:
    """Return whether these are absent, or the item is of another type."""
    present = _any(*names)
    return lambda item: not present(item) or item.get("type", min(types)) not in types


_DISPLAY = frozenset(("display",))


def _grouped(item: dict[str, Any]) -> bool:
    kind = item.get("type")
    return kind is not None and (kind != "group" or "item" in item) and (kind != "display" or "item" not in item)


def _has_narrative(value: dict[str, Any]) -> bool:
    return "div" in value.get("text", ())


NATIVE: Mapping[str, Holds] = {
    "text.`div`.exists()": _has_narrative,
    "value.empty() or system.exists()": _needs("value", "system"),
    "code.empty() or system.exists()": _needs("code", "system"),
    "data.empty() or contentType.exists()": _needs("data", "contentType"),
    "start.hasValue().not() or end.hasValue().not() or (start <= end)": _in_order,
    "(numerator.empty() xor denominator.exists()) and (numerator.exists() or extension.exists())": _ratio,
    "comparator.empty()": lambda value: not _has(value, "comparator"),
    "name.exists() or telecom.exists() or address.exists() or organization.exists()": _any(
        "name", "telecom", "address", "organization"
    ),
    "(identifier.count() + name.count()) > 0": _any("identifier", "name"),
    "where(use = 'home').empty()": _no_home,
    "dataAbsentReason.empty() or value.empty()": _value_or_reason,
    "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()": _codes_apart,
    "low.exists() or high.exists() or text.exists()": _any("low", "high", "text"),
    "text.exists() or entry.exists() or section.exists()": _any("text", "entry", "section"),
    "emptyReason.empty() or entry.empty()": _one_or_none("emptyReason", "entry"),
    "detail.empty() or reference.empty()": _one_or_none("detail", "reference"),
    "(answer.exists() and item.exists()).not()": _one_or_none("answer", "item"),
    "name.empty() or query.empty()": _one_or_none("name", "query"),
    "policy.exists() or policyRule.exists()": _any("policy", "policyRule"),
    "orderDetail.empty() or code.exists()": _needs("orderDetail", "code"),
    "duration.empty() or durationUnit.exists()": _needs("duration", "durationUnit"),
    "period.empty() or periodUnit.exists()": _needs("period", "periodUnit"),
    "duration.exists() implies duration >= 0": _not_below_zero("duration"),
    "period.exists() implies period >= 0": _not_below_zero("period"),
    "code.exists() implies ((system = %ucum) and value.exists())": _in_ucum,
    "verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and "
    "code='entered-in-error').empty() or clinicalStatus.empty()": _without_status_in_error,
    "periodMax.empty() or period.exists()": _needs("periodMax", "period"),
    "durationMax.empty() or duration.exists()": _needs("durationMax", "duration"),
    "countMax.empty() or count.exists()": _needs("countMax", "count"),
    "timeOfDay.empty() or when.empty()": _one_or_none("timeOfDay", "when"),
    "valueSet.exists() or system.exists()": _any("valueSet", "system"),
    "(concept.exists() or filter.exists()) implies system.exists()": lambda value: (
        "system" in value or "_system" in value or not ("concept" in value or "filter" in value)
    ),
    "concept.empty() or filter.empty()": _one_or_none("concept", "filter"),
    "concept.code.combine($this.descendants().concept.code).isDistinct()": _unrepeated("concept", "code"),
    "descendants().linkId.isDistinct()": _unrepeated("item", "linkId"),
    "(type='group' implies item.empty().not()) and "
    "(type.trace('type')='display' implies item.trace('item').empty())": _grouped,
    "type!='display' or code.empty()": _never_in(_DISPLAY, "code"),
    "answerOption.empty() or answerValueSet.empty()": _one_or_none("answerOption", "answerValueSet"),
    "(type ='choice' or type = 'open-choice' or type = 'decimal' or type = 'integer' or type = 'date' or "
    "type = 'dateTime' or type = 'time' or type = 'string' or type = 'quantity') or (answerValueSet.empty() and "
    "answerOption.empty())": _only_in(_OPTIONED, "answerValueSet", "answerOption"),
    "type!='display' or (required.empty() and repeats.empty())": _never_in(_DISPLAY, "required", "repeats"),
    "(type!='group' and type!='display') or initial.empty()": _never_in(_DISPLAY | {"group"}, "initial"),
    "type!='display' or readOnly.empty()": _never_in(_DISPLAY, "readOnly"),
    "(type in ('boolean' | 'decimal' | 'integer' | 'string' | 'text' | 'url' | 'open-choice')) or "
    "maxLength.empty()": _only_in(_LONG, "maxLength"),
    "answerOption.empty() or initial.empty()": _one_or_none("answerOption", "initial"),
    "enableWhen.count() > 2 implies enableBehavior.exists()": lambda item: (
        len(item.get("enableWhen", ())) <= 2 or _has(item, "enableBehavior")
    ),
    "repeats=true or initial.count() <= 1": lambda item: (
        item.get("repeats") is True or len(item.get("initial", ())) <= 1
    ),
    "code.exists() or display.exists()": _any("code", "display"),
    "code.exists() or abstract = true": lambda contained: _has(contained, "code") or contained.get("abstract") is True,
    "type.exists() or actor.exists()": _any("type", "actor"),
    "resource.exists() or request.exists() or response.exists()": _any("resource", "request", "response"),
    "fullUrl.contains('/_history/').not()": lambda value: "/_history/" not in (value.get("fullUrl") or ""),
    "entry.all(request.exists() = (%resource.type = 'batch' or %resource.type = 'transaction' or "
    "%resource.type = 'history'))": _bundle_entry_with("request", "batch", "transaction", "history"),
    "entry.all(response.exists() = (%resource.type = 'batch-response' or %resource.type = 'transaction-response' or "
    "%resource.type = 'history'))": _bundle_entry_with("response", "batch-response", "transaction-response", "history"),
    "type = 'document' implies entry.first().resource.is(Composition)": _for_type("document", _first_is("Composition")),
    "type = 'message' implies entry.first().resource.is(MessageHeader)": _for_type(
        "message", _first_is("MessageHeader")
    ),
}
