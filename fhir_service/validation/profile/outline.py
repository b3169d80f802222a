"""The outline of a StructureDefinition: what checks read of its snapshot, of which parts are read alone.

https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from fhir_service.fhir.definitions import Snapshot
from fhir_service.fhir.outcome import Issue
from fhir_service.validation.profile.tree import Node, grow, read


class Outline(msgspec.Struct, frozen=True, array_like=True):
    """`contexts` and `context_invariants` say where an extension may stand, `names` which it defines inside itself.

    `detached_from` and `issues` are those of the snapshot; `tree` is what `grow` makes.
    """

    url: str
    type: str
    detached_from: str | None
    issues: tuple[Issue, ...]
    contexts: tuple[tuple[str, str], ...]
    context_invariants: tuple[str, ...]
    names: frozenset[str]
    tree: memoryview

    @property
    def root(self) -> Node:
        """The root of its elements, read anew."""
        return read(self.tree, self.type)


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Outline).decode


def outlined(snapshot: Snapshot) -> Outline:
    """Return the outline of a snapshot; one of `UNSOUND` is raised for what has not the shape of one."""
    return Outline(
        snapshot.url,
        snapshot.type,
        snapshot.detached_from,
        snapshot.issues,
        snapshot.contexts,
        snapshot.context_invariants,
        frozenset(_names(snapshot)),
        memoryview(grow(snapshot.elements)),
    )


def _names(snapshot: Snapshot) -> Iterator[str]:
    for element in snapshot.elements:
        if element["path"] == "Extension.extension.url" and isinstance(url := element.get("fixedUri"), str):
            yield url
