"""What was made of definitions is kept on disk, and never used when it is out of date or damaged."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Key, Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.compiled import MOST_FOLDERS
from fhir_service.validation.validator import Validator
from tests.validation.profile.conftest import URL, element, profile

EXAMPLES = Path(__file__).parents[2] / "profiles" / "examples"
NAMED = {"resourceType": "Patient", "name": [{"text": "a"}], "meta": {"profile": [f"{URL}test"]}}

Start = Callable[..., Validator]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Return a function that starts anew on one data directory, with these definitions stored there."""

    def started(*stored: Resource) -> Validator:
        definitions = Definitions.load()
        for number, each in enumerate(stored):
            definitions.put(Key("StructureDefinition", str(number)), json.dumps(each).encode())
        return Validator(definitions, LoadedTerminology(definitions), compiled=tmp_path / "compiled")

    return started


def files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file())


def errors(issues: list[Issue]) -> set[str | None]:
    return {issue.rule for issue in issues if issue.severity == "error"}


def test_a_second_start_makes_no_snapshot(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = profile("Patient", element("Patient.gender", min=1))
    first = start(wanted).check(NAMED)

    def not_again(*_: object) -> None:
        raise AssertionError("a snapshot is made again")

    monkeypatch.setattr(Definitions, "snapshot", not_again)

    assert errors(first) == {"min"}
    assert start(wanted).check(NAMED) == first


@pytest.mark.parametrize(
    "file", sorted(EXAMPLES.glob("outreach-*/*.json")), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_what_is_kept_says_what_was_made(kept: tuple[Validator, Callable[[], Validator]], file: Path) -> None:
    resource = json.loads(file.read_bytes())
    made, again = kept

    first = made.check(resource)

    assert again().check(resource) == first


def test_another_definition_is_not_checked_by_what_was_kept(start: Start) -> None:
    by_gender = start(profile("Patient", element("Patient.gender", min=1))).check(NAMED)
    by_name = start(profile("Patient", element("Patient.name", max="0"))).check(NAMED)

    assert (errors(by_gender), errors(by_name)) == ({"min"}, {"max"})


def test_a_definition_that_is_stored_while_the_server_runs_is_checked_as_it_is_then(start: Start) -> None:
    validator = start(profile("Patient", element("Patient.gender", min=1)))
    before = validator.check(NAMED)

    changed = profile("Patient", element("Patient.name", max="0"))
    validator.definitions.put(Key("StructureDefinition", "0"), json.dumps(changed).encode())

    assert (errors(before), errors(validator.check(NAMED))) == ({"min"}, {"max"})


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-9], lambda data: b"x" + data[1:]])
def test_a_damaged_file_is_made_anew(start: Start, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    wanted = profile("Patient", element("Patient.gender", min=1))
    first = start(wanted).check(NAMED)
    whole = {file: file.read_bytes() for file in files(tmp_path)}
    for file, data in whole.items():
        file.write_bytes(damage(data))

    again = start(wanted).check(NAMED)

    assert again == first
    assert {file: file.read_bytes() for file in files(tmp_path)} == whole


def test_where_nothing_can_be_written_nothing_is_kept_and_nothing_fails(start: Start, tmp_path: Path) -> None:
    (tmp_path / "compiled").write_text("in the way")

    assert errors(start(profile("Patient", element("Patient.gender", min=1))).check(NAMED)) == {"min"}


def test_the_folders_of_former_definitions_go(start: Start, tmp_path: Path) -> None:
    for number in range(MOST_FOLDERS + 2):
        start(profile("Patient", element("Patient.name", max=str(number + 1)))).check(NAMED)

    assert len(list((tmp_path / "compiled").iterdir())) == MOST_FOLDERS


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Validator, Callable[[], Validator]]:
    """A validator that keeps what it makes, and a function that gives one that reads it."""
    folder = tmp_path_factory.mktemp("data") / "compiled"
    definitions = Definitions.load()
    terminology = LoadedTerminology(definitions)

    def again() -> Validator:
        return Validator(definitions, terminology, compiled=folder)

    return again(), again
