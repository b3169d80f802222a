"""`fhir-service load`: put files and folders of resources into the store.

Files: JSON, XML, NDJSON (`.ndjson`, `.jsonl`), each also with `.gz`; one resource or Bundle each, or one on each line.
The order does not matter: a resource is stored when all that it refers to is there (`loading/writing.py`). It works on
the database itself, so that no server may run on it meanwhile.
"""

import asyncio
import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from fhir_service.cli.loading.sources import Chunk, Unreadable
    from fhir_service.cli.loading.summary import Summary
    from fhir_service.settings import Settings

INLINE_BYTES = 6_000_000  # less than this is loaded before other processes have started

DataDir = Annotated[
    Path | None, typer.Option(help="Where the database and the packages are kept.  [default: data]", show_default=False)
]
Database = Annotated[
    str | None, typer.Option(help="sqlite:///PATH.  [default: sqlite:///DATA_DIR/fhir.sqlite]", show_default=False)
]
Workers = Annotated[
    int | None, typer.Option(min=0, help="Processes that prepare.  [default: one for each CPU]", show_default=False)
]


def load(
    paths: Annotated[list[Path], typer.Argument(exists=True, help="Files, and folders to look through.")],
    *,
    data_dir: DataDir = None,
    database: Database = None,
    workers: Workers = None,
) -> None:
    """Load FHIR files into the store. Ends with 1 if anything was refused."""
    from fhir_service.cli.loading.sources import find_files, read_files

    files = find_files(paths)
    size = sum(file.stat().st_size for file in files)
    settings = open_settings(data_dir, database)
    several = workers if workers is not None else (os.cpu_count() or 1) if size > INLINE_BYTES else 0
    finish(load_chunks(read_files(files), size, settings, several, "読み込み / loading"))


def open_settings(data_dir: Path | None, database: str | None) -> "Settings":
    """Return the settings with these flags; end the command if they name no database file."""
    from fhir_service.settings import Settings

    flags = {"data_dir": data_dir, "database": database}
    settings = Settings(**{name: value for name, value in flags.items() if value is not None})  # type: ignore[arg-type]
    if settings.database_path is None:
        typer.echo("メモリー上の保存先には読み込めません。 / A store in memory would be gone at once.", err=True)
        raise typer.Exit(2)
    return settings


def load_chunks(
    chunks: "Iterable[Chunk | Unreadable]", size: int, settings: "Settings", workers: int, title: str
) -> "Summary":
    """Load the chunks, `size` in all, with a progress bar."""
    from fhir_service.cli.loading.pool import Preparation, preparation
    from fhir_service.cli.refusal import refusing

    async def work(prepared: Preparation, progress: "Progress") -> "Summary":
        from fhir_service.app import wire
        from fhir_service.cli.loading import running
        from fhir_service.jobs.background import Background

        services = wire(settings)
        await Background(services, timedelta(days=1)).before_a_load()
        bar = progress.add_task(title, total=size, stored="")

        def report(step: running.Progress) -> None:
            progress.update(bar, advance=step.size, stored=f"{step.stored:,}")

        try:
            return await running.run(prepared, services, report)
        finally:
            await services.store.close()

    with refusing(), preparation(chunks, workers, settings) as prepared, _bar() as progress:
        return asyncio.run(work(prepared, progress))


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[stored]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    return Progress(*columns, console=Console(stderr=True), transient=True)


def finish(summary: "Summary") -> None:
    """Show the summary; end the command with 1 if anything was refused."""
    from rich.console import Console

    summary.show(Console())
    if summary.refused:
        raise typer.Exit(1)
