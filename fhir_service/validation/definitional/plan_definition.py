"""PlanDefinitions and ActivityDefinitions: what actions refer to is there; expressions can be read.

https://hl7.org/fhir/R4/plandefinition.html and https://hl7.org/fhir/R4/activitydefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.expression import UNKNOWN, expression_faults, fhirpath_faults
from fhir_service.validation.definitional.profile_named import profile_faults
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80


def expression_rules(expression: Any, run: Run) -> Faults:
    """Return the faults of an Expression that is no FHIRPath, though it says so."""
    return fhirpath_faults(expression, run) or None


def plan_definition_rules(plan: Resource, run: Run) -> Faults:
    """Return the faults of a PlanDefinition: goals that there are not, actions that follow themselves."""
    goals = {each.get("id") for each in plan.get("goal", ())}
    return [*_actions(plan, "", goals, run)] or None


def _actions(holder: Resource, place: str, goals: set[Any], run: Run) -> Iterator[Fault]:
    for index, action in enumerate(holder.get("action", ())):
        at = f"{place}.action[{index}]"
        for number, goal in enumerate(action.get("goalId", ())):
            if goal not in goals:
                ja = f"目標(goal)「{str(goal)[:SHOWN]}」がありません。"
                yield _fault(f"{at}.goalId[{number}]", ja, f"There is no goal '{str(goal)[:SHOWN]}'.")
        for number, related in enumerate(action.get("relatedAction", ())):
            if related.get("actionId") == action.get("id"):
                ja = "行為(action)が自分自身との前後を述べています。"
                yield _fault(f"{at}.relatedAction[{number}].actionId", ja, "The action is related to itself.")
        yield from _dynamic(action, at, run)
        yield from _actions(action, at, goals, run)


def activity_definition_rules(activity: Resource, run: Run) -> Faults:
    """Return the faults of an ActivityDefinition: a profile of another kind, paths that cannot be read."""
    kind = activity.get("kind")
    profiles = profile_faults(activity.get("profile"), [kind], ".profile", run, "plan") if kind else ()
    return [*profiles, *_dynamic(activity, "", run, kind)] or None


def _dynamic(holder: Resource, place: str, run: Run, kind: Any = None) -> Iterator[Fault]:
    """Tell of paths that are no FHIRPath or name nothing, as those of several of R4's own examples.

    https://hl7.org/fhir/R4/activitydefinition-definitions.html#ActivityDefinition.dynamicValue.path
    """
    context = kind if kind in run.validator.definitions.resource_types else None
    for index, each in enumerate(holder.get("dynamicValue", ())):
        found = expression_faults(each.get("path"), f"{place}.dynamicValue[{index}].path", run, context)
        yield from (fault._replace(rule=UNKNOWN) for fault in found)


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule="plan")
