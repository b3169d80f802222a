"""https://hl7.org/fhir/R4/http.html#summary"""

import httpx
import pytest


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "metadata", "GET, HEAD"),
        ("POST", "Patient/1", "DELETE, GET, HEAD, PATCH, PUT"),
        ("PUT", "Patient/1/_history/1", "GET, HEAD"),
        ("PUT", "", "GET, HEAD, POST"),
        ("GET", "_search", "POST"),
        ("GET", "Patient/_search", "POST"),
        ("TRACE", "Patient/1", "DELETE, GET, HEAD, PATCH, PUT"),
    ],
)
def test_a_method_that_a_url_does_not_know_is_405_with_those_it_knows(
    api: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = api.request(method, path)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed
    assert answer.json()["issue"][0]["code"] == "not-supported"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("", "GET, HEAD, OPTIONS, POST"),
        ("metadata", "GET, HEAD, OPTIONS"),
        ("Patient", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("Patient/1/$everything", "GET, HEAD, OPTIONS, POST"),
    ],
)
def test_options_tells_what_a_url_knows(api: httpx.Client, path: str, allowed: str) -> None:
    answer = api.request("OPTIONS", path)

    assert answer.status_code == 204
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "path",
    [
        "Patiens",
        "patient/1",
        "Resource",
        "DomainResource/1",
        "HumanName",
        "Patient/1/Nonsense",
        "Patient/1/_history/1/2",
        "a/b/c/d/e/f",
        "$nonsense",
        "Patient/$nonsense",
        "Patient/1/$nonsense",
        "Patiens/$nonsense",
        "Patient//1",
        "%24",
    ],
)
def test_a_url_that_means_nothing_is_404(api: httpx.Client, path: str) -> None:
    answer = api.get(path)

    assert answer.status_code == 404
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_slash_at_the_end_changes_nothing(api: httpx.Client) -> None:
    assert api.get("Patient/?_count=0").status_code == 200
    assert api.get("metadata/").status_code == 200


@pytest.mark.parametrize("kind", ["searchset", "history", "collection", "document", None])
def test_a_bundle_that_is_no_batch_or_transaction_is_not_processed(api: httpx.Client, kind: str | None) -> None:
    answer = api.post("", json={"resourceType": "Bundle", **({"type": kind} if kind else {})})

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Bundle.type"]
