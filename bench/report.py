"""The figures as a table: for the eye, for docs/performance.md, and as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
RESULTS = Path(__file__).with_name("results")
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
COLUMNS = ("measurement", "result", "p50 ms", "p99 ms", "CPU µs", "of ceiling", "goal", "")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `compared` is what the goal speaks of; `at_least` says in which direction."""

    name: str
    result: str
    compared: float
    goal: float | None = None
    at_least: bool = True
    goal_text: str = ""
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None
    ratio: float | None = None
    failed: int = 0

    @property
    def met(self) -> str:
        if self.failed:
            return f"{self.failed} failed"
        if self.goal is None:
            return ""
        return "met" if (self.compared >= self.goal if self.at_least else self.compared <= self.goal) else "missed"

    def cells(self) -> tuple[str, ...]:
        numbers = (_number(self.p50, 2), _number(self.p99, 1), _number(self.cpu, 0), _number(self.ratio, 3))
        return (self.name, self.result, *numbers, self.goal_text, self.met)


def text(figures: list[Figure]) -> str:
    """Return the table with aligned columns."""
    rows = [COLUMNS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join("  ".join(_pad(row, widths)).rstrip() for row in rows)


def markdown(figures: list[Figure]) -> str:
    """Return the table as Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---:|---:|---:|---:|---:|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(figure.cells())} |" for figure in figures)])


def write_document(machine: str, day: str, figures: list[Figure]) -> None:
    """Put the table between the marks of docs/performance.md."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    table = f"{BEGIN}\n\nMeasured {day} on {machine}.\n\n{markdown(figures)}\n\n{END}"
    DOCUMENT.write_text(before + table + after, encoding="utf-8")


def write_json(machine: str, day: str, figures: list[Figure]) -> Path:
    """Keep the figures under bench/results/ and return the file."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{day}.json"
    content = {"machine": machine, "day": day, "figures": [asdict(figure) | {"met": figure.met} for figure in figures]}
    file.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")
    return file


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _pad(row: tuple[str, ...], widths: list[int]) -> list[str]:
    return [
        cell.ljust(width) if column in (0, 6, 7) else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
