"""https://hl7.org/fhir/R4/http.html#mime-type"""

import pytest

from fhir_service.fhir.outcome import FhirError
from fhir_service.http.negotiation import content_type, representation


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/fhir+json"),
        ("", "application/fhir+json"),
        ("*/*", "application/fhir+json"),
        ("application/*", "application/fhir+json"),
        ("text/*", "text/json"),
        ("application/json", "application/json"),
        ("text/json", "text/json"),
        ("application/fhir+xml", "application/fhir+xml"),
        ("text/xml", "text/xml"),
        ("Application/FHIR+XML", "application/fhir+xml"),
        ("application/fhir+xml;q=0.5, application/fhir+json", "application/fhir+json"),
        ("application/fhir+json;q=0.5, application/fhir+xml;q=0.9", "application/fhir+xml"),
        ("*/*;q=0.1, application/fhir+xml", "application/fhir+xml"),
        ("application/fhir+json;q=0, */*", "application/json"),
        ("application/fhir+xml, application/fhir+json", "application/fhir+xml"),
        ("text/turtle, application/xml;q=0.2", "application/xml"),
        ("application/fhir+json; fhirVersion=4.0", "application/fhir+json"),
        ("application/fhir+json; charset=utf-8", "application/fhir+json"),
        ("application/fhir+json; fhirVersion=3.0, application/fhir+xml", "application/fhir+xml"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml"),
    ],
)
def test_the_best_format_that_the_client_accepts_is_chosen(accept: str | None, media_type: str) -> None:
    assert representation(accept, ()).media_type == media_type


@pytest.mark.parametrize(
    "accept", ["text/turtle", "application/pdf;q=1", "application/fhir+json; fhirVersion=5.0", "*/*;q=0", "image/*"]
)
def test_a_client_that_can_read_nothing_of_ours_is_told_so(accept: str) -> None:
    with pytest.raises(FhirError) as refused:
        representation(accept, ())

    assert refused.value.status == 406
    assert "application/fhir+json" in refused.value.issues[0].en


@pytest.mark.parametrize(
    ("asked", "format_"),
    [
        ("json", "json"),
        ("xml", "xml"),
        ("application/fhir+json", "json"),
        ("application/fhir json", "json"),  # what `+` in a query string decodes to
        ("application/fhir+xml", "xml"),
        ("text/xml", "xml"),
        ("text/json", "json"),
        ("application/json+fhir", "json"),
        ("application/xml+fhir", "xml"),
        ("application/fhir+xml; fhirVersion=4.0", "xml"),
    ],
)
def test_format_goes_before_accept(asked: str, format_: str) -> None:
    assert representation("text/turtle", (("_format", asked),)).format == format_


@pytest.mark.parametrize("asked", ["ttl", "html", "application/pdf", "application/fhir+json; fhirVersion=3.0"])
def test_an_unknown_format_is_refused(asked: str) -> None:
    with pytest.raises(FhirError) as refused:
        representation(None, (("_format", asked),))

    assert refused.value.status == 406


def test_pretty_is_asked_for_in_the_url() -> None:
    assert representation(None, (("_pretty", "true"),)).pretty
    assert not representation(None, (("_pretty", "false"),)).pretty


def test_pretty_is_true_or_false() -> None:
    with pytest.raises(FhirError) as refused:
        representation(None, (("_pretty", "maybe"),))

    assert refused.value.status == 400
    assert "true, false" in refused.value.issues[0].ja


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("application/fhir+json", ("json", "application/fhir+json", None)),
        ("application/fhir+json; charset=UTF-8", ("json", "application/fhir+json", "utf-8")),
        ('application/json;charset="utf8"', ("json", "application/json", "utf-8")),
        ("text/xml; charset=Shift_JIS", ("xml", "text/xml", "cp932")),
        ("application/fhir+xml; charset=windows-31j; fhirVersion=4.0", ("xml", "application/fhir+xml", "cp932")),
        ("application/json-patch+json", ("json", "application/json-patch+json", None)),
        ("application/x-www-form-urlencoded", ("form", "application/x-www-form-urlencoded", None)),
    ],
)
def test_what_a_body_is_stands_in_its_content_type(header: str, expected: tuple[str, str, str | None]) -> None:
    assert content_type(header) == expected


@pytest.mark.parametrize(
    "header",
    [
        "",
        "text/plain",
        "application/fhir+turtle",
        "application/fhir+json; charset=zlib",
        "application/fhir+json; charset=punycode",
        "application/fhir+json; charset=\x00",
        "application/fhir+json; fhirVersion=5.0",
        "nonsense",
    ],
)
def test_a_body_of_a_kind_that_is_not_read_is_refused_with_what_is(header: str) -> None:
    with pytest.raises(FhirError) as refused:
        content_type(header)

    assert refused.value.status == 415
    assert "application/fhir+json" in refused.value.issues[0].ja
