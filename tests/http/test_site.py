"""What stands beside the FHIR endpoint."""

import re
from typing import Any

import httpx


def test_the_front_page_says_in_japanese_what_this_is_and_loads_nothing_from_elsewhere(server: Any) -> None:
    page = httpx.get(f"{server.root}/")

    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<html lang="ja">' in page.text
    assert "アウトリーチ" in page.text
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)


def test_every_link_of_the_front_page_leads_somewhere(server: Any) -> None:
    page = httpx.get(f"{server.root}/").text

    for link in re.findall(r'href="([^"]+)"', page):
        assert httpx.get(server.root + link.replace("&amp;", "&")).status_code == 200, link


def test_health_is_told(server: Any) -> None:
    assert httpx.get(f"{server.root}/healthz").json() == {"status": "ok"}


def test_the_version_names_the_definitions(server: Any) -> None:
    version = httpx.get(f"{server.root}/version").json()

    assert version["fhirVersion"] == "4.0.1"
    assert "hl7.fhir.r4.core#4.0.1" in version["packages"]


def test_what_is_not_there_is_404(server: Any) -> None:
    for path in ("/nonsense", "/fhirs", "/docs/Nonsense", "/redoc"):
        assert httpx.get(f"{server.root}{path}").status_code == 404
