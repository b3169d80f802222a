"""Rules that R4 tells in prose, by the type that they are about; they are asked where a value has its shape."""

from collections.abc import Mapping

from fhir_service.validation.attachment import attachment_rules
from fhir_service.validation.bundle import bundle_rules
from fhir_service.validation.coding import coding_rules, identifier_rules
from fhir_service.validation.questionnaire_response import questionnaire_response_rules
from fhir_service.validation.run import Check
from fhir_service.validation.structure_definition import structure_definition_rules

RULES: Mapping[str, tuple[Check, ...]] = {
    "Attachment": (attachment_rules,),
    "Bundle": (bundle_rules,),
    "Coding": (coding_rules,),
    "Identifier": (identifier_rules,),
    "QuestionnaireResponse": (questionnaire_response_rules,),
    "StructureDefinition": (structure_definition_rules,),
}
