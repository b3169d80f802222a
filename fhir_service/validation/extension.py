"""Extensions: known ones where they may stand, with what their definition asks for; unknown ones told of.

https://hl7.org/fhir/R4/extensibility.html and https://hl7.org/fhir/R4/defining-extensions.html#context
"""

import re
from collections.abc import Iterator
from typing import Any

from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.outcome import Severity
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.profile.extension_definition import ExtensionDefinition
from fhir_service.validation.run import Check, Run

SHOWN = 120
HL7 = "http://hl7.org/fhir/StructureDefinition/"

# What an element of another version is as an extension: https://hl7.org/fhir/R4/versions.html#extensions
_OF_ANOTHER_VERSION = re.compile(
    r"http://hl7\.org/fhir/(?:1\.0|3\.0|4\.0|4\.3|5\.0|6\.0)/StructureDefinition/extension-([A-Z]\w*(?:\.\w+)+)"
).fullmatch
_MODIFIERS = frozenset({"Patient.animal"})  # of other versions, beside those of R4

# The names in the official examples: https://hl7.org/fhir/R4/extensibility-examples.html
_EXAMPLE = re.compile(r"https?://(?:[^/]*\.)?(?:example\.org|acme\.com)/").match


def extension_check(structure: Check, owner: str, places: frozenset[str], *, modifier: bool) -> Check:
    """Return the check of an extension of an `owner` (`Patient.contact`); `places` are the names of where it stands."""

    def check(value: Any, run: Run) -> Faults:
        found = structure(value, run)
        if value.__class__ is not dict or (url := value.get("url")).__class__ is not str:
            return found
        if "extension" in value:
            found = _both(found, value)
        elif not any(name.startswith(("value", "_value")) for name in value):
            found = [*(found or ()), EMPTY]
        if ":" not in url:
            return found if owner == "Extension" else [*(found or ()), RELATIVE]
        definition = run.validator.extension(url)
        if definition is None:
            if (other := _OF_ANOTHER_VERSION(url)) is not None:
                return (
                    found if _modifies(other[1], run) == modifier else [*(found or ()), _misplaced(url, not modifier)]
                )
            if modifier or run.validator.definitions.is_published_here(url):
                return [*(found or ()), _unknown(url, modifier)]
            severity = run.options.foreign_extensions
            return found if severity is None or _EXAMPLE(url) else [*(found or ()), _foreign(url, severity)]
        more = _by_definition(value, definition, run, owner, places, modifier)
        return [*(found or ()), *more] if more else found

    return check


EMPTY = Fault(
    "",
    "invariant",
    "拡張には値(value[x])か下位の拡張が必要です(規則 ext-1)",
    "An extension must have a value or extensions (rule ext-1)",
    rule="ext-1",
)
RELATIVE = Fault(
    ".url",
    "extension",
    "拡張の url は絶対 URL でなければなりません(規則 extension-url)",
    "The url of an extension must be absolute (rule extension-url)",
    rule="extension-url",
)
BOTH = Fault(
    "",
    "invariant",
    "拡張に値(value[x])と下位の拡張の両方は書けません(規則 ext-1)",
    "An extension must not have both a value and extensions (rule ext-1)",
    rule="ext-1",
)


def _both(found: Faults, value: dict[str, Any]) -> Faults:
    if any(name.startswith(("value", "_value")) for name in value):
        return [*(found or ()), BOTH]
    return found


def _by_definition(
    value: dict[str, Any], definition: ExtensionDefinition, run: Run, owner: str, places: frozenset[str], modifier: bool
) -> list[Fault]:
    found: list[Fault] = []
    if definition.modifier != modifier:
        found.append(_misplaced(definition.url, definition.modifier))
    if not definition.fits(places) and not _is_chosen(value, definition, run):
        found.append(_out_of_context(definition))
    for expression in definition.invariants:
        if not _holds(expression, value, owner, run):
            found.append(_broken_context(definition, expression))
    if definition.names and "extension" in value:
        found += _strangers(value["extension"], definition)
    found += definition.check(Item(value, "Extension"), run) or ()
    return found


def _strangers(inside: Any, definition: ExtensionDefinition) -> Iterator[Fault]:
    """Tell of extensions inside that have a short name, which the definition does not give."""
    for index, each in enumerate(inside if isinstance(inside, list) else ()):
        url = each.get("url") if isinstance(each, dict) else None
        if isinstance(url, str) and ":" not in url and url not in definition.names:
            names = ", ".join(sorted(definition.names))
            ja = f"拡張 {definition.url} の中に「{url[:SHOWN]}」はありません。あるのは {names} です(規則 extension-url)"
            en = f"The extension {definition.url} has no '{url[:SHOWN]}' inside, but {names} (rule extension-url)"
            yield Fault(f".extension[{index}]", "extension", ja, en, "error", "extension-url", definition.url)


def _is_chosen(value: dict[str, Any], definition: ExtensionDefinition, run: Run) -> bool:
    """Whether it stands in an extension, or at a place of the resource, that its contexts choose."""
    if not definition.extensions and not definition.expressions:
        return False
    holder = run.holders.get(id(value), {})
    if definition.extensions and (holder.get("url") in definition.extensions or _is_value_of(holder, definition, run)):
        return True
    return any(id(holder) in run.chosen(expression) for expression in definition.expressions)


def _is_value_of(holder: Any, definition: ExtensionDefinition, run: Run) -> bool:
    """Whether what the extension stands in is the value of an extension that its contexts name."""
    return any(
        part is holder
        for around in run.holders.values()
        for each in around.get("extension", ())
        if isinstance(each, dict) and each.get("url") in definition.extensions
        for part in each.values()
    )


def _holds(expression: str, value: dict[str, Any], owner: str, run: Run) -> bool:
    """Whether a context invariant is true where the extension stands; one that cannot be evaluated is let be.

    https://hl7.org/fhir/R4/structuredefinition-definitions.html#StructureDefinition.contextInvariant
    """
    holder = run.holders.get(id(value))
    if holder is None:
        return True
    result = run.validator.evaluate(expression, Item(holder, owner), run, extension=Item(value, "Extension"))
    return result is None or (len(result) == 1 and result[0].value is not False)


def _unknown(url: str, modifier: bool) -> Fault:
    shown = url[:SHOWN]
    if modifier:
        ja = f"修飾拡張「{shown}」の定義がありません。意味を変えるので定義が要ります(規則 extension-modifier)"
        en = f"The modifier extension {shown} is not defined here, and changes the meaning (rule extension-modifier)"
        return Fault("", "extension", ja, en, "warning" if _EXAMPLE(url) else "error", "extension-modifier")
    owner_ja, owner_en = ("FHIR R4", "FHIR R4") if url.startswith(HL7) else ("公開元", "Its publisher")
    ja = f"拡張「{shown}」は{owner_ja}で定義されていません。URL を確かめてください(規則 extension-unknown)"
    en = f"{owner_en} does not define the extension {shown}; check its URL (rule extension-unknown)"
    return Fault("", "extension", ja, en, "error", "extension-unknown")


def _foreign(url: str, severity: Severity) -> Fault:
    shown = url[:SHOWN]
    ja = f"拡張「{shown}」の定義がここにないため、中を検証していません(規則 extension-foreign)"
    en = f"The extension {shown} is not defined here; what it holds was not checked (rule extension-foreign)"
    return Fault("", "extension", ja, en, severity, "extension-foreign")


def _modifies(path: str, run: Run) -> bool:
    """Whether the element of another version that has this path changes the meaning, as far as R4 tells."""
    elements = (run.definition(f"{HL7}{path.partition('.')[0]}") or {}).get("snapshot", {})
    found = (each for each in elements.get("element", ()) if each["path"] in (path, f"{path}[x]"))
    return path in _MODIFIERS or any(each.get("isModifier") is True for each in found)


def _misplaced(url: str, modifies: bool) -> Fault:
    wanted = "modifierExtension" if modifies else "extension"
    ja = f"拡張 {url} は {wanted} に書いてください(規則 extension-modifier)"
    en = f"The extension {url} must be a {wanted} (rule extension-modifier)"
    return Fault("", "extension", ja, en, "error", "extension-modifier", url)


def _broken_context(definition: ExtensionDefinition, expression: str) -> Fault:
    shown = expression[:SHOWN]
    ja = f"拡張 {definition.url} は、{shown} が成り立つ所でだけ使えます(規則 extension-context)"
    en = f"The extension {definition.url} may only stand where {shown} holds (rule extension-context)"
    return Fault("", "extension", ja, en, "error", "extension-context", definition.url)


def _out_of_context(definition: ExtensionDefinition) -> Fault:
    allowed = ", ".join(sorted(definition.elements | definition.extensions | {*definition.expressions}))
    ja = f"拡張 {definition.url} はここでは使えません。使えるのは {allowed} です(規則 extension-context)"
    en = f"The extension {definition.url} may not stand here, but at {allowed} (rule extension-context)"
    return Fault("", "extension", ja, en, "error", "extension-context", definition.url, unless_at=definition.elements)
