"""`fhir-service load`: what it takes, in what order, and what it says of what it refuses."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Run = Callable[..., Result]
Write = Callable[..., Path]
Stored = Callable[[], dict[str, dict[str, Any]]]

PATIENT = {"resourceType": "Patient", "id": "p1", "active": True}
XML = '<Patient xmlns="http://hl7.org/fhir"><id value="x1"/><gender value="female"/></Patient>'


def observation(name: str, subject: str = "Patient/p1") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": {"text": "GAF"},
        "subject": {"reference": subject},
        "valueInteger": 50,
    }


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def posted(resource: dict[str, Any], full_url: str) -> dict[str, Any]:
    return {"fullUrl": full_url, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}


def test_a_folder_of_json_xml_ndjson_and_gzip_is_loaded(run: Run, write: Write, stored: Stored, tmp_path: Path) -> None:
    write("a/one.json", PATIENT)
    write("a/two.xml", XML)
    write("lines.ndjson", observation("o1"), "", observation("o2"))
    more = write("b/more.jsonl", observation("o3"))
    packed = more.with_name("packed.ndjson.gz")
    packed.write_bytes(gzip.compress(more.read_bytes().replace(b"o3", b"o4")))
    write("notes.txt", "this is no resource")

    result = run("load", tmp_path / "files")

    assert result.exit_code == 0, result.output
    assert sorted(stored()) == [
        "Observation/o1",
        "Observation/o2",
        "Observation/o3",
        "Observation/o4",
        "Patient/p1",
        "Patient/x1",
    ]
    assert "6 件" in result.output


@pytest.mark.parametrize("charset", ["Shift_JIS", "EUC-JP", "ISO-2022-JP", "UTF-16"])
def test_an_xml_file_may_name_its_own_charset(run: Run, write: Write, stored: Stored, charset: str) -> None:
    named = XML.replace("<gender", '<name><text value="水野 光一"/></name><gender')
    file = write("one.xml", "")
    file.write_bytes(f'<?xml version="1.0" encoding="{charset}"?>{named}'.encode(charset))

    result = run("load", file)

    assert result.exit_code == 0, result.output
    assert stored()["Patient/x1"]["name"] == [{"text": "水野 光一"}]


def test_what_refers_to_a_later_file_waits_for_it(run: Run, write: Write, stored: Stored) -> None:
    first = write("1.ndjson", *(observation(f"o{n}", f"Patient/p{n}") for n in range(1, 900)))
    second = write("2.ndjson", *({"resourceType": "Patient", "id": f"p{n}"} for n in range(1, 900)))

    result = run("load", first, second)

    assert result.exit_code == 0, result.output
    assert len(stored()) == 2 * 899


def test_what_refers_to_each_other_is_loaded_from_different_files(run: Run, write: Write, stored: Stored) -> None:
    def other(name: str, of: str) -> dict[str, Any]:
        link = [{"other": {"reference": f"Patient/{of}"}, "type": "seealso"}]
        return {"resourceType": "Patient", "id": name, "link": link}

    files = [write("1.json", other("a", "b")), write("2.json", other("b", "c")), write("3.json", other("c", "a"))]

    assert run("load", *files).exit_code == 0
    assert sorted(stored()) == ["Patient/a", "Patient/b", "Patient/c"]


def test_what_refers_to_what_is_nowhere_is_refused_with_all_that_refers_to_it(
    run: Run, write: Write, stored: Stored
) -> None:
    lost = observation("lost", "Patient/nobody")
    after = observation("after") | {"derivedFrom": [{"reference": "Observation/lost"}]}
    file = write("all.ndjson", PATIENT, lost, after, observation("fine"))

    result = run("load", file)

    assert result.exit_code == 1
    assert sorted(stored()) == ["Observation/fine", "Patient/p1"]
    assert "all.ndjson:2" in result.output
    assert "Patient/nobody" in result.output
    assert "all.ndjson:3" in result.output


def test_what_stands_in_the_store_already_may_be_referred_to(run: Run, write: Write, stored: Stored) -> None:
    run("load", write("1.json", PATIENT))

    assert run("load", write("2.json", observation("o1"))).exit_code == 0
    assert sorted(stored()) == ["Observation/o1", "Patient/p1"]


def test_what_cannot_be_read_or_is_not_valid_is_told_with_file_and_line_and_the_rest_is_loaded(
    run: Run, write: Write, stored: Stored
) -> None:
    file = write(
        "mixed.ndjson",
        PATIENT,
        '{"resourceType": "Patient", ',
        {"resourceType": "Patient", "id": "p2", "colour": "red"},
    )
    unknown = write("photo.jpeg", "…")

    result = run("load", file, unknown)

    assert result.exit_code == 1
    assert sorted(stored()) == ["Patient/p1"]
    assert "mixed.ndjson:2" in result.output
    assert "mixed.ndjson:3  Patient.colour" in result.output
    assert "photo.jpeg" in result.output
    assert "3" in result.output


def test_what_cannot_be_opened_is_told_in_both_languages(run: Run, write: Write) -> None:
    ended = run("load", write("packed.json.gz", "not gzip"), write("notes.txt", "x"))

    for said in ("gzipとして展開できません", "cannot be unpacked", "名前の終わりが", "The name ends in none of"):
        assert said in ended.output


def test_a_broken_gzip_file_is_refused_and_the_others_are_loaded(run: Run, write: Write, stored: Stored) -> None:
    broken = write("broken.ndjson.gz", "not gzip at all")

    result = run("load", broken, write("p.json", PATIENT))

    assert result.exit_code == 1
    assert sorted(stored()) == ["Patient/p1"]


class TestBundles:
    def test_a_transaction_is_processed(self, run: Run, write: Write, stored: Stored) -> None:
        patient, seen = "urn:uuid:" + "1" * 8, "urn:uuid:" + "2" * 8
        file = write(
            "t.json",
            bundle("transaction", posted(observation("", patient) | {"id": "o"}, seen), posted(PATIENT, patient)),
        )

        result = run("load", file)

        assert result.exit_code == 0, result.output
        (found,) = (each for each in stored().values() if each["resourceType"] == "Observation")
        assert found["subject"]["reference"] in stored()

    def test_a_transaction_is_tried_again_after_what_it_refers_to_has_come(
        self, run: Run, write: Write, stored: Stored
    ) -> None:
        first = write("1.json", bundle("transaction", posted(observation("o"), "urn:uuid:" + "2" * 8)))

        result = run("load", first, write("2.json", PATIENT))

        assert result.exit_code == 0, result.output
        assert len(stored()) == 2

    def test_a_transaction_that_fails_is_refused(self, run: Run, write: Write, stored: Stored) -> None:
        file = write("t.json", bundle("transaction", posted(observation("o"), "urn:uuid:" + "2" * 8)))

        result = run("load", file)

        assert result.exit_code == 1
        assert stored() == {}
        assert "t.json" in result.output

    @pytest.mark.parametrize("kind", ["collection", "searchset"])
    def test_of_a_collection_each_entry_is_loaded_with_its_links_resolved(
        self, run: Run, write: Write, stored: Stored, kind: str
    ) -> None:
        urn = "urn:uuid:11111111-1111-4111-8111-111111111111"
        nameless = {name: value for name, value in PATIENT.items() if name != "id"}
        report = {"fullUrl": "http://e.jp/fhir/Observation/o1", "resource": observation("o1", urn)}
        file = write("c.json", bundle(kind, {"fullUrl": urn, "resource": nameless}, report))

        assert run("load", file).exit_code == 0
        key = "Patient/11111111-1111-4111-8111-111111111111"
        assert stored()["Observation/o1"]["subject"]["reference"] == key
        assert key in stored()

    def test_of_a_document_each_entry_is_loaded(self, run: Run, stored: Stored) -> None:
        file = Path(__file__).parents[2] / "profiles" / "examples" / "discharge-summary.json"

        result = run("load", file)

        assert result.exit_code == 0, result.output
        kinds = {key.split("/")[0] for key in stored()}
        assert {"Composition", "Patient", "Condition", "CarePlan"} <= kinds
        assert "Bundle" not in kinds


def test_a_resource_without_an_id_is_the_same_when_it_is_loaded_again(run: Run, write: Write, stored: Stored) -> None:
    file = write("p.json", {"resourceType": "Patient", "gender": "female"})

    run("load", file)
    run("load", file)

    (patient,) = stored().values()
    assert patient["meta"]["versionId"] == "2"


def test_other_processes_prepare_the_same(run: Run, write: Write, stored: Stored) -> None:
    file = write("all.ndjson", PATIENT, *(observation(f"o{n}") for n in range(1000)), "{")

    result = run("load", file, "--workers", "2")

    assert result.exit_code == 1
    assert len(stored()) == 1001
    assert "all.ndjson:1002" in result.output


def test_a_store_in_memory_is_not_loaded(run: Run, write: Write) -> None:
    assert run("load", write("p.json", PATIENT), "--database", "memory://").exit_code == 2
