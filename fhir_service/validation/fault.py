"""A fault that a check found: what it is, and where below the checked value it lies."""

from typing import NamedTuple

from fhir_service.fhir.outcome import Issue, IssueType, Severity

# The rules that say of a profile that nothing was checked by it, or not to the end.
UNCHECKED = frozenset({"profile-unknown", "profile-unusable", "profile-unfinished"})


class Fault(NamedTuple):
    """One fault; `path` leads to it from the checked value (`.name[0].family`), empty for the value itself.

    `rule` is the short name of what is broken (`pat-1`, `binding`), `profile` the canonical of the definition that asks
    for it, where that is not R4's own of the type. `unless_at` are the places (`Patient.name`) where it is none.
    """

    path: str
    code: IssueType
    ja: str
    en: str
    severity: Severity = "error"
    rule: str | None = None
    profile: str | None = None
    unless_at: frozenset[str] | None = None

    def below(self, step: str) -> "Fault":
        """Return the fault as seen from one step further up."""
        return self._replace(path=step + self.path)

    def issue(self, root: str) -> Issue:
        return Issue(
            self.code,
            self.ja,
            self.en,
            expression=(root + self.path,),
            severity=self.severity,
            rule=self.rule,
            profile=self.profile,
        )


Faults = list[Fault] | None
"""What a check returns: None where nothing is wrong, which costs nothing to carry up."""

STRUCTURAL = frozenset({"structure", "required", "value"})
"""Codes of the faults, those of no named rule, after which a value is not of its type."""


def has_error(faults: list[Fault]) -> bool:
    """Whether one of these faults refuses the resource."""
    return any(fault.severity in ("error", "fatal") for fault in faults)


def gravest(faults: list[Fault], most: int) -> list[Fault]:
    """Return this many of the faults, errors first.

    The first of each rule is among them: a policy may make what breaks another rule a warning, or an error.
    """
    seen: set[tuple[str | None, str]] = set()

    def rank(fault: Fault) -> tuple[bool, bool]:
        again = (fault.rule, fault.severity) in seen
        seen.add((fault.rule, fault.severity))
        return again, not has_error([fault])

    return sorted(sorted(faults, key=rank)[:most], key=lambda fault: not has_error([fault]))


def is_sound(faults: list[Fault]) -> bool:
    """Whether none of these faults says that the value has not the shape of its type."""
    return not any(each.rule is None and each.severity == "error" and each.code in STRUCTURAL for each in faults)
