"""The type model that is compiled from StructureDefinition snapshots: what elements a type has, and of what types.

XML, FHIRPath, structure checks and search all read this and nothing else of a StructureDefinition.
https://hl7.org/fhir/R4/structuredefinition.html
"""

from dataclasses import dataclass, field
from typing import Literal

import msgspec

Kind = Literal["primitive-type", "complex-type", "resource", "backbone"]


class Element(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One element of a type.

    `name` has no `[x]` (`deceased`); `types` are type codes (`boolean`, `dateTime`, `Reference`, `Resource`), or for a
    backbone element the one path that names it (`Patient.contact`, also for a content reference:
    `Questionnaire.item`). `max` None means `*`. `targets` are the resource types that a Reference may point to, empty
    for any. `value_set` is the canonical of a required binding.
    """

    name: str
    types: tuple[str, ...]
    min: int
    max: int | None
    choice: bool = False
    targets: tuple[str, ...] = ()
    value_set: str | None = None
    xml_attribute: bool = False

    @property
    def repeats(self) -> bool:
        """Whether JSON shows it as an array."""
        return self.max is None or self.max > 1


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """One type: a resource type, a data type, or a backbone element (`name` is its path, `Patient.contact`).

    `elements` are in the order of the snapshot (which XML needs), inherited ones included. `by_json` maps each JSON
    property without underscore (`deceasedBoolean`, `name`) to its element and type code.
    """

    name: str
    kind: Kind
    base: str | None
    abstract: bool
    elements: tuple[Element, ...]
    by_json: dict[str, tuple[Element, str]] = field(repr=False)
    pattern: str | None = None  # of a primitive type: the regular expression of its values
