"""What our guide asks of a server, this server offers; what it asks of a client, a server of the guide offers."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource
from tests.conftest import Server
from tests.profiles.files import PROFILES, profiles, read

STATEMENTS = PROFILES / "capability-statements"
CLIENTS = ["outreach-hospital-client", "outreach-team-client"]


def asked(name: str) -> dict[str, Resource]:
    """Return what a statement asks, by resource type."""
    statement = read(STATEMENTS / f"{name}.json")
    return {each["type"]: each for each in statement["rest"][0]["resource"]}


def names(resource: Resource, what: str, key: str = "name") -> set[str]:
    return {each[key] for each in resource.get(what, ())}


@pytest.fixture(scope="module")
def offered(server: Server) -> dict[str, Any]:
    answer = httpx.get(f"{server.base}/metadata", timeout=30)
    rest: dict[str, Any] = answer.json()["rest"][0]
    return rest


def definitions_named(statement: Resource) -> Iterator[str]:
    for rest in statement["rest"]:
        yield from (each["definition"] for each in rest.get("operation", ()))
        for resource in rest["resource"]:
            yield from resource.get("supportedProfile", ())
            for what in ("searchParam", "operation"):
                yield from (each["definition"] for each in resource.get(what, ()))


@pytest.mark.parametrize("name", ["outreach-server", *CLIENTS])
def test_what_a_statement_names_is_defined(name: str, definitions: Definitions) -> None:
    unknown = [url for url in definitions_named(read(STATEMENTS / f"{name}.json")) if definitions.find(url) is None]

    assert unknown == []


def test_the_server_is_asked_for_every_profile() -> None:
    named = {url for each in asked("outreach-server").values() for url in each.get("supportedProfile", ())}

    assert named == {read(file)["url"] for file in profiles()}


def test_this_server_offers_what_the_guide_asks_of_a_server(offered: dict[str, Any]) -> None:
    here = {each["type"]: each for each in offered["resource"]}
    lacking = {
        (kind, what, name)
        for kind, wanted in asked("outreach-server").items()
        for what, key in (("interaction", "code"), ("searchParam", "name"), ("operation", "name"))
        for name in names(wanted, what, key) - names(here[kind], what, key)
    }

    assert lacking == set()
    operations = read(STATEMENTS / "outreach-server.json")["rest"][0]["operation"]
    assert {each["name"] for each in operations if each["name"] != "validate"} <= names(offered, "operation")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_of_the_guide_offers_what_its_clients_use(client: str) -> None:
    server = asked("outreach-server")
    lacking = {
        (kind, what, name)
        for kind, used in asked(client).items()
        for what, key in (("interaction", "code"), ("searchParam", "name"))
        for name in names(used, what, key) - names(server.get(kind, {}), what, key)
    }

    assert lacking == set()
