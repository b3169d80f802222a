"""What is particular to SQLite: its file, its schema, its plans, and what a crash leaves."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from itertools import count, product
from pathlib import Path

import apsw
import msgspec
import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.index import DateEntry, QuantityEntry, ReferenceEntry, TokenEntry
from fhir_service.fhir.search.query import (
    AnyOf,
    Chain,
    Clause,
    Has,
    Match,
    NoneOf,
    NumberValue,
    QuantityValue,
    StringValue,
)
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.storage.sqlite import NewerFile, SqliteStore, history, keys
from fhir_service.storage.sqlite import rows as index_rows
from fhir_service.storage.sqlite.planning.links import SAMPLE
from fhir_service.storage.sqlite.planning.order import Page
from fhir_service.storage.sqlite.planning.plan import Plan
from fhir_service.storage.sqlite.schema import MIGRATIONS, migrate
from fhir_service.storage.sqlite.sql import Sql
from fhir_service.storage.sqlite.writing import index_tables, prepared
from fhir_service.storage.store import Put

from .made import (
    DAY,
    Dates,
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
    walk,
)

BASE = 1_795_000_000_000_000


async def test_what_was_stored_is_there_when_the_file_is_opened_again(tmp_path: Path, clock: HandClock) -> None:
    store = SqliteStore.open(tmp_path / "s.db", clock, Dates())
    [first] = await store.commit([put("Patient", "a", name("Ando"))])
    await store.close()
    clock.tick(hours=-1)

    again = SqliteStore.open(tmp_path / "s.db", clock, Dates())

    assert await again.read(Key("Patient", "a")) == first.version
    assert await found(again, query("Patient", named("ando"))) == ["a"]
    [second] = await again.commit([put("Patient", "a")])
    assert (second.version.version, second.version.updated) == (2, first.version.updated)
    await again.commit([put("Patient", "b")])
    assert await found(again, query("Patient")) == ["a", "b"]
    await again.close()


def test_an_older_file_is_brought_up_step_by_step(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "s.db"))
    migrate(connection, MIGRATIONS)
    newer = (*MIGRATIONS, "CREATE TABLE later (a INTEGER)", "INSERT INTO later VALUES (7)")

    migrate(connection, newer)
    migrate(connection, newer)

    assert connection.pragma("user_version") == len(MIGRATIONS) + 2
    assert connection.execute("SELECT a FROM later").fetchall() == [(7,)]


async def test_numbers_of_an_older_file_are_found_and_replaced(tmp_path: Path, clock: HandClock) -> None:
    weight = QuantityEntry("value-quantity", 7, 7, "u", "mg", None)
    store = SqliteStore.open(tmp_path / "store.db", clock, Dates())
    await store.commit([put("Observation", "o", TokenEntry("status", None, "final"), weight, date=BASE)])
    await store.close()
    before = rows(tmp_path)["nq"]
    as_of_schema_5(tmp_path / "store.db")

    store = SqliteStore.open(tmp_path / "store.db", clock, Dates())

    assert rows(tmp_path)["nq"] == before
    assert await found(store, query("Observation", QUANTITY)) == ["o"]
    await store.commit([put("Observation", "o", TokenEntry("status", None, "final"))])
    assert rows(tmp_path)["nq"] == set()
    await store.close()


def as_of_schema_5(file: Path) -> None:
    """Put the table of numbers, and the record of what was written, back to what they were."""
    connection = apsw.Connection(str(file))
    [(rid, blob)] = connection.execute("SELECT rid, rows FROM entries")
    kept = index_rows.decode_rows(blob)
    kept = msgspec.structs.replace(kept, nq=tuple((*row, 0) for row in kept.nq))
    connection.execute("UPDATE entries SET rows = ? WHERE rid = ?", (index_rows.encode_rows(kept), rid))
    found = connection.execute("SELECT p, lo, rid, hi, sc, c, u, 0 FROM nq").fetchall()
    connection.execute("DROP TABLE nq; DROP TABLE tally; DROP TABLE cn")
    _, begin, rest = MIGRATIONS[0].partition("CREATE TABLE nq")
    connection.execute(begin + rest)
    connection.executemany("INSERT INTO nq VALUES (?, ?, ?, ?, ?, ?, ?, ?)", found)
    connection.execute("PRAGMA user_version = 5")
    connection.close()


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "s.db"))
    migrate(connection)

    with pytest.raises(apsw.SQLError):
        migrate(connection, (*MIGRATIONS, "CREATE TABLE later (a INTEGER)", "CREATE nonsense"))

    assert connection.pragma("user_version") == len(MIGRATIONS)
    assert connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'later'").fetchall() == []


async def test_a_file_of_a_newer_release_is_refused(tmp_path: Path, clock: HandClock) -> None:
    apsw.Connection(str(tmp_path / "s.db")).execute("PRAGMA user_version = 1000")

    with pytest.raises(NewerFile, match=r"schema 1000.*only up to"):
        SqliteStore.open(tmp_path / "s.db", clock, Dates())


async def test_a_commit_that_cannot_be_stored_fails_alone(
    sqlite_store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sqlite_store.commit([put("Patient", "good0")])
    # A hash that two resources share, as it would be found in a million times the age of the world.
    shared = lambda key: 7 if key.id.startswith("bad") else keys.hash64(f"{key.type}/{key.id}")  # noqa: E731
    monkeypatch.setattr(prepared, "resource_key", shared)

    outcomes = await asyncio.gather(
        *(sqlite_store.commit([put("Patient", id_)]) for id_ in ("good1", "bad1", "bad2", "good2")),
        return_exceptions=True,
    )

    assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, False, True, False]
    assert await found(sqlite_store, query("Patient")) == ["good0", "good1", "bad1", "good2"]


async def test_a_read_never_gives_a_resource_with_another_id(
    sqlite_store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sqlite_store.commit([put("Patient", "a"), put("Patient", "a")])
    other, rk = Key("Patient", "other"), keys.hash64("Patient/a")
    monkeypatch.setattr("fhir_service.storage.sqlite.store.resource_key", lambda key: rk)

    assert await sqlite_store.read(other) is None
    assert await sqlite_store.vread(other, 1) is None
    assert await sqlite_store.read_many([other]) == {}


def test_the_parameters_of_r4_have_numbers_of_their_own() -> None:
    registry = SearchRegistry(Definitions.load())

    numbers = {
        keys.parameter_id(resource_type, code)
        for resource_type in registry.definitions.resource_types
        for code in registry.parameters(resource_type)
    }

    assert len(numbers) > 2000


async def test_an_update_writes_only_the_rows_that_change(sqlite_store: SqliteStore, tmp_path: Path) -> None:
    day = DateEntry("birthdate", BASE, BASE + DAY)
    await sqlite_store.commit([put("Patient", "a", name("Ando"), day, TokenEntry("active", None, "true"))])
    before = rows(tmp_path)
    await sqlite_store.commit([put("Patient", "a", name("Ando"), day, TokenEntry("active", None, "false"))])
    after = rows(tmp_path)

    assert {table for table in before if before[table] != after[table]} == {"ix"}
    assert len(before["ix"] ^ after["ix"]) == 2
    await sqlite_store.commit([delete("Patient", "a")])
    assert not any(rows(tmp_path).values())


async def test_a_search_that_would_hold_up_all_others_is_refused(
    sqlite_store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sqlite_store.commit([put("Patient", f"p{n}", name(f"Ando{n}")) for n in range(500)])
    monkeypatch.setattr("fhir_service.storage.sqlite.store._MOST_LOOKS", 3)
    sqlite_store._connection.set_progress_handler(sqlite_store._too_long, 100)

    with pytest.raises(FhirError) as refused:
        await sqlite_store.search(query("Patient", named("o", "contains")), count=10, total=True)
    assert refused.value.issues[0].code == "too-costly"

    monkeypatch.undo()
    sqlite_store._connection.set_progress_handler(sqlite_store._too_long, 10_000)
    assert len(await found(sqlite_store, query("Patient", named("ando7")))) == 11


async def test_a_search_by_many_codes_does_not_try_each_for_every_resource(sqlite_store: SqliteStore) -> None:
    await sqlite_store.commit([put("Patient", f"p{n}", TokenEntry("identifier", "s", str(n))) for n in range(2_000)])
    asked = query("Patient", token("Patient", "identifier", *(f"s|{n}" for n in range(1_000, 3_000))))
    looks = count()
    sqlite_store._connection.set_progress_handler(lambda: next(looks) < 0, 1_000)

    page = await sqlite_store.search(asked, count=10, total=True)

    assert page.total == 1_000
    assert next(looks) < 500  # thousands of steps; more than 10,000 if each of the codes were tried


def rows(tmp_path: Path) -> dict[str, set[tuple[object, ...]]]:
    """Return the rows of every index table."""
    connection = apsw.Connection(str(tmp_path / "store.db"), flags=apsw.SQLITE_OPEN_READONLY)
    return {
        table: set(connection.execute(f"SELECT {', '.join(columns)} FROM {table}"))
        for table, columns in {**index_tables.INDEX_TABLES, "entries": ("rid",)}.items()
    }


STATUS, CODE = token("Observation", "status", "final"), token("Observation", "code", "s|x")
SUBJECT = parameter("Observation", "subject")
SIZE = parameter("Observation", "value-quantity")
QUANTITY = Match(
    SIZE,
    (QuantityValue(NumberValue("gt", number("gt", "5").value, 5, 5), "u", "mg"),),
)
OBSERVATION = put(
    "Observation", "o", TokenEntry("status", None, "final"), *[TokenEntry("code", s, c) for s in "sa" for c in "xyz"]
)
LATE = dated("Observation", "date", ("ge", BASE, BASE))
TEXT = Match(parameter("Observation", "value-string"), (StringValue("ando", "ando"),))
WITHIN = Match(parameter("Observation", "value-string"), (StringValue("ando", "ando"),), "contains")


@pytest.mark.parametrize(
    ("clauses", "sort"),
    [
        ((), ""),
        ((), "_lastUpdated"),
        ((), "-_id"),
        ((), "value-string"),
        ((STATUS,), "-value-quantity"),
        ((STATUS,), ""),
        ((STATUS,), "-date"),
        ((STATUS, CODE), "-_lastUpdated"),
        ((STATUS, CODE), "code,-value-string"),
        ((STATUS, LATE), ""),
        ((LATE,), "-date"),
        ((TEXT,), ""),
        ((WITHIN, STATUS), "date"),
        ((QUANTITY,), ""),
        ((QUANTITY, STATUS, LATE), ""),
        ((token("Observation", "code", "a|x", "a|y", "a|z"),), "-date"),
        ((token("Observation", "code", "s|x", modifier="not"),), ""),
        ((refers("Observation", "subject", "Patient/a"), STATUS), "-date"),
        ((Chain(SUBJECT, (("Patient", named("a")), ("Encounter", token("Encounter", "status", "s|x")))),), ""),
        ((Chain(SUBJECT, (("Patient", named("a")),)), STATUS), "-_lastUpdated"),
    ],
)
async def test_no_search_reads_a_table_from_end_to_end(
    sqlite_store: SqliteStore, clauses: tuple[Clause, ...], sort: str
) -> None:
    await sqlite_store.commit([OBSERVATION])
    plan = Plan(query("Observation", *clauses, sort=sort), sqlite_store._reader)
    cursor = (1,) * len(plan.order.keys)

    for select in (plan.page(Page(21)), plan.page(Page(21, cursor)), plan.page(Page(21, cursor, True)), plan.count()):
        assert_uses_indexes(sqlite_store, select)
    if sort in ("", "-date") and not any(isinstance(clause, Chain) for clause in clauses):
        assert (
            not any("ORDER BY" in step for step in steps(sqlite_store, plan.page(Page(21, cursor))))
            or plan.start.gathered
        )


async def test_what_has_one_number_is_read_in_the_order_of_dates(sqlite_store: SqliteStore) -> None:
    for day in (3, 1, 2):
        weights = [QuantityEntry("value-quantity", 7, 7, "u", unit, None) for unit in ("mg", "g")]
        await sqlite_store.commit([put("Observation", f"o{day}", *weights, date=BASE + day * DAY)])
    asked = query("Observation", Match(SIZE, (QuantityValue(number("eq", "7"), None, None),)))
    plan = Plan(asked, sqlite_store._reader)

    page = steps(sqlite_store, plan.page(Page(2)))

    assert len(plan.start.values) == 1
    assert not any("TEMP B-TREE" in step for step in page)
    assert await found(sqlite_store, asked, count=2) == ["o1", "o2"]
    assert (await sqlite_store.search(asked, count=2, total=True)).total == 3
    by_number = query("Observation", sort="-value-quantity")
    assert await walk(sqlite_store, by_number, 2) == [["o3", "o2"], ["o1"]]


async def test_what_refers_to_a_type_is_found_from_the_few_of_that_type(sqlite_store: SqliteStore) -> None:
    others = [
        put("Observation", f"o{n}", ReferenceEntry("subject", f"Patient/p{n % 3}"), date=BASE + n * DAY)
        for n in range(300)
    ]
    one = put("Observation", "one", ReferenceEntry("subject", "Encounter/e"))
    await sqlite_store.commit([*(put("Patient", f"p{n}") for n in range(3)), put("Encounter", "e"), *others, one])
    of_encounters = Chain(SUBJECT, (("Patient", AnyOf(())), ("Encounter", NoneOf(()))))

    asked = query("Observation", of_encounters)

    assert await found(sqlite_store, asked) == ["one"]
    assert Plan(asked, sqlite_store._reader).start.gathered is not None


async def test_how_many_a_chain_finds_is_told_from_a_sample_and_all_are_found(sqlite_store: SqliteStore) -> None:
    people = [put("Patient", f"p{n}", name("ando")) for n in range(40)]

    def of(n: int, times: range) -> list[Put]:
        subject = ReferenceEntry("subject", f"Patient/p{n}")
        return [put("Observation", f"o{n}-{each}", subject, date=BASE + n * DAY) for each in times]

    asked = query("Observation", Chain(SUBJECT, (("Patient", named("ando")),)))
    await sqlite_store.commit([*people, *(each for n in range(SAMPLE, 40) for each in of(n, range(3)))])
    reader = sqlite_store._reader
    (part,) = Plan(asked, reader).parts
    assert part.estimate(reader, 1000) == 0  # none of the first has one
    assert len(await found(sqlite_store, asked, count=100)) == 24 * 3
    await sqlite_store.commit([each for n in range(SAMPLE) for each in of(n, range(5))])
    assert part.estimate(reader, 1000) == 40 * 5
    assert part.estimate(reader, 100) == 100
    assert len(await found(sqlite_store, asked, count=200)) == SAMPLE * 5 + 24 * 3


async def test_has_history_and_changes_use_indexes_too(sqlite_store: SqliteStore) -> None:
    await sqlite_store.commit([OBSERVATION])
    has = Has("Observation", SUBJECT, STATUS)
    assert_uses_indexes(sqlite_store, Plan(query("Patient", has, sort="-name"), sqlite_store._reader).page(Page(21)))
    whose_versions = (Sql("1"), Sql("rtype = ?", ("Patient",)), Sql("rid = ?", (1,)))
    for whose, oldest_first in product(whose_versions, (False, True)):
        asked = history.Asked(None, None, 1, (1, 2), None, oldest_first)
        page = history._page(whose, asked, (1, 2, 3), 20)
        assert not any("SCAN" in step and "INDEX" not in step for step in steps(sqlite_store, page))
        sorts = any("TEMP B-TREE" in step for step in steps(sqlite_store, page))
        assert not sorts or whose.text == "rid = ?"  # the versions of one resource are few
    for table in index_tables.INDEX_TABLES:
        assert_uses_indexes(sqlite_store, Sql(index_tables._DELETES[table], (b"\x0b",)))


def assert_uses_indexes(store: SqliteStore, statement: Sql) -> None:
    scanned = [re.match(r"SCAN (\w+)\b(?! VIRTUAL)", step) for step in steps(store, statement)]
    names = {match[1] for match in scanned if match} - {"json_each", "g", "c", "s0", "s1", "CONSTANT"}
    assert not names, (statement.text, steps(store, statement))


def steps(store: SqliteStore, statement: Sql) -> list[str]:
    explained = store._connection.execute(f"EXPLAIN QUERY PLAN {statement.text}", statement.parameters)
    return [detail for _, _, _, detail in explained]


CLIENT = """
import asyncio, sys
from datetime import UTC, datetime
from fhir_service.storage.sqlite import SqliteStore
from tests.storage.made import Dates, name, put, delete

async def client(store, n):
    round = 0
    while True:
        round += 1
        text = f"r{n}x{round}"
        changes = [put("Patient", f"{n}-{side}", name(text), n=text) for side in "ab"]
        if round % 5 == 0:
            changes.append(delete("Encounter", str(n)))
        elif round % 5 == 1:
            changes.append(put("Encounter", str(n)))
        await store.commit(changes)
        print(n, round, flush=True)

async def main():
    store = SqliteStore.open(sys.argv[1], lambda: datetime.now(UTC), Dates())
    await asyncio.gather(*(client(store, n) for n in range(16)))

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged_before_the_end", [40, 700])
async def test_after_a_kill_every_acknowledged_commit_is_there_and_whole(
    tmp_path: Path, acknowledged_before_the_end: int
) -> None:
    file = tmp_path / "s.db"
    process = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(file)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        start_new_session=True,
    )
    assert process.stdout is not None
    last: dict[int, int] = {}
    for _ in range(acknowledged_before_the_end):
        client, turn = map(int, process.stdout.readline().split())
        last[client] = turn
    os.killpg(process.pid, signal.SIGKILL)
    for line in process.stdout.read().splitlines():  # acknowledged as well, while it was being killed
        if re.fullmatch(r"\d+ \d+", line):
            client, turn = map(int, line.split())
            last[client] = max(last.get(client, 0), turn)
    process.wait(timeout=10)

    store = SqliteStore.open(file, HandClock(), Dates())
    for client, turn in last.items():
        both = await store.read_many([Key("Patient", f"{client}-{side}") for side in "ab"])
        texts = {json.loads(version.body)["n"] for version in both.values()}
        assert len(both) == 2 and len(texts) == 1  # a commit is whole or not there
        [text] = texts
        assert int(text.partition("x")[2]) >= turn
        assert await found(store, query("Patient", named(text))) == [f"{client}-a", f"{client}-b"]
        history_of_one = await store.history("Patient", f"{client}-a", count=1)
        assert history_of_one.total == history_of_one.versions[0].version >= turn
    await store.close()
    check = apsw.Connection(str(file))
    assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_the_log_is_emptied_when_nothing_is_written_and_gone_at_the_end(tmp_path: Path, clock: HandClock) -> None:
    store = SqliteStore.open(tmp_path / "s.db", clock, Dates())
    log = tmp_path / "s.db-wal"
    await store.commit([put("Patient", "a", name("Ando"))])
    assert log.stat().st_size > 0

    async with asyncio.timeout(30):
        while log.stat().st_size > 0:
            await asyncio.sleep(0.05)

    assert await found(store, query("Patient", named("ando"))) == ["a"]
    await store.commit([put("Patient", "b", name("Ando"))])
    assert await found(store, query("Patient", named("ando"))) == ["a", "b"]
    await store.close()
    assert not log.exists()
