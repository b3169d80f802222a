"""How fast the SQLite store is by itself: commits, reads, batches and the first page of a search.

`python bench/store.py [--resources 20000 200000] [--dir DIR]` prints a table; it asserts nothing. Entries are as
many as those of real resources: about 12 keys, 3 dates, 5 strings, 2 quantities, 3 references.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median

from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.index import (
    DateEntry,
    IndexEntries,
    QuantityEntry,
    ReferenceEntry,
    StringEntry,
    TokenEntry,
)
from fhir_service.fhir.search.parameter import SearchParameter, SearchType
from fhir_service.fhir.search.query import (
    Chain,
    Clause,
    DateValue,
    Has,
    Include,
    Match,
    Query,
    ReferenceValue,
    Sort,
    StringValue,
    TokenValue,
)
from fhir_service.storage.identity import IdSequence
from fhir_service.storage.sqlite import SqliteStore
from fhir_service.storage.store import Put

DAY = 86_400_000_000
FIRST_DAY = 1_600_000_000_000_000
LOINC = "http://loinc.org"
FAMILY = [
    "佐藤",
    "鈴木",
    "高橋",
    "田中",
    "伊藤",
    "渡辺",
    "山本",
    "中村",
    "小林",
    "加藤",
    "吉田",
    "山田",
    "佐々木",
    "山口",
    "松本",
    "井上",
    "木村",
    "林",
    "斎藤",
    "清水",
]
GIVEN = [
    "翔太",
    "健太",
    "大輔",
    "直樹",
    "陽子",
    "美咲",
    "恵子",
    "裕子",
    "愛",
    "智子",
    "拓也",
    "明美",
    "真一",
    "由美子",
    "和子",
]


class Dates:
    """What the store asks of the registry."""

    def primary_date(self, resource_type: str) -> str | None:
        return {"Observation": "date", "Encounter": "date"}.get(resource_type)


def now() -> datetime:
    return datetime.now(UTC)


def patient(random: Random, id_: str) -> Put:
    """Return a patient with two names, an identifier and a doctor."""
    family, given = random.choice(FAMILY), random.choice(GIVEN)
    birth = -random.randrange(20_000) * DAY
    number = str(random.randrange(10**9))
    resource = {
        "resourceType": "Patient",
        "id": id_,
        "identifier": [{"system": "urn:oid:1.2.392.100495.20.3.51", "value": number}],
        "name": [{"family": family, "given": [given]}, {"text": f"{family} {given}"}],
        "text": {"status": "generated", "div": "<div>" + family * 200 + "</div>"},
    }
    tokens = [
        TokenEntry("identifier", "urn:oid:1.2.392.100495.20.3.51", number),
        TokenEntry("gender", None, random.choice(("male", "female"))),
        TokenEntry("active", None, "true"),
        TokenEntry("phone", None, f"03-{number[:4]}"),
        TokenEntry("_profile", None, "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Patient"),
    ]
    strings = [StringEntry(code, text, text) for code, text in (("family", family), ("given", given))]
    strings += [StringEntry("name", text, text) for text in (family, given, family + given)]
    dates = [DateEntry("birthdate", birth, birth + DAY - 1)]
    references = [ReferenceEntry("general-practitioner", f"Practitioner/{random.randrange(200)}")]
    return Put(resource, IndexEntries(tokens, references, strings, dates), "POST", 0)


def observation(random: Random, id_: str, patients: Sequence[str], days: float) -> Put:
    """Return an observation of one of these patients, made so many days after the first."""
    code, subject = f"{random.randrange(300)}-{random.randrange(10)}", f"Patient/{random.choice(patients)}"
    low = FIRST_DAY + int(days * DAY)
    value = float(random.randrange(1000)) / 10
    resource = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}], "text": "測定" * 100},
        "subject": {"reference": subject},
        "valueQuantity": {"value": value, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"},
    }
    tokens = [
        TokenEntry("code", LOINC, code),
        TokenEntry("combo-code", LOINC, code),
        TokenEntry("category", "http://terminology.hl7.org", random.choice(("laboratory", "vital-signs", "survey"))),
        TokenEntry("status", None, "final"),
    ]
    references = [ReferenceEntry(p, subject) for p in ("subject", "patient")]
    references.append(ReferenceEntry("performer", f"Practitioner/{random.randrange(200)}"))
    quantities = [
        QuantityEntry(p, value, value, "http://unitsofmeasure.org", "mg", "mg") for p in ("value-quantity", "combo-vq")
    ]
    dates = [DateEntry("date", low, low), DateEntry("issued", low, low)]
    entries = IndexEntries(tokens, references, [], dates, [], quantities, date=low)
    return Put(resource, entries, "POST", 0)


async def commits(store: SqliteStore, changes: Sequence[Sequence[Put]], clients: int) -> float:
    """Return the seconds that it takes so many clients to commit these, each waiting for its own."""
    waiting = iter(changes)

    async def client() -> None:
        for change in waiting:
            await store.commit(change)

    begin = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - begin


async def each(run: Callable[[int], Awaitable[object]], times: int) -> float:
    """Return the median of the microseconds that a call takes."""
    taken = []
    for n in range(times):
        begin = time.perf_counter()
        await run(n)
        taken.append(time.perf_counter() - begin)
    return median(taken) * 1e6


def parameter(resource_type: str, code: str, kind: SearchType) -> SearchParameter:
    return SearchParameter(resource_type, code, kind, None, "")


def searches(subject: str) -> dict[str, Query]:
    """Return the searches that are timed, by what is written in a URL."""
    code = parameter("Observation", "code", "token")
    category = parameter("Observation", "category", "token")
    of_subject = parameter("Observation", "subject", "reference")
    date = parameter("Observation", "date", "date")
    family = parameter("Patient", "family", "string")
    lab = Match(category, (TokenValue(None, "laboratory"),))
    one = Match(code, (TokenValue(LOINC, "7-7"),))
    mine = Match(of_subject, (ReferenceValue((subject,)),))
    late = Match(date, (DateValue("ge", FIRST_DAY + 900 * DAY, FIRST_DAY + 901 * DAY),))
    sato = Match(family, (StringValue("佐藤", "佐藤"),))
    newest = (Sort(date, True),)

    def observations(*clauses: Clause, sort: tuple[Sort, ...] = (), includes: tuple[Include, ...] = ()) -> Query:
        return Query("Observation", clauses, sort, includes)

    return {
        "Observation": observations(),
        "Observation?category=laboratory": observations(lab),
        "Observation?category=laboratory&_sort=-date": observations(lab, sort=newest),
        "Observation?code=…": observations(one),
        "Observation?category&code=…": observations(lab, one),
        "Observation?category&date=ge…": observations(lab, late),
        "Observation?category&date=ge…&_sort=-date": observations(lab, late, sort=newest),
        "Observation?subject=…&_sort=-date": observations(mine, sort=newest),
        "Observation?code=…&_include=subject": observations(one, includes=(Include("Observation", of_subject),)),
        "Observation?subject.family=…": observations(Chain(of_subject, (("Patient", sato),))),
        "Observation?_sort=-_lastUpdated": observations(sort=(Sort("_lastUpdated", True),)),
        "Observation?code=…&_sort=-value-quantity": observations(
            one, sort=(Sort(parameter("Observation", "value-quantity", "quantity"), True),)
        ),
        "Patient?family=…": Query("Patient", (sato,)),
        "Patient?family:contains=藤": Query("Patient", (Match(family, (StringValue("藤", "藤"),), "contains"),)),
        "Patient?name:contains=藤翔": Query(
            "Patient", (Match(parameter("Patient", "name", "string"), (StringValue("藤翔", "藤翔"),), "contains"),)
        ),
        "Patient?_sort=family": Query("Patient", (), (Sort(family, False),)),
        "Patient?_has:Observation:subject:code=…": Query("Patient", (Has("Observation", of_subject, one),)),
    }


async def fill(store: SqliteStore, random: Random, ids: IdSequence, patients: list[str], target: int, had: int) -> None:
    """Add resources in large commits, one patient to nine observations."""
    for start in range(had, target, 1000):
        batch = []
        for n in range(start, min(start + 1000, target)):
            id_ = ids.new_id()
            if n % 10 == 0:
                batch.append(patient(random, id_))
                patients.append(id_)
            else:
                batch.append(observation(random, id_, patients, n / 200))
        await store.commit(batch)


async def measure(path: Path, sizes: Sequence[int]) -> None:
    """Print all figures at each size of one growing store."""
    random, ids = Random(1), IdSequence(now)
    store = SqliteStore.open(path, now, Dates())
    patients: list[str] = []
    had = 0
    for size in sizes:
        begin = time.perf_counter()
        await fill(store, random, ids, patients, size, had)
        rate = (size - had) / (time.perf_counter() - begin)
        await asyncio.sleep(2)  # what was written is in its place
        print(f"\n{size:,} resources; filled at {rate:,.0f}/s in batches of 1000")
        await measure_reads(store, random, patients)
        had = size + await measure_commits(store, random, ids, patients)
    await store.close()
    print(f"\nfile: {path.stat().st_size / had:,.0f} bytes per resource")


def asked(store: SqliteStore, query: Query, *, count: int, total: bool = False) -> Callable[[int], Awaitable[object]]:
    """Return the search, to be done again and again."""
    return lambda _: store.search(query, count=count, total=total)


async def measure_reads(store: SqliteStore, random: Random, patients: Sequence[str]) -> None:
    """Print how long a read, each search and its total take."""
    keys = [Key("Patient", random.choice(patients)) for _ in range(5000)]
    taken = await each(lambda n: store.read(keys[n]), len(keys))
    print(f"  {'read':44}{taken:9.1f} µs")
    for text, query in searches(f"Patient/{patients[7]}").items():
        page = await each(asked(store, query, count=20), 50)
        total = await each(asked(store, query, count=0, total=True), 3)
        found = (await store.search(query, count=0, total=True)).total
        print(f"  {text:44}{page:9.1f} µs, total {total:11.1f} µs, {found:,} found")


async def measure_commits(store: SqliteStore, random: Random, ids: IdSequence, patients: Sequence[str]) -> int:
    """Print how many resources are stored in a second; return how many were."""
    made = 0
    for clients, commits_of_each, size in ((1, 200, 1), (8, 100, 1), (64, 150, 1), (1, 25, 100), (8, 5, 100)):
        changes = [
            [observation(random, ids.new_id(), patients, 1000 + (made + n) / 1e6) for n in range(size)]
            for _ in range(clients * commits_of_each)
        ]
        seconds = await commits(store, changes, clients)
        made += size * len(changes)
        name = f"commits of {size}, {clients} at once"
        print(f"  {name:44}{size * len(changes) / seconds:9,.0f} resources/s")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--dir", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.dir) as folder:
        asyncio.run(measure(Path(folder) / "bench.db", arguments.resources))


if __name__ == "__main__":
    main()
