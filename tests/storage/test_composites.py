"""What composite parameters find: values that stand together in one instance.

https://hl7.org/fhir/R4/search.html#composite
"""

from typing import Any

import pytest

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.search.index import (
    CompositeEntry,
    NumberEntry,
    QuantityEntry,
    TokenEntry,
)
from fhir_service.fhir.search.query import (
    CompositeValue,
    Match,
    NumberValue,
    QuantityValue,
    TokenValue,
)
from fhir_service.storage.sqlite.rows import index_of
from fhir_service.storage.store import Store

from .made import (
    entries,
    found,
    number,
    parameter,
    put,
    query,
    token,
)


async def store_all(store: Store, resource_type: str, **each: Any) -> None:
    """Store a resource for each keyword, with this entry or these."""
    changes = [put(resource_type, id_, *(made if type(made) is list else [made])) for id_, made in each.items()]
    await store.commit(changes)


def instance(code: str, *parts: Any) -> CompositeEntry:
    return CompositeEntry(code, tuple(part if type(part) is tuple else (part,) for part in parts))


@pytest.mark.parametrize(
    ("codes", "prefixed", "expected"),
    [
        ("s|x", ("eq", "5"), ["a"]),
        ("x", ("gt", "4"), ["a", "c"]),
        ("s|", ("le", "7"), ["a", "b"]),
        ("|x", ("eq", "7"), ["c"]),
        ("s|y", ("eq", "5"), []),
        ("y", ("eq", "7"), ["a"]),
    ],
)
async def test_composites_match_within_one_instance(
    store: Store, codes: str, prefixed: tuple[Any, str], expected: list[str]
) -> None:
    def component(system: str | None, code: str, value: float) -> CompositeEntry:
        quantity = QuantityEntry("value-quantity", value, value, "http://ucum", "mg", "mg")
        return instance("code-value-quantity", TokenEntry("code", system, code), quantity)

    both = [component("s", "x", 5), component("s", "y", 7)]
    await store_all(store, "Observation", a=both, b=component("s", "y", 4), c=component(None, "x", 7))

    (code,) = token("Observation", "code", codes).values
    value = CompositeValue((code, QuantityValue(number(*prefixed), "http://ucum", "mg")))
    clause = Match(parameter("Observation", "code-value-quantity"), (value,))
    assert await found(store, query("Observation", clause)) == expected


async def test_a_composite_of_two_numbers_matches_both_in_one_instance(store: Store) -> None:
    def coordinate(chromosome: str, start: float, end: float) -> CompositeEntry:
        return instance(
            "coordinate",
            TokenEntry("chromosome", None, chromosome),
            NumberEntry("start", start, start),
            NumberEntry("end", end, end),
        )

    await store_all(store, "Encounter", a=[coordinate("1", 10, 20), coordinate("1", 30, 40)], b=coordinate("2", 10, 40))

    def asked(start: NumberValue, end: NumberValue) -> Match:
        return Match(parameter("Encounter", "coordinate"), (CompositeValue((TokenValue(None, "1"), start, end)),))

    assert await found(store, query("Encounter", asked(number("ge", "10"), number("le", "20")))) == ["a"]
    assert await found(store, query("Encounter", asked(number("eq", "10"), number("eq", "40")))) == []


async def test_a_resource_with_countless_combinations_is_refused() -> None:
    codes = tuple(TokenEntry("code", "s", str(n)) for n in range(101))
    with pytest.raises(FhirError) as refused:
        index_of("Observation", entries(instance("code-value-concept", codes, codes)))

    assert refused.value.issues[0].code == "too-costly"
