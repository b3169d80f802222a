"""Measure every kind of search on two data sets, one ten times the other: `make bench-search`.

Both servers and a bare one run all the time, and each kind is measured on them in turn, a second or so each: a machine
that slows down slows all three. Eight clients ask at random places for pages of 20; meanwhile observations are created,
so that nothing lives long that a server remembers of what it found. `--write-docs` puts the table into
docs/performance.md.
"""

import argparse
import http.client
import json
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import fmean
from urllib.parse import quote, urlsplit

from bench import data, k6, machine, proof, report
from bench.processes import Running, bare_server, fhir_server, run_command

CLIENTS = 8
WRITES = 10  # a second
PLACES = 300  # of a kind of search, that its clients choose from
PAGES = 50
FHIR_JSON = "application/fhir+json"
PRACTITIONERS = 200
COUNTED = 10  # places at which it is counted how many are found
BEGIN, END = "<!-- bench-search:begin -->", "<!-- bench-search:end -->"
MOST_P50, MOST_P99, MOST_GROWTH = 5.0, 50.0, 1.5
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


@dataclass(frozen=True, slots=True)
class Measured:
    """One kind of search on the small and on the large data set, and the bare server at the same time (if measured).

    `found` is how many times more the large data set has of what is asked for.
    """

    name: str
    small: k6.Load
    large: k6.Load
    bare: k6.Load | None = None
    found: float = 1.0

    @property
    def growth(self) -> float:
        return self.large.p50 / self.small.p50 if self.small.p50 else 0.0

    @property
    def met(self) -> str:
        if self.large.failed:
            return f"{self.large.failed} failed"
        fast = self.large.p50 <= MOST_P50 and self.large.p99 <= MOST_P99
        return "met" if fast and self.growth <= max(MOST_GROWTH, self.found) else "missed"

    def cells(self) -> tuple[str, ...]:
        times = (f"{each:,.2f}" for load in (self.small, self.large) for each in (load.p50, load.p99))
        ratio = f"{self.large.rate / self.bare.rate:.3f}" if self.bare else ""
        return (self.name, *times, f"{self.growth:.2f}", f"{self.found:.1f}", f"{self.large.cpu:,.0f}", ratio, self.met)


def dataset(size: int) -> Iterator[data.Resource]:
    """Yield the data of `bench.data`, and practitioners whom the patients have; every observation has a component."""
    for number in range(PRACTITIONERS):
        yield {"resourceType": "Practitioner", "id": f"d{number}", "name": [{"family": f"医師{number}"}]}
    for number, resource in enumerate(data.dataset(size)):
        if resource["resourceType"] == "Patient":
            practitioner = {"reference": f"Practitioner/d{number % PRACTITIONERS}"}
            yield resource | {"generalPractitioner": [practitioner]}
        else:
            yield _with_component(resource)


def _with_component(observation: data.Resource) -> data.Resource:
    part = {
        "code": {"coding": [{"system": data.CODES, "code": "part"}]},
        "valueQuantity": observation["valueQuantity"],
    }
    return observation | {"component": [part]}


def searches(size: int) -> dict[str, list[str]]:
    """Return the paths of each kind of search on a data set."""
    random, people = Random(1), data.patients_of(size)
    codes = people * data.HITS // data.HITS

    def paths(template: str) -> list[str]:
        return [_filled(template, random, people, codes) for _ in range(PLACES)]

    dated = {f"date, `{prefix}`": f"/Observation?date={prefix}{{day}}" for prefix in PREFIXES}
    several = ",".join(["{code}"] * 20)
    templates = {
        "string": "/Patient?family={family}",
        "string in kana": "/Patient?name={kana}",
        "string, `:contains` of two characters": "/Patient?name:contains={given}",
        **dated,
        "date span, sorted": "/Observation?date=ge{day}&date=lt{later}&_sort=-date",
        "token": f"/Observation?code={data.CODES}|c{{code}}",
        "token, 20 joined by OR": f"/Observation?code={several}".replace("{code}", "c{code}"),
        "token without system, and a date": "/Observation?category=survey&date=ge{day}",
        "quantity": "/Observation?value-quantity=gt{amount}",
        "quantity with its unit": "/Observation?value-quantity={amount}|http://unitsofmeasure.org|{{score}}",
        "composite": f"/Observation?code-value-quantity={data.CODES}|c{{code}}$ge20",
        "composite of a component": "/Observation?component-code-value-quantity=part$gt{amount}",
        "reference": "/Observation?subject=Patient/p{person}",
        "chain of two steps": "/Observation?subject:Patient.general-practitioner.name=医師{practitioner}",
        "`_has`": "/Patient?_has:Observation:patient:code=c{code}",
        "`_include` and `_revinclude`": (
            "/Patient?identifier={person}&_include=Patient:general-practitioner&_revinclude=Observation:subject"
        ),
        "`_include`, `:iterate`": (
            "/Observation?code=c{code}&_include=Observation:subject&_include:iterate=Patient:general-practitioner"
        ),
        "`_sort=-date` of all": "/Observation?category=survey&_sort=-date",
        "`_sort` by a quantity": "/Observation?status=final&_sort=-value-quantity",
        "`_filter`": "/Observation?_filter=code eq c{code} and value-quantity ge 20",
        "`_total=accurate` of all": "/Observation?category=survey&_total=accurate",
        "`_total=estimate` of all": "/Observation?category=survey&_total=estimate",
    }
    return {name: paths(template) for name, template in templates.items()}


def _filled(template: str, random: Random, people: int, codes: int) -> str:
    family, kana = random.choice(data.FAMILIES)
    while "{code}" in template:
        template = template.replace("{code}", str(random.randrange(codes)), 1)
    year, month, day = random.randrange(2010, 2025), random.randrange(1, 13), random.randrange(1, 29)
    path = template.format(
        family=family, kana=kana, given=random.choice(data.GIVENS)[0], person=random.randrange(people),
        practitioner=random.randrange(PRACTITIONERS), amount=random.randrange(20, 100), score="{score}",
        day=f"{year}-{month:02}-{day:02}", later=f"{year + 1}-{month:02}-{day:02}",
    )  # fmt: skip
    return quote(path, safe="/?&=,:$") + "&_count=20"


def measure(folder: Path, sizes: tuple[int, int], seconds: float) -> Iterator[Measured]:
    """Yield each kind of search, measured for so many seconds on a small and on a large data set."""
    small, large = sizes
    few_data, many_data = (loaded(folder, size) for size in sizes)
    with fhir_server(few_data) as few, fhir_server(many_data) as many, bare_server(folder) as bare:
        proof.prove(few, small)
        proof.prove(many, large)
        with writing(few, small), writing(many, large):
            servers = {"small": few, "large": many, "bare": bare}
            turns = [("small", seconds / 2), ("large", seconds / 2), ("bare", 1.0)]
            turns += turns[1::-1]
            of_small = searches(small)
            for name, of_large in searches(large).items():
                paths = {"small": of_small[name], "large": of_large, "bare": ["/"]}
                for number in range(3):  # what is planned once is found again
                    proof.get(few, paths["small"][number])
                    proof.get(many, paths["large"][number])
                loads = k6.beside(servers, turns, clients=CLIENTS, paths=paths)
                found = matches(many, of_large) / max(1, matches(few, of_small[name]))
                yield Measured(name, loads["small"], loads["large"], loads["bare"], found)
            yield Measured(f"walk of {PAGES} pages, each page", *walks(few, many))


def matches(server: Running, paths: list[str]) -> int:
    """Return how many resources are found at some of the places, all pages together."""
    asked = (path if "_total=" in path else f"{path}&_total=accurate" for path in paths[:COUNTED])
    return sum(proof.get(server, path)["total"] for path in asked)


def loaded(folder: Path, size: int) -> Path:
    """Return a data directory that holds the data set of this size."""
    directory, file = folder / f"data-{size}", folder / f"{size}.ndjson"
    data.write_ndjson(file, dataset(size))
    run_command("load", file, "--data-dir", directory)
    file.unlink()
    return directory


@contextmanager
def writing(server: Running, size: int) -> Iterator[None]:
    """Create WRITES observations a second meanwhile, beyond those of the data set; end the run if one is refused."""
    stop, refused = threading.Event(), list[str]()
    people = data.patients_of(size)

    def client() -> None:
        number = people * data.HITS
        while not stop.wait(1 / WRITES):
            made = data.observation("", f"Patient/p{number % people}", code=number // data.HITS, number=number)
            body = json.dumps(data.without_id(_with_component(made))).encode()
            request = urllib.request.Request(f"{server.base}/Observation", body, {"Content-Type": FHIR_JSON})
            try:
                urllib.request.urlopen(request, timeout=10).close()
            except OSError as error:
                refused.append(str(error))
                return
            number += 1

    thread = threading.Thread(target=client)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if refused:
        raise SystemExit(f"a create beside the searches failed: {refused[0]}")


def walks(few: Running, many: Running) -> tuple[k6.Load, k6.Load]:
    """Return what the pages took that eight clients walk through to the last, on one server, the other, and again."""
    walked: dict[str, list[float]] = {few.base: [], many.base: []}
    spent = {server.base: -server.cpu() for server in (few, many)}
    for server in (few, many, many, few):
        walked[server.base] += _walk(server)
    return (
        _walked(walked[few.base], spent[few.base] + few.cpu()),
        _walked(walked[many.base], spent[many.base] + many.cpu()),
    )


def _walked(times: list[float], cpu: float) -> k6.Load:
    times.sort()
    count = len(times)
    missing = 2 * CLIENTS * PAGES - count
    seconds = sum(times) / 1000 / CLIENTS
    p50, p99 = times[count // 2], times[count * 99 // 100]
    return k6.Load(count, rate=count / seconds, p50=p50, p99=p99, failed=missing, cpu=cpu / count * 1e6)


def _walk(server: Running) -> list[float]:
    """Return the milliseconds of each page; there are fewer than expected if a walk ends early."""
    times: list[float] = []

    def client() -> None:
        address = urlsplit(server.base)
        connection = http.client.HTTPConnection(address.netloc)
        url: str | None = f"{address.path}/Observation?category=survey&_sort=-date&_count=20"
        for _ in range(PAGES):
            if url is None:
                return
            begun = time.perf_counter()
            connection.request("GET", url)
            body = connection.getresponse().read()
            times.append((time.perf_counter() - begun) * 1000)
            url = _next(body)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def _next(body: bytes) -> str | None:
    _, found, rest = body.partition(b'"relation":"next","url":"')
    address = urlsplit(rest.partition(b'"')[0].decode())
    return f"{address.path}?{address.query}" if found else None


def markdown(small: int, large: int, rows: list[Measured]) -> str:
    """Return the table as Markdown."""
    head = ("search", f"p50, {small:,}", "p99", f"p50, {large:,}", "p99", "growth", "found", "CPU µs", "of ceiling", "")
    lines = [f"| {' | '.join(head)} |", "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row.cells())} |" for row in rows)])


def ceiling(rows: list[Measured]) -> str:
    """Return what the bare server did beside the searches, as a sentence."""
    bare = [row.bare for row in rows if row.bare]
    rates = [load.rate for load in bare]
    cpu = fmean(load.cpu for load in bare)
    return (
        f"The bare server beside them: {min(rates):,.0f}–{max(rates):,.0f} requests/s, "
        f"p50 {fmean(load.p50 for load in bare):.2f} ms, {cpu:.0f} µs of CPU a request."
    )


def write_document(text: str) -> None:
    """Put the table between its marks in docs/performance.md."""
    before, _, rest = report.DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    report.DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main() -> None:
    arguments = _arguments()
    small, large = (2_100, 21_000) if arguments.quick else (20_000, 200_000)
    day = datetime.now(UTC).date().isoformat()
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="fhir-bench-") as folder:
        described = machine.describe(Path(folder))
        rows = []
        for row in measure(Path(folder), (small, large), arguments.seconds):
            rows.append(row)
            print("  " + "  ".join(row.cells()), file=sys.stderr, flush=True)
    text = f"Measured {day} on {described}. {ceiling(rows)}\n\n{markdown(small, large, rows)}"
    print(text)
    if arguments.write_docs:
        write_document(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data: no figures to quote")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each kind of search on each data set")
    parser.add_argument("--folder", type=Path, help="where the databases are written (the system's temporary folder)")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/performance.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
