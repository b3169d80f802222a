"""Code systems of other bodies, known by list or by grammar; of all others that are not here nothing can be told.

https://hl7.org/fhir/R4/terminologies-systems.html
"""

import re
import zoneinfo
from collections.abc import Callable
from functools import lru_cache

from fhir_service.fhir.fhirpath import ucum
from fhir_service.fhir.fhirpath.error import FhirPathError
from fhir_service.fhir.fhirpath.regex import pattern
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.code_lists import COUNTRIES, CURRENCIES, LANGUAGES
from fhir_service.terminology.extent import UNKNOWN, WHOLE, Extent, Rule

# https://www.rfc-editor.org/rfc/rfc5646#section-2.1
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})"
    r"(?:-[a-z]{4})?(?:-(?:(?P<region>[a-z]{2})|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wyz](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+|i-[a-z]{2,8}",
    re.IGNORECASE,
).fullmatch
# https://www.rfc-editor.org/rfc/rfc6838#section-4.2, with the parameters of RFC 2045
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&\-^_.+]{0,126}"
_MIME = re.compile(rf"{_NAME}/(?:{_NAME}|\*)(?:\s*;\s*[\w!#$%&'*+.^`|~-]+=(?:[^;\"]+|\"[^\"]*\"))*").fullmatch
# What `_format` takes in place of a MIME type: https://hl7.org/fhir/R4/http.html#mime-type
_FORMATS = frozenset({"xml", "json", "ttl"})
# R4 has some annotations with spaces: https://hl7.org/fhir/R4/valueset-ucum-common.html
_SPACED = re.compile(r"\{[ -z|~]*\}")
_SUBDIVISION = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,3}").fullmatch


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    return frozenset(code for each in COUNTRIES.split() for code in (each[:2], each[2:5], each[5:]))


@lru_cache(maxsize=1)
def _languages() -> tuple[frozenset[str], frozenset[str]]:
    """The codes of two letters, and those of three whose language has one of two, which are not used in tags."""
    return frozenset(each[:2] for each in LANGUAGES.split()), frozenset(each[2:] for each in LANGUAGES.split())


def _is_language(code: str) -> bool | None:
    """Whether this is a language tag; the registry of the rarer subtags is not here."""
    found = _TAG(code)
    if found is None:
        return False
    short, replaced = _languages()  # of four letters and more, no language is registered
    language, region = (found["language"] or "").lower(), (found["region"] or "").upper()
    if region and region not in _countries() and region not in ("EU", "UN", "XK", "ZZ"):
        return False
    first = language.partition("-")[0]
    return first in short if len(first) == 2 else len(first) < 4 and first not in replaced


def _is_mime(code: str) -> bool:
    return code in _FORMATS or _MIME(code) is not None


def _is_unit(code: str) -> bool:
    """Whether this is a unit."""
    return ucum.unit(_SPACED.sub("{}", code)) is not None


def _is_place(code: str) -> bool | None:
    """Whether this is a country, or may be a part of one."""
    found = _SUBDIVISION(code)
    return code in _countries() if found is None else None if found[1] in _countries() else False


def _is_subdivision(code: str) -> bool | None:
    found = _SUBDIVISION(code)
    return None if found is not None and found[1] in _countries() else False


def _rule(test: Callable[[str], bool | None]) -> Callable[[], Extent]:
    return lambda: Rule(test, whole=True)


# https://hl7.org/fhir/R4/terminologies-systems.html
SYSTEMS: dict[str, Callable[[], Extent]] = {
    "urn:ietf:bcp:47": _rule(_is_language),
    "urn:ietf:bcp:13": _rule(_is_mime),
    "urn:ietf:rfc:3986": _rule(lambda code: bool(code) and not any(each.isspace() for each in code)),
    "urn:iso:std:iso:3166": _rule(_is_place),
    "urn:iso:std:iso:3166:-2": _rule(_is_subdivision),
    "urn:iso:std:iso:4217": lambda: frozenset(CURRENCIES.split()),
    ucum.SYSTEM: _rule(_is_unit),
    "https://www.iana.org/time-zones": lambda: frozenset(zoneinfo.available_timezones()),
}


@lru_cache(maxsize=len(SYSTEMS))
def _made(system: str) -> Extent:
    return SYSTEMS[system]()


def external(system: str) -> Extent:
    """Return the codes of a system whose content is not among the definitions."""
    return _made(system) if system in SYSTEMS else WHOLE


def external_filter(system: str, filter_: Resource) -> Extent:
    """Return what a filter picks of a system whose content is not among the definitions."""
    match filter_:
        case {"property": "code" | "concept", "op": "regex", "value": str(expression)}:
            try:
                matches = pattern(expression).fullmatch
            except FhirPathError:
                return UNKNOWN
            return Rule(lambda code: matches(code) is not None)
        case {"property": "canonical", "op": "=", "value": str(canonical)} if system == ucum.SYSTEM:
            wanted = ucum.unit(canonical)
            return UNKNOWN if wanted is None else Rule(lambda code: _has_dimension(code, wanted.dimension))
        case _:
            return UNKNOWN


def _has_dimension(code: str, dimension: ucum.Dimension) -> bool | None:
    # https://hl7.org/fhir/R4/ucum.html: the property `canonical` is the code in base units
    found = ucum.unit(code)
    return None if found is None else found.dimension == dimension
