import pytest

from fhir_service.fhir import fhirpath
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.paths import simple_paths

PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "p",
    "extension": [{"url": "http://example.jp/a", "valueCode": "x"}, {"url": "http://example.jp/b", "valueString": "y"}],
    "name": [{"use": "official", "family": "山田", "given": ["太郎", None]}, {"use": "old", "family": "田中"}],
    "birthDate": "1980-04-01",
    "_birthDate": {"extension": [{"url": "http://example.jp/time", "valueDateTime": "1980-04-01T10:00:00+09:00"}]},
    "deceasedDateTime": "2026-01-01",
    "generalPractitioner": [
        {"reference": "Organization/1"},
        {"reference": "http://x.example/Practitioner/2"},
        {"type": "Practitioner"},
    ],
    "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
}  # fmt: skip


@pytest.mark.parametrize(
    "expression",
    [
        "Patient.name.family",
        "Patient.name.given",
        "Patient.name[1].family",
        "Patient.name.where(use='official').family",
        "Patient.deceased",
        "Patient.deceased.ofType(dateTime)",
        "Patient.deceased.ofType(boolean)",
        "Patient.extension('http://example.jp/a').value.ofType(code)",
        "Patient.extension.where(url='http://example.jp/b').value.ofType(string)",
        "Patient.generalPractitioner.where(resolve() is Practitioner).reference",
        "Patient.link.other.reference",
        "Patient.multipleBirth",
        "name.family",
    ],
)
def test_a_simple_path_finds_what_the_engine_finds(definitions: Definitions, expression: str) -> None:
    paths = simple_paths(expression, "Patient", definitions)

    assert paths is not None
    found = [value for path in paths for value in path.select(PATIENT)]
    assert found == [item.value for item in fhirpath.compile(expression, definitions).evaluate(PATIENT)]


@pytest.mark.parametrize(
    "expression",
    [
        "Patient.birthDate.extension('http://example.jp/time').value",
        "Patient.birthDate.extension.value",
        "Patient.name.where(given='太郎').family",
        "Patient.name.where(use='official' and family='山田').family",
        "Patient.deceased.exists() and Patient.deceased != false",
        "Patient.name.first().family",
        "Patient.active = true",
    ],
)
def test_what_is_not_that_simple_is_left_to_the_engine(definitions: Definitions, expression: str) -> None:
    assert simple_paths(expression, "Patient", definitions) is None
