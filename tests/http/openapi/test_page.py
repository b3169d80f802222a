"""The pages of the API, made by the server alone."""

import re
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest


@pytest.mark.parametrize("path", ["/docs", "/docs/Patient", "/docs/HumanName", "/docs/Bundle", "/docs/Patient.contact"])
def test_a_page_needs_nothing_from_elsewhere(server: Any, path: str) -> None:
    page = httpx.get(server.root + path)

    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<script" not in page.text and not re.search(r"(?:src|@import|url\()", page.text)


def test_every_link_of_a_page_leads_somewhere(server: Any) -> None:
    with httpx.Client(timeout=30) as client:
        for path in ("/docs", "/docs/Patient", "/docs/Patient.contact"):
            page = client.get(server.root + path).text
            links = {
                urljoin(server.root + path, link.replace("&amp;", "&")) for link in re.findall(r"href='([^']*)'", page)
            }
            for link in (each for each in links if each.startswith(server.root) and "_history" not in each):
                assert client.get(link).status_code == 200, link


def test_a_page_tells_interactions_search_parameters_operations_and_elements(server: Any) -> None:
    page = httpx.get(f"{server.root}/docs/Patient").text

    for told in (
        "PATCH",
        "/Patient/{id}/_history/{vid}",
        "birthdate",
        "/Patient/{id}/$everything",
        "generalPractitioner",
    ):
        assert told in page, told
