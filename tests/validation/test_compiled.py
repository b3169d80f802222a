"""What was made of definitions is kept on disk, and never used when it is out of date or damaged."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Key, Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.compiled import MOST_FILES, Compiled
from fhir_service.validation.pack import Pack
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
        kept = Compiled(tmp_path / "compiled", definitions)
        return Validator(definitions, LoadedTerminology(definitions, kept), compiled=kept)

    return started


def files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file())


def not_again(*_: object) -> None:
    raise AssertionError("what was kept is made again")


def errors(issues: list[Issue]) -> set[str | None]:
    return {issue.rule for issue in issues if issue.severity == "error"}


def test_a_second_start_makes_no_snapshot(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = profile("Patient", element("Patient.gender", min=1))
    first = start(wanted).check(NAMED)

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


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-9],  # a crash while it was written
        lambda data: b"x" * 40 + data[40:],  # no head to begin with
        lambda data: data.replace(b"Patient", b"Patience"),
        lambda data: data + bytes(200),
    ],
)
def test_what_is_damaged_is_made_anew(
    start: Start, tmp_path: Path, damage: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = profile("Patient", element("Patient.gender", min=1))
    first = start(wanted).check(NAMED)
    [file] = files(tmp_path)
    file.write_bytes(damage(file.read_bytes()))

    again = start(wanted).check(NAMED)
    monkeypatch.setattr(Definitions, "snapshot", not_again)
    monkeypatch.setattr(Definitions, "find", not_again)

    assert again == first
    assert start(wanted).check(NAMED) == first


def test_several_that_write_at_once_keep_what_each_of_them_made(tmp_path: Path) -> None:
    packs = [Pack(tmp_path / "pack") for _ in range(4)]

    with ThreadPoolExecutor() as pool:
        for number, pack in enumerate(packs):
            pool.submit(lambda each, own: [each.append(f"{own} {n}", bytes(n)) for n in range(200)], pack, number)

    again = Pack(tmp_path / "pack")
    assert all(again.get(f"{number} {n}") == bytes(n) for number in range(4) for n in range(200))


def test_codes_are_looked_up_in_what_was_kept_as_in_what_was_read(tmp_path: Path) -> None:
    definitions = Definitions.load()
    urls = {kind: [each["url"] for each in definitions.all(kind)] for kind in ("ValueSet", "CodeSystem")}
    read = LoadedTerminology(definitions)

    def kept() -> LoadedTerminology:
        return LoadedTerminology(definitions, Compiled(tmp_path, definitions))

    def told(by: LoadedTerminology) -> Iterator[object]:
        for url in urls["ValueSet"]:
            yield (
                url,
                by.members(url),
                by.contains(url, "http://unitsofmeasure.org", "kg"),
                by.contains(url, None, "ja"),
            )
        for url in urls["CodeSystem"]:
            yield url, by.is_supplement(url), by.valid(url, "none"), by.valid(url, "active")
            yield url, by.display(url, "active"), by.displays(url, "active"), by.display(url, "none")

    first = list(told(kept()))

    assert first == list(told(read))
    assert list(told(kept())) == first


def test_where_nothing_can_be_written_nothing_is_kept_and_nothing_fails(start: Start, tmp_path: Path) -> None:
    (tmp_path / "compiled").write_text("in the way")

    assert errors(start(profile("Patient", element("Patient.gender", min=1))).check(NAMED)) == {"min"}


def test_what_was_made_of_former_definitions_goes(start: Start, tmp_path: Path) -> None:
    for number in range(MOST_FILES + 2):
        start(profile("Patient", element("Patient.name", max=str(number + 1)))).check(NAMED)

    assert len(list((tmp_path / "compiled").iterdir())) == MOST_FILES


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Validator, Callable[[], Validator]]:
    """A validator that keeps what it makes, and a function that gives one that reads it."""
    folder = tmp_path_factory.mktemp("data") / "compiled"
    definitions = Definitions.load()
    compiled = Compiled(folder, definitions)

    def again() -> Validator:
        return Validator(definitions, LoadedTerminology(definitions, compiled), compiled=compiled)

    return again(), again
