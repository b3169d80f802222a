"""https://hl7.org/fhir/R4/graphql.html: elements, lists, references, searches."""

from typing import Any

from tests.operations.graphql.conftest import Ward


def test_a_resource_is_read_by_its_id_with_the_elements_asked_for(ward: Ward) -> None:
    data = ward.data(
        '{ Patient(id: "%-person") { resourceType id active birthDate name { family given } deceasedBoolean } }'
    )

    assert data == {
        "Patient": {
            "resourceType": "Patient",
            "id": f"{ward.n}-person",
            "active": True,
            "birthDate": "1968-03-14",
            "name": [{"family": "水野", "given": ["光一", "太郎"]}, {"family": "ミズノ", "given": ["コウイチ"]}],
            "deceasedBoolean": None,
        }
    }


def test_what_json_keeps_beside_a_primitive_can_be_asked_for(ward: Ward) -> None:
    data = ward.of_person("{ _birthDate { extension { url valueDateTime } } }")

    assert data["_birthDate"]["extension"][0]["valueDateTime"] == "1968-03-14T09:00:00+09:00"


def test_a_list_is_cut_by_element_by_fhirpath_and_by_place(ward: Ward) -> None:
    data = ward.of_person(
        """{ official: name(use: official) { family } quoted: name(use: "usual") { family }
             path: name(fhirpath: "given.count() > 1") { use } last: name(_offset: 1, _count: 1) { use }
             second: name(fhirpath: "$index = 1") { use } none: name(_count: 0) { use }
             kana: name { given(fhirpath: "startsWith('コ')") } }"""
    )

    assert data == {
        "official": [{"family": "水野"}],
        "quoted": [{"family": "ミズノ"}],
        "path": [{"use": "official"}],
        "last": [{"use": "usual"}],
        "second": [{"use": "usual"}],
        "none": [],
        "kana": [{"given": []}, {"given": ["コウイチ"]}],
    }


def test_references_lead_to_resources_also_to_contained_ones(ward: Ward) -> None:
    data = ward.of_person(
        """{ managingOrganization { resource { resourceType ... on Organization { name } } }
             generalPractitioner(_count: 1) { reference resource { id ... on Practitioner { name { family } } } } }"""
    )

    assert data["managingOrganization"] == {"resource": {"resourceType": "Organization", "name": "潮風の家"}}
    assert data["generalPractitioner"][0]["resource"] == {"id": f"{ward.n}-doctor", "name": [{"family": "佐藤"}]}


def test_a_reference_that_leads_nowhere_is_an_error_unless_it_is_optional(ward: Ward) -> None:
    here = '{ Patient(id: "%-person") { generalPractitioner { resource%s { id } } } }'
    strict = ward.asked(here.replace("%s", "")).json()
    lax = ward.asked(here.replace("%s", "(optional: true)")).json()

    assert strict["errors"][0]["path"] == ["Patient", "generalPractitioner", 1, "resource"]
    assert strict["errors"][0]["extensions"]["resource"]["issue"][0]["code"] == "not-found"
    assert strict["data"]["Patient"]["generalPractitioner"][0]["resource"]["id"] == f"{ward.n}-doctor"
    assert "errors" not in lax and lax["data"]["Patient"]["generalPractitioner"][1] == {"resource": None}


def test_a_type_beside_resource_says_what_its_fields_are_and_leaves_out_others(ward: Ward) -> None:
    data = ward.of_person(
        """{ generalPractitioner(_count: 1) { as: resource(type: Practitioner) { name { family } }
             not: resource(type: Organization) { name } } }"""
    )

    assert data["generalPractitioner"] == [{"as": {"name": [{"family": "佐藤"}]}, "not": None}]


def test_a_list_is_a_search_whose_arguments_are_its_parameters(ward: Ward) -> None:
    subject = f"Patient/{ward.n}-person"

    found = ward.data(f'{{ ConditionList(subject: "{subject}", clinical_status: active, _sort: "-_id") {{ id }} }}')
    both = ward.data('{ PatientList(identifier: ["http://example.jp/mrn|%", "other"]) { id } }')
    one = ward.data('{ PatientList(identifier: "http://example.jp/mrn|%", _count: 1) { id } }')

    assert [each["id"].removeprefix(ward.n) for each in found["ConditionList"]] == ["-c1", "-c0"]
    assert both["PatientList"] == []
    assert len(one["PatientList"]) == 1


def test_what_refers_to_a_resource_is_found_from_it(ward: Ward) -> None:
    data = ward.of_person(
        """{ active: ConditionList(_reference: patient, clinical_status: active) { id }
             page: ConditionConnection(_reference: "subject", _count: 2) { count edges { resource { id } } } }"""
    )

    assert len(data["active"]) == 2
    assert data["page"]["count"] == 3 and len(data["page"]["edges"]) == 2


def test_a_connection_has_pages_with_cursors(ward: Ward) -> None:
    query = """query($c: String) {
        ConditionConnection(subject: "Patient/%-person", _sort: "_id", _count: 2, _cursor: $c)
        { count offset pagesize first previous next last edges { mode resource { id } } } }"""

    first = ward.data(query)["ConditionConnection"]
    second = ward.data(query, c=first["next"])["ConditionConnection"]
    back = ward.data(query, c=second["previous"])["ConditionConnection"]
    again = ward.data(query, c=second["first"])["ConditionConnection"]

    def ids(page: Any) -> list[str]:
        return [edge["resource"]["id"].removeprefix(ward.n) for edge in page["edges"]]

    assert (ids(first), ids(second), ids(back), ids(again)) == (["-c0", "-c1"], ["-c2"], ["-c0", "-c1"], ["-c0", "-c1"])
    assert (first["count"], first["offset"], first["pagesize"], first["previous"]) == (3, 0, 2, None)
    assert (second["offset"], second["next"]) == (2, None)


def test_variables_fragments_and_conditions_are_graphqls_own(ward: Ward) -> None:
    data = ward.data(
        """query($id: ID!, $all: Boolean!) {
           Patient(id: $id) { ...Names active @include(if: $all) id @skip(if: $all) } }
           fragment Names on Patient { name(_count: 1) { family } }""",
        id=f"{ward.n}-person",
        all=True,
    )

    assert data == {"Patient": {"name": [{"family": "水野"}], "active": True}}


def test_a_variable_may_be_a_string_wherever_a_text_is_read(ward: Ward) -> None:
    query = """query($whom: String!, $status: String, $n: Int = 1, $use: String, $sort: String) {
        Patient(id: $whom) { id name(use: $use) { use } }
        ConditionList(patient: $whom, clinical_status: $status, _count: $n, _sort: $sort) { id } }"""

    data = ward.data(query, whom=f"{ward.n}-person", status="resolved", use="usual", sort="_id")

    assert data["Patient"] == {"id": f"{ward.n}-person", "name": [{"use": "usual"}]}
    assert [each["id"] for each in data["ConditionList"]] == [f"{ward.n}-c2"]
    for wrong in (
        "query($n: String) { PatientList(_count: $n) { id } }",
        "query($id: ID) { Patient(id: $id) { id } }",
        "query($b: Boolean) { PatientList(name: $b) { id } }",
        "query($l: [String]) { PatientList { name(fhirpath: $l) { use } } }",
    ):
        assert ward.asked(wrong).status_code == 400, wrong


def test_the_schema_can_be_asked_for(ward: Ward) -> None:
    data = ward.data(
        '{ __type(name: "Patient") { fields { name } interfaces { name } } __schema { directives { name } } }'
    )

    names = {each["name"] for each in data["__type"]["fields"]}
    assert {"birthDate", "_birthDate", "ConditionList", "ProvenanceConnection", "deceasedDateTime"} <= names
    assert data["__type"]["interfaces"] == [{"name": "Resource"}]
    assert {"flatten", "first", "singleton", "slice"} <= {each["name"] for each in data["__schema"]["directives"]}
    assert ward.data("{ __typename }", "Patient/%-person") == {"__typename": "Patient"}
