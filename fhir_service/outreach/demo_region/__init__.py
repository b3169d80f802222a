"""A made-up region with its organisations, staff and cases, to look at and to measure with.

Resources are built with the models of fhir.resources, which check them; nothing here is imported by the server. The
same seed gives the same bytes. Everything in it is invented.
"""

from collections.abc import Iterator

from fhir_service.outreach.demo_region.encoding import encode
from fhir_service.outreach.demo_region.facts import draw_case
from fhir_service.outreach.demo_region.person import person
from fhir_service.outreach.demo_region.places import places
from fhir_service.outreach.demo_region.process import process
from fhir_service.outreach.demo_region.profiles import claim_profile
from fhir_service.outreach.demo_region.staff import staff
from fhir_service.outreach.demo_region.support import support


def surroundings() -> Iterator[bytes]:
    """Give the organisations and staff, each as the JSON of one resource."""
    for model in (*places(), *staff()):
        yield encode(claim_profile(model))


def case_resources(number: int, seed: int) -> Iterator[bytes]:
    """Give the resources of one case (from 1), each as JSON; they refer to the surroundings and to each other."""
    case = draw_case(number, seed)
    for model in (*person(case), *process(case), *support(case)):
        yield encode(claim_profile(model))
