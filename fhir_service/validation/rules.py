"""Rules that R4 tells in prose, by the type that they are about; they are asked where a value has its shape."""

from collections.abc import Mapping

from fhir_service.validation.attachment import attachment_rules
from fhir_service.validation.bundle import bundle_rules
from fhir_service.validation.capability_statement import capability_statement_rules
from fhir_service.validation.code_system import code_system_rules
from fhir_service.validation.coding import coding_rules, identifier_rules, meta_rules, quantity_rules
from fhir_service.validation.compartment_definition import compartment_definition_rules
from fhir_service.validation.concept_map import concept_map_rules
from fhir_service.validation.element_id import element_id_rules
from fhir_service.validation.graph_definition import graph_definition_rules
from fhir_service.validation.implementation_guide import implementation_guide_rules
from fhir_service.validation.measure import measure_report_rules, measure_rules
from fhir_service.validation.naming_system import naming_system_rules
from fhir_service.validation.narrative_link import narrative_link_rules
from fhir_service.validation.operation_definition import operation_definition_rules
from fhir_service.validation.period import period_rules
from fhir_service.validation.plan import activity_definition_rules, expression_rules, plan_definition_rules
from fhir_service.validation.questionnaire import questionnaire_rules
from fhir_service.validation.questionnaire_response import questionnaire_response_rules
from fhir_service.validation.run import Check
from fhir_service.validation.search_parameter import search_parameter_rules
from fhir_service.validation.structure_definition import structure_definition_rules
from fhir_service.validation.structure_map import structure_map_rules
from fhir_service.validation.testscript import testscript_rules
from fhir_service.validation.value_set import value_set_rules
from fhir_service.validation.vital_signs import vital_sign_rules

QUANTITIES = ("Quantity", "Age", "Distance", "Duration")
RULES: Mapping[str, tuple[Check, ...]] = {
    "ActivityDefinition": (activity_definition_rules,),
    "Attachment": (attachment_rules,),
    "Bundle": (bundle_rules,),
    "CapabilityStatement": (capability_statement_rules,),
    "CodeSystem": (code_system_rules,),
    "Coding": (coding_rules,),
    "CompartmentDefinition": (compartment_definition_rules,),
    "ConceptMap": (concept_map_rules,),
    "Expression": (expression_rules,),
    "GraphDefinition": (graph_definition_rules,),
    "Identifier": (identifier_rules,),
    "ImplementationGuide": (implementation_guide_rules,),
    "Measure": (measure_rules,),
    "MeasureReport": (measure_report_rules,),
    "Meta": (meta_rules,),
    "NamingSystem": (naming_system_rules,),
    "Observation": (vital_sign_rules,),
    "OperationDefinition": (operation_definition_rules,),
    "Period": (period_rules,),
    "PlanDefinition": (plan_definition_rules,),
    "Questionnaire": (questionnaire_rules,),
    "QuestionnaireResponse": (questionnaire_response_rules,),
    "Resource": (element_id_rules, narrative_link_rules),  # of every type
    "SearchParameter": (search_parameter_rules,),
    "StructureDefinition": (structure_definition_rules,),
    "StructureMap": (structure_map_rules,),
    "TestScript": (testscript_rules,),
    "ValueSet": (value_set_rules,),
    **dict.fromkeys(QUANTITIES, (quantity_rules,)),
}
