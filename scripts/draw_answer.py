"""Draw docs/images/care-plan.svg: the README's main job, run against a server, and the answer to its last question.

`fhir-service serve --open` has to be running on an empty data directory: `python scripts/draw_answer.py [BASE]`.
What the picture leaves out of the answer it marks with `…`; all that it shows is the server's.
"""

import json
import re
import sys
import unicodedata
import urllib.request
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "images" / "care-plan.svg"
PERSON = "urn:oid:1.2.392.100495.20.3.51.14719900011|00012345"
QUERY = "CarePlan?patient.identifier={person}&status=active&_include=CarePlan:care-team"
SHOWN_QUERY = (
    "$ curl 'http://localhost:8080/fhir/CarePlan",
    "    ?patient.identifier=urn:oid:1.2.392.100495.20.3.51.14719900011|00012345",
    "    &status=active&_include=CarePlan:care-team&_pretty=true'",
)

LEFT_OUT = "…"
WIDTH, NARROW, WIDE = 860, 8.4, 14  # of the text, and of a character in most fonts, in pixels
LINE, LEFT, TOP = 20, 20, 58
FONTS = "'Noto Sans Mono CJK JP','BIZ UDGothic','MS Gothic','Osaka-Mono',ui-monospace,Menlo,monospace"
BUTTONS = ((24, "#ff6159"), (44, "#ffbd2e"), (64, "#28c941"))
KEY, TEXT, PLAIN, PROMPT = "#7cc4ff", "#b5e08c", "#d6dde6", "#ffffff"


def main() -> None:
    base = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8080/fhir"
    for example, path in (("referral-to-outreach", "/$submit-document"), ("municipality-answer", "")):
        _send(base + path, (ROOT / "profiles" / "examples" / f"{example}.json").read_bytes())
    answer = _send(f"{base}/{QUERY.format(person=PERSON.replace('|', '%7C'))}")

    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(svg([*SHOWN_QUERY, *written(abridged(answer))]), encoding="utf-8")


def abridged(bundle: dict[str, Any]) -> dict[str, Any]:
    """Return the answer with less in it: what was left out of a list is `…`."""
    resources = {entry["resource"]["resourceType"]: entry["resource"] for entry in reversed(bundle["entry"])}
    plan, team = resources["CarePlan"], resources["CareTeam"]
    activities = [{"detail": _kept(activity["detail"], "description")} for activity in plan["activity"]]
    members = [{"member": _kept(participant["member"], "display")} for participant in team["participant"]]
    return {
        **_kept(bundle, "resourceType", "type", "total"),
        "entry": [
            {
                **_kept(plan, "resourceType", "id", "status", "title", "description", "period"),
                "goal": [_kept(goal, "display") for goal in plan["goal"]],
                "activity": [*activities[:3], LEFT_OUT],
            },
            {**_kept(team, "resourceType", "id", "name"), "participant": [*members[:4], LEFT_OUT]},
            LEFT_OUT,
        ],
    }


def written(value: Any, indent: str = "", before: str = "", after: str = "") -> list[str]:
    """Return JSON as lines; an object of one or two values stands on one line."""
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    match value:
        case dict() if len(value) > 2:
            inner = [(f"{json.dumps(name)}: ", child) for name, child in value.items()]
        case list():
            inner = [("", child) for child in value]
        case _:
            text = value if value == LEFT_OUT else json.dumps(value, ensure_ascii=False)
            return [indent + before + text + after]
    lines = [indent + before + opening]
    for number, (name, child) in enumerate(inner, start=1):
        lines += written(child, indent + "  ", name, "," if number < len(inner) else "")
    return [*lines, indent + closing + after]


def svg(lines: list[str]) -> str:
    """Return a terminal window with these lines."""
    width, height = LEFT * 2 + WIDTH, TOP + LINE * len(lines) + 12
    text = "\n".join(
        f'<text x="{LEFT}" y="{TOP + LINE * number}" xml:space="preserve">{_coloured(line)}</text>'
        for number, line in enumerate(map(_cut, lines))
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<title>個別支援計画を curl で読んだ答え / The care plan, read with curl</title>
<rect width="{width}" height="{height}" rx="10" fill="#1b2330"/>
{"".join(f'<circle cx="{x}" cy="22" r="6" fill="{colour}"/>' for x, colour in BUTTONS)}
<g font-family="{FONTS}" font-size="14">
{text}
</g>
</svg>
"""


def _coloured(line: str) -> str:
    if line.startswith(("$", "    ?", "    &")):
        return _span(PROMPT, line)
    parts = re.split(r'("(?:[^"\\]|\\.)*"?)(: )?', line)
    pieces = []
    for plain, text, colon in zip(parts[::3], [*parts[1::3], ""], [*parts[2::3], ""], strict=True):
        pieces.append(_span(PLAIN, plain) + _span(KEY if colon else TEXT, text) + _span(PLAIN, colon or ""))
    return "".join(pieces)


def _span(colour: str, text: str) -> str:
    return f'<tspan fill="{colour}">{escape(text, quote=False)}</tspan>' if text else ""


def _cut(line: str) -> str:
    """Return the line, ended by `…` where it would leave the window."""
    used = 0.0
    for at, character in enumerate(line):
        used += WIDE if unicodedata.east_asian_width(character) in "WFA" else NARROW
        if used > WIDTH:
            return line[: at - 1] + LEFT_OUT
    return line


def _kept(resource: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: resource[name] for name in names if name in resource}


def _send(url: str, body: bytes | None = None) -> dict[str, Any]:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/fhir+json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.load(answer))


if __name__ == "__main__":
    main()
