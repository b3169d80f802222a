"""How a command ends that cannot begin: with what is wrong in Japanese and English, and the code 2."""

from typing import NoReturn

import typer

from fhir_service.fhir.outcome import FhirError


def refuse(error: FhirError) -> NoReturn:
    """Tell what is wrong with the data directory (its packages, its policy) and end the command."""
    for issue in error.issues:
        typer.echo(f"{issue.ja}\n{issue.en}", err=True)
    raise typer.Exit(2) from None
