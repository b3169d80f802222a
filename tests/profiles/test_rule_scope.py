"""Whom a rule binds, how severely, and that it always gives an answer."""

import json
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import compile as compile_fhirpath
from fhir_service.fhir.resource import Resource
from tests.profiles.files import constraints

# What only the older programme (広域調整等事業) asks for: nobody else is held to it.
OLDER_PROGRAMME = {"outreach-en-1": {"wide-area-encounter"}, "outreach-cd-1": {"wide-area-condition"}}

# Rules that are milder here than in the rule table: a name known only in kanji is a name, the prefecture in a patient
# number is a draft of JP Core, and staffing is an error in the older programme alone.
MILDER = {"outreach-pt-1", "jp-inv-local-patientid", "outreach-ct-1"}

RULES = {(profile, rule["key"]): (kind, rule) for profile, kind, rule in constraints()}

# What R4 itself demands of each type, and nothing more.
BARE: dict[str, Resource] = {
    "EpisodeOfCare": {"status": "planned", "patient": {"reference": "Patient/1"}},
    "ServiceRequest": {"status": "draft", "intent": "plan"},
    "Task": {"status": "draft", "intent": "plan"},
    "CarePlan": {"status": "draft", "intent": "plan"},
    "Goal": {"lifecycleStatus": "proposed", "description": {"text": "目標"}},
    "Encounter": {"status": "planned", "class": {"code": "HH"}},
    "Observation": {"status": "final", "code": {"text": "GAF"}},
    "Procedure": {"status": "preparation", "subject": {"reference": "Patient/1"}},
    "ClinicalImpression": {"status": "in-progress"},
    "QuestionnaireResponse": {"status": "in-progress"},
    "Consent": {"status": "proposed", "scope": {"text": "情報共有"}},
    "Flag": {"status": "inactive", "code": {"text": "犬がいる"}},
    "Communication": {"status": "not-done"},
    "Composition": {"status": "final", "type": {"text": "連絡票"}, "title": "連絡票"},
    "Bundle": {"type": "document"},
    "MeasureReport": {"status": "pending", "type": "summary", "period": {}},
    "AuditEvent": {"type": {"code": "rest"}, "recorded": "2026-11-12T18:55:03+09:00"},
    "Provenance": {"target": [{"reference": "Patient/1"}]},
}


def test_what_only_the_older_programme_asks_for_binds_nobody_else() -> None:
    found = {key: {profile for profile, rule in RULES if rule == key} for key in OLDER_PROGRAMME}

    assert found == OLDER_PROGRAMME


def test_a_rule_is_as_severe_as_the_table_says_or_milder_for_a_reason(shared: Path) -> None:
    rules = json.loads((shared / "domain" / "rules" / "rules.json").read_bytes())
    table = {rule["id"]: rule["severity"] for rule in rules}

    differing = {key for (_, key), (_, rule) in RULES.items() if key in table and rule["severity"] != table[key]}

    assert differing <= MILDER


@pytest.mark.parametrize(("profile", "key"), sorted(RULES))
def test_a_rule_gives_true_or_false_even_on_next_to_nothing(profile: str, key: str, definitions: Definitions) -> None:
    kind, rule = RULES[profile, key]
    expression = compile_fhirpath(rule["expression"], definitions, context_type=kind)

    result = [item.value for item in expression.evaluate({"resourceType": kind, **BARE.get(kind, {})})]

    assert result in ([True], [False])
