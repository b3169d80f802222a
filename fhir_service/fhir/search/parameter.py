"""A SearchParameter as search and index use it.

https://hl7.org/fhir/R4/searchparameter.html
"""

from dataclasses import dataclass
from typing import Literal

from fhir_service.fhir.search.limits import Limits

SearchType = Literal["number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"]


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A search parameter on one resource type (a definition with several bases makes several of these).

    `expression` is the FHIRPath cut down to the union branches of this resource type; `targets` are the types that a
    reference may point to; `components` of a composite are (code of the component parameter, expression).

    `members` are the parameters that together have exactly its values and stand in the index in its place; `holder` is
    the parameter that has all of its references and others (`kinship.py`). `limits` are those of an added definition.
    """

    resource_type: str
    code: str
    type: SearchType
    expression: str | None
    url: str
    targets: tuple[str, ...] = ()
    components: tuple[tuple[str, str], ...] = ()
    description: str = ""
    members: tuple[str, ...] = ()
    holder: str | None = None
    limits: Limits | None = None

    @property
    def stored(self) -> tuple[str, ...]:
        """The codes under which its values stand in the index."""
        return self.members or (self.code,)
