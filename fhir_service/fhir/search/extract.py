"""What a resource says to its search parameters: the index entries of one resource.

Every parameter of a type is compiled once to rules that stand under the JSON property where they begin, so that a
resource meets only the rules of what it has. Nothing is read for an index: `resolve()` is answered from the reference.
https://hl7.org/fhir/R4/search.html#ptypes
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from fhir_service.fhir import fhirpath
from fhir_service.fhir.definitions import Definitions, Element
from fhir_service.fhir.fhirpath import Environment, Expression, FhirPathError, Item
from fhir_service.fhir.reference import parse_reference
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.contained import add_contained, with_types
from fhir_service.fhir.search.converters import CONVERTERS, Converter, canonical, code_of, name_part, nothing
from fhir_service.fhir.search.first_entry import add_first, leads_inside
from fhir_service.fhir.search.index import CompositeEntry, Entry, IndexEntries, ReferenceEntry, UriEntry
from fhir_service.fhir.search.match import LISTS
from fhir_service.fhir.search.parameter import SearchParameter, SearchType
from fhir_service.fhir.search.paths import Path, Step, simple_paths, split_union, told_type
from fhir_service.fhir.search.registry import SearchRegistry

BUCKETS = tuple(LISTS)
"""The types of parameters in the order of the lists that `Indexer.index` fills."""
_lists_of = attrgetter(*LISTS.values())

# `_id` and `_lastUpdated` are the store's own: it gives the id, stamps the time, and answers both itself.
OF_THE_STORE = frozenset({"_id", "_lastUpdated"})

NAME_PARTS = ("family", "given")  # of HumanName, the only type that has such elements

# A stored SearchParameter may hold any expression: what it costs a write, and what it holds up, has an end (0.4 s).
_LIMITED = Environment(limit=200_000)

# The System types that an expression can end in, as the FHIR types that index the same.
SYSTEM_TYPES = {
    "System.Boolean": "boolean",
    "System.String": "string",
    "System.Integer": "integer",
    "System.Decimal": "decimal",
    "System.Date": "date",
    "System.DateTime": "dateTime",
}


class Rule(NamedTuple):
    """Where one parameter finds values of one type, from a property of the resource, and how they become entries."""

    code: str
    bucket: int
    steps: tuple[Step, ...]
    convert: Converter
    held: bool = False  # the parameter has a holder, which has the same values


@dataclass(frozen=True, slots=True)
class Calculated:
    """A parameter whose expression the FHIRPath engine evaluates; `converters` by data type."""

    code: str
    bucket: int
    expression: Expression
    converters: dict[str, Converter]


class Component(NamedTuple):
    """One component of a composite: its parameter's code, and its paths from the composite's instance.

    Of each path whether it starts from the resource instead, the property it begins with, and its steps.
    """

    code: str
    paths: tuple[tuple[bool, str, tuple[Step, ...], Converter], ...]


@dataclass(frozen=True)
class Composite:
    """https://hl7.org/fhir/R4/search.html#composite: `instance` leads to the elements that hold all components.

    A resource with none of the properties `begins` has no instance.
    """

    code: str
    instance: Path
    components: tuple[Component, ...]

    @cached_property
    def begins(self) -> frozenset[str]:
        if self.instance.first:
            return frozenset((self.instance.first,))
        return frozenset(first for _, first, _, _ in self.components[-1].paths)


@dataclass(slots=True)
class Plan:
    """All rules of one resource type; `by_property` are those that begin with this JSON property."""

    by_property: dict[str, list[Rule]] = field(default_factory=dict)
    calculated: list[Calculated] = field(default_factory=list)
    composites: list[Composite] = field(default_factory=list)
    begins: frozenset[str] = frozenset()  # of all composites
    first: list[SearchParameter] = field(default_factory=list)
    date: str | None = None
    has_canonical_url: bool = False
    coded: frozenset[str] = frozenset()


class Indexer:
    """Makes the index entries of resources. `bases` are those of this server: references below one become relative."""

    def __init__(self, definitions: Definitions, registry: SearchRegistry, *bases: str) -> None:
        self.definitions = definitions
        self.registry = registry
        self.base = bases[0] if bases else None
        self._local = frozenset((None, *bases))
        self._plans: dict[str, Plan] = {}
        self._target = lru_cache(maxsize=1 << 15)(self._split_target)

    def forget(self) -> None:
        """Compile the rules of every type anew: the search parameters have changed."""
        self._plans.clear()

    def index(self, resource: Resource) -> IndexEntries:
        """Return everything that the resource says to the search parameters of its type."""
        plan = self._plan_of(resource["resourceType"])
        if "contained" in resource:
            resource = with_types(resource)
        entries = IndexEntries(coded=plan.coded)
        buckets: tuple[list[Any], ...] = _lists_of(entries)
        by_property = plan.by_property
        for name, value in resource.items():
            if (rules := by_property.get(name)) is None:
                continue
            values = [each for each in value if each is not None] if type(value) is list else [value]
            for code, bucket, steps, convert, _ in rules:
                nodes, found = values, buckets[bucket]
                for step in steps:
                    nodes = step(nodes)
                for node in nodes:
                    found += convert(code, node)
        for calculated in plan.calculated:
            buckets[calculated.bucket].extend(_calculate(calculated, resource))
        if begun := plan.begins & resource.keys():
            for composite in plan.composites:
                if not composite.begins.isdisjoint(begun):
                    entries.composites += _instances(composite, resource)
        if "contained" in resource:
            add_contained(entries, resource, self.references, self.index)
        if plan.first:
            add_first(entries, resource, plan.first, self.references, self.index)
        if plan.has_canonical_url:
            if "url" in resource and "version" in resource:
                entries.uris += _versioned_url(resource)
            entries.address = f"{resource['resourceType']}/{resource['id']}" if "id" in resource else None
        if plan.date is not None:
            entries.date = min((each.low for each in entries.dates if each.code == plan.date), default=None)
        return entries

    def references(self, resource: Resource) -> Iterator[tuple[str, str]]:
        """Give the text of each reference and canonical that a parameter selects, with the code of the parameter."""
        plan = self._plan_of(resource["resourceType"])
        for code, value in _selected(plan, resource):
            text = value.get("reference") if isinstance(value, dict) else value
            if isinstance(text, str):
                yield code, text

    def _plan_of(self, resource_type: str) -> Plan:
        plan = self._plans.get(resource_type)
        if plan is None:
            plan = self._plans[resource_type] = self._plan(resource_type)
        return plan

    def _plan(self, resource_type: str) -> Plan:
        parameters = self.registry.declared(resource_type)
        plan = Plan(date=self.registry.primary_date(resource_type))
        plan.coded = frozenset(code for code, each in parameters.items() if self.registry.is_coded(each))
        plan.has_canonical_url = "url" in parameters and parameters["url"].type == "uri"
        for parameter in parameters.values():
            if parameter.members or parameter.code in OF_THE_STORE:
                continue
            if leads_inside(parameter):
                plan.first.append(parameter)
            elif parameter.type == "composite":
                plan.composites += self._composites(parameter)
            else:
                self._add(plan, parameter)
        plan.begins = frozenset().union(*(composite.begins for composite in plan.composites))
        return plan

    def _add(self, plan: Plan, parameter: SearchParameter) -> None:
        bucket = BUCKETS.index(parameter.type)
        codes_only = {path.type for path in self.registry.paths(parameter)} == {"code"}
        for branch in split_union(parameter.expression or ""):
            paths = simple_paths(branch, parameter.resource_type, self.definitions)
            if paths is None:
                expression = fhirpath.compile(branch, self.definitions, context_type=parameter.resource_type)
                plan.calculated.append(Calculated(parameter.code, bucket, expression, self._converters(parameter.type)))
                continue
            for path in paths:
                # The first step leads to the property under which the rule stands.
                held = parameter.holder is not None
                convert = self._held if held else self._converter(parameter.type, path, codes_only)
                rule = Rule(parameter.code, bucket, path.steps[1:], convert, held)
                plan.by_property.setdefault(path.first, []).append(rule)

    def _composites(self, parameter: SearchParameter) -> Iterator[Composite]:
        types = {code: each.type for code, each in self.registry.declared(parameter.resource_type).items()}
        for branch in split_union(parameter.expression or ""):
            for instance in simple_paths(branch, parameter.resource_type, self.definitions) or ():
                components = tuple(
                    self._component(code, types[code], expression, instance.type, parameter.resource_type)
                    for code, expression in parameter.components
                )
                yield Composite(parameter.code, instance, components)

    def _component(
        self, code: str, search_type: SearchType, expression: str, context: str, resource_type: str
    ) -> Component:
        paths = [
            (path.absolute, path.first, path.steps, self._converter(search_type, path))
            for branch in split_union(expression)
            for path in simple_paths(
                branch, resource_type if branch.startswith("%resource") else context, self.definitions
            )
            or ()
        ]
        return Component(code, tuple(paths))

    def _converters(self, search_type: SearchType) -> dict[str, Converter]:
        """Return the converters of a type of parameter by data type; the System types are among them."""
        converters = dict(CONVERTERS.get(search_type, {}))
        if search_type == "reference":
            converters = {**dict.fromkeys(converters, self._canonical), "Reference": self._reference}
        by_property = {f"value{name[0].upper()}{name[1:]}": each for name, each in converters.items()}
        converters["Extension"] = lambda code, value: _extension(code, value, by_property)
        for system, fhir in SYSTEM_TYPES.items():
            converters[system] = converters.get(fhir, nothing)
        return converters

    def _converter(self, search_type: SearchType, path: Path, codes_only: bool = True) -> Converter:
        if search_type == "token" and path.type == "code" and codes_only and path.element and path.element.value_set:
            system = self._implicit_system(path.element)
            if system is not None:
                return code_of(system)
        if search_type == "string" and path.element and path.element.name in NAME_PARTS:
            return name_part
        return self._converters(search_type).get(path.type, nothing)

    def _implicit_system(self, element: Element) -> str | None:
        """Return the one code system of the value set that a `code` is bound to, None if there is not just one."""
        value_set = self.definitions.find(element.value_set or "")
        includes: list[Resource] = (value_set or {}).get("compose", {}).get("include", [])
        systems = {include.get("system") for include in includes}
        return systems.pop() if len(systems) == 1 else None

    def _reference(self, code: str, value: Resource) -> Sequence[Entry]:
        """Return what a Reference says: its literal target, and its identifier as a logical reference.

        One to a contained resource has no target, but it is a value: `:missing=false`.
        """
        target, version = self._target(value["reference"]) if "reference" in value else (None, None)
        identifier = value.get("identifier")
        if identifier is not None:
            return (ReferenceEntry(code, target, version, identifier.get("system"), identifier.get("value")),)
        return (ReferenceEntry(code, target, version),) if "reference" in value else ()

    def _held(self, code: str, value: Resource) -> Sequence[Entry]:
        """Return the same for a parameter with a holder: marked, if the text of the reference tells its type."""
        if "identifier" in value or "reference" not in value or told_type(value["reference"]) is None:
            return self._reference(code, value)
        target, version = self._target(value["reference"])
        return (ReferenceEntry(code, target, version, held=True),)

    def _canonical(self, code: str, value: str) -> Sequence[Entry]:
        """Return what a canonical says, and the address that it is on this server."""
        (entry,) = canonical(code, value)
        found = parse_reference(entry.target or "")
        if found.kind != "literal" or found.base not in self._local:
            return (entry,)
        return (entry._replace(address=str(found.key)),)

    def _split_target(self, text: str) -> tuple[str | None, str | None]:
        """Return target and version of a literal reference; that to a contained resource has no target."""
        found = parse_reference(text)
        if found.kind == "fragment":
            return None, None
        if found.kind != "literal":
            return text, None
        return (str(found.key) if found.base in self._local else f"{found.base}/{found.key}"), found.version


def _selected(plan: Plan, resource: Resource) -> Iterator[tuple[str, Any]]:
    """Give the value of each reference and canonical that a parameter selects, with the code of the parameter."""
    bucket = BUCKETS.index("reference")
    for name, value in resource.items():
        for rule in plan.by_property.get(name, ()):
            if rule.bucket == bucket and not rule.held:
                nodes = value if type(value) is list else [value]
                for step in rule.steps:
                    nodes = step(nodes)
                yield from ((rule.code, node) for node in nodes)
    for calculated in plan.calculated:
        if calculated.bucket == bucket:
            yield from ((calculated.code, item.value) for item in _items(calculated, resource))


def _versioned_url(resource: Resource) -> Sequence[UriEntry]:
    """Canonical resources are found by `url=…|version`, too.

    "Servers SHOULD support automatically detecting a |[version] portion as part of the search parameter"
    https://hl7.org/fhir/R4/search.html#uri
    """
    return (UriEntry("url", f"{resource['url']}|{resource['version']}"),)


def _extension(code: str, value: Resource, by_property: dict[str, Converter]) -> Sequence[Entry]:
    """Return what the value of an extension says: R4 has expressions that end in the extension itself."""
    for name, each in value.items():
        if name in by_property:
            return by_property[name](code, each)
    return ()


def _calculate(calculated: Calculated, resource: Resource) -> Iterator[Entry]:
    """Give the entries of an expression."""
    for item in _items(calculated, resource):
        if item.value is not None:
            yield from calculated.converters.get(item.type, nothing)(calculated.code, item.value)


def _items(calculated: Calculated, resource: Resource) -> Sequence[Item]:
    """Return what an expression selects; one that cannot be evaluated on this resource finds nothing in it."""
    try:
        return calculated.expression.evaluate(resource, _LIMITED)
    except FhirPathError:
        return ()


def _instances(composite: Composite, resource: Resource) -> Iterator[CompositeEntry]:
    """Give an entry for each element of the resource that has a value for every component."""
    for instance in composite.instance.select(resource):
        parts = []
        for component in reversed(composite.components):  # the last one, the value, is the one that is absent most
            part = _part(component, instance, resource)
            if not part:
                break
            parts.append(tuple(part))
        else:
            yield CompositeEntry(composite.code, tuple(reversed(parts)))


def _part(component: Component, instance: Resource, resource: Resource) -> list[Entry]:
    code, paths = component
    found: list[Entry] = []
    for absolute, first, steps, convert in paths:
        context = resource if absolute else instance
        if first in context:
            nodes = [context]
            for step in steps:
                nodes = step(nodes)
            for node in nodes:
                found += convert(code, node)
    return found
