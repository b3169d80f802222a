"""The rule table of the programme is in the profiles, each rule true of its good example and false of its bad one."""

import json
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import compile as compile_fhirpath
from fhir_service.fhir.resource import Resource
from tests.profiles.files import constraints

RULES = [
    "outreach-ct-1", "outreach-ct-2", "outreach-ct-3", "outreach-ct-4", "outreach-ct-5", "outreach-ep-1",
    "outreach-ep-2", "outreach-ep-3", "outreach-ep-4", "outreach-ep-5", "outreach-en-1", "outreach-en-2",
    "outreach-en-3", "outreach-cc-1", "outreach-cc-2", "outreach-cc-3", "outreach-cc-4", "outreach-rp-1",
    "outreach-rp-2", "outreach-cd-1", "outreach-cd-2", "outreach-gaf-1", "outreach-cn-1", "outreach-cn-2",
    "outreach-cp-1", "outreach-pt-1", "jp-inv-local-patientid", "outreach-bd-2", "outreach-bd-3", "outreach-bd-4",
    "outreach-sr-1", "outreach-sr-2", "outreach-qr-1",
]  # fmt: skip

# Where the table has more than one bad example of a type, the one that is bad in this way.
BAD = {"outreach-ep-1": "EpisodeOfCare2", "outreach-ep-2": "EpisodeOfCare2"}


@pytest.fixture(scope="module")
def table(shared: Path) -> dict[str, Resource]:
    """The rule table, by rule."""
    rules = json.loads((shared / "domain" / "rules" / "rules.json").read_text(encoding="utf-8"))
    return {each["id"]: each for each in rules}


@pytest.fixture(scope="module")
def examples(shared: Path) -> dict[str, dict[str, Resource]]:
    found: dict[str, dict[str, Resource]] = json.loads(
        (shared / "domain" / "rules" / "examples.json").read_text(encoding="utf-8")
    )
    return found


def test_the_rules_are_those_of_the_table(table: dict[str, Resource]) -> None:
    assert sorted(table) == sorted(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_tells_good_from_bad(
    rule: str, table: dict[str, Resource], examples: dict[str, dict[str, Resource]], definitions: Definitions
) -> None:
    expressions = {constraint["expression"] for _, _, constraint in constraints() if constraint["key"] == rule}
    kind = table[rule]["on"]
    good = examples["goods"].get(rule) or examples["good"][kind]
    bad = examples["bads"].get(rule) or examples["bad"][BAD.get(rule, kind)]

    assert len(expressions) == 1, f"no profile has the rule {rule}"
    expression = compile_fhirpath(expressions.pop(), definitions, context_type=kind)

    assert [item.value for item in expression.evaluate(good)] == [True]
    assert [item.value for item in expression.evaluate(bad)] == [False]
