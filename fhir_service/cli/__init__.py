"""The command `fhir-service`.

A command's module loads what it needs when it runs, so that `--help` is quick.
"""

import typer

from fhir_service.cli.serve import serve

main = typer.Typer(
    name="fhir-service",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold patients' data
)


@main.callback()
def _group() -> None:
    """FHIR R4 data service for community mental-health outreach. 精神科アウトリーチ支援のためのFHIRサーバー。"""


main.command()(serve)
