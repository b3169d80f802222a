"""`fhir-service packages`: FHIR packages beside the definitions of R4.

They are kept in `DATA_DIR/packages` and read by the server when it starts. A running server takes one over HTTP:
`POST [base]/ImplementationGuide/$install`.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_service.fhir.definitions import Definitions, Package
    from fhir_service.fhir.definitions.adding import Added
    from fhir_service.fhir.definitions.package import Incoming
    from fhir_service.fhir.definitions.sources import Source
    from fhir_service.fhir.outcome import FhirError, Issue

app = typer.Typer(
    no_args_is_help=True,
    help="Add, list, check and remove FHIR packages (profiles, value sets). FHIRパッケージの管理。",
)

DataDir = Annotated[
    Path,
    typer.Option(envvar="FHIR_SERVICE_DATA_DIR", help="Where the packages are kept, in its folder packages."),
]
FOLDER = "packages"
SHOWN = 10  # issues of one package
KINDS = ("StructureDefinition", "ValueSet", "CodeSystem", "SearchParameter")


@app.command()
def add(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="FHIR packages, .tgz.")],
    data_dir: DataDir = Path("data"),
) -> None:
    """Add packages; several versions of one can stand side by side. A running server reads them when it next starts.

    What is stored already is indexed by the search parameters of a package from that start on, behind the requests.
    """
    from fhir_service.fhir.definitions import Definitions
    from fhir_service.fhir.definitions.adding import add_package, in_order
    from fhir_service.fhir.outcome import FhirError

    folder = data_dir / FOLDER
    incoming, refused = _read(files)
    definitions = Definitions.load(packages=folder)
    for each in in_order(incoming):
        try:
            added = add_package(each, folder, definitions.sources)
        except FhirError as error:
            refused = True
            _refuse(str(each.package), error)
            continue
        definitions.reload(folder)
        _tell(added, definitions)
    _prepare(definitions, data_dir)
    if refused:
        raise typer.Exit(1)


@app.command(hidden=True)
def prepare(
    data_dir: DataDir = Path("data"),
    stored: Annotated[
        bool, typer.Option("--stored", help="Read what is stored on the server from the standard input.")
    ] = False,
) -> None:
    """Make what first validations need of all definitions that are here; `add` does it, and a server behind requests.

    A line of the input is `[type, id, JSON]`.
    """
    import msgspec

    from fhir_service.fhir.definitions import Definitions
    from fhir_service.fhir.resource import Key

    definitions = Definitions.load(packages=data_dir / FOLDER)
    if stored:
        os.nice(10)
        for line in sys.stdin.buffer:
            resource_type, id_, body = msgspec.json.decode(line, type=tuple[str, str, str])
            definitions.put(Key(resource_type, id_), body.encode())
    _prepare(definitions, data_dir)


def _prepare(definitions: "Definitions", data_dir: Path) -> None:
    from fhir_service.validation.compiled import COMPILED, Compiled
    from fhir_service.validation.preparing import prepare

    prepare(definitions, Compiled(data_dir / COMPILED, definitions))


def _read(files: list[Path]) -> "tuple[list[Incoming], bool]":
    """Return the packages that can be read, and whether there are others."""
    from fhir_service.fhir.definitions.package import read_package
    from fhir_service.fhir.outcome import FhirError

    incoming = []
    for file in files:
        try:
            incoming.append(read_package(file))
        except FhirError as error:
            _refuse(str(file), error)
    return incoming, len(incoming) < len(files)


def _refuse(name: str, error: "FhirError") -> None:
    for issue in error.issues:
        typer.echo(f"{name}: {issue.ja}\n{name}: {issue.en}", err=True)


def _tell(added: "Added", definitions: "Definitions") -> None:
    from fhir_service.fhir.definitions.check import missing
    from fhir_service.validation.unreadable import unreadable

    done = "追加済みです / is here already" if added.already else "追加しました / added"
    made = f"、スナップショットを {added.generated} 件生成 / snapshots generated" if added.generated else ""
    typer.echo(f"{added.package} {done} ({added.package.count} 件の定義 / definitions{made})")
    for name, version in missing(added.package, definitions.sources):
        typer.echo(
            f"  警告 / warning: {name}#{version} がありません / is not here, and {added.package} needs it", err=True
        )
    _show((*added.issues, *unreadable(added.package, definitions)))


def _show(issues: "tuple[Issue, ...]") -> None:
    for issue in issues[:SHOWN]:
        typer.echo(f"  {issue.severity}: {issue.ja}\n    {issue.en}", err=True)
    if len(issues) > SHOWN:
        more = len(issues) - SHOWN
        typer.echo(f"  ほか {more} 件は `packages check` で / {more} more: `packages check`", err=True)


@app.command("list")
def list_(data_dir: DataDir = Path("data")) -> None:
    """List the definitions that a server would read: R4's own, our own, and the packages."""
    from rich.console import Console
    from rich.table import Table

    from fhir_service.fhir.definitions import Definitions
    from fhir_service.fhir.definitions.check import missing

    definitions = Definitions.load(packages=data_dir / FOLDER)
    table = Table(
        "名前 / name", "版 / version", "定義 / definitions", "プロファイル / profiles", "値集合 / value sets",
        "コード体系 / code systems", "検索 / searches", "必要 / needs", "説明 / title", box=None,
    )  # fmt: skip
    for source in definitions.sources:
        package = source.package
        if package.version:
            lacking = missing(package, definitions.sources)
            needs = (
                f"{name}#{version}{' (なし/missing)' * ((name, version) in lacking)}"
                for name, version in package.dependencies
            )
            counts = (str(_count(source, kind)) for kind in KINDS)
            table.add_row(package.name, package.version, str(package.count), *counts, " ".join(needs), package.title)
    Console(width=None if Console().is_terminal else 200).print(table)


def _count(source: "Source", resource_type: str) -> int:
    from fhir_service.fhir.definitions.archive import Archive

    return source.count(resource_type) if isinstance(source, Archive) else sum(1 for _ in source.all(resource_type))


@app.command()
def remove(
    names: Annotated[list[str], typer.Argument(help="NAME#VERSION, or NAME for every version of it.")],
    data_dir: DataDir = Path("data"),
) -> None:
    """Remove packages. Resources that were checked by their profiles stay as they are."""
    from fhir_service.fhir.definitions import Definitions
    from fhir_service.fhir.definitions.adding import archive_file
    from fhir_service.fhir.definitions.check import missing

    folder = data_dir / FOLDER
    definitions = Definitions.load(packages=folder)
    added = {str(each): each for each in definitions.packages if archive_file(folder, each).exists()}
    unknown = [name for name in names if not any(_is_named(each, name) for each in added.values())]
    for name in unknown:
        typer.echo(f"{name} は追加されていません / is not here", err=True)
    for package in added.values():
        if any(_is_named(package, name) for name in names):
            archive_file(folder, package).unlink()
            typer.echo(f"{package} を除きました / removed")
    definitions.reload(folder)
    for package in definitions.packages:
        for lacking in missing(package, definitions.sources):
            needed = "#".join(lacking)
            typer.echo(f"  警告 / warning: {package} には {needed} が必要です / {package} needs {needed}", err=True)
    if unknown:
        raise typer.Exit(1)


def _is_named(package: "Package", name: str) -> bool:
    return name in (package.name, str(package))


@app.command()
def build(
    output: Annotated[Path, typer.Option(help="The folder that the package is written to.")] = Path("dist"),
    snapshots: Annotated[
        bool, typer.Option(help="With the snapshots of profiles that derive from JP Core, too (it has to be added).")
    ] = False,
    data_dir: DataDir = Path("data"),
) -> None:
    """Make the FHIR package of our own definitions (profiles/ and terminology/), for others to install."""
    from fhir_service.fhir.definitions import OWN, Definitions
    from fhir_service.fhir.definitions.building import NAME, built
    from fhir_service.fhir.definitions.folder import own_folders
    from fhir_service.fhir.outcome import FhirError

    try:
        data = built(own_folders(), Definitions.load(packages=data_dir / FOLDER), snapshots=snapshots)
    except FhirError as error:
        _refuse("profiles", error)
        raise typer.Exit(1) from None
    output.mkdir(parents=True, exist_ok=True)
    file = output / f"{NAME}-{OWN.version}.tgz"
    file.write_bytes(data)
    typer.echo(f"{file} ({len(data):,} バイト / bytes)")


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="NAME#VERSION or NAME; without, all but R4's own.")] = None,
    data_dir: DataDir = Path("data"),
) -> None:
    """Check definitions: can a snapshot be made of each, and is all here that they name."""
    from rich.console import Console
    from rich.table import Table

    from fhir_service.fhir.definitions import Definitions

    definitions = Definitions.load(packages=data_dir / FOLDER)
    chosen = [
        source
        for source in definitions.sources[1:]
        if source.package.version and (not names or any(_is_named(source.package, name) for name in names))
    ]
    unknown = [name for name in names or () if not any(_is_named(source.package, name) for source in chosen)]
    table = Table("パッケージ / package", "重さ / severity", "所見 / finding", box=None)
    rows = [(name, "error", "追加されていません / is not here") for name in unknown]
    rows += [(str(source.package), *told) for source in chosen for told in _checked(source, definitions)]
    for row in rows:
        table.add_row(*row)
    Console(width=None if Console().is_terminal else 200).print(table)
    if any(severity == "error" for _, severity, _ in rows):
        raise typer.Exit(1)


def _checked(source: "Source", definitions: "Definitions") -> "Iterator[tuple[str, str]]":
    """Give what was found about a package: how grave it is, and what."""
    from fhir_service.fhir.definitions.check import findings, missing
    from fhir_service.validation.unreadable import unreadable

    for name, version in missing(source.package, definitions.sources):
        yield "warning", f"{name}#{version} がありません / is not here"
    found = [*findings(source, definitions), *unreadable(source.package, definitions)]
    for issue in found:
        yield issue.severity, f"{issue.ja}\n{issue.en}"
    if not found:
        yield "ok", f"{source.package.count} 件に誤りなし / definitions, nothing wrong"
