"""Searches of every kind, made from what resources say: some find much, some one, some miss by a hair."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.resource import Resource, key_of
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.registry import SearchRegistry
from tests.oracle.evaluator import FIRST_ENTRY, Filter, OfContained, Oracle, Pair
from tests.oracle.values import DATE, GRAMS, RANGED, codings, labels, prefixed, texts

PREFIXES = ("", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
DIGITS = 15  # what the index tells apart
UNASKED = ("_id", "_lastUpdated", "near")
SORTED = ("date", "uri", "number", "quantity", "composite")

# How `_filter` says what a parameter of a type asks with a modifier.
OPERATORS = {
    ("token", ""): "eq", ("reference", ""): "eq", ("uri", ""): "eq", ("uri", "below"): "sw", ("string", ""): "sw",
    ("string", "contains"): "co", ("date", ""): "eq", ("number", ""): "eq", ("quantity", ""): "eq",
    ("date", "missing"): "pr",
}  # fmt: skip


# What stands for a component of a composite that has no value.
ANY = {
    "date": ["2026"],
    "number": ["1"],
    "quantity": ["1"],
    "token": ["x"],
    "string": ["x"],
    "reference": ["x"],
    "uri": ["x"],
}


def written(tree: Filter) -> str:
    """Return the text of a filter."""
    match tree:
        case ("not", tuple(one)):
            return f"not({written(one)})"
        case (("and" | "or") as join, tuple(one), tuple(other)):
            return f"({written(one)}) {join} ({written(other)})"
        case (str(name), str(operator), str(value)):
            text = {"true": "false", "false": "true"}[value] if operator == "pr" else quoted(value)
            return f"{name.partition(':')[0]} {operator} {text}"
    raise AssertionError(tree)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def escaped(text: str) -> str:
    for character in "\\,|$":
        text = text.replace(character, f"\\{character}")
    return text


class Questions:
    """Makes random searches about the resources of an oracle, or about those that these contain."""

    def __init__(self, oracle: Oracle, registry: SearchRegistry, random: Random) -> None:
        self._oracle = oracle
        self._registry = registry
        self._random = random
        self._by_type: dict[str, list[Resource]] = {}
        inside = [each for each, _ in oracle.containers.values()] if isinstance(oracle, OfContained) else []
        for resource in (*oracle.resources.values(), *inside):
            self._by_type.setdefault(resource["resourceType"], []).append(resource)
        self._types = sorted({each["resourceType"] for each in inside} or self._by_type)

    def ask(self) -> tuple[str, list[Pair]]:
        """Return a resource type and what is asked of it."""
        resource_type = self._random.choice(self._types)
        pairs = [
            pair for _ in range(self._random.choice((1, 1, 1, 2, 3))) for pair in self._criterion(resource_type, 0)
        ]
        if self._random.random() < 0.1:
            tree = self._tree(resource_type, 0)
            text = written(tree)
            self._oracle.filters[text] = tree
            pairs.append(("_filter", text))
        if self._random.random() < 0.15:
            pairs += self._sort(resource_type)
        return resource_type, pairs or [("_id", "nobody")]

    def _sort(self, resource_type: str) -> list[Pair]:
        """Return a sort by what the type says, or what it refers to."""
        path, hops = "", self._random.choice((0, 1, 1, 2))
        for _ in range(hops):
            steps = [
                (f"{code}:{target['resourceType']}.", target["resourceType"])
                for resource in self._random.sample(self._by_type[resource_type], 1)
                for code, parameter in self._shuffled(resource_type)
                if parameter.type == "reference" and parameter.expression != FIRST_ENTRY
                for target in self._oracle.targets(resource, code)
                if self._oracle.resources.get(key_of(target)) is target
                and (not parameter.targets or target["resourceType"] in parameter.targets)
            ]
            if steps:
                step, resource_type = self._random.choice(steps)
                path += step
        found = [code for code, each in self._shuffled(resource_type) if each.type in SORTED and code not in UNASKED]
        return [("_sort", self._random.choice(("", "-")) + path + found[0])] if found else []

    def _tree(self, resource_type: str, depth: int) -> Filter:
        """Return a filter: comparisons joined by `and`, `or` and `not`."""
        join = self._random.choice(("and", "or", "not", "", ""))
        if depth < 3 and join == "not":
            return (join, self._tree(resource_type, depth + 1))
        if depth < 3 and join:
            return (join, self._tree(resource_type, depth + 1), self._tree(resource_type, depth + 1))
        for _ in range(50):
            resource = self._random.choice(self._by_type[resource_type])
            name, text = next(self._value(resource), ("_id", "nobody"))
            code, _, modifier = name.partition(":")
            kind = "token" if code == "_id" else self._registry.parameters(resource_type)[code].type
            if "," not in text and "\\" not in text and (kind, modifier) in OPERATORS:
                if not modifier and self._random.random() < 0.3 and (asked := self._other(resource, code, text)):
                    return (code, "ne", asked)
                prefix, value = prefixed(text) if kind in RANGED and not modifier else ("", text)
                return (name, prefix or OPERATORS[kind, modifier], value)
        return ("_id", "eq", "nobody")

    def _other(self, resource: Resource, code: str, text: str) -> str | None:
        """Return a value that `ne` can be asked of: with a system of its own, or of a literal reference."""
        types = {item.type for item in self._oracle.items(resource, code)}
        if types <= {"Coding", "CodeableConcept", "Identifier"} and not text.endswith("|"):
            return text
        return text if types == {"Reference"} and "|" not in text and ":" not in text else None

    def _criterion(self, resource_type: str, depth: int) -> Iterator[Pair]:
        pick = self._random.random()
        if pick < 0.12 and depth < 3:
            yield from self._chain(resource_type, depth)
        elif pick < 0.22 and depth < 3:
            yield from self._has(resource_type, depth)
        elif pick < 0.25:
            yield from self._undefined(resource_type, depth)
        else:
            resource = self._random.choice(self._by_type[resource_type])
            yield from self._value(resource)

    def _undefined(self, resource_type: str, depth: int) -> Iterator[Pair]:
        """Give a criterion that no SearchParameter defines, and such that the store answers by itself."""
        lists = [each["id"] for each in self._by_type.get("List", ()) if "id" in each]
        ids = [each["id"] for each in self._by_type[resource_type] if "id" in each]
        types = ("Patient", "Organization", resource_type)
        yield self._random.choice(
            [
                ("_type", ",".join(self._random.sample(types, 2))) if depth else ("_id", "nobody"),
                ("_list", ",".join(self._random.sample(lists, 2))) if len(lists) > 1 else ("_list", "nobody"),
                ("_id", ",".join(self._random.sample(ids, min(2, len(ids))))),
            ]
        )

    def _chain(self, resource_type: str, depth: int) -> Iterator[Pair]:
        resource = self._random.choice(self._by_type[resource_type])
        for code, parameter in self._shuffled(resource_type):
            if parameter.type == "reference":
                for target in self._oracle.targets(resource, code):
                    kind = target["resourceType"]
                    if kind in self._by_type and (not parameter.targets or kind in parameter.targets):
                        named = f":{kind}" if self._random.random() < 0.5 else ""
                        back = id(target) in self._oracle.containers and self._random.random() < 0.4
                        for name, text in self._back(target) if back else self._criterion(kind, depth + 1):
                            if named or not name.startswith("_has"):
                                yield f"{code}{named}.{name}", text
                        return

    def _back(self, target: Resource) -> Iterator[Pair]:
        """Give a `_has` of a contained resource, by what is within its container, and mostly by what refers to it."""
        _, container = self._oracle.containers[id(target)]
        for source in self._random.sample([container, *container["contained"]], len(container["contained"]) + 1):
            for code, parameter in self._shuffled(source["resourceType"]):
                to = self._oracle.targets(source, code) if parameter.type == "reference" else ()
                if any(each is target for each in to):
                    for name, text in self._value(source):
                        yield f"_has:{source['resourceType']}:{code}:{name}", text
                    return

    def _has(self, resource_type: str, depth: int) -> Iterator[Pair]:
        source = self._random.choice(sorted(self._by_type))
        for code, parameter in self._shuffled(source):
            if parameter.type == "reference" and (not parameter.targets or resource_type in parameter.targets):
                for name, text in self._criterion(source, depth + 1):
                    yield f"_has:{source}:{code}:{name}", text
                return

    def _shuffled(self, resource_type: str) -> list[tuple[str, SearchParameter]]:
        parameters = sorted(self._registry.parameters(resource_type).items())
        return self._random.sample(parameters, len(parameters))

    def _value(self, resource: Resource) -> Iterator[Pair]:
        for code, parameter in self._shuffled(resource["resourceType"]):
            if code in UNASKED or parameter.type == "special":
                continue
            items = [item for item in self._oracle.items(resource, code) if item.value is not None]
            if self._random.random() < 0.08:
                yield f"{code}:missing", self._random.choice(("true", "false"))
                return
            made = [each for item in items[:3] for each in self._written(parameter, item)]
            if made:
                modifier = self._random.choice(made)[0]
                texts = [text for kind, text in made if kind == modifier]
                yield (
                    code + modifier,
                    ",".join(self._random.sample(texts, min(len(texts), self._random.choice((1, 1, 2))))),
                )
                return

    def _written(self, parameter: SearchParameter, item: Item) -> Iterator[Pair]:
        """Give modifiers and values, still to be joined, that have to do with an item."""
        match parameter.type:
            case "token":
                yield from self._token(parameter, item)
            case "string":
                yield from self._string(item)
            case "date":
                yield from self._date(item)
            case "number" | "quantity":
                yield from self._amount(parameter.type, item)
            case "uri" if isinstance(item.value, str) and item.value.strip():
                yield "", escaped(item.value)
                yield ":below", escaped(item.value[: self._random.randrange(8, 40)])
                yield ":above", escaped(item.value + self._random.choice(("", "/x", "x")))
            case "reference":
                yield from self._reference(item)
            case "composite":
                yield from self._composite(parameter, item)

    def _composite(self, parameter: SearchParameter, item: Item) -> Iterator[Pair]:
        known = self._registry.parameters(parameter.resource_type)
        for _ in range(3):
            parts = []
            for (code, _), (_, items) in zip(
                parameter.components, self._oracle.components(parameter, item), strict=True
            ):
                made = [text for each in items for modifier, text in self._written(known[code], each) if not modifier]
                parts.append(self._random.choice([text for text in made if text.strip()] or ANY[known[code].type]))
            yield "", "$".join(parts)

    def _token(self, parameter: SearchParameter, item: Item) -> Iterator[Pair]:
        for system, code in codings(item.type, item.value):
            if not code or not code.strip():
                continue
            if item.type in ("Coding", "CodeableConcept", "Identifier"):
                yield "", f"{escaped(system or '')}|{escaped(code)}"
                yield "", f"|{escaped(code)}"
                yield "", f"{escaped(system or 'http://x.example')}|"
            if self._registry.is_coded(parameter):
                yield ":code-text", escaped(code[: self._random.choice((1, 3, 99))])
            elif item.type == "ContactPoint":
                code = item.value["value"]
            yield "", escaped(code)
            yield ":not", escaped(code)
            yield "", escaped(code.swapcase())
        if item.type in ("Coding", "CodeableConcept", "Identifier"):
            for label in labels(item.type, item.value):
                if label.strip():
                    yield ":text", escaped(label[: self._random.randrange(1, 9)]).strip() or "x"

    def _string(self, item: Item) -> Iterator[Pair]:
        for text in texts(item.type, item.value):
            begin = self._random.randrange(len(text)) if text else 0
            some = text[begin : begin + self._random.choice((1, 2, 5))]
            if text.strip():
                yield ":exact", escaped(text)
                yield "", escaped(text[: self._random.choice((1, 3, 9, 99))])
                yield "", escaped(text.upper() if self._random.random() < 0.5 else f" {text.lower()} ")
            if some.strip():
                yield ":contains", escaped(some)
                yield ":exact", escaped(some)

    def _date(self, item: Item) -> Iterator[Pair]:
        value: Any = item.value
        if isinstance(value, dict):
            value = value.get("start") or value.get("end") or next(iter(value.get("event", ())), None)
        if not isinstance(value, str) or value < "1000":
            return
        for length in (4, 7, 10, len(value)):
            if length <= len(value) and length not in (13, 16):
                prefix = self._random.choice((*DATE, ""))
                yield "", prefix + value[:length]

    def _amount(self, kind: str, item: Item) -> Iterator[Pair]:
        value = item.value
        if isinstance(value, dict):
            unit = value
            value = value.get("value") or value.get("low", {}).get("value") or value.get("high", {}).get("value")
            system, code, text = unit.get("system"), unit.get("code"), unit.get("unit")
        else:
            system = code = text = None
        if value is None:
            return
        longer = f"{value}0" if "." in str(value) else f"{value}{'' if 'E' in str(value) else '.0'}"
        for number in (value, -value, round(value), longer, str(value).partition("E")[0] + "4"):
            if len(Decimal(number).as_tuple().digits) > DIGITS:
                continue
            prefix = self._random.choice((*PREFIXES, "ap"))
            yield "", f"{prefix}{number}".replace("E+", "e")
            if kind == "quantity" and code and system:
                yield "", f"{prefix}{number}|{escaped(system)}|{escaped(code)}"
                if code in GRAMS:
                    other = self._random.choice(sorted(GRAMS))
                    moved = (Decimal(value) * GRAMS[code] / GRAMS[other]).normalize()
                    yield "", f"{prefix}{moved:f}|{escaped(system)}|{other}"
            if kind == "quantity" and (code or text):
                yield "", f"{prefix}{number}||{escaped(code or text)}"

    def _reference(self, item: Item) -> Iterator[Pair]:
        value = item.value
        text = value.get("reference", "") if isinstance(value, dict) else value
        if isinstance(value, dict) and "value" in value.get("identifier", {}):
            yield ":identifier", escaped(value["identifier"]["value"])
            yield (
                ":identifier",
                f"{escaped(value['identifier'].get('system', ''))}|{escaped(value['identifier']['value'])}",
            )
        if not text or text.startswith("#"):
            return
        yield "", escaped(text).replace("\\|", "|")
        if not isinstance(value, dict):
            url, _, version = text.partition("#")[0].partition("|")
            yield "", url
            yield ":below", "|".join((url, *([version[: self._random.choice((1, 3))]] if version else []))).rstrip(".")
            yield "", f"{url}|{self._random.choice(('1', '2.0', version or '3'))}"
        type_, slash, id_ = text.partition("/")
        if slash and type_.isalpha() and "/" not in id_:
            yield "", id_
            yield "", f"http://fhir.example/fhir/{text}"
            yield "", f"{text}9"
