"""`fhir-service validate`, as a vendor's engineer runs it: without a server, on files of any kind."""

import gzip
import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "profiles" / "examples"
COMMAND = Path(sys.executable).with_name("fhir-service")
GOOD = {"resourceType": "Patient", "id": "good", "name": [{"text": "山田 太郎"}]}
WRONG = {"resourceType": "Patient", "id": "wrong", "name": [{"text": "ﾔﾏﾀﾞ"}], "gender": "男性"}
PROFILE = {
    "resourceType": "StructureDefinition",
    "url": "http://example.jp/StructureDefinition/named",
    "name": "Named",
    "status": "active",
    "kind": "resource",
    "abstract": False,
    "type": "Patient",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
    "derivation": "constraint",
    "differential": {"element": [{"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}]},
}


def run(tmp_path: Path, *words: object) -> subprocess.CompletedProcess[str]:
    settings = {name: value for name, value in os.environ.items() if not name.startswith("FHIR_SERVICE_")}
    return subprocess.run(
        [COMMAND, "validate", *map(str, words), "--data-dir", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=settings | {"COLUMNS": "200", "PYTHONUTF8": "1"},
        timeout=120,
        check=False,
    )


def write(file: Path, *resources: dict[str, Any]) -> Path:
    file.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in resources), encoding="utf-8")
    return file


def test_what_is_wrong_is_told_in_japanese_with_its_place_and_a_code(tmp_path: Path) -> None:
    ended = run(tmp_path, write(tmp_path / "wrong.json", WRONG))

    assert ended.returncode == 1, ended.stderr
    assert "Patient.gender" in ended.stdout
    assert "半角カナ「ﾔﾏﾀﾞ」があります。全角カナにしてください。" in ended.stdout
    assert "1 件のリソースのうち 1 件に誤り" in ended.stdout


def test_what_is_right_ends_with_zero(tmp_path: Path) -> None:
    ended = run(tmp_path, write(tmp_path / "good.json", GOOD))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Patient/good" in ended.stdout


def test_what_cannot_be_read_in_a_file_of_lines_has_the_line_of_the_file(tmp_path: Path) -> None:
    lines = tmp_path / "three.ndjson"
    lines.write_text(f'{json.dumps(GOOD)}\n\n{{"resourceType":"Patient","name":\n', encoding="utf-8")

    ended = run(tmp_path, lines)

    assert "three.ndjson:3" in ended.stdout
    assert "3 行" in ended.stdout


def test_folders_lines_xml_and_gzip_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "two.ndjson", GOOD, WRONG)
    (folder / "one.xml").write_text(
        '<Patient xmlns="http://hl7.org/fhir"><gender value="男性"/></Patient>', encoding="utf-8"
    )
    (folder / "packed.json.gz").write_bytes(gzip.compress(json.dumps(GOOD).encode()))
    for name in ("package.json", ".index.json"):  # what npm keeps in an unpacked package
        (folder / name).write_text("{}", encoding="utf-8")

    ended = run(tmp_path, folder, "--output", "json")

    assert ended.returncode == 1
    outcomes = [entry["resource"] for entry in json.loads(ended.stdout)["entry"]]
    told = {
        Path(each["extension"][0]["valueString"]).name: {issue["severity"] for issue in each["issue"]}
        for each in outcomes
    }
    assert told == {
        "two.ndjson:1": {"information"},
        "two.ndjson:2": {"error", "warning"},
        "one.xml": {"error"},
        "packed.json.gz": {"information"},
    }


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("cp932", "CP932"), ("euc_jp", "EUC-JP"), ("iso2022_jp", "ISO-2022-JP"), ("utf_16", "UTF-16")],
)
def test_a_text_in_another_encoding_is_named(tmp_path: Path, encoding: str, named: str) -> None:
    file = tmp_path / "other.json"
    file.write_bytes(json.dumps(GOOD | {"name": [{"text": "山田 太郎さん"}]}, ensure_ascii=False).encode(encoding))

    ended = run(tmp_path, file)

    assert ended.returncode == 1
    assert "UTF-8 ではありません" in ended.stdout
    assert named in ended.stdout


def test_an_xml_text_that_names_its_encoding_is_read_in_it(tmp_path: Path) -> None:
    text = '<Patient xmlns="http://hl7.org/fhir"><gender value="男性"/></Patient>'
    file = tmp_path / "patient.xml"
    file.write_bytes(f'<?xml version="1.0" encoding="Shift_JIS"?>{text}'.encode("cp932"))

    ended = run(tmp_path, file)

    assert "男性" in ended.stdout
    assert "UTF-8" not in ended.stdout


def test_a_profile_among_the_files_can_be_asked_for(tmp_path: Path) -> None:
    profile = write(tmp_path / "profile.json", PROFILE)
    patient = write(tmp_path / "patient.json", GOOD)

    ended = run(tmp_path, patient, profile.parent, "--profile", PROFILE["url"], "--output", "json")
    unknown = run(tmp_path, patient, "--profile", "http://example.jp/absent")

    assert "birthDate" in ended.stdout
    assert unknown.returncode == 1
    assert "http://example.jp/absent" in unknown.stdout


def test_what_must_be_supported_and_what_is_advised_is_told_on_demand(tmp_path: Path) -> None:
    file = EXAMPLES / "outreach-patient" / "least.json"

    plain, both = run(tmp_path, file), run(tmp_path, file, "--must-support", "--best-practice")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "policy.toml").write_text("[checks]\nmust_support = true\n", encoding="utf-8")
    by_policy, declined = run(tmp_path, file), run(tmp_path, file, "--no-must-support")

    assert [each.returncode for each in (plain, both, by_policy, declined)] == [0, 0, 0, 0]
    assert ["must-support" in each.stdout for each in (plain, both, by_policy, declined)] == [False, True, True, False]
    assert ["dom-6" in each.stdout for each in (plain, both, by_policy)] == [False, True, False]


class Page(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.outside = "", []

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside += [value for name, value in attrs if name in ("src", "href")]


def test_the_page_is_whole_and_lets_nothing_run(tmp_path: Path) -> None:
    hostile = WRONG | {"gender": "<script>alert(1)</script>"}

    ended = run(tmp_path, write(tmp_path / "a.json", hostile), write(tmp_path / "b.json", GOOD), "--output", "html")

    page = Page()
    page.feed(ended.stdout)
    assert ended.returncode == 1
    assert "FHIR 検証報告" in page.text
    assert "<script>alert(1)</script>" in page.text
    assert "<script" not in ended.stdout
    assert page.outside == []


def test_the_policy_of_the_data_directory_holds(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    text = "[[severity]]\nrule = 'text-half-width-kana'\nseverity = 'error'\nreason = '試験'\n"
    (tmp_path / "data" / "policy.toml").write_text(text, encoding="utf-8")
    file = write(tmp_path / "kana.json", {"resourceType": "Patient", "name": [{"text": "ﾔﾏﾀﾞ"}]})

    assert run(tmp_path, file).returncode == 1
    (tmp_path / "data" / "policy.toml").write_text("[checks]\nx = 1\n", encoding="utf-8")
    refused = run(tmp_path, file)
    assert (refused.returncode, "2 行" in refused.stderr) == (2, True)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"resourceType": 3}', b"<x/>", b"\xff\xfe\x00"])
def test_whatever_is_in_a_file_is_answered(tmp_path: Path, content: bytes) -> None:
    for name in ("x.json", "x.xml", "x.ndjson"):
        (tmp_path / name).write_bytes(content)
        ended = run(tmp_path, tmp_path / name)
        assert "Traceback" not in ended.stderr
        assert ended.returncode in (0, 1)


@pytest.mark.parametrize("command", ["load", "reindex"])
def test_no_command_begins_with_a_bad_policy(tmp_path: Path, command: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "policy.toml").write_text("[checks]\nx = 1\n", encoding="utf-8")
    words = [write(tmp_path / "good.json", GOOD)] if command == "load" else []

    ended = subprocess.run(
        [COMMAND, command, *words, "--data-dir", data], capture_output=True, text=True, timeout=120, check=False
    )

    assert (ended.returncode, "2 行" in ended.stderr, "Traceback" in ended.stderr) == (2, True, False)
