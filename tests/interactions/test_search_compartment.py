"""https://hl7.org/fhir/R4/http.html#vsearch over HTTP."""

import uuid
from typing import Any

import httpx
import pytest

from fhir_service.fhir.definitions import Definitions

JSON = {"Accept": "application/fhir+json", "Content-Type": "application/fhir+json"}


class Compartment:
    """A patient with three observations (of one the performer), an encounter, and another patient's observation."""

    def __init__(self, api: httpx.Client) -> None:
        self.api, self.n = api, uuid.uuid4().hex
        me, other = {"reference": f"Patient/{self.n}"}, {"reference": f"Patient/{self.n}-other"}
        visit = {"reference": f"Encounter/{self.n}-visit"}
        self.put("Patient", "")
        self.put("Patient", "-other", link=[{"other": me, "type": "seealso"}])
        self.put("Encounter", "-visit", status="finished", subject=me, **{"class": {"code": "AMB"}})
        self.observe("-1", "a", subject=me, encounter=visit)
        self.observe("-2", "b", subject=me)
        self.observe("-3", "a", subject=other, performer=[me])
        self.observe("-4", "a", subject=other)

    def put(self, resource_type: str, name: str, **content: Any) -> None:
        body = {"resourceType": resource_type, "id": f"{self.n}{name}"} | content
        answer = self.api.put(f"{resource_type}/{self.n}{name}", json=body)
        assert answer.status_code == 201, answer.text

    def observe(self, name: str, code: str, **content: Any) -> None:
        self.put("Observation", name, status="final", code={"coding": [{"code": code}]}, **content)

    def found(self, path: str, **parameters: Any) -> list[str]:
        """Return the names on all pages."""
        url, names = self.address(path, parameters), list[str]()
        while url:
            answer = self.api.get(url)
            assert answer.status_code == 200, answer.text
            entries = answer.json().get("entry", [])
            names += [f"{e['resource']['resourceType']}{e['resource']['id'].removeprefix(self.n)}" for e in entries]
            url = next((link["url"] for link in answer.json()["link"] if link["relation"] == "next"), "")
        return names

    def address(self, path: str, parameters: dict[str, Any]) -> str:
        return str(httpx.URL(path.replace("ME", self.n), params=parameters))


@pytest.fixture(scope="module")
def compartment(server: Any) -> Any:
    with httpx.Client(base_url=f"{server.base}/", headers=JSON, timeout=30) as api:
        yield Compartment(api)


def test_it_finds_what_any_parameter_of_the_compartment_leads_from(compartment: Compartment) -> None:
    assert compartment.found("Patient/ME/Observation") == ["Observation-1", "Observation-2", "Observation-3"]
    assert compartment.found("Encounter/ME-visit/Observation") == ["Observation-1"]
    assert compartment.found("Patient/ME-other/Observation") == ["Observation-3", "Observation-4"]


def test_criteria_narrow_it(compartment: Compartment) -> None:
    assert compartment.found("Patient/ME/Observation", code="a") == ["Observation-1", "Observation-3"]
    assert compartment.found("Patient/ME/Observation", code="a", _include="Observation:encounter") == [
        "Observation-1",
        "Observation-3",
        "Encounter-visit",
    ]
    assert compartment.found("Patient/ME/Observation", code="a", _sort="-_id") == ["Observation-3", "Observation-1"]


def test_the_own_resource_is_in_its_compartment(compartment: Compartment) -> None:
    assert set(compartment.found("Patient/ME/Patient")) == {"Patient", "Patient-other"}
    assert compartment.found("Encounter/ME-visit/Encounter") == ["Encounter-visit"]


def test_all_types_are_searched_in_one_order(compartment: Compartment) -> None:
    observed = ["Observation-1", "Observation-2", "Observation-3"]
    everything = [*observed, "Encounter-visit", "Patient", "Patient-other"]

    assert sorted(compartment.found("Patient/ME/*")) == sorted(everything)
    assert compartment.found("Patient/ME/*", _sort="_id") == ["Patient", *observed, "Patient-other", "Encounter-visit"]
    assert set(compartment.found("Patient/ME/*", _type="Encounter,Patient,Flag")) == set(everything[3:])
    assert compartment.found("Patient/ME/*", _type="Observation", code="b") == ["Observation-2"]
    assert compartment.found("Patient/ME/*", _id=f"{compartment.n}-2") == ["Observation-2"]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_pages_over_all_types_hold_everything_once(compartment: Compartment, count: int) -> None:
    assert compartment.found("Patient/ME/*", _count=count) == compartment.found("Patient/ME/*")
    last = compartment.api.get(compartment.address("Patient/ME/*", {"_count": 6})).json()
    assert [link["relation"] for link in last["link"]] == ["self"]


def test_totals_are_counted_over_all_types(compartment: Compartment) -> None:
    for query in ({"_total": "accurate", "_count": 1}, {"_summary": "count"}, {"_count": 0}, {}):
        assert compartment.api.get(compartment.address("Patient/ME/*", query)).json()["total"] == 6
        assert compartment.api.get(compartment.address("Patient/ME/Observation", query)).json()["total"] == 3


def test_it_can_be_posted(compartment: Compartment) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    typed = compartment.api.post(f"Patient/{compartment.n}/Observation/_search", data={"code": "b"}, headers=form)
    untyped = compartment.api.post(f"Patient/{compartment.n}/_search", data={"_type": "Encounter"}, headers=form)

    assert (typed.json()["total"], untyped.json()["total"]) == (1, 1)


def test_a_page_link_is_good_for_its_compartment_only(compartment: Compartment) -> None:
    page = compartment.api.get(compartment.address("Patient/ME/Observation", {"_count": 1})).json()
    url = next(link["url"] for link in page["link"] if link["relation"] == "next")

    assert compartment.api.get(url).status_code == 200
    assert compartment.api.get(url.replace(compartment.n, f"{compartment.n}-other")).status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Organization/1/Observation", 404),
        ("Patient/1/Robot", 404),
        ("Robot/1/Observation", 404),
        ("Patient/1/Organization", 400),
        ("Patient/1/*?_type=Organization", 400),
        ("Patient/1/*?_sort=date", 400),
        ("Patient/1/*?_type=", 400),
        ("Patient/1/*?code=x", 400),
        ("Patient/1/*?_cursor=x", 400),
        ("Patient/1 2/Observation", 400),
        ("Patient/1/observation", 404),
        ("Patient/1/Observation/1", 404),
    ],
)
def test_what_is_no_compartment_is_refused(compartment: Compartment, path: str, status: int) -> None:
    assert compartment.api.get(path).status_code == status


def test_every_compartment_of_r4_is_searched_on_each_of_its_types(api: httpx.Client) -> None:
    definitions = Definitions.load()
    claimed = api.get("metadata").json()["rest"][0]["compartment"]
    assert len(claimed) == 5
    for definition in definitions.all("CompartmentDefinition"):
        assert definition["url"] in claimed
        code = definition["code"]
        for resource_type in definitions.compartment(code):
            answer = api.get(f"{code}/nobody/{resource_type}")
            assert (answer.status_code, answer.json()["total"]) == (200, 0), answer.text
