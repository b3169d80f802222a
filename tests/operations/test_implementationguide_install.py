"""ImplementationGuide/$install over HTTP: a package holds from the answer on."""

import base64
import io
import json
import tarfile
import time
from typing import Any

import httpx
import pytest

URL = "http://example.org/fhir/CodeSystem/colour"
SYSTEM = {
    "resourceType": "CodeSystem",
    "url": URL,
    "status": "active",
    "content": "complete",
    "concept": [{"code": "red"}],
}
COLOURS = {
    "resourceType": "ValueSet",
    "url": "http://example.org/fhir/ValueSet/colour",
    "status": "active",
    "compose": {"include": [{"system": URL}]},
}


def package(name: str, *definitions: dict[str, Any], **manifest: Any) -> bytes:
    """A package of these definitions."""
    out = io.BytesIO()
    members = {"package.json": {"name": name, "version": "1.0.0", "fhirVersions": ["4.0.1"]} | manifest}
    members |= {f"{number}.json": each for number, each in enumerate(definitions)}
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for member, value in members.items():
            data = json.dumps(value).encode()
            info = tarfile.TarInfo(f"package/{member}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def install(base: str, content: bytes, media_type: str = "application/gzip") -> httpx.Response:
    headers = {"Content-Type": media_type, "Accept": "application/fhir+json"}
    return httpx.post(f"{base}/ImplementationGuide/$install", content=content, headers=headers, timeout=30)


def issues(answer: httpx.Response) -> list[str]:
    return [each["details"]["text"] for each in answer.json()["issue"]]


def packages(root: str) -> list[str]:
    found: list[str] = httpx.get(f"{root}/version").json()["packages"]
    return found


@pytest.fixture(scope="module")
def own(_servers: Any) -> Any:
    """A server that this module alone installs into."""
    return _servers()


def test_a_package_is_installed_while_the_server_runs_and_is_there_after_a_restart(start_server: Any) -> None:
    server = start_server()
    content = package("colours", SYSTEM, COLOURS)

    first, again = install(server.base, content), install(server.base, content)

    assert (first.status_code, again.status_code) == (201, 200)
    assert "colours#1.0.0 を追加しました(2 件の定義)" in issues(first)[0]
    assert "colours#1.0.0" in packages(server.root)
    server.stop()
    assert "colours#1.0.0" in packages(start_server(data_dir=server.data_dir).root)


@pytest.mark.parametrize("kind", ["application/gzip", "application/x-gzip", "application/octet-stream"])
def test_the_body_may_be_the_package_itself(own: Any, kind: str) -> None:
    name = f"kind.{kind.rpartition('/')[2]}"

    assert install(own.base, package(name, SYSTEM), kind).status_code == 201
    assert f"{name}#1.0.0" in packages(own.root)


@pytest.mark.parametrize("wrapped", ["Parameters", "Binary"])
def test_the_package_may_be_base64_in_a_resource(own: Any, wrapped: str) -> None:
    data = base64.b64encode(package(f"in.{wrapped}", SYSTEM)).decode()
    body = {
        "Parameters": {"resourceType": "Parameters", "parameter": [{"name": "package", "valueBase64Binary": data}]},
        "Binary": {"resourceType": "Binary", "contentType": "application/gzip", "data": data},
    }[wrapped]

    answer = install(own.base, json.dumps(body).encode(), "application/fhir+json")

    assert answer.status_code == 201
    assert f"in.{wrapped}#1.0.0" in packages(own.root)


def test_what_it_needs_and_what_is_wrong_with_it_is_told(own: Any) -> None:
    wrong = {
        "resourceType": "StructureDefinition",
        "url": "http://example.org/fhir/StructureDefinition/self",
        "type": "Patient",
        "baseDefinition": "http://example.org/fhir/StructureDefinition/self",
        "derivation": "constraint",
        "differential": {"element": []},
    }

    typo = wrong | {
        "url": "http://example.org/fhir/StructureDefinition/typo",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [{"id": "Patient.nmae", "path": "Patient.nmae", "min": 1}]},
    }

    constraint = {"key": "x-1", "severity": "error", "human": "壊れた式", "expression": "name.where("}
    unread = typo | {
        "url": "http://example.org/fhir/StructureDefinition/unread",
        "differential": {"element": [{"id": "Patient", "path": "Patient", "constraint": [constraint]}]},
    }
    orphan = typo | {
        "url": "http://example.org/fhir/StructureDefinition/orphan",
        "baseDefinition": "http://elsewhere.example/P",
        "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 1}]},
    }

    answer = install(own.base, package("needy", wrong, typo, unread, orphan, dependencies={"jp-core.r4": "1.2.0"}))

    assert answer.status_code == 201
    told = " ".join(issues(answer))
    assert "needy#1.0.0 needs jp-core.r4#1.2.0, which is not here" in told
    assert "StructureDefinition/self is wrong: it is derived from itself" in told
    assert "Patient has no nmae" in told
    assert "StructureDefinition/unread, element Patient is wrong: the expression of the rule x-1 cannot be read" in told
    assert "StructureDefinition/orphan derives from http://elsewhere.example/P, which is not here" in told
    for url, said in ((wrong["url"], "it is derived from itself"), (typo["url"], "Patient has no nmae")):
        checked = httpx.post(
            f"{own.base}/Patient/$validate",
            params={"profile": url},
            json={"resourceType": "Patient", "active": True},
            headers={"Content-Type": "application/fhir+json"},
        )
        assert checked.status_code == 200
        assert said in checked.text and url in checked.text


def test_other_content_under_the_same_version_is_refused(own: Any) -> None:
    install(own.base, package("twice", SYSTEM))

    answer = install(own.base, package("twice", SYSTEM | {"concept": []}))

    assert answer.status_code == 409
    assert "twice#1.0.0 is here with other content" in issues(answer)[0]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"text", "application/gzip", 400),
        (b"", "application/gzip", 400),
        (package("bad/name", SYSTEM), "application/gzip", 400),
        (package("r5", SYSTEM, fhirVersions=["5.0.0"]), "application/gzip", 400),
        (b'{"resourceType": "Parameters"}', "application/fhir+json", 400),
        (b'{"resourceType": "Patient"}', "application/fhir+json", 400),
        (
            b'{"resourceType":"Parameters","parameter":[{"name":"package","valueBase64Binary":"*"}]}',
            "application/json",
            400,
        ),
        (b'{"resourceType":"Parameters","parameter":[{"name":"package","valueInteger":1}]}', "application/json", 400),
        (b"text", "image/png", 415),
    ],
)
def test_what_is_no_package_is_refused_and_nothing_is_installed(
    own: Any, content: bytes, kind: str, status: int
) -> None:
    before = packages(own.root)

    answer = install(own.base, content, kind)

    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")
    assert packages(own.root) == before


def test_bytes_are_refused_wherever_a_resource_belongs(own: Any) -> None:
    for path in ("Patient", "", "Patient/$validate"):
        answer = httpx.post(f"{own.base}/{path}", content=b"x", headers={"Content-Type": "application/octet-stream"})
        assert answer.status_code == 415


def test_the_capability_statement_names_the_operation(own: Any) -> None:
    (rest,) = httpx.get(f"{own.base}/metadata").json()["rest"]
    (guide,) = (each for each in rest["resource"] if each["type"] == "ImplementationGuide")

    assert "install" in [each["name"] for each in guide["operation"]]


def test_a_search_parameter_of_the_package_finds_what_was_stored_before(own: Any) -> None:
    headers = {"Content-Type": "application/fhir+json"}
    person = {"resourceType": "Patient", "multipleBirthInteger": 7}
    made = httpx.post(f"{own.base}/Patient", json=person, headers=headers).json()["id"]
    birth = {
        "resourceType": "SearchParameter",
        "url": "http://example.org/fhir/SearchParameter/birth-order",
        "name": "BirthOrder",
        "status": "active",
        "description": "…",
        "code": "birth-order",
        "base": ["Patient"],
        "type": "number",
        "expression": "Patient.multipleBirth as integer",
    }

    assert install(own.base, package("births", birth)).status_code == 201

    deadline = time.monotonic() + 20
    while (found := httpx.get(f"{own.base}/Patient?birth-order=7")).status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [each["resource"]["id"] for each in found.json()["entry"]] == [made]
