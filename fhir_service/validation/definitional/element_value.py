"""What a differential changes of an element that it may not, and values that nothing can have.

https://hl7.org/fhir/R4/elementdefinition.html#interpretation
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.places import elements_in
from fhir_service.validation.fault import Fault
from fhir_service.validation.profile.limits import compare

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

RULE = "definition"
SHOWN = 120
EXTENSIONS = {"extension": False, "modifierExtension": True}
CODES = ("fixedCode", "patternCode")


def changed_flags(element: Resource, base: Resource, place: str) -> Iterator[Fault]:
    """Tell of what says otherwise than the base whether it modifies or is of the summary, or lets go of mustSupport."""
    if "." not in str(element.get("path")):
        return  # an extension says itself whether it modifies
    changed = [name for name in ("isModifier", "isSummary") if element.get(name, base.get(name)) != base.get(name)]
    changed = [name for name in changed if name in base or element[name] is True]
    if base.get("mustSupport") is True and element.get("mustSupport") is False:
        changed.append("mustSupport")
    if changed and base:
        names = ", ".join(changed)
        ja = f"{names} は、元の定義から変えられません。"
        yield _fault(place, ja, f"{names} cannot be changed from what the base says.")


def inherited_keys(element: Resource, base: dict[Any, Resource], place: str) -> Iterator[Fault]:
    """Tell of a rule with the key of one that is inherited, and another expression."""
    inherited = {
        each.get("key"): each.get("expression")
        for path in (element.get("path"), str(element.get("path")).partition(".")[0])
        for each in base.get(path, {}).get("constraint", ())
    }
    for number, each in enumerate(element.get("constraint", ())):
        key = each.get("key")
        if key in inherited and inherited[key] is not None and each.get("expression") not in (None, inherited[key]):
            ja = f"規則の key「{str(key)[:SHOWN]}」は、元の定義の別の式の規則のものです。"
            en = f"The key '{str(key)[:SHOWN]}' is that of a rule of the base with another expression."
            yield _fault(f"{place}.constraint[{number}].key", ja, en)


def extension_profiles(element: Resource, place: str, run: Run) -> Iterator[Fault]:
    """Tell of extensions that modify where those stand that do not, and the other way."""
    name = str(element.get("path")).rpartition(".")[2]
    if name not in EXTENSIONS:
        return
    for at, url in elements_in(element, "type.profile", place):
        try:
            found = run.validator.definitions.snapshot(url) if isinstance(url, str) else None
        except FhirError:
            continue
        if found is None or found.type != "Extension":
            continue
        if (found.elements[0].get("isModifier") is True) is not EXTENSIONS[name]:
            ja = f"{url[:SHOWN]} は {name} には使えません。"
            yield _fault(at, ja, f"{url[:SHOWN]} is none that may stand as {name}.")


def value_faults(element: Resource, whole: Resource, place: str, run: Run) -> Iterator[Fault]:
    """Tell of a fixed code that is not in the value set, and of limits that leave no value, or not the fixed one."""
    binding = whole.get("binding", {})
    for name in CODES:
        code, values = element.get(name), binding.get("valueSet")
        if binding.get("strength") != "required" or not isinstance(code, str) or not isinstance(values, str):
            continue
        if run.validator.terminology.contains(values, None, code) is False:
            ja = f"コード「{code[:SHOWN]}」は、値セット {values[:SHOWN]} にありません。"
            yield _fault(f"{place}.{name}", ja, f"The code '{code[:SHOWN]}' is not in the value set {values[:SHOWN]}.")
    said = {name: _choice(whole, name) for name in ("minValue", "maxValue", "fixed")}
    pairs = (("minValue", "maxValue"), ("minValue", "fixed"), ("fixed", "maxValue"))
    for low, high in pairs:
        (kind, first), (other, second) = said[low], said[high]
        if not kind or kind != other or not element.keys() & {f"{low}{kind}", f"{high}{kind}"}:
            continue
        if compare(first, second, f"{kind[0].lower()}{kind[1:]}") == 1:
            yield _fault(place, f"{low} が {high} より大きくなっています。", f"The {low} is more than the {high}.")
    most, fixed = whole.get("maxLength"), said["fixed"][1]
    if isinstance(most, int) and isinstance(fixed, str) and len(fixed) > most:
        yield _fault(
            place, "決められた値が maxLength より長くなっています。", "The fixed value is longer than maxLength."
        )


def _choice(element: Resource, name: str) -> tuple[str, Any]:
    return next(((key[len(name) :], value) for key, value in element.items() if key.startswith(name)), ("", None))


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule=RULE)
