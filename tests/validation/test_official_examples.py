"""HL7's own examples: only those with a true defect are refused, and every mutation of them is."""

import re
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import Issue
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.policy import LOWERED_ON_WRITE
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator
from tests.validation.sample import errors

# The official examples that are not valid, not even for a write: where, and the rule they break (of their shape: None).
# Each is an error by the specification and for the reference validator, too.
DEFECTS: dict[str, set[tuple[str, str | None]]] = {
    # Entries 1043 and on repeat the full URLs of others.
    "Bundle-dataelements": {("Bundle", "bdl-7")},
    # The extension glstring has `text` and `url` inside, but no `uri`.
    "Bundle-hla-1": {("Bundle.entry.resource.extension.extension", "extension-url")},
    # The full URLs of patients and results end in other ids than their resources have.
    **{
        f"Bundle-{name}": {("Bundle.entry.fullUrl", "full-url")}
        for name in ("10bb101f-a121-4264-a920-67be9cb82c74", "3a0707d3-549e-4467-b8b8-5a2ab3800efe", "lri-example")
    },
    # `parent` is a reference to a DeviceDefinition, where only a Device may be.
    "DeviceMetric-example": {("DeviceMetric.parent", "target")},
    # The reason is a Procedure.
    "DeviceUseStatement-example": {("DeviceUseStatement.reasonReference", "target")},
    # The performer of the dispense is a Practitioner, where only an Organization may be.
    "MedicationRequest-medrx0301": {("MedicationRequest.dispenseRequest.performer", "target")},
    # A value set is named urn:oid:X.Y.Z.
    "Library-zika-virus-intervention-logic": {("Library.dataRequirement.codeFilter.valueSet", "urn")},
    # The performer is an Encounter.
    "Observation-clinical-gender": {("Observation.performer", "target")},
    # A body temperature without its time, which $validate alone asks for.
    "Observation-f202": {("Observation.effective", "min")},
    # A related artifact is named by neither a URL nor Type/id.
    "Library-library-fhir-helpers": {("Library.relatedArtifact.resource", "canonical")},
    # `#amlodipinePrescription` and `#CardiologyReferralReasonValues` are not contained.
    "PlanDefinition-example-cardiology-os": {
        ("PlanDefinition.action.action.action.action.definition", "canonical"),
        ("PlanDefinition.contained.item.answerValueSet", "canonical"),
    },
    # Required elements are missing.
    "ImplementationGuide-fhir": {("ImplementationGuide.name", None), ("ImplementationGuide.status", None)},
    "ig-r4": {("ImplementationGuide.name", None), ("ImplementationGuide.status", None)},
    "Questionnaire-qs1": {("Questionnaire.item.linkId", None)},
    **{
        f"SearchParameter-{kind.lower()}-extensions-{kind}-{name}": {("SearchParameter.base", None)}
        for kind in ("CodeSystem", "ValueSet")
        for name in ("author", "effective", "end", "keyword", "workflow")
    },
    # An id of 66 characters.
    "SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject": {
        ("SearchParameter.id", None)
    },
    # Codes that end in a no-break space.
    "CodeSystem-v2-0550": {("CodeSystem.concept.code", None)},
    "Bundle-v2-valuesets": {("Bundle.entry.resource.concept.code", None)},
    # Logical models that are not abstract and have no base.
    **{f"StructureDefinition-{name}": {("StructureDefinition", "sdf-4")}
       for name in ("Definition", "Event", "FiveWs", "Request")},
}  # fmt: skip


# Those that $validate alone finds wrong, and the rule that a write may break.
DEFECTS_TOLD: dict[str, set[str]] = {
    # Codes that the code systems have not, also two as one (`proposed,waitlist`).
    "concept-map": {
        "Bundle-conceptmaps", "Bundle-valuesets", "ConceptMap-cm-administrative-gender-v3",
        "ValueSet-nhin-purposeofuse", "ConceptMap-101",
        *(f"ConceptMap-sc-{name}" for name in (
            "appointmentstatus", "clinicalimpression-status", "condition-ver-status", "contract-publicationstatus",
            "contract-status", "diagnostic-report-status", "goal-achievement", "medication-admin-status",
            "medication-statement-status", "medicationdispense-status", "observation-status", "participationstatus",
            "publication-status", "research-study-status", "research-subject-status", "subscription-status",
            "verificationresult-status",
        )),
    },
    # A CodeSystem is bound in the place of a value set.
    "definition-binding": {"Bundle-resources", "StructureDefinition-ExplanationOfBenefit"},
    # Slices of elements of which nothing says how they are sliced.
    "definition-slicing": {
        "Bundle-profiles-others", "StructureDefinition-catalog", "StructureDefinition-familymemberhistory-genetic",
    },
    # Rules that name elements which ChargeItemDefinition (`name`) and Extension (`substanceExposureRisk`) have not;
    # paths of dynamic values and code filters (`combo-code`) that are no FHIRPath, or name what there is not.
    "expression-element": {
        "Bundle-extensions", "Bundle-resources", "StructureDefinition-ChargeItemDefinition",
        "StructureDefinition-allergyintolerance-substanceExposureRisk", "PlanDefinition-example-cardiology-os",
        "Library-library-cms146-example", "Library-opioidcds-recommendation-10",
        *(f"PlanDefinition-exclusive-breastfeeding-intervention-0{number}" for number in range(1, 5)),
    },
    # A request is for a resource that is no instance of the scenario.
    "definition-name": {"ExampleScenario-example"},
    # An expansion has `/[HPF]` twice.
    "definition-twice": {"Bundle-valueset-expansions"},
    # `{'active', 'completed'}` is no FHIRPath.
    "expression-text": {"EventDefinition-example"},
    # Profiles of Composition that call themselves complex types.
    "definition-kind": {"StructureDefinition-example-composition", "StructureDefinition-example-section-library"},
    # valueset-definition and questionnaire-allowedResource are none of HL7's extensions.
    "extension-unknown": {"Bundle-valueset-expansions", "Questionnaire-qs1"},
    # The hash is not that of the data; it is in hexadecimal digits.
    "hash": {"DiagnosticReport-example-pgx"},
    # The value of an identifier whose system is urn:ietf:rfc:3986 is no URI.
    "identifier-value": {
        "Bundle-dataelements", "Bundle-resources", "Organization-2.16.840.1.113883.19.5", "StructureDefinition-Consent",
    },
    # The system is a fragment (#hacked), where R4 has a URI, or has a version (|2.4).
    "include-system": {
        "Bundle-v2-valuesets", "Bundle-valueset-expansions", "Bundle-valuesets", "ValueSet-example-hierarchical",
        *(f"ValueSet-v2-{name}" for name in ("2.1-0006", "2.3.1-0360", "2.4-0006", "2.4-0391", "2.6-0391", "2.7-0360")),
    },
    # Links to codes that are not in the table.
    "narrative-link": {
        "Bundle-v3-valuesets", "Media-sound", "CodeSystem-v3-ActCode", "ValueSet-v3-ActCode",
        *(f"{kind}-v3-{name}" for kind in ("CodeSystem", "ValueSet") for name in (
            "ActReason", "ActRelationshipType", "CalendarCycle", "ContextControl", "EntityCode", "NullFlavor",
            "RoleCode", "EntityNamePartQualifier", "ObservationInterpretation", "RouteOfAdministration", "hl7Realm",
            "orderableDrugForm",
        )),
    },
    # Types of search parameters that are not those of their definitions; one for Patient that is about another type;
    # one whose target no subject can be; a composite one whose parts have each other's expression.
    "search-parameter": {
        "Bundle-resources",
        *(f"CapabilityStatement-{name}" for name in ("base", "knowledge-repository", "measure-processor")),
        "CapabilityStatement-terminology-server", "SearchParameter-example-extension",
        "SearchParameter-example-reference", "SearchParameter-DocumentReference-relationship", "Bundle-searchParams",
    },
    # Variables that are not there, and an element that SupplyRequest has not.
    "structure-map": {"StructureMap-example", "StructureMap-supplyrequest-transform"},
    # Two properties have one code and URI.
    "property-twice": {"Bundle-valuesets", "CodeSystem-snomedct"},
    # The narrative is empty.
    "txt-2": {
        "ActivityDefinition-blood-tubes-supply", "ActivityDefinition-heart-valve-replacement",
        "EventDefinition-example", "Questionnaire-zika-virus-exposure-assessment",
    },
    # UUIDs in capitals.
    "urn-case": {"CapabilityStatement-example", "TerminologyCapabilities-example"},
    # UCUM has no mcg, mEq, drop, ea, tbl, TAB, ml/hr, month or [lb_i]; orderableDrugForm no tab, Tab, Vial or patch.
    "unit": {
        "Medication-med0304", "Medication-med0309", "MedicationAdministration-medadmin0312",
        "MedicationDispense-meddisp0301", "MedicationDispense-meddisp0325",
        *(f"MedicationRequest-medrx03{number}" for number in (13, 27)),
        *(f"MedicationStatement-example00{number}" for number in (1, 2, 3)),
        "Bundle-father", "Bundle-ussg-fht", "Claim-760151", "Claim-760152", "VisionPrescription-33124",
        *(f"MedicationDispense-meddisp03{number}" for number in ("09", "13", "18", "24", "27", "28", "29")),
        *(f"MedicationRequest-medrx03{number}" for number in (25, 26, 28, 29, 34, 35)),
        *(f"MedicationRequest-medrx03{number}" for number in ("04", 14, 19, 22)),
    },
}  # fmt: skip


def test_of_the_official_examples_only_those_with_a_defect_are_refused(r4_examples: Path) -> None:
    check = Validator(definitions := Definitions.load(), LoadedTerminology(definitions), extra=RULES)
    files = [file for file in r4_examples.glob("*.json") if file.name not in ("package.json", ".index.json")]

    found = {file.stem: told for file in files if (told := errors(check(json.decode(file.read_bytes()))))}
    refused = {name: [issue for issue in told if issue.rule not in LOWERED_ON_WRITE] for name, told in found.items()}
    lowered = {rule: {name for name in found if rule in _rules(found[name])} for rule in LOWERED_ON_WRITE}

    assert len(files) >= 5306
    assert {name: set(map(_place_and_rule, told)) for name, told in refused.items() if told} == DEFECTS
    assert {rule: names for rule, names in lowered.items() if names} == DEFECTS_TOLD


def _rules(issues: list[Issue]) -> set[str | None]:
    return {issue.rule for issue in issues}


def _place_and_rule(issue: Issue) -> tuple[str, str | None]:
    place = re.sub(r"\[\d+\]", "", issue.expression[0])
    return re.sub(r"(\.item)+", ".item", place), issue.rule


# Each mutation of a good resource is found: (name, change of an object at some place).
MUTATIONS: dict[str, Callable[[dict[str, Any], str], None]] = {
    "unknown element": lambda holder, name: holder.__setitem__(f"{name}Unknown", holder[name]),
    "null": lambda holder, name: holder.__setitem__(name, None),
    "empty array": lambda holder, name: holder.__setitem__(name, []),
    "empty object": lambda holder, name: holder.__setitem__(name, {}),
    "array for a single value, or the other way": lambda holder, name: holder.__setitem__(
        name, holder[name][0] if isinstance(holder[name], list) else [holder[name]]
    ),
    "another type": lambda holder, name: holder.__setitem__(name, _other_type(holder[name])),
}


def _other_type(value: Any) -> Any:
    return {"x": value} if isinstance(value, str | bool | int | Decimal) else "x"


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize(
    "name",
    ["Patient-example", "Encounter-f001", "Observation-f001", "CarePlan-example", "Consent-consent-example-basic"],
)
def test_every_mutation_of_an_example_is_found(check: Validator, r4_examples: Path, name: str, mutation: str) -> None:
    resource = json.decode((r4_examples / f"{name}.json").read_bytes())
    places = [place for place in _places(resource) if place[-1] != "resourceType"]

    missed = []
    for place in places:
        mutant = deepcopy(resource)
        holder = mutant
        for step in place[:-1]:
            holder = holder[step]
        MUTATIONS[mutation](holder, place[-1])
        if not errors(check(mutant)):
            missed.append(place)

    assert len(places) > 10
    assert missed == []


def _places(value: Any, *steps: Any) -> list[tuple[Any, ...]]:
    """Return the way to every property."""
    match value:
        case dict(properties):
            own = [(*steps, name) for name in properties]
            return own + [place for name, child in properties.items() for place in _places(child, *steps, name)]
        case list(items):
            return [place for index, child in enumerate(items) for place in _places(child, *steps, index)]
    return []
