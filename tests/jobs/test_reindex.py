"""Indexing anew what is stored: all, a type, one, or what a search parameter is about."""

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest

from fhir_service.fhir import json
from tests.conftest import COMMAND

from .conftest import Client, patients, search_parameter


def numbers(answer: httpx.Response) -> dict[str, int]:
    assert answer.status_code == 200, answer.text
    return {each["name"]: each["valueInteger"] for each in answer.json()["parameter"] if "valueInteger" in each}


def lose_the_index(data_dir: Path) -> None:
    """As a defect might."""
    connection = apsw.Connection(str(data_dir / "fhir.sqlite"))
    connection.execute("DELETE FROM st")


def test_what_a_defect_lost_is_found_again_and_counts_in_are_counts_out(own: Client) -> None:
    own.put(*patients(50), {"resourceType": "Organization", "id": "o", "name": "Hanazono"})
    own.server.stop()
    lose_the_index(own.server.data_dir)
    own.restart(kill=False)
    assert own.total("Patient?given=hana") == 0

    accepted = own("POST", "$reindex")
    result = own.done(accepted.headers["Content-Location"])

    assert accepted.status_code == 202
    assert numbers(result) == {"found": 51, "indexed": 51, "superseded": 0}
    assert own.total("Patient?given=hana") == 50
    assert own.total("Organization?name=hana") == 1
    assert own("GET", "Patient/p00001/_history").json()["total"] == 1


def test_only_what_is_asked_for_is_indexed(together: Client) -> None:
    together.put(*patients(20), {"resourceType": "Organization", "id": "o", "name": "Hanazono"})

    of_type = together.done(together("POST", "Patient/$reindex").headers["Content-Location"])
    by_name = together.done(together("POST", "$reindex?type=Organization").headers["Content-Location"])
    parameter = "http://hl7.org/fhir/SearchParameter/Organization-partof"
    by_parameter = together.done(together("POST", f"$reindex?searchParameter={parameter}").headers["Content-Location"])
    one = together("POST", "Patient/p00003/$reindex")

    assert numbers(of_type)["found"] == 20
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
            "SearchParameter-nickname.json": search_parameter(),
        }.items():
            data = json.encode(content)
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    return file


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(COMMAND), *words], capture_output=True, text=True, check=False, timeout=60)


def test_the_search_parameters_of_a_package_find_what_was_stored_before_it(own: Client, tmp_path: Path) -> None:
    own.put(*patients(30))
    own.server.stop()
    added = command("packages", "add", str(package(tmp_path)), "--data-dir", str(own.server.data_dir))
    assert added.returncode == 0, added.stderr

    own.restart(kill=False)
    own.indexed()

    assert own.total("Patient?nickname=hana") == 30


def test_the_command_indexes_what_a_stopped_server_holds(own: Client) -> None:
    own.put(*patients(30))
    own.server.stop()
    lose_the_index(own.server.data_dir)

    done: Any = command("reindex", "--data-dir", str(own.server.data_dir))
    own.restart(kill=False)

    assert done.returncode == 0, done.stderr
    assert "30" in done.stdout
    assert own.total("Patient?given=hana") == 30


def test_the_command_leaves_a_running_server_alone(together: Client) -> None:
    done = command("reindex", "--data-dir", str(together.server.data_dir))

    assert done.returncode == 1
    assert "$reindex" in done.stderr


def test_what_is_loaded_is_found_by_stored_search_parameters_too(own: Client, tmp_path: Path) -> None:
    own("PUT", "SearchParameter/nickname", search_parameter())
    own.indexed()
    own.server.stop()
    file = tmp_path / "patients.ndjson"
    file.write_bytes(b"\n".join(map(json.encode, patients(30))))

    loaded = command("load", str(file), "--data-dir", str(own.server.data_dir))
    own.restart(kill=False)
    own.indexed()

    assert loaded.returncode == 0, loaded.stderr
    assert own.total("Patient?nickname=hana") == 30


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
