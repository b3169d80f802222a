"""How a search parameter may be used: modifiers and comparators that its type has, chains to parameters that there are.

https://hl7.org/fhir/R4/search.html#modifiers and https://hl7.org/fhir/R4/search.html#prefix
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.search_names import search_parameters
from fhir_service.validation.fault import Fault

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80

# https://hl7.org/fhir/R4/valueset-search-modifier-code.html: those of the type; all have `missing`, a special one any
MODIFIERS = {
    "number": set[str](),
    "date": set[str](),
    "string": {"contains", "exact", "text"},
    "token": {"text", "not", "above", "below", "in", "not-in", "ofType"},
    "reference": {"type", "identifier", "above", "below"},
    "composite": set[str](),
    "quantity": set[str](),
    "uri": {"above", "below"},
}
ORDERED = frozenset({"number", "date", "quantity", "composite", "special"})
"""Types with prefixes; `eq` goes without saying."""


def search_use_faults(parameter: Resource, run: Run) -> Iterator[Fault]:
    """Give the faults of what a SearchParameter says of its use."""
    kind = str(parameter.get("type"))
    for index, modifier in enumerate(parameter.get("modifier", ())):
        if modifier != "missing" and modifier not in MODIFIERS.get(kind, {modifier}):
            ja = f"型 {kind} の検索パラメーターに、修飾子 {modifier} はありません。"
            yield _fault(f".modifier[{index}]", ja, f"A parameter of type {kind} has no modifier {modifier}.")
    for index, comparator in enumerate(parameter.get("comparator", ())):
        if comparator != "eq" and kind not in ORDERED:
            ja = f"型 {kind} の検索パラメーターに、比較 {comparator} はありません。"
            yield _fault(f".comparator[{index}]", ja, f"A parameter of type {kind} has no comparator {comparator}.")
    targets = parameter.get("target") or sorted(run.validator.definitions.resource_types)
    for index, chain in enumerate(parameter.get("chain", ())):
        name = str(chain).partition(".")[0].partition(":")[0]
        if not name.startswith("_") and not any(name in search_parameters(each, run) for each in targets):
            ja = f"参照先に検索パラメーター「{name[:SHOWN]}」はありません。"
            yield _fault(f".chain[{index}]", ja, f"What it refers to has no search parameter '{name[:SHOWN]}'.")


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule="search-parameter")
