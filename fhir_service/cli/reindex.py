"""`fhir-service reindex`: write the search index of what is stored anew, while no server runs on the database.

What a kill breaks off, the next start of the server goes on with. A server that runs does it itself: `POST $reindex`.
"""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from fhir_service.cli.load import Database, DataDir, open_settings

if TYPE_CHECKING:
    from fhir_service.fhir.resource import Resource
    from fhir_service.settings import Settings

Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="A resource type; may be repeated.  [default: all]", show_default=False),
]


def reindex(*, types: Types = None, data_dir: DataDir = None, database: Database = None) -> None:
    """Index anew what is stored, without new versions. Ends with 1 if another process has the database open."""
    result = _indexed(types or [], open_settings(data_dir, database))
    counts = {each["name"]: each.get("valueInteger", 0) for each in result["parameter"]}
    found, indexed = f"{counts['found']:,}", f"{counts['indexed']:,}"
    typer.echo(f"{found} 件のうち {indexed} 件の索引を作り直しました。")
    typer.echo(f"{indexed} of {found} resources are indexed anew.")


def _indexed(types: list[str], settings: "Settings") -> "Resource":
    """Index these types with a progress bar; return the counts."""
    from rich.console import Console
    from rich.progress import Progress

    from fhir_service.app import wire
    from fhir_service.cli.refusal import refusing
    from fhir_service.jobs.background import Background

    async def work(progress: Progress) -> "Resource":
        with refusing():
            services = wire(settings)
        try:
            if unknown := sorted(set(types) - services.definitions.resource_types):
                typer.echo(
                    f"{unknown[0]}: R4のリソースの型ではありません。 / This is no resource type of R4.", err=True
                )
                raise typer.Exit(2)
            bar = progress.add_task("索引 / index", total=None)
            background = Background(services, timedelta(days=1))
            return await background.reindex(
                types, lambda done, total: progress.update(bar, completed=done, total=total)
            )
        finally:
            await services.store.close()

    with Progress(console=Console(stderr=True), transient=True) as progress:
        return asyncio.run(work(progress))
