"""Search parameters that are not indexed yet: asked for, they are refused, because they would find too little.

https://hl7.org/fhir/R4/search.html#errors
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.search.parameter import SearchParameter


@dataclass(slots=True)
class Indexing:
    """How many resources of a type have been indexed, of how many; whoever indexes them counts here."""

    done: int = 0
    total: int = 0


class BeingIndexed(FhirError):
    """The resources that were stored before the search parameter are not all indexed yet (409)."""

    def __init__(self, resource_type: str, code: str, indexing: Indexing) -> None:
        progress = f"{indexing.done:,} / {indexing.total:,}" if indexing.total else "0"
        what = f"'{code}' of {resource_type}"
        super().__init__(
            Issue(
                "conflict",
                f"{resource_type}の検索パラメータ「{code}」は索引を作っている途中で、まだ使えません({progress})。",
                f"The search parameter {what} is being indexed and cannot be used yet ({progress}).",
                (f"http.{code}",),
            )
        )


class Parameters(dict[str, SearchParameter]):
    """The parameters of a resource type by code; whoever asks for one that is not indexed yet gets `BeingIndexed`."""

    def __init__(
        self, declared: Mapping[str, SearchParameter], resource_type: str, incomplete: Mapping[str, Indexing]
    ) -> None:
        super().__init__((code, each) for code, each in declared.items() if code not in incomplete)
        self._resource_type = resource_type
        self._incomplete = incomplete

    def __contains__(self, code: object) -> bool:
        return super().__contains__(code) or self._refused(code)

    def __missing__(self, code: str) -> SearchParameter:
        self._refused(code)
        raise KeyError(code)

    def get(self, code: str, default: Any = None) -> Any:
        return super().get(code, default) if code in self else default

    def _refused(self, code: object) -> bool:
        """Raise BeingIndexed for such a code; return False for any other."""
        if isinstance(code, str) and code in self._incomplete:
            raise BeingIndexed(self._resource_type, code, self._incomplete[code])
        return False
