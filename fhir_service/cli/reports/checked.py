"""Files to what is wrong with the resources in them, one by one."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from fhir_service.cli.loading.sources import WHOLE, Item, Place, Unreadable, decoded, find_files, read_files
from fhir_service.fhir.charset import declared
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.definitions.stored import TYPES
from fhir_service.fhir.json import encode
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Key, Resource
from fhir_service.validation.policy import OnDemand, Policy

# The encodings that Japanese systems write, the most telling first.
ENCODINGS = {"iso2022_jp": "ISO-2022-JP (JIS)", "utf_16": "UTF-16", "euc_jp": "EUC-JP", "cp932": "CP932 (Shift_JIS)"}
_JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]").search
_HALF_KANA = re.compile(r"[\uff61-\uff9f]")
_JIS = b"\x1b$"  # the escape by which ISO-2022-JP begins kanji
_DEFINES = re.compile(("(?:" + "|".join(TYPES) + ")").encode()).search
MOST_DEFINITION_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Checked:
    """One resource (or what ought to be one), where it stands, and what is to say about it."""

    place: Place
    name: str
    issues: tuple[Issue, ...]

    def count(self, *severities: str) -> int:
        return sum(issue.severity in severities for issue in self.issues)

    @property
    def is_wrong(self) -> bool:
        return self.count("error", "fatal") > 0


class Wanted(NamedTuple):
    """What somebody asks besides what the policy does: profiles to check against, and what is told on demand."""

    profiles: Sequence[str]
    on_demand: OnDemand


def check_files(paths: Sequence[Path], policy: Policy, definitions: Definitions, wanted: Wanted) -> Iterator[Checked]:
    """Give what is found in each resource of the files and folders, in their order."""
    files = find_files(paths)
    if not files:
        yield _unreadable(
            Unreadable(Place(str(paths[0])), "検証できるファイルがありません。 / There is no file to validate.")
        )
    know_definitions(files, definitions)
    for chunk in read_files(files):
        if isinstance(chunk, Unreadable):
            yield _unreadable(chunk)
        else:
            for item in chunk.items():
                yield _checked(item, policy, definitions, wanted)


def know_definitions(files: Iterable[Path], definitions: Definitions) -> None:
    """Have profiles, value sets and questionnaires among the files known when the others are checked."""
    for file in files:
        if file.suffix in WHOLE and file.stat().st_size <= MOST_DEFINITION_BYTES:
            data = file.read_bytes()
            if _DEFINES(data[:4_000]) is None:
                continue
            try:
                resource = decoded(Item(Place(str(file)), WHOLE[file.suffix], data), definitions)
            except FhirError:
                continue  # told when its turn comes
            if resource["resourceType"] in TYPES and isinstance(resource.get("url"), str):
                definitions.put(Key(resource["resourceType"], str(file)), encode(resource))


def _checked(item: Item, policy: Policy, definitions: Definitions, wanted: Wanted) -> Checked:
    found = _found(item, policy, definitions, wanted)
    if item.place.line is None:
        return found
    return replace(found, issues=tuple(_in_the_file(each, item.place.line) for each in found.issues))


def _in_the_file(issue: Issue, first: int) -> Issue:
    """Return an issue of a text that begins at this line of its file, with the line of the file."""
    return issue if issue.line is None else replace(issue, line=issue.line + first - 1)


def _found(item: Item, policy: Policy, definitions: Definitions, wanted: Wanted) -> Checked:
    issues: list[Issue] = []
    wrong_encoding = _encoding_issue(item.data) if not _names_encoding(item) else None
    if wrong_encoding is not None:
        issue, encoding = wrong_encoding
        issues.append(issue)
        if encoding is None:
            return Checked(item.place, "", tuple(issues))
        item = item._replace(data=item.data.decode(encoding).encode())
    try:
        resource = decoded(item, definitions)
    except FhirError as error:
        return Checked(item.place, "", (*issues, *error.issues))
    found = sorted(
        policy.validate(resource, wanted.profiles, on_demand=wanted.on_demand),
        key=lambda each: ORDER.get(each.severity, 0),
    )
    return Checked(item.place, _name(resource), (*issues, *found))


ORDER = {"fatal": 0, "error": 0, "warning": 1, "information": 2}


def _names_encoding(item: Item) -> bool:
    """Whether a text says itself that it is in another encoding than UTF-8, and is read so."""
    return item.format == "xml" and declared(item.data) not in (None, "utf-8")


def _encoding_issue(data: bytes) -> tuple[Issue, str | None] | None:
    """Return that a text is not in UTF-8, and in which encoding it is by all appearance."""
    start = data.find(_JIS)
    if start < 0:
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            start = error.start
        else:
            return None
    encoding = next((each for each in ENCODINGS if _reads_as_japanese(data, each)), None)
    shown = ENCODINGS.get(encoding or "", "")
    ja = f"UTF-8 ではありません{f'({shown} のようです)' if shown else ''}。UTF-8 で保存し直してください。"
    en = f"It is not in UTF-8{f' but, it seems, in {shown}' if shown else ''}: save it in UTF-8."
    line, column = data.count(b"\n", 0, start) + 1, start - data.rfind(b"\n", 0, start)
    return Issue("invalid", ja, en, line=line, column=column, rule="encoding"), encoding


def _reads_as_japanese(data: bytes, encoding: str) -> bool:
    if (encoding == "utf_16" and b"\0" not in data) or (encoding == "iso2022_jp" and _JIS not in data):
        return False
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, UnicodeError):
        return False
    return _JAPANESE(text) is not None and len(_HALF_KANA.findall(text)) * 2 < len(text)


def _name(resource: Resource) -> str:
    id_ = resource.get("id")
    return f"{resource['resourceType']}/{id_}" if isinstance(id_, str) else str(resource["resourceType"])


def _unreadable(found: Unreadable) -> Checked:
    ja, _, en = found.reason.partition(" / ")
    return Checked(found.place, "", (Issue("not-found", ja, en or ja, severity="fatal"),))
