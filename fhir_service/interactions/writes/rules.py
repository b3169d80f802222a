"""The rules a change must keep besides the definitions, such as which status may follow which.

They are wired in `app.py` as `Services.rules`, by resource type, so that an interaction knows none of them.
"""

from fhir_service.fhir.json import decode
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Resource, key_of
from fhir_service.interactions.services import Services


def has_rules(resource_type: str, services: Services) -> bool:
    """Whether a change of such a resource must be held against what stands (which then must be read and kept)."""
    return resource_type in services.rules


def keep_rules(before: Resource | None, after: Resource, services: Services) -> None:
    """Raise 422 if the change from `before` (None: nothing stands) to `after` breaks a rule of its type."""
    issues = broken_rules(before, after, services)
    if any(issue.severity in ("error", "fatal") for issue in issues):
        raise FhirError(*issues, status=422)


def broken_rules(before: Resource | None, after: Resource, services: Services) -> list[Issue]:
    """Return what the rules of its type say about the change."""
    return [issue for rule in services.rules.get(after["resourceType"], ()) for issue in rule(before, after)]


async def version_judged(after: Resource, services: Services) -> int | None:
    """Hold an update against what stands now: return that version (0: none), which must still stand at the commit.

    None if the type has no rules: then nothing is read and any version may stand.
    """
    if not has_rules(after["resourceType"], services):
        return None
    version = await services.store.read(key_of(after))
    if version is None or version.deleted:
        keep_rules(None, after, services)
        return 0
    keep_rules(decode(version.body), after, services)
    return version.version
