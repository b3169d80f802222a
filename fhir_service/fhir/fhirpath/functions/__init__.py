"""Every function by its name, one module for each section of the specification.

https://hl7.org/fhirpath/N1/#functions
"""

from fhir_service.fhir.fhirpath.code import Function
from fhir_service.fhir.fhirpath.functions import existence, fhir, filtering, types

FUNCTIONS: dict[str, Function] = {**existence.TABLE, **filtering.TABLE, **types.TABLE, **fhir.TABLE}
