"""The report as one HTML page that needs nothing else: Japanese first, to be read, printed and passed on."""

from collections.abc import Iterable
from datetime import datetime
from html import escape

from fhir_service.cli.reports.checked import Checked
from fhir_service.cli.reports.table import KINDS, where
from fhir_service.fhir.outcome import Issue

STYLE = """
body{font:16px/1.7 "Hiragino Sans","Noto Sans JP","Yu Gothic",Meiryo,sans-serif;color:#1b1b1b;
max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}
h2{font-size:1.05rem;margin:0;display:inline;overflow-wrap:anywhere}
.en{color:#555;font-size:.85em}
.sum{display:flex;gap:1rem;flex-wrap:wrap;margin:1rem 0}
.sum div{border:1px solid #ccc;border-radius:.5rem;padding:.4rem 1rem}
.sum b{font-size:1.4rem;display:block}
details{border:1px solid #ccc;border-radius:.5rem;margin:.6rem 0;padding:.5rem 1rem}
summary{cursor:pointer}
table{border-collapse:collapse;width:100%;margin-top:.5rem}
td,th{border-top:1px solid #ddd;padding:.4rem .5rem;text-align:left;vertical-align:top}
td:nth-child(2){overflow-wrap:anywhere;font-family:ui-monospace,monospace;font-size:.85rem;width:30%}
td:first-child{white-space:nowrap}
.error,.fatal{color:#a3001b;font-weight:bold}
.warning{color:#7a4b00;font-weight:bold}
.information{color:#00507a}
.good{color:#006b2d}
@media(max-width:40rem){.sum{gap:.5rem}.sum div{padding:.2rem .6rem}tr:has(th){display:none}
tr{display:block;border-top:1px solid #ddd;padding:.4rem 0}details{padding:.5rem .6rem}
td,td:nth-child(2){display:block;width:auto;border:0;padding:.1rem 0;overflow-wrap:anywhere}}
@media print{details{break-inside:avoid}}
"""
LABELS = {"fatal": "誤り", "error": "誤り", "warning": "注意", "information": "情報"}


def page(found: Iterable[Checked], when: datetime) -> str:
    """Return the page; `when` is told in it."""
    every = list(found)
    wrong = sum(each.is_wrong for each in every)
    counts = [sum(each.count(*kinds) for each in every) for kinds in KINDS]
    numbers = zip(("リソース", "誤りのあるもの", "誤り", "注意", "情報"), (len(every), wrong, *counts), strict=True)
    cards = "".join(f"<div>{name}<b>{number:,}</b></div>" for name, number in numbers)
    sections = "".join(map(_section, sorted(every, key=lambda each: (not each.is_wrong, not each.issues))))
    title = "FHIR 検証報告"
    return (
        f'<!DOCTYPE html><html lang="ja"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f'<h1>{title} <span class="en">FHIR validation report</span></h1>'
        f'<p class="en">{when:%Y-%m-%d %H:%M}</p><div class="sum">{cards}</div>{sections}</body></html>\n'
    )


def _section(checked: Checked) -> str:
    name = f"{escape(str(checked.place))} <b>{escape(checked.name)}</b>"
    if not checked.issues:
        mark = '<span class="good">✓</span>'
        return f"<details><summary>{mark} <h2>{name}</h2></summary><p>問題は見つかりませんでした。</p></details>"
    errors, warnings = checked.count("error", "fatal"), checked.count("warning")
    mark = '<span class="error">✗</span>' if checked.is_wrong else '<span class="warning">!</span>'
    rows = "".join(map(_row, checked.issues))
    return (
        f"<details open><summary>{mark} <h2>{name}</h2> 誤り {errors}、注意 {warnings}</summary>"
        f"<table><thead><tr><th>重さ</th><th>場所</th><th>内容</th></tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _row(issue: Issue) -> str:
    named = " ".join(escape(each) for each in (issue.rule, issue.profile) if each)
    rule = f'<br><span class="en">規則 {named}</span>' if named else ""
    return (
        f'<tr><td class="{issue.severity}">{LABELS[issue.severity]}</td><td>{escape(where(issue))}</td>'
        f'<td>{escape(issue.ja)}<br><span class="en" lang="en">{escape(issue.en)}</span>{rule}</td></tr>'
    )
