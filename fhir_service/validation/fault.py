"""A fault that a check found: what it is, and where below the checked value it lies."""

from typing import NamedTuple

from fhir_service.fhir.outcome import Issue, IssueType, Severity


class Fault(NamedTuple):
    """One fault; `path` leads to it from the checked value (`.name[0].family`), empty for the value itself.

    It is none where the resource contains one with the id `unless_contained`.
    """

    path: str
    code: IssueType
    ja: str
    en: str
    severity: Severity = "error"
    unless_contained: str | None = None

    def below(self, step: str) -> "Fault":
        """Return the fault as seen from one step further up."""
        return Fault(step + self.path, self.code, self.ja, self.en, self.severity, self.unless_contained)

    def issue(self, root: str) -> Issue:
        return Issue(self.code, self.ja, self.en, expression=(root + self.path,), severity=self.severity)


Faults = list[Fault] | None
"""What a check returns: None where nothing is wrong, which costs nothing to carry up."""
