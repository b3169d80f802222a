"""The definitions among what is stored: profiles, value sets and code systems that clients have written.

They are known to checks and searches from the moment they are stored, as they are now, and after a restart. What
another process stores (`fhir-service load`) is known from the next start on.
https://hl7.org/fhir/R4/conformance-module.html
"""

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.definitions.stored import TYPES
from fhir_service.storage.store import Store, Version


async def know_stored(store: Store, definitions: Definitions) -> None:
    """Have the definitions know what is stored now and what will be."""

    def told(version: Version) -> None:
        if version.deleted:
            definitions.forget(version.key)
        else:
            definitions.put(version.key, version.body)

    for resource_type in TYPES:
        store.watch(resource_type, told)
        async for version in store.scan(resource_type):
            told(version)
