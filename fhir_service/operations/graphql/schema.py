"""The GraphQL schema, made of the definitions and the search parameters when it is first asked for.

Every element is a field under its JSON name (`valueQuantity`, `_birthDate`), every resource type has `Type(id:)`,
`TypeList` and `TypeConnection`; on a resource `TypeList` and `TypeConnection` are what refers to it. Only the types of
OF_ANY are offered there by parameters that may refer to anything, which would make the schema ten times as large.
https://hl7.org/fhir/R4/graphql.html
"""

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache

from graphql import (
    DirectiveLocation,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLDirective,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLString,
    specified_directives,
)

from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.operations.graphql import resolvers
from fhir_service.operations.graphql.scalars import argument, argument_name, graphql_name, scalar

OF_ANY = ("AuditEvent", "List", "Provenance", "Task")
ANY = 40  # a parameter with more targets than these is one that may refer to anything
_RESULT = {"_count": GraphQLInt, **dict.fromkeys(("_sort", "_filter", "_content", "_text", "_list"), GraphQLString)}
_OF_RESOURCE = ("resourceType", "id", "meta", "implicitRules", "language")

FLATTEN = GraphQLDirective("flatten", [DirectiveLocation.FIELD], description="Put what is in it in its place.")
FIRST = GraphQLDirective("first", [DirectiveLocation.FIELD], description="Give the first of the list alone.")
SINGLETON = GraphQLDirective("singleton", [DirectiveLocation.FIELD], description="Give no list, for it is one.")
SLICE = GraphQLDirective(
    "slice",
    [DirectiveLocation.FIELD],
    {"path": GraphQLArgument(GraphQLString), "fhirpath": GraphQLArgument(GraphQLString)},
    description="Name each item by what this FHIRPath finds on it: given.official, given.usual.",
)


def schema_of(registry: SearchRegistry) -> GraphQLSchema:
    """Return the schema of these definitions and search parameters."""
    return _made(registry, registry.version)


@lru_cache(maxsize=2)
def _made(registry: SearchRegistry, version: int) -> GraphQLSchema:
    return _Builder(registry).schema()


class _Builder:
    """Makes each type once, by its FHIR name."""

    def __init__(self, registry: SearchRegistry) -> None:
        self._registry = registry
        self._definitions = registry.definitions
        self._names = sorted(self._definitions.resource_types)
        self._types: dict[str, GraphQLOutputType] = {}
        self._fields_of: dict[tuple[str, bool], GraphQLField] = {}
        self._searches: dict[str, dict[str, GraphQLField]] = {}
        self._resource = GraphQLInterfaceType("Resource", self._of_resource, resolve_type=resolvers.resource_type)
        self._element_base = GraphQLObjectType(
            "ElementBase",
            lambda: {
                "id": GraphQLField(GraphQLString),
                "extension": GraphQLField(GraphQLList(self._type("Extension"))),
            },
            description="What JSON keeps beside a primitive.",
        )

    def schema(self) -> GraphQLSchema:
        # Those that others need stand first, so that no chain of types is followed deeper than Python's stack.
        needed = [self._type(name) for name in ("Extension", *sorted(self._leaves), *self._names)]
        return GraphQLSchema(
            GraphQLObjectType("Query", self._root),
            types=[each for each in needed if isinstance(each, GraphQLObjectType)],
            directives=(*specified_directives, FLATTEN, FIRST, SINGLETON, SLICE),
            assume_valid=True,
        )

    @property
    def _leaves(self) -> set[str]:
        """The data types that the elements of resources have."""
        return {
            code
            for name in self._names
            for element in self._definitions.type(name).elements
            for code in element.types
            if code[0].isupper() and "." not in code and code != "Resource"
        }

    def _root(self) -> dict[str, GraphQLField]:
        fields: dict[str, GraphQLField] = {}
        for name in self._names:
            by_id = {"id": GraphQLArgument(GraphQLNonNull(GraphQLID))}
            fields[name] = GraphQLField(self._type(name), by_id, resolvers.by_id)
            fields |= self._search(name, ())
        return fields

    def _of_resource(self) -> dict[str, GraphQLField]:
        fields = {name: each for name, each in self._elements("Resource") if name in _OF_RESOURCE}
        return {"resourceType": GraphQLField(scalar("code")), **fields}

    def _type(self, name: str) -> GraphQLOutputType:
        found = self._types.get(name)
        if found is None:
            found = self._types[name] = self._made(name)
        return found

    def _made(self, name: str) -> GraphQLOutputType:
        if name == "Resource":
            return self._resource
        kind = self._definitions.type(name).kind
        if kind == "primitive-type":
            return scalar(name)
        return GraphQLObjectType(
            graphql_name(name),
            lambda: self._fields(name),
            interfaces=[self._resource] if kind == "resource" else None,
            extensions={resolvers.FHIR_TYPE: name},
        )

    def _fields(self, name: str) -> dict[str, GraphQLField]:
        fields = dict(self._elements(name))
        if name == "Reference":
            options = {"optional": GraphQLArgument(GraphQLBoolean), "type": GraphQLArgument(argument("code"))}
            fields["resource"] = GraphQLField(self._resource, options, resolvers.referred)
        if name in self._definitions.resource_types:
            fields = {"resourceType": GraphQLField(scalar("code"))} | fields
            for source, codes in self._pointing_here.get(name, {}).items():
                fields |= self._search(source, codes)
        return fields

    def _elements(self, name: str) -> Iterator[tuple[str, GraphQLField]]:
        for json_name, (element, code) in self._definitions.type(name).by_json.items():
            yield json_name, self._element(code, element.repeats)
            if self._is_primitive(code) and not element.xml_attribute and json_name != "id":
                yield f"_{json_name}", self._partners[element.repeats]

    def _element(self, code: str, repeats: bool) -> GraphQLField:
        """Return the field of an element of this type; one stands for all, for there are ten thousand."""
        found = self._fields_of.get((code, repeats))
        if found is None:
            type_ = self._type(code)
            made = GraphQLField(GraphQLList(type_), self._filters(code)) if repeats else GraphQLField(type_)
            found = self._fields_of[code, repeats] = made
        return found

    @cached_property
    def _partners(self) -> tuple[GraphQLField, GraphQLField]:
        """What JSON keeps beside a primitive, and beside a list of them."""
        return GraphQLField(self._element_base), GraphQLField(GraphQLList(self._element_base))

    def _is_primitive(self, code: str) -> bool:
        return self._definitions.type(code).kind == "primitive-type"

    def _filters(self, code: str) -> dict[str, GraphQLArgument]:
        """Return what a list of this type can be cut down by: places, FHIRPath, and the primitives of an item."""
        found = self._cuts
        if self._is_primitive(code) or code == "Resource":
            return found
        children = self._definitions.type(code).by_json.items()
        named = {name: child for name, (_, child) in children if self._is_primitive(child) and name not in found}
        return found | {name: GraphQLArgument(argument(child)) for name, child in named.items()}

    @cached_property
    def _cuts(self) -> dict[str, GraphQLArgument]:
        return {
            "fhirpath": GraphQLArgument(GraphQLString),
            "_count": GraphQLArgument(GraphQLInt),
            "_offset": GraphQLArgument(GraphQLInt),
        }

    def _search(self, name: str, codes: tuple[str, ...]) -> dict[str, GraphQLField]:
        """Return `TypeList` and `TypeConnection`; with `codes`, those of what refers to a resource by these."""
        key = f"{name} {bool(codes)}"
        if key not in self._searches:
            criteria = {
                argument_name(code): GraphQLArgument(GraphQLList(argument(each.type)))
                for code, each in self._registry.parameters(name).items()
                if argument_name(code).isidentifier()
            }
            criteria |= {each: GraphQLArgument(type_) for each, type_ in _RESULT.items()}
            if codes:
                criteria["_reference"] = GraphQLArgument(argument("code"))
            as_list = criteria | {"_offset": GraphQLArgument(GraphQLInt)}
            as_connection = criteria | {"_cursor": GraphQLArgument(GraphQLString)}
            self._searches[key] = {
                f"{name}List": GraphQLField(GraphQLList(self._type(name)), as_list, resolvers.listed(name)),
                f"{name}Connection": GraphQLField(self._connection(name), as_connection, resolvers.connected(name)),
            }
        return self._searches[key]

    def _connection(self, name: str) -> GraphQLOutputType:
        key = f"{name}Connection"
        if key not in self._types:
            edge = GraphQLObjectType(
                f"{name}Edge",
                lambda: {
                    "mode": GraphQLField(scalar("code")),
                    "score": GraphQLField(scalar("decimal")),
                    "resource": GraphQLField(self._type(name)),
                },
            )
            self._types[key] = GraphQLObjectType(
                key,
                {
                    "count": GraphQLField(GraphQLInt, resolve=resolvers.total),
                    **{each: GraphQLField(GraphQLInt) for each in ("offset", "pagesize")},
                    **{each: GraphQLField(GraphQLID) for each in ("first", "previous", "next", "last")},
                    "edges": GraphQLField(GraphQLList(edge), resolve=resolvers.edges),
                },
            )
        return self._types[key]

    @cached_property
    def _pointing_here(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """For each type, the types that refer to it, and by which parameters."""
        found: dict[str, dict[str, tuple[str, ...]]] = {}
        for source in self._names:
            for code, parameter in self._registry.parameters(source).items():
                if parameter.type == "reference" and (len(parameter.targets) <= ANY or source in OF_ANY):
                    for target in parameter.targets or (self._names if source in OF_ANY else ()):
                        by_source = found.setdefault(target, {})
                        by_source[source] = (*by_source.get(source, ()), code)
        return found
