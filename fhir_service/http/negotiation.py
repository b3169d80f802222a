"""Formats: what the client can read (Accept, `_format`, `_pretty`) and what it sends (Content-Type).

https://hl7.org/fhir/R4/http.html#mime-type
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from fhir_service.fhir.charset import CHARSETS, codec_of
from fhir_service.fhir.outcome import FhirError, fhir_error

Format = Literal["json", "xml"]
BodyFormat = Literal["json", "xml", "form", "xml-patch", "graphql", "bytes"]

# In the order in which we would rather answer.
OFFERED: dict[str, Format] = {
    "application/fhir+json": "json",
    "application/json": "json",
    "text/json": "json",
    "application/fhir+xml": "xml",
    "application/xml": "xml",
    "text/xml": "xml",
    # Of DSTU2: "Servers may also support the older mime types, and are encouraged to do so to smooth the transition"
    "application/json+fhir": "json",
    "application/xml+fhir": "xml",
}
_CONTENT_TYPES = {name: f"{name}; charset=utf-8".encode() for name in OFFERED}
# https://hl7.org/fhir/R4/http.html#parameters: `_format` may also be short
_SHORT = {"json": "application/fhir+json", "xml": "application/fhir+xml"}
FORM = "application/x-www-form-urlencoded"
ACCEPTED: dict[str, BodyFormat] = {
    **OFFERED,
    "application/json-patch+json": "json",
    "application/merge-patch+json": "json",
    "application/xml-patch+xml": "xml-patch",
    FORM: "form",
    "application/graphql": "graphql",
    "application/gzip": "bytes",
    "application/x-gzip": "bytes",
    "application/octet-stream": "bytes",
}
FHIR_VERSIONS = frozenset({"4.0", "4.0.1"})  # https://hl7.org/fhir/R4/versioning.html#mt-version


class MediaType(NamedTuple):
    """`application/fhir+json; charset=utf-8`, taken apart; names are in lower case."""

    name: str
    parameters: dict[str, str]


class Representation(NamedTuple):
    """How to answer: the format, the media type as the client called it, and whether for human eyes."""

    format: Format
    media_type: str
    pretty: bool = False

    @property
    def content_type(self) -> bytes:
        """The Content-Type of the answer."""
        return _CONTENT_TYPES[self.media_type]


JSON = Representation("json", "application/fhir+json")


class ContentType(NamedTuple):
    """What a body is: its format, its media type, and the Python name of its charset (None: it does not say)."""

    format: BodyFormat
    media_type: str
    charset: str | None


def representation(accept: str | None, query: Sequence[tuple[str, str]]) -> Representation:
    """Return how to answer; `_format` goes before Accept. 406 if the client can read nothing that we write."""
    asked = dict(query)
    chosen = _of_format(asked["_format"]) if asked.get("_format") else acceptable(accept)
    if not (pretty := asked.get("_pretty")):
        return chosen
    if pretty not in ("true", "false"):
        ja = f"「_pretty」の値「{pretty[:40]}」は使えません。使えるもの: true, false"
        en = f"The value '{pretty[:40]}' of '_pretty' is not allowed. Allowed: true, false"
        raise fhir_error("value", ja, en, status=400)
    return chosen._replace(pretty=pretty == "true")


@lru_cache(maxsize=512)
def acceptable(accept: str | None) -> Representation:
    """Return the best of what we offer by Accept's q-values, the most specific range deciding for each type."""
    if not accept:
        return JSON
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    best: tuple[float, int, int] | None = None
    name = ""
    for offered in OFFERED:
        fits = [(fit, -place, q) for place, (media, q) in enumerate(ranges) if (fit := _fit(media, offered))]
        if not fits:
            continue
        fit, place, q = max(fits)
        if q > 0 and (best is None or (q, fit, place) > best):
            best, name = (q, fit, place), offered
    if best is None:
        raise _not_acceptable(accept)
    return Representation(OFFERED[name], name)


def names_fhir(accept: str, query: Sequence[tuple[str, str]]) -> bool:
    """Whether a client says a type of FHIR, not just `*/*` or nothing."""
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    return bool(dict(query).get("_format")) or any(q > 0 and media.name in OFFERED for media, q in ranges)


@lru_cache(maxsize=512)
def content_type(header: str | None) -> ContentType:
    """Return what a body is; 415 if it does not say, or if it is nothing that we read."""
    if not header:
        raise _unsupported("Content-Typeがありません", "There is no Content-Type")
    media = parse_media_type(header)
    if (format_ := ACCEPTED.get(media.name)) is None:
        raise _unsupported(f"{media.name[:80]}は扱えません", f"{media.name[:80]} is not supported")
    if media.parameters.get("fhirversion", "4.0") not in FHIR_VERSIONS:
        raise _unsupported("FHIRのこの版は扱えません", "This version of FHIR is not supported")
    charset = media.parameters.get("charset")
    if charset is not None and codec_of(charset) is None:
        raise _unsupported(f"文字コード{charset[:40]}は扱えません", f"The charset {charset[:40]} is not supported")
    return ContentType(format_, media.name, charset and codec_of(charset))


def is_fhir(header: str) -> bool:
    """Whether a Content-Type is one in which resources are sent."""
    return parse_media_type(header).name in OFFERED


def parse_media_type(text: str) -> MediaType:
    """Take a media type apart."""
    name, *rest = text.split(";")
    pairs = (part.partition("=") for part in rest)
    return MediaType(
        name.strip().lower(), {key.strip().lower(): value.strip().strip('"').lower() for key, _, value in pairs}
    )


def _of_format(text: str) -> Representation:
    media = parse_media_type(text)
    called = media.name.replace(" ", "+")  # an unescaped + has become a space
    name = _SHORT.get(called, called)
    if name not in OFFERED or media.parameters.get("fhirversion", "4.0") not in FHIR_VERSIONS:
        raise _not_acceptable(text)
    return Representation(OFFERED[name], name)


def _range(text: str) -> tuple[MediaType, float]:
    media = parse_media_type(text)
    try:
        return media, min(max(float(media.parameters.get("q", "1")), 0.0), 1.0)
    except ValueError:
        return media, 0.0


def _fit(media: MediaType, offered: str) -> int:
    """How closely a range of Accept fits a media type that we offer: 0 not at all, 3 exactly."""
    if media.parameters.get("fhirversion", "4.0") not in FHIR_VERSIONS:
        return 0
    if media.name == offered:
        return 3
    if media.name == f"{offered.partition('/')[0]}/*":
        return 2
    return int(media.name == "*/*")


def _not_acceptable(asked: str) -> FhirError:
    offered = ", ".join(OFFERED)
    return fhir_error(
        "not-supported",
        f"求められた形式({asked[:200]})では答えられません。対応する形式: {offered}。",
        f"Nothing in the format asked for ({asked[:200]}); this server writes {offered}.",
        status=406,
    )


def _unsupported(ja: str, en: str) -> FhirError:
    types, charsets = ", ".join(ACCEPTED), ", ".join(CHARSETS.values())
    return fhir_error(
        "not-supported",
        f"{ja}。対応する形式: {types}。文字コード: {charsets}。",
        f"{en}. This server reads {types}, in {charsets}.",
        status=415,
    )
