"""Measure our server beside a bare one: `make bench`.

Everything runs on 127.0.0.1, in a temporary directory, and ends by itself (about five minutes; `--quick` under one).
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

from bench import data, k6, machine, mixed, proof, report
from bench.processes import Running, bare_server, fhir_server, run_command
from bench.report import Figure

JP_CORE = Path(__file__).resolve().parents[2] / "shared" / "data" / "packages" / "jp-core.r4-1.1.2-url.tgz"
CLIENTS = 32
SAMPLE = 1000  # paths that a script chooses from
ENTRIES = 100  # of a transaction


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: seconds of each load, and resources of the two data sets."""

    seconds: float
    small: int
    large: int


class Bench:
    """One run. `ceilings` are what the bare server does before the first load and after each: machines change."""

    def __init__(self, plan: Plan, folder: Path, package: Path | None) -> None:
        self.plan = plan
        self.folder = folder
        self.package = package
        self.ceilings: list[k6.Load] = []
        self.figures: list[Figure] = []

    def run(self) -> list[Figure]:
        small = self._load("small", self.plan.small)
        with fhir_server(small) as server, bare_server(self.folder) as bare:
            self._add_start(server)
            proof.prove(server, self.plan.small)
            first_page = self._first_page(server)
            self._measure_ceiling(bare, server)
            self._reads(server, bare)
            self._writes(server, bare)
            self._add_memory("memory under load", server.peak, 350)
        large = self._load("large", self.plan.large)
        with fhir_server(large) as server:
            proof.prove(server, self.plan.large)
            self._add_growth(first_page, self._first_page(server))
        return [self._ceiling(), *self.figures]

    def _measure_ceiling(self, bare: Running, server: Running) -> None:
        server.come_to_rest()
        self.ceilings.append(k6.run("get", bare, clients=CLIENTS, seconds=self.plan.seconds / 3, paths=["/"]))

    def _ceiling(self) -> Figure:
        rates = [each.rate for each in self.ceilings]
        return Figure(
            "ceiling: a bare ASGI application, 2 KB",
            f"{min(rates):,.0f}–{max(rates):,.0f} requests/s",
            compared=fmean(rates),
            p50=fmean(each.p50 for each in self.ceilings),
            p99=fmean(each.p99 for each in self.ceilings),
            cpu=fmean(each.cpu for each in self.ceilings),
            ratio=1.0,
            failed=sum(each.failed for each in self.ceilings),
        )

    def _load(self, name: str, size: int) -> Path:
        """Load a data set with the command; return its data directory."""
        directory = self.folder / name
        file = self.folder / f"{name}.ndjson"
        count = data.write_ndjson(file, data.dataset(size))
        if self.package is not None:
            run_command("packages", "add", self.package, "--data-dir", directory)
        seconds = run_command("load", file, "--data-dir", directory)
        file.unlink()
        rate = count / seconds
        self._add(
            Figure(
                f"`load` of {count:,} resources",
                f"{rate:,.0f} resources/s",
                compared=rate,
                goal=5000,
                goal_text="≥ 5,000 resources/s",
            )
        )
        return directory

    def _reads(self, server: Running, bare: Running) -> None:
        people = data.patients_of(self.plan.small)
        step = max(1, people // SAMPLE)
        numbers = range(0, people, step)
        searches = {
            "read": ([f"/Patient/p{n}" for n in numbers], 0.45),
            "search by token, 20 hits": ([f"/Observation?code={data.CODES}%7Cc{n}&_count=20" for n in numbers], 0.18),
            "search by reference, 20 hits": ([f"/Observation?subject=Patient/p{n}&_count=20" for n in numbers], 0.18),
        }
        for name, (paths, goal) in searches.items():
            load = k6.run("get", server, clients=CLIENTS, seconds=self.plan.seconds, paths=paths)
            self._measure_ceiling(bare, server)
            self._add_load(name, load, goal)

    def _writes(self, server: Running, bare: Running) -> None:
        before = proof.total(server, "Patient")
        template = mixed.template(data.without_id(data.patient("x", "@@")))
        created = k6.run("create", server, clients=64, seconds=self.plan.seconds, resource=template)
        self._measure_ceiling(bare, server)
        self._check_created(created, proof.total(server, "Patient") - before)
        self._add_load("create, durable, 64 clients", created, 0.07)

        for resource in mixed.FIXED:
            proof.send(server, "PUT", f"/{resource['resourceType']}/{resource['id']}", resource)
        deleted = self._status_of_delete(server)
        load = k6.run(
            "mixed", server, clients=CLIENTS, seconds=self.plan.seconds, resources=mixed.templates(), deleted=deleted
        )
        self._measure_ceiling(bare, server)
        self._add_load("create, read, update, delete in turn, 9 types", load, goal_rate=2000)

        bundles = [_text(data.transaction(number, ENTRIES)) for number in range(20)]
        load = k6.run("transaction", server, clients=4, seconds=self.plan.seconds, bundles=bundles)
        self._add(
            Figure(
                f"transactions of {ENTRIES} entries, 4 clients",
                f"{load.rate * ENTRIES:,.0f} resources/s",
                compared=load.rate * ENTRIES,
                goal=3000,
                goal_text="≥ 3,000 resources/s",
                p50=load.p50,
                p99=load.p99,
                cpu=load.cpu,
                failed=load.failed,
            )
        )

    def _first_page(self, server: Running) -> k6.Load:
        """The first page of a search that every observation fulfils, one client."""
        path = f"/Observation?category={data.CATEGORY}%7Csurvey&_count=20"
        return k6.run("get", server, clients=1, seconds=self.plan.seconds / 2, paths=[path])

    @staticmethod
    def _status_of_delete(server: Running) -> int:
        proof.send(server, "PUT", "/Location/bench", mixed.LOCATION | {"id": "bench"})
        return proof.send(server, "DELETE", "/Location/bench")[0]

    @staticmethod
    def _check_created(load: k6.Load, there: int) -> None:
        # A request that the end of the load cut off may have been stored without having been counted.
        if not load.requests - load.failed <= there <= load.requests + 64:
            raise SystemExit(f"{load.requests} creates were answered, but {there} are there")

    def _add_start(self, server: Running) -> None:
        proof.get(server, "/Patient/p0")
        time.sleep(1)
        name = "start to the first 200" + (", JP Core added" if self.package else "")
        started = server.started
        self._add(Figure(name, f"{started:.2f} s", compared=started, goal=1.5, at_least=False, goal_text="≤ 1.5 s"))
        self._add_memory("memory, idle", server.memory(), 200)

    def _add_memory(self, name: str, size: int, goal: int) -> None:
        megabytes = size / 1e6
        result = f"{megabytes:,.0f} MB"
        self._add(Figure(name, result, compared=megabytes, goal=goal, at_least=False, goal_text=f"≤ {goal} MB"))

    def _add_growth(self, small: k6.Load, large: k6.Load) -> None:
        growth = large.p50 / small.p50
        self._add(
            Figure(
                f"first page of a token search: {self.plan.large:,} resources against {self.plan.small:,}",
                f"{growth:.2f} times",
                compared=growth,
                goal=1.5,
                at_least=False,
                goal_text="≤ 1.5 times",
                p50=large.p50,
                p99=large.p99,
                cpu=large.cpu,
                failed=small.failed + large.failed,
            )
        )

    def _add_load(self, name: str, load: k6.Load, goal: float | None = None, goal_rate: float | None = None) -> None:
        ratio = load.rate / fmean(each.rate for each in self.ceilings[-2:])  # just before it and just after
        text = f"≥ {goal} of ceiling" if goal else f"≥ {goal_rate:,.0f} requests/s" if goal_rate else ""
        self._add(
            Figure(
                name,
                f"{load.rate:,.0f} requests/s",
                compared=ratio if goal else load.rate,
                goal=goal or goal_rate,
                goal_text=text,
                p50=load.p50,
                p99=load.p99,
                cpu=load.cpu,
                ratio=ratio,
                failed=load.failed,
            )
        )

    def _add(self, figure: Figure) -> None:
        self.figures.append(figure)
        print(f"  {figure.name}: {figure.result}", file=sys.stderr, flush=True)


def main() -> None:
    arguments = _arguments()
    seconds, small, large = (2.0, 2_100, 21_000) if arguments.quick else (10.0, 20_000, 200_000)
    plan = Plan(arguments.seconds or seconds, small, large)
    package = arguments.package if arguments.package.exists() else None
    day = datetime.now(UTC).date().isoformat()

    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="fhir-bench-") as folder:
        described = machine.describe(Path(folder))
        figures = Bench(plan, Path(folder), package).run()

    print(f"\n{described}\n\n{report.text(figures)}\n\n{report.write_json(described, day, figures)}")
    if arguments.write_docs:
        report.write_document(described, day, figures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data and short loads: no figures to quote")
    parser.add_argument("--seconds", type=float, help="of each load (10)")
    parser.add_argument("--folder", type=Path, help="where the databases are written (the system's temporary folder)")
    parser.add_argument("--package", type=Path, default=JP_CORE, help="a FHIR package to add, if the file is there")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/performance.md")
    return parser.parse_args()


def _text(resource: data.Resource) -> str:
    return mixed.template(resource)[1]


if __name__ == "__main__":
    main()
