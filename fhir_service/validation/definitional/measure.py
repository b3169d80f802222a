"""MeasureReports against their Measure: groups, populations, stratifiers and scores.

https://hl7.org/fhir/R4/measurereport.html and https://hl7.org/fhir/R4/measure.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.outcome import Severity
from fhir_service.fhir.resource import Resource
from fhir_service.validation.canonical import found_canonical
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
# https://hl7.org/fhir/R4/valueset-measure-scoring.html: those whose complete reports have a score
SCORED = frozenset({"proportion", "ratio", "continuous-variable"})

# https://hl7.org/fhir/R4/clinicalreasoning-quality-reporting.html: what the populations of each scoring are
POPULATIONS = "http://terminology.hl7.org/CodeSystem/measure-population"
POPULATED = {
    "proportion": {"denominator", "numerator"},
    "ratio": {"denominator", "numerator"},
    "continuous-variable": {"measure-population"},
}
UNREPEATED = {"denominator", "numerator", "measure-population"}

Codes = frozenset[tuple[Any, Any]]


def measure_rules(measure: Resource, run: Run) -> Faults:
    """Return the faults of a Measure: groups and populations that reports could not tell apart."""
    found: list[Fault] = []
    groups = measure.get("group", ())
    if not groups and "compositeScoring" not in measure:
        ja, en = "group がないので、何も数えられません。", "Without a group there is nothing to count."
        found.append(_fault("", ja, en, "warning"))
    scoring = {code for _, code in _codes(measure.get("scoring"))}
    found += _unnamed(groups, ".group") if len(groups) > 1 else ()
    found += _twice(groups, ".group")
    for number, group in enumerate(groups):
        found += _populations(group, scoring, f".group[{number}]")
        for kind in ("population", "stratifier"):
            parts = group.get(kind, ())
            place = f".group[{number}].{kind}"
            found += _unnamed(parts, place) if kind == "population" and len(parts) > 1 else ()
            found += _twice(parts, place) if kind == "stratifier" else ()
    return found or None


def _populations(group: Resource, scoring: set[Any], place: str) -> Iterator[Fault]:
    """Tell of populations that the scoring asks for and that are not there, and of those that are there twice."""
    parts = group.get("population", ())
    codes = [{code for system, code in _codes(each.get("code")) if system in (POPULATIONS, None)} for each in parts]
    if not parts or not all(codes):
        return
    there = set().union(*codes)
    asked: set[str] = set().union(*(POPULATED.get(str(each), set()) for each in scoring))
    if lacking := ", ".join(sorted(asked - there)):
        ja = f"採点方法({'・'.join(map(str, scoring))})に要る母集団({lacking})がありません。"
        yield _fault(place, ja, f"The scoring {', '.join(map(str, scoring))} needs the populations {lacking}.")
    for index, names in enumerate(codes):
        if again := names & UNREPEATED & set().union(*codes[:index]):
            ja = f"母集団 {', '.join(again)} が二つあります。"
            yield _fault(f"{place}.population[{index}].code", ja, f"The population {', '.join(again)} is there twice.")


def _unnamed(parts: list[Resource], place: str) -> Iterator[Fault]:
    for index, part in enumerate(parts):
        if not _codes(part.get("code")) and not (part.get("code") or {}).get("text"):
            ja = "二つ以上あるときは、それぞれに code が必要です。"
            yield _fault(f"{place}[{index}]", ja, "Where there are several, each needs a code.", "warning")


def _twice(parts: list[Resource], place: str) -> Iterator[Fault]:
    seen: set[tuple[Any, Any]] = set()
    for index, part in enumerate(parts):
        codes = _codes(part.get("code"))
        if codes & seen:
            yield _fault(
                f"{place}[{index}].code", "同じ code のものがほかにあります。", "Another one has the same code."
            )
        seen |= codes


def measure_report_rules(report: Resource, run: Run) -> Faults:
    """Return the faults of a report; a note if its Measure is not at hand."""
    listed = list(_subjects(report, run))
    url = report.get("measure")
    if not isinstance(url, str):
        return listed or None
    measure = found_canonical(url, "Measure", run)
    if measure is None:
        ja = f"指標(Measure)「{url[:200]}」がこのサーバーにないため、照合していません。"
        en = f"The Measure {url[:200]} is not known here, so the report was not compared with it."
        return [*listed, Fault(".measure", "not-found", ja, en, "information", rule="measure")]
    missing: Severity = "error" if report.get("status") == "complete" else "warning"
    found = [*listed, *_compared(measure.get("group", ()), report.get("group", ()), ".group", missing)]
    for index, asked in _pairs(measure.get("group", ()), report.get("group", ())):
        group = report["group"][index]
        place = f".group[{index}]"
        found += _compared(asked.get("population", ()), group.get("population", ()), f"{place}.population", missing)
        found += _compared(asked.get("stratifier", ()), group.get("stratifier", ()), f"{place}.stratifier", missing)
        found += _score(measure, report, group, place, missing)
    return found or None


def _subjects(report: Resource, run: Run) -> Iterator[Fault]:
    """Check the lists of subjects, which only a report of the type `subject-list` has, against the counts.

    https://hl7.org/fhir/R4/measurereport-definitions.html#MeasureReport.group.population.subjectResults
    """
    for number, group in enumerate(report.get("group", ())):
        for index, population in enumerate(group.get("population", ())):
            results = population.get("subjectResults")
            if not isinstance(results, dict):
                continue
            place = f".group[{number}].population[{index}]"
            if report.get("type") != "subject-list":
                ja = "対象者の一覧(subjectResults)があるのは、type が subject-list の報告だけです。"
                yield _fault(f"{place}.subjectResults", ja, "Only a report of the type subject-list lists subjects.")
                continue
            count, reference = population.get("count"), results.get("reference")
            subjects = run.resolve(reference) if isinstance(reference, str) else None
            if subjects is None or subjects.get("resourceType") != "List" or count is None:
                continue
            if count != len(subjects.get("entry", ())):
                ja = f"count は {count} ですが、一覧の対象者は {len(subjects.get('entry', ()))} 人です。"
                en = f"The count is {count}, but the list has {len(subjects.get('entry', ()))} subjects."
                yield _fault(f"{place}.count", ja, en)


def _compared(asked: list[Resource], given: list[Resource], place: str, missing: Severity) -> Iterator[Fault]:
    """Check that there is, by its code, one of each that is asked for, and no other."""
    if len(asked) == len(given) == 1 and not (_codes(asked[0].get("code")) and _codes(_code(given[0]))):
        return
    met: set[int] = set()
    numbers = _numbers(asked)
    for index, each in enumerate(given):
        number = next((numbers[code] for code in _codes(_code(each)) if code in numbers), None)
        shown = _shown(_code(each))
        if number is None:
            ja = f"「{shown}」は指標(Measure)にありません。"
            yield _fault(f"{place}[{index}]", ja, f"The Measure has nothing with the code '{shown}'.")
        elif number in met:
            ja = f"「{shown}」が二つあります。"
            yield _fault(f"{place}[{index}]", ja, f"'{shown}' is there twice.")
        met.update(() if number is None else (number,))
    for number, one in enumerate(asked):
        if number not in met and _codes(one.get("code")):
            shown = _shown(one.get("code"))
            ja = f"指標(Measure)の「{shown}」が報告にありません。"
            yield _fault(place.rpartition(".")[0], ja, f"The report lacks '{shown}' of the Measure.", missing)


def _pairs(asked: list[Resource], given: list[Resource]) -> Iterator[tuple[int, Resource]]:
    if len(asked) == len(given) == 1:
        yield 0, asked[0]
        return
    numbers = _numbers(asked)
    for index, each in enumerate(given):
        number = next((numbers[code] for code in _codes(each.get("code")) if code in numbers), None)
        if number is not None:
            yield index, asked[number]


def _numbers(asked: list[Resource]) -> dict[tuple[Any, Any], int]:
    """Return which of those that are asked for each code names."""
    return {code: number for number, one in enumerate(asked) for code in _codes(one.get("code"))}


def _score(measure: Resource, report: Resource, group: Resource, place: str, missing: Severity) -> Iterator[Fault]:
    """https://hl7.org/fhir/R4/measurereport-definitions.html#MeasureReport.group.measureScore"""
    scoring = {code for _, code in _codes(measure.get("scoring"))}
    score = group.get("measureScore")
    if score is not None and (report.get("type") == "data-collection" or "cohort" in scoring):
        ja = "この指標と報告の種類には measureScore を付けられません。"
        yield _fault(f"{place}.measureScore", ja, "There is no measureScore in a report of this type, or of a cohort.")
    elif score is None and scoring & SCORED and report.get("type") != "data-collection":
        ja = f"指標の採点方法({'・'.join(sorted(map(str, scoring)))})では measureScore が必要です。"
        yield _fault(place, ja, f"The scoring {', '.join(sorted(map(str, scoring)))} asks for a measureScore.", missing)
    elif score is not None and "proportion" in scoring and score.get("value") is not None:
        most = 100 if score.get("code") == "%" or score.get("unit") == "%" else 1
        if not 0 <= score["value"] <= most:
            ja = f"割合の measureScore は 0 以上 {most} 以下でなければなりません。"
            yield _fault(f"{place}.measureScore.value", ja, f"The score of a proportion is from 0 to {most}.")


def _code(part: Resource) -> Any:
    """Return the code of a part; that of a stratifier repeats."""
    code = part.get("code")
    return code[0] if isinstance(code, list) and code else code


def _codes(concept: Any) -> Codes:
    if not isinstance(concept, dict):
        return frozenset()
    return frozenset((each.get("system"), each["code"]) for each in concept.get("coding", ()) if "code" in each)


def _shown(concept: Any) -> str:
    codes = sorted(str(code) for _, code in _codes(concept))
    return ", ".join(codes)[:SHOWN] or str((concept or {}).get("text", "?"))[:SHOWN]


def _fault(path: str, ja: str, en: str, severity: Severity = "error") -> Fault:
    return Fault(path, "business-rule", ja, en, severity, rule="measure")
