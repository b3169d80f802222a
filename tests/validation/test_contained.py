"""Resources inside others: contained, and in a Bundle."""

import pytest

from fhir_service.fhir.resource import Resource
from fhir_service.validation.validator import Validator
from tests.validation.sample import contained, errors, organization, patient


@pytest.mark.parametrize(
    ("resource", "expressions"),
    [
        (contained(organization(name="a")), ["Patient.contained[0].id"]),
        (contained(organization(id="a", contained=[organization(id="b")])), ["Patient.contained[0].contained"]),
        (contained(organization(id="a"), organization(id="a")), ["Patient.contained[1].id"]),
        (patient(contained=[{"resourceType": "Nothing", "id": "a"}]), ["Patient.contained[0]"]),
        (patient(contained=[{"id": "a"}]), ["Patient.contained[0]"]),
        (patient(contained=["x"]), ["Patient.contained[0]"]),
        (patient(contained={"resourceType": "Patient"}), ["Patient.contained"]),
        (contained(organization(id="a", name=1)), ["Patient.contained[0].name"]),
        (contained(organization(id="stranger")), ["Patient.contained[0]"]),
        (contained(organization(id="a", meta={"versionId": "1"})), ["Patient.contained[0].meta.versionId"]),
        (contained(organization(id="a", meta={"security": [{"code": "R"}]})), ["Patient.contained[0].meta.security"]),
    ],
)
def test_contained_resources_keep_their_rules(check: Validator, resource: Resource, expressions: list[str]) -> None:
    assert [issue.expression[0] for issue in errors(check(resource))] == expressions


def test_what_is_referred_to_as_contained_is_contained(check: Validator) -> None:
    by = {"managingOrganization": {"reference": "#a"}}
    inside = organization(id="a", partOf={"reference": "#b"})
    whole = organization(id="b", extension=[{"url": "http://e", "valueReference": {"reference": "#"}}])

    assert check(patient(contained=[inside, whole], **by)) == []
    for resource, expression in (
        (patient(**by), "Patient.managingOrganization.reference"),
        (contained(inside), "Patient.contained[0].partOf.reference"),
        (patient(contained=[whole], **by), "Patient.managingOrganization.reference"),
    ):
        assert [issue.expression for issue in errors(check(resource))] == [(expression,)]


def test_one_resource_of_a_bundle_does_not_contain_for_another(check: Validator) -> None:
    by = patient(managingOrganization={"reference": "#a"})
    entries = [{"resource": contained(organization(id="a"))}, {"resource": by}]

    issues = check({"resourceType": "Bundle", "type": "collection", "entry": entries})

    assert [issue.expression for issue in issues] == [("Bundle.entry[1].resource.managingOrganization.reference",)]


def test_contained_resources_that_refer_in_a_circle_are_refused(check: Validator) -> None:
    def part_of(name: str, whole: str) -> Resource:
        return organization(id=name, partOf={"reference": f"#{whole}"})

    assert errors(check(contained(part_of("a", "b"), organization(id="b")))) == []
    for circle in ([part_of("a", "a")], [part_of("a", "b"), part_of("b", "a")]):
        assert [issue.code for issue in check(contained(*circle))] == ["invalid"]
    long = [part_of(f"o{number}", f"o{(number + 1) % 5000}") for number in range(5000)]
    assert [issue.code for issue in check(contained(*long))] == ["invalid"]


def test_resources_inside_a_bundle_are_checked_where_they_are(check: Validator) -> None:
    entries = [{"resource": patient()}, {"resource": patient(gender=1)}, {"resource": {"resourceType": "X"}}]

    issues = check({"resourceType": "Bundle", "type": "collection", "entry": entries})

    assert [issue.expression for issue in issues] == [
        ("Bundle.entry[1].resource.gender",),
        ("Bundle.entry[2].resource",),
    ]
