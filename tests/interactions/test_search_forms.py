"""How values are written, over HTTP: precision, boundaries, forms of references, escapes, and what is no value at all.

https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

ODD = "a,b|c$d\\e"
URL = "http://example.jp/forms/ValueSet/x"


@pytest.fixture(scope="module")
def tag() -> str:
    return str(uuid4())


@pytest.fixture(scope="module", autouse=True)
def made(server: Any, tag: str) -> Iterator[None]:
    meta = {"tag": [{"code": tag}]}
    code = {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}

    def observation(name: str, **elements: Any) -> dict[str, Any]:
        fixed = {"resourceType": "Observation", "id": f"{tag}-{name}", "meta": meta, "status": "final", "code": code}
        return fixed | elements

    patient = {
        "resourceType": "Patient",
        "id": tag,
        "meta": meta,
        "identifier": [{"system": "urn:s", "value": ODD}, {"value": "plain"}],
        "name": [{"family": "O'Brien & Sons+1 100%", "given": ["Zoë#1"]}],
    }
    subject = {"reference": f"Patient/{tag}"}
    resources: list[dict[str, Any]] = [
        patient,
        observation("day", effectiveDateTime="2026-03-01", subject=subject),
        observation("midnight", effectiveDateTime="2026-03-01T00:00:00+09:00", subject=subject),
        observation("morning", effectiveDateTime="2026-03-01T08:59:59+09:00", subject=subject),
        observation("utc", effectiveDateTime="2026-02-28T23:59:59.999Z", subject=subject),
        observation("eve", effectiveDateTime="2026-02-28T14:59:59Z", subject=subject),
        observation("period", effectivePeriod={"start": "2026-02-01", "end": "2026-03-31"}, subject=subject),
        observation("absolute", subject={"reference": f"{server.base}/Patient/{tag}"}),
        observation("versioned", subject={"reference": f"Patient/{tag}/_history/1"}),
        observation("logical", subject={"identifier": {"system": "urn:s", "value": ODD}}),
        observation("elsewhere", subject={"reference": f"http://elsewhere.example/fhir/Patient/{tag}"}),
        observation("component", component=[{"code": {"text": "x"}, "valueString": "y"}]),
        {
            "resourceType": "RiskAssessment",
            "id": f"{tag}-risk",
            "meta": meta,
            "status": "final",
            "subject": subject,
            "prediction": [{"probabilityDecimal": 100}, {"probabilityDecimal": 0.5}],
        },
        {"resourceType": "ValueSet", "id": f"{tag}-v", "meta": meta, "status": "draft", "url": URL, "version": "1.2"},
        {
            "resourceType": "Questionnaire",
            "id": f"{tag}-q",
            "meta": meta,
            "status": "draft",
            "item": [{"linkId": "1", "type": "choice", "answerValueSet": f"{URL}|1.2"}],
        },
        {
            "resourceType": "QuestionnaireResponse",
            "id": f"{tag}-r",
            "meta": meta,
            "status": "completed",
            "questionnaire": f"http://example.jp/forms/{tag}|2.0",
        },
    ]
    with httpx.Client(base_url=f"{server.base}/") as client:
        for each in resources:
            answer = client.put(f"{each['resourceType']}/{each['id']}", json=each)
            assert answer.status_code in (200, 201), answer.text
    yield


def found(api: httpx.Client, tag: str, resource_type: str, *asked: tuple[str, str]) -> set[str]:
    answer = api.get(resource_type, params=httpx.QueryParams([("_tag", tag), *asked]))
    assert answer.status_code == 200, answer.text
    matches = [each for each in answer.json().get("entry", []) if each["search"]["mode"] == "match"]
    return {each["resource"]["id"].removeprefix(tag).removeprefix("-") for each in matches}


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("2026-03-01", {"day", "midnight", "morning", "utc"}),
        ("2026-02-28", {"eve"}),
        ("2026-03", {"day", "midnight", "morning", "utc"}),
        ("2026", {"day", "midnight", "morning", "utc", "eve", "period"}),
        ("eq2026-03-01T00:00:00+09:00", {"midnight"}),
        ("2026-02-28T15:00:00Z", {"midnight"}),
        ("2026-03-01T08:59", {"morning", "utc"}),
        ("gt2026-03-01", {"period"}),
        ("sa2026-02-28", {"day", "midnight", "morning", "utc"}),
        ("lt2026-03-01", {"eve", "period"}),
        ("eb2026-03-01", {"eve"}),
        ("ne2026-03-01", {"eve", "period"}),
        ("2026-02-28,2026-03-01", {"day", "midnight", "morning", "utc", "eve"}),
    ],
)
def test_dates_have_the_precision_that_is_written(api: httpx.Client, tag: str, asked: str, ids: set[str]) -> None:
    assert found(api, tag, "Observation", ("date", asked)) == ids


def test_repeated_parameters_are_joined_by_and(api: httpx.Client, tag: str) -> None:
    dates = [("date", date) for date in ("ge2026-03-01", "lt2026-03-02", "eq2026-03-01")]

    assert found(api, tag, "Observation", *dates) == {"day", "midnight", "morning", "utc"}


@pytest.mark.parametrize(
    ("asked", "finds"),
    [
        ("100", True), ("1e2", True), ("99.6", False), ("100.4", False), ("100.00", True), ("0.5", True),
        ("0.50", True), ("0.4", False), ("gt100", False), ("ge100", True), ("lt0.5", False), ("ap95", True),
        ("5e-1", True), ("+100", True),
    ],
)  # fmt: skip
def test_numbers_have_the_precision_that_is_written(api: httpx.Client, tag: str, asked: str, finds: bool) -> None:
    assert (found(api, tag, "RiskAssessment", ("probability", asked)) == {"risk"}) is finds


def test_references_are_found_in_all_their_forms(api: httpx.Client, server: Any, tag: str) -> None:
    here = {"day", "midnight", "morning", "utc", "eve", "period", "absolute", "versioned"}

    for form in (tag, f"Patient/{tag}", f"{server.base}/Patient/{tag}"):
        assert found(api, tag, "Observation", ("subject", form)) == here, form
    assert found(api, tag, "Observation", ("subject:Patient", tag)) == here
    assert found(api, tag, "Observation", ("subject", f"Patient/{tag}/_history/1")) == {"versioned"}
    assert found(api, tag, "Observation", ("subject", f"http://elsewhere.example/fhir/Patient/{tag}")) == {"elsewhere"}
    escaped = "urn:s|" + ODD.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")
    assert found(api, tag, "Observation", ("subject:identifier", escaped)) == {"logical"}
    assert found(api, tag, "Observation", ("subject", f"Group/{tag}")) == set()


def test_canonicals_are_found_with_and_without_their_version(api: httpx.Client, tag: str) -> None:
    mine = f"http://example.jp/forms/{tag}"

    for form in (mine, f"{mine}|2.0"):
        assert found(api, tag, "QuestionnaireResponse", ("questionnaire", form)) == {"r"}, form
    assert found(api, tag, "QuestionnaireResponse", ("questionnaire", f"{mine}|2.1")) == set()
    for form in (URL, f"{URL}|1.2"):
        assert found(api, tag, "ValueSet", ("url", form)) == {"v"}, form
    assert found(api, tag, "ValueSet", ("url", f"{URL}|1")) == set()


def test_what_separates_values_is_escaped(api: httpx.Client, tag: str) -> None:
    escaped = "a\\,b\\|c\\$d\\\\e"

    assert found(api, tag, "Patient", ("identifier", escaped)) == {""}
    assert found(api, tag, "Patient", ("identifier", f"urn:s|{escaped}")) == {""}
    assert found(api, tag, "Patient", ("identifier", f"nobody,{escaped}")) == {""}
    assert found(api, tag, "Patient", ("identifier", "|plain")) == {""}
    assert found(api, tag, "Patient", ("identifier", "a\\,b")) == set()
    assert api.get("Patient", params={"identifier": "a\\b"}).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "family=O%27Brien%20%26%20Sons%2B1%20100%25",
        "family=O'Brien+%26+Sons%2B1",
        "family:exact=O%27Brien+%26+Sons%2B1+100%25",
        "given=Zo%C3%AB%231",
        "given=zoe",
        "name%3Aexact=Zo%C3%AB%231",
    ],
)
def test_encoded_characters_are_decoded_once(api: httpx.Client, tag: str, query: str) -> None:
    assert api.get(f"Patient?_tag={tag}&{query}&_summary=count").json()["total"] == 1


def test_names_are_found_by_their_sound_as_they_are_folded(api: httpx.Client, tag: str) -> None:
    for sound in ("zoe", "ＺＯË"):
        assert found(api, tag, "Patient", ("phonetic", sound)) == {""}
    assert found(api, tag, "Patient", ("phonetic:exact", "zoe")) == set()


def test_missing_is_asked_of_composites(api: httpx.Client, tag: str) -> None:
    having = found(api, tag, "Observation", ("component-code-value-quantity:missing", "false"))
    lacking = found(api, tag, "Observation", ("code-value-string:missing", "true"))

    assert having == set()
    assert "component" in lacking
    assert len(lacking) == 11


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("Patient?identifier=a,,b", "identifier"),
        ("Patient?identifier=%7C", "identifier"),
        ("Patient?identifier=a%7Cb%7Cc", "identifier"),
        ("Patient?birthdate=ge", "birthdate"),
        ("Patient?birthdate=2026-13", "birthdate"),
        ("Patient?birthdate=2026-02-30", "birthdate"),
        ("Patient?active:missing=maybe", "missing"),
        ("Observation?_include=Foo:subject", "Foo"),
        ("Observation?_include=Observation:subject:Foo", "Foo"),
        ("Observation?_revinclude=Foo:subject", "Foo"),
        ("Observation?value-quantity=5.4%7Cx", "value-quantity"),
        ("Observation?value-quantity=abc", "value-quantity"),
        ("Observation?code-value-quantity=x", "code-value-quantity"),
        ("Observation?subject:Foo=1", "Foo"),
        ("Observation?subject.foo=1", "foo"),
        ("Observation?subject.subject.subject.subject.subject.subject.subject.subject.subject.name=1", "subject"),
        ("Patient?_has:Foo:subject:code=1", "Foo"),
        ("Patient?_has:Observation:code:code=1", "code"),
        ("Patient?_count=-1", "_count"),
        ("Patient?_count=1.5", "_count"),
        ("Patient?_sort=-", "_sort"),
        ("Patient?_sort=name,,family", "_sort"),
        ("Patient?_cursor=AAAA", "_cursor"),
        ("Patient?_cursor=%FF", "UTF-8"),
        ("Patient?_id:exact=x", "_id"),
        ("Patient?:missing=true", ""),
        ("Patient?=x", ""),
        ("Patient?name:contains:exact=x", "contains"),
    ],
)
def test_what_has_no_meaning_is_refused_by_its_name(api: httpx.Client, query: str, told: str) -> None:
    answer = api.get(query)

    assert answer.status_code == 400, answer.text
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert told in str(outcome)


SQL = "x' OR '1'='1'; DROP TABLE res; --"


@pytest.mark.parametrize(
    "name",
    [
        "name", "name:exact", "name:contains", "identifier", "birthdate", "gender", "general-practitioner", "_id",
        "_tag", "_profile", "_lastUpdated", "link.name", "_has:Observation:subject:code", "_text", "_content",
        "_filter", "_sort", "_list", "_include", "_elements", "_count", "_total", "_summary", "_cursor", "_type",
        "_query", "_contained", SQL,
    ],
)  # fmt: skip
def test_sql_is_a_value_like_any_other(api: httpx.Client, tag: str, name: str) -> None:
    answer = api.get("Patient", params={name: SQL})

    assert answer.status_code in (200, 400)
    assert answer.elapsed.total_seconds() < 1
    assert found(api, tag, "Patient") == {""}


def test_a_wildcard_that_iterates_goes_on_through_every_type(api: httpx.Client, server: Any, tag: str) -> None:
    clinic = {"resourceType": "Organization", "id": f"{tag}-clinic", "name": tag}
    patient = {
        "resourceType": "Patient",
        "id": f"{tag}-p",
        "managingOrganization": {"reference": f"Organization/{tag}-clinic"},
    }
    encounter = {
        "resourceType": "Encounter",
        "id": f"{tag}-e",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{tag}-p"},
    }
    for each in (clinic, patient, encounter):
        assert api.put(f"{each['resourceType']}/{each['id']}", json=each).status_code in (200, 201)

    def brought(type_: str, **include: str) -> list[str]:
        asked = {"_id": f"{tag}-clinic" if type_ == "Organization" else f"{tag}-e"}
        answer = api.get(type_, params=asked | {name.replace("_iterate", ":iterate"): "*" for name in include})
        return sorted(f"{entry['resource']['resourceType']}" for entry in answer.json()["entry"])

    assert brought("Encounter", _include="*") == ["Encounter", "Patient"]
    assert brought("Encounter", _include_iterate="*") == ["Encounter", "Organization", "Patient"]
    assert brought("Organization", _revinclude="*") == ["Organization", "Patient"]
    assert brought("Organization", _revinclude_iterate="*") == ["Encounter", "Organization", "Patient"]


def test_includes_that_go_round_in_circles_end(api: httpx.Client, server: Any, tag: str) -> None:
    for one, other in (("a", "b"), ("b", "a"), ("a", "b")):
        organization = {"resourceType": "Organization", "id": f"{tag}-{one}", "name": tag}
        if one == "b" or api.get(f"Organization/{tag}-{other}").status_code == 200:
            organization["partOf"] = {"reference": f"Organization/{tag}-{other}"}
        assert api.put(f"Organization/{tag}-{one}", json=organization).status_code in (200, 201)

    asked = {"_id": f"{tag}-a", "_include:iterate": "Organization:partof", "_revinclude:iterate": "Organization:partof"}
    answer = api.get("Organization", params=asked)

    assert sorted(entry["resource"]["id"] for entry in answer.json()["entry"]) == [f"{tag}-a", f"{tag}-b"]
    assert answer.elapsed.total_seconds() < 1
