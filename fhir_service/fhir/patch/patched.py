"""What every patch must leave behind: the same resource as before, without anything empty in it.

https://hl7.org/fhir/R4/http.html#patch and https://hl7.org/fhir/R4/json.html#null
"""

from typing import Any

from fhir_service.fhir.outcome import fhir_error
from fhir_service.fhir.resource import Resource

DEPTH_LIMIT = 200  # patches can nest more deeply, bit by bit, than any body that is read


def patched_resource(before: Resource, after: Any) -> Resource:
    """Return the patched resource, less the objects and arrays that became empty; 422 if it is another than before."""
    for name in ("resourceType", "id"):
        if not isinstance(after, dict) or after.get(name) != before[name]:
            raise fhir_error(
                "business-rule",
                f"パッチで{name}を変えることはできません。",
                f"A patch cannot change the {name}.",
                (f"{before['resourceType']}.{name}",),
            )
    resource: Resource = _filled(after, DEPTH_LIMIT)
    return resource


def _filled(value: Any, depth: int, companions: bool = False) -> Any:
    """Return the value without empty members; an empty companion in an array leaves its place (null)."""
    if depth == 0:
        raise fhir_error(
            "structure", "パッチの結果の入れ子が深すぎます。", "The patched resource is nested too deeply.", status=422
        )
    if isinstance(value, dict):
        members = ((name, _filled(member, depth - 1, name.startswith("_"))) for name, member in value.items())
        return {name: member for name, member in members if member not in ({}, [])}
    if isinstance(value, list):
        items = [_filled(item, depth - 1) for item in value]
        return [None if item == {} else item for item in items] if companions else [i for i in items if i != {}]
    return value
