"""Rules that R4 tells in prose, by the type that they are about; they are asked where a value has its shape."""

from collections.abc import Iterator, Mapping

from fhir_service.validation.attachment import attachment_rules
from fhir_service.validation.bundle import bundle_rules
from fhir_service.validation.coding import coding_rules, identifier_rules, meta_rules, quantity_rules
from fhir_service.validation.definitional.bounds import BOUNDED, bound_rules
from fhir_service.validation.definitional.capability_statement import capability_statement_rules
from fhir_service.validation.definitional.code_system import code_system_rules
from fhir_service.validation.definitional.compartment_definition import compartment_definition_rules
from fhir_service.validation.definitional.concept_map import concept_map_rules
from fhir_service.validation.definitional.data_requirement import data_requirement_rules
from fhir_service.validation.definitional.graph_definition import graph_definition_rules
from fhir_service.validation.definitional.implementation_guide import implementation_guide_rules
from fhir_service.validation.definitional.inner_name import INNER, OTHERS, inner_name_rules
from fhir_service.validation.definitional.measure import measure_report_rules, measure_rules
from fhir_service.validation.definitional.message_definition import message_definition_rules
from fhir_service.validation.definitional.naming_system import naming_system_rules
from fhir_service.validation.definitional.operation_definition import operation_definition_rules
from fhir_service.validation.definitional.plan_definition import (
    activity_definition_rules,
    expression_rules,
    plan_definition_rules,
)
from fhir_service.validation.definitional.search_parameter import search_parameter_rules
from fhir_service.validation.definitional.structure_definition import structure_definition_rules
from fhir_service.validation.definitional.structure_map import structure_map_rules
from fhir_service.validation.definitional.testscript import testscript_rules
from fhir_service.validation.definitional.twice import AGAIN, ONCE, once_rules
from fhir_service.validation.definitional.value_set import value_set_rules
from fhir_service.validation.element_id import element_id_rules
from fhir_service.validation.narrative_link import narrative_link_rules
from fhir_service.validation.period import period_rules
from fhir_service.validation.questionnaire.questionnaire import questionnaire_rules
from fhir_service.validation.questionnaire.questionnaire_response import questionnaire_response_rules
from fhir_service.validation.range import range_rules
from fhir_service.validation.run import Check
from fhir_service.validation.sampled_data import sampled_data_rules
from fhir_service.validation.vital_signs import vital_sign_rules

QUANTITIES = ("Quantity", "Age", "Distance", "Duration")
_OWN: Mapping[str, tuple[Check, ...]] = {
    "ActivityDefinition": (activity_definition_rules,),
    "Attachment": (attachment_rules,),
    "Bundle": (bundle_rules,),
    "CapabilityStatement": (capability_statement_rules,),
    "CodeSystem": (code_system_rules,),
    "Coding": (coding_rules,),
    "CompartmentDefinition": (compartment_definition_rules,),
    "ConceptMap": (concept_map_rules,),
    "DataRequirement": (data_requirement_rules,),
    "Expression": (expression_rules,),
    "GraphDefinition": (graph_definition_rules,),
    "Identifier": (identifier_rules,),
    "ImplementationGuide": (implementation_guide_rules,),
    "Measure": (measure_rules,),
    "MeasureReport": (measure_report_rules,),
    "MessageDefinition": (message_definition_rules,),
    "Meta": (meta_rules,),
    "NamingSystem": (naming_system_rules,),
    "Observation": (vital_sign_rules,),
    "OperationDefinition": (operation_definition_rules,),
    "Period": (period_rules,),
    "PlanDefinition": (plan_definition_rules,),
    "Questionnaire": (questionnaire_rules,),
    "QuestionnaireResponse": (questionnaire_response_rules,),
    "Range": (range_rules,),
    "Resource": (element_id_rules, narrative_link_rules),  # of every type
    "SampledData": (sampled_data_rules,),
    "SearchParameter": (search_parameter_rules,),
    "StructureDefinition": (structure_definition_rules,),
    "StructureMap": (structure_map_rules,),
    "TestScript": (testscript_rules,),
    "ValueSet": (value_set_rules,),
    **dict.fromkeys(QUANTITIES, (quantity_rules,)),
}


def _of_tables(kind: str) -> Iterator[Check]:
    """Give the checks that tables ask of a type."""
    if kind in ONCE or kind in AGAIN:
        yield once_rules(kind)
    if kind in INNER or kind in OTHERS:
        yield inner_name_rules(kind)
    if kind in BOUNDED:
        yield bound_rules(kind)


RULES: Mapping[str, tuple[Check, ...]] = {
    **_OWN,
    **{kind: (*_OWN.get(kind, ()), *_of_tables(kind)) for kind in {**ONCE, **AGAIN, **INNER, **OTHERS, **BOUNDED}},
}
