"""A search answered naively: every resource is asked, what it says is what the definition's FHIRPath selects in it.

The query is read from its text again, without the server's parser. https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any

from fhir_service.fhir import fhirpath
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import Environment, Expression, FhirPathError, Item
from fhir_service.fhir.resource import Key, Resource, key_of
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.registry import SearchRegistry
from tests.oracle import values

COMPARE = {
    "string": values.string,
    "token": values.token,
    "date": values.date,
    "number": values.number,
    "quantity": values.quantity,
    "uri": values.uri,
}
FIRST_ENTRY = "Bundle.entry[0].resource"

# Of HumanName: the only strings whose words count one by one.
WORDED = ("family", "given")

Pair = tuple[str, str]
Branches = list[Expression]
Filter = tuple["str | Filter", ...]

"""`("and", one, other)`, `("not", one)`, or a comparison: a name with its modifier, the operator, a value."""


class Oracle:
    """Answers searches over these resources of the server at `base`."""

    def __init__(self, resources: Iterable[Resource], registry: SearchRegistry, base: str) -> None:
        self.resources = {key_of(resource): resource for resource in resources}
        self._registry = registry
        self._base = base
        self.filters: dict[str, Filter] = {}
        self._items: dict[tuple[int, str], list[Item]] = {}
        self._bundles: dict[int, Resource] = {}  # those of first entries
        self._left: dict[int, Resource] = {}  # lists without what is marked as deleted
        inside = ((each, container) for container in self.resources.values() for each in container.get("contained", ()))
        self.containers = {id(each): (each, container) for each, container in inside}
        self._expressions = cache(
            lambda kind, code: list(_expressions(self.parameter(kind, code), registry.definitions))
        )

    def find(self, resource_type: str, query: Sequence[Pair]) -> set[Key]:
        """Return what fulfils all criteria."""
        return {
            key
            for key, resource in self.resources.items()
            if key.type == resource_type and all(self.holds(resource, name, text) for name, text in query)
        }

    def is_sorted(self, keys: Sequence[Key], text: str) -> bool:
        """Whether resources stand in the order of a sort key: what has no value is the least of all."""
        path = text.removeprefix("-")
        pick = max if path != text else min
        values = [self._sorted_by(self.resources[key], path) for key in keys]
        picked = [(bool(each), pick(each) if each else None) for each in values]
        return picked == sorted(picked, reverse=path != text)

    def _sorted_by(self, resource: Resource, path: str) -> list[Any]:
        """Return all values that a resource, or what it refers to, has for a sort key."""
        head, dot, rest = path.partition(".")
        code, _, named = head.partition(":")
        if dot:
            stored = (each for each in self.targets(resource, code) if self.resources.get(key_of(each)) is each)
            return [value for each in stored if each["resourceType"] == named for value in self._sorted_by(each, rest)]
        parameter = self.parameter(resource["resourceType"], code)
        kind, items = parameter.type, [item for item in self.items(resource, code) if item.value is not None]
        if kind == "composite":
            return [each for item in items for each in self._combined(parameter, item, resource)]
        return [value for item in items for value in values.sort_values(kind, item.type, item.value)]

    def _combined(self, parameter: SearchParameter, item: Item, resource: Resource) -> Iterator[tuple[Any, ...]]:
        """Give each way in which the components of an instance that has all of them stand together.

        A text or display alone is no code; nothing is the least.
        """
        parts = self._parts(parameter, item, resource)
        if all(parts):
            kinds = self._kinds(parameter)
            combined = [
                [(True, each) for one in part for each in values.sort_values(kind, one.type, one.value)]
                for kind, part in zip(kinds, parts, strict=True)
            ]
            yield from product(*(each or [(False, 0)] for each in combined))

    def holds(self, resource: Resource, name: str, text: str) -> bool:
        """Whether a resource fulfils one criterion; a sort is none."""
        if name == "_sort":
            return True
        if name == "_filter":
            return self._passes(resource, self.filters[text])
        if name.startswith("_has:"):
            _, source, code, rest = name.split(":", 3)
            return any(
                self.holds(other, rest, text)
                for other in self._referrers(resource)
                if other["resourceType"] == source and any(each is resource for each in self.targets(other, code))
            )
        head, dot, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        if dot:
            named = (modifier,) if modifier else self.parameter(resource["resourceType"], code).targets
            targets = (each for each in self.targets(resource, code) if not named or each["resourceType"] in named)
            return any(self._has(each, rest) and self.holds(each, rest, text) for each in targets)
        if code == "_id":
            return resource.get("id") in map(values.plain, values.split(text, ","))
        if code == "_type":
            return resource["resourceType"] in values.split(text, ",")
        if code == "_list":
            lists = (self.resources.get(Key("List", id_)) for id_ in values.split(text, ","))
            return any(self._is_on(each, resource) for each in lists if each)
        items = self.items(resource, code)
        if modifier == "missing":
            return (text == "true") is (not self._says(items, resource, code))
        parameter = self.parameter(resource["resourceType"], code)
        asked = values.split(text, ",")
        found = any(
            self._fulfils(parameter, "" if modifier == "not" else modifier, i, a, resource)
            for i in items
            for a in asked
        )
        return not found if modifier == "not" else found

    def _is_on(self, list_: Resource, resource: Resource) -> bool:
        """Whether a resource is on a list, and not marked as deleted there."""
        if id(list_) not in self._left:
            left = [each for each in list_.get("entry", ()) if each.get("deleted") is not True]
            self._left[id(list_)] = {**list_, "entry": left}
        return any(each is resource for each in self.targets(self._left[id(list_)], "item"))

    def _passes(self, resource: Resource, tree: Filter) -> bool:
        match tree:
            case ("not", tuple(one)):
                return not self._passes(resource, one)
            case ("and", tuple(one), tuple(other)):
                return self._passes(resource, one) and self._passes(resource, other)
            case ("or", tuple(one), tuple(other)):
                return self._passes(resource, one) or self._passes(resource, other)
            case (str(name), str(operator), str(value)):
                kind = (
                    "token" if name == "_id" else self.parameter(resource["resourceType"], name.partition(":")[0]).type
                )
                if operator == "ne" and kind in ("token", "reference"):
                    return self._differs(resource, name, value)
                ranged = kind in values.RANGED and operator != "pr"
                return self.holds(resource, name, operator + value if ranged else value)
        raise AssertionError(tree)

    def _referrers(self, resource: Resource) -> Iterable[Resource]:
        """Return what may refer to a resource: to a contained one its container, and what that contains."""
        if id(resource) in self.containers:
            _, container = self.containers[id(resource)]
            return (container, *container["contained"])
        return self.resources.values() if self.resources.get(key_of(resource)) is resource else ()

    def _names(self, resource: Resource) -> dict[str, Resource]:
        """Return what a resource contains, or what is beside it and around it, by what it is called there."""
        if id(resource) in self.containers:
            _, container = self.containers[id(resource)]
            return {"#": container, **self._names(container)}
        return {f"#{each.get('id')}": each for each in resource.get("contained", ())}

    def _differs(self, resource: Resource, code: str, asked: str) -> bool:
        """Whether a resource has some value that is another, or refers to something else."""
        parameter = self.parameter(resource["resourceType"], code)
        for item in self.items(resource, code):
            if parameter.type == "reference":
                text = item.value.get("reference", "#")
                if not text.startswith("#") and not values.reference(
                    "", item.type, item.value, asked, self._base, parameter.targets
                ):
                    return True
                continue
            for system, each in values.codings(item.type, item.value):
                coding = {name: said for name, said in (("system", system), ("code", each)) if said is not None}
                if each is not None and not values.token("", "Coding", coding, asked):
                    return True
        return False

    def targets(self, resource: Resource, code: str) -> Iterator[Resource]:
        """Give the resources that a parameter leads to, those inside this one included."""
        contained = self._names(resource)
        first_entry = self.parameter(resource["resourceType"], code).expression == FIRST_ENTRY
        if first_entry and self.items(resource, code):
            first = resource["entry"][0]["resource"]
            self._bundles[id(first)] = resource
            yield first
        for item in self.items(resource, code) if not first_entry else ():
            text = item.value.get("reference") if item.type == "Reference" else item.value
            if not isinstance(text, str):
                continue
            if text in contained:
                yield contained[text]
                continue
            if id(resource) in self._bundles:
                yield from _by_full_url(self._bundles[id(resource)], text)
                continue
            if item.type != "Reference":
                yield from self._named(text, self.parameter(resource["resourceType"], code).targets)
                continue
            bare = text.removeprefix(f"{self._base}/").partition("/_history/")[0].partition("|")[0]
            type_, _, id_ = bare.partition("/")
            if (found := self.resources.get(Key(type_, id_))) is not None:
                yield found

    def _named(self, canonical: str, types: Sequence[str]) -> Iterator[Resource]:
        """Give the resources of these types with a canonical URL, or that stand there on this server: of the version
        that it says, if that is here.
        """
        url, _, version = canonical.partition("#")[0].partition("|")
        address = url.removeprefix(f"{self._base}/")
        allowed = [
            each for each in self.resources.values() if each["resourceType"] in (types or (each["resourceType"],))
        ]
        exact = [each for each in allowed if version and (each.get("url"), each.get("version")) == (url, version)]
        yield from exact or [each for each in allowed if each.get("url") == url or str(key_of(each)) == address]

    def items(self, resource: Resource, code: str) -> list[Item]:
        """Return what the parameter's own expression selects in a resource."""
        place = (id(resource), code)
        if place not in self._items:
            found = _evaluated(self._expressions(resource["resourceType"], code), resource, root=self._root(resource))
            if self.parameter(resource["resourceType"], code).expression == FIRST_ENTRY:
                found = [item for each in found for item in _first_entry(each.value, code, resource["type"])]
            self._items[place] = found
        return self._items[place]

    def _root(self, resource: Resource) -> Resource | None:
        """Return what a resource is contained in, where that is known."""
        return None

    def parameter(self, resource_type: str, code: str) -> SearchParameter:
        return self._registry.parameters(resource_type)[code]

    def _has(self, resource: Resource, rest: str) -> bool:
        """Whether the rest of a chain has a meaning on a type."""
        code = rest.partition(".")[0].partition(":")[0]
        return (
            rest.startswith("_has:")
            or code in ("_type", "_list")
            or code in self._registry.parameters(resource["resourceType"])
        )

    def _says(self, items: list[Item], resource: Resource, code: str) -> bool:
        """Whether there is a value that can be searched for."""
        parameter = self.parameter(resource["resourceType"], code)
        if parameter.type == "composite":
            return any(all(parts) for item in items for parts in [self._parts(parameter, item, resource)])
        return any(says(parameter.type, item) for item in items)

    def _fulfils(self, parameter: SearchParameter, modifier: str, item: Item, asked: str, resource: Resource) -> bool:
        if parameter.type == "reference":
            return values.reference(modifier, item.type, item.value, asked, self._base, parameter.targets)
        if parameter.type == "composite":
            wanted = values.split(asked, "$")
            return all(
                any(compare("", part.type, part.value, text) for part in parts)
                for (compare, parts), text in zip(self.components(parameter, item, resource), wanted, strict=True)
            )
        kind = item.type
        if parameter.type == "string" and (parameter.expression or "").endswith(tuple(f".{name}" for name in WORDED)):
            kind = "given"
        return item.value is not None and COMPARE[parameter.type](modifier, kind, item.value, asked)

    def _parts(self, parameter: SearchParameter, item: Item, resource: Resource) -> list[list[Item]]:
        return [
            [part for part in parts if says(kind, part)]
            for kind, parts in (
                (kind, parts)
                for (_, parts), kind in zip(
                    self.components(parameter, item, resource), self._kinds(parameter), strict=True
                )
            )
        ]

    def _kinds(self, parameter: SearchParameter) -> list[str]:
        known = self._registry.parameters(parameter.resource_type)
        return [known[code].type for code, _ in parameter.components]

    def components(
        self, parameter: SearchParameter, item: Item, resource: Resource | None = None
    ) -> Iterator[tuple[Any, list[Item]]]:
        for kind, (_, expression) in zip(self._kinds(parameter), parameter.components, strict=True):
            compiled = _compiled(expression, item.type, self._registry.definitions)
            compare = COMPARE.get(kind) or (lambda m, k, v, a: values.reference(m, k, v, a, self._base))
            yield compare, _evaluated([compiled], item, resource)


class OfContained(Oracle):
    """Answers searches for contained resources, which know what is beside them and what they are in."""

    def __init__(self, oracle: Oracle) -> None:
        super().__init__(oracle.resources.values(), oracle._registry, oracle._base)
        self.filters = oracle.filters

    def find_contained(self, resource_type: str, query: Sequence[Pair]) -> set[str]:
        """Return what fulfils all criteria, as `Type/id#id`."""
        return {
            f"{key_of(container)}#{each.get('id', '')}"
            for each, container in self.containers.values()
            if each["resourceType"] == resource_type and all(self.holds(each, name, text) for name, text in query)
        }

    def _root(self, resource: Resource) -> Resource | None:
        return self.containers[id(resource)][1] if id(resource) in self.containers else None


def _by_full_url(bundle: Resource, text: str) -> Iterator[Resource]:
    """Give what the first entry of a Bundle refers to in it: by the full URL, or relative to its own."""
    first, kind = bundle["entry"][0].get("fullUrl", ""), bundle["entry"][0]["resource"]["resourceType"]
    base = first.partition(f"/{kind}/")[0] if f"/{kind}/" in first else None
    found = [each for each in bundle["entry"] if each.get("fullUrl") in (text, f"{base}/{text}" if base else text)]
    yield from [each["resource"] for each in found if "resource" in each][:1]


def _first_entry(first: Resource, code: str, bundle_type: str) -> Iterator[Item]:
    """Give the first resource of a document or message as a reference to it."""
    wanted = {"composition": ("document", "Composition"), "message": ("message", "MessageHeader")}[code]
    if (bundle_type, first["resourceType"]) == wanted:
        yield Item({"reference": f"{first['resourceType']}/{first.get('id')}"}, "Reference")


def says(kind: str, item: Item) -> bool:
    """Whether an item is a value of this type of parameter."""
    value = item.value
    match kind:
        case _ if value is None:
            return False
        case "token":
            concept = item.type == "CodeableConcept" and ("text" in value or "coding" in value)
            label = item.type in ("Coding", "Identifier")
            return concept or label or any(code is not None for _, code in values.codings(item.type, value))
        case "string":
            return any(True for _ in values.texts(item.type, value))
        case "date":
            return values.dates(item.type, value) is not None
        case "number" | "quantity":
            return values.amounts(item.type, value) is not None
        case "reference":
            return (
                isinstance(value, str) if item.type != "Reference" else bool({"identifier", "reference"} & set(value))
            )
        case _:
            return True


def _evaluated(
    expressions: Iterable[Branches], focus: Any, resource: Resource | None = None, root: Resource | None = None
) -> list[Item]:
    """Return what the first of these that can be evaluated selects.

    Branches are evaluated one by one, because `|` leaves out what is equal: 5 mg with a system where 5 mg has none.
    """
    for branches in expressions:
        try:
            found = [each.evaluate(focus, Environment(resource=resource, root=root)) for each in branches]
            return [_meant(item) for items in found for item in items]
        except FhirPathError:
            continue
    return []


def _meant(item: Item) -> Item:
    """Return the value of an extension for the extension: some expressions of R4 (`gene-identifier`) end in it."""
    if item.type != "Extension":
        return item
    for name, value in item.value.items():
        if name.startswith("value"):
            return Item(value, name[5:] if isinstance(value, dict) else name[5].lower() + name[6:])
    return item


def _compiled(text: str, context_type: str, definitions: Definitions) -> Branches:
    """Return the branches of a union, each of them compiled."""
    branches, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and not depth:
            branches.append("")
        else:
            branches[-1] += character
    return [fhirpath.compile(each.strip(), definitions, context_type=context_type) for each in branches]


def _expressions(parameter: SearchParameter, definitions: Definitions) -> Iterator[Branches]:
    """Give the definition's own expression, and the registry's for where the engine refuses that one.

    (R4's own uses `as` on collections.)
    """
    for text in ((definitions.find(parameter.url) or {})["expression"], parameter.expression or ""):
        try:
            yield _compiled(text, parameter.resource_type, definitions)
        except FhirPathError:
            continue
