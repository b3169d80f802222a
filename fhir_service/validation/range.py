"""Ranges: low and high are told in one unit, or nothing says which is the lower.

https://hl7.org/fhir/R4/datatypes.html#Range
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

_UNIT = ("unit", "system", "code")


def range_rules(range_: Any, _run: Run) -> Faults:
    """Return the fault of a Range whose ends cannot be compared: "unit and code/system … SHALL match".

    A write is let be all the same: what is known of it can be read.
    """
    low, high = range_.get("low"), range_.get("high")
    if low is None or high is None:
        return None
    if "value" in low and "value" in high and all(low.get(name) == high.get(name) for name in _UNIT):
        return None
    ja = "範囲の下限(low)と上限(high)には、どちらも値と、同じ単位(unit、system、code)が必要です(規則 range-unit)"
    en = "The low and high of a range must both have a value, and the same unit, system and code (rule range-unit)"
    return [Fault("", "invariant", ja, en, rule="range-unit")]
