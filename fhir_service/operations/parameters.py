"""What an operation is asked: the parameters of the URL, and those of a Parameters resource or a bare resource sent.

https://hl7.org/fhir/R4/operations.html#request
"""

from collections.abc import Collection
from typing import Any

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.interactions.answers import cursor
from fhir_service.interactions.answers.preference import preference
from fhir_service.interactions.exchange import FhirRequest

Given = tuple[str, Any]
"""The name and what is given: the text of the URL, the value of value[x], or the resource."""

RESOURCE = "resource"
_NOT_OURS = frozenset({"_format", "_pretty", cursor.PARAMETER})


def given(request: FhirRequest, known: Collection[str]) -> list[Given]:
    """Return the parameters in their order; 400 for one that is not known, unless lenient handling was asked for.

    A resource that is sent without Parameters around it is the parameter `resource`.
    """
    found = [*request.query, *_sent(request.body)]
    lenient = preference(request.headers).lenient
    if not lenient and (unknown := [name for name, _ in found if name not in known and name not in _NOT_OURS]):
        named = f"{request.path[-1]}"
        there = f"({', '.join(sorted(known))})" if known else ""
        raise refused(
            unknown[0],
            f"は{named}のパラメーターではありません{there}",
            f"is no parameter of {named}{' ' + there if there else ''}",
        )
    return [pair for pair in found if pair[0] in known]


def given_any(request: FhirRequest) -> list[Given]:
    """Return all parameters, of an operation that also takes those of a search."""
    return [pair for pair in (*request.query, *_sent(request.body)) if pair[0] not in _NOT_OURS]


def _sent(body: Any) -> list[Given]:
    match body:
        case None | {"resourceType": "Parameters", "parameter": []}:
            return []
        case {"resourceType": "Parameters", **others}:
            parameters = others.get("parameter", [])
            return [_value(each) for each in (parameters if isinstance(parameters, list) else [parameters])]
        case {"resourceType": str()}:
            return [(RESOURCE, body)]
        case _:
            raise fhir_error("structure", "本文はリソースで送ってください。", "The body has to be a resource.")


def _value(parameter: Any) -> Given:
    match parameter:
        case {"name": str(name), "resource": dict(resource)}:
            return name, resource
        case {"name": str(name)}:
            values = [value for key, value in parameter.items() if key.startswith("value")]
            if len(values) == 1:
                return name, values[0]
            raise refused(name, "に値がありません", "has no value")
        case _:
            raise fhir_error("structure", "名前のないパラメーターがあります。", "There is a parameter without a name.")


def single(pairs: Collection[Given]) -> dict[str, Any]:
    """Return the parameters by name; 400 for one that is there twice."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise refused(name, "は1つだけです", "may be given once only")
        found[name] = value
    return found


def text(name: str, value: Any) -> str:
    """Return the value as the URL would say it; 400 for what is no primitive."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise refused(name, "は単純な値で指定してください", "must be a primitive value")
    return str(value)


def flag(name: str, value: Any) -> bool:
    """Return a boolean."""
    said = text(name, value)
    if said not in ("true", "false"):
        raise refused(name, "はtrueかfalseです", "must be true or false")
    return said == "true"


def whole_number(name: str, value: Any) -> int:
    """Return a whole number, 1 or more."""
    said = text(name, value)
    if not (said.isascii() and said.isdecimal()) or not int(said[:9]):
        raise refused(name, "は1以上の整数で指定してください", "must be a whole number, 1 or more")
    return int(said[:9])


def refused(name: str, ja: str, en: str) -> FhirError:
    """Return the error for a parameter: it `ja`, it `en` (400)."""
    return fhir_error("value", f"「{name[:40]}」{ja}。", f'"{name[:40]}" {en}.', (f"http.{name[:40]}",))
