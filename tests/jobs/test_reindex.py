"""Indexing anew what is stored: all, a type, one, or what a search parameter is about."""

import subprocess
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest

from fhir_service.fhir import json
from tests.conftest import COMMAND, StartServer

from .conftest import Client, patients, search_parameter


def numbers(answer: httpx.Response) -> dict[str, int]:
    assert answer.status_code == 200, answer.text
    return {each["name"]: each["valueInteger"] for each in answer.json()["parameter"] if "valueInteger" in each}


def lose_the_index(data_dir: Path) -> None:
    """As a defect might."""
    connection = apsw.Connection(str(data_dir / "fhir.sqlite"))
    connection.execute("DELETE FROM st")


def test_what_a_defect_lost_is_found_again_and_counts_in_are_counts_out(together: Client) -> None:
    together.put(*patients(50), {"resourceType": "Organization", "id": "o", "name": "Hanazono"})
    lose_the_index(together.server.data_dir)
    assert together.total("Patient?given=hana") == 0

    accepted = together("POST", "$reindex")
    result = together.done(accepted.headers["Content-Location"])

    assert accepted.status_code == 202
    assert numbers(result) == {"found": 51, "indexed": 51, "superseded": 0}
    assert together.total("Patient?given=hana") == 50
    assert together.total("Organization?name=hana") == 1
    assert together("GET", "Patient/p00001/_history").json()["total"] == 1


def test_only_what_is_asked_for_is_indexed(together: Client) -> None:
    together.put(*patients(50), {"resourceType": "Organization", "id": "o", "name": "Hanazono"})

    of_type = together.done(together("POST", "Patient/$reindex").headers["Content-Location"])
    by_name = together.done(together("POST", "$reindex?type=Organization").headers["Content-Location"])
    parameter = "http://hl7.org/fhir/SearchParameter/Organization-partof"
    by_parameter = together.done(together("POST", f"$reindex?searchParameter={parameter}").headers["Content-Location"])
    one = together("POST", "Patient/p00003/$reindex")

    assert numbers(of_type)["found"] == 50
    assert numbers(by_name)["found"] == numbers(by_parameter)["found"] == 1
    assert numbers(one) == {"found": 1, "indexed": 1, "superseded": 0}


def test_a_kill_in_the_middle_loses_nothing(own: Client) -> None:
    own.put(*patients(4000))
    address = own("POST", "Patient/$reindex").headers["Content-Location"]
    while own("GET", address).headers.get("X-Progress", "0")[:2] in ("0 ", "wo"):
        pass

    own.restart(kill=True)
    result = own.done(address)

    assert numbers(result) == {"found": 4000, "indexed": 4000, "superseded": 0}
    assert own.total("Patient?given=hana") == 4000


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "$reindex?type=Nothing", 400),
        ("POST", "$reindex?searchParameter=http://example.org/none", 400),
        ("POST", "$reindex?nonsense=1", 400),
        ("POST", "Patient/none/$reindex", 404),
        ("GET", "$reindex", 405),
        ("GET", "SearchParameter/none/$index-status", 404),
        ("GET", "Patient/none/$index-status", 404),
    ],
)
def test_what_cannot_be_indexed_is_refused(api: httpx.Client, method: str, path: str, status: int) -> None:
    assert api.request(method, path).status_code == status


def package(folder: Path) -> Path:
    """Return a FHIR package with one search parameter."""
    file = folder / "p.tgz"
    with tarfile.open(file, "w:gz") as archive:
        for name, content in {
            "package.json": {"name": "test.package", "version": "1.0.0", "fhirVersions": ["4.0.1"]},
            "SearchParameter-of-package.json": search_parameter("of-package"),
        }.items():
            data = json.encode(content)
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    return file


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(COMMAND), *words], capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def stopped(_servers: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Any]]:
    """A server that was stopped, reindexed, given a package and loaded, and runs again; what the command said."""
    folder = tmp_path_factory.mktemp("stopped")
    client = Client(_servers(), _servers, {})
    client.put(*patients(30))
    client("PUT", "SearchParameter/nickname", search_parameter())
    client.indexed()
    client.server.stop()
    data = ("--data-dir", str(client.server.data_dir))

    lose_the_index(client.server.data_dir)
    reindexed = command("reindex", *data)
    added = command("packages", "add", str(package(folder)), *data)
    file = folder / "patients.ndjson"
    file.write_bytes(b"\n".join(json.encode(each | {"id": f"more-{each['id']}"}) for each in patients(20)))
    loaded = command("load", str(file), *data)

    assert (added.returncode, loaded.returncode) == (0, 0), added.stderr + loaded.stderr
    client.restart(kill=False)
    client.indexed()
    yield client, reindexed
    client.server.stop()


def test_the_command_indexes_what_a_stopped_server_holds(stopped: tuple[Client, Any]) -> None:
    client, reindexed = stopped

    assert reindexed.returncode == 0, reindexed.stderr
    assert "31 of 31" in reindexed.stdout
    assert client.total("Patient?given=hana") == 50


def test_the_search_parameters_of_a_package_find_what_was_stored_before_it(stopped: tuple[Client, Any]) -> None:
    assert stopped[0].total("Patient?of-package=hana") == 50


def test_what_is_loaded_is_found_by_stored_search_parameters_too(stopped: tuple[Client, Any]) -> None:
    assert stopped[0].total("Patient?nickname=hana") == 50


def test_the_command_leaves_a_running_server_alone(together: Client) -> None:
    done = command("reindex", "--data-dir", str(together.server.data_dir))

    assert done.returncode == 1
    assert "$reindex" in done.stderr


def test_a_second_server_on_the_same_data_is_refused(together: Client) -> None:
    second = command("serve", "--open", "--port", "0", "--data-dir", str(together.server.data_dir))

    assert second.returncode == 1
    assert "ほかのプロセス" in second.stderr
    assert "Another process" in second.stderr


def test_a_file_that_does_not_say_what_it_is_indexed_by_is_indexed_anew(own: Client) -> None:
    own.put(*patients(20))
    own.server.stop()
    connection = apsw.Connection(str(own.server.data_dir / "fhir.sqlite"))
    connection.execute("DELETE FROM mark")
    connection.execute("DELETE FROM st")
    connection.close()

    own.restart(kill=False)
    own.indexed()

    assert own.total("Patient?given=hana") == 20


def test_an_older_file_says_nothing_by_canonical_url_until_it_is_indexed_for_it(own: Client) -> None:
    url = "http://example.org/q"
    form = {"resourceType": "Questionnaire", "id": "q", "status": "active", "url": url, "version": "1"}
    answer = {"resourceType": "QuestionnaireResponse", "id": "r", "status": "completed", "questionnaire": f"{url}|1"}
    own.put(form, answer)
    own.server.stop()
    as_of_schema_7(own.server.data_dir / "fhir.sqlite")

    own.restart(kill=False)
    early = own("GET", "QuestionnaireResponse?questionnaire.status=active&_summary=count")
    own.indexed()

    assert early.status_code == 409 or early.json()["total"] == 1
    assert own.total("QuestionnaireResponse?questionnaire.status=active") == 1
    assert own.total("Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed") == 1
    assert own.total(f"QuestionnaireResponse?questionnaire:below={url}|1") == 1


def as_of_schema_7(file: Path) -> None:
    """Take away what tells of canonicals, and say that the two types were indexed by the rules of then."""
    connection = apsw.Connection(str(file))
    connection.execute("DELETE FROM rf; DELETE FROM txt; DROP TABLE cn; PRAGMA user_version = 7")
    for name in ("Questionnaire", "QuestionnaireResponse"):
        [(mark,)] = connection.execute("SELECT value FROM mark WHERE name = ?", (f"index/{name}",))
        rules = json.decode(mark)
        rules[{"Questionnaire": "url", "QuestionnaireResponse": "questionnaire"}[name]] = "of then"
        connection.execute("UPDATE mark SET value = ? WHERE name = ?", (json.encode(rules), f"index/{name}"))
    connection.execute("UPDATE mark SET value = ? WHERE name = 'index'", (b"of then",))
    connection.close()
