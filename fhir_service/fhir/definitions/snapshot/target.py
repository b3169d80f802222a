"""The targets of references: those of a profile are among those of its base.

https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.type.targetProfile
"""

from collections.abc import Callable, Iterator

from fhir_service.fhir.definitions.snapshot.tree import Node
from fhir_service.fhir.resource import Resource

ANY = frozenset({"Resource", "DomainResource"})


def foreign_targets(base: Resource, said: Resource, tree: Callable[[str], Node | None]) -> Iterator[str]:
    """Give the targets that are said of an element and are of no type that its base may refer to."""
    for kind in said.get("type", ()):
        allowed = [
            target
            for each in base.get("type", ())
            if each.get("code") == kind.get("code")
            for target in each.get("targetProfile", ())
        ]
        roots = [tree(each) for each in allowed]
        types = {root.name for root in roots if root}
        if not allowed or None in roots or types & ANY:
            continue
        for target in kind.get("targetProfile", ()):
            found = tree(target) if target not in allowed else None
            if found is not None and found.name not in types | ANY:
                yield str(target)
