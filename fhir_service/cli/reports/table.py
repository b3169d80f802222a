"""The report for a person at a terminal: what is wrong first, then how much of what."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fhir_service.cli.reports.checked import Checked
from fhir_service.fhir.outcome import Issue

# Severity: how it is called, and its style.
SEVERITIES = {
    "fatal": ("✗ 誤り error", "bold red"),
    "error": ("✗ 誤り error", "bold red"),
    "warning": ("! 注意 warning", "yellow"),
    "information": ("i 情報 info", "cyan"),
}
MOST_GOOD = 20  # resources without issues that are named


def show(found: Iterable[Checked], console: Console) -> None:
    """Print the report."""
    every = list(found)
    good = [each for each in every if not each.issues]
    for each in every:
        if each.issues:
            console.print(_heading(each))
            console.print(_issues(each.issues))
    for each in good[:MOST_GOOD]:
        console.print(Text.assemble(("✓ ", "green"), str(each.place), "  ", (each.name, "bold")))
    if len(good) > MOST_GOOD:
        console.print(
            f"✓ ほか {len(good) - MOST_GOOD:,} 件に問題はありません / and {len(good) - MOST_GOOD:,} more without issues"
        )
    console.print(summary(every))


def _heading(checked: Checked) -> Text:
    mark = ("✗ ", "bold red") if checked.is_wrong else ("! ", "yellow")
    return Text.assemble(mark, (str(checked.place), "bold"), "  ", (checked.name, "bold"))


def _issues(issues: Iterable[Issue]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("場所 where", overflow="fold", ratio=2)
    table.add_column("内容 what", overflow="fold", ratio=5)
    for issue in issues:
        label, style = SEVERITIES[issue.severity]
        told = Text.assemble(issue.ja, "\n", (issue.en, "dim"))
        named = " ".join(each for each in (issue.rule, issue.profile) if each)
        if named:
            told.append(f"\n{named}", "dim italic")
        table.add_row(Text(label, style), Text(where(issue)), told)
    return table


def where(issue: Issue) -> str:
    """Return the place of an issue: a path, or line and column."""
    if issue.line is not None:
        return f"{issue.line} 行 {issue.column or 1} 桁 (line {issue.line})"
    return issue.expression[0] if issue.expression else ""


def summary(found: list[Checked]) -> Text:
    """Return one line that says how much there is of what."""
    wrong = sum(each.is_wrong for each in found)
    errors, warnings, notes = (sum(each.count(*kinds) for each in found) for kinds in KINDS)
    said = (
        f"{len(found):,} 件のリソースのうち {wrong:,} 件に誤り: 誤り {errors:,}、注意 {warnings:,}、情報 {notes:,}\n"
        f"{wrong:,} of {len(found):,} resources have errors: {errors:,} errors, {warnings:,} warnings, {notes:,} notes"
    )
    return Text(said, "bold red" if wrong else "bold green")


KINDS = (("error", "fatal"), ("warning",), ("information",))
