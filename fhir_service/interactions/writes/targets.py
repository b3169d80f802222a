"""What a resource refers to conforms to the profiles that its own profile asks of it.

Only references that a profile holds to other profiles are looked at: a resource that claims none costs nothing more.
A target that claims one of those profiles was checked against it when it was written, and is taken at its word.
https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.type.targetProfile
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.reference import local_key
from fhir_service.fhir.resource import Key, Resource
from fhir_service.interactions.apart import apart
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.proposal import checked
from fhir_service.validation.base import TYPE_BASE
from fhir_service.validation.run import Outside


async def checked_with_targets(resource: Resource, base: str, services: Services) -> list[Issue]:
    """Check a resource and what it refers to in the store: return the warnings, or raise the errors."""
    outside = Outside(wanted=[])
    warnings = await apart(resource, lambda: checked(resource, services, outside))
    if not outside.wanted:
        return warnings
    keys = {text: key for text, _ in outside.wanted if (key := local_key(text, base))}
    targets = await stored(keys.values(), services)
    if claim(((keys[text], profiles) for text, profiles in outside.wanted if text in keys), targets):
        return warnings
    return await apart(resource, lambda: checked(resource, services, Outside(resolver(targets, base))))


async def stored(keys: Iterable[Key], services: Services) -> dict[Key, Resource]:
    """Return those of the resources that the store has."""
    versions = await services.store.read_many([*dict.fromkeys(keys)])
    return {key: decode_resource(version.body) for key, version in versions.items()}


def claim(wanted: Iterable[tuple[Key, Sequence[str]]], targets: Mapping[Key, Resource]) -> bool:
    """Whether each target that is at hand claims one of the profiles that it is to conform to."""
    return all(not _claimed(targets[key]).isdisjoint(profiles) for key, profiles in wanted if key in targets)


def _claimed(resource: Resource) -> set[str]:
    """Return the profiles that a resource says it conforms to, and that of its type."""
    claimed = [each for each in resource.get("meta", {}).get("profile", ()) if isinstance(each, str)]
    return {f"{TYPE_BASE}{resource['resourceType']}", *claimed, *(each.partition("|")[0] for each in claimed)}


def resolver(targets: Mapping[Key, Resource], base: str) -> Callable[[str], Resource | None]:
    """Return what finds these by the text of a reference."""

    def resolve(text: str) -> Resource | None:
        key = local_key(text, base)
        return None if key is None else targets.get(key)

    return resolve
