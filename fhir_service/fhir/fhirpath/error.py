"""What goes wrong with an expression: one error, in Japanese and English, with the place in the expression.

https://hl7.org/fhirpath/N1/#operations
"""

from typing import Self

from fhir_service.fhir.outcome import FhirError, Issue, IssueType

SHOWN = 200  # characters of an expression that a message repeats


class FhirPathError(FhirError):
    """The expression cannot be read (400), or cannot be evaluated on this input (422)."""

    def __init__(self, ja: str, en: str, *, code: IssueType = "invalid", status: int = 400) -> None:
        super().__init__(Issue(code, ja, en), status=status)
        self.position: int | None = None

    def at(self, position: int) -> Self:
        """Return the error with its place, unless an inner expression has told a nearer one."""
        if self.position is None:
            self.position = position
        return self

    def within(self, text: str) -> Self:
        """Return the error with line, column and the expression that it is about."""
        issue = self.issues[0]
        if issue.diagnostics is None:
            before = text[: self.position or 0]
            line = before.count("\n") + 1
            column = len(before) - (before.rfind("\n") + 1) + 1
            where = f"FHIRPath {line}:{column}: {text if len(text) <= SHOWN else text[:SHOWN] + '…'}"
            self.issues = (Issue(issue.code, issue.ja, issue.en, line=line, column=column, diagnostics=where),)
        return self


def unreadable(ja: str, en: str) -> FhirPathError:
    """Return the error of an expression that is wrong whatever it is evaluated on (400)."""
    return FhirPathError(ja, en)


def failed(ja: str, en: str) -> FhirPathError:
    """Return the error of an expression that cannot be evaluated on this input (422)."""
    return FhirPathError(ja, en, code="processing", status=422)


def too_costly() -> FhirPathError:
    """Return the error of an evaluation that takes more steps than it may (422)."""
    ja = "FHIRPath式の評価が制限を超えました。"
    return FhirPathError(
        ja, "The evaluation of this FHIRPath expression goes past its limit.", code="too-costly", status=422
    )
