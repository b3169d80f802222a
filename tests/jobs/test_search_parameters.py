"""A SearchParameter that is stored is indexed behind the requests, and searched by once that is done.

https://hl7.org/fhir/R4/searchparameter.html
"""

from typing import Any

import httpx
import pytest

from .conftest import Client, patients, search_parameter


def texts(answer: Any) -> str:
    return " ".join(issue["details"]["text"] for issue in answer.json()["issue"])


def test_a_stored_search_parameter_finds_what_was_there_before_it_and_after(together: Client) -> None:
    together.put(*patients(30))

    assert together("GET", "Patient?nickname=hana3").status_code == 400
    assert together("PUT", "SearchParameter/nickname", search_parameter()).status_code == 201
    together.indexed()
    together(
        "PUT",
        "Patient/later",
        {"resourceType": "Patient", "id": "later", "name": [{"use": "nickname", "given": ["hana3"]}]},
    )

    assert together.total("Patient?nickname=hana3") == 2
    assert together.total("Patient?nickname:missing=true") == 0
    named = {
        each["name"]: each["definition"]
        for resource in together("GET", "metadata").json()["rest"][0]["resource"]
        if resource["type"] == "Patient"
        for each in resource["searchParam"]
        if "definition" in each
    }
    assert named["nickname"] == "http://example.org/SearchParameter/nickname"
    assert '"name":"nickname"' in httpx.get(f"{together.server.root}/openapi.json", timeout=60).text


def test_while_it_is_indexed_a_search_says_so_and_writes_go_on_and_a_kill_does_not_end_it(own: Client) -> None:
    own.put(*patients(3000))

    assert own("POST", "SearchParameter", search_parameter()).status_code == 201
    refused = own("GET", "Patient?nickname=hana1")
    assert refused.status_code == 409
    assert "/" in texts(refused) or "0" in texts(refused)
    assert own("GET", "Patient?_sort=nickname").status_code == 409
    assert own("GET", "Observation?subject.nickname=hana1").status_code == 409
    assert own("GET", "Patient?nickname=hana1", prefer="handling=lenient").status_code == 409
    own.restart(kill=True)
    own(
        "PUT",
        "Patient/new",
        {"resourceType": "Patient", "id": "new", "name": [{"use": "nickname", "given": ["hanako"]}]},
    )
    own.indexed()

    assert own.total("Patient?nickname=hana") == 3001
    assert own.total("Patient?nickname:exact=hanako") == 1


def test_a_changed_expression_is_indexed_again(together: Client) -> None:
    together.put(
        {"resourceType": "Patient", "id": "a", "name": [{"family": "Sato", "use": "nickname", "given": ["hanae"]}]}
    )
    together("PUT", "SearchParameter/other", search_parameter("other"))
    together.indexed()
    assert together.total("Patient?other=hanae") == 1

    together("PUT", "SearchParameter/other", search_parameter("other", expression="Patient.name.family"))
    together.indexed()

    assert together.total("Patient?other=hanae") == 0
    assert together.total("Patient?other=sato") == 1


def test_an_expression_that_is_changed_to_and_fro_while_it_is_indexed_finds_all(together: Client) -> None:
    people = patients(800)
    together.put(*({**each, "name": [{**each["name"][0], "family": "Kato"}]} for each in people))

    for expression in ("Patient.name.given", "Patient.name.family", "Patient.name.given"):
        together("PUT", "SearchParameter/fro", search_parameter("fro", expression=expression))
    together.indexed()

    assert together.total("Patient?fro=kato") == 0
    assert together.total("Patient?fro=hana") >= 800


@pytest.mark.parametrize("how", ["deleted", "retired", "patched"])
def test_one_that_is_taken_back_is_unknown_at_once(together: Client, how: str) -> None:
    together("PUT", f"SearchParameter/{how}", search_parameter(how))
    together.indexed()
    assert together.total(f"Patient?{how}={how}") == 0

    if how == "deleted":
        together("DELETE", f"SearchParameter/{how}")
    elif how == "retired":
        together("PUT", f"SearchParameter/{how}", search_parameter(how, status="retired"))
    else:
        patch = [{"op": "replace", "path": "/status", "value": "retired"}]
        together("PATCH", f"SearchParameter/{how}", patch, content_type="application/json-patch+json")
    together.put({"resourceType": "Patient", "id": how, "name": [{"use": "nickname", "given": [how]}]})

    assert together("GET", f"Patient?{how}={how}").status_code == 400

    together("PUT", f"SearchParameter/{how}", search_parameter(how))
    together.indexed()
    assert together.total(f"Patient?{how}={how}") == 1


def test_one_of_a_transaction_and_a_draft(together: Client) -> None:
    together.put(
        search_parameter("of-transaction"),
        search_parameter("draft", status="draft", type="date", expression="Patient.name.family"),
    )
    together.indexed()

    assert together.total("Patient?of-transaction=nobody") == 0
    assert together("GET", "Patient?draft=x").status_code == 400


WRONG = {
    "code of R4": {"code": "name"},
    "url of R4": {"url": "http://hl7.org/fhir/SearchParameter/individual-gender"},
    "no FHIRPath": {"expression": "Patient.name.where("},
    "no such element": {"expression": "Patient.nickname"},
    "wrong type": {"type": "date"},
    "another type's": {"expression": "Observation.code"},
    "without an end": {"type": "number", "expression": "(1 | 2).repeat($this + 1)"},
    "behind a reference": {"expression": "Patient.generalPractitioner.resolve().name"},
    "what is stamped": {"expression": "Patient.meta.lastUpdated", "type": "date"},
    "no expression": {"expression": None},
    "special": {"type": "special"},
    "a control parameter": {"code": "_sort"},
    "a modifier in the code": {"code": "a:b"},
    "composite without components": {"type": "composite", "expression": "Patient.name"},
    "component that is unknown": {
        "type": "composite",
        "expression": "Patient.name",
        "component": [{"definition": "http://example.org/none", "expression": "family"}],
    },
    "no type of R4": {"base": ["Patients"]},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_what_cannot_be_searched_by_is_refused(api: Any, changes: dict[str, Any]) -> None:
    wrong = {name: value for name, value in (search_parameter("wrong") | changes).items() if value is not None}

    answer = api.put("SearchParameter/wrong", json=wrong)

    assert answer.status_code in (400, 422), answer.text
    assert api.get("SearchParameter/wrong").status_code == 404


def test_a_code_that_another_one_has_is_refused(together: Client) -> None:
    together("PUT", "SearchParameter/first", search_parameter("first"))

    other = together(
        "PUT", "SearchParameter/other2", search_parameter("first", id="other2", url="http://example.org/other")
    )
    same_url = together("PUT", "SearchParameter/third", search_parameter("third", url=search_parameter("first")["url"]))

    assert other.status_code == same_url.status_code == 422
    assert search_parameter("first")["url"] in texts(other)


def test_its_url_can_be_changed(together: Client) -> None:
    together("PUT", "SearchParameter/moved", search_parameter("moved"))

    answer = together("PUT", "SearchParameter/moved", search_parameter("moved", url="http://example.org/elsewhere"))
    together.indexed()

    assert answer.status_code == 200, answer.text
    assert together.total("Patient?moved=nobody") == 0


TYPES = {
    "token": (
        "Patient.maritalStatus",
        {"maritalStatus": {"coding": [{"system": "http://example.org/s", "code": "M"}]}},
        "http://example.org/s|M",
    ),
    "date": ("Patient.identifier.period.start", {"identifier": [{"period": {"start": "2026-11-01"}}]}, "ge2026-10-01"),
    "number": ("Patient.multipleBirth.ofType(integer)", {"multipleBirthInteger": 2}, "2"),
    "reference": (
        "Patient.contact.organization",
        {"contact": [{"organization": {"reference": "Organization/o"}}]},
        "o",
    ),
    "uri": ("Patient.meta.profile", {"meta": {"profile": ["http://example.org/p"]}}, "http://example.org/p"),
    "quantity": (
        "Patient.extension('http://example.org/h').value.ofType(Quantity)",
        {"extension": [{"url": "http://example.org/h", "valueQuantity": {"value": 170, "unit": "cm"}}]},
        "170||cm",
    ),
}


def test_every_type_of_parameter_can_be_added(together: Client) -> None:
    for n, (kind, (_, content, _)) in enumerate(TYPES.items()):
        together.put({"resourceType": "Patient", "id": f"{kind}{n}", **content})

    for kind, (expression, _, _) in TYPES.items():
        answer = together(
            "PUT", f"SearchParameter/x-{kind}", search_parameter(f"x-{kind}", type=kind, expression=expression)
        )
        assert answer.status_code == 201, answer.text
    together.indexed()

    assert {
        kind: together.total(f"Patient?x-{kind}={value}") for kind, (_, _, value) in TYPES.items()
    } == dict.fromkeys(TYPES, 1)


LIMITED = {
    "born": ("Patient.birthDate", "date", {"comparator": ["ge", "lt"], "multipleOr": False}),
    "kept": ("Patient.managingOrganization", "reference", {"chain": ["name"], "modifier": ["missing"]}),
    "called": ("Patient.name.given", "string", {"multipleAnd": False, "modifier": ["exact"]}),
}
ALLOWED = ("born=ge1990&born=lt1991", "born=1990", "kept.name=x", "kept:missing=true", "called=a,b", "called:exact=a")
REFUSED = (
    "born=gt1990", "born=1990,1991", "kept.address=x", "kept:Organization=1", "called=a&called:exact=b",
    "called:contains=a", "born:missing=true,false",
)  # fmt: skip


def test_what_a_definition_does_not_allow_is_refused(together: Client) -> None:
    for code, (expression, kind, limits) in LIMITED.items():
        body = search_parameter(code, type=kind, expression=expression, **limits)
        if kind == "reference":
            body["target"] = ["Organization"]
        answer = together("PUT", f"SearchParameter/{code}", body)
        assert answer.status_code == 201, answer.text
    together.indexed()

    allowed = {each: together("GET", f"Patient?{each}").status_code for each in ALLOWED}
    refused = {each: together("GET", f"Patient?{each}").status_code for each in REFUSED}

    assert allowed == dict.fromkeys(ALLOWED, 200)
    assert refused == dict.fromkeys(REFUSED, 400)
    assert "ge, lt" in texts(together("GET", "Patient?born=gt1990"))


def test_a_composite_of_own_parameters_can_be_added(own: Client) -> None:
    own.put({"resourceType": "Patient", "id": "a", "contact": [{"gender": "female", "name": {"family": "Ito"}}]})
    simple = search_parameter("contact-gender", type="token", expression="Patient.contact.gender")
    family = search_parameter("contact-family", expression="Patient.contact.name.family")
    both = search_parameter(
        "contact-both",
        type="composite",
        expression="Patient.contact",
        component=[
            {"definition": simple["url"], "expression": "gender"},
            {"definition": family["url"], "expression": "name.family"},
        ],
    )
    for each in (simple, family, both):
        assert own("PUT", f"SearchParameter/{each['id']}", each).status_code == 201
    own.indexed()
    own.restart(kill=False)
    own.indexed()

    assert own.total("Patient?contact-both=female$ito") == 1
    assert own.total("Patient?contact-both=male$ito") == 0
