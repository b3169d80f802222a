"""Full text in SQLite: a table of FTS5 that follows the resources; what it does not have yet is read from them.

No write waits for it. A search for words first lets the writer index what was written since the last one, some at a
time between its commits; what is left then is read as it stands, so that nothing is missed (ADR 11).

`ft_state.upd` is how far the table has come; of the resources of that very millisecond, `ft_last` has those in it.
https://sqlite.org/fts5.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apsw

from fhir_service.fhir import json
from fhir_service.fhir.search.query import WordsMatch
from fhir_service.fhir.search.words import Phrase, Texts, Where, score, texts_of, type_token
from fhir_service.storage.sqlite.sql import Candidate, Context, Parameter, Sql, count_up_to

AT_ONCE = 100
"""As many resources are indexed in one transaction (some ten milliseconds)."""

_REACHED = "(SELECT upd FROM ft_state)"
_IS_NEW = (
    f"({{r}}.upd > {_REACHED} OR {{r}}.upd = {_REACHED} AND NOT EXISTS "
    "(SELECT 1 FROM ft_last l WHERE l.rid = {r}.rid AND l.ver = {r}.ver))"
)
_NEW = f"FROM res INDEXED BY res_upd WHERE upd >= {_REACHED} AND {_IS_NEW.format(r='res')}"
_NEXT = f"SELECT rid, ver, upd, deleted, body {_NEW} ORDER BY upd, rid LIMIT ?"
_REMOVE = "DELETE FROM ft WHERE rowid = ?"
_ADD = "INSERT INTO ft (rowid, narrative, other) VALUES (?, ?, ?)"
_COLUMNS: dict[Where, str] = {"narrative": "narrative : ", "content": ""}


def behind(connection: apsw.Connection, limit: int) -> int:
    """Return how many resources the table does not have, `limit` if as many or more."""
    return count_up_to(connection, Sql(f"SELECT 1 {_NEW}"), limit)


def bytes_behind(connection: apsw.Connection, limit: int) -> int:
    """Return how many bytes the first of these have, `limit` resources at the most."""
    found: int = connection.execute(
        f"SELECT coalesce(sum(length(body)), 0) FROM (SELECT body {_NEW} LIMIT ?)", (limit,)
    ).get
    return found


def follow(connection: apsw.Connection) -> int:
    """Index the next resources, in a transaction of the writer; return how many there were."""
    rows: list[Any] = connection.execute(_NEXT, (AT_ONCE,)).fetchall()
    if not rows:
        return 0
    # What has one version only was not there before.
    connection.executemany(_REMOVE, [(rid,) for rid, ver, *_ in rows if ver > 1])
    connection.executemany(
        _ADD, [(rid, *texts_of(json.decode(body))) for rid, _, _, deleted, body in rows if not deleted]
    )
    reached = rows[-1][2]
    if reached > connection.execute("SELECT upd FROM ft_state").get:
        connection.execute("DELETE FROM ft_last")
        connection.execute("UPDATE ft_state SET upd = ?", (reached,))
    last = [(rid, ver) for rid, ver, upd, _, _ in rows if upd == reached]
    connection.executemany("INSERT OR REPLACE INTO ft_last (rid, ver) VALUES (?, ?)", last)
    return len(rows)


def register(connection: apsw.Connection) -> None:
    """Give a connection the functions that statements about words use."""
    connection.create_scalar_function("words_often", _often, 4, deterministic=True)
    connection.create_scalar_function("words_score", _score, 4, deterministic=True)
    connection.register_fts5_function("words_rank", _rank)


def _read(body: Any, where: Any, tokens: Any, is_open: Any) -> tuple[Texts, int]:
    texts = texts_of(json.decode(body))
    return texts, texts.often(where, Phrase(tuple(tokens.split(" ")), bool(is_open)))


def _often(*asked: Any) -> int:
    return _read(*asked)[1]


def _score(*asked: Any) -> int:
    texts, often = _read(*asked)
    return score(often, texts.length)


def _rank(api: apsw.FTS5ExtensionApi, *_: Any) -> int:
    """Return the score of a row of `ft`: as `_score` of its resource."""
    return score(api.inst_count, api.column_size(-1))


@dataclass(frozen=True, slots=True)
class Words:
    """Resources of a type in which a phrase stands."""

    resource_type: str
    asked: WordsMatch

    @property
    def drives(self) -> bool:
        return True

    def probe(self, candidate: Candidate) -> Sql:
        select = self.rids(candidate.depth)
        return Sql(f"{candidate.rid} IN ({select.text})", select.parameters)

    def rids(self, depth: int = 0) -> Sql:
        r = f"r{depth}"
        text = (
            f"SELECT {r}.rid FROM ft CROSS JOIN res {r} ON {r}.rid = ft.rowid WHERE ft MATCH ? AND {r}.rtype = ? "
            f"AND {r}.deleted = 0 AND NOT {_IS_NEW.format(r=r)} "
            f"UNION ALL SELECT rid {_NEW} AND rtype = ? AND deleted = 0 AND words_often(body, ?, ?, ?) > 0"
        )
        match = f'({_match(self.asked)}) AND other : "{type_token(self.resource_type)}"'
        return Sql(text, (match, self.resource_type, self.resource_type, *_asked(self.asked)))

    def estimate(self, context: Context, limit: int) -> int:
        return count_up_to(context.connection, self.rids(), limit)


def rank(words: Iterable[WordsMatch]) -> Sql:
    """Return the expression for the score of the candidate `c.rid`."""
    terms, parameters, is_new = [], list[Parameter](), _IS_NEW.format(r="n")
    for each in words:
        terms.append(
            f"coalesce((SELECT words_score(n.body, ?, ?, ?) FROM res n WHERE n.rid = c.rid AND {is_new}), "
            # LIMIT -1: all are ranked once, instead of each candidate apart.
            "(SELECT w.s FROM (SELECT rowid AS i, words_rank(ft) AS s FROM ft WHERE ft MATCH ? LIMIT -1) w "
            "WHERE w.i = c.rid), 0)"
        )
        parameters += [*_asked(each), _match(each)]
    return Sql(f"({' + '.join(terms)})", tuple(parameters))


def _match(asked: WordsMatch) -> str:
    """Return the query of FTS5; no token has a quote in it."""
    return f'{_COLUMNS[asked.where]}"{" ".join(asked.phrase.tokens)}"' + (" *" if asked.phrase.open else "")


def _asked(asked: WordsMatch) -> tuple[Parameter, ...]:
    return asked.where, " ".join(asked.phrase.tokens), int(asked.phrase.open)
