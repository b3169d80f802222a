"""Patient/$match over HTTP, and how likeness is weighed."""

import uuid
from copy import deepcopy
from typing import Any

import httpx
import pytest

from fhir_service.operations.patient_likeness import likeness

Resource = dict[str, Any]
HOSPITAL = "urn:oid:1.2.392.100495.20.3.51.19990001234"
INSURANCE = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID"
PERSON: Resource = {
    "resourceType": "Patient",
    "identifier": [
        {"system": HOSPITAL, "value": "00012345"},
        {"system": INSURANCE, "value": "00479901:潮国:0001234:01"},
    ],
    "name": [{"family": "渡邊", "given": ["光一"]}, {"family": "ワタナベ", "given": ["コウイチ"]}],
    "gender": "male",
    "birthDate": "1968-03-14",
    "telecom": [{"system": "phone", "value": "090-0000-1234"}],
    "address": [{"state": "青葉県", "city": "潮風市", "line": ["浜町2-3-4"], "postalCode": "999-0002"}],
}


def person(without: str = "", **changed: Any) -> Resource:
    """Return the person, less some elements, with others changed."""
    kept = {name: value for name, value in deepcopy(PERSON).items() if name not in without.split()}
    return kept | changed


def grade(asked: Resource, known: Resource = PERSON) -> str | None:
    return likeness(asked, known).grade


def name(family: str, given: str) -> Resource:
    return {"family": family, "given": [given]}


def test_the_same_person_with_a_number_is_certain() -> None:
    assert grade(person()) == "certain"
    assert grade(person("telecom address", name=[name("渡辺", "光一")])) == "certain"
    assert (
        grade(person("identifier", identifier=[{"system": INSURANCE, "value": "00479901:潮国:０００１２３４:01"}]))
        == "certain"
    )


def test_without_a_number_nobody_is_certain() -> None:
    assert grade(person("identifier")) == "probable"
    assert grade(person("identifier telecom address")) == "probable"


@pytest.mark.parametrize("written", [("渡辺", "光一"), ("渡邉", "光一"), ("わたなべ", "こういち"), ("ﾜﾀﾅﾍﾞ", "ｺｳｲﾁ")])
def test_a_name_is_the_same_however_it_is_written(written: tuple[str, str]) -> None:
    found = likeness({"name": [name(*written)]}, PERSON).found

    assert found == ("name",)
    assert likeness({"name": [{"text": " ".join(written)}]}, PERSON).found == ("name",)


def test_a_number_with_another_name_and_birth_date_is_certainly_not_the_person() -> None:
    other = person("telecom address", name=[name("田中", "花子")], birthDate="1990-12-01", gender="female")

    assert grade(other) == "certainly-not"


def test_an_insurance_member_id_without_its_branch_number_names_a_household() -> None:
    household = [{"system": INSURANCE, "value": "00479901:潮国:0001234:"}]
    both = {"identifier": household}

    assert likeness(both, both).found == ()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"birthDate": "1968-03-15"}, ("birth date in part",)),
        ({"birthDate": "1968"}, ("birth date in part",)),
        ({"birthDate": "1971-12-30"}, ("no birth date",)),
        ({"gender": "female"}, ("no sex",)),
        ({"gender": "unknown"}, ()),
        ({"telecom": [{"system": "phone", "value": "+81 90 0000 1234"}]}, ("phone",)),
        ({"address": [{"text": "青葉県潮風市浜町２ー３ー４"}]}, ("address",)),
        ({"address": [{"postalCode": "9990002"}]}, ("town",)),
        ({"name": [name("渡辺", "花子")]}, ("family name",)),
        ({"name": [name("田中", "光一")]}, ("no name",)),
        ({"identifier": [{"system": HOSPITAL, "value": "9"}]}, ("another number",)),
        ({}, ()),
    ],
)
def test_what_agrees_and_what_contradicts_is_told(asked: Resource, found: tuple[str, ...]) -> None:
    assert likeness(asked, PERSON).found == found


class Town:
    """The person, a twin, and a namesake, all with a family name of their own."""

    def __init__(self, api: httpx.Client) -> None:
        self.api = api
        self.n = uuid.uuid4().hex
        self.family = f"渡邊{self.n}"
        self.person = self.make("person", "光一", "1968-03-14", number="1", phone="090-1")
        self.make("twin", "光二", "1968-03-14")
        self.make("namesake", "光一", "1990-01-01")
        self.make("stranger", "花子", "1950-07-07", family="田中")

    def make(
        self, name: str, given: str, birth: str, *, family: str = "", number: str = "", phone: str = ""
    ) -> Resource:
        patient: Resource = {"resourceType": "Patient", "id": f"{self.n}-{name}", "gender": "male", "birthDate": birth}
        patient["name"] = [{"family": family or self.family, "given": [given]}]
        if number:
            patient["identifier"] = [{"system": HOSPITAL, "value": f"{self.n}{number}"}]
        if phone:
            patient["telecom"] = [{"system": "phone", "value": f"{phone}{self.n}"}]
        answer = self.api.put(f"Patient/{patient['id']}", json=patient)
        assert answer.status_code == 201, answer.text
        return patient

    def match(self, patient: Resource, **others: Any) -> list[tuple[str, str]]:
        """Return the names and grades in their order."""
        given = [{"name": "resource", "resource": {k: v for k, v in patient.items() if k != "id"}}]
        given += [
            {"name": name, "value" + ("Boolean" if isinstance(v, bool) else "Integer"): v} for name, v in others.items()
        ]
        answer = self.api.post("Patient/$match", json={"resourceType": "Parameters", "parameter": given})
        assert answer.status_code == 200, answer.text
        matches = [each for each in answer.json().get("entry", []) if each["search"]["mode"] == "match"]
        scores = [each["search"]["score"] for each in matches]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
        return [
            (each["resource"]["id"].removeprefix(f"{self.n}-"), each["search"]["extension"][0]["valueCode"])
            for each in matches
        ]


@pytest.fixture(scope="module")
def town(api: httpx.Client) -> Town:
    return Town(api)


def test_the_likeliest_comes_first(town: Town) -> None:
    assert town.match(town.person)[0] == ("person", "certain")


def test_name_and_birth_date_find_by_their_variants(town: Town) -> None:
    asked = {"resourceType": "Patient", "birthDate": "1968-03-14", "gender": "male"}
    written = asked | {"name": [{"family": town.family.replace("邊", "辺"), "given": ["光一"]}]}

    assert town.match(written) == [("person", "probable"), ("twin", "possible")]


def test_a_mistyped_birth_date_still_finds(town: Town) -> None:
    asked = town.person | {"birthDate": "1968-03-15", "identifier": []}
    del asked["identifier"]

    assert town.match(asked)[0][0] == "person"


def test_only_certain_matches_and_count_narrow(town: Town) -> None:
    assert town.match(town.person, onlyCertainMatches=True) == [("person", "certain")]
    assert town.match(town.person | {"identifier": [{"value": "x"}]}, onlyCertainMatches=True) == []
    assert len(town.match(town.person, count=1)) == 1


def test_two_who_are_certain_are_not_told_apart(town: Town) -> None:
    twice = town.make("again", "光一", "1968-03-14", number="1")

    assert town.match(twice, onlyCertainMatches=True) == []
    assert {grade for _, grade in town.match(twice)[:2]} == {"certain"}
    town.api.delete(f"Patient/{twice['id']}")


def test_a_bare_patient_can_be_posted(town: Town) -> None:
    answer = town.api.post("Patient/$match", json={k: v for k, v in town.person.items() if k != "id"})

    assert answer.json()["entry"][0]["resource"]["id"] == f"{town.n}-person"


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"resourceType": "Patient"},
        {"resourceType": "Patient", "gender": "male"},
        {"resourceType": "Patient", "colour": "red"},
        {"resourceType": "Observation"},
        {"resourceType": "Parameters", "parameter": [{"name": "count", "valueInteger": 0}]},
    ],
)
def test_what_says_nothing_about_a_person_is_refused(api: httpx.Client, body: Any) -> None:
    assert api.post("Patient/$match", json=body).status_code == 400


def test_a_patient_of_very_many_values_is_refused_at_once(api: httpx.Client) -> None:
    patient = {"resourceType": "Patient", "name": [{"family": f"F{n}"} for n in range(6_000)]}
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient}]}

    answer = api.post("Patient/$match", json=parameters)

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "too-costly"
