"""What every page is made of: definitions as they are read, texts in two languages, tables."""

import json
from collections.abc import Iterable
from pathlib import Path

from fhir_service.fhir.resource import Resource

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "profiles"
TERMINOLOGY = ROOT / "terminology"
OUTREACH = "https://example.jp/fhir/outreach/"
EXTENSIONS = "extensions.md"
CODES = "../codes.md"
DIVIDED = " · "  # Japanese before it, English behind it


def read(file: Path) -> Resource:
    """Return the resource in a file."""
    resource: Resource = json.loads(file.read_text(encoding="utf-8"))
    return resource


def read_all(folder: Path) -> list[Resource]:
    """Return the definitions in a folder, in the order of their ids."""
    return [read(file) for file in sorted(folder.glob("*.json"))]


def both(text: str, between: str = "\n\n") -> str:
    """Return a text of both languages, the Japanese first."""
    japanese, divided, english = text.partition(DIVIDED)
    return f"{japanese}{between}{english}" if divided else text


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table; nothing if it has no rows."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *lines])


def page(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def section(title: str, content: str) -> str:
    """Return a section; nothing if it has no content."""
    return f"## {title}\n\n{content}" if content else ""
