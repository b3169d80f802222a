"""Canonical URLs: where a definition that a resource names by one is found, and whether that is of a type that may be.

https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Check, Run

SHOWN = 120
HL7 = tuple(
    f"http://hl7.org/fhir/{kind}/"
    for kind in ("StructureDefinition", "ValueSet", "OperationDefinition", "SearchParameter", "CodeSystem")
)
_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/\S+")


def canonical_check(targets: Collection[str], *, unknown: bool) -> Check:
    """Return the check of a canonical that must name a definition of one of these types, if that is known here.

    `unknown`: whether to warn of what R4 would define, but does not.
    """
    allowed = frozenset(targets)

    def check(value: Any, run: Run) -> Faults:
        named = run.validator.definitions.name(value) if value.__class__ is str and value[:1] != "#" else None
        if named is None:
            return _unknown(value) if unknown and value.__class__ is str and value.startswith(HL7) else None
        if named.resource_type in allowed:
            return None
        wanted = ", ".join(sorted(allowed))
        ja = f"「{value[:SHOWN]}」は {named.resource_type} の URL です。{wanted} でなければなりません"
        return _wrong(ja, f"'{value[:SHOWN]}' is the URL of a {named.resource_type}; it must be of {wanted}")

    return check


def _unknown(value: str) -> Faults:
    """Warn of what R4 itself would define; HL7's later packages have such, too."""
    ja = f"「{value[:SHOWN]}」という定義は FHIR R4 にありません(規則 canonical-unknown)。"
    en = f"FHIR R4 defines no '{value[:SHOWN]}' (rule canonical-unknown)."
    return [Fault("", "not-found", ja, en, "warning", "canonical-unknown")]


def canonical_form_check(targets: Collection[str], *, absolute: bool = False) -> Check:
    """Return the check that a canonical is one: absolute, or a fragment (`#id`) that names a contained resource.

    One that is relative to the server (`Library/1`) is a warning, since many of R4's own examples are so; `targets` are
    the types that may be named so, any if there are none; where it must be `absolute`, none may.
    """
    allowed = frozenset(targets)

    def check(value: Any, run: Run) -> Faults:
        if value.__class__ is not str or ":" in value:
            return None
        relative = _RELATIVE.fullmatch(value)
        if relative and not absolute and (relative[1] in allowed or not allowed):
            ja = f"「{value[:SHOWN]}」は絶対 URL ではありません。定義の url を書いてください(規則 canonical-absolute)"
            en = f"'{value[:SHOWN]}' is no absolute URL: give the url of the definition (rule canonical-absolute)"
            return [Fault("", "value", ja, en, "warning", "canonical-absolute")]
        if not value.startswith("#"):
            ja = f"「{value[:SHOWN]}」は正規 URL ではありません。絶対 URL でなければなりません"
            return _wrong(ja, f"'{value[:SHOWN]}' is no canonical URL: it must be absolute")
        if run.resolve(value) is not None:
            return None
        ja = f"「{value[:SHOWN]}」という内包リソース(contained)はありません"
        return _wrong(ja, f"Nothing is contained that '{value[:SHOWN]}' names")

    return check


def own_url_check(value: Any, run: Run) -> Faults:
    """Check the `url` by which a definition is known everywhere: it is absolute, and not that of another type."""
    if value.__class__ is not str:
        return None
    if "|" in value or "#" in value:
        ja = f"url「{value[:SHOWN]}」に | や # は使えません(規則 canonical)。"
        en = f"The url '{value[:SHOWN]}' must not have a | or #, which end it where it is named (rule canonical)."
        return [Fault("", "invalid", ja, en, "warning", "canonical")]  # as R4's own v2-0006|2.1
    if ":" in value:
        return _of_another_type(value, run)
    ja = f"url「{value[:SHOWN]}」は絶対 URI(http://… や urn:oid:…)でなければなりません"
    return _wrong(ja, f"The url '{value[:SHOWN]}' must be an absolute URI, such as http://… or urn:oid:…")


def _of_another_type(url: str, run: Run) -> Faults:
    other, own = run.validator.definitions.name(url), run.resource.get("resourceType")
    if other is None or other.resource_type == own:
        return None
    ja = f"「{url[:SHOWN]}」は、別の型 {other.resource_type} の定義の url です"
    return _wrong(ja, f"'{url[:SHOWN]}' is the url of a {other.resource_type}, not of a {own}")


def _wrong(ja: str, en: str) -> Faults:
    return [Fault("", "invalid", f"{ja}(規則 canonical)。", f"{en} (rule canonical).", rule="canonical")]


def found_canonical(url: str, resource_type: str, run: Run) -> Resource | None:
    """Return the definition of this type, None if it is not at hand."""
    if url.startswith("#"):
        return _typed(run.resolve(url), resource_type)
    bare, _, version = url.partition("|")
    around = run.container or run
    while around is not None:
        for entry in _entries(around.resource):
            if entry.get("url") == bare and (not version or entry.get("version") == version):
                return _typed(entry, resource_type)
        if around.holder is None:
            break
        around = around.holder
    found = _typed(run.definition(url), resource_type)
    if found is None and run.validator.resolve is not None:
        found = _typed(run.validator.resolve(url), resource_type)
    return found


def _entries(bundle: Resource) -> list[Resource]:
    if bundle.get("resourceType") != "Bundle":
        return []
    entries = bundle.get("entry")
    held = [each.get("resource") for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    return [each for each in held if isinstance(each, dict)]


def _typed(found: Resource | None, resource_type: str) -> Resource | None:
    return found if found is not None and found.get("resourceType") == resource_type else None
