"""What other parts of a server know: value sets, subsumption, profiles. They answer through the environment.

https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from collections.abc import Iterator
from typing import Any

from fhir_service.fhir.fhirpath.code import SAME, Code, Function, Site, located, plain
from fhir_service.fhir.fhirpath.equality import extent
from fhir_service.fhir.fhirpath.error import failed
from fhir_service.fhir.fhirpath.functions.scalar import value_as
from fhir_service.fhir.fhirpath.item import BOOLEAN, NOTHING, SLICE, STRING, Context, Item, Items, boolean, one
from fhir_service.fhir.fhirpath.model import children
from fhir_service.fhir.narrative import narrative_fault

ASKED = 10  # steps that looking up a code, or checking a value, takes as long as
BASE = "http://hl7.org/fhir/StructureDefinition/"


def _codings(item: Item) -> Iterator[tuple[str, str | None]]:
    """Give the (code, system) pairs of a code, Coding or CodeableConcept."""
    value = item.value
    if type(value) is str:
        yield value, None
    elif type(value) is dict:
        inner = value.get("coding")
        for coding in inner if type(inner) is list else [value]:
            if type(coding) is dict and type(coding.get("code")) is str:
                system = coding.get("system")
                yield coding["code"], system if type(system) is str else None


def _member_of(site: Site) -> Code:
    source, value_set = site.input.run, site.argument(0).run

    def run(this: Items, context: Context) -> Items:
        item, url = one(source(this, context)), value_as(value_set(this, context), STRING)
        ask = context.environment.member_of
        if item is None or url is None or ask is None:
            return NOTHING
        context.spend(ASKED * extent([item]))
        answers = [ask(code, system, url) for code, system in _codings(item)]
        return boolean(True if True in answers else None if None in answers else False)

    return Code(located(run, site.call.at), (BOOLEAN,))


def _subsumption(reverse: bool) -> Function:
    """Return `subsumes` or `subsumedBy`."""

    def build(site: Site) -> Code:
        source, other = site.input.run, site.argument(0).run

        def run(this: Items, context: Context) -> Items:
            left, right = one(source(this, context)), one(other(this, context))
            context.spend(ASKED)
            ask = context.environment.subsumes
            if left is None or right is None or ask is None:
                return NOTHING
            pairs = ((a, b) for a in _codings(left) for b in _codings(right))
            answers: list[bool | None] = []
            for (a, system_a), (b, system_b) in pairs:
                if system_a is not None and system_b is not None and system_a != system_b:
                    answers.append(False)
                else:
                    answers.append(ask(system_a or system_b, *((b, a) if reverse else (a, b))))
            return boolean(True if True in answers else None if None in answers else False)

        return Code(located(run, site.call.at), (BOOLEAN,))

    return Function(build, 1, 1)


def _conforms_to(site: Site) -> Code:
    """Whether the item is valid against a structure; types of FHIR itself are answered by what the item is."""
    source, structure, model = site.input.run, site.argument(0).run, site.model

    def run(this: Items, context: Context) -> Items:
        item, url = one(source(this, context)), value_as(structure(this, context), STRING)
        if item is None or url is None:
            return NOTHING
        name = url.removeprefix(BASE)
        if name != url and model.is_type(name) and not model.is_a(item.type, name):
            return boolean(False)
        answer = None
        if context.environment.conforms_to is not None and type(item.value) is dict:
            context.spend(SLICE + ASKED * extent([item]))  # what a validation takes, and the time is looked at
            answer = context.environment.conforms_to(item.value, url)
        elif name != url and model.is_type(name):
            answer = True
        if answer is None and model.definitions.find(url) is None:
            raise failed(f"構造定義「{url}」が見つかりません。", f"There is no structure definition {url}.")
        return boolean(answer)

    return Code(located(run, site.call.at), (BOOLEAN,))


def _check_modifiers(items: Items, *allowed: Items) -> Items:
    known = {item.value for urls in allowed for item in urls if type(item.value) is str}
    for item in items:
        node: dict[str, Any] = children(item.value, item.primitive) or {}
        found = node.get("modifierExtension")
        for extension in found if type(found) is list else ():
            url = extension.get("url") if type(extension) is dict else None
            if type(url) is not str or url not in known:
                raise failed(f"未知の修飾拡張「{url}」があります。", f"There is an unknown modifier extension {url}.")
    return items


def _html_checks(items: Items) -> Items:
    item = one(items)
    if item is None or type(item.value) is not str:
        return NOTHING
    return boolean(narrative_fault(item.value) is None)


TABLE: dict[str, Function] = {
    "memberOf": Function(_member_of, 1, 1),
    "subsumes": _subsumption(reverse=False),
    "subsumedBy": _subsumption(reverse=True),
    "conformsTo": Function(_conforms_to, 1, 1),
    "htmlChecks": plain(_html_checks, returns=(BOOLEAN,), compares=True),
    "checkModifiers": plain(_check_modifiers, 1, 20, returns=SAME),
}
