"""Which status of a case task may follow which: the Task state machine of R4, and a reason for each refusal.

It binds only the tasks of the programme (`case-task`); other Tasks are their owners' matter.
https://hl7.org/fhir/R4/task.html#statemachine
"""

from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource
from fhir_service.outreach.codes import CASE_TASK

UNDER_WAY = frozenset({"in-progress", "on-hold", "failed", "completed", "cancelled"})
OPEN = UNDER_WAY | {"received", "accepted", "rejected", "ready"}

# From each status to those that may follow; a step of the state machine may be left out, none may be taken back. What
# was a mistake can always be marked so.
FOLLOWING: dict[str, frozenset[str]] = {
    "draft": OPEN | {"requested"},
    "requested": OPEN,
    "received": OPEN - {"received"},
    "accepted": UNDER_WAY | {"ready"},
    "ready": UNDER_WAY,
    "in-progress": UNDER_WAY - {"in-progress"},
    "on-hold": UNDER_WAY - {"on-hold"},
    "rejected": frozenset(),
    "failed": frozenset(),
    "completed": frozenset(),
    "cancelled": frozenset(),
    "entered-in-error": frozenset(),
}
MISTAKE = "entered-in-error"


def task_status(before: Resource | None, after: Resource) -> list[Issue]:
    """Return what is wrong with the step from one version of a case task to the next."""
    if not _is_case_task(after) and not (before and _is_case_task(before)):
        return []
    status = after["status"]
    issues = []
    if status == "rejected" and "statusReason" not in after:
        issues.append(_unexplained())
    if before is not None and before["status"] != status and status not in _may_follow(before["status"]):
        issues.append(_out_of_order(before["status"], status))
    return issues


def _is_case_task(task: Resource) -> bool:
    return any(coding.get("system") == CASE_TASK for coding in task.get("code", {}).get("coding", ()))


def _may_follow(status: str) -> frozenset[str]:
    return FOLLOWING[status] | {MISTAKE} if status != MISTAKE else FOLLOWING[status]


def _unexplained() -> Issue:
    return Issue(
        "business-rule",
        "依頼を断るとき(rejected)は、理由(statusReason)が必要です。",
        "A task that is refused (rejected) needs its reason (statusReason).",
        ("Task.statusReason",),
    )


def _out_of_order(before: str, after: str) -> Issue:
    allowed = ", ".join(sorted(_may_follow(before)))
    return Issue(
        "business-rule",
        f"タスクの状態を{before}から{after}へ変えることはできません。"
        + (f"変えられるのは{allowed}です。" if allowed else ""),
        f"A task cannot go from {before} to {after}" + (f"; it can go to {allowed}." if allowed else "."),
        ("Task.status",),
    )
