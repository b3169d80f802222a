"""TestScripts: the fixtures, profiles and variables that actions name are there.

https://hl7.org/fhir/R4/testscript.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.expression import expression_faults
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
_VARIABLE = re.compile(r"\$\{(\w[\w.-]*)\}")
NAMED = ("params", "url", "path", "value", "expression", "requestURL")
MAKES = ("requestId", "responseId")
SERVERS = ("origin", "destination")
HOLDERS = ("setup", "test", "teardown")


def testscript_rules(script: Resource, run: Run) -> Faults:
    """Return the faults of a TestScript."""
    actions = list(_actions(script))
    operations = [each.get("operation", {}) for _, each in actions]
    fixtures = {each.get("id") for each in script.get("fixture", ())}
    fixtures |= {operation[name] for operation in operations for name in MAKES if name in operation}
    variables = [each.get("name") for each in script.get("variable", ())]
    found: list[Fault] = []
    for index, each in enumerate(script.get("variable", ())):
        found += _fixture(each, "sourceId", f".variable[{index}]", fixtures)
        if each.get("name") in variables[:index]:
            ja, en = "同じ名前の変数があります。", "Another variable has this name."
            found.append(_fault(f".variable[{index}].name", ja, en))
        found += expression_faults(each.get("expression"), f".variable[{index}].expression", run)
    profiles = {each.get("id") for each in script.get("profile", ())}
    servers = {name: {each.get("index") for each in script.get(name, ())} for name in SERVERS}
    for place, action in actions:
        found += _servers(action.get("operation", {}), f"{place}.operation", servers)
        for kind in ("operation", "assert"):
            if kind in action:
                found += _action(action[kind], f"{place}.{kind}", fixtures, {*variables}, profiles)
        found += _asserted(action, place, run)
    return found or None


def _actions(script: Resource) -> Iterator[tuple[str, Resource]]:
    for name in HOLDERS:
        holders = script.get(name, [])
        listed = holders if isinstance(holders, list) else [holders]
        for index, holder in enumerate(listed):
            place = f".{name}[{index}]" if isinstance(holders, list) else f".{name}"
            for number, action in enumerate(holder.get("action", ())):
                yield f"{place}.action[{number}]", action


def _action(
    action: Resource, place: str, fixtures: set[Any], variables: set[Any], profiles: set[Any]
) -> Iterator[Fault]:
    for name in ("sourceId", "targetId", "minimumId", "compareToSourceId"):
        yield from _fixture(action, name, place, fixtures)
    profile = action.get("validateProfileId")
    if profile is not None and profile not in profiles:
        ja = f"プロファイル「{str(profile)[:SHOWN]}」が TestScript.profile にありません。"
        en = f"There is no profile '{str(profile)[:SHOWN]}' in TestScript.profile."
        yield _fault(f"{place}.validateProfileId", ja, en)
    for name in NAMED:
        for each in _VARIABLE.findall(str(action.get(name, ""))):
            if each not in variables:
                ja = f"変数「{each[:SHOWN]}」が TestScript.variable にありません。"
                yield _fault(f"{place}.{name}", ja, f"There is no variable '{each[:SHOWN]}' in TestScript.variable.")


def _servers(operation: Resource, place: str, servers: dict[str, set[Any]]) -> Iterator[Fault]:
    """https://hl7.org/fhir/R4/testscript-definitions.html#TestScript.setup.action.operation.origin"""
    for name, known in servers.items():
        number = operation.get(name)
        if number is not None and number not in known:
            ja = f"{number} 番のサーバーが TestScript.{name} にありません。"
            yield _fault(f"{place}.{name}", ja, f"There is no server {number} in TestScript.{name}.")


def _fixture(holder: Resource, name: str, place: str, fixtures: set[Any]) -> Iterator[Fault]:
    named = holder.get(name)
    if named is not None and named not in fixtures:
        ja = f"「{str(named)[:SHOWN]}」という fixture も応答もありません。"
        yield _fault(f"{place}.{name}", ja, f"There is no fixture or response '{str(named)[:SHOWN]}'.")


def _asserted(action: Resource, place: str, run: Run) -> Iterator[Fault]:
    """Tell of an expression that cannot be read; one with variables is read when they have their values."""
    for name in ("expression", "compareToSourceExpression"):
        text = action.get("assert", {}).get(name)
        if text is not None and not _VARIABLE.search(str(text)):
            yield from expression_faults(text, f"{place}.assert.{name}", run)


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule="test-script")
