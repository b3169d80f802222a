"""Every search parameter of R4 against every official example that has a value for it.

What an example says to a parameter is worked out here by the FHIRPath engine from the definition's own expression, and
turned into the text of a query; the index must find the example by it, and by a near miss it must not.
"""

import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fhir_service.fhir import fhirpath
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import Expression, FhirPathError, Item
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.index import (
    DateEntry,
    NumberEntry,
    QuantityEntry,
    ReferenceEntry,
    StringEntry,
    TokenEntry,
)
from fhir_service.fhir.search.match import holds
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.query import Clause
from fhir_service.fhir.search.registry import SearchRegistry
from tests.fhir.search.conftest import Parse

Queries = Iterator[tuple[str, str | None]]
"""Values that find the item, each with one that is near it and does not."""

FIRST = ("Composition", "MessageHeader")  # what Bundle?composition= and ?message= mean

ORDERED = ("ne", "gt", "lt", "sa", "eb")

# How many examples of a type are asked for each of its parameters; there are 1,000 concept maps alone.
PER_PARAMETER = 10_000 if os.environ.get("SEARCH_ORACLE") == "full" else 12


@pytest.fixture(scope="session")
def examples(r4_examples: Path) -> dict[str, list[Resource]]:
    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    by_type: dict[str, list[Resource]] = {}
    for file in sorted(r4_examples.glob("*.json")):
        resource = decode(file.read_bytes())
        if "resourceType" in resource:
            by_type.setdefault(resource["resourceType"], []).append(resource)
    return by_type


def test_all_of_them_can_be_indexed(examples: dict[str, list[Resource]], indexer: Indexer) -> None:
    resources = [resource for each in examples.values() for resource in each]

    entries = [indexer.index(resource) for resource in resources]

    assert len(resources) == 5306
    assert sum(len(each.tokens) for each in entries) > 100_000


def test_each_is_found_by_its_own_values_and_not_by_others(
    examples: dict[str, list[Resource]],
    definitions: Definitions,
    registry: SearchRegistry,
    indexer: Indexer,
    parse: Parse,
) -> None:
    asked: set[tuple[str, str]] = set()
    wrong: list[str] = []
    for resource_type, resources in examples.items():
        for parameter in registry.parameters(resource_type).values():
            if parameter.code in ("_id", "_lastUpdated") or parameter.type in ("composite", "special"):
                continue
            expressions = _expressions(parameter, definitions)
            for resource in resources[:PER_PARAMETER]:
                entries = indexer.index(resource)
                for value, near_miss in _queries(parameter, resource, expressions):
                    asked.add((resource_type, parameter.code))
                    for text, expected in ((value, True), (near_miss, False)):
                        if text is not None and holds(None, entries, _clause(parse, parameter, text)) is not expected:
                            wrong.append(
                                f"{resource_type}/{resource.get('id')}?{parameter.code}={text}: not {expected}"
                            )

    assert wrong == []
    assert len(asked) > 900


def test_each_is_found_by_its_own_composites(
    examples: dict[str, list[Resource]], registry: SearchRegistry, indexer: Indexer, parse: Parse
) -> None:
    asked: set[tuple[str, str]] = set()
    for resource_type, resources in examples.items():
        for resource in resources[:100]:
            entries = indexer.index(resource)
            for entry in entries.composites:
                parts = [_component(part[0]) for part in entry.parts]
                for parameter in registry.parameters(resource_type).values():
                    if entry.code not in parameter.stored or "|" in parts or parameter.type == "special":
                        continue  # a concept that has only a text has no code to be found by
                    asked.add((resource_type, parameter.code))
                    assert holds(None, entries, _clause(parse, parameter, "$".join(parts)))
                    assert not holds(None, entries, _clause(parse, parameter, "$".join([f"{parts[0]}-x", *parts[1:]])))

    assert len(asked) == 24


def _component(entry: Any) -> str:
    """Return the text that finds an entry."""
    match entry:
        case TokenEntry(_, system, value, _):
            return f"{_escape(system or '')}|{_escape(value or '')}" if value else f"{_escape(system or '')}|"
        case QuantityEntry(_, low, _, _, _, _):
            return f"ge{low!r}"
        case NumberEntry(_, low, _):
            return f"{low:.0f}"
        case StringEntry(_, text, _):
            return _escape(text)
        case ReferenceEntry(_, target, _, _, _):
            return _escape(target or "")
        case DateEntry():
            return "ge0001"
        case _:
            raise AssertionError(entry)


def _clause(parse: Parse, parameter: SearchParameter, text: str) -> Clause:
    escaped = text.replace("%", "%25").replace("&", "%26").replace("+", "%2B").replace("#", "%23").replace(";", "%3B")
    (clause,) = parse(f"{parameter.resource_type}?{parameter.code}={escaped}").query.clauses
    return clause


def _queries(parameter: SearchParameter, resource: Resource, expressions: list[Expression]) -> Queries:
    items = [each for each in _items(resource, expressions) if each.type not in FIRST or each.type in parameter.targets]
    for item in items:
        for names, queries in QUERIES[parameter.type].items():
            if item.type in names.split() and item.value is not None:
                for value, near_miss in queries(item.value):
                    # Of several values one may lie before and another after: that is no miss.
                    yield value, None if len(items) > 1 and near_miss[:2] in ORDERED else near_miss


def _expressions(parameter: SearchParameter, definitions: Definitions) -> list[Expression]:
    """Return the definition's own expression, and the registry's for where the engine refuses that one.

    (R4's own uses `as` on collections.)
    """
    texts = [(definitions.find(parameter.url) or {})["expression"], parameter.expression or ""]
    return [fhirpath.compile(text, definitions, context_type=parameter.resource_type) for text in texts]


def _items(resource: Resource, expressions: list[Expression]) -> list[Item]:
    for expression in expressions:
        try:
            return list(expression.evaluate(resource))
        except FhirPathError:
            continue
    raise AssertionError(f"{expressions} cannot be evaluated")


def _escape(text: str) -> str:
    for character in "\\,|$":
        text = text.replace(character, f"\\{character}")
    return text


def _coding(value: Resource) -> Queries:
    if "code" in value:
        code, system = _escape(value["code"]), _escape(value.get("system", ""))
        yield code, f"{code}-x"
        yield f"{system}|{code}", f"{system}-x|{code}"
        if system:
            yield f"{system}|", f"{system}-x|"


def _concept(value: Resource) -> Queries:
    for coding in value.get("coding", ()):
        yield from _coding(coding)


def _identifier(value: Resource) -> Queries:
    if "value" in value:
        text, system = _escape(value["value"]), _escape(value.get("system", ""))
        yield text, f"{text}-x"
        yield f"{system}|{text}", f"{system}-x|{text}"


def _contact(value: Resource) -> Queries:
    if "value" in value:
        yield _escape(value["value"]), _escape(value["value"]) + "-x9"


def _plain(value: Any) -> Queries:
    text = str(value).lower() if isinstance(value, bool) else _escape(str(value))
    if text.strip():  # a code system has a no-break space for a code, which a search takes for no value
        yield text, f"{text}-x"


def _text(value: str) -> Queries:
    if value.strip():
        yield _escape(value), _escape(value) + "ｘ"


def _texts(*names: str) -> Callable[[Resource], Queries]:
    def queries(value: Resource) -> Queries:
        for name in names:
            parts = value.get(name, ())
            for part in [parts] if isinstance(parts, str) else parts:
                yield from _text(part)

    return queries


def _date(value: str) -> Queries:
    yield value, f"ne{value}"
    yield f"ge{value}", f"gt{value}"
    yield f"le{value}", f"lt{value}"
    yield f"ap{value}", f"sa{value}"


def _period(value: Resource) -> Queries:
    if "start" in value:
        yield f"ge{value['start']}", f"eb{value['start']}"
    if "end" in value:
        yield f"le{value['end']}", f"sa{value['end']}"


def _number(value: int | Decimal) -> Queries:
    yield str(value), f"ne{value}"
    yield f"ge{value}", f"gt{value}"
    yield f"le{value}", f"lt{value}"


def _quantity(value: Resource) -> Queries:
    if "value" in value and "comparator" not in value:
        number = value["value"]
        yield str(number), f"gt{number}"
        yield (
            f"{number}|{_escape(value.get('system', ''))}|{_escape(value.get('code', value.get('unit', '')))}",
            f"{number}||-x",
        )


def _money(value: Resource) -> Queries:
    yield f"{value['value']}||{value['currency']}", f"{value['value']}||-x"


def _reference(value: Resource) -> Queries:
    text = value.get("reference", "#")
    if not text.startswith("#"):
        yield _escape(text), _escape(text) + "9x"


def _canonical(value: str) -> Queries:
    bare, bar, version = value.partition("|")
    if value.startswith("#"):
        return
    yield value, f"{bare}-x{bar}{version}"
    yield bare, f"{bare}|x-{version}"


def _first_entry(value: Resource) -> Queries:
    if "id" in value:
        yield f"{value['resourceType']}/{value['id']}", f"{value['resourceType']}/{value['id']}-x"


QUERIES: dict[str, dict[str, Callable[[Any], Queries]]] = {
    "token": {
        "Coding": _coding,
        "CodeableConcept": _concept,
        "Identifier": _identifier,
        "ContactPoint": _contact,
        "code id uri string boolean System.Boolean": _plain,
    },
    "string": {
        "string markdown": _text,
        "HumanName": _texts("text", "family", "given", "prefix", "suffix"),
        "Address": _texts("text", "line", "city", "district", "state", "country", "postalCode"),
    },
    "date": {"date dateTime instant": _date, "Period": _period},
    "number": {"integer decimal positiveInt unsignedInt": _number},
    "quantity": {"Quantity Age Duration Count Distance": _quantity, "Money": _money},
    "uri": {"uri url canonical": _plain},
    "reference": {"Reference": _reference, "canonical uri": _canonical, "Composition MessageHeader": _first_entry},
}
