"""Code systems and value sets: which codes there are, what they are called, and which are in a value set.

Checks and searches ask through `Terminology`. What cannot be told (a code system that is not here) is None, never no.
https://hl7.org/fhir/R4/terminology-module.html
"""

from collections.abc import Callable
from typing import Protocol

from fhir_service.fhir.resource import Resource

__all__ = ["Contains", "Member", "Terminology"]

Member = tuple[str, str | None]
"""System and code; code None stands for every code of a system whose content is not here."""


Contains = Callable[[str | None, str], bool | None]
"""Whether a code of a system (None: of any) is in a value set; None if that cannot be told."""


class Terminology(Protocol):
    """What checks ask. A value set is named by its canonical URL, with or without `|version`."""

    def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Whether a code is in a value set; None if that cannot be told. Without a system: as of a `code` element."""
        ...

    def composed(self, value_set: Resource) -> Contains:
        """Return what tells of a value set that is given itself whether a code is in it."""
        ...

    def members(self, value_set: str) -> frozenset[Member] | None:
        """Return all codes of a value set, None if it cannot be expanded here."""
        ...

    def has_value_set(self, url: str) -> bool:
        """Whether a value set is known, by its canonical URL."""
        ...

    def valid(self, system: str, code: str) -> bool | None:
        """Whether a code system has a code; None if that cannot be told."""
        ...

    def display(self, system: str, code: str) -> str | None:
        """Return what a code is called by its system, None if that is not known."""
        ...

    def displays(self, system: str, code: str) -> tuple[str, ...]:
        """Return every name of a code: its display and designations in all languages."""
        ...

    def is_supplement(self, system: str) -> bool:
        """Whether this is the URL of what adds to a code system, and is none itself."""
        ...

    def below(self, system: str, code: str) -> frozenset[Member] | None:
        """Return a code and all that it subsumes, None if that cannot be told."""
        ...

    def above(self, system: str, code: str) -> frozenset[Member] | None:
        """Return a code and all that subsume it, None if that cannot be told."""
        ...
