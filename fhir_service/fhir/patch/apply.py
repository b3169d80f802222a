"""A patch of any kind, applied to a resource.

https://hl7.org/fhir/R4/http.html#patch; the merge (RFC 7386) is not in R4, but is what fhirpy and Aidbox send.
"""

from typing import Any

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import fhir_error
from fhir_service.fhir.patch.fhirpath_patch import apply_fhirpath_patch
from fhir_service.fhir.patch.json_patch import apply_json_patch
from fhir_service.fhir.patch.merge_patch import apply_merge_patch
from fhir_service.fhir.patch.patched import patched_resource
from fhir_service.fhir.patch.xml_patch import apply_xml_patch
from fhir_service.fhir.resource import Resource

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
XML_PATCH = "application/xml-patch+xml"


def apply_patch(resource: Resource, patch: Any, media_type: str, definitions: Definitions) -> Resource:
    """Return the resource as the patch wants it; 415 for what is no patch, 400 and 422 as the kinds of patch say.

    The patch is the value of its JSON, or the bytes of an XML Patch.
    """
    return patched_resource(resource, _applied(resource, patch, media_type, definitions))


def _applied(resource: Resource, patch: Any, media_type: str, definitions: Definitions) -> Any:
    match patch:
        case None:
            raise fhir_error("required", "パッチの本文がありません。", "A patch needs a body.", status=400)
        case _ if media_type == JSON_PATCH:
            return apply_json_patch(resource, patch)
        case bytes():
            return apply_xml_patch(resource, patch, definitions)
        case {"resourceType": "Parameters"} if media_type != MERGE_PATCH:
            return apply_fhirpath_patch(resource, patch, definitions)
        case dict():
            return apply_merge_patch(resource, patch)
        case _:
            raise fhir_error(
                "not-supported",
                f"パッチはJSON Patch({JSON_PATCH})、XML Patch({XML_PATCH})、"
                f"Parameters(FHIRPath Patch)、リソースの一部({MERGE_PATCH})のいずれかで送ってください。",
                f"A patch is a JSON Patch ({JSON_PATCH}), an XML Patch ({XML_PATCH}), a Parameters resource "
                f"(FHIRPath Patch), or a partial resource ({MERGE_PATCH}).",
                status=415,
            )
