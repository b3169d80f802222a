"""`fhir-service packages`: FHIR packages beside the definitions of R4.

They are kept in `DATA_DIR/packages` and read by the server when it starts.
"""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, help="Add and list FHIR packages (profiles, value sets). FHIRパッケージの管理。"
)

DataDir = Annotated[
    Path,
    typer.Option(envvar="FHIR_SERVICE_DATA_DIR", help="Where the packages are kept, in its folder packages."),
]
FOLDER = "packages"


@app.command()
def add(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="FHIR packages, .tgz.")],
    data_dir: DataDir = Path("data"),
) -> None:
    """Add packages; several versions of one can stand side by side. A running server reads them when it next starts.

    The search parameters of a package find what is written from then on, not what was stored before.
    """
    from fhir_service.fhir.definitions import Definitions
    from fhir_service.fhir.definitions.package import add_package
    from fhir_service.fhir.outcome import FhirError

    refused = False
    for file in files:
        try:
            installed = Definitions.load(packages=data_dir / FOLDER).packages
            added = add_package(file, data_dir / FOLDER, installed)
        except FhirError as error:
            refused = True
            for issue in error.issues:
                typer.echo(f"{file}: {issue.ja}\n{file}: {issue.en}", err=True)
            continue
        done = "追加済みです / is here already" if added.already else "追加しました / added"
        typer.echo(f"{added.package} {done} ({added.package.count} 件の定義 / definitions)")
        for name, version in added.missing:
            typer.echo(
                f"  警告 / warning: {name}#{version} がありません / is not here, and {added.package} needs it", err=True
            )
    if refused:
        raise typer.Exit(1)


@app.command("list")
def list_(data_dir: DataDir = Path("data")) -> None:
    """List the definitions that a server would read: R4's own, our own, and the packages."""
    from rich.console import Console
    from rich.table import Table

    from fhir_service.fhir.definitions import Definitions

    table = Table("名前 / name", "版 / version", "定義 / definitions", "説明 / title", box=None)
    for package in Definitions.load(packages=data_dir / FOLDER).packages:
        table.add_row(package.name, package.version, str(package.count), package.title)
    Console().print(table)
