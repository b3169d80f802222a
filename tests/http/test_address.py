"""The base URL of an answer, and whom an open server answers."""

import pytest

from fhir_service.fhir.outcome import FhirError
from fhir_service.http.address import BaseUrl, is_loopback


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.8.7", "::1", "[::1]"])
def test_loopback_names_are_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "example.jp", "localhost.example.jp", "127.0.0.1.nip.io", ""]
)
def test_every_other_name_may_come_from_elsewhere(host: str) -> None:
    assert not is_loopback(host)


def test_the_base_is_what_the_client_asked_for() -> None:
    base_url = BaseUrl(None, loopback_only=False, trust_proxy=False)

    assert base_url.of("http", {b"host": b"fhir.example.jp:8443"}) == "http://fhir.example.jp:8443/fhir"


def test_the_base_that_is_set_is_used_as_it_is() -> None:
    base_url = BaseUrl("https://fhir.example.jp/r4/", loopback_only=False, trust_proxy=False)

    assert base_url.of("http", {b"host": b"10.1.1.1"}) == "https://fhir.example.jp/r4"


@pytest.mark.parametrize("host", [b"", b'a"b', b"a b", b"a/b", b"user@host", b"\xe5", b"a:b", b"host:123456", b"-a"])
def test_a_malformed_host_is_refused(host: bytes) -> None:
    with pytest.raises(FhirError) as refused:
        BaseUrl(None, loopback_only=False, trust_proxy=False).of("http", {b"host": host})

    assert refused.value.status == 400


@pytest.mark.parametrize(
    "host", [b"evil.example", b"10.0.0.1:8080", b"localhost.evil.example", b"127.0.0.1.evil.example"]
)
def test_an_open_server_answers_only_to_names_of_this_machine(host: bytes) -> None:
    with pytest.raises(FhirError) as refused:
        BaseUrl(None, loopback_only=True, trust_proxy=False).of("http", {b"host": host})

    assert refused.value.status == 403


def test_a_proxy_is_believed_only_if_it_is_trusted() -> None:
    headers = {b"host": b"inside:1", b"x-forwarded-host": b"fhir.example.jp, inside", b"x-forwarded-proto": b"https"}

    assert BaseUrl(None, loopback_only=False, trust_proxy=True).of("http", headers) == "https://fhir.example.jp/fhir"
    assert BaseUrl(None, loopback_only=False, trust_proxy=False).of("http", headers) == "http://inside:1/fhir"


def test_made_up_hosts_do_not_fill_the_memory() -> None:
    base_url = BaseUrl(None, loopback_only=False, trust_proxy=False)

    for number in range(2_000):
        base_url.of("http", {b"host": b"h%d" % number})

    assert len(base_url._known) <= 256
