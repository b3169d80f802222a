"""The measures name indicators that there are, and the example reports count what their measure asks for."""

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import compile as compile_fhirpath
from fhir_service.fhir.resource import Resource
from tests.profiles.files import EXAMPLES, OUTREACH, PROFILES, TERMINOLOGY, read

MEASURES = {file.stem: read(file) for file in sorted((PROFILES / "measures").glob("*.json"))}
REPORTS = sorted((EXAMPLES / "outreach-measure-report").glob("*.json"))


def code(concept: Resource) -> str:
    return str(concept["coding"][0]["code"])


def breakdowns(group: Resource) -> set[str]:
    """Return by what a group of a measure (one code) or of a report (a list of one) is broken down."""
    concepts = [each["code"] for each in group.get("stratifier", ())]
    return {code(each[0] if isinstance(each, list) else each) for each in concepts}


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure["id"])
def test_a_measure_counts_indicators_that_there_are(measure: Resource) -> None:
    indicators = {each["code"] for each in read(TERMINOLOGY / "code-systems" / "indicator.json")["concept"]}
    kinds = {each["code"] for each in read(TERMINOLOGY / "code-systems" / "indicator-breakdown.json")["concept"]}

    counted = [code(group["code"]) for group in measure["group"]]

    assert set(counted) <= indicators
    assert len(counted) == len(set(counted))
    assert {kind for group in measure["group"] for kind in breakdowns(group)} <= kinds


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure["id"])
def test_what_a_measure_is_broken_down_by_can_be_read(measure: Resource, definitions: Definitions) -> None:
    stratifiers = [each for group in measure["group"] for each in group.get("stratifier", ()) if "criteria" in each]

    compiled = [compile_fhirpath(each["criteria"]["expression"], definitions) for each in stratifiers]

    assert all(expression.evaluate(measure) is not None for expression in compiled)


@pytest.mark.parametrize("report", REPORTS, ids=lambda file: file.stem)
def test_a_report_counts_what_its_measure_asks_for(report: object) -> None:
    example = read(report)  # type: ignore[arg-type]
    url, _, _ = example["measure"].partition("|")
    measure = MEASURES[url.removeprefix(f"{OUTREACH}/Measure/")]
    groups = {code(group["code"]): group for group in measure["group"]}

    for group in [each for each in example.get("group", ()) if "code" in each]:
        assert breakdowns(group) <= breakdowns(groups[code(group["code"])])
