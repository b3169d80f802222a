"""https://www.rfc-editor.org/rfc/rfc5261 on the XML of resources."""

from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.patch.xml_patch import apply_xml_patch

DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>&quot;a&quot;&#160;b</p></div>'
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "1",
    "text": {"status": "generated", "div": DIV},
    "active": True,
    "name": [
        {"use": "official", "family": "山田", "given": ["太郎", "次郎"]},
        {"use": "nickname", "text": "たろう"},
    ],
    "gender": "male",
}


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.load()


def patched(operations: str, definitions: Definitions, root: str = '<diff xmlns:f="http://hl7.org/fhir">') -> Any:
    """Return the patient after these operations."""
    return apply_xml_patch(PATIENT, f"{root}{operations}</diff>".encode(), definitions)


def test_an_element_is_added_as_the_last_child(definitions: Definitions) -> None:
    add = '<add sel="f:Patient"><f:birthDate value="1968-03-14"/></add>'

    assert patched(add, definitions) == PATIENT | {"birthDate": "1968-03-14"}


@pytest.mark.parametrize(
    ("pos", "at", "given"),
    [
        ("", "f:name[1]", ["太郎", "次郎", "x"]),
        ('pos="prepend"', "f:name[1]", ["x", "太郎", "次郎"]),
        ('pos="before"', "f:name[1]/f:given[2]", ["太郎", "x", "次郎"]),
        ('pos="after"', "f:name[1]/f:given[1]", ["太郎", "x", "次郎"]),
    ],
)
def test_where_an_element_is_added_is_chosen(definitions: Definitions, pos: str, at: str, given: list[str]) -> None:
    result = patched(f'<add sel="f:Patient/{at}" {pos}><f:given value="x"/></add>', definitions)

    assert result["name"][0]["given"] == given


def test_an_attribute_is_added_replaced_and_removed(definitions: Definitions) -> None:
    added = patched('<add sel="f:Patient/f:name[1]" type="@id">n1</add>', definitions)
    replaced = patched('<replace sel="f:Patient/f:gender/@value">female</replace>', definitions)
    removed = patched(
        '<add sel="f:Patient/f:gender" type="@id">g</add><remove sel="/f:Patient/f:gender/@value"/>', definitions
    )

    assert added["name"][0]["id"] == "n1"
    assert replaced["gender"] == "female"
    assert "gender" not in removed
    assert removed["_gender"] == {"id": "g"}


def test_an_element_is_replaced_by_one_element(definitions: Definitions) -> None:
    result = patched(
        """<replace sel="f:Patient/f:name[f:use/@value='nickname']"><f:name><f:text value="x"/></f:name></replace>""",
        definitions,
    )

    assert result["name"] == [PATIENT["name"][0], {"text": "x"}]


def test_an_element_is_removed(definitions: Definitions) -> None:
    assert patched('<remove sel="*/f:name[2]"/>', definitions)["name"] == PATIENT["name"][:1]
    assert "gender" not in patched('<remove sel="/f:Patient/f:gender"/>', definitions)


def test_operations_follow_each_other(definitions: Definitions) -> None:
    result = patched('<remove sel="f:Patient/f:name[1]"/><remove sel="f:Patient/f:name[1]"/>', definitions)

    assert "name" not in result


@pytest.mark.parametrize("root", ["<diff>", '<diff xmlns="http://hl7.org/fhir">'])
def test_names_without_a_prefix_are_of_fhir(definitions: Definitions, root: str) -> None:
    replace = "<replace sel=\"Patient/name[use/@value='official']/family/@value\">田中</replace>"

    assert patched(replace, definitions, root)["name"][0]["family"] == "田中"


def test_the_text_within_a_narrative_is_replaced(definitions: Definitions) -> None:
    root = '<diff xmlns:f="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml">'

    result = patched('<replace sel="f:Patient/f:text/h:div/h:p/text()">c</replace>', definitions, root)

    assert result["text"]["div"] == '<div xmlns="http://www.w3.org/1999/xhtml"><p>c</p></div>'


def test_a_narrative_that_is_not_patched_stays_as_it_is_written(definitions: Definitions) -> None:
    assert patched('<remove sel="f:Patient/f:gender"/>', definitions)["text"]["div"] == DIV


@pytest.mark.parametrize(
    "operation",
    [
        '<remove sel="f:Patient/f:birthDate"/>',
        '<remove sel="f:Patient/f:name"/>',
        '<remove sel="f:Patient"/>',
        '<remove sel="x:Patient/x:name"/>',
        '<remove sel="//f:name[1]"/>',
        '<remove sel="f:Patient/f:name[last()]"/>',
        '<remove sel="f:Patient/f:name[count(//*) > 1]"/>',
        "<remove sel=\"document('file:///etc/passwd')\"/>",
        f'<remove sel="f:Patient{"/f:a" * 400}"/>',
        '<add sel="f:Patient/f:gender" type="@value">x</add>',
        '<add sel="f:Patient/f:gender" type="namespace::x">urn:x</add>',
        '<add sel="f:Patient/f:gender/@value">x</add>',
        '<add sel="f:Patient" pos="before"><f:Patient/></add>',
        '<add sel="f:Patient" pos="inside"><f:name/></add>',
        '<add sel="f:Patient"><f:colour value="red"/></add>',
        '<add sel="f:Patient">text</add>',
        '<replace sel="f:Patient/f:gender">female</replace>',
        '<replace sel="f:Patient/f:active/@value">perhaps</replace>',
    ],
)
def test_what_cannot_be_applied_is_refused(definitions: Definitions, operation: str) -> None:
    with pytest.raises(FhirError) as refused:
        patched(operation, definitions)

    assert refused.value.status == 422


@pytest.mark.parametrize(
    "patch",
    [
        b"",
        b"x",
        b"<add sel='f:Patient'/>",
        b"<diff><move sel='f:Patient'/></diff>",
        b"<diff><add/></diff>",
        b"<!DOCTYPE diff [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><diff><add sel='Patient'>&x;</add></diff>",
        b"<diff>" + b"<remove sel='Patient/name[1]'/>" * 1001 + b"</diff>",
    ],
)
def test_what_is_no_xml_patch_is_refused(definitions: Definitions, patch: bytes) -> None:
    with pytest.raises(FhirError) as refused:
        apply_xml_patch(PATIENT, patch, definitions)

    assert refused.value.status == 400
