"""The codes that a value set or a subtree of a code system holds: what `:in`, `:above` and `:below` ask of tokens.

`Terminology` is all that search asks; who searches says who answers.
https://hl7.org/fhir/R4/search.html#modifiers
"""

from typing import Protocol

from fhir_service.fhir.outcome import fhir_error

Member = tuple[str, str | None]
"""System and code; code None stands for every code of a system whose content is not here."""

Members = frozenset[Member]

MOST_MEMBERS = 50_000


class Terminology(Protocol):
    """Who knows code systems and value sets; None is the answer to what is not known."""

    def members(self, value_set: str) -> Members | None:
        """Return the codes of a value set, by its canonical URL (with or without `|version`)."""
        ...

    def below(self, system: str, code: str) -> Members | None:
        """Return a code and all that it subsumes."""
        ...

    def above(self, system: str, code: str) -> Members | None:
        """Return a code and all that subsume it."""
        ...


class NoTerminology:
    """Knows nothing: for searches by what the resources alone tell."""

    def members(self, value_set: str) -> None: ...

    def below(self, system: str, code: str) -> None: ...

    def above(self, system: str, code: str) -> None: ...


def codes_in(terminology: Terminology, value_set: str) -> Members:
    """Return the codes of a value set; raise FhirError (400) if they are not known here or too many."""
    shown = value_set[:200]
    found = terminology.members(value_set)
    if found is None:
        ja = f"ValueSet「{shown}」のコードがこのサーバーでは分からないため、検索に使えません。"
        en = f"The codes of the ValueSet '{shown}' are not known here, so it cannot be searched by."
        raise fhir_error("not-supported", ja, en)
    if len(found) > MOST_MEMBERS:
        ja = f"ValueSet「{shown}」のコードが {MOST_MEMBERS:,} を超えるため、検索に使えません。"
        en = f"The ValueSet '{shown}' has more than {MOST_MEMBERS:,} codes, so it cannot be searched by."
        raise fhir_error("too-costly", ja, en)
    return found


def codes_below(terminology: Terminology, system: str, code: str) -> Members:
    """Return a code and all that it subsumes; raise FhirError (400) if that is not known here."""
    return _known(terminology.below(system, code), system, code)


def codes_above(terminology: Terminology, system: str, code: str) -> Members:
    """Return a code and all that subsume it; raise FhirError (400) if that is not known here."""
    return _known(terminology.above(system, code), system, code)


def _known(found: Members | None, system: str, code: str) -> Members:
    if found is not None:
        return found
    shown = f"{system}|{code}"[:200]
    ja = f"コード「{shown}」の上下関係がこのサーバーでは分からないため、検索に使えません。"
    en = f"What the code '{shown}' subsumes is not known here, so it cannot be searched by."
    raise fhir_error("not-supported", ja, en)
