"""Slicing: which values are of which slice, by every kind of discriminator, and what each slice asks."""

from typing import Any

import pytest

from fhir_service.fhir.resource import Resource
from tests.validation.profile.conftest import BASE, URL, Ask, Know, element, extension, profile


def patient(**elements: Any) -> Resource:
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> Resource:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **elements}


def sliced(path: str, *by: tuple[str, str], rules: str = "open", ordered: bool = False, **more: Any) -> Resource:
    discriminators = [{"type": kind, "path": where} for kind, where in by]
    return element(path, slicing={"discriminator": discriminators, "rules": rules, "ordered": ordered}, **more)


def numbers(rules: str = "open", ordered: bool = False) -> Resource:
    """A patient with one number of system a, and up to two of system b."""
    return profile(
        "Patient",
        sliced("Patient.identifier", ("value", "system"), rules=rules, ordered=ordered),
        element("Patient.identifier:a", min=1, max="1"),
        element("Patient.identifier:a.system", min=1, fixedUri="http://a"),
        element("Patient.identifier:a.value", min=1),
        element("Patient.identifier:b", max="2"),
        element("Patient.identifier:b.system", min=1, fixedUri="http://b"),
    )


def of(*letters: str) -> Resource:
    return patient(identifier=[{"system": f"http://{letter}", "value": "1"} for letter in letters])


@pytest.mark.parametrize(
    ("letters", "found"),
    [
        ("a", []),
        ("abb", []),
        ("bca", []),
        ("b", [("Patient.identifier", "min")]),
        ("aa", [("Patient.identifier", "max")]),
        ("abbb", [("Patient.identifier", "max")]),
        ("", [("Patient.identifier", "min")]),
    ],
)
def test_each_slice_is_counted(ask: Ask, letters: str, found: list[tuple[str, str]]) -> None:
    assert ask(of(*letters) if letters else patient(active=True), numbers()) == found


def test_each_slice_asks_for_its_own(ask: Ask) -> None:
    someone = patient(identifier=[{"system": "http://b"}, {"system": "http://a"}])

    assert ask(someone, numbers()) == [("Patient.identifier[1].value", "min")]


def test_a_closed_slicing_refuses_what_is_of_no_slice(ask: Ask) -> None:
    assert ask(of("a", "b"), numbers("closed")) == []
    assert ask(of("a", "c"), numbers("closed")) == [("Patient.identifier[1]", "slicing-closed")]


def test_open_at_end_wants_what_is_of_no_slice_last(ask: Ask) -> None:
    assert ask(of("a", "b", "c", "c"), numbers("openAtEnd")) == []
    assert ask(of("a", "c", "b"), numbers("openAtEnd")) == [("Patient.identifier[1]", "slicing-at-end")]


def test_an_ordered_slicing_keeps_its_order(ask: Ask) -> None:
    assert ask(of("a", "b", "b"), numbers(ordered=True)) == []
    assert ask(of("b", "a"), numbers(ordered=True)) == [("Patient.identifier[1]", "slicing-ordered")]


def test_the_default_slice_is_of_what_is_left(ask: Ask) -> None:
    definition = profile(
        "Patient",
        sliced("Patient.identifier", ("value", "system"), rules="closed"),
        element("Patient.identifier:a"),
        element("Patient.identifier:a.system", min=1, fixedUri="http://a"),
        element("Patient.identifier:@default"),
        element("Patient.identifier:@default.use", min=1),
    )

    assert ask(patient(identifier=[{"system": "http://a"}, {"use": "old"}]), definition) == []
    assert ask(patient(identifier=[{"system": "http://a"}, {"value": "1"}]), definition) == [
        ("Patient.identifier[1].use", "min")
    ]


def test_the_default_slice_is_counted_and_takes_all_that_is_left(ask: Ask) -> None:
    definition = profile(
        "Patient",
        sliced("Patient.identifier", ("value", "system"), rules="closed"),
        element("Patient.identifier:a"),
        element("Patient.identifier:a.system", min=1, fixedUri="http://a"),
        element("Patient.identifier:@default", min=1, max="2"),
    )
    a, other = {"system": "http://a"}, {"value": "1"}

    assert ask(patient(identifier=[a, other, other]), definition) == []
    assert ask(patient(identifier=[a]), definition) == [("Patient.identifier", "min")]
    assert ask(patient(identifier=[other] * 3), definition) == [("Patient.identifier", "max")]


def test_a_slice_by_pattern_holds_the_pattern(ask: Ask) -> None:
    definition = profile(
        "Observation",
        sliced("Observation.category", ("pattern", "$this")),
        element("Observation.category:v", min=1,
                patternCodeableConcept={"coding": [{"system": "http://e", "code": "vital"}]}),
    )  # fmt: skip
    vital = {"coding": [{"system": "http://e", "code": "vital", "display": "V"}], "text": "v"}

    assert ask(observation(category=[{"text": "x"}, vital]), definition) == []
    assert ask(observation(category=[{"text": "x"}]), definition) == [("Observation.category", "min")]


def test_a_slice_by_value_may_be_known_by_its_binding(ask: Ask) -> None:
    definition = profile(
        "Patient",
        sliced("Patient.telecom", ("value", "system")),
        element("Patient.telecom:known", min=1),
        element("Patient.telecom:known.system", min=1,
                binding={"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/contact-point-system"}),
        element("Patient.telecom:known.use", min=1),
    )  # fmt: skip

    assert ask(patient(telecom=[{"system": "phone", "value": "1", "use": "home"}]), definition) == []
    assert ask(patient(telecom=[{"system": "phone", "value": "1"}]), definition) == [("Patient.telecom[0].use", "min")]


def test_a_slice_by_type_is_one_type_of_a_choice(ask: Ask) -> None:
    definition = profile(
        "Observation",
        sliced("Observation.value[x]", ("type", "$this")),
        element("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}]),
        element("Observation.value[x]:valueQuantity.code", min=1),
    )

    assert ask(observation(valueString="1"), definition) == []
    assert ask(observation(valueQuantity={"value": 1}), definition) == [("Observation.value.code", "min")]


def test_a_slice_by_existence(ask: Ask) -> None:
    definition = profile(
        "Patient",
        sliced("Patient.name", ("exists", "period")),
        element("Patient.name:past", max="1"),
        element("Patient.name:past.period", min=1),
        element("Patient.name:now", min=1),
        element("Patient.name:now.period", max="0"),
        element("Patient.name:now.family", min=1),
    )
    past = {"text": "旧", "period": {"end": "2020"}}

    assert ask(patient(name=[past, {"family": "新"}]), definition) == []
    assert ask(patient(name=[past, {"text": "新"}]), definition) == [("Patient.name[1].family", "min")]
    assert ask(patient(name=[past, past]), definition) == [("Patient.name", "max"), ("Patient.name", "min")]


def test_a_slice_by_the_type_of_what_a_reference_names(ask: Ask) -> None:
    def to(kind: str) -> list[Resource]:
        return [{"code": "Reference", "targetProfile": [f"{BASE}{kind}"]}]

    definition = profile(
        "Patient",
        sliced("Patient.generalPractitioner", ("type", "resolve()")),
        element("Patient.generalPractitioner:house", min=1, max="1", type=to("Organization")),
        element("Patient.generalPractitioner:doctor", max="1", type=to("Practitioner")),
    )

    def by(*references: str) -> Resource:
        return patient(
            generalPractitioner=[{"reference": each} for each in references],
            contained=[{"resourceType": "Organization", "id": "a", "name": "医院"},
                       {"resourceType": "Practitioner", "id": "b"}],
        )  # fmt: skip

    assert ask(by("#a", "#b"), definition) == []
    assert ask(by("#b", "#b", "#a"), definition) == [("Patient.generalPractitioner", "max")]


def test_a_slice_by_the_profile_of_what_a_reference_names(ask: Ask) -> None:
    named = profile("Organization", element("Organization.name", min=1), name="named")
    definition = profile(
        "Patient",
        sliced("Patient.generalPractitioner", ("profile", "resolve()")),
        element("Patient.generalPractitioner:named", min=1,
                type=[{"code": "Reference", "targetProfile": [named["url"]]}]),
    )  # fmt: skip

    def by(**organization: Any) -> Resource:
        house = {"resourceType": "Organization", "id": "a", "identifier": [{"value": "1"}], **organization}
        return patient(contained=[house], generalPractitioner=[{"reference": "#a"}])

    assert ask(by(name="医院"), definition, named) == []
    assert ask(by(), definition, named) == [("Patient.generalPractitioner", "min")]


def test_a_slice_of_entries_by_the_profile_of_their_resource(ask: Ask) -> None:
    named = profile("Patient", element("Patient.name", min=1), name="named")
    definition = profile(
        "Bundle",
        sliced("Bundle.entry", ("profile", "resource"), rules="closed"),
        element("Bundle.entry:person", min=1),
        element("Bundle.entry:person.resource", min=1, type=[{"code": "Patient", "profile": [named["url"]]}]),
    )

    def bundle(**elements: Any) -> Resource:
        entry = {"fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "resource": patient(**elements)}
        return {"resourceType": "Bundle", "type": "collection", "entry": [entry]}

    assert ask(bundle(name=[{"text": "a"}]), definition, named) == []
    assert [rule for _, rule in ask(bundle(), definition, named)] == ["slicing-closed", "min"]


def test_a_slice_by_an_extension(ask: Ask) -> None:
    kind = extension("kind", "code", "Identifier")
    definition = profile(
        "Patient",
        sliced("Patient.identifier", ("value", f"extension('{kind['url']}').value")),
        element("Patient.identifier:main", min=1, max="1"),
        sliced("Patient.identifier:main.extension", ("value", "url")),
        element("Patient.identifier:main.extension:kind", min=1,
                type=[{"code": "Extension", "profile": [kind["url"]]}]),
        element("Patient.identifier:main.extension:kind.value[x]", min=1, fixedCode="main"),
        element("Patient.identifier:main.value", min=1),
    )  # fmt: skip

    def having(code: str, **more: Any) -> Resource:
        return {"extension": [{"url": kind["url"], "valueCode": code}], **more}

    assert ask(patient(identifier=[having("other"), having("main", value="1")]), definition, kind) == []
    assert ask(patient(identifier=[having("main")]), definition, kind) == [("Patient.identifier[0].value", "min")]
    assert ask(patient(identifier=[having("other")]), definition, kind) == [("Patient.identifier", "min")]


def test_slices_by_an_extension_may_name_it_as_slices_of_one_slice(ask: Ask) -> None:
    kind = extension("kind", "code", "Identifier")
    of_kind = [{"code": "Extension", "profile": [kind["url"]]}]

    def slice_of(code: str) -> list[Resource]:
        there = f"Patient.identifier:{code}.extension:kind/{code}"
        return [
            element(f"Patient.identifier:{code}", min=1),
            element(there, min=1, max="1", type=of_kind),
            element(f"{there}.valueCode", fixedCode=code, type=[{"code": "code"}]),
        ]

    definition = profile(
        "Patient",
        sliced("Patient.identifier", ("value", f"extension('{kind['url']}').value")),
        element("Patient.identifier.extension:kind", type=of_kind),
        *slice_of("main"),
        element("Patient.identifier:main.value", min=1),
        *slice_of("other"),
    )

    def having(code: str, **more: Any) -> Resource:
        return {"extension": [{"url": kind["url"], "valueCode": code}], **more}

    assert ask(patient(identifier=[having("main", value="1"), having("other")]), definition, kind) == []
    assert ask(patient(identifier=[having("main"), having("other")]), definition, kind) == [
        ("Patient.identifier[0].value", "min")
    ]


def test_a_slice_by_one_type_of_a_value(ask: Ask) -> None:
    definition = profile(
        "Observation",
        sliced("Observation.component", ("value", "value.ofType(Quantity).code")),
        element("Observation.component:grams", min=1),
        element("Observation.component:grams.value[x]", min=1, type=[{"code": "Quantity"}]),
        element("Observation.component:grams.value[x].code", min=1, fixedCode="g"),
    )

    def component(**value: Any) -> Resource:
        return {"code": {"text": "x"}, **value}

    grams = component(valueQuantity={"value": 1, "system": "http://unitsofmeasure.org", "code": "g"})
    assert ask(observation(component=[component(valueString="g"), grams]), definition) == []
    assert ask(observation(component=[component(valueString="g")]), definition) == [("Observation.component", "min")]


def test_several_discriminators_all_have_to_hold(ask: Ask) -> None:
    definition = profile(
        "Patient",
        sliced("Patient.telecom", ("value", "system"), ("value", "use")),
        element("Patient.telecom:home", max="1"),
        element("Patient.telecom:home.system", min=1, fixedCode="phone"),
        element("Patient.telecom:home.use", min=1, fixedCode="home"),
    )

    def call(*uses: str) -> Resource:
        return patient(telecom=[{"system": "phone", "value": "1", "use": use} for use in uses])

    assert ask(call("home", "work", "work"), definition) == []
    assert ask(call("home", "home"), definition) == [("Patient.telecom", "max")]


def test_a_slice_may_be_sliced_again(ask: Ask) -> None:
    first = numbers()
    definition = profile(
        "Patient",
        sliced("Patient.identifier:b", ("value", "use"), rules="closed"),
        element("Patient.identifier:b/old", max="1"),
        element("Patient.identifier:b/old.use", min=1, fixedCode="old"),
        element("Patient.identifier:b/new", min=1),
        element("Patient.identifier:b/new.use", min=1, fixedCode="official"),
        name="again",
        baseDefinition=f"{URL}test",
    )  # fmt: skip

    def with_b(*uses: str) -> Resource:
        return patient(
            identifier=[{"system": "http://a", "value": "1"}, *({"system": "http://b", "use": use} for use in uses)]
        )

    assert ask(with_b("official", "old"), definition, first) == []
    assert ask(with_b("old"), definition, first) == [("Patient.identifier", "min")]
    assert ("Patient.identifier[2]", "slicing-closed") in ask(with_b("official", "temp"), definition, first)


def test_what_would_be_of_a_slice_if_it_kept_its_profile_is_named(validator: Any, know: Know) -> None:
    named = profile("Patient", element("Patient.name", min=1), name="named")
    definition = profile(
        "Bundle",
        sliced("Bundle.entry", ("profile", "resource")),
        element("Bundle.entry:person", min=1),
        element("Bundle.entry:person.resource", min=1, type=[{"code": "Patient", "profile": [named["url"]]}]),
    )
    know(named)
    entries = [{"resource": {"resourceType": "Basic", "code": {"text": "x"}}}, {"resource": patient()}]

    told = validator.check({"resourceType": "Bundle", "type": "collection", "entry": entries}, [know(definition)])
    alone = validator.check({"resourceType": "Bundle", "type": "collection", "entry": entries[:1]}, [definition["url"]])

    [too_few] = [issue for issue in told if issue.rule == "min"]
    assert "entry[1] は、このスライスのプロファイルに合わない" in too_few.ja
    assert "entry[0]" not in too_few.ja
    assert [("合わない" in issue.ja) for issue in alone if issue.rule == "min"] == [False]


def test_slices_that_nothing_tells_apart_are_told_of(validator: Any, ask: Ask) -> None:
    definition = profile(
        "Patient",
        sliced("Patient.name", ("value", "use")),
        element("Patient.name:any"),
    )

    assert ask(patient(name=[{"text": "a"}]), definition) == []
    told = validator.check(patient(name=[{"text": "a"}]), [definition["url"]])
    assert [(issue.severity, issue.rule) for issue in told] == [("warning", "slicing")]
