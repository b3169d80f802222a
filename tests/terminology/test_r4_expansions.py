"""R4's own value sets, against the expansions that HL7 published (npm: hl7.fhir.r4.expansions 4.0.1)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.terminology.loaded import LoadedTerminology

V3, V2 = "http://terminology.hl7.org/CodeSystem/v3-", "http://terminology.hl7.org/CodeSystem/v2-"

# Where we have more codes than the published expansion, and why.
MORE = {
    "c80-doc-typecodes": "HL7 published the first 1,000 codes only",
    "currencies": "ISO 4217 has new codes since",
    "detectedissue-category": "a v3 code has several parents, which HL7 did not follow",
    "v3-ActPharmacySupplyType": "a v3 code has several parents, which HL7 did not follow",
    "v3-ActCode": "STORE is in the code system, and not abstract",
    "diagnostic-service-sections": "deprecated codes of v2 are still codes",
    "observation-interpretation": "deprecated codes of v3 are still codes",
    "patient-contactrelationship": "deprecated codes of v2 are still codes",
    "relatedperson-relationshiptype": "deprecated codes of v2 are still codes",
    "security-labels": "deprecated codes of v3 are still codes",
    "v2-0487": "deprecated codes of v2 are still codes",
    "v2-0916": "deprecated codes of v2 are still codes",
}


@pytest.fixture(scope="module")
def terminology() -> LoadedTerminology:
    return LoadedTerminology(Definitions.load())


def codes(contains: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for each in contains:
        if "code" in each and not each.get("abstract"):
            yield each["system"], each["code"]
        yield from codes(each.get("contains", []))


def test_published_expansions_are_ours(r4_expansions: Path, terminology: LoadedTerminology) -> None:
    equal, more, open_ = [], {}, []
    for file in sorted(r4_expansions.glob("ValueSet-*.json")):
        published = json.loads(file.read_bytes())
        expected = set(codes(published["expansion"].get("contains", [])))
        found = terminology.members(published["url"])

        # No code that HL7 found is ever refused here.
        refused = [code for code in expected if terminology.contains(published["url"], *code) is False]
        assert not refused, (published["url"], refused)
        if found is None or any(code is None for _, code in found):
            open_.append(published["id"])
        elif found == expected:
            equal.append(published["id"])
        else:
            more[published["id"]] = found - expected

    assert set(more) == set(MORE)
    assert len(equal) > 470
    assert len(open_) < 65


def test_nearly_all_value_sets_of_r4_can_be_told() -> None:
    definitions = Definitions.load()
    terminology = LoadedTerminology(definitions)

    unknown = [each["url"] for each in definitions.all("ValueSet") if terminology.members(each["url"]) is None]

    assert len(unknown) < 60
    assert terminology.members("http://hl7.org/fhir/ValueSet/administrative-gender") == {
        ("http://hl7.org/fhir/administrative-gender", code) for code in ("male", "female", "other", "unknown")
    }


def test_a_code_that_only_groups_others_is_not_to_be_used(terminology: LoadedTerminology) -> None:
    item_types = "http://hl7.org/fhir/ValueSet/item-type"

    assert terminology.contains(item_types, None, "choice") is True
    assert terminology.contains(item_types, None, "question") is False


def test_names_of_a_code_are_told_in_all_languages(terminology: LoadedTerminology) -> None:
    assert terminology.display("http://hl7.org/fhir/administrative-gender", "male") == "Male"
    assert "Diagnostisch beeldvorming" in terminology.displays(f"{V2}0074", "IMG")
    assert terminology.display("http://loinc.org", "absent") is None
    assert f"{V3}ActCode" in {system for system, _ in terminology.below(f"{V3}ActCode", "ACCTRECEIVABLE") or ()}
