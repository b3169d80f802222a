"""A case task goes forward as R4's state machine has it, and a refusal says why."""

from typing import Any

import pytest

from fhir_service.outreach.task_status import FOLLOWING, task_status


def task(status: str, **more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "https://example.jp/fhir/outreach/CodeSystem/case-task", "code": "intake"}]}
    return {"resourceType": "Task", "status": status, "intent": "order", "code": code, **more}


@pytest.mark.parametrize(
    ("before", "after"),
    [("requested", "received"), ("requested", "accepted"), ("accepted", "in-progress"), ("accepted", "completed"),
     ("requested", "completed"),
     ("in-progress", "on-hold"), ("on-hold", "in-progress"), ("in-progress", "completed"), ("completed", "completed"),
     ("completed", "entered-in-error")],
)  # fmt: skip
def test_a_task_goes_forward(before: str, after: str) -> None:
    assert task_status(task(before), task(after)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [("completed", "requested"), ("accepted", "requested"), ("rejected", "accepted"), ("cancelled", "in-progress"),
     ("entered-in-error", "requested"), ("in-progress", "accepted")],
)  # fmt: skip
def test_a_task_does_not_go_back(before: str, after: str) -> None:
    (issue,) = task_status(task(before), task(after))

    assert issue.expression == ("Task.status",)
    assert before in issue.ja


def test_a_task_is_refused_with_a_reason() -> None:
    (issue,) = task_status(task("requested"), task("rejected"))

    assert issue.expression == ("Task.statusReason",)
    assert task_status(task("requested"), task("rejected", statusReason={"text": "対象地域の外"})) == []


def test_a_new_task_may_have_any_status_but_a_refused_one_needs_its_reason() -> None:
    assert task_status(None, task("completed")) == []
    assert len(task_status(None, task("rejected"))) == 1


def test_the_tasks_of_others_are_their_own_matter() -> None:
    before, after = task("completed"), task("requested")
    for each in (before, after):
        each["code"] = {"text": "something else"}

    assert task_status(before, after) == []


def test_a_case_task_cannot_shed_its_code_to_go_back() -> None:
    after = task("requested")
    del after["code"]

    assert len(task_status(task("completed"), after)) == 1


def test_every_status_of_r4_is_in_the_table() -> None:
    # https://hl7.org/fhir/R4/valueset-task-status.html
    assert len(FOLLOWING) == 12
    assert {each for following in FOLLOWING.values() for each in following} <= FOLLOWING.keys()
