"""What goes wrong with an expression: one error, in Japanese and English, with the place in the expression.

https://hl7.org/fhirpath/N1/#operations
"""

from typing import Self

from fhir_service.fhir.outcome import FhirError, Issue, IssueType

SHOWN = 200  # characters of an expression that a message repeats
NEAR = 40  # those before and behind the place of an error


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

    def said(self, text: str) -> tuple[str, str]:
        """Return what is wrong with an expression, with the place in it, in Japanese and English, without a full stop.

        It is shown from a little before the place on.
        """
        issue, at = self.within(text).issues[0], self.position
        if at is None:
            return issue.ja.rstrip("。"), issue.en.rstrip(".")
        start = max(at - NEAR, 0)
        near = " ".join(text[start : at + NEAR].split())
        shown = f"{'…' if start else ''}{near}{'…' if at + NEAR < len(text) else ''}"
        line, column = issue.line, issue.column
        ja = f"{issue.ja.rstrip('。')}(式の {line} 行 {column} 桁: {shown})"
        return ja, f"{issue.en.rstrip('.')} (line {line}, column {column} of it: {shown})"


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
