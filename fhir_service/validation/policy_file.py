"""The policy file (TOML): read whole or refused, each mistake with its line and the reason.

docs/validation.md describes it.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.validation.policy import Partner, PolicyRules, SeverityChange
from fhir_service.validation.text_lint import RULES as LINT_RULES

SEVERITIES = ("error", "warning", "information")
CANONICAL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s|]+(\|\S+)?").fullmatch
TOKEN = re.compile(r"\S*\|\S.*").fullmatch

Wrong = tuple[str, str]
"""What is wrong with a value, in Japanese and English."""

Test = Callable[[Any], Wrong | None]


def read_policy(path: Path, resource_types: frozenset[str]) -> PolicyRules:
    """Return the policy in a file; FhirError with an Issue for each mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FhirError(_issue(path, None, f"読めません: {error}", f"cannot be read: {error}")) from None
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        number = int(line[1]) if line else None
        raise FhirError(_issue(path, number, f"TOML として読めません: {error}", f"no valid TOML: {error}")) from None
    mistakes = [
        _issue(path, _line(text, each), f"{each.place}: {each.ja}", f"{each.place}: {each.en}")
        for each in _mistakes(said, resource_types)
    ]
    if mistakes:
        raise FhirError(*mistakes)
    return _made(said)


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in a table (the `number`th of that name) at a key."""

    table: str
    number: int
    key: str | None
    ja: str
    en: str

    @property
    def place(self) -> str:
        return f"[{self.table}]" + (f" {self.key}" if self.key else "")


def _issue(path: Path, line: int | None, ja: str, en: str) -> Issue:
    at_ja, at_en = (f" {line} 行", f" line {line}") if line else ("", "")
    return Issue(
        "invalid", f"方針のファイル {path}{at_ja}: {ja}", f"Policy file {path}{at_en}: {en}", line=line, column=1
    )


# --- what each key may be


def _choice(*allowed: Any) -> Test:
    shown = ", ".join(repr(each) if isinstance(each, str) else str(each).lower() for each in allowed)

    def test(value: Any) -> Wrong | None:
        fits = any(value is each or (isinstance(each, str) and value == each) for each in allowed)
        return None if fits else (f"{shown} のどれかを書いてください。", f"must be one of {shown}")

    return test


def _text(value: Any) -> Wrong | None:
    fits = isinstance(value, str) and value.strip()
    return None if fits else ("空でない文字列を書いてください。", "must be a text that is not empty")


def _canonicals(value: Any) -> Wrong | None:
    if not isinstance(value, list) or not value:
        return "プロファイルの URL を [ ] に並べて書いてください。", "must be a list of canonical URLs of profiles"
    wrong = next((str(each)[:80] for each in value if not isinstance(each, str) or not CANONICAL(each)), None)
    return None if wrong is None else (f"「{wrong}」は正規 URL ではありません。", f"{wrong!r} is no canonical URL")


def _canonical(value: Any) -> Wrong | None:
    fits = isinstance(value, str) and CANONICAL(value)
    return None if fits else ("プロファイルの URL を書いてください。", "must be the canonical URL of a profile")


def _token(value: Any) -> Wrong | None:
    fits = isinstance(value, str) and TOKEN(value)
    return None if fits else ("識別子を「system|値」の形で書いてください。", "must be an identifier as 'system|value'")


def _source(value: Any) -> Wrong | None:
    if isinstance(value, str) and "*" in value[:-1]:
        return "* は最後にだけ書けます(そこまでで始まるもの)。", "may have a * at its end only (whatever begins so)"
    return _text(value)


def _lint_rules(value: Any) -> Wrong | None:
    if not isinstance(value, list):
        return "規則の名前を [ ] に並べて書いてください。", "must be a list of rules"
    return next((wrong for each in value if (wrong := _lint_rule(each)) is not None), None)


def _lint_rule(value: Any) -> Wrong | None:
    if value in LINT_RULES:
        return None
    shown, known = str(value)[:80], ", ".join(LINT_RULES)
    return f"規則「{shown}」はありません。あるのは {known} です。", f"there is no rule {shown!r}; there are {known}"


def _rule(value: Any) -> Wrong | None:
    """Of other rules only the definitions tell whether they are there, which come and go."""
    return _lint_rule(value) if isinstance(value, str) and value.startswith("text-") else _text(value)


CHECKS: Mapping[str, Test] = {
    "claimed_profiles": _choice(True, False),
    "unknown_profiles": _choice("warn", "refuse"),
    "unknown_extensions": _choice("accept", "refuse"),
    "best_practice": _choice(True, False),
    "must_support": _choice(True, False),
    "vital_signs": _choice("off", "validate", "always"),
    "text_lint": _choice("off", "validate", "always"),
    "text_lint_without": _lint_rules,
}
PARTNER: Mapping[str, Test] = {
    "name": _text,
    "type": _text,
    "source": _source,
    "author": _token,
    "custodian": _token,
    "profiles": _canonicals,
}
SEVERITY: Mapping[str, Test] = {
    "rule": _rule,
    "profile": _canonical,
    "type": _text,
    "severity": _choice(*SEVERITIES),
    "reason": _text,
}
TABLES = ("checks", "defaults", "partner", "severity")


def _mistakes(said: Mapping[str, Any], types: frozenset[str]) -> Iterator[Mistake]:
    for name in said.keys() - set(TABLES):
        known = ", ".join(f"[{each}]" for each in TABLES)
        yield Mistake(
            name, 0, None, f"この名前の表はありません。あるのは {known} です。", f"unknown; there are {known}"
        )
    yield from _of_table("checks", 0, said.get("checks", {}), CHECKS)
    yield from _of_defaults(said.get("defaults", {}), types)
    for name, tests, needed in (
        ("partner", PARTNER, ("name", "profiles")),
        ("severity", SEVERITY, ("severity", "reason")),
    ):
        tables = said.get(name, [])
        if not isinstance(tables, list):
            yield Mistake(name, 0, None, f"[[{name}]] と書いてください。", f"write [[{name}]]")
            continue
        for number, table in enumerate(tables):
            yield from _of_table(name, number, table, tests)
            yield from _of_one(name, number, table, needed, types)


def _of_table(name: str, number: int, table: Any, tests: Mapping[str, Test]) -> Iterator[Mistake]:
    if not isinstance(table, dict):
        yield Mistake(name, number, None, "表ではありません。", "is no table")
        return
    for key, value in table.items():
        if key not in tests:
            known = ", ".join(tests)
            yield Mistake(
                name, number, key, f"この名前はありません。あるのは {known} です。", f"unknown; there are {known}"
            )
        elif (wrong := tests[key](value)) is not None:
            yield Mistake(name, number, key, *wrong)


def _of_defaults(table: Any, types: frozenset[str]) -> Iterator[Mistake]:
    if not isinstance(table, dict):
        yield Mistake("defaults", 0, None, "表ではありません。", "is no table")
        return
    for key, value in table.items():
        if key not in types:
            yield Mistake("defaults", 0, key, "R4 にこの型はありません。", "R4 has no such resource type")
        elif (wrong := _canonicals(value)) is not None:
            yield Mistake("defaults", 0, key, *wrong)


def _of_one(name: str, number: int, table: Any, needed: tuple[str, ...], types: frozenset[str]) -> Iterator[Mistake]:
    if not isinstance(table, dict):
        return
    for key in needed:
        if key not in table:
            yield Mistake(name, number, None, f"{key} が必要です。", f"{key} is missing")
    if isinstance(table.get("type"), str) and table["type"] not in types:
        yield Mistake(name, number, "type", "R4 にこの型はありません。", "R4 has no such resource type")
    either = ("rule", "profile") if name == "severity" else ("source", "author", "custodian")
    if not any(each in table for each in either):
        listed = ", ".join(either)
        yield Mistake(name, number, None, f"{listed} のどれかが必要です。", f"one of {listed} is missing")


def _line(text: str, mistake: Mistake) -> int | None:
    """Return the line of a mistake: that of its key in its table, or else of the table."""
    header = re.compile(rf"\s*\[\[?\s*{re.escape(mistake.table)}\s*\]\]?")
    key = re.compile(rf"\s*[\"']?{re.escape(mistake.key)}[\"']?\s*=") if mistake.key else None
    seen, at = -1, None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("["):
            seen += header.match(line) is not None
            if seen == mistake.number and at is None:
                at = number
            elif at is not None:
                return at
        elif at is not None and key is not None and key.match(line):
            return number
    return at


def _made(said: Mapping[str, Any]) -> PolicyRules:
    checks = dict(said.get("checks", {}))
    if "text_lint_without" in checks:
        checks["text_lint_without"] = frozenset(checks["text_lint_without"])
    partners = (each | {"profiles": tuple(each["profiles"])} for each in said.get("partner", ()))
    return PolicyRules(
        **checks,
        defaults={name: tuple(profiles) for name, profiles in said.get("defaults", {}).items()},
        partners=tuple(Partner(**each) for each in partners),
        severities=tuple(SeverityChange(**each) for each in said.get("severity", ())),
    )
