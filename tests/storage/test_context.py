"""What a reader remembers between searches: never an answer of before the last write, and never much."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from fhir_service.fhir.resource import Key
from fhir_service.storage.sqlite import SqliteStore, context
from fhir_service.storage.sqlite.context import Reader
from fhir_service.storage.sqlite.sql import Sql
from fhir_service.storage.store import Reindex

from .made import Dates, entries, ids, name, named, put, query

ALL = Sql("SELECT n, body FROM t ORDER BY n")
COUNT = Sql("SELECT count(*) FROM t WHERE n >= ?", (0,))


class Counted(Reader):
    """Also tells how many statements SQLite was given to read with."""

    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__(connection, Dates())
        self.asked = 0
        connection.set_exec_trace(self._traced)

    def _traced(self, _: apsw.Cursor, statement: str, __: Any) -> bool:
        self.asked += statement.startswith("SELECT")
        return True


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[apsw.Connection]:
    connection = apsw.Connection(str(tmp_path / "t.db"))
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB)")
    connection.execute("INSERT INTO t VALUES (1, x'00'), (2, x'00')")
    yield connection
    connection.close()


def reader_of(writing: apsw.Connection) -> Counted:
    return Counted(apsw.Connection(writing.filename, flags=apsw.SQLITE_OPEN_READONLY))


def test_a_page_is_read_once_as_long_as_nothing_is_written(writing: apsw.Connection) -> None:
    reader = reader_of(writing)

    assert reader.page(ALL) == reader.page(ALL) == [(1, b"\0"), (2, b"\0")]
    assert reader.asked == 1


@pytest.mark.parametrize("write", ["INSERT INTO t VALUES (3, x'01')", "UPDATE t SET body = x'02'", "DELETE FROM t"])
def test_a_page_and_a_count_show_what_was_written_in_between(writing: apsw.Connection, write: str) -> None:
    readers = [reader_of(writing), reader_of(writing)]
    before = [(reader.page(ALL), reader.count(COUNT)) for reader in readers]

    writing.execute(write)

    now = (writing.execute(ALL.text).fetchall(), writing.execute("SELECT count(*) FROM t").get)
    assert before[0] == before[1] != now
    assert [(reader.page(ALL), reader.count(COUNT)) for reader in readers] == [now, now]


def test_within_a_snapshot_a_page_stays_as_it_was(writing: apsw.Connection) -> None:
    reader = reader_of(writing)
    reader.connection.execute("BEGIN")
    before = reader.page(ALL)
    writing.execute("DELETE FROM t")

    assert reader.page(ALL) == before
    reader.connection.execute("COMMIT")
    assert reader.page(ALL) == []


def test_the_writer_sees_what_it_has_just_written(writing: apsw.Connection) -> None:
    reader = Counted(writing)
    assert reader.count(COUNT) == 2

    with writing:
        writing.execute("DELETE FROM t WHERE n = 1")
        assert reader.page(ALL) == [(2, b"\0")]
        assert reader.count(COUNT) == 1


def test_a_page_that_is_too_large_is_not_remembered(writing: apsw.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_MOST_OF_PAGES", 1_000)
    writing.execute("UPDATE t SET body = zeroblob(600)")
    reader = reader_of(writing)

    assert reader.page(ALL) == reader.page(ALL)
    assert reader.asked == 2


def test_pages_that_are_too_large_together_take_the_place_of_each_other(
    writing: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "_MOST_OF_PAGES", 2_000)
    writing.execute("UPDATE t SET body = zeroblob(500)")
    reader = reader_of(writing)
    other = ALL._replace(text=f"{ALL.text} LIMIT 9")

    reader.page(ALL)
    reader.page(other)
    reader.page(other)
    reader.page(ALL)

    assert reader.asked == 3


def test_long_statements_count_for_what_is_remembered(
    writing: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "_MOST_OF_TOTALS", 1_000)
    reader = reader_of(writing)
    long = Sql("SELECT count(*) FROM t WHERE n <> ?", ("x" * 1_000,))

    assert reader.count(long) == reader.count(long) == 2
    assert reader.asked == 2


async def test_a_reindex_and_what_another_process_writes_are_seen_by_searches(
    sqlite_store: SqliteStore, tmp_path: Path
) -> None:
    await sqlite_store.commit([put("Patient", "1", name("山田")), put("Patient", "2", name("佐藤"))])
    asked = query("Patient", named("山田"), sort="name")
    first = await sqlite_store.search(asked, count=9, total=True)

    await sqlite_store.reindex([Reindex(Key("Patient", "2"), 1, entries(name("山田")))])
    second = await sqlite_store.search(asked, count=9, total=True)
    other = apsw.Connection(str(tmp_path / "store.db"))
    other.execute("DELETE FROM st WHERE rid = (SELECT rid FROM res WHERE id = '1')")
    other.close()
    third = await sqlite_store.search(asked, count=9, total=True)

    assert [ids(page) for page in (first, second, third)] == [["1"], ["1", "2"], ["2"]]
    assert [page.total for page in (first, second, third)] == [1, 2, 1]
