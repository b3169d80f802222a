"""StructureDefinitions: a snapshot can be made of the differential, and one that is there says what that says.

The expressions of its constraints can be read.

Whoever checks by a profile whose definition is wrong is told so, as a warning.
https://hl7.org/fhir/R4/structuredefinition.html#interpretation
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_service.validation.base import TYPE_BASE
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.search_parameter import expression_faults

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fhir_service.fhir.outcome import Issue
    from fhir_service.validation.run import Run

RULE = "definition"
SHOWN = 120
OPEN = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})  # a profile is of a type inside
MOST = 10  # of one definition


def structure_definition_rules(definition: Any, run: Run) -> Faults:
    """Return the faults of a StructureDefinition as a definition."""
    issues = run.validator.definitions.examine(definition)[:MOST]
    found = [Fault("", each.code, each.ja, each.en, each.severity, RULE) for each in issues]
    return [*found, *_expressions(definition, set()), *_kind(definition, run), *_types(definition, run)][:MOST] or None


def _types(definition: Any, run: Run) -> Iterator[Fault]:
    """Give the faults of a logical model whose type is neither R4's nor a URL, and of profiles of another type."""
    known = run.validator.definitions
    own = str(definition.get("type"))
    others = not str(definition.get("url")).startswith(TYPE_BASE)  # R4 itself has models without
    if others and definition.get("kind") == "logical" and ":" not in own and not known.has_type(own):
        ja = f"型「{own[:SHOWN]}」は FHIR R4 にありません。論理モデルの型は絶対 URL で書きます。"
        yield Fault(".type", "business-rule", ja, f"FHIR R4 has no type '{own[:SHOWN]}': give a URL.", rule=RULE)
    for index, element in enumerate(definition.get("differential", {}).get("element", ())):
        for number, kind in enumerate(element.get("type", ())):
            for at, canonical in enumerate(kind.get("profile", ())):
                of = known.find(canonical) if isinstance(canonical, str) else None
                code, found = kind.get("code"), (of or {}).get("type")
                if not isinstance(found, str) or found == code or (code in OPEN and known.has_type(found)):
                    continue
                ja = f"プロファイル {canonical[:SHOWN]} は {found} のもので、{code} のものではありません。"
                en = f"The profile {canonical[:SHOWN]} is of {found}, not of {code}."
                place = f".differential.element[{index}].type[{number}].profile[{at}]"
                yield Fault(place, "business-rule", ja, en, rule=RULE)


def _kind(definition: Any, run: Run) -> Iterator[Fault]:
    """Tell of a profile that says to be of another kind than what it constrains."""
    kind, url = definition.get("kind"), definition.get("baseDefinition")
    base = run.validator.definitions.find(url) if definition.get("derivation") == "constraint" and url else None
    if base is not None and base.get("kind") not in (None, kind):
        ja = f"kind は {kind} ですが、元の {url[:SHOWN]} は {base['kind']} です。"
        en = f"The kind is {kind}, but what it constrains, {url[:SHOWN]}, is a {base['kind']}."
        yield Fault(".kind", "business-rule", ja, en, rule="definition-kind")


def _expressions(definition: Any, seen: set[str]) -> Iterator[Fault]:
    """Give the faults of constraints that are no FHIRPath, each expression once."""
    for view in ("differential", "snapshot"):
        for index, element in enumerate(definition.get(view, {}).get("element", ())):
            for number, constraint in enumerate(element.get("constraint", ())):
                text = constraint.get("expression")
                if text is not None and text not in seen:
                    seen.add(text)
                    place = f".{view}.element[{index}].constraint[{number}].expression"
                    yield from expression_faults(text, place)


def definition_faults(issues: Iterable[Issue], url: str) -> list[Fault]:
    """Return what is wrong with the definition of a profile that is checked by, as warnings."""
    told = list(issues)[:MOST]
    return [Fault("", each.code, each.ja, each.en, "warning", RULE, url) for each in told]
