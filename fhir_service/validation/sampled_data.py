"""Sampled data: what its points are written as.

https://hl7.org/fhir/R4/datatypes.html#SampledData
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

# "decimal values separated by a single space (character u20)", of which E, U and L stand for what was not measured
_POINT = r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|[EUL])"
_POINTS = re.compile(rf"{_POINT}(?: {_POINT})*+")


def sampled_data_rules(sampled: Any, _run: Run) -> Faults:
    """Return the fault of a SampledData whose data are something else than its points."""
    data = sampled.get("data")
    if data is None or _POINTS.fullmatch(data):
        return None
    ja = "data は、空白 1 つで区切った十進数か E・U・L の並びでなければなりません。"
    return [Fault(".data", "value", ja, "The data must be decimals, or E, U or L, with single spaces between them.")]
