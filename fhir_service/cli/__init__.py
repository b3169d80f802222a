"""The command `fhir-service`.

A command's module loads what it needs when it runs, so that `--help` is quick.
"""

import typer

from fhir_service.cli.demo import demo
from fhir_service.cli.load import load
from fhir_service.cli.packages import app as packages
from fhir_service.cli.reindex import reindex
from fhir_service.cli.serve import serve
from fhir_service.cli.validate import validate

main = typer.Typer(
    name="fhir-service",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold patients' data
)


@main.callback()
def _group() -> None:
    """FHIR R4 data service for community mental-health outreach. 精神科アウトリーチ支援のためのFHIRサーバー。"""


main.command()(serve)
main.command()(load)
main.command()(demo)
main.command()(reindex)
main.command()(validate)
main.add_typer(packages, name="packages")
