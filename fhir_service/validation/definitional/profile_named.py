"""A profile that a definition names is one of the type that is meant.

https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.validation.fault import Fault

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 120
ANY = frozenset({"Resource", "DomainResource"})


def profile_faults(url: Any, types: Collection[Any], place: str, run: Run, rule: str) -> Iterator[Fault]:
    """Tell of a profile, if it is here, that is of none of these types."""
    found = run.definition(url) if isinstance(url, str) else None
    kind = found.get("type") if found and found.get("resourceType") == "StructureDefinition" else None
    if isinstance(kind, str) and kind not in types and kind not in ANY:
        wanted = ", ".join(map(str, types))
        ja = f"プロファイル {str(url)[:SHOWN]} は {kind} のもので、{wanted} のものではありません。"
        yield Fault(
            place, "business-rule", ja, f"The profile {str(url)[:SHOWN]} is of {kind}, not {wanted}.", rule=rule
        )
