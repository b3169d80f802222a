"""https://hl7.org/fhir/R4/search.html#contained, over HTTP and in memory."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import StartServer

from .conftest import Fhir

SYSTEM = "http://example.jp/contained"


def request(id_: str, code: str, **elements: Any) -> dict[str, Any]:
    """Return a MedicationRequest that contains its Medication and an Organization that makes it."""
    concept = {"coding": [{"system": SYSTEM, "code": code}]}
    return {
        "resourceType": "MedicationRequest",
        "id": id_,
        "status": "active",
        "intent": "order",
        "subject": {"display": "someone"},
        "contained": [
            {"resourceType": "Medication", "id": "m", "code": concept, "manufacturer": {"reference": "#o"}, **elements},
            {"resourceType": "Organization", "id": "o", "name": f"Made by {code}"},
        ],
        "medicationReference": {"reference": "#m"},
    }


def matches(bundle: dict[str, Any]) -> list[str]:
    """Return what matches, by its URL below the base."""
    entries = [entry for entry in bundle.get("entry", []) if entry["search"]["mode"] == "match"]
    return ["/".join(entry["fullUrl"].rsplit("/", 2)[1:]) for entry in entries]


@pytest.fixture(scope="module")
def code() -> str:
    return str(uuid4())


@pytest.fixture(scope="module", autouse=True)
def made(server: Any, code: str) -> Iterator[None]:
    with httpx.Client(base_url=f"{server.base}/") as client:
        for number in range(3):
            made = client.put(f"MedicationRequest/{code}-{number}", json=request(f"{code}-{number}", code))
            assert made.status_code == 201, made.text
        concept = {"coding": [{"system": SYSTEM, "code": code}]}
        medication = {"resourceType": "Medication", "id": code, "code": concept}
        assert client.put(f"Medication/{code}", json=medication).status_code == 201
    yield


def test_contained_resources_are_found_where_they_are_asked_for(api: httpx.Client, code: str) -> None:
    inside = [f"MedicationRequest/{code}-{number}" for number in range(3)]
    found = {
        contained: matches(api.get("Medication", params={"code": code, "_contained": contained}).json())
        for contained in ("false", "true", "both")
    }

    assert found == {"false": [f"Medication/{code}"], "true": inside, "both": [f"Medication/{code}", *inside]}


def test_the_contained_resource_itself_has_the_url_of_its_container(api: httpx.Client, code: str) -> None:
    asked = {"code": code, "_contained": "true", "_containedType": "contained", "_elements": "code"}
    bundle = api.get("Medication", params=asked).json()

    assert matches(bundle) == [f"MedicationRequest/{code}-{number}#m" for number in range(3)]
    first = bundle["entry"][0]["resource"]
    assert (first["resourceType"], first["id"]) == ("Medication", "m")
    assert "manufacturer" not in first


@pytest.mark.parametrize("contained", ["true", "both"])
def test_contained_resources_are_paged_with_the_others(api: httpx.Client, code: str, contained: str) -> None:
    asked = {"code": code, "_contained": contained, "_count": "2", "_total": "accurate"}
    pages = [api.get("Medication", params=asked).json()]
    while url := next((link["url"] for link in pages[-1]["link"] if link["relation"] == "next"), None):
        pages.append(api.get(url).json())

    whole = matches(api.get("Medication", params={**asked, "_count": "50"}).json())
    assert [each for page in pages for each in matches(page)] == whole
    assert all(len(matches(page)) <= 2 for page in pages)
    assert pages[0]["total"] == len(whole)
    counted = {**asked, "_count": "0"}
    assert api.get("Medication", params=counted).json()["total"] == len(whole)


def test_a_chain_goes_on_inside_contained_resources(api: httpx.Client, code: str) -> None:
    def found(**params: str) -> int:
        answer = api.get("MedicationRequest", params={"_summary": "count", **params})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["total"])

    assert found(**{"medication.code": code}) == 3
    assert found(**{"medication:Medication.code": f"{SYSTEM}|{code}"}) == 3
    assert found(**{"medication.code": code + "-x"}) == 0
    assert found(**{"medication.code:not": code, "_id": f"{code}-0"}) == 0
    assert found(**{"medication.form:missing": "true", "_id": f"{code}-0"}) == 1
    assert found(_filter=f"medication.code eq {code}") == 3
    assert found(**{"medication.code:code-text": code[:20].upper()}) == 3


@pytest.mark.parametrize(
    "asked",
    [
        {"_contained": "true", "_include": "Medication:manufacturer"},
        {"_contained": "true", "_sort": "_lastUpdated"},
        {"_contained": "both", "_maxresults": "5"},
    ],
)
def test_what_leads_out_of_a_contained_resource_is_refused(api: httpx.Client, asked: dict[str, str]) -> None:
    assert api.get("Medication", params=asked).status_code == 400


def linked(one: str) -> list[dict[str, Any]]:
    """Return a contained Observation that refers to what is beside it, around it and stored; `one` is in all ids."""
    people = [
        {"resourceType": "Patient", "id": f"{one}-{name}", "name": [{"family": name}], "active": name == "Stored"}
        for name in ("Stored", "Other")
    ]
    form = [
        {"resourceType": "Questionnaire", "id": f"{one}-{version}", "url": f"http://example.jp/{one}", **said}
        for version, said in (("1", {"version": "1", "title": "First"}), ("2", {"version": "2", "title": "Second"}))
    ]
    observation = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"coding": [{"system": SYSTEM, "code": one}]},
        "subject": {"reference": f"Patient/{one}-Stored"},
        "performer": [{"reference": "#d"}],
        "derivedFrom": [{"reference": "#a"}],
        "note": [{"text": f"覚え書き{one[:4]}"}],
    }
    answers = {"resourceType": "QuestionnaireResponse", "id": "a", "questionnaire": f"http://example.jp/{one}|2"}
    return [
        *people,
        *({"status": "active", **each} for each in form),
        {
            "resourceType": "DiagnosticReport",
            "id": f"{one}-r",
            "status": "amended",
            "code": {"text": "x"},
            "contained": [
                observation,
                observation
                | {"id": "p", "subject": {"reference": f"Patient/{one}-Other"}, "performer": [{"display": "x"}]},
                {"resourceType": "Practitioner", "id": "d", "name": [{"family": "Inside"}]},
                answers | {"status": "completed"},
                {
                    "resourceType": "Provenance",
                    "id": "w",
                    "recorded": "2026-11-22T10:00:00Z",
                    "target": [{"reference": "#"}],
                    "agent": [{"who": {"reference": "#d"}}],
                },
            ],
            "result": [{"reference": "#o"}, {"reference": "#p"}],
            "conclusionCode": [{"text": one}],
        },
    ]


OF_LINKED = {
    "Observation?subject:Patient.family=Stored": {"o"},
    "Observation?subject.family=Other": {"p"},
    "Observation?patient.family=Stored,Other": {"o", "p"},
    "Observation?patient.family=Nobody": set(),
    "Observation?performer:Practitioner.family=inside": {"o"},
    "Observation?performer:Practitioner.family=outside": set(),
    "Observation?derived-from:QuestionnaireResponse.questionnaire.title=Second": {"o", "p"},
    "Observation?derived-from:QuestionnaireResponse.questionnaire.title=First": set(),
    "QuestionnaireResponse?questionnaire.title=Second": {"a"},
    "QuestionnaireResponse?questionnaire.title=First": set(),
    "QuestionnaireResponse?_has:Observation:derived-from:patient.family=Other": {"a"},
    "QuestionnaireResponse?_has:Observation:derived-from:patient.family=Nobody": set(),
    "Observation?_has:DiagnosticReport:result:status=amended": {"o", "p"},
    "Observation?_has:DiagnosticReport:result:status=final": set(),
    "Observation?_has:DiagnosticReport:result:_id=ONE-r&subject.active=true": {"o"},
    "Practitioner?_has:Observation:performer:_has:DiagnosticReport:result:status=amended": {"d"},
    "Practitioner?_has:Provenance:agent:target:DiagnosticReport.status=amended": {"d"},
    "Provenance?target:DiagnosticReport.status=amended": {"w"},
    "Provenance?target:DiagnosticReport.status=final": set(),
    "Observation?_filter=subject.family eq Stored or performer:Practitioner.family eq Inside": {"o"},
    "Observation?_filter=not(subject:Patient.family eq Stored)": {"p"},
    "Observation?_content=覚え書き": {"o", "p"},
    "Observation?_content=無関係": set(),
    "Observation?_list=ONE": set(),
}


def test_chains_and_has_lead_out_of_contained_resources(api: httpx.Client) -> None:
    one = str(uuid4())
    for each in linked(one):
        assert api.put(f"{each['resourceType']}/{each['id']}", json=each).status_code == 201

    found = {}
    for asked in OF_LINKED:
        # of those that other tests have made, none is in this container
        inside = f"{asked.replace('ONE', one)}&_contained=true&_containedType=contained&_count=1000"
        answer = api.get(inside)
        assert answer.status_code == 200, answer.text
        names = (name.partition("#") for name in matches(answer.json()))
        found[asked] = {id_ for container, _, id_ in names if container == f"DiagnosticReport/{one}-r"}

    assert found == OF_LINKED


async def test_so_they_do_in_memory(fhir: Fhir) -> None:
    await fhir.put(*linked("one"))

    for asked, expected in OF_LINKED.items():
        assert await fhir.total(f"{asked.replace('ONE', 'one')}&_contained=true&_containedType=contained") == len(
            expected
        )


async def test_a_list_has_what_it_contains(fhir: Fhir) -> None:
    await fhir.put(siblings("a"), siblings("b"))

    assert await fhir.total("FamilyMemberHistory?_list=a&_contained=true&_containedType=contained") == 2
    assert await fhir.total("FamilyMemberHistory?_list=a,b&relationship=MTH&_contained=both") == 2
    assert await fhir.total("FamilyMemberHistory?_list=c&_contained=both") == 0


def test_contained_resources_are_searched_one_type_at_a_time(api: httpx.Client) -> None:
    assert api.get("", params={"_type": "Patient,Medication", "_contained": "true"}).status_code == 400


def siblings(id_: str) -> dict[str, Any]:
    """Return a List that contains two histories, of a father who has died and of a mother."""

    def history(number: str, relationship: str, **elements: Any) -> dict[str, Any]:
        return {
            "resourceType": "FamilyMemberHistory",
            "id": number,
            "status": "completed",
            "patient": {"display": "someone"},
            "relationship": {"coding": [{"code": relationship}]},
            **elements,
        }

    return {
        "resourceType": "List",
        "id": id_,
        "status": "current",
        "mode": "working",
        "contained": [history("1", "FTH", date="2026"), history("2", "MTH", sex={"coding": [{"code": "female"}]})],
        "entry": [{"item": {"reference": "#1"}}, {"item": {"reference": "#2"}}],
    }


OF_SIBLINGS = {
    "item:FamilyMemberHistory.relationship=FTH": 1,
    "item:FamilyMemberHistory.relationship=MTH": 1,
    "item:FamilyMemberHistory.relationship=SIS": 0,
    "item:FamilyMemberHistory.relationship:not=FTH": 1,
    "item:FamilyMemberHistory.relationship:not=FTH,MTH": 0,
    "item:FamilyMemberHistory.sex:missing=true": 1,
    "item:FamilyMemberHistory.sex:missing=false": 1,
    "item:FamilyMemberHistory.status:missing=true": 0,
    "_filter=item[relationship eq FTH and date eq 2026].status eq completed": 1,
    "_filter=item[relationship eq MTH and date eq 2026].status eq completed": 0,
}


def test_what_one_contained_resource_says_is_not_said_by_another(api: httpx.Client, code: str) -> None:
    assert api.put(f"List/{code}", json=siblings(code)).status_code == 201

    found = {each: api.get(f"List?{each}&_id={code}&_summary=count").json()["total"] for each in OF_SIBLINGS}

    assert found == OF_SIBLINGS


def test_what_comes_after_the_same_search_is_found(start_server: StartServer) -> None:
    with httpx.Client(base_url=f"{start_server().base}/") as client:

        def total() -> int:
            answer = client.get("List", params={"item:FamilyMemberHistory.relationship": "MTH", "_summary": "count"})
            return int(answer.json()["total"])

        found = [total()]
        one = siblings("a")
        assert client.put(
            "List/a", json=one | {"contained": one["contained"][:1], "entry": one["entry"][:1]}
        ).is_success
        found.append(total())
        assert client.put("List/b", json=siblings("b")).is_success
        found.append(total())

    assert found == [0, 0, 1]


async def test_nor_is_it_in_memory(fhir: Fhir) -> None:
    await fhir.put(siblings("a"))

    assert {each: await fhir.total(f"List?{each}") for each in OF_SIBLINGS} == OF_SIBLINGS


async def test_the_store_in_memory_answers_the_same(fhir: Fhir) -> None:
    await fhir.put(request("a", "x"), request("b", "y"))

    assert await fhir.total("MedicationRequest?medication.code=x") == 1
    assert await fhir.total("Medication?code=x&_contained=true") == 1
    assert await fhir.total("Medication?code=x,y&_contained=both") == 2


def report(family: str, city: str) -> dict[str, Any]:
    """Return a report whose contained observations are of two contained people."""

    def person(id_: str, family: str, city: str) -> dict[str, Any]:
        return {"resourceType": "Patient", "id": id_, "name": [{"family": family}], "address": [{"city": city}]}

    def observation(id_: str, subject: str, status: str) -> dict[str, Any]:
        made = {"resourceType": "Observation", "id": id_, "status": status, "code": {"text": "x"}}
        return made | {"subject": {"reference": subject}}

    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "x"},
        "contained": [
            person("p1", family, "Kyoto"),
            person("p2", "Nobody", city),
            observation("o1", "#p1", "final"),
            observation("o2", "#p2", "amended"),
        ],
        "result": [{"reference": "#o1"}, {"reference": "#o2"}],
    }


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"result.subject:Patient.family": "FAMILY"}, 1),
        ({"result.subject.family": "FAMILY"}, 1),
        ({"result.patient.family:exact": "FAMILY"}, 1),
        ({"result.subject:Patient.family": "FAMILY,x", "result.status": "amended"}, 1),
        ({"_filter": "result.subject.family eq FAMILY"}, 1),
        ({"result.subject:Patient.family": "FAMILY-other"}, 0),
        ({"subject:Patient.family": "FAMILY"}, 0),
    ],
)
def test_a_chain_goes_from_one_contained_resource_to_the_next(
    api: httpx.Client, asked: dict[str, str], expected: int
) -> None:
    family = f"F{uuid4().hex}"
    api.post("DiagnosticReport", json=report(family, "Nara")).raise_for_status()

    asked = {name: value.replace("FAMILY", family) for name, value in asked.items()}

    assert api.get("DiagnosticReport", params=asked | {"_total": "accurate"}).json()["total"] == expected


def test_very_many_references_among_contained_resources_are_refused(api: httpx.Client) -> None:
    links = [{"other": {"reference": f"#p{n}"}, "type": "seealso"} for n in range(80)]
    people = [{"resourceType": "Patient", "id": f"p{n}", "link": links[n + 1 :]} for n in range(79)]
    people.append({"resourceType": "Patient", "id": "p79", "active": True})

    answer = api.post("Patient", json={"resourceType": "Patient", "contained": people, "link": links})

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("resource", "chain"),
    [
        (
            {
                "resourceType": "MedicationRequest",
                "status": "active",
                "intent": "order",
                "subject": {"display": "someone"},
                "contained": [
                    {"resourceType": "Medication", "id": "m", "manufacturer": {"reference": "#o"}},
                    {"resourceType": "Organization", "id": "o", "name": "潮風製薬", "partOf": {"reference": "#p"}},
                    {"resourceType": "Organization", "id": "p", "name": "潮風グループ"},
                ],
                "medicationReference": {"reference": "#m"},
            },
            "medication.manufacturer.partof.name",
        ),
        (
            {
                "resourceType": "Encounter",
                "status": "planned",
                "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"},
                "contained": [
                    {
                        "resourceType": "Condition",
                        "id": "c",
                        "code": {"text": "x"},
                        "subject": {"display": "someone"},
                        "encounter": {"reference": "#"},
                    }
                ],
                "diagnosis": [{"condition": {"reference": "#c"}}],
            },
            "diagnosis:Condition.encounter.status",
        ),
    ],
)
def test_a_chain_that_would_lead_deeper_inside_is_refused(
    api: httpx.Client, resource: dict[str, Any], chain: str
) -> None:
    asked = {chain: "planned"}
    type_ = resource["resourceType"]
    assert api.get(type_, params=asked).status_code == 200, "nothing leads there as long as it is not stored"

    made = api.post(type_, json=resource)
    assert made.status_code == 201, made.text
    try:
        refused = api.get(type_, params=asked)
    finally:
        api.delete(f"{type_}/{made.json()['id']}")

    assert refused.status_code == 400, refused.text
    assert "third level, or back to the container" in refused.text


def wearer(one: str) -> list[dict[str, Any]]:
    """Return observations of a contained person: of one a device beside it, of the other nothing else is known."""

    def observation(id_: str, status: str, **elements: Any) -> dict[str, Any]:
        person = {"resourceType": "Patient", "id": "p", "name": [{"family": one}]}
        watch = {
            "resourceType": "Device",
            "id": "d",
            "status": "active",
            "patient": {"reference": "#p"},
            "owner": {"reference": "#o"},
        }
        maker = {"resourceType": "Organization", "id": "o", "name": "Maker"}
        contained = [person, watch, maker] if elements else [person]
        made = {"resourceType": "Observation", "id": f"{one}-{id_}", "status": status, "code": {"text": "x"}}
        return made | {"contained": contained, "subject": {"reference": "#p"}} | elements

    stored = {"resourceType": "Patient", "id": one, "name": [{"family": one}]}
    device = {"resourceType": "Device", "id": one, "status": "active", "patient": {"reference": f"Patient/{one}"}}
    return [
        stored,
        device,
        observation("worn", "final", device={"reference": "#d"}, performer=[{"reference": "#p"}]),
        observation("bare", "amended"),
        {"resourceType": "Observation", "id": f"{one}-of", "status": "final", "code": {"text": "x"}}
        | {"subject": {"reference": f"Patient/{one}"}},
    ]


OF_WEARERS = {
    "subject:Patient._has:Device:patient:status=active": 2,
    "patient._has:Device:patient:status=active": 2,
    "subject:Patient._has:Device:patient:status=inactive": 0,
    "subject:Patient._has:Observation:subject:status=amended": 1,
    "subject:Patient._has:Observation:patient:status=final": 2,
    "subject:Patient._has:Observation:performer:status=final": 1,
    "subject:Patient._has:Observation:performer:status=amended": 0,
    "subject:Patient._has:Observation:subject:_id=ONE-worn": 1,
    "subject:Patient._has:Observation:subject:subject:Patient.family=ONE": 3,
    "subject:Patient._has:Device:patient:organization.name=Maker": "400",
    "subject:Patient._has:Device:patient:_has:Observation:device:status=final": "400",
    "_filter=not(subject:Patient._has:Device:patient:status eq active)": 1,
}


def test_has_asks_of_a_contained_resource_what_is_within_its_container(api: httpx.Client) -> None:
    one = uuid4().hex
    made = wearer(one)
    for each in made:
        api.put(f"{each['resourceType']}/{each['id']}", json=each).raise_for_status()
    ids = ",".join(each["id"] for each in made)

    try:
        found: dict[str, Any] = {}
        for asked in OF_WEARERS:
            answer = api.get(f"Observation?{asked.replace('ONE', one)}&_id={ids}&_summary=count")
            found[asked] = answer.json()["total"] if answer.is_success else str(answer.status_code)
    finally:  # what is refused for these would be so for other tests
        for each in reversed(made):
            api.delete(f"{each['resourceType']}/{each['id']}")

    assert found == OF_WEARERS


async def test_so_it_does_in_memory(fhir: Fhir) -> None:
    await fhir.put(*wearer("one"))

    found: dict[str, Any] = {}
    for asked in OF_WEARERS:
        status, answer = await fhir("GET", f"Observation?{asked.replace('ONE', 'one')}&_summary=count")
        found[asked] = answer["total"] if status == 200 else str(status)

    assert found == OF_WEARERS


async def test_a_reference_to_what_is_contained_beside_it_has_the_type_of_that(fhir: Fhir) -> None:
    await fhir.put(*linked("one"))
    inside = "_contained=true&_containedType=contained"

    assert await fhir.total(f"Observation?patient:missing=false&{inside}") == 2
    await fhir.put(report("山田", "Nara") | {"id": "r"})
    assert await fhir.total(f"Observation?patient:missing=true&{inside}") == 0
