"""Periods: what is told of their order where the precision of their ends leaves it open.

https://hl7.org/fhir/R4/datatypes.html#Period
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_service.fhir.fhirpath.temporal import compare, parse
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run


def period_rules(period: Any, run: Run) -> Faults:
    """Return the fault of a Period that may end before it starts: from a month to a day of it, a day to a time of it.

    `start <= end` of `per-1` is empty then, and an invariant has to be true. A write is let be all the same: it may be
    all that is known, and an end includes whatever matches it.
    """
    start, end = period.get("start"), period.get("end")
    if start is None or end is None or len(start) == len(end):
        return None
    left, right = parse(start), parse(end)
    if left is None or right is None or compare(left, right) is not None:
        return None
    ja = f"開始「{start}」と終了「{end}」は精度が違い、順序が決まりません。同じ精度で書いてください(規則 period-open)"
    en = f"Whether {start} is before {end} is open, for their precisions differ: write both alike (rule period-open)"
    return [Fault("", "invariant", ja, en, rule="period-open")]
