"""Every function by its name, one module for each section of the specification.

https://hl7.org/fhirpath/N1/#functions
"""

from fhir_service.fhir.fhirpath.code import Function
from fhir_service.fhir.fhirpath.functions import (
    boundaries,
    conformance,
    conversion,
    existence,
    fhir,
    filtering,
    math,
    strings,
    subsetting,
    tree,
    types,
    utility,
)

FUNCTIONS: dict[str, Function] = {
    **existence.TABLE,
    **filtering.TABLE,
    **subsetting.TABLE,
    **conversion.TABLE,
    **strings.TABLE,
    **math.TABLE,
    **tree.TABLE,
    **utility.TABLE,
    **boundaries.TABLE,
    **conformance.TABLE,
    **types.TABLE,
    **fhir.TABLE,
}
