"""What a profile asks of elements: how many, of what type, with which value, referring to what."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from fhir_service.fhir.resource import Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.policy import Policy, PolicyRules
from fhir_service.validation.run import Options, Outside
from fhir_service.validation.validator import Validator
from tests.validation.profile.conftest import BASE, URL, Ask, Know, element, places, profile


def patient(**elements: Any) -> Resource:
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> Resource:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **elements}


@pytest.mark.parametrize(
    ("asked", "good", "bad", "found"),
    [
        (element("Patient.name", min=1), {"name": [{"text": "a"}]}, {}, ("Patient.name", "min")),
        (element("Patient.name", max="1"), {"name": [{"text": "a"}]}, {"name": [{"text": "a"}, {"text": "b"}]},
         ("Patient.name", "max")),
        (element("Patient.photo", max="0"), {}, {"photo": [{"title": "a"}]}, ("Patient.photo", "max")),
        (element("Patient.name.family", min=1), {"name": [{"family": "a"}]}, {"name": [{"text": "a"}]},
         ("Patient.name[0].family", "min")),
        (element("Patient.birthDate", min=1),
         {"_birthDate": {"extension": [{"url": f"{BASE}data-absent-reason", "valueCode": "unknown"}]}}, {},
         ("Patient.birthDate", "min")),
        (element("Patient.deceased[x]", type=[{"code": "boolean"}]), {"deceasedBoolean": True},
         {"deceasedDateTime": "2020"}, ("Patient.deceased", "type")),
        (element("Patient.gender", fixedCode="male"), {"gender": "male"}, {"gender": "female"},
         ("Patient.gender", "fixed")),
        (element("Patient.maritalStatus", patternCodeableConcept={"coding": [{"system": "http://e", "code": "a"}]}),
         {"maritalStatus": {"coding": [{"code": "b"}, {"system": "http://e", "code": "a", "display": "A"}]}},
         {"maritalStatus": {"coding": [{"system": "http://e"}, {"code": "a"}]}},
         ("Patient.maritalStatus", "pattern")),
        (element("Patient.maritalStatus", fixedCodeableConcept={"text": "a"}), {"maritalStatus": {"text": "a"}},
         {"maritalStatus": {"text": "a", "coding": [{"code": "a"}]}}, ("Patient.maritalStatus", "fixed")),
        (element("Patient.active", fixedBoolean=True), {"active": True}, {"active": False},
         ("Patient.active", "fixed")),
        (element("Patient.multipleBirth[x]", type=[{"code": "integer"}], minValueInteger=1),
         {"multipleBirthInteger": 1}, {"multipleBirthInteger": 0}, ("Patient.multipleBirth", "minValue")),
        (element("Patient.birthDate", maxValueDate="2020-06"), {"birthDate": "2020-05-31"},
         {"birthDate": "2020-07-01"}, ("Patient.birthDate", "maxValue")),
        (element("Patient.name.text", maxLength=3), {"name": [{"text": "山田太"}]}, {"name": [{"text": "山田太郎"}]},
         ("Patient.name[0].text", "maxLength")),
        (element("Patient.generalPractitioner", type=[{"code": "Reference", "targetProfile": [f"{BASE}Organization"]}]),
         {"generalPractitioner": [{"reference": "Organization/1"}]},
         {"generalPractitioner": [{"reference": "Practitioner/1"}]},
         ("Patient.generalPractitioner[0]", "target")),
    ],
)  # fmt: skip
def test_an_element_keeps_what_the_profile_asks(
    ask: Ask, asked: Resource, good: Resource, bad: Resource, found: tuple[str, str]
) -> None:
    definition = profile("Patient", asked)

    assert ask(patient(**good), definition) == []
    assert ask(patient(**bad), definition) == [found]


def test_quantities_are_compared_in_units_that_convert_and_decimals_by_their_digits(ask: Ask) -> None:
    def weight(value: str, unit: str = "kg") -> Resource:
        return observation(valueQuantity={"value": Decimal(value), "system": "http://unitsofmeasure.org", "code": unit})

    limit = {"value": 100, "system": "http://unitsofmeasure.org", "code": "kg"}
    places = {"url": f"{BASE}maxDecimalPlaces", "valueInteger": 1}
    definition = profile(
        "Observation",
        element("Observation.value[x]", type=[{"code": "Quantity"}], maxValueQuantity=limit),
        element("Observation.value[x].value", extension=[places]),
    )

    assert ask(weight("99.5"), definition) == []
    assert ask(weight("100.5"), definition) == [("Observation.value", "maxValue")]
    assert ask(weight("1000.5", "g"), definition) == []
    assert ask(weight("100000.5", "g"), definition) == [("Observation.value", "maxValue")]
    assert ask(weight("1000.5", "cm"), definition) == []
    assert ask(weight("99.55"), definition) == [("Observation.value.value", "maxDecimalPlaces")]


def test_an_invariant_of_a_profile_is_asked_where_it_stands(ask: Ask) -> None:
    rule = {"key": "x-1", "severity": "error", "human": "氏名には姓が必要です", "expression": "family.exists()"}
    definition = profile("Patient", element("Patient.name", constraint=[rule]))

    assert ask(patient(name=[{"family": "a"}]), definition) == []
    assert ask(patient(name=[{"family": "a"}, {"text": "b"}]), definition) == [("Patient.name[1]", "x-1")]


def test_an_invariant_may_ask_for_the_time(know: Know, definitions: Any) -> None:
    rule = {"key": "x-1", "severity": "error", "human": "?", "expression": "$this <= today()"}
    known = know(profile("Patient", element("Patient.birthDate", constraint=[rule])))
    midnight = datetime(2026, 11, 23, 0, 30, tzinfo=timezone(timedelta(hours=9)))
    check = Validator(definitions, LoadedTerminology(definitions), now=lambda: midnight).check

    assert check(patient(birthDate="2026-11-22"), [known]) == []
    assert places(check(patient(birthDate="2026-11-24"), [known])) == [("Patient.birthDate", "x-1")]
    assert Validator(definitions, LoadedTerminology(definitions)).check(patient(birthDate="2020-01-01"), [known]) == []


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        ("specific", "http://a/Organization/1/_history/2", "http://a/Organization/1"),
        ("independent", "http://a/Organization/1", "http://a/Organization/1/_history/2"),
    ],
)
def test_a_reference_names_a_version_or_none(ask: Ask, wanted: str, good: str, bad: str) -> None:
    kind = {"code": "Reference", "targetProfile": [f"{BASE}Organization"], "versioning": wanted}
    definition = profile("Patient", element("Patient.managingOrganization", type=[kind]))

    assert ask(patient(managingOrganization={"reference": good}), definition) == []
    assert ask(patient(managingOrganization={"display": "a"}), definition) == []
    assert ask(patient(managingOrganization={"reference": bad}), definition) == [
        ("Patient.managingOrganization", "versioning")
    ]


@pytest.mark.parametrize(
    ("expression", "severity", "found"),
    [
        ("period.start = '2020'", "error", [("Patient.name[0]", "x-1")]),
        ("true and family.matches('^a')", "error", [("Patient.name[0]", "x-1")]),
        ("family.matches('^a')", "warning", []),
        ("period.start < @2020-01-01", "error", [("Patient.name[0]", "x-1")]),
        ("%resource.birthDate < @2020-05-01", "error", []),
        ("(%resource.birthDate < @2020-05-01).not()", "error", []),
        ("%resource.birthDate < @2019-12-31", "error", [("Patient.name[0]", "x-1")]),
        ("%resource.managingOrganization.resolve().active", "error", []),
    ],
)
def test_an_invariant_whose_answer_is_empty_is_broken_unless_the_answer_may_not_be_known(
    ask: Ask, expression: str, severity: str, found: list[tuple[str, str]]
) -> None:
    rule = {"key": "x-1", "severity": severity, "human": "?", "expression": expression}

    someone = patient(name=[{"text": "a"}], birthDate="2020")
    assert ask(someone, profile("Patient", element("Patient.name", constraint=[rule]))) == found


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("given.exists(", "(line 1, column 14 of it: given.exists()"),
        ("given.exists() and\n  (family > )", "(line 2, column 13 of it: given.exists() and (family > ))"),
        ("given.first().foo()", "There is no function 'foo' (line 1, column 15"),
        ("(" + "a" * 20_000, "(line 1, column 20002 of it: …aaa"),
        ("('a' | 'b').single()", "Several items where one is needed (line 1, column 13"),
        ("period.start + 1 = 2", "(line 1, column 14"),
        ("'aaa'.matches('(a+)+$' + text)", "(line 1, column 7"),
    ],
)
def test_an_invariant_that_cannot_be_asked_is_named_with_the_place_in_it_and_refuses_no_write(
    validator: Any, know: Know, expression: str, place: str
) -> None:
    rule = {"key": "x-2", "severity": "error", "human": "?", "expression": expression}
    definition = profile("Patient", element("Patient.name", constraint=[rule]))
    know(definition)
    someone = patient(name=[{"text": "(", "period": {"start": "2020"}}], meta={"profile": [definition["url"]]})

    told = [issue for issue in Policy(validator).validate(someone) if issue.rule == "invariant-unasked"]
    written = Policy(validator)(someone)

    [issue] = told
    assert (issue.severity, issue.expression) == ("error", ("Patient.name[0]",))
    assert f"x-2 ({definition['url']})" in issue.en
    assert place in issue.en
    assert [each.severity for each in written if each.rule == "invariant-unasked"] == ["warning"]


def test_a_type_may_have_a_profile_of_its_own(ask: Ask) -> None:
    number = profile("Identifier", element("Identifier.system", min=1, fixedUri="http://e"), name="number")
    definition = profile(
        "Patient",
        element("Patient.identifier", type=[{"code": "Identifier", "profile": [number["url"]]}]),
    )

    assert ask(patient(identifier=[{"system": "http://e", "value": "1"}]), definition, number) == []
    assert ask(patient(identifier=[{"value": "1"}]), definition, number) == [("Patient.identifier[0].system", "min")]


def test_of_several_profiles_one_will_do(ask: Ask) -> None:
    first = profile("Identifier", element("Identifier.system", min=1, fixedUri="http://a"), name="first")
    second = profile("Identifier", element("Identifier.system", min=1, fixedUri="http://b"), name="second")
    both = [{"code": "Identifier", "profile": [first["url"], second["url"]]}]
    definition = profile("Patient", element("Patient.identifier", type=both))

    assert ask(patient(identifier=[{"system": "http://b"}]), definition, first, second) == []
    found = ask(patient(identifier=[{"system": "http://c"}]), definition, first, second)
    assert found[0] == ("Patient.identifier[0]", "type-profile")


def test_what_a_reference_names_conforms_where_it_is_at_hand(ask: Ask) -> None:
    named = profile("Organization", element("Organization.name", min=1), name="named")
    target = [{"code": "Reference", "targetProfile": [named["url"]]}]
    definition = profile("Patient", element("Patient.managingOrganization", type=target))

    def inside(**organization: Any) -> Resource:
        held = {"resourceType": "Organization", "id": "a", "identifier": [{"value": "1"}], **organization}
        return patient(contained=[held], managingOrganization={"reference": "#a"})

    assert ask(inside(name="医院"), definition, named) == []
    assert ask(inside(), definition, named) == [("Patient.managingOrganization", "target-profile")]
    assert ask(patient(managingOrganization={"reference": "Organization/1"}), definition, named) == []
    wrong = patient(managingOrganization={"reference": "Patient/1"})
    assert ("Patient.managingOrganization", "target") in ask(wrong, definition, named)


def test_a_reference_in_a_bundle_is_followed_there(validator: Any, ask: Ask) -> None:
    named = profile("Patient", element("Patient.name", min=1), name="named")
    target = [{"code": "Reference", "targetProfile": [named["url"]]}]
    definition = profile("Observation", element("Observation.subject", type=target), name="of-named")

    def bundle(**person: Any) -> Resource:
        report = observation(subject={"reference": "Patient/1"}, meta={"profile": [definition["url"]]})
        entries = [
            {"fullUrl": "http://e/fhir/Observation/1", "resource": report | {"id": "1"}},
            {"fullUrl": "http://e/fhir/Patient/1", "resource": patient(id="1", **person)},
        ]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}

    assert ask(observation(), definition, named) == []
    assert [issue.rule for issue in validator.check(bundle(name=[{"text": "a"}]))] == []
    assert [issue.rule for issue in validator.check(bundle())] == ["target-profile"]
    assert URL in validator.check(bundle())[0].en


def test_what_claims_the_profile_it_is_referred_to_by_is_told_of_once_at_its_own_place(
    know: Know, validator: Any
) -> None:
    named = profile("Patient", element("Patient.name", min=1), name="named-once")
    target = [{"code": "Reference", "targetProfile": [named["url"]]}]
    definition = profile("Observation", element("Observation.subject", type=target), name="of-named-once")
    know(named)
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "meta": {"profile": [know(definition)]},
        "subject": {"reference": "#p"},
    }

    def told(*claims: str) -> list[tuple[str, str | None]]:
        person = {"resourceType": "Patient", "id": "p", "gender": "other", "meta": {"profile": [*claims]}}
        if not claims:
            del person["meta"]
        return [
            (issue.expression[0], issue.rule)
            for issue in validator.check(observation | {"contained": [person]})
            if issue.severity == "error"
        ]

    assert told(named["url"]) == [("Observation.contained[0].name", "min")]
    assert told() == [("Observation.subject", "target-profile")]


def named_by(know: Know, name: str) -> tuple[str, str]:
    """Make known a profile of Patient that asks for a name, and one of Observation with such a subject."""
    of_person = know(profile("Patient", element("Patient.name", min=1), name=f"{name}-person"))
    target = [{"code": "Reference", "targetProfile": [of_person]}]
    of_finding = know(profile("Observation", element("Observation.subject", type=target), name=f"{name}-finding"))
    return of_person, of_finding


def nameless(claims: str) -> Resource:
    return patient(id="p", gender="other", meta={"profile": [claims]})


def test_what_claims_a_profile_is_held_to_it_where_claims_are_not_checked(know: Know, validator: Any) -> None:
    of_person, of_finding = named_by(know, "unclaimed")
    contained = observation(subject={"reference": "#p"}, contained=[nameless(of_person)])
    entries = [
        {"fullUrl": "http://e/fhir/Observation/1", "resource": observation(id="1", subject={"reference": "Patient/p"})},
        {"fullUrl": "http://e/fhir/Patient/p", "resource": nameless(of_person)},
    ]
    held = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    rules = PolicyRules(claimed_profiles=False, defaults={"Observation": (of_finding,)})
    policy = Policy(validator, rules)

    for check in (policy, policy.validate):
        assert places(check(contained)) == [("Observation.subject", "target-profile")]
        assert places(check(held)) == [("Bundle.entry[0].resource.subject", "target-profile")]


def test_what_is_inside_is_checked_at_its_place_by_whichever_profile_somebody_asks(know: Know, validator: Any) -> None:
    of_person, of_finding = named_by(know, "asked")
    contained = observation(subject={"reference": "#p"}, contained=[nameless(of_person)])
    in_another = {"resourceType": "Parameters", "parameter": [{"name": "a", "resource": contained}]}

    assert places(validator.check(contained, [of_finding])) == [("Observation.contained[0].name", "min")]
    assert ("Parameters.parameter[0].resource.contained[0].name", "min") in places(validator.check(in_another))


def test_what_a_stored_target_contains_is_held_to_what_it_claims(know: Know, validator: Any) -> None:
    of_person, of_finding = named_by(know, "stored")
    target = [{"code": "Reference", "targetProfile": [of_finding]}]
    of_report = know(
        profile("DiagnosticReport", element("DiagnosticReport.result", type=target), name="of-stored-finding")
    )
    found = observation(id="1", subject={"reference": "#p"}, contained=[nameless(of_person)])
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "x"},
        "result": [{"reference": "Observation/1"}],
    }

    told = validator.check(report, [of_report], outside=Outside({"Observation/1": found}.get))

    assert places(told) == [("DiagnosticReport.result[0]", "target-profile")]


def test_what_r4_and_a_profile_both_ask_is_told_once(know: Know, validator: Any) -> None:
    definition = profile(
        "Patient",
        element("Patient.managingOrganization", type=[{"code": "Reference", "targetProfile": [f"{BASE}Organization"]}]),
        name="told-once",
    )
    wrong = patient(managingOrganization={"reference": "Practitioner/1"})

    told = [issue for issue in validator.check(wrong, [know(definition)]) if issue.severity == "error"]

    assert [(issue.rule, issue.profile) for issue in told] == [("target", None)]


def test_the_rules_of_hl7s_own_profiles_are_told_in_japanese(validator: Any) -> None:
    dose = {"value": 1, "comparator": "<"}
    given = {"resourceType": "Immunization", "status": "completed", "vaccineCode": {"text": "a"},
             "patient": {"display": "a"}, "occurrenceString": "a", "doseQuantity": dose}  # fmt: skip

    [issue] = [each for each in validator.check(given) if each.rule == "sqty-1"]

    assert issue.ja.startswith("ここの数量に比較記号(comparator)は使えません")


def test_what_must_be_supported_and_is_not_there_is_told_on_demand(validator: Any, ask: Ask) -> None:
    definition = profile(
        "Patient",
        element("Patient.birthDate", mustSupport=True),
        element("Patient.name", mustSupport=True),
        element("Patient.name.family", mustSupport=True),
    )
    someone = patient(name=[{"text": "a"}])

    assert ask(someone, definition) == []
    assert validator.check(someone, [definition["url"]]) == []
    told = validator.check(someone, [definition["url"]], options=Options(must_support=True))
    assert [(issue.severity, issue.expression[0]) for issue in told] == [
        ("information", "Patient.name[0].family"),
        ("information", "Patient.birthDate"),
    ]


def unsupported(validator: Any, resource: Resource, definition: Resource) -> list[tuple[str, str, str | None]]:
    """Return where something is said of what is not there, by which rule, and how gravely."""
    found = validator.check(resource, [definition["url"]], options=Options(must_support=True))
    return [(issue.severity, issue.expression[0], issue.rule) for issue in found]


def test_what_has_to_be_there_is_not_told_once_more_as_must_support(validator: Any, know: Know) -> None:
    definition = profile(
        "Observation",
        element("Observation.subject", mustSupport=True, min=1),
        element("Observation.status", mustSupport=True),
    )
    know(definition)

    told = unsupported(validator, {"resourceType": "Observation", "code": {"text": "x"}}, definition)

    assert told == [("error", "Observation.status", None), ("error", "Observation.subject", "min")]


def test_slices_that_must_be_supported_are_told_apart(validator: Any, know: Know) -> None:
    sliced = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    definition = profile(
        "Patient",
        element("Patient.identifier", slicing=sliced),
        element("Patient.identifier.value", mustSupport=True),
        element("Patient.identifier:card", mustSupport=True),
        element("Patient.identifier:card.system", fixedUri="urn:card"),
        element("Patient.identifier:card.value", mustSupport=True),
        element("Patient.identifier:card.period", mustSupport=True),
        element("Patient.identifier:file", min=1, mustSupport=True),
        element("Patient.identifier:file.system", fixedUri="urn:file"),
    )
    know(definition)

    both = [{"system": "urn:card"}, {"system": "urn:file", "value": "1"}]
    one = [{"system": "urn:other", "value": "1"}]

    assert set(unsupported(validator, patient(identifier=both), definition)) == {
        ("information", "Patient.identifier[0].period", "must-support"),
        ("information", "Patient.identifier[0].value", "must-support"),
    }
    missing = [("error", "Patient.identifier", "min"), ("information", "Patient.identifier", "must-support")]
    assert sorted(unsupported(validator, patient(identifier=one), definition)) == missing
    assert sorted(unsupported(validator, patient(), definition)) == missing


def test_what_the_profile_of_a_type_must_support_is_told_where_the_value_is(validator: Any, know: Know) -> None:
    number = know(profile("Identifier", element("Identifier.use", mustSupport=True), name="number"))
    definition = profile("Patient", element("Patient.identifier", type=[{"code": "Identifier", "profile": [number]}]))
    know(definition)

    told = unsupported(validator, patient(identifier=[{"system": "urn:a", "value": "1"}]), definition)

    assert told == [("information", "Patient.identifier[0].use", "must-support")]


def test_what_is_best_practice_is_told_on_demand(validator: Any) -> None:
    someone = patient(active=True)

    assert validator.check(someone) == []
    told = validator.check(someone, options=Options(best_practice=True))
    assert [(issue.severity, issue.rule) for issue in told] == [("warning", "dom-6")]


def test_expressions_may_ask_for_value_sets_and_profiles(ask: Ask) -> None:
    def rule(expression: str) -> Resource:
        return {"key": "x-3", "severity": "error", "human": "?", "expression": expression}

    member = profile(
        "Patient",
        element("Patient.gender",
                constraint=[rule("memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')")]),
        element("Patient.maritalStatus", constraint=[rule("memberOf('http://hl7.org/fhir/ValueSet/marital-status')")]),
        name="member",
    )  # fmt: skip
    named = profile("Organization", element("Organization.name", min=1), name="named")
    conforming = profile(
        "Patient",
        element("Patient.contained", constraint=[rule(f"conformsTo('{URL}named')")]),
        name="conforming",
    )
    married = {"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"}

    assert ask(patient(gender="male", maritalStatus={"coding": [married]}), member) == []
    assert ask(patient(maritalStatus={"coding": [married | {"code": "no"}]}), member) == [
        ("Patient.maritalStatus.coding[0].code", "code"),
        ("Patient.maritalStatus", "x-3"),
    ]

    def having(**organization: Any) -> Resource:
        held = {"resourceType": "Organization", "id": "a", "identifier": [{"value": "1"}], **organization}
        return patient(contained=[held], managingOrganization={"reference": "#a"})

    assert ask(having(name="医院"), conforming, named) == []
    assert ask(having(), conforming, named) == [("Patient.contained[0]", "x-3")]


def test_what_is_asked_of_items_is_not_asked_of_items_inside_them(ask: Ask) -> None:
    definition = profile("Questionnaire", element("Questionnaire.item.text", min=1))

    def questions(*items: Resource) -> Resource:
        return {"resourceType": "Questionnaire", "status": "draft", "item": list(items)}

    def item(name: str, *items: Resource, **more: Any) -> Resource:
        return {"linkId": name, "type": "group", **more} | ({"item": list(items)} if items else {"type": "string"})

    assert ask(questions(item("1", item("1.1"), text="a")), definition) == []
    assert ask(questions(item("1", item("1.1", text="b"))), definition) == [("Questionnaire.item[0].text", "min")]


@pytest.mark.parametrize(
    ("limit", "good", "bad", "rule"),
    [
        ({"url": f"{BASE}minLength", "valueInteger": 3}, "abc", "ab", "minLength"),
        ({"url": f"{BASE}regex", "valueString": "[a-z]+"}, "abc", "ABC", "regex"),
    ],
)
def test_an_extension_limits_a_text(ask: Ask, limit: Resource, good: str, bad: str, rule: str) -> None:
    definition = profile("Patient", element("Patient.name.text", extension=[limit]))

    assert ask(patient(name=[{"text": good}]), definition) == []
    assert ask(patient(name=[{"text": bad}]), definition) == [("Patient.name[0].text", rule)]


def test_an_extension_limits_the_size_of_an_attachment(ask: Ask) -> None:
    largest = {"url": f"{BASE}maxSize", "valueDecimal": 3}
    definition = profile("Patient", element("Patient.photo", extension=[largest]))

    def photo(**data: Any) -> Resource:
        return patient(photo=[{"contentType": "image/png", **data}])

    assert ask(photo(data="YWFh"), definition) == []
    assert ask(photo(data="YWFhYQ=="), definition) == [("Patient.photo[0]", "maxSize")]
    assert ask(photo(url="https://example.jp/1.png", size=4), definition) == [("Patient.photo[0]", "maxSize")]


@pytest.mark.parametrize(
    "url",
    [
        "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.binding.additional",
        "http://hl7.org/fhir/tools/StructureDefinition/additional-binding",
    ],
)
def test_a_binding_may_be_added_to_another(ask: Ask, url: str) -> None:
    def binding(purpose: str, *more: Resource) -> Resource:
        asked = [
            {"url": "purpose", "valueCode": purpose},
            {"url": "valueSet", "valueCanonical": "http://hl7.org/fhir/ValueSet/administrative-gender"},
        ]
        added = {"url": url, "extension": [*asked, *more]}
        return {"strength": "example", "valueSet": "http://hl7.org/fhir/ValueSet/marital-status", "extension": [added]}

    def profiled(name: str, purpose: str, *more: Resource) -> Resource:
        return profile("Patient", element("Patient.maritalStatus", binding=binding(purpose, *more)), name=name)

    single = patient(maritalStatus={"coding": [{"system": "http://e.jp/status", "code": "S"}]})
    female = patient(
        maritalStatus={"coding": [{"system": "http://hl7.org/fhir/administrative-gender", "code": "male"}]}
    )
    only_here = {
        "url": "usage",
        "valueUsageContext": {"code": {"code": "venue"}, "valueCodeableConcept": {"text": "a"}},
    }

    assert ask(female, profiled("asked", "required")) == []
    assert ask(single, profiled("asked", "required")) == [("Patient.maritalStatus", "binding-required")]
    assert ask(single, profiled("wished", "preferred")) == []
    assert ask(single, profiled("elsewhere", "required", only_here)) == []


def test_a_maximum_over_an_extensible_binding_asks_for_a_code(ask: Ask) -> None:
    marital_status = "http://hl7.org/fhir/ValueSet/marital-status"
    bound = {
        "strength": "extensible",
        "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender",
        "extension": [{"url": f"{BASE}elementdefinition-maxValueSet", "valueCanonical": marital_status}],
    }
    definition = profile("Observation", element("Observation.code", binding=bound))
    words = {"resourceType": "Observation", "status": "final", "code": {"text": "体重"}}

    assert ask(words, definition) == [("Observation.code", "binding-maximum")]


def test_a_maximum_value_set_lets_words_stand_alone(ask: Ask) -> None:
    definition = profile("Patient", name="any")

    def speaking(language: Resource) -> Resource:
        return patient(communication=[{"language": language}])

    assert ask(speaking({"text": "手話"}), definition) == []
    assert ask(speaking({"coding": [{"system": "urn:ietf:bcp:47", "code": "ja"}]}), definition) == []
    assert ask(speaking({"coding": [{"system": "http://e.jp", "code": "sign"}]}), definition) == [
        ("Patient.communication[0].language", "binding-maximum")
    ]


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ({"reference": "Patient/1", "type": "Patient"}, []),
        ({"type": "Patient"}, []),
        ({"reference": "Patient/1", "type": "Group"}, [("Observation.subject.type", "target-type")]),
        ({"type": "Slot"}, [("Observation.subject", "target")]),
        ({"type": "patient", "display": "x"}, [("Observation.subject.type", "target-type")]),
        ({"type": "string", "display": "x"}, [("Observation.subject.type", "target-type")]),
        (
            {"type": "http://hl7.org/fhir/StructureDefinition/Patient", "display": "x"},
            [("Observation.subject.type", "target-type")],
        ),
        ({"type": "http://e.jp/StructureDefinition/logical", "display": "x"}, []),
    ],
)
def test_the_type_of_a_reference_is_that_of_what_it_names(
    ask: Ask, reference: Resource, found: list[tuple[str, str]]
) -> None:
    assert ask(observation(subject=reference), profile("Observation", name="any")) == found


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("2020-01-01T10:00:00-05:00", "2020-01-01T12:00:00-01:00", [("Patient.name[0].period", "per-1")]),
        ("2020-01-01T10:00:00+09:00", "2020-01-01T02:00:00+00:00", []),
        ("2020-01-01T10:00:00-05:00", "2020-01-01T10:00:00-05:00", []),
        ("2020-01", "2020-02-15", []),
        ("2020-01", "2020-01-15", [("Patient.name[0].period", "period-open")]),
        ("2020-01-15", "2020-01-15T10:00:00+09:00", [("Patient.name[0].period", "period-open")]),
        ("2020-01-15", "2020-01-15", []),
    ],
)
def test_a_period_is_in_order_whatever_its_zones(
    validator: Any, start: str, end: str, found: list[tuple[str, str]]
) -> None:
    assert places(validator.check(patient(name=[{"text": "a", "period": {"start": start, "end": end}}]))) == found
