"""What each kind of search parameter finds. (`test_same_answers.py` asks far more, but does not say what is right.)

https://hl7.org/fhir/R4/search.html#ptypes
"""

from typing import Any

import pytest

from fhir_service.fhir.search.fold import fold
from fhir_service.fhir.search.index import (
    DateEntry,
    NumberEntry,
    QuantityEntry,
    ReferenceEntry,
    StringEntry,
    TokenEntry,
    UriEntry,
)
from fhir_service.fhir.search.query import (
    AnyOf,
    Chain,
    Clause,
    DateValue,
    Has,
    IdMatch,
    LastUpdatedMatch,
    Match,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    TypedValue,
    UriValue,
)
from fhir_service.storage.sqlite import SqliteStore, search
from fhir_service.storage.sqlite.planning import plan
from fhir_service.storage.store import Store

from .made import (
    DAY,
    HandClock,
    dated,
    delete,
    found,
    name,
    named,
    number,
    parameter,
    put,
    query,
    refers,
    token,
)

BASE = 1_795_000_000_000_000


def missing(resource_type: str, code: str, is_missing: bool) -> Match:
    return Match(parameter(resource_type, code), (), "missing", is_missing)


async def store_all(store: Store, resource_type: str, **each: Any) -> None:
    """Store a resource for each keyword, with this entry or these."""
    changes = [put(resource_type, id_, *(made if type(made) is list else [made])) for id_, made in each.items()]
    await store.commit(changes)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["x"], ["a", "b", "c"]),
        (["|x"], ["c"]),
        (["s|x"], ["a"]),
        (["s|"], ["a", "d"]),
        (["t|x", "|y"], ["b", "e"]),
        (["X"], []),
        (["z"], []),
    ],
)
async def test_tokens(store: Store, values: list[str], expected: list[str]) -> None:
    def code(system: str | None, value: str | None) -> TokenEntry:
        return TokenEntry("code", system, value)

    made = {"a": code("s", "x"), "b": code("t", "x"), "c": code(None, "x"), "d": code("s", None), "e": code(None, "y")}
    await store_all(store, "Observation", **made)
    await store_all(store, "Encounter", other=TokenEntry("status", "s", "x"))

    assert await found(store, query("Observation", token("Observation", "code", *values))) == expected


async def test_not_finds_what_has_another_value_or_none(store: Store) -> None:
    x, y = TokenEntry("code", "s", "x"), TokenEntry("code", "s", "y")
    await store_all(store, "Observation", a=x, b=y, c=[x, y], d=[])

    assert await found(store, query("Observation", token("Observation", "code", "s|x", modifier="not"))) == ["b", "d"]
    both = token("Observation", "code", "x", "y", modifier="not")
    assert await found(store, query("Observation", both)) == ["d"]


async def test_missing_finds_what_has_no_value(store: Store) -> None:
    await store_all(store, "Patient", a=[name("Ando"), TokenEntry("active", None, "true")], b=name("Baba"), c=[])

    assert await found(store, query("Patient", missing("Patient", "active", True))) == ["b", "c"]
    assert await found(store, query("Patient", missing("Patient", "active", False))) == ["a"]
    assert await found(store, query("Patient", missing("Patient", "birthdate", True))) == ["a", "b", "c"]
    assert await found(store, query("Patient", missing("Patient", "birthdate", False))) == []


@pytest.mark.parametrize(
    ("text", "modifier", "expected"),
    [
        ("yama", None, ["a", "b"]),
        ("Yama", "exact", []),
        ("Yamada", "exact", ["a"]),
        ("mad", "contains", ["a", "b"]),
        ("d", "contains", ["a", "b"]),
        ("田", "contains", ["c", "d"]),
        ("田太", "contains", ["d"]),
        ("太田", "contains", []),
        ("太郎山田", "contains", []),
        ("山", None, ["c", "d"]),
        ("%", "contains", []),
        ("", None, ["a", "b", "c", "d"]),
    ],
)
async def test_strings(store: Store, text: str, modifier: str | None, expected: list[str]) -> None:
    await store_all(store, "Patient", a=name("Yamada"), b=name("YAMADA"), c=name("山田"), d=name("山田太郎"), e=[])

    assert await found(store, query("Patient", named(text, modifier))) == expected


async def test_the_folded_form_is_what_is_matched_and_the_original_for_exact(store: Store) -> None:
    await store_all(store, "Patient", a=StringEntry("name", "ｻﾄｳ", "サトウ"))
    kana = StringValue("さとう", "サトウ")

    assert await found(store, query("Patient", Match(parameter("Patient", "name"), (kana,)))) == ["a"]
    assert await found(store, query("Patient", Match(parameter("Patient", "name"), (kana,), "contains"))) == ["a"]
    assert await found(store, query("Patient", Match(parameter("Patient", "name"), (kana,), "exact"))) == []


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("eq", ["day"]),
        ("ne", ["before", "after", "long", "open"]),
        ("gt", ["after", "long", "open"]),
        ("lt", ["before", "long"]),
        ("ge", ["day", "after", "long", "open"]),
        ("le", ["before", "day", "long", "open"]),
        ("sa", ["after"]),
        ("eb", ["before"]),
        ("ap", ["day", "long", "open"]),
    ],
)
async def test_dates(store: Store, prefix: Any, expected: list[str]) -> None:
    bounds = {
        "before": (BASE - DAY, BASE - 1),
        "day": (BASE, BASE + DAY - 1),
        "after": (BASE + DAY, BASE + 2 * DAY),
        "long": (BASE - 400 * DAY, BASE + 400 * DAY),
        "open": (BASE + 10, 2**62),
    }
    await store_all(store, "Patient", **{id_: DateEntry("birthdate", *each) for id_, each in bounds.items()}, none=[])

    clause = dated("Patient", "birthdate", (prefix, BASE, BASE + DAY - 1))

    assert await found(store, query("Patient", clause)) == expected


async def test_two_clauses_on_a_date_are_fulfilled_by_any_of_its_values(store: Store) -> None:
    early, late = DateEntry("birthdate", BASE, BASE), DateEntry("birthdate", BASE + 100 * DAY, BASE + 100 * DAY)
    await store_all(store, "Patient", both=[early, late], early=early, late=late)

    after = dated("Patient", "birthdate", ("ge", BASE + 50 * DAY, BASE + 51 * DAY))
    before = dated("Patient", "birthdate", ("lt", BASE + 50 * DAY, BASE + 51 * DAY))

    assert await found(store, query("Patient", after, before)) == ["both"]


@pytest.mark.parametrize(
    ("prefix", "text", "expected"),
    [
        ("eq", "100", ["hundred"]),
        ("eq", "1e2", ["less", "hundred", "more", "range"]),
        ("gt", "100", ["more", "range"]),
        ("lt", "100", ["less", "negative"]),
        ("ge", "100", ["hundred", "more", "range"]),
        ("le", "99.5", ["less", "negative"]),
        ("ne", "100", ["less", "more", "negative", "range"]),
        ("sa", "-1.5", ["less", "hundred", "more", "range"]),
        ("eb", "0", ["negative"]),
    ],
)
async def test_numbers(store: Store, prefix: Any, text: str, expected: list[str]) -> None:
    values = {
        "less": (99.4, 99.4),
        "hundred": (100.0, 100.0),
        "more": (100.6, 100.6),
        "negative": (-1.5, -1.5),
        "range": (100.0, 140.0),
    }
    await store_all(store, "Encounter", **{id_: NumberEntry("length", *each) for id_, each in values.items()})

    clause = Match(parameter("Encounter", "length"), (number(prefix, text),))

    assert await found(store, query("Encounter", clause)) == expected


@pytest.mark.parametrize(
    ("system", "unit", "expected"),
    [
        (None, None, ["coded", "texted", "bare"]),
        ("ucum", "mg", ["coded"]),
        (None, "mg", ["coded", "texted"]),
        (None, "ミリグラム", ["coded"]),
        ("other", "mg", []),
        ("ucum", "kg", []),
    ],
)
async def test_quantities(store: Store, system: str | None, unit: str | None, expected: list[str]) -> None:
    def quantity(value: float, *of: str | None) -> QuantityEntry:
        return QuantityEntry("value-quantity", value, value, *of)

    await store_all(
        store,
        "Observation",
        coded=quantity(5.4, "ucum", "mg", "ミリグラム"),
        texted=quantity(5.4, None, None, "mg"),
        bare=quantity(5.4, None, None, None),
        other=quantity(5.5, "ucum", "mg", "mg"),
    )

    clause = Match(parameter("Observation", "value-quantity"), (QuantityValue(number("eq", "5.4"), system, unit),))

    assert await found(store, query("Observation", clause)) == expected


async def test_uris_are_matched_whole(store: Store) -> None:
    await store_all(store, "Encounter", a=UriEntry("instantiates", "http://a"), b=UriEntry("instantiates", "http://a/"))

    clause = Match(parameter("Encounter", "instantiates"), (UriValue("http://a"),))

    assert await found(store, query("Encounter", clause)) == ["a"]


async def test_references(store: Store) -> None:
    def subject(target: str | None, version: str | None = None, value: str | None = None) -> ReferenceEntry:
        return ReferenceEntry("subject", target, version, "s" if value else None, value)

    await store_all(
        store,
        "Encounter",
        a=subject("Patient/1"),
        b=subject("Patient/1", "2"),
        c=subject("http://elsewhere/Patient/1"),
        d=subject(None, None, "77"),
        e=subject("Group/1"),
    )
    code = parameter("Encounter", "subject")

    def by(value: ReferenceValue, modifier: str | None = None) -> Clause:
        return Match(code, (value,), modifier)

    assert await found(store, query("Encounter", refers("Encounter", "subject", "Patient/1"))) == ["a", "b"]
    assert await found(store, query("Encounter", refers("Encounter", "subject", "Patient/1", "Group/1"))) == [*"abe"]
    assert await found(store, query("Encounter", by(ReferenceValue(("Patient/1",), "2")))) == ["b"]
    assert await found(store, query("Encounter", refers("Encounter", "subject", "http://elsewhere/Patient/1"))) == ["c"]
    for identifier in (TokenValue("s", "77"), TokenValue(None, "77"), TokenValue("s", None)):
        assert await found(store, query("Encounter", by(ReferenceValue((), None, identifier), "identifier"))) == ["d"]
    unsystematic = ReferenceValue((), None, TokenValue("", "77"))
    assert await found(store, query("Encounter", by(unsystematic, "identifier"))) == []


async def test_ids_and_times_of_update(store: Store, clock: HandClock) -> None:
    await store_all(store, "Patient", a=[], b=[])
    later = clock.tick(seconds=60)
    await store_all(store, "Patient", b=name("Baba"), c=[])

    assert await found(store, query("Patient", IdMatch(("a", "c", "x")))) == ["a", "c"]
    recently = LastUpdatedMatch((DateValue("ge", later // 1000 * 1000, later),))
    assert await found(store, query("Patient", recently)) == ["b", "c"]
    before = LastUpdatedMatch((DateValue("lt", later // 1000 * 1000, later),))
    assert await found(store, query("Patient", before)) == ["a"]


async def test_chains_and_has_reach_over_references(store: Store) -> None:
    await store_all(store, "Patient", ando=name("Ando"), baba=name("Baba"))
    await store_all(
        store,
        "Encounter",
        e1=ReferenceEntry("subject", "Patient/ando"),
        e2=ReferenceEntry("subject", "Patient/baba"),
        e3=ReferenceEntry("subject", "Patient/gone"),
    )
    x = TokenEntry("code", "s", "x")
    await store_all(
        store,
        "Observation",
        o1=[ReferenceEntry("encounter", "Encounter/e1"), x],
        o2=[ReferenceEntry("subject", "Patient/baba"), x],
    )

    of_ando = Chain(parameter("Encounter", "subject"), (("Patient", named("ando")),))
    assert await found(store, query("Encounter", of_ando)) == ["e1"]
    deep = Chain(parameter("Observation", "encounter"), (("Encounter", of_ando),))
    assert await found(store, query("Observation", deep)) == ["o1"]
    has = Has("Observation", parameter("Observation", "subject"), token("Observation", "code", "x"))
    assert await found(store, query("Patient", has)) == ["baba"]
    deeper = Has("Observation", parameter("Observation", "encounter"), token("Observation", "code", "s|x"))
    both = Has("Encounter", parameter("Encounter", "subject"), deeper)
    assert await found(store, query("Patient", both)) == ["ando"]
    not_ando = Chain(parameter("Encounter", "subject"), (("Patient", named("baba")),))
    assert await found(store, query("Encounter", of_ando, not_ando)) == []


async def test_any_of_several_clauses_is_enough(store: Store) -> None:
    by_subject = ReferenceEntry("subject", "Patient/1")
    by_encounter = ReferenceEntry("encounter", "Encounter/1")
    other = ReferenceEntry("subject", "Patient/2")
    await store_all(store, "Observation", a=by_subject, b=by_encounter, c=[by_subject, by_encounter], d=other)
    subject = refers("Observation", "subject", "Patient/1")
    encounter = refers("Observation", "encounter", "Encounter/1")

    assert await found(store, query("Observation", AnyOf((subject, encounter)))) == ["a", "b", "c"]
    assert await found(store, query("Observation", AnyOf((subject, IdMatch(("d",)))))) == ["a", "c", "d"]
    assert await found(store, query("Observation", AnyOf((subject,)), encounter)) == ["c"]
    assert await found(store, query("Observation", AnyOf(()))) == []
    assert (await store.search(query("Observation", AnyOf((subject, encounter))), count=0, total=True)).total == 3


async def test_a_chain_does_not_reach_what_is_deleted(store: Store) -> None:
    await store_all(store, "Patient", a=name("Ando"))
    await store_all(store, "Encounter", e=ReferenceEntry("subject", "Patient/a"))
    nobody = Chain(parameter("Encounter", "subject"), (("Patient", missing("Patient", "active", True)),))
    assert await found(store, query("Encounter", nobody)) == ["e"]

    await store.commit([delete("Patient", "a")])

    assert await found(store, query("Encounter", nobody)) == []


async def test_an_impossible_value_finds_nothing_and_counts_none(store: Store) -> None:
    await store_all(store, "Observation", a=TokenEntry("code", "s", "x"))

    page = await store.search(query("Observation", token("Observation", "code", "s|nonsense")), count=20, total=True)

    assert (page.matches, page.total, page.next, page.previous) == ((), 0, None, None)


async def test_an_update_is_found_by_what_it_says_now(store: Store) -> None:
    await store_all(store, "Patient", a=[name("Ando"), TokenEntry("active", None, "true")])
    await store_all(store, "Patient", a=[name("Baba"), TokenEntry("active", None, "true")])

    assert await found(store, query("Patient", named("ando"))) == []
    assert await found(store, query("Patient", named("baba"))) == ["a"]
    assert await found(store, query("Patient", token("Patient", "active", "true"))) == ["a"]


async def test_text_finds_a_token_by_how_its_words_begin(store: Store) -> None:
    def code(text: str | None) -> TokenEntry:
        return TokenEntry("code", "s", "x", text)

    await store_all(store, "Observation", a=code("ヘモグロビン"), b=code("Haemoglobin"), c=code(None))

    def asked(text: str) -> Match:
        return Match(parameter("Observation", "code"), (StringValue(text, fold(text)),), "text")

    assert await found(store, query("Observation", asked("へもぐろ"))) == ["a"]
    assert await found(store, query("Observation", asked("HAEMO"))) == ["b"]
    assert await found(store, query("Observation", asked("globin"))) == []


async def test_of_type_finds_an_identifier_by_its_type(store: Store) -> None:
    def identifier(type_: str) -> TokenEntry:
        return TokenEntry("identifier", "s", "12", None, (("http://t.example", type_),))

    await store_all(store, "Patient", a=identifier("MR"), b=identifier("SS"))

    clause = Match(parameter("Patient", "identifier"), (TypedValue("http://t.example", "MR", "12"),), "of-type")
    assert await found(store, query("Patient", clause)) == ["a"]


@pytest.mark.parametrize(
    ("modifier", "uri", "expected"),
    [
        (None, "http://acme.org/fhir/x", ["b"]),
        ("below", "http://acme.org/fhir/", ["b", "c"]),
        ("above", "http://acme.org/fhir/x/1", ["a", "b", "c"]),
    ],
)
async def test_uris(store: Store, modifier: str | None, uri: str, expected: list[str]) -> None:
    """https://hl7.org/fhir/R4/search.html#uri"""
    uris = {"a": "http://acme.org/fhir", "b": "http://acme.org/fhir/x", "c": "http://acme.org/fhir/x/1"}
    await store_all(store, "Encounter", **{id_: UriEntry("instantiates", uri) for id_, uri in uris.items()})

    clause = Match(parameter("Encounter", "instantiates"), (UriValue(uri),), modifier)
    assert await found(store, query("Encounter", clause)) == expected


async def test_an_estimate_is_a_count_where_that_costs_little_and_else_a_guess(
    sqlite_store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(60):
        made = [TokenEntry("code", "s", "x"), TokenEntry("status", None, "final" if n % 3 else "amended")]
        await sqlite_store.commit([put("Observation", f"o{n}", *made)])
    asked = query("Observation", token("Observation", "code", "s|x"), token("Observation", "status", "|final"))

    async def estimate() -> int | None:
        return (await sqlite_store.search(asked, count=0, total=True, estimate=True)).total

    assert await estimate() == 40
    for module in (plan, search):
        monkeypatch.setattr(module, "COUNTED", 5)
    for of in (1, 7):
        monkeypatch.setattr(plan, "SAMPLED", of)
        guess = await estimate()
        assert guess is not None
        assert guess == 40 if of == 1 else 15 <= guess <= 60


async def test_a_total_is_counted_anew_after_a_write(store: Store) -> None:
    asked = query("Observation", token("Observation", "code", "s|x"))
    for n in range(3):
        assert (await store.search(asked, count=0, total=True)).total == n
        await store.commit([put("Observation", f"o{n}", TokenEntry("code", "s", "x"))])


async def test_what_was_found_before_is_not_found_again_when_it_has_changed(store: Store, clock: HandClock) -> None:
    practitioner = Match(parameter("Patient", "general-practitioner"), (ReferenceValue(("Practitioner/d",)),))
    asked = query("Observation", Chain(parameter("Observation", "subject"), (("Patient", practitioner),)))
    doctor = ReferenceEntry("general-practitioner", "Practitioner/d")
    subject = ReferenceEntry("subject", "Patient/a")
    await store.commit([put("Patient", "a", doctor), put("Observation", "o1", subject)])
    assert await found(store, asked) == ["o1"]
    assert await found(store, asked, total=True) == ["o1"]

    await store.commit([put("Observation", "o2", subject)])
    assert await found(store, asked) == ["o1", "o2"]

    await store.commit([put("Patient", "a")])
    assert await found(store, asked) == []
