"""The FHIRPath Patch that turns one resource into another of the same type.

Lists are compared from both ends: what is between is changed place by place, and the rest inserted or deleted. What the
server writes itself (the id, `meta.versionId`, `meta.lastUpdated`) is not compared.
https://hl7.org/fhir/R4/fhirpatch.html
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.definitions.model import Element
from fhir_service.fhir.patch.place import Json, Slot, read_slots
from fhir_service.fhir.patch.value import keeps_its_form
from fhir_service.fhir.resource import Resource

_OF_SERVER = ("versionId", "lastUpdated")
# https://hl7.org/fhirpath/N1/#keywords: as a name they stand in backticks.
_KEYWORDS = frozenset({"and", "as", "contains", "div", "false", "implies", "in", "is", "mod", "or", "true", "xor"})


def patch_between(before: Resource, after: Resource, definitions: Definitions) -> Resource:
    """Return the Parameters whose application to `before` gives `after`; their type is the same."""
    diff = _Diff(definitions)
    ours, theirs = ({name: value for name, value in each.items() if name != "id"} for each in (before, after))
    if "meta" in ours:
        standing, wanted = (
            {k: v for k, v in each.get("meta", {}).items() if k not in _OF_SERVER} for each in (ours, theirs)
        )
        del ours["meta"]
        theirs.pop("meta", None)
        diff.objects(standing, wanted, "Meta", f"{before['resourceType']}.meta")
    elif "meta" in theirs:
        theirs["meta"] = {k: v for k, v in theirs["meta"].items() if k not in _OF_SERVER}
    diff.objects(ours, theirs, before["resourceType"], before["resourceType"])
    answer: Resource = {"resourceType": "Parameters"}
    return answer | {"parameter": diff.operations} if diff.operations else answer


@dataclass(frozen=True, slots=True)
class _Diff:
    """Collects the operations, in the order in which they are to be applied."""

    definitions: Definitions
    operations: list[Json] = field(default_factory=list)

    def objects(self, before: Json, after: Json, type_name: str, path: str) -> None:
        """Compare two objects of a type; deletes go last, for an object that becomes empty goes away."""
        gone: list[tuple[Element, str, int, int]] = []
        for element in self.definitions.type(type_name).elements:
            here = f"{path}.`{element.name}`" if element.name in _KEYWORDS else f"{path}.{element.name}"
            (ours, code), (theirs, other) = (self._slots(each, type_name, element) for each in (before, after))
            if code == other and _same(ours, theirs):
                continue
            if element.repeats:
                kept, end = self._lists(ours, theirs, element, other or code, path, here)
                gone.append((element, here, kept, end))
            elif not ours:
                self._operation("add", path, theirs[0], other, name=element.name)
            elif not theirs:
                gone.append((element, here, 0, 1))
            else:
                self._pair(ours[0], theirs[0], element, (code, other), here)
        for element, here, kept, end in gone:
            for _ in range(kept, end):
                self._operation("delete", f"{here}[{kept}]" if element.repeats else here)

    def _lists(
        self, before: list[Slot], after: list[Slot], element: Element, code: str, owner: str, path: str
    ) -> tuple[int, int]:
        """Compare two lists; return from where to where the first has more than the second."""
        least = min(len(before), len(after))
        head = next((n for n in range(least) if not _same(before[n], after[n])), least)
        tail = next((n for n in range(least - head) if not _same(before[-1 - n], after[-1 - n])), least - head)
        paired = least - tail
        for n in range(head, paired):
            self._pair(before[n], after[n], element, (code, code), f"{path}[{n}]")
        for n in range(paired, len(after) - tail):
            if n >= len(before):
                self._operation("add", owner, after[n], code, name=element.name)
            else:
                self._operation("insert", path, after[n], code, index=n)
        return paired, len(before) - tail

    def _pair(self, before: Slot, after: Slot, element: Element, codes: tuple[str, str], path: str) -> None:
        """Compare two values at the same place."""
        if _same(before, after):
            return
        types = tuple(self._type(slot.value, code) for slot, code in zip((before, after), codes, strict=True))
        if isinstance(before.value, dict) and isinstance(after.value, dict) and types[0] == types[1]:
            self.objects(before.value, after.value, types[0], path)
        else:
            self._operation("replace", path, after, codes[1])

    def _operation(self, kind: str, path: str, slot: Slot | None = None, code: str = "", **more: Any) -> None:
        parts: list[Json] = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
        parts += [{"name": "name", "valueString": more["name"]}] if "name" in more else []
        parts += [{"name": "index", "valueInteger": more["index"]}] if "index" in more else []
        if slot is not None:
            parts.append(self._value("value", slot, code))
        self.operations.append({"name": "operation", "part": parts})

    def _value(self, name: str, slot: Slot, code: str) -> Json:
        """Return the part that carries a value: a value[x], a resource, or a part for each element."""
        if code == "Resource":
            return {"name": name, "resource": deepcopy(slot.value)}
        key = f"value{code[:1].upper()}{code[1:]}"
        if code == "xhtml":
            key = "valueString" if keeps_its_form(slot.value or "") else "valueMarkdown"
        elif isinstance(slot.value, dict) and key not in self.definitions.type("Parameters.parameter").by_json:
            return {"name": name, "part": self._parts(slot.value, code)}
        held = {key: deepcopy(slot.value), f"_{key}": deepcopy(slot.companion)}
        return {"name": name} | {key: value for key, value in held.items() if value is not None}

    def _parts(self, value: Json, type_name: str) -> list[Json]:
        parts: list[Json] = []
        for element in self.definitions.type(type_name).elements:
            slots, code = self._slots(value, type_name, element)
            parts += [self._value(element.name, slot, code) for slot in slots]
        return parts

    def _slots(self, holder: Json, type_name: str, element: Element) -> tuple[list[Slot], str]:
        """Return what an object has of an element, and the type that a choice has there."""
        for name, (of, code) in self.definitions.type(type_name).by_json.items():
            if of.name == element.name and (slots := read_slots(holder, name)):
                return slots, code
        return [], ""

    def _type(self, value: Any, code: str) -> str:
        return str(value["resourceType"]) if code == "Resource" and isinstance(value, dict) else code


def _same(ours: Any, theirs: Any) -> bool:
    """Whether two values are the same to the digit: 1.0 is not 1.00."""
    match ours, theirs:
        case dict(), dict():
            return ours.keys() == theirs.keys() and all(_same(ours[name], theirs[name]) for name in ours)
        case (list() | tuple(), list() | tuple()):
            return _same_items(ours, theirs)
        case Decimal(), Decimal():
            return str(ours) == str(theirs)
        case _:
            return type(ours) is type(theirs) and bool(ours == theirs)


def _same_items(ours: Sequence[Any], theirs: Sequence[Any]) -> bool:
    return len(ours) == len(theirs) and all(_same(a, b) for a, b in zip(ours, theirs, strict=True))
