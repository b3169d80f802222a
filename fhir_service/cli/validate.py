"""`fhir-service validate`: are the resources in these files as R4, their profiles and the policy ask?

No server is needed.
The definitions are those of R4, our own, the packages of the data directory, and those among the files.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fhir_service.cli.reports.checked import Checked
    from fhir_service.fhir.definitions import Definitions
    from fhir_service.validation.policy import Policy


class Output(StrEnum):
    """How the report is written."""

    table = "table"
    json = "json"
    html = "html"


def validate(
    files: Annotated[list[Path], typer.Argument(exists=True, help="Files and folders: JSON, XML, NDJSON, also .gz.")],
    profile: Annotated[list[str] | None, typer.Option(help="The URL of a profile to check against, too.")] = None,
    output: Annotated[Output, typer.Option(help="A table, OperationOutcomes, or a page to pass on.")] = Output.table,
    must_support: Annotated[
        bool | None, typer.Option(help="Also tell what profiles say must be supported and is not there.")
    ] = None,
    best_practice: Annotated[bool | None, typer.Option(help="Also tell what R4 and profiles advise.")] = None,
    data_dir: Annotated[
        Path, typer.Option(envvar="FHIR_SERVICE_DATA_DIR", help="Where packages and the policy are kept.")
    ] = Path("data"),
    policy: Annotated[
        Path | None,
        typer.Option(envvar="FHIR_SERVICE_POLICY", help="The policy.  [default: DATA_DIR/policy.toml, if there]"),
    ] = None,
) -> None:
    """Tell what is wrong with the resources in files, in Japanese and English. The exit code is 1 if there are errors.

    リソースのファイルを検証し、誤りの場所と内容を日本語で示します。
    """
    from fhir_service.cli.refusal import refusing
    from fhir_service.cli.reports.checked import Wanted, check_files
    from fhir_service.fhir.definitions import Definitions
    from fhir_service.validation.policy import OnDemand

    with refusing():
        definitions = Definitions.load(packages=data_dir / "packages")
        rules = _policy(definitions, policy, data_dir)
    wanted = Wanted(profile or (), OnDemand(must_support, best_practice))
    found = list(check_files(files, rules, definitions, wanted))
    _write(found, output)
    if any(each.is_wrong for each in found):
        raise typer.Exit(1)


def _policy(definitions: "Definitions", path: Path | None, data_dir: Path) -> "Policy":
    from fhir_service.terminology.loaded import LoadedTerminology
    from fhir_service.validation.compiled import COMPILED, Compiled
    from fhir_service.validation.policy import Policy, PolicyRules
    from fhir_service.validation.policy_file import read_policy
    from fhir_service.validation.rules import RULES
    from fhir_service.validation.validator import Validator

    kept = data_dir / "policy.toml"
    path = path or (kept if kept.exists() else None)
    rules = PolicyRules() if path is None else read_policy(path, definitions.resource_types)
    compiled = Compiled(data_dir / COMPILED, definitions)
    validator = Validator(definitions, LoadedTerminology(definitions, compiled), extra=RULES, compiled=compiled)
    return Policy(validator, rules)


def _write(found: "list[Checked]", output: Output) -> None:
    match output:
        case Output.json:
            from fhir_service.cli.reports.outcomes import outcomes
            from fhir_service.fhir.json import pretty

            typer.echo(pretty(outcomes(found)).decode())
        case Output.html:
            from datetime import datetime

            from fhir_service.cli.reports.page import page

            typer.echo(page(found, datetime.now().astimezone()), nl=False)
        case Output.table:
            from rich.console import Console

            from fhir_service.cli.reports.table import show

            show(found, Console(highlight=False))
