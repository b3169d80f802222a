"""https://hl7.org/fhir/R4/fhirpatch.html"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.patch.fhirpath_patch import OPERATION_LIMIT, apply_fhirpath_patch
from fhir_service.fhir.patch.patched import patched_resource

Json = dict[str, Any]

PATIENT: Json = {
    "resourceType": "Patient",
    "id": "1",
    "name": [
        {"use": "official", "family": "山田", "given": ["花", "子"], "_given": [None, {"id": "g"}]},
        {"use": "nickname", "given": ["花"]},
    ],
    "birthDate": "1980-01-01",
    "_birthDate": {"extension": [{"url": "http://x/time", "valueDateTime": "1980-01-01T08:00:00+09:00"}]},
    "contact": [{"name": {"text": "山田 太郎"}, "gender": "male"}],
    "extension": [{"url": "http://x/1", "valueString": "a"}, {"url": "http://x/2", "valueInteger": 2}],
}
OBSERVATION: Json = {
    "resourceType": "Observation",
    "id": "1",
    "status": "final",
    "code": {"text": "x"},
    "valueQuantity": {"value": Decimal("1.10"), "unit": "mg"},
    "component": [{"code": {"text": "a"}, "valueString": "x"}, {"code": {"text": "b"}}],
}


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.load()


def operation(type_: str, path: str, value: Json | None = None, **parts: Any) -> Json:
    """Return one operation: `value` is the part of that name without its name, the other parts are name or numbers."""
    given = [{"name": "type", "valueCode": type_}, {"name": "path", "valueString": path}]
    given += [
        {"name": name, "valueString" if isinstance(part, str) else "valueInteger": part} for name, part in parts.items()
    ]
    return {"name": "operation", "part": [*given, *([{"name": "value", **value}] if value is not None else [])]}


def parameters(*operations: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(operations)}


def patched(definitions: Definitions, resource: Json, *operations: Json) -> Json:
    return apply_fhirpath_patch(resource, parameters(*operations), definitions)


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("Patient.name.where(use='official').given[0]", ("name", 0, "given", 0)),
        ("Patient.name.where(use = 'official').given.first()", ("name", 0, "given", 0)),
        ("Patient.name[0].given.last()", ("name", 0, "given", 1)),
        ("name[0].given.where($this = '子')", ("name", 0, "given", 1)),
        ("Patient.name.given[2]", ("name", 1, "given", 0)),
        ("Patient.name.given.skip(1).first()", ("name", 0, "given", 1)),
        ("Patient.name.given.take(2).tail()", ("name", 0, "given", 1)),
        ("Patient.name[1].given.single()", ("name", 1, "given", 0)),
        ("(Patient.name | Patient.contact.name)[1].given", ("name", 1, "given", 0)),
        ("Patient.name.where(given.count() > 1 and use.startsWith('off')).family", ("name", 0, "family")),
        ("Patient . name [ 0 ] . `family`", ("name", 0, "family")),
        ("Patient.extension('http://x/1').value", ("extension", 0, "valueString")),
        ("Patient.extension.where(url='http://x/1').value.ofType(string)", ("extension", 0, "valueString")),
        ("Patient.birthDate.extension('http://x/time').url", ("_birthDate", "extension", 0, "url")),
        ("%resource.contact.name.text", ("contact", 0, "name", "text")),
    ],
)
def test_a_path_leads_to_the_one_value_it_means(definitions: Definitions, path: str, changed: Any) -> None:
    after = patched(definitions, PATIENT, operation("replace", path, {"valueString": "X"}))

    expected = json.loads(json.dumps(PATIENT))
    holder: Any = expected
    for step in changed[:-1]:
        holder = holder[step]
    holder[changed[-1]] = "X"
    if changed == ("name", 0, "given", 1):
        holder = expected["name"][0].pop("_given")
    assert after == expected
    assert PATIENT["name"][0]["_given"] == [None, {"id": "g"}], "what was given stays as it was"


def test_an_element_found_by_any_expression_can_be_replaced(definitions: Definitions) -> None:
    path = "Patient.descendants().where($this is HumanName and use = 'nickname')"

    after = patched(definitions, PATIENT, operation("replace", path, {"valueHumanName": {"text": "はな"}}))

    assert after["name"][1] == {"text": "はな"}


def test_a_choice_changes_its_type_when_it_is_replaced(definitions: Definitions) -> None:
    after = patched(
        definitions,
        OBSERVATION,
        operation("replace", "Observation.value", {"valueCodeableConcept": {"text": "y"}}),
        operation("replace", "Observation.component[0].value", {"valueInteger": 3}),
        operation("add", "Observation.component[1]", {"valueDateTime": "2026-01"}, name="value"),
    )

    assert "valueQuantity" not in after
    assert after["valueCodeableConcept"] == {"text": "y"}
    assert after["component"] == [
        {"code": {"text": "a"}, "valueInteger": 3},
        {"code": {"text": "b"}, "valueDateTime": "2026-01"},
    ]


def test_decimals_stay_exact(definitions: Definitions) -> None:
    exact = {"valueQuantity": {"value": Decimal("2.50")}}

    after = patched(definitions, OBSERVATION, operation("replace", "Observation.component[0].value", exact))

    assert str(after["valueQuantity"]["value"]) == "1.10"
    assert str(after["component"][0]["valueQuantity"]["value"]) == "2.50"


def test_primitives_and_their_companions_move_together(definitions: Definitions) -> None:
    given = {"valueString": "次", "_valueString": {"id": "n"}}
    path = "Patient.name[0].given"

    inserted = patched(definitions, PATIENT, operation("insert", path, given, index=0))
    moved = patched(definitions, PATIENT, operation("move", path, source=1, destination=0))
    deleted = patched(definitions, PATIENT, operation("delete", f"{path}[1]"))

    assert (inserted["name"][0]["given"], inserted["name"][0]["_given"]) == (
        ["次", "花", "子"],
        [{"id": "n"}, None, {"id": "g"}],
    )
    assert (moved["name"][0]["given"], moved["name"][0]["_given"]) == (["子", "花"], [{"id": "g"}, None])
    assert moved["name"][0].keys() == PATIENT["name"][0].keys()
    assert deleted["name"][0]["given"] == ["花"] and "_given" not in deleted["name"][0]


def test_what_a_deletion_leaves_empty_goes_with_it(definitions: Definitions) -> None:
    after = patched(
        definitions,
        PATIENT,
        operation("delete", "Patient.birthDate.extension[0]"),
        operation("delete", "Patient.contact.name.text"),
        operation("delete", "Patient.contact.gender"),
        operation("delete", "Patient.extension('http://x/2')"),
        operation("delete", "Patient.extension('http://x/1')"),
    )

    assert after == {key: PATIENT[key] for key in ("resourceType", "id", "name", "birthDate")}


def test_deleting_what_is_not_there_is_no_error(definitions: Definitions) -> None:
    assert patched(definitions, PATIENT, operation("delete", "Patient.deceased")) == PATIENT


def test_a_primitive_takes_extensions(definitions: Definitions) -> None:
    extension = {"valueExtension": {"url": "http://x/new", "valueBoolean": True}}

    after = patched(
        definitions,
        PATIENT,
        operation("add", "Patient.name[1].given[0]", extension, name="extension"),
        operation("add", "Patient.birthDate", extension, name="extension"),
    )

    assert after["name"][1]["_given"] == [{"extension": [extension["valueExtension"]]}]
    assert [one["url"] for one in after["_birthDate"]["extension"]] == ["http://x/time", "http://x/new"]


def test_parts_make_up_elements_of_any_depth(definitions: Definitions) -> None:
    contact = {
        "part": [
            {"name": "relationship", "valueCodeableConcept": {"text": "母"}},
            {"name": "relationship", "valueCodeableConcept": {"text": "後見人"}},
            {
                "name": "name",
                "part": [{"name": "family", "valueString": "山田"}, {"name": "given", "valueString": "春"}],
            },
            {
                "name": "extension",
                "part": [{"name": "url", "valueUri": "http://x"}, {"name": "value", "valueCode": "c"}],
            },
        ]
    }

    after = patched(definitions, PATIENT, operation("add", "Patient", contact, name="contact"))

    assert after["contact"][1] == {
        "relationship": [{"text": "母"}, {"text": "後見人"}],
        "name": {"family": "山田", "given": ["春"]},
        "extension": [{"url": "http://x", "valueCode": "c"}],
    }


def test_a_contained_resource_comes_as_a_resource(definitions: Definitions) -> None:
    organization = {"resourceType": "Organization", "id": "o", "name": "病院"}

    after = patched(
        definitions,
        PATIENT,
        operation("add", "Patient", {"resource": organization}, name="contained"),
        operation("replace", "Patient.contained[0].name", {"valueString": "診療所"}),
        operation("add", "Patient.contained.where(id = 'o')", {"valueString": "別名"}, name="alias"),
    )

    assert after["contained"] == [organization | {"name": "診療所", "alias": ["別名"]}]


def test_a_list_that_is_not_there_yet_can_be_inserted_into(definitions: Definitions) -> None:
    after = patched(
        definitions, PATIENT, operation("insert", "Patient.telecom", {"valueContactPoint": {"rank": 1}}, index=0)
    )

    assert after["telecom"] == [{"rank": 1}]


VALUE = {"valueString": "x"}


@pytest.mark.parametrize(
    "refused",
    [
        operation("replace", "Patient.name", {"valueHumanName": {"text": "x"}}),  # two of them
        operation("replace", "Patient.gender", {"valueCode": "male"}),  # none
        operation("delete", "Patient.name.given"),
        operation("delete", "Patient"),
        operation("replace", "Patient", {"resource": {"resourceType": "Patient"}}),
        operation("replace", "Patient.name.given.first().upper()", VALUE),
        operation("replace", "'text'", VALUE),
        operation("replace", "Patient.name[0].family + 'x'", VALUE),
        operation("replace", "Patient.name.where(", VALUE),
        operation("replace", "Patient.birthDate", {}),
        operation("add", "Patient", {"valueCode": "male"}, name="sex"),
        operation("add", "Patient", {"valueDate": "1980-01-01"}, name="birthDate"),
        operation("add", "Patient.name", VALUE, name="family"),
        operation("add", "Patient.photo", VALUE, name="title"),
        operation("add", "Patient", {"valueQuantity": {}}, name="deceased"),
        operation("add", "Patient", {"part": [{"name": "x", "valueString": "x"}]}, name="deceased"),
        operation("add", "Patient", {"part": [{"name": "x", "valueString": "x"}]}, name="contact"),
        operation(
            "add", "Patient", {"part": [{"name": "gender", **VALUE}, {"name": "gender", **VALUE}]}, name="contact"
        ),
        operation("insert", "Patient.name", {"valueHumanName": {}}, index=3),
        operation("insert", "Patient.name", {"valueHumanName": {}}, index=-1),
        operation("insert", "Patient.birthDate", {"valueDate": "1980-01-01"}, index=0),
        operation("insert", "Patient.name.where(use = 'official')", {"valueHumanName": {}}, index=0),
        operation("insert", "Patient.name.given", VALUE, index=0),
        operation("move", "Patient.name", source=2, destination=0),
        operation("move", "Patient.name", source=0, destination=2),
        operation("move", "Patient.telecom", source=0, destination=0),
    ],
)
def test_what_cannot_be_applied_is_422_and_says_which_operation(definitions: Definitions, refused: Json) -> None:
    with pytest.raises(FhirError) as raised:
        patched(definitions, PATIENT, operation("delete", "Patient.active"), refused)

    assert raised.value.status == 422
    assert raised.value.issues[0].expression == ("Parameters.parameter[1]",)


TYPE, PATH = {"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": "Patient.name"}


@pytest.mark.parametrize(
    "parameter",
    [
        "operation",
        {"name": "other", "part": [TYPE, PATH]},
        {"name": "operation"},
        {"name": "operation", "part": [TYPE]},
        {"name": "operation", "part": [PATH]},
        {"name": "operation", "part": [TYPE, TYPE, PATH]},
        {"name": "operation", "part": [TYPE, PATH, {"name": "extra", "valueString": "x"}]},
        {"name": "operation", "part": [TYPE, PATH, "x"]},
        {"name": "operation", "part": [{"name": "type", "valueCode": "explode"}, PATH]},
        {"name": "operation", "part": [TYPE, {"name": "path", "valueInteger": 1}]},
        {"name": "operation", "part": [TYPE, {"name": "path"}]},
        operation("move", "Patient.name", source=1),
        operation("insert", "Patient.name", VALUE, index="0"),
        operation("add", "Patient", VALUE),
        {"name": "operation", "part": [TYPE, PATH, {"name": {"a": 1}}]},
    ],
)
def test_what_is_no_fhirpath_patch_is_400_and_says_where(definitions: Definitions, parameter: Any) -> None:
    with pytest.raises(FhirError) as raised:
        apply_fhirpath_patch(PATIENT, {"resourceType": "Parameters", "parameter": [parameter]}, definitions)

    assert raised.value.status == 400
    assert raised.value.issues[0].expression == ("Parameters.parameter[0]",)


def test_there_is_a_limit_to_the_operations(definitions: Definitions) -> None:
    with pytest.raises(FhirError):
        patched(definitions, PATIENT, *[operation("delete", "Patient.active")] * (OPERATION_LIMIT + 1))


def test_paths_that_cost_too_much_are_refused(definitions: Definitions) -> None:
    many = PATIENT | {"name": [{"given": ["a"] * 50} for _ in range(50)]}
    costly = "Patient.name.where(%resource.name.given.where(%resource.name.given.count() > 1).exists())"

    with pytest.raises(FhirError) as raised:
        patched(definitions, many, *[operation("delete", costly)] * 10)

    assert raised.value.issues[0].code == "too-costly"


def test_a_narrative_loses_the_space_between_blocks_and_keeps_that_between_words(definitions: Definitions) -> None:
    div = "<div>\n <p>\n  <b>a</b> <i>b</i> c\n </p>\n</div>"
    preformatted = "<div> <pre> <b>a</b></pre></div>"

    after = [
        patched(
            definitions,
            PATIENT,
            operation("add", "Patient", {"part": [{"name": "div", "valueString": xhtml}]}, name="text"),
        )
        for xhtml in (div, preformatted)
    ]

    assert [one["text"]["div"] for one in after] == ["<div><p><b>a</b> <i>b</i> c\n </p></div>", preformatted]


def test_the_public_cases_give_what_they_say(definitions: Definitions, shared: Path) -> None:
    """All 33 of https://github.com/FHIR/fhir-test-cases (r4/patch)."""
    cases = json.loads((shared / "data" / "suites" / "patch" / "fhir-patch-r4.json").read_bytes(), parse_float=Decimal)

    wrong = [case["name"] for case in cases if not _right(case, definitions)]

    assert len(cases) == 33
    assert wrong == []


def _right(case: Json, definitions: Definitions) -> bool:
    before = case["input"] | {"id": "1"}
    try:
        after = patched_resource(before, apply_fhirpath_patch(before, case["diff"], definitions))
    except FhirError:
        return bool(case["error"])
    return not case["error"] and _plain(after) == _plain(case["output"] | {"id": "1"})


def _plain(resource: Json) -> Json:
    """Return the resource with single spaces in its narrative, which the cases lay out differently."""
    if "text" not in resource:
        return resource
    return resource | {"text": resource["text"] | {"div": " ".join(resource["text"]["div"].split())}}
