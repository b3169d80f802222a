"""XML gives the same values as JSON, and what is no FHIR XML is refused with its place."""

import json as stdlib_json
import os
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir import json, xml
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError, Issue

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
NS = 'xmlns="http://hl7.org/fhir"'
XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'
EVERY = 1 if os.environ.get("CI") == "true" else 10


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.load()


@pytest.fixture
def read(definitions: Definitions) -> Any:
    def read(text: str) -> Any:
        return xml.decode(text.encode(), definitions)

    return read


def refusal(data: bytes | str, definitions: Definitions) -> Issue:
    """Return the issue with which this text is refused."""
    with pytest.raises(FhirError) as caught:
        xml.decode(data.encode() if isinstance(data, str) else data, definitions)
    assert caught.value.status == 400
    assert caught.value.issues[0].ja
    return caught.value.issues[0]


def as_text(data: bytes) -> Any:
    """Return the value of a JSON text with its numbers as they are written."""
    return stdlib_json.loads(data, parse_float=str, parse_int=str)


def test_a_narrative_is_kept_as_it_was_written(read: Any) -> None:
    div = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p title='a'>&quot;引用&quot; &#x5C71;</p><br /></div>"

    resource = read(f'<Basic xmlns="http://hl7.org/fhir"><text><status value="generated"/>{div}</text></Basic>')

    assert resource["text"]["div"] == div


def test_a_narrative_that_needs_what_is_around_it_is_written_anew(read: Any) -> None:
    text = """<Basic xmlns="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><text>
        <status value="generated"/><h:div><h:p>a<!-- b --></h:p></h:div></text></Basic>"""

    assert read(text)["text"]["div"].startswith('<div xmlns="http://www.w3.org/1999/xhtml"><p>a')


def test_every_official_example_survives_xml(definitions: Definitions, r4_examples: Path) -> None:
    """On a developer's machine every tenth one, in CI all 5,306."""
    files = sorted(file for file in r4_examples.glob("*.json") if file.name not in ("package.json", ".index.json"))

    changed = []
    for file in files[::EVERY]:
        data = file.read_bytes()
        back = xml.decode(xml.encode(json.decode(data), definitions), definitions)
        if as_text(json.encode(back)) != as_text(data):
            changed.append(file.name)

    assert len(files) >= 5306
    assert changed == []


def test_the_schema_is_not_named(read: Any) -> None:
    """https://hl7.org/fhir/R4/xml.html: "Exchanged content SHALL NOT specify the schema" """
    with pytest.raises(FhirError, match="schemaLocation"):
        read(
            f'<Patient {NS} {XSI} xsi:schemaLocation="http://hl7.org/fhir patient.xsd"><active value="true"/></Patient>'
        )


def test_a_resource_is_read_as_json_would_give_it(read: Any) -> None:
    resource = read(f"""<?xml version="1.0" encoding="UTF-8"?>
        <!-- a comment --><?target instruction?>
        <Observation {NS} xmlns:unused="http://example.org/x">
          <id value="1"/>
          <text><status value="generated"/><div {XHTML}>体重 <b>70</b><br/></div></text>
          <contained><Patient><id value="p"/><active value="true"/></Patient></contained>
          <extension url="http://example.org/a"><valueInteger value="-3"/></extension>
          <status value="final"><extension url="http://example.org/b"><valueString value="c"/></extension></status>
          <!-- another --><code id="c"><text value="体重 &amp; 身長&#10;"/></code>
          <subject><reference value="#p"/></subject>
          <valueQuantity><value value="70.00"/><unit value="kg"/></valueQuantity>
          <component><code><text value="a"/></code><valueQuantity><value value="4"/></valueQuantity></component>
          <component><code><text value="b"/></code><valueBoolean value="false"/></component>
        </Observation>""")

    assert resource == {
        "resourceType": "Observation",
        "id": "1",
        "text": {"status": "generated", "div": f"<div {XHTML}>体重 <b>70</b><br/></div>"},
        "contained": [{"resourceType": "Patient", "id": "p", "active": True}],
        "extension": [{"url": "http://example.org/a", "valueInteger": -3}],
        "status": "final",
        "_status": {"extension": [{"url": "http://example.org/b", "valueString": "c"}]},
        "code": {"id": "c", "text": "体重 & 身長\n"},
        "subject": {"reference": "#p"},
        "valueQuantity": {"value": Decimal("70.00"), "unit": "kg"},
        "component": [
            {"code": {"text": "a"}, "valueQuantity": {"value": 4}},
            {"code": {"text": "b"}, "valueBoolean": False},
        ],
    }
    assert str(resource["valueQuantity"]["value"]) == "70.00"
    assert type(resource["component"][0]["valueQuantity"]["value"]) is int


def test_values_and_their_extensions_are_aligned_by_null(definitions: Definitions) -> None:
    name = {
        "given": ["一", None, "三", None],
        "_given": [None, {"id": "b"}, {"extension": [{"url": "http://e", "valueCode": "x"}]}, {"id": "d"}],
    }
    patient = {"resourceType": "Patient", "name": [name, {"_given": [{"id": "e"}]}, {"given": ["a", "b"]}]}

    assert xml.decode(xml.encode(patient, definitions), definitions) == patient


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('<name><given value="a"/></name><id value="1"/>', "Patient.id"),
        ('<name><family value="a"/></name><gender value="male"/><name><family value="b"/></name>', "Patient.name[1]"),
        ('<name><given value="a"/><family value="b"/></name>', "Patient.name[0].family"),
        ('<deceasedBoolean value="true"/><birthDate value="1980"/>', "Patient.birthDate"),
    ],
)
def test_elements_come_in_the_order_of_the_definition(definitions: Definitions, text: str, place: str) -> None:
    issue = refusal(f"<Patient {NS}>{text}</Patient>", definitions)

    assert issue.expression == (place,)
    assert "out of order" in issue.en
    assert xml.decode(f"<Patient {NS}>{text}</Patient>".encode(), definitions, ordered=False)


def test_a_prefix_for_the_namespace_is_the_same(read: Any) -> None:
    patient = read(
        '<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml">'
        '<f:text><f:status value="empty"/><h:div id="a"><h:p xml:lang="ja">a<!-- b --><h:br/>c</h:p>d</h:div></f:text>'
        "</f:Patient>"
    )

    assert patient["text"]["div"] == f'<div {XHTML} id="a"><p xml:lang="ja">a<!-- b --><br/>c</p>d</div>'


def test_elements_are_written_in_the_order_of_the_definition(definitions: Definitions) -> None:
    patient = {
        "resourceType": "Patient",
        "link": [{"type": "refer", "other": {"reference": "Patient/2"}}],
        "deceasedBoolean": False,
        "name": [{"given": ["太郎"], "family": '山田 & "<子>"\n'}],
        "extension": [{"valueDecimal": Decimal("1.00"), "url": "http://e?a&b"}],
        "id": "1",
    }

    assert xml.encode(patient, definitions).decode() == (
        f'<?xml version="1.0" encoding="UTF-8"?><Patient {NS}><id value="1"/>'
        '<extension url="http://e?a&amp;b"><valueDecimal value="1.00"/></extension>'
        '<name><family value="山田 &amp; &quot;&lt;子&gt;&quot;&#10;"/><given value="太郎"/></name>'
        '<deceasedBoolean value="false"/>'
        '<link><other><reference value="Patient/2"/></other><type value="refer"/></link></Patient>'
    )
    assert xml.decode(xml.encode(patient, definitions), definitions) == patient


def test_pretty_xml_is_indented_and_leaves_the_narrative_alone(definitions: Definitions) -> None:
    div = f"<div {XHTML}><p>a</p> <p>b</p></div>"
    patient = {"resourceType": "Patient", "text": {"status": "generated", "div": div}, "active": True}

    text = xml.encode(patient, definitions, pretty=True)

    assert text.decode() == (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Patient {NS}>\n  <text>\n    <status value="generated"/>\n'
        f'    {div}\n  </text>\n  <active value="true"/>\n</Patient>'
    )
    assert xml.decode(text, definitions) == patient


def test_a_resource_of_nothing_is_written(definitions: Definitions) -> None:
    assert xml.decode(xml.encode({"resourceType": "Basic"}, definitions), definitions) == {"resourceType": "Basic"}


@pytest.mark.parametrize("div", ["<div", "<div>a</div><script/>", "a & b", f"<div {XHTML}>a</div><x>"])
def test_a_narrative_that_is_no_xml_cannot_break_the_xml_around_it(definitions: Definitions, div: str) -> None:
    data = xml.encode({"resourceType": "Patient", "text": {"status": "empty", "div": div}, "id": "1"}, definitions)

    assert xml.decode(data, definitions)["id"] == "1"


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Nothing"},
        {"resourceType": "Patient", "nickname": "a"},
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "HumanName"}}]},
    ],
)
def test_what_r4_does_not_have_is_not_written(definitions: Definitions, resource: Any) -> None:
    with pytest.raises(FhirError, match="has no"):
        xml.encode(resource, definitions)


def test_characters_that_no_xml_can_hold_are_replaced(definitions: Definitions) -> None:
    data = xml.encode({"resourceType": "Patient", "id": "a\x00\ud800\uffff"}, definitions)

    assert xml.decode(data, definitions)["id"] == "a\ufffd\ufffd\ufffd"


@pytest.mark.parametrize(
    ("content", "en", "expression"),
    [
        ("<nickname/>", "no element 'nickname'", "Patient.nickname"),
        ("<name><first/></name>", "no element 'first'", "Patient.name[0].first"),
        ('<name id="1"/><name x="1"/>', "no attribute 'x'", "Patient.name[1]"),
        ('<birthDate value="1980" x="1"/>', "no attribute 'x'", "Patient.birthDate"),
        ('<active value="true"/><active value="true"/>', "must not repeat", "Patient.active"),
        ('<active/>', "neither a value nor an extension", "Patient.active"),
        ('<active value="TRUE"/>', "not a valid boolean", "Patient.active"),
        ('<multipleBirthInteger value="1.0"/>', "not a valid integer", "Patient.multipleBirth"),
        ('<multipleBirthInteger value=" 1"/>', "not a valid integer", "Patient.multipleBirth"),
        ('<multipleBirthInteger value="٣"/>', "not a valid integer", "Patient.multipleBirth"),
        (f'<multipleBirthInteger value="{"1" * 5000}"/>', "too many digits", "Patient.multipleBirth"),
        ('<extension url="http://e"><valueDecimal value="1e400"/></extension>', "too large",
         "Patient.extension[0].value"),
        ('<extension url="http://e"><valueDecimal value="NaN"/></extension>', "not a valid decimal",
         "Patient.extension[0].value"),
        ('<birthDate value="1980"><extension url="u"><x/></extension></birthDate>', "no element 'x'",
         "Patient.birthDate.extension[0].x"),
        ("text", "text between", "Patient"),
        ("<name>text</name>", "text between", "Patient.name[0]"),
        ('<name id="1"/>text', "text between", "Patient"),
        ('<name id="1"/>\u3000', "text between", "Patient"),
        ('<birthDate value="1980">\u3000</birthDate>', "text between", "Patient.birthDate"),
        (f'<name {XSI} xsi:type="HumanName"><text value="a"/></name>', "no attribute", "Patient.name[0]"),
        ("<name/>", "must not be empty", "Patient.name[0]"),
        ("<name><!-- a --></name><name/>", "must not be empty", "Patient.name[1]"),
        ("<![CDATA[x]]>", "text between", "Patient"),
        ('<name xmlns="http://example.org"/>', "wrong namespace", "Patient.name"),
        ("<contained/>", "exactly one resource", "Patient.contained[0]"),
        ("<contained><Patient/><Patient/></contained>", "exactly one resource", "Patient.contained[0]"),
        ("<contained><Nothing/></contained>", "no resource type 'Nothing'", "Patient.contained[0]"),
        ('<contained><Patient><active value="1"/></Patient></contained>', "valid boolean",
         "Patient.contained[0].active"),
        ("<text><div>a</div></text>", "wrong namespace", "Patient.text.div"),
    ],
)  # fmt: skip
def test_what_the_definitions_do_not_have_is_refused_with_its_place(
    definitions: Definitions, content: str, en: str, expression: str
) -> None:
    issue = refusal(f"<Patient {NS}>\n{content}</Patient>", definitions)

    assert en in issue.en
    assert issue.expression == (expression,)
    assert issue.line in (1, 2)
    assert len(issue.en) < 300


@pytest.mark.parametrize(
    ("text", "en", "line"),
    [
        ("", "empty", 1),
        ("<Patient", "not well-formed", 1),
        (f"<Patient {NS}>\n<name></Patient>", "not well-formed", 2),
        (f"<Patient {NS}/>\n<Patient/>", "not well-formed", 2),
        (f'<Patient {NS}><id value="&nbsp;"/></Patient>', "not well-formed", 1),
        (f'<Patient {NS}><id value="\x01"/></Patient>', "not well-formed", 1),
        (f'<Patient {NS}><id value="&#0;"/></Patient>', "not well-formed", 1),
        (f'<Patient {NS}><id value="a" value="b"/></Patient>', "not well-formed", 1),
        ('{"resourceType":"Patient"}', "not well-formed", 1),
        (f'<Patient {NS}>\n<id value="a">text</id></Patient>', "text between the elements", 2),
        ("<Patient/>", "no resource of the namespace", 1),
        ('<Patient xmlns="http://hl7.org/fhir/"/>', "no resource of the namespace", 1),
        (f"<Nothing {NS}/>", "no resource type 'Nothing'", 1),
        (f"<DomainResource {NS}/>", "no resource type 'DomainResource'", 1),
        (f'\n<!DOCTYPE Patient><Patient {NS}/>', "DOCTYPE", 2),
        (f'<!DOCTYPE Patient SYSTEM "http://127.0.0.1:1/x.dtd"><Patient {NS}/>', "DOCTYPE", 1),
        (f'<!DOCTYPE p [<!ENTITY e SYSTEM "file:///etc/passwd">]><Patient {NS}><id value="1"/>&e;</Patient>',
         "DOCTYPE", 1),
    ],
)  # fmt: skip
def test_what_is_no_fhir_xml_is_refused_with_its_line(definitions: Definitions, text: str, en: str, line: int) -> None:
    issue = refusal(text, definitions)

    assert en in issue.en
    assert issue.line == line


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f'<Patient {NS}><active value="true"/><foo value="1"/></Patient>', (1, 60)),
        (f'<Patient {NS}>\n<name><family value="山"/><foo/></name></Patient>', (2, 26)),
        (f'\ufeff<Patient {NS}>\n  <!-- <foo/> -->\n  <active value="yes"/></Patient>', (3, 3)),
        (f"<Nothing {NS}/>", (1, 1)),
    ],
)
def test_an_element_that_is_wrong_is_told_with_line_and_column(
    definitions: Definitions, text: str, place: tuple[int, int]
) -> None:
    issue = refusal(text, definitions)

    assert (issue.line, issue.column) == place


def test_entities_that_multiply_are_refused_quickly(definitions: Definitions) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for place in ('<id value="&l9;"/>', "&l9;"):
        start = time.perf_counter()

        refusal(f'<!DOCTYPE p [<!ENTITY l0 "lol">{laughs}]><Patient {NS}>{place}</Patient>', definitions)

        assert time.perf_counter() - start < 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp932", "euc-jp", "iso-2022-jp"])
def test_another_encoding_than_utf8_is_refused(definitions: Definitions, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><Patient {NS}><name><text value="山"/></name></Patient>'

    assert "UTF-8" in refusal(text.encode(encoding), definitions).en


def test_a_byte_order_mark_is_allowed(definitions: Definitions) -> None:
    assert xml.decode(f'\ufeff<?xml version="1.0" encoding="utf-8"?><Patient {NS}/>'.encode(), definitions)


def test_a_hundred_thousand_levels_are_refused_quickly(definitions: Definitions) -> None:
    for text in (
        f"<Patient {NS}>" + "<contact>" * 100_000,
        f"<Questionnaire {NS}>" + "<item>" * 100_000 + "</item>" * 100_000 + "</Questionnaire>",
        f"<Questionnaire {NS}>" + "<item>" * 60 + "</item>" * 60 + "</Questionnaire>",
        f"<Patient {NS}>{'<extension>' * 120}{'</extension>' * 120}</Patient>",
    ):
        start = time.perf_counter()

        refusal(text, definitions)

        assert time.perf_counter() - start < 1


def test_a_value_beyond_what_the_parser_holds_is_refused_with_its_reason(definitions: Definitions) -> None:
    data = "A" * 11_000_000

    issue = refusal(f'<Binary {NS}><contentType value="a/b"/><data value="{data}"/></Binary>', definitions)

    assert "exceeds the limit" in issue.en
    assert len(issue.en) < 300


def test_a_large_body_is_read(definitions: Definitions) -> None:
    entries = '<entry><resource><Patient><active value="true"/></Patient></resource></entry>' * 20_000

    bundle = xml.decode(f'<Bundle {NS}><type value="collection"/>{entries}</Bundle>'.encode(), definitions)

    assert len(bundle["entry"]) == 20_000
