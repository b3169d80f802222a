"""Our definitions are sound R4, and written as `profiles/README.md` and `terminology/README.md` say."""

import re
from collections import Counter
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import compile as compile_fhirpath
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.validator import Validator
from tests.profiles.files import (
    FOLDERS,
    OUTREACH,
    PROFILES,
    TERMINOLOGY,
    constraints,
    definition_files,
    elements,
    profiles,
    read,
)

JAPANESE = re.compile(r"[぀-ヿ㐀-鿿]")
HEAD = [
    "resourceType", "id", "language", "url", "version", "name", "title", "status", "experimental", "date", "publisher",
    "description",
]  # fmt: skip
STRUCTURE_HEAD = ["fhirVersion", "kind", "abstract"]


@pytest.mark.parametrize("file", definition_files(), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_definition_is_sound_r4(file: Path, definitions: Definitions) -> None:
    definition = read(file)

    issues = Validator(definitions, LoadedTerminology(definitions)).check(definition)

    assert [issue.en for issue in issues if issue.severity == "error"] == []
    assert definition["resourceType"] == FOLDERS[file.parent]


@pytest.mark.parametrize("file", definition_files(), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_definition_is_named_by_its_file(file: Path) -> None:
    definition = read(file)

    assert definition["id"] == file.stem
    if definition["resourceType"] == "NamingSystem":
        assert definition["uniqueId"][0]["value"] == f"{OUTREACH}/IdSystem/{file.stem}"
    else:
        assert definition["url"] == f"{OUTREACH}/{definition['resourceType']}/{file.stem}"


def test_everything_is_loaded_with_the_service(definitions: Definitions) -> None:
    urls = [each["url"] for each in map(read, definition_files()) if "url" in each]

    assert [url for url in urls if definitions.find(url) is None] == []
    assert [url for url, count in Counter(urls).items() if count > 1] == []
    assert {each["id"] for each in definitions.all("NamingSystem")} >= {
        file.stem for file in (PROFILES / "naming-systems").glob("*.json")
    }


@pytest.mark.parametrize("folder", ["structure-definitions", "extensions"])
def test_a_profile_opens_with_its_head(folder: str) -> None:
    definitions = [read(file) for file in sorted((PROFILES / folder).glob("*.json"))]

    heads = {each["id"]: list(each)[: len(HEAD) + len(STRUCTURE_HEAD)] for each in definitions}

    assert {key: head for key, head in heads.items() if head != HEAD + STRUCTURE_HEAD} == {}
    assert {each["id"]: each["fhirVersion"] for each in definitions if each["fhirVersion"] != "4.0.1"} == {}
    assert [each["id"] for each in definitions if "snapshot" in each] == []


def test_texts_are_japanese_first_and_english_beside() -> None:
    texts = [(name, element["id"], element["short"]) for name, element in elements() if "short" in element]
    texts += [(name, rule["key"], rule["human"]) for name, _, rule in constraints()]
    texts += [(file.stem, "description", read(file)["description"]) for file in definition_files()]

    assert [each for each in texts if not _is_bilingual(each[2])] == []


def test_every_profile_has_a_snapshot_with_or_without_jp_core(definitions: Definitions) -> None:
    for file in profiles():
        snapshot = definitions.snapshot(read(file)["url"])

        assert snapshot is not None
        assert [issue.en for issue in snapshot.issues] == [], file.stem
        from_jp_core = read(file)["baseDefinition"].startswith("http://jpfhir.jp/")
        assert not from_jp_core or snapshot.detached_from == read(file)["baseDefinition"]


def test_what_profiles_refer_to_is_there(definitions: Definitions) -> None:
    named = {element["binding"]["valueSet"] for _, element in elements() if "binding" in element}
    named |= {
        profile for _, element in elements() for kind in element.get("type", ()) for profile in kind.get("profile", ())
    }

    assert [url for url in sorted(named) if definitions.find(url) is None] == []


def test_rules_can_be_read_and_are_known_by_one_name(definitions: Definitions) -> None:
    by_key: dict[str, set[str]] = {}
    for _, resource_type, rule in constraints():
        compile_fhirpath(rule["expression"], definitions, context_type=resource_type)
        by_key.setdefault(rule["key"], set()).add(rule["expression"])
        assert rule["source"].startswith(OUTREACH)

    assert {key: found for key, found in by_key.items() if len(found) > 1} == {}


# --- codes


@pytest.mark.parametrize("file", sorted((TERMINOLOGY / "code-systems").glob("*.json")), ids=lambda file: file.stem)
def test_a_concept_is_told_in_both_languages_with_its_source(file: Path) -> None:
    system = read(file)

    wanting = [each["code"] for each in system["concept"] if not _is_told(each)]

    assert wanting == []
    assert len({each["code"] for each in system["concept"]}) == len(system["concept"])
    assert system.get("count", len(system["concept"])) == len(system["concept"])


def test_a_code_system_has_a_value_set_of_all_its_codes() -> None:
    for file in (TERMINOLOGY / "code-systems").glob("*.json"):
        value_set = read(TERMINOLOGY / "value-sets" / file.name)

        assert value_set["compose"]["include"] == [{"system": read(file)["url"]}], file.stem
        assert read(file)["valueSet"] == value_set["url"]


def test_value_sets_name_codes_that_there_are(definitions: Definitions) -> None:
    for file in (TERMINOLOGY / "value-sets").glob("*.json"):
        for include in read(file)["compose"]["include"]:
            if include.get("system", "").startswith(OUTREACH):
                system = definitions.find(include["system"])
                assert system is not None, (file.stem, include["system"])
                known = {each["code"] for each in system["concept"]}
                assert {each["code"] for each in include.get("concept", ())} <= known, file.stem


def _is_bilingual(text: str) -> bool:
    japanese, divider, english = text.partition(" · ")
    told = japanese == english or (JAPANESE.search(japanese) and not JAPANESE.match(english))
    return bool(divider and english and told)


def _is_told(concept: Resource) -> bool:
    english = [each for each in concept.get("designation", ()) if each.get("language") == "en"]
    source = [each for each in concept.get("property", ()) if each["code"] == "source"]
    return bool(concept.get("display") and english and source and _is_bilingual(concept.get("definition", "")))
