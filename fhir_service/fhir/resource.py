"""A resource is a plain dict; its key is its type and logical id.

https://hl7.org/fhir/R4/resource.html
"""

from typing import Any, NamedTuple

Resource = dict[str, Any]
"""FHIR JSON as decoded: decimals are `Decimal` (an integer literal stays `int`), everything else is what JSON says."""


class Key(NamedTuple):
    """Names one resource on this server, such as `Patient/123`."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"


def key_of(resource: Resource) -> Key:
    """Return the key of a resource that carries its id."""
    return Key(resource["resourceType"], resource["id"])
