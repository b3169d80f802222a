"""What the directives @flatten, @first, @singleton and @slice make of an answer.

GraphQL's own rules say what an answer looks like; these directives, which FHIR adds, change it afterwards.
https://hl7.org/fhir/R4/graphql.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graphql import GraphQLError

Path = tuple[str | int, ...]
Json = dict[str, Any]


class Shape(NamedTuple):
    """The directives of a field; `names` are what @slice calls its items."""

    flatten: bool = False
    first: bool = False
    singleton: bool = False
    names: Sequence[str] | None = None


PLAIN = Shape()


class Within(NamedTuple):
    """What flattened fields above mean for those in them: whether they are lists, and what is added to their names."""

    several: bool = False
    suffix: str = ""


def shaped(data: Json, shapes: Mapping[Path, Shape]) -> Json:
    """Return the answer in the shape that the directives give it; GraphQLError if a singleton has several values."""
    return _object(data, (), shapes) if shapes else data


def _object(node: Json, path: Path, shapes: Mapping[Path, Shape]) -> Json:
    made: Json = {}
    _fill(made, node, path, shapes, Within())
    return made


def _value(value: Any, path: Path, shapes: Mapping[Path, Shape]) -> Any:
    match value:
        case dict():
            return _object(value, path, shapes)
        case list():
            return [_value(each, (*path, n), shapes) for n, each in enumerate(value)]
        case _:
            return value


def _fill(target: Json, node: Json, path: Path, shapes: Mapping[Path, Shape], within: Within) -> None:
    for key, value in node.items():
        at = (*path, key)
        shape = shapes.get(at, PLAIN)
        if shape is PLAIN and within == Within():
            target[key] = _value(value, at, shapes)
        else:
            _place(target, value, at, shapes, within)


def _place(target: Json, value: Any, at: Path, shapes: Mapping[Path, Shape], within: Within) -> None:
    """Put one field into the object that it belongs to by its directives and those above it."""
    shape = shapes.get(at, PLAIN)
    is_list = isinstance(value, list)
    if value == [] and shape.first:  # the first of nothing
        is_list, value = False, None
    items = [(each, (*at, n)) for n, each in enumerate(value)] if is_list else [(value, at)]
    several = within.several or (is_list and not shape.first)
    for n, (each, place) in enumerate(items[:1] if shape.first else items):
        suffix = within.suffix + (f".{shape.names[n]}" if shape.names else "")
        if shape.flatten and isinstance(each, dict):
            _fill(target, each, place, shapes, Within(several, suffix))
        elif each is not None or not (several or shape.flatten):
            name = f"{at[-1]}{suffix}"
            if shape.singleton:
                _put(target, name, _value(each, place, shapes), at)
            elif several:
                target.setdefault(name, []).append(_value(each, place, shapes))
            else:
                target[name] = _value(each, place, shapes)


def _put(target: Json, name: str, value: Any, at: Path) -> None:
    if target.get(name) is not None:
        raise GraphQLError(f'"{name}" is a @singleton, but has several values.', path=[*at])
    target[name] = value
