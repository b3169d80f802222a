"""Paths of elements (`Patient.contact.name`), followed through the types of R4.

https://hl7.org/fhir/R4/elementdefinition.html#path
"""

from collections.abc import Iterable

from fhir_service.fhir.definitions import Definitions, Element

ANYTHING = frozenset({"Resource", "DomainResource"})


def elements_at(path: str, definitions: Definitions) -> tuple[Element, ...] | None:
    """Return the elements that a path names, none for a type itself; None if there is no such type or element.

    A step may name a choice as `value[x]`, `value` or `valueQuantity`.
    """
    root, *names = path.split(".")
    if not definitions.has_type(root):
        return None
    types: Iterable[str] = (root,)
    found: tuple[Element, ...] = ()
    for name in names:
        steps = [each for type_name in types for each in _named(type_name, name, definitions)]
        if not steps:
            return None
        found = tuple(element for element, _ in steps)
        types = dict.fromkeys(code for _, codes in steps for code in codes)
    return found


def _named(type_name: str, name: str, definitions: Definitions) -> list[tuple[Element, tuple[str, ...]]]:
    if not definitions.has_type(type_name):
        return []
    definition = definitions.type(type_name)
    plain = name.removesuffix("[x]")
    for element in definition.elements:
        if element.name == plain and (element.choice or plain == name):
            return [(element, element.types)]
    short = definition.by_json.get(name)
    return [(short[0], (short[1],))] if short and short[0].choice else []
