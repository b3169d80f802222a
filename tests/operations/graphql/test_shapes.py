"""https://hl7.org/fhir/R4/graphql.html: @flatten, @first, @singleton and @slice."""

from tests.operations.graphql.conftest import Ward


def test_flatten_puts_what_is_in_a_field_in_its_place(ward: Ward) -> None:
    assert ward.of_person("{ name @flatten { family given } }") == {
        "family": ["水野", "ミズノ"],
        "given": ["光一", "太郎", "コウイチ"],
    }


def test_first_gives_the_first_alone(ward: Ward) -> None:
    assert ward.of_person("{ name @first @flatten { family given @first } }") == {"family": "水野", "given": "光一"}
    assert ward.of_person("{ name @first { use } }") == {"name": {"use": "official"}}
    assert ward.of_person("{ name(use: old) @first { use } }") == {"name": None}


def test_singleton_gives_no_list(ward: Ward) -> None:
    assert ward.of_person("{ name(use: usual) @flatten { family @singleton } }") == {"family": "ミズノ"}

    errors = ward.errors("{ name @flatten { family @singleton } }", "Patient/%-person")
    assert "@singleton" in errors[0]["message"]


def test_slice_names_items_by_what_they_say(ward: Ward) -> None:
    assert ward.of_person('{ name @flatten @slice(path: "use") { given family @singleton } }') == {
        "given.official": ["光一", "太郎"],
        "family.official": "水野",
        "given.usual": ["コウイチ"],
        "family.usual": "ミズノ",
    }
    assert ward.of_person('{ name @slice(fhirpath: "$index") { use } }') == {
        "name.0": [{"use": "official"}],
        "name.1": [{"use": "usual"}],
    }
    errors = ward.errors('{ name @slice(path: "given") { use } }', "Patient/%-person")
    assert "exactly" in errors[0]["message"] or "one" in errors[0]["message"]


def test_shapes_go_through_references_and_searches(ward: Ward) -> None:
    data = ward.data(
        """{ ConditionList(subject: "Patient/%-person", _sort: "_id") @first
             { subject @flatten { resource @flatten { id ... on Patient { name @first { family } } } } } }"""
    )

    assert data == {"ConditionList": {"id": f"{ward.n}-person", "name": {"family": "水野"}}}
