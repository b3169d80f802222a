"""GraphDefinitions: paths and search parameters that lead to the types that the links say.

https://hl7.org/fhir/R4/graphdefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.element_path import elements_at
from fhir_service.validation.definitional.expression import expression_faults, read_expression
from fhir_service.validation.definitional.profile_named import profile_faults
from fhir_service.validation.definitional.search_names import search_parameters
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
START = "{ref}"
REFERRING = frozenset({"Reference", "canonical", "uri", "Resource"})


def graph_definition_rules(graph: Resource, run: Run) -> Faults:
    """Return the faults of a GraphDefinition."""
    start = graph.get("start")
    found = [*profile_faults(graph.get("profile"), [start], ".profile", run, "graph")]
    return [*found, *_links(graph, start, "", run)] or None


def _links(holder: Resource, source: Any, place: str, run: Run) -> Iterator[Fault]:
    context = source if source in run.validator.definitions.resource_types else None
    for index, link in enumerate(holder.get("link", ())):
        at, path = f"{place}.link[{index}]", link.get("path")
        yield from _leads(link, path, context, at, run)
        for number, target in enumerate(link.get("target", ())):
            inside = f"{at}.target[{number}]"
            yield from _target(target, path, context, inside, run)
            yield from _links(target, target.get("type"), inside, run)


def _leads(link: Resource, path: Any, context: str | None, at: str, run: Run) -> Iterator[Fault]:
    """Tell of a link that leads nowhere: without path and search, or by a path to what is no reference."""
    if path is None and not any("params" in each for each in link.get("target", ())):
        ja, en = "リンクに path も params もありません。", "The link has neither a path nor params."
        yield _fault(at, ja, en)
    reading = read_expression(path, f"{at}.path", run, context)
    yield from reading.faults
    types = {each for found in reading.selects.values() for each in found or REFERRING}
    if types and not types & REFERRING:
        names = ", ".join(sorted(types))
        yield _fault(f"{at}.path", f"path が参照ではありません({names})。", f"The path is no reference, but a {names}.")
    for number, target in enumerate(link.get("target", ())):
        for position, each in enumerate(target.get("compartment", ())):
            place = f"{at}.target[{number}].compartment[{position}]"
            yield from expression_faults(each.get("expression"), f"{place}.expression", run)
            if each.get("rule") == "custom" and "expression" not in each:
                ja, en = "規則 custom には expression が必要です。", "The rule custom needs an expression."
                yield _fault(place, ja, en)


def _target(target: Resource, path: Any, source: Any, at: str, run: Run) -> Iterator[Fault]:
    kind, params = target.get("type"), target.get("params")
    yield from profile_faults(target.get("profile"), [kind], f"{at}.profile", run, "graph")
    plain = str(path) if str(path).startswith(f"{source}.") else f"{source}.{path}"
    elements = elements_at(plain, run.validator.definitions) if source and isinstance(path, str) else None
    allowed = {each for element in elements or () for each in element.targets}
    if allowed and kind not in allowed | {"Resource"}:
        ja = f"{plain[:SHOWN]} は {kind} を参照できません。"
        yield _fault(f"{at}.type", ja, f"{plain[:SHOWN]} cannot refer to a {kind}.")
    if not isinstance(params, str) or kind not in run.validator.definitions.resource_types:
        return
    if START not in params:
        yield _fault(f"{at}.params", f"params に {START} がありません。", f"The params have no {START}.")
    known = search_parameters(str(kind), run)
    for name, _ in parse_qsl(params.partition("?")[2] or params, keep_blank_values=True):
        plain_name = name.partition(":")[0].partition(".")[0]
        if plain_name not in known and not plain_name.startswith("_"):
            ja = f"{kind} に検索パラメーター「{plain_name[:SHOWN]}」はありません。"
            yield _fault(f"{at}.params", ja, f"{kind} has no search parameter '{plain_name[:SHOWN]}'.")


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule="graph")
