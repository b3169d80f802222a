"""For each invariant of R4 a resource that breaks it; `Completion` adds what the types require beside.

`None` stands for what is to be absent.
https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from collections.abc import Mapping
from typing import Any

from fhir_service.fhir.resource import Resource

X = "http://example.org/x"
UCUM = "http://unitsofmeasure.org"
THO = "http://terminology.hl7.org/CodeSystem/"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'

TEXT = {"text": "x"}
SHOWN = {"display": "x"}
ONE = {"value": 1}
TRUE = {"language": "text/fhirpath", "expression": "true"}
BASIC = {"resourceType": "Basic", "code": TEXT}
PATIENT = "http://hl7.org/fhir/StructureDefinition/Patient"
UUID = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"


def of(kind: str, /, **parts: Any) -> Resource:
    """Return a resource of this type."""
    return {"resourceType": kind} | parts


def value(name: str, content: Any) -> Resource:
    """Return a resource with a value of any data type."""
    return of("Basic", extension=[{"url": X, f"value{name}": content}])


def repeat(**content: Any) -> Resource:
    return value("Timing", {"repeat": content})


def concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": THO + system, "code": code}]}


def bundle(kind: str, /, *entries: Resource, **parts: Any) -> Resource:
    return of("Bundle", type=kind, entry=list(entries), **parts)


def document(*entries: Resource, **parts: Any) -> Resource:
    told = {"identifier": {"system": X, "value": "1"}, "timestamp": "2020-01-01T00:00:00Z"}
    return bundle("document", *entries, **(told | parts))


def capable(**parts: Any) -> Resource:
    server = {"kind": "instance", "implementation": {"description": "x"}, "rest": [{"mode": "server"}]}
    return of("CapabilityStatement", **(server | parts))


def item(**parts: Any) -> Resource:
    return of("Questionnaire", item=[{"linkId": "1", "type": "string"} | parts])


def at(path: str, **parts: Any) -> Resource:
    return {"id": path, "path": path} | parts


def profile(**parts: Any) -> Resource:
    """Return a profile of Patient."""
    base = {"type": "Patient", "baseDefinition": PATIENT, "derivation": "constraint"}
    shape = {"url": X, "kind": "resource", "abstract": False, "differential": {"element": [at("Patient")]}}
    return of("StructureDefinition", **(base | shape | parts))


def element(**parts: Any) -> Resource:
    """Return a profile of Patient that has one element."""
    return profile(differential={"element": [at("Patient"), at("Patient.active") | parts]})


def snapshot(*elements: Resource, **parts: Any) -> Resource:
    base = {"path": "Patient", "min": 0, "max": "*"}
    rest = {"definition": "x", "min": 0, "max": "*", "base": base}
    return profile(snapshot={"element": [rest | each for each in elements]}, **parts)


def setup(**action: Any) -> Resource:
    return of("TestScript", setup={"action": [action]})


def test(**action: Any) -> Resource:
    return of("TestScript", test=[{"action": [action]}])


def include(**parts: Any) -> Resource:
    return of("ValueSet", compose={"include": [parts]})


def contains(**parts: Any) -> Resource:
    return of("ValueSet", expansion={"timestamp": "2020-01-01", "contains": [parts]})


EXISTS = {"question": "1", "operator": "exists"}
PARAMETER = {"name": "x", "type": "token"}
OPERATION = {"encodeRequestUrl": True}
ASSERT = {"warningOnly": False}
HL7_PROFILE = {"url": "http://hl7.org/fhir/StructureDefinition/x"}
DATA_TYPES: Mapping[str, Resource] = {
    "age-1": value("Age", {"value": -1, "system": UCUM, "code": "a"}),
    "att-1": value("Attachment", {"data": "AAAA"}),
    "cnt-3": value("Count", {"value": 1, "system": UCUM, "code": "kg"}),
    "cpt-2": value("ContactPoint", {"value": "1"}),
    "dis-1": value("Distance", {"value": 1}),
    "drq-1": value("DataRequirement", {"type": "Patient", "codeFilter": [{"path": "a", "searchParam": "b"}]}),
    "drq-2": value("DataRequirement", {"type": "Patient", "dateFilter": [{"path": "a", "searchParam": "b"}]}),
    "drt-1": value("Duration", {"system": UCUM, "code": "d"}),
    "ele-1": value("Quantity", {"id": "a"}),
    "exp-1": value("Expression", {"language": "text/fhirpath"}),
    "ext-1": of("Basic", extension=[{"url": X}]),
    "per-1": value("Period", {"start": "2021-01-01", "end": "2020-12-31"}),
    "qty-3": value("Quantity", {"value": 1, "code": "kg"}),
    "rat-1": value("Ratio", {"numerator": ONE}),
    "ref-1": value("Reference", {"reference": "#nothing"}),
    "rng-2": value("Range", {"low": {"value": 2}, "high": ONE}),
    "tim-1": repeat(duration=1),
    "tim-2": repeat(period=1),
    "tim-4": repeat(duration=-1, durationUnit="d"),
    "tim-5": repeat(period=-1, periodUnit="d"),
    "tim-6": repeat(periodMax=2),
    "tim-7": repeat(durationMax=2),
    "tim-8": repeat(countMax=2),
    "tim-9": repeat(offset=10, when=["C"]),
    "tim-10": repeat(timeOfDay=["08:00:00"], when=["ACM"]),
    "trd-1": value("TriggerDefinition", {"type": "periodic", "timingDate": "2020", "data": [{"type": "Patient"}]}),
    "trd-2": value("TriggerDefinition", {"type": "named-event", "name": "x", "condition": TRUE}),
    "trd-3": value("TriggerDefinition", {"type": "periodic"}),
    "txt-1": of("Basic", text={"status": "generated", "div": DIV.format("<form>x</form>")}),
    "txt-2": of("Basic", text={"status": "generated", "div": DIV.format(" ")}),
    "dom-2": of("Basic", subject={"reference": "#a"}, contained=[BASIC | {"id": "a", "contained": [BASIC]}]),
    "dom-3": of("Basic", contained=[BASIC | {"id": "a"}]),
    "dom-4": of("Basic", subject={"reference": "#a"}, contained=[of("Patient", id="a", meta={"versionId": "1"})]),
    "dom-5": of(
        "Basic", subject={"reference": "#a"}, contained=[of("Patient", id="a", meta={"security": [{"code": "R"}]})]
    ),
}  # fmt: skip

CLINICAL: Mapping[str, Resource] = {
    "ait-1": of("AllergyIntolerance"),
    "ait-2": of(
        "AllergyIntolerance",
        clinicalStatus=concept("allergyintolerance-clinical", "active"),
        verificationStatus=concept("allergyintolerance-verification", "entered-in-error"),
    ),
    "app-1": of("Appointment", status="proposed", participant=[{"status": "accepted"}]),
    "app-2": of("Appointment", status="proposed", start="2020-01-01T10:00:00Z"),
    "app-3": of("Appointment", status="booked"),
    "app-4": of("Appointment", status="proposed", cancelationReason=TEXT),
    "apr-1": of("AppointmentResponse"),
    "cpl-3": of("CarePlan", activity=[{"detail": {"status": "scheduled"}, "reference": SHOWN}]),
    "ctm-1": of(
        "CareTeam",
        contained=[of("Patient", id="a")],
        participant=[{"member": {"reference": "#a"}, "onBehalfOf": SHOWN}],
    ),
    "con-1": of("Condition", stage=[{"type": TEXT}]),
    "con-2": of("Condition", evidence=[{"id": "a", "extension": [{"url": X, "valueString": "x"}]}]),
    "con-4": of(
        "Condition", abatementDateTime="2020", clinicalStatus=concept("condition-clinical", "active")
    ),
    "con-5": of(
        "Condition",
        clinicalStatus=concept("condition-clinical", "active"),
        verificationStatus=concept("condition-ver-status", "entered-in-error"),
    ),
    "fhs-1": of("FamilyMemberHistory", ageString="x", bornString="x"),
    "fhs-2": of("FamilyMemberHistory", estimatedAge=True),
    "gol-1": of("Goal", target=[{"detailString": "x"}]),
    "imm-1": of("Immunization", education=[{"publicationDate": "2020"}]),
    "imr-1": of("ImmunizationRecommendation", recommendation=[{"forecastStatus": TEXT}]),
    "mad-1": of("MedicationAdministration", dosage={"text": "x"}),
    "mdd-1": of("MedicationDispense", whenPrepared="2020-01-02", whenHandedOver="2020-01-01"),
    "obs-3": of("Observation", referenceRange=[{"type": TEXT}]),
    "obs-6": of("Observation", valueString="x", dataAbsentReason=TEXT),
    "obs-7": of(
        "Observation",
        code={"coding": [{"system": X, "code": "a"}]},
        valueString="x",
        component=[{"code": {"coding": [{"system": X, "code": "a"}]}}],
    ),
    "org-1": of("Organization", active=True),
    "org-2": of("Organization", name="x", address=[{"use": "home", "text": "x"}]),
    "org-3": of("Organization", name="x", telecom=[{"use": "home", "system": "phone", "value": "1"}]),
    "pat-1": of("Patient", contact=[{"gender": "male"}]),
    "prr-1": of("ServiceRequest", orderDetail=[TEXT]),
    "ras-1": of("RiskAssessment", prediction=[{"probabilityRange": {"low": {"value": 1, "unit": "x"}}}]),
    "ras-2": of("RiskAssessment", prediction=[{"probabilityDecimal": 101}]),
    "msq-3": of("MolecularSequence", coordinateSystem=2),
    "msq-5": of("MolecularSequence", referenceSeq={"chromosome": TEXT, "referenceSeqString": "A"}),
    "msq-6": of("MolecularSequence", referenceSeq={"strand": "watson"}),
}  # fmt: skip

FOUNDATION: Mapping[str, Resource] = {
    "bdl-1": bundle("collection", {"fullUrl": UUID, "resource": BASIC}, total=1),
    "bdl-2": bundle("collection", {"fullUrl": UUID, "resource": BASIC, "search": {"mode": "match"}}),
    "bdl-3": bundle("transaction", {"fullUrl": UUID, "resource": BASIC}),
    "bdl-4": bundle("batch-response", {"resource": BASIC}),
    "bdl-5": bundle("collection", {"link": [{"relation": "self", "url": X}]}),
    "bdl-7": bundle("collection", *[{"fullUrl": UUID, "resource": BASIC}] * 2),
    "bdl-8": bundle("collection", {"fullUrl": f"{X}/Basic/1/_history/1", "resource": BASIC | {"id": "1"}}),
    "bdl-9": document({"fullUrl": UUID, "resource": of("Composition")}, identifier=None),
    "bdl-10": document({"fullUrl": UUID, "resource": of("Composition")}, timestamp=None),
    "bdl-11": document({"fullUrl": UUID, "resource": BASIC}),
    "bdl-12": bundle("message", {"fullUrl": UUID, "resource": BASIC}),
    "cmp-1": of("Composition", section=[{"title": "x"}]),
    "cmp-2": of("Composition", section=[{"emptyReason": TEXT, "entry": [SHOWN]}]),
    "lst-1": of("List", emptyReason=TEXT, entry=[{"item": SHOWN}]),
    "lst-2": of("List", mode="snapshot", entry=[{"item": SHOWN, "deleted": True}]),
    "lst-3": of("List", mode="snapshot", entry=[{"item": SHOWN, "date": "2020"}]),
    "lnk-1": of("Linkage", item=[{"type": "source", "resource": SHOWN}]),
    "grp-1": of("Group", actual=False, member=[{"entity": SHOWN}]),
    "inv-1": of("Parameters", parameter=[{"name": "x"}]),
    "sev-1": of("AuditEvent", entity=[{"name": "x", "query": "AAAA"}]),
    "ppc-1": of("Consent", patient=SHOWN),
    # "something" is what R4 says: no real scope is meant.
    **{
        f"ppc-{number}": of("Consent", scope={"coding": [{"system": "something", "code": code}]})
        for number, code in ((2, "patient-privacy"), (3, "research"), (4, "adr"), (5, "treatment"))
    },
    "ces-1": of("CoverageEligibilityResponse", insurance=[{"item": [{"name": "x"}]}]),
    "ipn-1": of("InsurancePlan", status="active"),
    "qrs-1": of(
        "QuestionnaireResponse",
        item=[{"linkId": "1", "answer": [{"valueString": "x"}], "item": [{"linkId": "2"}]}],
    ),
    "rqg-1": of("RequestGroup", action=[{"title": "x"}]),
}  # fmt: skip

QUESTIONNAIRES: Mapping[str, Resource] = {
    "que-1": item(type="group"),
    "que-2": of("Questionnaire", item=[{"linkId": "1", "type": "string"}] * 2),
    "que-3": item(type="display", code=[{"code": "x"}]),
    "que-4": item(type="choice", answerOption=[{"valueString": "x"}], answerValueSet=X),
    "que-5": item(type="boolean", answerOption=[{"valueString": "x"}]),
    "que-6": item(type="display", required=False),
    "que-7": of(
        "Questionnaire",
        item=[
            {"linkId": "1", "type": "string"},
            {"linkId": "2", "type": "string", "enableWhen": [EXISTS | {"answerInteger": 1}]},
        ],
    ),
    "que-8": item(type="display", initial=[{"valueString": "x"}]),
    "que-9": item(type="display", readOnly=True),
    "que-10": item(type="date", maxLength=3),
    "que-11": item(type="choice", answerOption=[{"valueString": "x"}], initial=[{"valueString": "x"}]),
    "que-12": of(
        "Questionnaire",
        item=[
            {"linkId": "1", "type": "string"},
            {"linkId": "2", "type": "string", "enableWhen": [EXISTS | {"answerBoolean": True}] * 3},
        ],
    ),
    "que-13": item(initial=[{"valueString": "x"}, {"valueString": "y"}]),
}  # fmt: skip

DEFINITIONS: Mapping[str, Resource] = {
    "cpb-1": capable(rest=None),
    "cpb-2": capable(kind="requirements", implementation=None),
    "cpb-3": capable(
        kind="requirements",
        description="x",
        implementation=None,
        messaging=[{"endpoint": [{"protocol": {"code": "x"}, "address": "http://example.org"}]}],
    ),
    "cpb-7": capable(document=[{"mode": "producer", "profile": X}] * 2),
    "cpb-9": capable(rest=[{"mode": "server", "resource": [{"type": "Patient"}] * 2}]),
    "cpb-12": capable(
        rest=[{"mode": "server", "resource": [{"type": "Patient", "searchParam": [PARAMETER] * 2}]}]
    ),
    "cpb-14": capable(description="x", implementation=None),
    "cpb-15": capable(kind="capability"),
    "cpb-16": capable(kind="requirements", description="x"),
    "cmd-1": of(
        "ConceptMap",
        group=[{"element": [{"code": "a", "target": [{"code": "b", "equivalence": "narrower"}]}]}],
    ),
    "cmd-2": of("ConceptMap", group=[{"element": [{"code": "a"}], "unmapped": {"mode": "fixed"}}]),
    "cmd-3": of("ConceptMap", group=[{"element": [{"code": "a"}], "unmapped": {"mode": "other-map"}}]),
    "csd-1": of("CodeSystem", concept=[{"code": "a"}, {"code": "b", "concept": [{"code": "a"}]}]),
    "ig-1": of(
        "ImplementationGuide",
        definition={"grouping": [{"id": "a", "name": "x"}], "resource": [{"reference": SHOWN, "groupingId": "b"}]},
    ),
    "ig-2": of(
        "ImplementationGuide",
        fhirVersion=["4.0.1"],
        definition={"resource": [{"reference": SHOWN, "fhirVersion": ["3.0.1"]}]},
    ),
    "inv-2": of("TestReport", test=[{"action": [{"id": "a", "extension": [{"url": X, "valueString": "x"}]}]}]),
    "md-1": of("MessageDefinition", focus=[{"code": "Patient", "min": 0, "max": "0"}]),
    "mea-1": of("Measure", group=[{"stratifier": [{"description": "x", "component": [{"criteria": TRUE}]}]}]),
    "mrp-1": of("MeasureReport", type="data-collection", group=[{"code": TEXT}]),
    "mrp-2": of("MeasureReport", type="summary", group=[{"stratifier": [{"stratum": [{"measureScore": ONE}]}]}]),
    "nsd-1": of("NamingSystem", kind="root", uniqueId=[{"type": "uuid", "value": UUID}]),
    "nsd-2": of(
        "NamingSystem",
        uniqueId=[{"type": "uri", "value": X, "preferred": True}, {"type": "uri", "value": f"{X}2", "preferred": True}],
    ),
    "opd-1": of("OperationDefinition", parameter=[{"name": "x"}]),
    "opd-2": of("OperationDefinition", parameter=[{"name": "x", "type": "integer", "searchType": "token"}]),
    "opd-3": of("OperationDefinition", parameter=[{"name": "x", "type": "string", "targetProfile": [PATIENT]}]),
    "spd-1": of("SearchParameter", xpath="x", xpathUsage=None),
    "spd-2": of("SearchParameter", type="token", chain=["x"]),
    "smp-1": of(
        "StructureMap",
        group=[{"name": "a", "typeMode": "none", "input": [{"name": "s", "mode": "source"}],
                "rule": [{"name": "r", "source": [{"context": "s"}], "target": [{"element": "x"}]}]}],
    ),
    "smp-2": of(
        "StructureMap",
        group=[{"name": "a", "typeMode": "none", "input": [{"name": "s", "mode": "source"}],
                "rule": [{"name": "r", "source": [{"context": "s"}], "target": [{"context": "x"}]}]}],
    ),
    "tcp-1": of(
        "TerminologyCapabilities",
        kind="requirements",
        description="x",
        codeSystem=[{"version": [{"code": "a"}, {"isDefault": True}]}],
    ),
    "tcp-2": of("TerminologyCapabilities", kind="requirements"),
    "tcp-3": of("TerminologyCapabilities", kind="instance", description="x"),
    "tcp-4": of("TerminologyCapabilities", kind="capability", description="x"),
    "tcp-5": of("TerminologyCapabilities", kind="requirements", implementation={"description": "x"}),
    "vsd-1": include(concept=[{"code": "a"}]),
    "vsd-2": include(valueSet=[X], concept=[{"code": "a"}]),
    "vsd-3": include(system=X, concept=[{"code": "a"}], filter=[{"property": "a", "op": "=", "value": "b"}]),
    "vsd-6": contains(abstract=True, contains=[{"system": X, "code": "a"}]),
    "vsd-9": contains(display="x"),
    "vsd-10": contains(code="a"),
    # Test scripts
    "tst-1": setup(operation=OPERATION, **{"assert": ASSERT}),
    "tst-2": test(operation=OPERATION, **{"assert": ASSERT}),
    "tst-3": of("TestScript", variable=[{"name": "x", "path": "x", "expression": "x", "headerField": "x"}]),
    "tst-5": setup(**{"assert": ASSERT | {"contentType": "xml", "resource": "Patient"}}),
    "tst-6": test(**{"assert": ASSERT | {"contentType": "xml", "resource": "Patient"}}),
    "tst-7": setup(operation=OPERATION | {"url": "x", "params": "x"}),
    "tst-8": test(operation=OPERATION | {"url": "x", "params": "x"}),
    "tst-9": of("TestScript", teardown={"action": [{"operation": OPERATION | {"url": "x", "params": "x"}}]}),
    "tst-10": setup(**{"assert": ASSERT | {"compareToSourceId": "x"}}),
    "tst-11": test(**{"assert": ASSERT | {"compareToSourceId": "x"}}),
    "tst-12": setup(**{"assert": ASSERT | {"direction": "request", "response": "okay"}}),
    "tst-13": test(**{"assert": ASSERT | {"direction": "request", "response": "okay"}}),
}  # fmt: skip

STRUCTURES: Mapping[str, Resource] = {
    "eld-1": element(slicing={"rules": "open"}),
    "eld-2": element(min=2, max="1"),
    "eld-3": element(max="many"),
    "eld-4": element(type=[{"code": "string", "aggregation": ["contained"]}]),
    "eld-5": element(contentReference="#Patient.name", maxLength=3),
    "eld-6": element(type=[{"code": "string"}, {"code": "code"}], fixedString="x"),
    "eld-7": element(type=[{"code": "string"}, {"code": "code"}], patternString="x"),
    "eld-8": element(type=[{"code": "string"}], fixedString="x", patternString="x"),
    "eld-12": element(type=[{"code": "code"}], binding={"strength": "required", "valueSet": "x"}),
    "eld-13": element(type=[{"code": "string"}, {"code": "string"}]),
    "eld-14": element(constraint=[{"key": "a-1", "severity": "error", "human": "x", "expression": "true"}] * 2),
    "eld-15": element(defaultValueString="x", meaningWhenMissing="x"),
    "eld-16": element(sliceName="a b"),
    "eld-17": element(type=[{"code": "string", "targetProfile": [PATIENT]}]),
    "eld-18": element(isModifier=True),
    "eld-19": element(path="/"),
    "eld-22": element(sliceIsConstraining=True),
    "sdf-1": snapshot(at("Patient"), at("Patient.active"), at("Patient.active"), derivation="specialization"),
    "sdf-2": profile(mapping=[{"identity": "a"}]),
    "sdf-3": snapshot(at("Patient", definition=None)),
    "sdf-4": profile(baseDefinition=None, derivation=None),
    "sdf-5": profile(type="Extension", differential={"element": [at("Extension")]}),
    "sdf-6": profile(differential=None),
    "sdf-8": snapshot(at("Patient"), at("Observation.code")),
    "sdf-8a": profile(differential={"element": [at("Patient"), at("Observation.code")]}),
    "sdf-8b": snapshot(at("Patient", base=None)),
    "sdf-9": profile(differential={"element": [at("Patient", label="x")]}),
    "sdf-10": snapshot(at("Patient"), at("Patient.gender", binding={"strength": "required"})),
    "sdf-11": snapshot(at("Observation")),
    "sdf-14": profile(differential={"element": [{"path": "Patient"}]}),
    "sdf-15": snapshot(at("Patient", type=[{"code": "Patient"}])),
    "sdf-15a": profile(differential={"element": [at("Patient", type=[{"code": "Patient"}])]}),
    "sdf-16": snapshot(at("Patient"), at("Patient.active"), at("Patient.gender", id="Patient.active")),
    "sdf-17": profile(differential={"element": [at("Patient"), at("Patient.a"), at("Patient.a")]}),
    "sdf-18": profile(contextInvariant=["true"]),
    "sdf-19": element(type=[{"code": "a-b"}]) | HL7_PROFILE,
    "sdf-20": profile(differential={"element": [at("Patient", slicing={"rules": "open", "description": "x"})]}),
    "sdf-21": element(defaultValueString="x"),
    "sdf-22": element(defaultValueString="x") | HL7_PROFILE,
    "sdf-23": profile(differential={"element": [at("Patient", sliceName="x")]}),
}  # fmt: skip

# Those that are only warnings.
WARNED: Mapping[str, Resource] = {
    "eld-20": element(path="1"),
    "eld-21": element(constraint=[{"key": "a-1", "severity": "error", "human": "x"}]),
    "nor-1": of("NutritionOrder"),
    **{
        f"{key}-0": of(kind, name="no name")
        for key, kind in {
            "adf": "ActivityDefinition", "cmd": "ConceptMap", "cpb": "CapabilityStatement",
            "cpd": "CompartmentDefinition", "csd": "CodeSystem", "ees": "EffectEvidenceSynthesis",
            "esc": "ExampleScenario", "evd": "EventDefinition", "evi": "Evidence", "evv": "EvidenceVariable",
            "gdf": "GraphDefinition", "ig": "ImplementationGuide", "lib": "Library", "mea": "Measure",
            "msd": "MessageDefinition", "nsd": "NamingSystem", "opd": "OperationDefinition", "pdf": "PlanDefinition",
            "que": "Questionnaire", "red": "ResearchElementDefinition", "rsd": "ResearchDefinition",
            "rvs": "RiskEvidenceSynthesis", "sdf": "StructureDefinition", "smp": "StructureMap",
            "spd": "SearchParameter", "tcp": "TerminologyCapabilities", "tst": "TestScript", "vsd": "ValueSet",
        }.items()
    },
}  # fmt: skip

# Those that nothing breaks: eld-11 asks of a list of answers whether there is one, cid-0 of a name that there is not,
# tst-4 what is required anyhow. con-3 and dom-6 are best practice, which is told on demand.
UNBREAKABLE = frozenset({"cid-0", "con-3", "dom-6", "eld-11", "tst-4"})

BROKEN: Mapping[str, Resource] = {
    **DATA_TYPES, **CLINICAL, **FOUNDATION, **QUESTIONNAIRES, **DEFINITIONS, **STRUCTURES, **WARNED
}  # fmt: skip
