"""An invariant that is written in Python says what its FHIRPath says."""

from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from fhir_service.fhir import fhirpath
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.fhirpath.item import truth
from fhir_service.validation.native import NATIVE

EXTENDED = {"extension": [{"url": "http://example.org/x", "valueString": "x"}]}
ITEM: dict[str, Any] = {
    "item": [{"linkId": "1.1", "type": "string"}],
    "code": [{"code": "x"}],
    "answerOption": [{"valueString": "x"}],
    "answerValueSet": "http://example.org/vs",
    "required": True,
    "repeats": True,
    "_repeats": EXTENDED,
    "readOnly": False,
    "_maxLength": EXTENDED,
    "initial": [{"valueString": "a"}, {"valueString": "b"}],
    "enableWhen": [{"question": "2", "operator": "exists", "answerBoolean": True}] * 3,
    "_enableBehavior": EXTENDED,
}
TYPES = ("group", "display", "boolean", "string", "choice", "url", "reference", None)
CONTAINS: dict[str, Any] = {"code": "x", "_code": EXTENDED, "display": "x", "abstract": True}
REPEAT: list[dict[str, Any]] = [
    {name: number} | more
    for name in ("duration", "period")
    for number in (0, 1, -1, Decimal("-0.5"))
    for more in ({}, {f"_{name}": EXTENDED}, {f"{name}Unit": "d"})
] + [{"_duration": EXTENDED}, {"_period": EXTENDED}, {"when": ["HS"]}]
DURATION: dict[str, Any] = {
    "value": 1,
    "_value": EXTENDED,
    "system": "http://unitsofmeasure.org",
    "_system": EXTENDED,
    "code": "d",
    "_code": EXTENDED,
}
_STATUS = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CONDITION: list[dict[str, Any]] = [
    {"verificationStatus": {"coding": codings, "text": "x"}} | more
    for codings in (
        [{"system": _STATUS, "code": "entered-in-error"}],
        [{"system": _STATUS, "code": "confirmed"}, {"system": _STATUS, "code": "entered-in-error"}],
        [{"code": "entered-in-error"}, {"system": _STATUS}],
    )
    for more in ({}, {"clinicalStatus": {"text": "x"}})
] + [{"verificationStatus": {"text": "x"}, "clinicalStatus": {"text": "x"}}, {"clinicalStatus": {"text": "x"}}]
PARTICIPANT: dict[str, Any] = {"type": [{"text": "x"}], "actor": {"reference": "Patient/1"}}


def constraints(definitions: Definitions, resource_type: str, path: str) -> dict[str, str]:
    found = definitions.find(f"http://hl7.org/fhir/StructureDefinition/{resource_type}")
    assert found is not None
    (element,) = (each for each in found["snapshot"]["element"] if each["path"] == path)
    return {each["key"]: each["expression"] for each in element["constraint"] if each["expression"] in NATIVE}


def subsets(whole: dict[str, Any], most: int) -> list[dict[str, Any]]:
    return [{name: whole[name] for name in names} for n in range(most + 1) for names in combinations(whole, n)]


@pytest.mark.parametrize(
    ("path", "keys", "values"),
    [
        (
            "Questionnaire.item",
            {f"que-{n}" for n in (1, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13)},
            [{"linkId": "1"} | ({"type": kind} if kind else {}) | each for kind in TYPES for each in subsets(ITEM, 2)],
        ),
        ("ValueSet.expansion.contains", {"vsd-6", "vsd-9", "vsd-10"}, subsets(CONTAINS, 4)),
        ("Appointment.participant", {"app-1"}, subsets(PARTICIPANT, 2)),
        ("Timing.repeat", {f"tim-{n}" for n in (1, 2, 4, 5, 6, 7, 8, 10)}, REPEAT),
        ("Duration", {"drt-1", "qty-3"}, [*subsets(DURATION, 4), {"code": "d", "system": "x", "value": 1}]),
        ("Condition", {"con-5", "dom-6"}, CONDITION),
    ],
)
def test_it_says_what_its_fhirpath_says(
    definitions: Definitions, path: str, keys: set[str], values: list[dict[str, Any]]
) -> None:
    expressions = constraints(definitions, path.partition(".")[0], path)
    assert expressions.keys() == keys

    for key, text in expressions.items():
        compiled = fhirpath.compile(text, definitions, context_type=path)
        for value in values:
            assert NATIVE[text](value) is (truth(compiled.evaluate(Item(value, path))) is True), (key, value)
