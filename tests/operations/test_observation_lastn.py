"""Observation/$lastn over HTTP."""

from typing import Any

import httpx
import pytest

LOINC, LOCAL = "http://loinc.org", "urn:oid:1.2.392.200119.4.504"


def coding(system: str, code: str) -> dict[str, str]:
    return {"system": system, "code": code}


class Chart:
    """The observations of one patient; their ids say code and date."""

    def __init__(self, api: httpx.Client, id_: str) -> None:
        self.api, self.id = api, id_
        api.put(f"Patient/{id_}", json={"resourceType": "Patient", "id": id_})

    def observe(self, name: str, *codings: dict[str, str], text: str = "", **effective: Any) -> None:
        code: dict[str, Any] = {"coding": [*codings]} if codings else {"text": text}
        body = {
            "resourceType": "Observation",
            "id": f"{self.id}-{name}",
            "status": "final",
            "category": [{"coding": [{"code": "vital-signs"}]}],
            "code": code,
            "subject": {"reference": f"Patient/{self.id}"},
        }
        answer = self.api.put(f"Observation/{self.id}-{name}", json=body | effective)
        assert answer.status_code == 201, answer.text

    def last(self, query: str = "") -> list[str]:
        answer = self.api.get(f"Observation/$lastn?patient={self.id}{query}")
        assert answer.status_code == 200, answer.text
        found = answer.json().get("entry", [])
        assert answer.json()["total"] == sum(entry["search"]["mode"] == "match" for entry in found)
        return [entry["resource"]["id"].removeprefix(f"{self.id}-") for entry in found]


@pytest.fixture
def chart(api: httpx.Client, new_id: str) -> Chart:
    chart = Chart(api, new_id)
    for day in (3, 1, 2):
        chart.observe(f"pulse-{day}", coding(LOINC, "8867-4"), effectiveDateTime=f"2026-05-0{day}T09:00:00+09:00")
    chart.observe("weight-1", coding(LOINC, "29463-7"), effectivePeriod={"start": "2026-05-01"})
    chart.observe("weight-9", coding(LOCAL, "w"), coding(LOINC, "29463-7"), effectiveInstant="2026-05-09T00:00:00Z")
    return chart


def test_without_max_it_is_the_newest_of_each_code_the_newest_group_first(chart: Chart) -> None:
    assert chart.last() == ["weight-9", "pulse-3"]


def test_the_last_max_of_each_code_are_given_newest_first(chart: Chart) -> None:
    assert chart.last("&max=2") == ["weight-9", "weight-1", "pulse-3", "pulse-2"]


def test_codes_are_one_group_if_a_third_has_both(chart: Chart) -> None:
    chart.observe("weight-2", coding(LOCAL, "w"), effectiveDateTime="2026-05-02")

    assert chart.last("&max=3") == ["weight-9", "weight-2", "weight-1", "pulse-3", "pulse-2", "pulse-1"]


def test_those_as_old_as_the_last_are_all_given(chart: Chart) -> None:
    chart.observe("pulse-3b", coding(LOINC, "8867-4"), effectiveDateTime="2026-05-03T00:00:00Z")

    assert set(chart.last("&max=1")) == {"weight-9", "pulse-3", "pulse-3b"}


def test_what_has_no_code_goes_by_its_text_and_without_a_time_it_is_the_oldest(chart: Chart) -> None:
    chart.observe("gaf-1", text="GAF", effectiveDateTime="2026-01-01")
    chart.observe("gaf-0", text="GAF")

    assert chart.last("&max=2")[-2:] == ["gaf-1", "gaf-0"]


def test_search_parameters_choose(chart: Chart) -> None:
    assert chart.last(f"&code={LOINC}|8867-4") == ["pulse-3"]
    assert chart.last("&date=lt2026-05-03&category=vital-signs&max=1") == ["pulse-2", "weight-1"]
    assert chart.last("&category=laboratory") == []
    assert chart.last("&_include=Observation:subject")[2:] == [chart.id]


def test_it_can_be_posted(chart: Chart) -> None:
    given = [{"name": "subject", "valueString": f"Patient/{chart.id}"}, {"name": "max", "valuePositiveInt": 1}]

    answer = chart.api.post("Observation/$lastn", json={"resourceType": "Parameters", "parameter": given})

    assert answer.json()["total"] == 2


@pytest.mark.parametrize(
    "query", ["code=x", "patient=x&max=0", "patient=x&max=1&max=2", "patient=x&_sort=date", "patient=x&y=1"]
)
def test_a_wrong_parameter_is_refused(api: httpx.Client, query: str) -> None:
    assert api.get(f"Observation/$lastn?{query}").status_code == 400
