"""A stored version as an answer: its ETag, Last-Modified and Location, and why there is none.

https://hl7.org/fhir/R4/http.html#versioning
"""

from email.utils import formatdate
from functools import lru_cache

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.resource import Key
from fhir_service.storage.store import Version


def etag(version: Version) -> str:
    """Return the weak ETag of a version: `W/"3"`."""
    return f'W/"{version.version}"'


@lru_cache(maxsize=8192)  # resources that were written in the same second share it
def http_date(seconds: int) -> str:
    """Return seconds since 1970 as HTTP writes it: `Sun, 22 Nov 2026 14:38:21 GMT`."""
    return formatdate(seconds, usegmt=True)


def version_headers(version: Version) -> tuple[tuple[str, str], ...]:
    """Return ETag and Last-Modified."""
    return (("ETag", etag(version)), ("Last-Modified", http_date(version.updated // 1_000_000)))


def location(base: str, version: Version) -> str:
    """Return the version's own URL: `[base]/Patient/1/_history/3`."""
    return f"{base}/{version.key.type}/{version.key.id}/_history/{version.version}"


def standing(key: Key, version: Version | None) -> Version:
    """Return the version if there is one to show; else raise 404 (never there) or 410 (deleted).

    https://hl7.org/fhir/R4/http.html#read
    """
    if version is None:
        raise not_found(str(key))
    if version.deleted:
        raise fhir_error("deleted", f"{key}は削除されています。", f"{key} has been deleted.")
    return version


def not_found(what: str) -> FhirError:
    """Return the error for something that was never there (404)."""
    return fhir_error("not-found", f"{what}は見つかりません。", f"{what} is not known.")
