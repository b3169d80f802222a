"""StructureDefinitions: a snapshot can be made of the differential, and one that is there says what that says.

The expressions of its constraints can be read.

Whoever checks by a profile whose definition is wrong is told so, as a warning.
https://hl7.org/fhir/R4/structuredefinition.html#interpretation
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.definitions.snapshot import Snapshot
from fhir_service.fhir.resource import Resource
from fhir_service.validation.base import TYPE_BASE
from fhir_service.validation.definitional.element_definition import element_definition_rules
from fhir_service.validation.definitional.element_path import elements_at
from fhir_service.validation.definitional.element_place import element_place_rules
from fhir_service.validation.definitional.expression import UNKNOWN, expression_faults
from fhir_service.validation.fault import Fault, Faults, gravest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fhir_service.fhir.outcome import Issue
    from fhir_service.validation.run import Run

RULE = "definition"
SHOWN = 120
OPEN = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})  # a profile is of a type inside
MOST = 10  # of one definition
_PATH = re.compile(r"[A-Za-z]\w*(\.\w+(\[x\])?)*")


def structure_definition_rules(definition: Any, run: Run) -> Faults:
    """Return the faults of a StructureDefinition as a definition."""
    made, issues = run.validator.definitions.examine(definition)
    published = "snapshot" in definition
    rules = (each.rule if published and each.rule else RULE for each in issues)
    found = [
        Fault("", each.code, each.ja, each.en, each.severity, rule) for each, rule in zip(issues, rules, strict=True)
    ]
    found += [*_kind(definition, run), *_types(definition, run), *_extension(definition, run)]
    found += element_place_rules(definition, run)
    if made is not None:
        found += _detached(made)
        found += element_definition_rules(definition, made, run)
    else:
        found += _expressions(definition, run)
    return gravest(found, MOST) or None


def _detached(made: Snapshot) -> Iterator[Fault]:
    if made.detached_from:
        ja = f"基の定義 {made.detached_from[:SHOWN]} がここにありません。{made.type} の定義として確かめました。"
        en = f"Its base {made.detached_from[:SHOWN]} is not here; it was checked as a definition of {made.type}."
        yield Fault(".baseDefinition", "not-found", ja, en, "warning", RULE)


def _extension(definition: Resource, run: Run) -> Iterator[Fault]:
    """Tell of an extension whose url is not its own, and of contexts that there are not."""
    extension = definition.get("type") == "Extension" and definition.get("derivation") == "constraint"
    if "context" in definition and not extension:
        ja = "context は拡張の定義だけに書きます。"
        yield Fault(".context", "business-rule", ja, "Only the definition of an extension has contexts.", rule=RULE)
        return
    for index, each in enumerate(definition.get("context", ())):
        yield from _context(each, f".context[{index}].expression", run)
    if extension:
        yield from _unnamed(definition)
    for index, text in enumerate(definition.get("contextInvariant", ())):
        found = expression_faults(text, f".contextInvariant[{index}]", run)
        yield from (each for each in found if each.rule != UNKNOWN)
    for index, element in enumerate(definition.get("differential", {}).get("element", ())):
        fixed = element.get("fixedUri")
        if extension and element.get("path") == "Extension.url" and fixed not in (None, definition.get("url")):
            ja = f"拡張の url は {str(fixed)[:SHOWN]} とされていますが、定義の url と違います。"
            en = f"The url of the extension is fixed to {str(fixed)[:SHOWN]}, which is not that of the definition."
            yield Fault(f".differential.element[{index}].fixed", "business-rule", ja, en, rule=RULE)


def _unnamed(definition: Resource) -> Iterator[Fault]:
    """Tell of an extension of which nothing says that its url is that of the definition.

    https://hl7.org/fhir/R4/defining-extensions.html
    """
    elements = definition.get("differential", {}).get("element", ())
    own = [
        each for each in elements if each.get("path") == "Extension.url" and each.get("id") in (None, "Extension.url")
    ]
    base = definition.get("baseDefinition") == f"{TYPE_BASE}Extension"
    if base and "snapshot" not in definition and own and not any("fixedUri" in each for each in own):
        ja = "Extension.url が定義の url に決められていません(fixedUri)。"
        yield Fault(
            ".differential", "business-rule", ja, "Extension.url is not fixed to the url (fixedUri).", rule=RULE
        )


def _context(context: Resource, place: str, run: Run) -> Iterator[Fault]:
    kind, text = context.get("type"), context.get("expression")
    if kind == "fhirpath":
        yield from expression_faults(text, place, run)
        return
    if kind == "extension" and isinstance(text, str):
        yield from _context_extension(text.partition("#")[0], place, run)
    if kind != "element" or not isinstance(text, str) or _PATH.fullmatch(text) is None:
        return
    if elements_at(text, run.validator.definitions) is None:
        ja = f"「{text[:SHOWN]}」という要素は FHIR R4 にありません。"
        yield Fault(place, "business-rule", ja, f"FHIR R4 has no element '{text[:SHOWN]}'.", rule=RULE)


def _context_extension(url: str, place: str, run: Run) -> Iterator[Fault]:
    """https://hl7.org/fhir/R4/valueset-extension-context-type.html"""
    found = run.definition(url) if ":" in url else None
    if ":" not in url or (found is not None and found.get("type") != "Extension"):
        ja = f"「{url[:SHOWN]}」は拡張の URL ではありません。"
        yield Fault(place, "business-rule", ja, f"'{url[:SHOWN]}' is not the URL of an extension.", rule=RULE)


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
    base = run.definition(url) if definition.get("derivation") == "constraint" and url else None
    if base is not None and base.get("kind") not in (None, kind):
        ja = f"kind は {kind} ですが、元の {url[:SHOWN]} は {base['kind']} です。"
        en = f"The kind is {kind}, but what it constrains, {url[:SHOWN]}, is a {base['kind']}."
        yield Fault(".kind", "business-rule", ja, en, rule="definition-kind")
    if url is not None and "derivation" not in definition:
        ja, en = (
            "baseDefinition があるので derivation が必要です。",
            "With a baseDefinition there must be a derivation.",
        )
        yield Fault("", "business-rule", ja, en, rule=RULE)
    found, own = (base or {}).get("type"), definition.get("type")
    if isinstance(found, str) and found != own:
        ja = f"型は {str(own)[:SHOWN]} ですが、元の {url[:SHOWN]} は {found} の定義です。"
        en = f"The type is {str(own)[:SHOWN]}, but what it constrains, {url[:SHOWN]}, is a definition of {found}."
        yield Fault(".type", "business-rule", ja, en, rule=RULE)


def _expressions(definition: Any, run: Run) -> Iterator[Fault]:
    """Give the faults of constraints that are no FHIRPath, where no more can be said of a definition."""
    for view in ("differential", "snapshot"):
        for index, element in enumerate(definition.get(view, {}).get("element", ())):
            for number, constraint in enumerate(element.get("constraint", ())):
                place = f".{view}.element[{index}].constraint[{number}].expression"
                yield from expression_faults(constraint.get("expression"), place, run)


def definition_faults(issues: Iterable[Issue], url: str) -> list[Fault]:
    """Return what is wrong with the definition of a profile that is checked by, as warnings."""
    told = list(issues)[:MOST]
    return [Fault("", each.code, each.ja, each.en, "warning", RULE, url) for each in told]
