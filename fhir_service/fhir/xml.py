"""FHIR's XML: bytes to the same values that JSON gives, and back.

https://hl7.org/fhir/R4/xml.html
"""

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.xml_reader import Reader
from fhir_service.fhir.xml_shape import shapes_of
from fhir_service.fhir.xml_writer import Writer


def decode(data: bytes, definitions: Definitions, *, ordered: bool = True) -> Resource:
    """Return the resource of an XML text, or raise the FhirError (400) that says what is wrong with it, and where."""
    return Reader(shapes_of(definitions), ordered=ordered).read(data)


def encode(resource: Resource, definitions: Definitions, pretty: bool = False) -> bytes:
    """Return the XML of a resource, its elements in the order of the definitions."""
    return Writer(shapes_of(definitions), pretty).write(resource)
