"""[type]/[id]/$graph and Composition/$document with `graph`, over HTTP."""

from typing import Any

import httpx
import pytest

Json = dict[str, Any]
URL = "http://example.jp/fhir/GraphDefinition/case-"


class Case:
    """A patient with a doctor, two plans and a goal that one plan refers to, and somebody else's plan and goal."""

    def __init__(self, api: httpx.Client, n: str) -> None:
        self.api, self.n = api, n
        self.put("Practitioner", "doctor")
        self.put("Patient", "person", generalPractitioner=[self.ref("Practitioner", "doctor")])
        self.put("Patient", "other")
        for who in ("person", "other"):
            goal = {"lifecycleStatus": "active", "description": {"text": "x"}, "subject": self.ref("Patient", who)}
            self.put("Goal", f"{who}-goal", **goal)
        goals = [self.ref("Goal", "person-goal"), self.ref("Goal", "other-goal")]
        plan = {"status": "active", "intent": "plan"}
        self.put("CarePlan", "plan", **plan, subject=self.ref("Patient", "person"), goal=goals)
        self.put("CarePlan", "older", **plan, subject=self.ref("Patient", "person"))
        self.put("CarePlan", "theirs", **plan, subject=self.ref("Patient", "other"))
        same = [{"use": "requirement", "code": "Patient", "rule": "identical"}]
        to_goals = {"path": "CarePlan.goal", "target": [{"type": "Goal", "compartment": same}]}
        self.define(
            {"path": "Patient.generalPractitioner", "target": [{"type": "Practitioner"}]},
            {"target": [{"type": "CarePlan", "params": "patient={ref}", "link": [to_goals]}]},
        )

    def ref(self, resource_type: str, name: str) -> Json:
        return {"reference": f"{resource_type}/{self.n}-{name}"}

    def put(self, resource_type: str, called: str, **content: Any) -> None:
        body = {"resourceType": resource_type, "id": f"{self.n}-{called}"} | content
        answer = self.api.put(f"{resource_type}/{self.n}-{called}", json=body)
        assert answer.status_code in (200, 201), answer.text

    def define(self, *links: Json, start: str = "Patient", name: str = "graph") -> None:
        self.put("GraphDefinition", name, url=URL + self.n, name="Case", status="active", start=start, link=[*links])

    def graph(self, of: str = "Patient/{}-person", graph: str | None = None) -> httpx.Response:
        return self.api.get(of.format(self.n) + "/$graph", params={"graph": graph or URL + self.n})

    def names(self, answer: httpx.Response) -> list[str]:
        assert answer.status_code == 200, answer.text
        return [entry["resource"]["id"].removeprefix(f"{self.n}-") for entry in answer.json()["entry"]]


@pytest.fixture
def case(api: httpx.Client, new_id: str) -> Case:
    return Case(api, new_id)


def test_a_graph_follows_references_and_searches_and_keeps_to_the_compartment(case: Case) -> None:
    names = case.names(case.graph())

    assert names[0] == "person"
    assert sorted(names) == ["doctor", "older", "person", "person-goal", "plan"]


def test_a_graph_is_named_by_its_canonical_or_by_a_reference(case: Case) -> None:
    names = case.names(case.graph(graph=f"GraphDefinition/{case.n}-graph"))

    assert len(names) == 5


def test_a_graph_that_the_data_do_not_fulfil_is_422(case: Case) -> None:
    case.define({"path": "Patient.link.other", "min": 1, "target": [{"type": "Patient"}]})

    answer = case.graph()

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["code"] == "business-rule"


def test_a_graph_of_itself_ends(case: Case) -> None:
    own = {"target": [{"type": "CarePlan", "params": "patient={ref}", "link": []}]}
    back = {"path": "CarePlan.subject", "target": [{"type": "Patient", "link": [own]}]}
    own["target"][0]["link"] = [back]
    case.define({"target": [{"type": "CarePlan", "params": "patient={ref}", "link": [back | {"target": [
        {"type": "Patient", "link": [{"target": [{"type": "CarePlan", "params": "patient={ref}"}]}]}]}]}]})  # fmt: skip

    assert sorted(case.names(case.graph())) == ["older", "person", "plan"]


def test_a_wrong_graph_is_refused(case: Case) -> None:
    assert case.graph(graph="http://example.jp/nothing").status_code == 400
    assert case.graph(of="CarePlan/{}-plan").status_code == 400
    assert case.graph(of="Patient/{}-nobody").status_code == 404
    assert case.api.get(f"Patient/{case.n}-person/$graph").status_code == 400


def test_a_graph_that_cannot_be_read_is_refused_when_it_is_stored(case: Case) -> None:
    link = {"path": "Patient.(", "target": [{"type": "Practitioner"}]}
    graph = {"resourceType": "GraphDefinition", "id": "x", "name": "X", "status": "draft", "start": "Patient"}

    answer = case.api.put("GraphDefinition/x", json=graph | {"link": [link]})

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["GraphDefinition.link[0].path"]


def test_a_document_holds_what_the_graph_leads_to(case: Case) -> None:
    case.put("Observation", "gaf", status="final", code={"text": "GAF"}, performer=[case.ref("Practitioner", "doctor")])
    case.put("Composition", "summary", status="final", type={"text": "x"}, date="2026-11-22", title="x",
             author=[case.ref("Practitioner", "doctor")], subject=case.ref("Patient", "person"),
             section=[{"entry": [case.ref("CarePlan", "plan")]}])  # fmt: skip
    to_goals = {"path": "CarePlan.goal", "target": [{"type": "Goal"}]}
    case.define({"path": "Composition.section.entry", "target": [{"type": "CarePlan", "link": [to_goals]}]},
                start="Composition")  # fmt: skip

    answer = case.api.get(f"Composition/{case.n}-summary/$document", params={"graph": URL + case.n})

    names = case.names(answer)
    assert names[0] == "summary"
    assert sorted(names[1:]) == ["doctor", "other-goal", "person", "person-goal", "plan"]
