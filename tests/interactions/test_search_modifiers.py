"""https://hl7.org/fhir/R4/search.html#modifiers, over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
V2_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
TAGS = "http://example.jp/modifiers"


@pytest.fixture(scope="module")
def tag() -> str:
    return str(uuid4())


@pytest.fixture(scope="module", autouse=True)
def encounters(server: Any, tag: str) -> Iterator[dict[str, str]]:
    """Return the ids of two encounters by their classes."""
    with httpx.Client(base_url=f"{server.base}/") as client:
        made = {}
        for code, display, type_ in (("HH", "在宅医療", "MR"), ("IMP", "入院", "VN")):
            encounter = {
                "resourceType": "Encounter",
                "meta": {"tag": [{"system": TAGS, "code": tag}]},
                "status": "finished",
                "class": {"system": ACT, "code": code, "display": display},
                "identifier": [{"type": {"coding": [{"system": V2_TYPES, "code": type_}]}, "value": "77"}],
            }
            made[code] = client.post("Encounter", json=encounter).json()["id"]
        yield made


def test_a_value_set_may_be_named_by_its_address_here(api: httpx.Client, encounters: Any, tag: str) -> None:
    """ "a URI (relative or absolute) that identifies a value set" """
    id_ = str(uuid4())
    include = {"system": ACT, "concept": [{"code": "HH"}]}
    value_set = {
        "status": "active",
        "url": f"http://example.jp/vs/{id_}",
        "version": "1",
        "compose": {"include": [include]},
    }
    api.put(f"ValueSet/{id_}", json={"resourceType": "ValueSet", "id": id_} | value_set).raise_for_status()

    def found(modifier: str, address: str) -> list[str]:
        answer = api.get("Encounter", params={f"class:{modifier}": address, "_tag": f"{TAGS}|{tag}"})
        return [each["resource"]["id"] for each in answer.raise_for_status().json().get("entry", ())]

    assert found("in", f"ValueSet/{id_}") == found("in", f"{api.base_url}ValueSet/{id_}") == [encounters["HH"]]
    assert found("not-in", f"ValueSet/{id_}") == [encounters["IMP"]]
    assert api.get("Encounter", params={"class:in": "ValueSet/never-was"}).status_code == 400


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        ("class:text", "ざいたく", []),
        ("class:text", "在宅", ["HH"]),
        ("class:in", "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode", ["HH", "IMP"]),
        ("class:not-in", "http://hl7.org/fhir/ValueSet/administrative-gender", ["HH", "IMP"]),
        ("class:not-in", "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode", []),
        ("class:below", f"{ACT}|_ActEncounterCode", ["HH", "IMP"]),
        ("class:below", f"{ACT}|IMP", ["IMP"]),
        ("class:above", f"{ACT}|ACUTE", ["IMP"]),
        ("identifier:of-type", f"{V2_TYPES}|MR|77", ["HH"]),
        ("identifier:of-type", f"{V2_TYPES}|MR|78", []),
    ],
)
def test_a_modifier_finds_what_it_says(
    api: httpx.Client, tag: str, encounters: dict[str, str], parameter: str, value: str, expected: list[str]
) -> None:
    bundle = api.get("Encounter", params={"_tag": tag, parameter: value}).json()

    found = {entry["resource"]["id"] for entry in bundle.get("entry", ())}
    assert found == {encounters[code] for code in expected}, bundle


def test_all_but_some_ids_can_be_asked_for(api: httpx.Client, tag: str, encounters: dict[str, str]) -> None:
    def found(ids: str) -> list[str]:
        bundle = api.get("Encounter", params={"_tag": tag, "_id:not": ids}).raise_for_status().json()
        return [entry["resource"]["id"] for entry in bundle.get("entry", ())]

    assert found(encounters["HH"]) == [encounters["IMP"]]
    assert found(f"{encounters['HH']},{encounters['IMP']}") == []
    assert len(found("never-was")) == 2


@pytest.mark.parametrize(
    ("parameter", "value", "told"),
    [
        ("class:in", "http://example.jp/ValueSet/unknown", "http://example.jp/ValueSet/unknown"),
        ("class:below", "HH", "system|code"),
        ("class:below", "http://example.jp/cs|HH", "http://example.jp/cs"),
        ("identifier:of-type", "MR|77", "system|code|value"),
    ],
)
def test_what_a_modifier_cannot_know_is_said(api: httpx.Client, parameter: str, value: str, told: str) -> None:
    answer = api.get("Encounter", params={parameter: value})

    assert answer.status_code == 400
    assert told in answer.text


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        ("contenttype", "text/xml", ["text/xml"]),
        ("contenttype:below", "text/xml", ["text/xml", "text/xml; charset=UTF-8"]),
        (
            "contenttype:below",
            "text",
            ["text/plain", "text/xml", "text/xml-external-parsed-entity", "text/xml; charset=UTF-8"],
        ),
        ("contenttype:below", "text/x", []),
        ("contenttype:below", "image/png,text/plain", ["text/plain"]),
    ],
)
def test_a_mime_type_is_found_with_its_parameters(
    api: httpx.Client, documents: str, parameter: str, value: str, expected: list[str]
) -> None:
    """https://hl7.org/fhir/R4/search.html#mimetype"""
    found = api.get("DocumentReference", params={parameter: value, "_tag": documents}).raise_for_status().json()

    attachments = [each["resource"]["content"][0]["attachment"] for each in found.get("entry", ())]
    assert sorted(each["contentType"] for each in attachments) == sorted(expected)


@pytest.fixture(scope="module")
def documents(server: Any) -> str:
    """Return the tag of documents of several MIME types."""
    tag = str(uuid4())
    with httpx.Client(base_url=f"{server.base}/") as client:
        for type_ in ("text/xml", "text/xml; charset=UTF-8", "text/xml-external-parsed-entity", "text/plain"):
            attachment = {"contentType": type_, "title": "t"}
            document = {"resourceType": "DocumentReference", "status": "current", "meta": {"tag": [{"code": tag}]}}
            client.post(
                "DocumentReference", json=document | {"content": [{"attachment": attachment}]}
            ).raise_for_status()
    return tag


@pytest.mark.parametrize("parameter", ["_id", "_lastUpdated"])
def test_no_resource_lacks_what_the_server_gives(api: httpx.Client, tag: str, parameter: str) -> None:
    def count(missing: str, **others: str) -> int:
        asked = {f"{parameter}:missing": missing, "_tag": f"{TAGS}|{tag}", "_total": "accurate", **others}
        return int(api.get("Encounter", params=asked).raise_for_status().json()["total"])

    assert (count("false"), count("true")) == (2, 0)
    assert (count("false", _sort="-date"), count("true", _sort="date")) == (2, 0)
    assert api.get("Encounter", params={f"{parameter}:missing": "true"}).json()["total"] == 0
    assert api.get("Encounter", params={f"{parameter}:missing": "false", "_count": "1"}).json()["entry"]
    assert api.get("Encounter", params={f"subject.{parameter}:missing": "true"}).json()["total"] == 0
