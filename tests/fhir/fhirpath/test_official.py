"""The expressions that R4 itself contains, on the official examples: search parameters and invariants."""

import json as stdlib_json
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fhirpathpy import compile as compile_by_fhirpathpy
from fhirpathpy.models import models

from fhir_service.fhir import fhirpath, json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import Environment, Item

PER_TYPE = 2
TOO_WIDE = ("(ConceptMap.source as uri)", "(ConceptMap.target as uri)")
LARGEST = 100_000  # bytes


@pytest.fixture(scope="session")
def examples(r4_examples: Path, definitions: Definitions) -> list[Path]:
    """The first few small examples of every type."""
    count: Counter[str] = Counter()
    chosen = []
    for path in sorted(r4_examples.glob("*-*.json")):
        type_name = path.name.partition("-")[0]
        if type_name in definitions.resource_types and path.stat().st_size < LARGEST and count[type_name] < PER_TYPE:
            count[type_name] += 1
            chosen.append(path)
    return chosen


@pytest.fixture(scope="session")
def search_expressions(definitions: Definitions) -> dict[str, list[str]]:
    """Expressions of search parameters by base type."""
    found: dict[str, list[str]] = defaultdict(list)
    for parameter in definitions.all("SearchParameter"):
        for base in parameter["base"] if "expression" in parameter else ():
            found[base].append(parameter["expression"])
    return found


def test_fhirpathpy_finds_the_same_with_the_search_expressions(
    examples: list[Path], search_expressions: dict[str, list[str]], definitions: Definitions
) -> None:
    """It has no answer where the expression needs `resolve()`, `hasExtension()`, or `as` on several values.

    Paths from `Resource` are left out: it finds nothing by them. And a canonical is a uri to its `as`, but not to HL7's
    suite (testFHIRPathAsFunction15).
    """
    peers: dict[str, Any] = {}
    same, unanswered, different = 0, 0, []
    for path in examples:
        ours, theirs = json.decode(path.read_bytes()), stdlib_json.loads(path.read_bytes())
        name = ours["resourceType"]
        for text in (*search_expressions[name], *search_expressions["DomainResource"]):
            peers[text] = peers.get(text) or compile_by_fhirpathpy(text, models["r4"])
            found = [item.value for item in fhirpath.compile(text, definitions, context_type=name).evaluate(ours)]
            try:
                other = peers[text](theirs)
            except Exception as error:
                assert any(word in str(error) for word in ("resolve", "hasExtension", "singleton")), error
                unanswered += 1
                continue
            if comparable(found) == comparable(other) or text in TOO_WIDE:
                same += 1
            else:
                different.append((path.name, text, found, other))

    assert different == []
    assert same > 2000 and unanswered < same / 10


def comparable(values: list[Any]) -> Any:
    """Return JSON in which decimals are text, as fhirpathpy sometimes has them."""

    def plain(value: Any) -> Any:
        match value:
            case bool() | None:
                return value
            case int() | float() | Decimal():
                return str(Decimal(str(value)).normalize())
            case list():
                return [plain(each) for each in value]
            case dict():
                return {name: plain(each) for name, each in value.items()}
            case str() if value.replace(".", "").replace("-", "").isdigit():
                return plain(Decimal(value)) if value.count(".") < 2 and value.rfind("-") < 1 else value
            case _:
                return str(getattr(value, "asStr", value))

    return plain(values)


def invariants_of(definitions: Definitions, *, profiles: bool) -> dict[str, list[tuple[str, str]]]:
    """Return the invariants (key, expression) of R4 by the path of the element they stand on."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for structure in definitions.all("StructureDefinition"):
        is_wanted = profiles or structure.get("derivation") != "constraint"
        if is_wanted and structure["url"].startswith("http://hl7.org/fhir/"):
            for element in structure.get("snapshot", {}).get("element", ()):
                for constraint in element.get("constraint", ()):
                    found[element["path"]].append((constraint["key"], constraint["expression"]))
    return found


def test_every_invariant_compiles_for_its_element_in_strict_mode(definitions: Definitions) -> None:
    """But for two slips of R4: there is neither ChargeItemDefinition.name nor Extension.substanceExposureRisk."""
    invariants = invariants_of(definitions, profiles=True)
    refused = set()
    for path, rules in invariants.items():
        context_type = path if definitions.has_type(path) else None
        for key, text in rules:
            try:
                fhirpath.compile(text, definitions, context_type=context_type, strict=True)
            except fhirpath.FhirPathError:
                refused.add(key)

    assert refused == {"cid-0", "inv-1"}
    assert len({rule for rules in invariants.values() for rule in rules}) == 248


def test_no_invariant_fails_or_is_broken_by_the_official_examples(
    examples: list[Path], definitions: Definitions
) -> None:
    """dom-6 (a narrative should be there) and the names of rule -0 are advice, which the examples do not all follow."""
    invariants = invariants_of(definitions, profiles=False)
    everything = fhirpath.compile("descendants()", definitions)
    broken, evaluated = set(), 0
    for path in examples:
        resource = json.decode(path.read_bytes())
        for item, environment in surroundings(
            [Item(resource, resource["resourceType"]), *everything.evaluate(resource)]
        ):
            for key, text in invariants.get(item.type, ()):
                result = fhirpath.compile(text, definitions, context_type=item.type).evaluate(item, environment)
                evaluated += 1
                if result and result[0].value is not True:
                    broken.add(key)

    assert {key for key in broken if key != "dom-6" and not key.endswith("-0")} == set()
    assert evaluated > 10_000


def surroundings(items: list[Item]) -> Iterator[tuple[Item, Environment]]:
    """Give each item with the environment in which an invariant meets it."""
    root = items[0].value
    for item in items:
        inner = isinstance(item.value, dict) and "resourceType" in item.value
        yield item, Environment(resource=item.value if inner else root, root=root)
