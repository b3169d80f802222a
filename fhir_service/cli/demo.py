"""`fhir-service demo`: the demonstration region, into the store or into files.

30 cases are a region to look at; 10,000 are one to measure with. The same seed makes the same resources.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, NamedTuple

import typer

from fhir_service.cli.load import Database, DataDir, Workers, finish, load_chunks, open_settings
from fhir_service.cli.loading.sources import Item, Place

CASES_IN_CHUNK = 20
INLINE_CASES = 100  # fewer are made and loaded before other processes have started
SURROUNDINGS = 2  # their share of the progress, in cases


class Cases(NamedTuple):
    """A chunk of the region: the cases from `first` to `last`; `first` 0 stands for organisations and staff."""

    first: int
    last: int
    seed: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1 if self.first else SURROUNDINGS

    def items(self) -> Iterator[Item]:
        from fhir_service.outreach.demo_region import case_resources, surroundings

        if not self.first:
            yield from (Item(Place("region"), "json", text) for text in surroundings())
            return
        for number in range(self.first, self.last + 1):
            yield from (Item(Place("case", number), "json", text) for text in case_resources(number, self.seed))


def demo(
    *,
    cases: Annotated[int, typer.Option(min=0, help="How many cases.")] = 30,
    seed: Annotated[int, typer.Option(help="Another seed makes other people.")] = 1,
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write TYPE.ndjson files there instead.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    database: Database = None,
    workers: Workers = None,
) -> None:
    """Make the demonstration region 青葉県 (all invented) and load it into the store."""
    if out is not None:
        count = write_files(chunks(cases, seed), out)
        typer.echo(f"{count:,} 件を書きました / resources written to {out}")
        return
    settings = open_settings(data_dir, database)
    several = workers if workers is not None else (os.cpu_count() or 1) if cases > INLINE_CASES else 0
    finish(load_chunks(chunks(cases, seed), cases + SURROUNDINGS, settings, several, "デモ地域 / demo region"))


def chunks(cases: int, seed: int) -> Iterator[Cases]:
    """Give the region in chunks, the surroundings first."""
    yield Cases(0, 0, seed)
    for first in range(1, cases + 1, CASES_IN_CHUNK):
        yield Cases(first, min(first + CASES_IN_CHUNK - 1, cases), seed)


def write_files(region: Iterator[Cases], folder: Path) -> int:
    """Write a file for each type; return how many resources there are."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, IO[bytes]] = {}
    count = 0
    try:
        for chunk in region:
            for item in chunk.items():
                name: str = json.loads(item.data)["resourceType"]
                if name not in files:
                    files[name] = (folder / f"{name}.ndjson").open("wb")
                files[name].write(item.data + b"\n")
                count += 1
    finally:
        for file in files.values():
            file.close()
    return count
