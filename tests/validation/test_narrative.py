"""What a narrative may hold, and where its links lead."""

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator
from tests.validation.sample import DIV, contained, errors, patient


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("<script>alert(1)</script>", "script"),
        ('<a href="javascript:alert(1)">a</a>', "href"),
        ('<a href="java&#10;script:alert(1)">a</a>', "href"),
        ('<img src="data:text/html,x" alt="a"/>', "src"),
        ('<p onclick="x()">a</p>', "onclick"),
        ('<p style="width: expression(alert(1))">a</p>', "style"),
        ('<p href="https://example.jp">a</p>', "href"),
        ('<p nowrap="nowrap">a</p>', "nowrap"),
        ('<div colspan="2">a</div>', "colspan"),
        ("<form><input/></form>", "form"),
        ("<iframe/>", "iframe"),
        ("<p>a", "well-formed"),
        ("<p>a<ul><li>b</li></ul></p>", "cannot stand in a p"),
        ("<ul>a</ul>", "No text can stand in a ul"),
        ("<ul><p>a</p></ul>", "cannot stand in a ul"),
        ("<td>a</td>", "cannot stand in a div"),
        ("<li>a</li>", "cannot stand in a div"),
        ("<table><td>a</td></table>", "cannot stand in a table"),
        ("<table><tr>a<td>b</td></tr></table>", "No text can stand in a tr"),
        ("<p><span>a<table/></span></p>", "cannot stand in a p"),
        ("<p>a<ul><li>b</li></ul></p><script>alert(1)</script>", "script"),
        ('<a href="https://example.jp" target="_blank">a</a>', "target"),
        ("&nbsp;", "write the character, or &#160;"),
        ("<?php x?>a", "not allowed"),
        ("<p>" * 1000 + "</p>" * 1000, "well-formed"),
        ("\x00", "well-formed"),
    ],
)
def test_a_narrative_with_active_or_broken_content_is_refused(check: Validator, content: str, fault: str) -> None:
    issues = check(patient(text={"status": "generated", "div": DIV.format(content)}))

    assert [issue.expression for issue in issues] == [("Patient.text.div",)]
    assert fault in issues[0].en
    assert issues[0].severity == "error"


@pytest.mark.parametrize(
    "div", ["a", "<div>a</div>", "<!DOCTYPE div><div/>", '<p xmlns="http://www.w3.org/1999/xhtml"/>']
)
def test_a_narrative_is_a_div_of_xhtml(check: Validator, div: str) -> None:
    assert errors(check(patient(text={"status": "generated", "div": div})))


def test_a_narrative_may_be_formatted(check: Validator) -> None:
    table = '<table class="grid"><tr><td style="color: red" colspan="2"><b>山田</b><!-- a --></td></tr></table>'
    link = '<a href="https://example.org/data.html" title="b">c</a><img src="data:image/png;base64,YQ==" alt="d"/>'

    assert check(patient(text={"status": "generated", "div": DIV.format(table + link)})) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<a href="#x">a</a>', [("narrative-link", "error", ("Patient.text.div",))]),
        ('<a href="#x">a</a><p id="x">b</p>', []),
        ('<a name="x">a</a><a href="#x">b</a>', []),
        ('<a href="#doctor">a</a><a href="#pet-name">b</a><a href="https://example.org/#x">c</a>', []),
    ],
)
def test_a_link_inside_a_narrative_leads_somewhere(
    content: str, expected: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    check = Validator(definitions := Definitions.load(), LoadedTerminology(definitions), extra=RULES)
    resource = contained({"resourceType": "Practitioner", "id": "doctor"}) | {
        "text": {"status": "generated", "div": DIV.format(content)},
        "name": [{"id": "pet-name", "text": "タロウ"}],
    }

    assert [(issue.rule, issue.severity, issue.expression) for issue in check(resource)] == expected


def test_an_image_of_a_narrative_refers_to_what_is_contained(check: Validator) -> None:
    image = {"resourceType": "Binary", "id": "x", "contentType": "image/png", "data": "YWFh"}
    shown = DIV.format('<img src="#x" alt="a"/>')

    assert errors(check(patient(contained=[image], text={"status": "generated", "div": shown}))) == []


def test_a_narrative_that_shows_nothing_is_refused(check: Validator) -> None:
    issues = check(patient(text={"status": "generated", "div": DIV.format(" ")}))

    assert [(issue.rule, issue.severity) for issue in issues] == [("txt-2", "error")]


@pytest.mark.parametrize(
    ("inside", "shows"), [("<!-- 訪問 -->訪問", True), ("<b/>訪問", True), ("<!-- 訪問 -->", False)]
)
def test_a_narrative_shows_the_text_behind_a_comment(check: Validator, inside: str, shows: bool) -> None:
    issues = check(patient(text={"status": "generated", "div": DIV.format(inside)}))

    assert [issue.rule for issue in issues] == ([] if shows else ["txt-2"])
