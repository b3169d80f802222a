"""Which of our profiles each resource of the demonstration region claims (`profiles/structure-definitions`)."""

from fhir.resources.R4B.meta import Meta

from fhir_service.outreach.codes import OUTREACH
from fhir_service.outreach.demo_region.models import Model

BY_TYPE = {
    "Patient": "outreach-patient",
    "RelatedPerson": "outreach-related-person",
    "Organization": "outreach-organization",
    "Practitioner": "outreach-practitioner",
    "PractitionerRole": "outreach-practitioner-role",
    "Location": "outreach-location",
    "HealthcareService": "outreach-healthcare-service",
    "EpisodeOfCare": "outreach-episode-of-care",
    "ServiceRequest": "outreach-request",
    "Task": "outreach-task",
    "CareTeam": "outreach-care-team",
    "Goal": "outreach-goal",
    "Encounter": "outreach-encounter",
    "Condition": "outreach-condition",
    "Procedure": "outreach-case-conference",
    "Consent": "outreach-consent",
    "Flag": "outreach-flag",
}
BY_CODE = {
    "individual-support": "outreach-individual-support-plan",
    "crisis": "outreach-crisis-plan",
    "gaf": "outreach-gaf",
    "supporting-organization-count": "outreach-assessment",
}


def claim_profile(model: Model) -> Model:
    """Return the model with the profile that its type, or the kind of plan or observation, has here."""
    profile = BY_TYPE.get(model.get_resource_type()) or BY_CODE.get(_code(model))
    if profile:
        model.meta = Meta(profile=[f"{OUTREACH}/StructureDefinition/{profile}"])
    return model


def _code(model: Model) -> str:
    """Return the code that tells the kind of a CarePlan or an Observation, "" for what is neither."""
    match model.get_resource_type():
        case "CarePlan":
            return str(model.category[0].coding[0].code)
        case "Observation":
            return str(model.code.coding[0].code)
    return ""
