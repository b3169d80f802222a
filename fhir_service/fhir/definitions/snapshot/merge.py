"""What a differential says of one element, put upon what its ancestors say of it.

https://hl7.org/fhir/R4/profiling.html#snapshot and https://hl7.org/fhir/R4/elementdefinition.html
"""

from collections.abc import Callable
from typing import Any

from fhir_service.fhir.resource import Resource

# What a profile adds to instead of replacing it, besides rules: the property, and what makes two values the same.
ADDED: dict[str, Callable[[Any], Any]] = {
    "condition": lambda each: each,
    "alias": lambda each: each,
    "mapping": lambda each: (each.get("identity"), each.get("map")),
    "example": lambda each: each.get("label"),
    "extension": lambda each: each.get("url"),
}
# Prose that begins with `...` is put after what is inherited.
PROSE = ("definition", "comment", "requirements", "meaningWhenMissing")
CONTINUES = "..."
# What a place has, not what is said of it.
PLACE = frozenset({"id", "path"})
# What the root of a profiled extension says of its place. What must hold there is checked by the profile itself.
OF_TYPE = (
    "short", "definition", "comment", "requirements", "alias", "isModifier", "isModifierReason", "mapping",
)  # fmt: skip


def merged(base: Resource, differential: Resource, source: str) -> Resource:
    """Return the element of the base with what the differential says; `source` is the profile that says it."""
    out = {**base, **{name: value for name, value in differential.items() if name not in PLACE}}
    for name, same in ADDED.items():
        if name in differential:
            out[name] = _added(base.get(name, []), differential[name], same)
    if "constraint" in differential:
        out["constraint"] = _constraints(base.get("constraint", []), differential["constraint"], source)
    for name in PROSE:
        text = differential.get(name)
        if isinstance(text, str) and text.startswith(CONTINUES) and name in base:
            out[name] = f"{base[name]}\n{text.removeprefix(CONTINUES).lstrip()}"
    if "binding" in differential and "binding" in base and "valueSet" not in differential["binding"]:
        out["binding"] = {**base["binding"], **differential["binding"]}
    if "slicing" in differential and "slicing" in base:
        out["slicing"] = {**base["slicing"], **differential["slicing"]}
    if "type" in differential and "contentReference" in base:
        out.pop("contentReference")
    return _narrowed(out, base)


def typed(element: Resource, root: Resource) -> Resource:
    """Return the element with what the root of its profiled type says."""
    said = {name: root[name] for name in OF_TYPE if name in root}
    out = {**element, **said}
    for name, same in ADDED.items():
        if name in said:
            out[name] = _added(element.get(name, []), said[name], same)
    return out


def _constraints(inherited: list[Any], own: list[Any], source: str) -> list[Any]:
    """Return the rules that are inherited, which cannot be changed, then the own ones."""
    keys = {each.get("key") for each in inherited}
    new = {each.get("key"): {**each, "source": each.get("source", source)} for each in own}
    return [*inherited, *(each for key, each in new.items() if key not in keys)]


def _added(inherited: list[Any], own: list[Any], same: Callable[[Any], Any]) -> list[Any]:
    """Return what is inherited, in its place replaced by what is the same, then the rest of the own."""
    new = {same(each): each for each in own}
    kept = [new.pop(same(each), each) for each in inherited]
    return [*kept, *new.values()]


def _narrowed(out: Resource, base: Resource) -> Resource:
    """Keep what does not fit any more out: a binding without coded type, and a wider cardinality than the base's."""
    low, high = base.get("min"), base.get("max")
    if low is not None and out.get("min", 0) < low:
        out["min"] = low
    if high is not None and _wider(out.get("max", "*"), high):
        out["max"] = high
    return out


def _wider(high: str, than: str) -> bool:
    return than != "*" and (high == "*" or int(high) > int(than))
