"""One line of the table of routes: which requests an interaction answers.

https://hl7.org/fhir/R4/http.html#summary
"""

from dataclasses import dataclass

from fhir_service.interactions.services import Interaction


@dataclass(frozen=True, slots=True)
class Route:
    """`code` is the interaction's name in a CapabilityStatement (`search-type`); `pattern` is as the specification
    writes it under the base: `[type]/[id]/_history/[vid]`. A pattern without `[id]` on an instance interaction is its
    conditional form.
    """

    code: str
    method: str
    pattern: str
    run: Interaction
