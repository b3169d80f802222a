"""Parts of resources: `_summary` and `_elements`, of a search or of a read.

https://hl7.org/fhir/R4/search.html#summary and https://hl7.org/fhir/R4/http.html#parameters
"""

from collections.abc import Collection

from fhir_service.fhir import json
from fhir_service.fhir.outcome import fhir_error
from fhir_service.fhir.search import elements as parts
from fhir_service.fhir.search.parsing.parse import parse_search
from fhir_service.interactions.exchange import FhirRequest
from fhir_service.interactions.services import Services

_ASKING = frozenset({"_summary", "_elements"})


def subset(body: bytes, summary: str | None, elements: Collection[str], services: Services) -> bytes:
    """Return the JSON of the part that is asked for, of a resource as stored."""
    return json.encode(parts.subset(json.decode(body), summary, elements, services.definitions))


def subset_asked_for(request: FhirRequest, body: bytes, services: Services, resource_type: str | None = None) -> bytes:
    """Return the part that the parameters of a read ask for; nearly always all of it, as stored.

    The type is that of the path unless `resource_type` says it.
    """
    asking = [pair for pair in request.query if pair[0] in _ASKING]
    if not asking:
        return body

    parsed = parse_search(
        resource_type or request.path[0], asking, services.indexer, base=request.base, now=services.now()
    )
    if parsed.summary == "count":
        raise fhir_error(
            "value", "_summary=countは検索でだけ使えます。", "_summary=count is for searches only.", ("http._summary",)
        )
    return subset(body, parsed.summary, parsed.elements, services)
