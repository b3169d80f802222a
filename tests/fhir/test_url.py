"""https://hl7.org/fhir/R4/http.html#general"""

import pytest

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.url import path_segments, query_parameters


@pytest.mark.parametrize(
    ("raw", "segments"),
    [
        (b"", ()),
        (b"/", ()),
        (b"/Patient", ("Patient",)),
        (b"/Patient/", ("Patient",)),
        (b"/Patient/1/_history/2", ("Patient", "1", "_history", "2")),
        (b"/Patient//1", ("Patient", "", "1")),
        (b"/%24fhirpath", ("$fhirpath",)),
        (b"/Patient%2F1", ("Patient/1",)),
        (b"/Patient/%E5%B1%B1", ("Patient", "山")),
    ],
)
def test_a_path_is_its_decoded_segments(raw: bytes, segments: tuple[str, ...]) -> None:
    assert path_segments(raw) == segments


@pytest.mark.parametrize(
    ("raw", "parameters"),
    [
        (b"", ()),
        (b"a=1&a=2&b", (("a", "1"), ("a", "2"), ("b", ""))),
        (b"name=%E5%B1%B1+%E7%94%B0", (("name", "山 田"),)),
        ("name=山田".encode(), (("name", "山田"),)),
        (b"identifier=http://x|1%7C2", (("identifier", "http://x|1|2"),)),
        (b"a=b=c&&", (("a", "b=c"),)),
    ],
)
def test_a_query_is_its_decoded_parameters_in_order(raw: bytes, parameters: tuple[tuple[str, str], ...]) -> None:
    assert query_parameters(raw) == parameters


@pytest.mark.parametrize(
    "raw", [b"name=%", b"name=%4", b"name=%zz", b"name=%ff%fe", b"name=%00", b"na%0ame=1", b"a=\x7f"]
)
def test_a_query_that_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(FhirError) as refused:
        query_parameters(raw)

    assert refused.value.status == 400


@pytest.mark.parametrize("raw", [b"/Patient/%", b"/Patient/%00", b"/Patient/%c3%28", b"/\xe5"])
def test_a_path_that_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(FhirError) as refused:
        path_segments(raw)

    assert refused.value.status == 400


def test_a_value_may_have_lines() -> None:
    assert query_parameters(b"_filter=a%0D%0Ab") == (("_filter", "a\r\nb"),)
