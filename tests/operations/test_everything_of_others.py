"""$everything of a Group, an Encounter and an EpisodeOfCare over HTTP."""

import uuid
from typing import Any

import httpx
import pytest

Resource = dict[str, Any]
CODE = {"text": "x"}
AMBULATORY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}


class Region:
    """Two patients, an episode of the first with two encounters, and observations of all."""

    def __init__(self, api: httpx.Client) -> None:
        self.api = api
        self.n = uuid.uuid4().hex
        self.put("Organization", "org", identifier=[{"value": "1"}])
        for who in ("p1", "p2", "p3"):
            self.put("Patient", who, managingOrganization=self.ref("Organization", "org"))
        p1 = self.ref("Patient", "p1")
        self.put(
            "EpisodeOfCare", "ep", status="active", patient=p1, managingOrganization=self.ref("Organization", "org")
        )
        for visit in ("e1", "e2"):
            self.put(
                "Encounter",
                visit,
                status="finished",
                subject=p1,
                episodeOfCare=[self.ref("EpisodeOfCare", "ep")],
                **{"class": AMBULATORY},
            )
            self.observe(f"{visit}-seen", subject=p1, encounter=self.ref("Encounter", visit))
        self.observe("at-home", subject=p1, performer=[self.ref("Patient", "p2")])
        self.observe("other", subject=self.ref("Patient", "p2"))
        members = [{"entity": self.ref("Patient", who)} for who in ("p1", "p2")]
        left = {"entity": self.ref("Patient", "p3"), "inactive": True}
        self.put("Group", "all", type="person", actual=True, member=[*members, left])

    def ref(self, resource_type: str, name: str) -> Resource:
        return {"reference": f"{resource_type}/{self.n}-{name}"}

    def put(self, resource_type: str, name: str, **content: Any) -> None:
        body = {"resourceType": resource_type, "id": f"{self.n}-{name}"} | content
        answer = self.api.put(f"{resource_type}/{self.n}-{name}", json=body)
        assert answer.status_code == 201, answer.text

    def observe(self, name: str, **content: Any) -> None:
        self.put("Observation", name, status="final", code=CODE, effectiveDateTime="2026-05-01", **content)

    def everything(self, of: str, query: str = "") -> list[tuple[str, str]]:
        """Return of all pages the names and modes."""
        resource_type, _, name = of.partition("/")
        url = f"{resource_type}/{self.n}-{name}/$everything{query}"
        found: list[tuple[str, str]] = []
        while url:
            answer = self.api.get(url)
            assert answer.status_code == 200, answer.text
            for entry in answer.json().get("entry", []):
                found.append((entry["resource"]["id"].removeprefix(f"{self.n}-"), entry["search"]["mode"]))
            url = next((link["url"] for link in answer.json()["link"] if link["relation"] == "next"), "")
        return found

    def matches(self, of: str, query: str = "") -> list[str]:
        return [name for name, mode in self.everything(of, query) if mode == "match"]


@pytest.fixture(scope="module")
def region(api: httpx.Client) -> Region:
    return Region(api)


def test_an_encounter_gives_itself_what_is_within_it_and_what_they_refer_to(region: Region) -> None:
    found = region.everything("Encounter/e1")

    assert found[:2] == [("e1", "match"), ("e1-seen", "match")]
    assert sorted(found[2:]) == [("ep", "include"), ("p1", "include")]


def test_an_episode_gives_its_encounters_with_what_is_within_them(region: Region) -> None:
    found = region.everything("EpisodeOfCare/ep")

    assert [name for name, mode in found if mode == "match"] == ["ep", "e1", "e1-seen", "e2", "e2-seen"]
    assert sorted(name for name, mode in found if mode == "include") == ["org", "p1"]


def test_a_group_gives_everything_of_those_who_are_in_it(region: Region) -> None:
    matches = region.matches("Group/all")

    assert matches[0] == "all"
    assert sorted(matches[1:]) == sorted(["p1", "ep", "e1", "e2", "e1-seen", "e2-seen", "at-home", "p2", "other"])
    assert {name for name, mode in region.everything("Group/all") if mode == "include"} == {"org"}


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("of", ["Group/all", "EpisodeOfCare/ep", "Encounter/e1", "Patient/p1"])
def test_pages_hold_every_match_once(region: Region, of: str, count: int) -> None:
    assert region.matches(of, f"?_count={count}") == region.matches(of, "?_count=100")


def test_types_and_dates_choose(region: Region) -> None:
    assert set(region.matches("Group/all", "?_type=Observation")) == {"e1-seen", "e2-seen", "at-home", "other"}
    assert region.matches("EpisodeOfCare/ep", "?end=2026-04&_type=Observation") == []
    assert region.matches("Encounter/e1", "?_since=2999-01-01") == []


def test_a_patient_who_leaves_the_group_between_pages_makes_no_gap(region: Region) -> None:
    region.put("Patient", "q1")
    region.put("Patient", "q2")
    for n in range(4):
        region.observe(f"q-{n}", subject=region.ref("Patient", f"q{1 + n // 2}"))
    members = [{"entity": region.ref("Patient", who)} for who in ("q1", "q2")]
    region.put("Group", "two", type="person", actual=True, member=members)
    page = region.api.get(f"Group/{region.n}-two/$everything?_count=1").json()
    rest = {"resourceType": "Group", "id": f"{region.n}-two", "type": "person", "actual": True, "member": members[1:]}
    region.api.put(f"Group/{region.n}-two", json=rest)

    url = next(link["url"] for link in page["link"] if link["relation"] == "next")
    answer = region.api.get(url).json()

    found = [entry["resource"]["id"].removeprefix(f"{region.n}-") for entry in answer["entry"]]
    assert found[:2] == ["q2", "q-2"]


@pytest.mark.parametrize("query", ["?start=2026-01-01", "?_count=0", "?colour=red"])
def test_a_wrong_parameter_is_refused(region: Region, query: str) -> None:
    assert region.api.get(f"Encounter/{region.n}-e1/$everything{query}").status_code == 400
