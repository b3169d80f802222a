"""What a request says about the version it means: If-Match, If-None-Match, If-Modified-Since.

https://hl7.org/fhir/R4/http.html#concurrency and https://hl7.org/fhir/R4/http.html#cread
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.interactions.answers.versions import etag
from fhir_service.storage.store import Version

# FHIR's ETags are weak; clients also send the strong form and, against RFC 7232, the bare version id (fhirpy).
_ETAG = re.compile(r'(?:W/)?"([A-Za-z0-9\-.]{1,64})"|([0-9]{1,64})').fullmatch


@dataclass(frozen=True, slots=True)
class Expected:
    """What must stand for a write to go on: one of these versions (0: none at all), or any if there are none here."""

    versions: frozenset[int]

    def allows(self, actual: int) -> bool:
        """Whether it may go on where this version stands (0: none)."""
        return actual in self.versions if self.versions else actual > 0

    @property
    def only(self) -> int | None:
        """The version, if it is one that has to stand."""
        return next(iter(self.versions)) if len(self.versions) == 1 else None


_ANY = Expected(frozenset())
_NONE = Expected(frozenset((0,)))


def expected(headers: Mapping[str, str]) -> Expected | None:
    """Return what must stand for a write by If-Match (ETags, or `*`: any) or `If-None-Match: *`; None for anything.

    A version id that this server would never have given is -1, which stands nowhere. 400 for what is no ETag.
    https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1
    """
    if (match := headers.get("if-match")) is not None:
        if match.strip() == "*":
            return _ANY
        return Expected(frozenset(_number(version) or -1 for version in _versions("If-Match", match)))
    return _NONE if headers.get("if-none-match", "").strip() == "*" else None


def keep_expected(headers: Mapping[str, str], version: Version) -> None:
    """Raise 412 if the client expects another version than stands."""
    asked = expected(headers)
    if asked is not None and not asked.allows(version.version):
        raise version_conflict(str(version.key), version)


def is_current(version: Version, headers: Mapping[str, str]) -> bool:
    """Whether the client says it has this version already, so that 304 is the answer.

    If-None-Match goes before If-Modified-Since, which is ignored where it is no HTTP date
    (https://www.rfc-editor.org/rfc/rfc9110#section-13.1.3).
    """
    if (none_match := headers.get("if-none-match")) is not None:
        if none_match.strip() == "*":
            return True
        return version.version in map(_number, _versions("If-None-Match", none_match))
    since = _seconds(headers.get("if-modified-since", ""))
    return since is not None and version.updated // 1_000_000 <= since


def version_conflict(what: str, actual: Version | int) -> FhirError:
    """Return the error for an If-Match that does not name the version that stands (412)."""
    number = actual if isinstance(actual, int) else actual.version
    stands = f'W/"{number}"' if isinstance(actual, int) else etag(actual)
    now_ja, now_en = (
        (f"現在の版は{stands}", f"now {stands} stands") if number else ("現在の版はなし", "none stands now")
    )
    return fhir_error(
        "conflict",
        f"{what}の版が指定と一致しません({now_ja})。読み直してからやり直してください。",
        f"{what} is not at the version asked for ({now_en}); read it again and retry.",
        status=412,
    )


def _versions(name: str, text: str) -> list[str]:
    found = [_ETAG(part.strip()) for part in text.split(",")]
    if not all(found):
        raise _malformed(name, text)
    return [match[1] or match[2] for match in found if match]


def _number(version: str) -> int:
    return int(version) if version.isdecimal() and len(version) < 19 else 0


def _seconds(text: str) -> float | None:
    """Return the seconds since 1970 of an HTTP date, None if it is none."""
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None


def _malformed(name: str, text: str) -> FhirError:
    shown = text[:80]
    return fhir_error(
        "value",
        f'{name}ヘッダーの値「{shown}」が読めません(ETagは W/"3" の形)。',
        f'The value "{shown}" of the {name} header cannot be read (an ETag is W/"3").',
    )
