"""What the definition of a search parameter leaves out of what its type can: no OR, no AND, these modifiers only.

R4's own definitions leave out nothing that R4 defines; those that are added (`custom.py`) mean what they say.
https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.multipleOr
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.resource import Resource

# https://hl7.org/fhir/R4/valueset-search-comparator.html
COMPARATORS = frozenset(("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"))

# https://hl7.org/fhir/R4/valueset-search-modifier-code.html has these for `of-type` and the name of a type.
_CODES = {"of-type": "ofType"}


@dataclass(frozen=True, slots=True)
class Limits:
    """None: the definition says nothing, and everything is possible."""

    multiple_or: bool | None = None
    multiple_and: bool | None = None
    comparator: frozenset[str] | None = None
    modifier: frozenset[str] | None = None
    chain: frozenset[str] | None = None

    def check_modifier(self, code: str, modifier: str | None) -> None:
        """Raise 400 for a modifier that is not among those listed."""
        if modifier is None or self.modifier is None:
            return
        wanted = "type" if modifier[:1].isupper() else _CODES.get(modifier, modifier)
        if wanted not in self.modifier:
            raise _refused(code, f":{modifier}", self.modifier)

    def check_values(self, code: str, texts: Sequence[str], *, ranged: bool) -> None:
        """Raise 400 for several values, or for a prefix, that are not to be."""
        if self.multiple_or is False and len(texts) > 1:
            raise _refused(code, "a,b")
        if ranged and self.comparator is not None:
            for prefix in {text[:2] for text in texts} & (COMPARATORS - self.comparator):
                raise _refused(code, prefix, self.comparator)

    def check_chain(self, code: str, rest: str) -> None:
        """Raise 400 for a chain that goes on by a parameter that is not among those listed."""
        step = rest.partition(".")[0].partition(":")[0]
        if self.chain is not None and step not in self.chain:
            raise _refused(code, f"{code}.{step}", self.chain)


def limits_of(definition: Resource) -> Limits | None:
    """Return what a definition limits, None if nothing."""
    found = Limits(
        definition.get("multipleOr"),
        definition.get("multipleAnd"),
        *(_codes(definition.get(name)) for name in ("comparator", "modifier", "chain")),
    )
    return None if found == Limits() else found


def _codes(listed: Any) -> frozenset[str] | None:
    return frozenset(each for each in listed if isinstance(each, str)) if listed else None


def _refused(code: str, what: str, supported: Iterable[str] = ()) -> FhirError:
    listed = ", ".join(sorted(supported)) or "-"
    return fhir_error(
        "not-supported",
        f"検索パラメータ「{code}」の定義は「{what[:80]}」を許していません。使えるもの: {listed}",
        f"The definition of the search parameter '{code}' does not allow '{what[:80]}'. Allowed: {listed}",
    )
