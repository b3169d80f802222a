"""`_explain=true`: the plan of a search as issues of the OperationOutcome in its Bundle.

One issue for each resource type says where the search begins, one for each clause which tables it reads and about how
many resources fulfil it, and the last holds the SQL with `?` in place of every value.
"""

from collections.abc import Iterator, Sequence

from fhir_service.fhir.outcome import Issue
from fhir_service.storage.explanation import Explanation, Step

MOST_TYPES = 10
"""As many types of a search over several are explained; the others are alike."""


def plan_issues(explanations: Sequence[Explanation]) -> Iterator[Issue]:
    """Yield the issues that tell how these searches are answered."""
    for each in explanations[:MOST_TYPES]:
        yield _told(
            f"{each.resource_type}: 並び順は {each.order}、開始点は {each.start}。",
            f"{each.resource_type} by {each.order}, beginning at {each.start}.",
        )
        for step in each.steps:
            yield _clause(step)
        if each.statement:
            yield _told("実行するSQLと実行計画。", "The SQL, and how the database runs it.", _statement(each))
    if len(explanations) > MOST_TYPES:
        others = len(explanations) - MOST_TYPES
        yield _told(f"ほかに{others}の型を同じ順で検索します。", f"{others} more types are searched in the same order.")


def _clause(step: Step) -> Issue:
    rows = "?" if step.rows is None else f"{step.rows}{'+' if step.more else ''}"
    tables = ", ".join(step.tables) or "-"
    ja = f"{step.clause}: 約{rows}件、表 {tables}{'。ここから始めます' if step.begins else ''}。"
    en = f"{step.clause}: about {rows} resources, tables {tables}{', where it begins' if step.begins else ''}."
    return _told(ja, en)


def _statement(explanation: Explanation) -> str:
    return "\n".join((explanation.statement, *(f"-- {line}" for line in explanation.plan)))


def _told(ja: str, en: str, diagnostics: str | None = None) -> Issue:
    return Issue("informational", ja, en, severity="information", diagnostics=diagnostics)
