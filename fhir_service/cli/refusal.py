"""How a command ends that cannot begin: with what is wrong, in Japanese and English."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def refusing() -> Iterator[None]:
    """End the command where its definitions or policy (2) or its database (1) cannot be opened."""
    from fhir_service.fhir.outcome import FhirError
    from fhir_service.storage.sqlite import NewerFile

    try:
        yield
    except FhirError as error:
        for issue in error.issues:
            typer.echo(f"{issue.ja}\n{issue.en}", err=True)
        raise typer.Exit(2) from None
    except (NewerFile, OSError) as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(1) from None
