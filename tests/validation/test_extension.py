"""Extensions: where they may stand, what they hold, which of them change the meaning."""

from typing import Any

import pytest

from fhir_service.fhir.resource import Resource
from fhir_service.validation.policy import Policy, PolicyRules
from fhir_service.validation.validator import Validator
from tests.validation.profile.conftest import BASE, URL, Ask, element, extension, places, profile

ANY = profile("Patient", name="any")


DIV = '<div xmlns="http://www.w3.org/1999/xhtml">a</div>'


def patient(**elements: Any) -> Resource:
    return {"resourceType": "Patient", **elements}


def having(url: str, **value: Any) -> dict[str, Any]:
    return {"extension": [{"url": url, **value}]}


@pytest.mark.parametrize(
    ("context", "good", "bad", "at"),
    [
        ("Patient", having(f"{URL}x", valueCode="a"), {"name": [having(f"{URL}x", valueCode="a")]}, "name[0]."),
        ("HumanName", {"name": [having(f"{URL}x", valueCode="a")]}, having(f"{URL}x", valueCode="a"), ""),
        ("Patient.name", {"name": [having(f"{URL}x", valueCode="a")]},
         {"contact": [{"name": having(f"{URL}x", valueCode="a")}]}, "contact[0].name."),
        ("Patient.contact", {"contact": [{"name": {"text": "a"}, **having(f"{URL}x", valueCode="a")}]},
         {"link": [{"type": "seealso", "other": {"display": "b"}, **having(f"{URL}x", valueCode="a")}]}, "link[0]."),
        ("date", {"_birthDate": having(f"{URL}x", valueCode="a")},
         {"gender": "male", "_gender": having(f"{URL}x", valueCode="a")}, "gender."),
        ("Patient.birthDate", {"_birthDate": having(f"{URL}x", valueCode="a")},
         {"_deceasedDateTime": having(f"{URL}x", valueCode="a")}, "deceased."),
        ("DomainResource", having(f"{URL}x", valueCode="a"), {"name": [having(f"{URL}x", valueCode="a")]}, "name[0]."),
        ("DomainResource.text", {"text": {"status": "empty", **having(f"{URL}x", valueCode="a"), "div": DIV}},
         {"name": [having(f"{URL}x", valueCode="a")]}, "name[0]."),
        ("Patient.deceased[x]", {"_deceasedDateTime": having(f"{URL}x", valueCode="a")},
         {"_birthDate": having(f"{URL}x", valueCode="a")}, "birthDate."),
    ],
)  # fmt: skip
def test_an_extension_stands_where_its_definition_says(
    ask: Ask, context: str, good: Resource, bad: Resource, at: str
) -> None:
    known = extension("x", "code", context)

    assert ask(patient(**good), ANY, known) == []
    assert ask(patient(**bad), ANY, known) == [(f"Patient.{at}extension[0]", "extension-context")]


def test_an_extension_may_stand_where_an_expression_or_another_extension_says(ask: Ask) -> None:
    by_path = extension("x", "code")
    by_path["context"] = [{"type": "fhirpath", "expression": "Patient.name.where(use = 'old')"}]
    inner = extension("inner", "code")
    inner["context"] = [{"type": "extension", "expression": f"{URL}outer"}]
    outer = profile("Extension", name="outer", context=[{"type": "element", "expression": "Patient"}])
    nested = having(f"{URL}outer", **having(f"{URL}inner", valueCode="a"))

    assert ask(patient(name=[{"use": "old"} | having(f"{URL}x", valueCode="a")]), ANY, by_path) == []
    assert ask(patient(name=[{"use": "usual"} | having(f"{URL}x", valueCode="a")]), ANY, by_path) == [
        ("Patient.name[0].extension[0]", "extension-context")
    ]
    assert ask(patient(**nested), ANY, inner, outer) == []
    on_its_value = having(f"{URL}outer", valueCode="a", _valueCode=having(f"{URL}inner", valueCode="b"))
    assert ask(patient(**on_its_value), ANY, inner, outer) == []
    assert ask(patient(**having(f"{URL}inner", valueCode="a")), ANY, inner, outer) == [
        ("Patient.extension[0]", "extension-context")
    ]


def test_an_extension_holds_what_its_definition_says(ask: Ask) -> None:
    known = extension("x", "code", "Patient")

    assert ask(patient(**having(f"{URL}x", valueString="a")), ANY, known) == [("Patient.extension[0].value", "type")]
    assert ask(patient(extension=[{"url": f"{URL}x"}]), ANY, known)[0] == ("Patient.extension[0]", "ext-1")
    both = {"url": f"{URL}x", "valueCode": "a", "extension": [{"url": "http://e", "valueCode": "b"}]}
    assert ("Patient.extension[0]", "ext-1") in ask(patient(extension=[both]), ANY, known)


def test_an_extension_may_have_to_be_there(ask: Ask) -> None:
    known = extension("x", "code", "Patient")
    discriminator = {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}
    definition = profile(
        "Patient",
        element("Patient.extension", slicing=discriminator),
        element("Patient.extension:x", min=1, max="1", type=[{"code": "Extension", "profile": [f"{URL}x"]}]),
        name="with-x",
    )
    one = {"url": f"{URL}x", "valueCode": "a"}

    assert ask(patient(extension=[one]), definition, known) == []
    assert ask(patient(active=True), definition, known) == [("Patient.extension", "min")]
    assert ask(patient(extension=[one, one]), definition, known) == [("Patient.extension", "max")]


def test_extensions_of_an_extension_follow_its_definition(ask: Ask) -> None:
    discriminator = {"discriminator": [{"type": "value", "path": "url"}], "rules": "closed"}
    known = profile(
        "Extension",
        element("Extension.extension", slicing=discriminator, min=1),
        element("Extension.extension:when", min=1, max="1"),
        element("Extension.extension:when.url", fixedUri="when"),
        element("Extension.extension:when.value[x]", min=1, type=[{"code": "date"}]),
        element("Extension.url", fixedUri=f"{URL}x"),
        element("Extension.value[x]", max="0"),
        name="x",
        context=[{"type": "element", "expression": "Patient"}],
    )
    when, who = {"url": "when", "valueDate": "2020-01-01"}, {"url": "who", "valueString": "a"}

    assert ask(patient(**having(f"{URL}x", extension=[when])), ANY, known) == []
    assert ask(patient(**having(f"{URL}x", extension=[when, who])), ANY, known) == [
        ("Patient.extension[0].extension[1]", "extension-url"),
        ("Patient.extension[0].extension[1]", "slicing-closed"),
    ]
    assert ask(patient(**having(f"{URL}x", extension=[who])), ANY, known)[-1] == (
        "Patient.extension[0].extension", "min"
    )  # fmt: skip


def test_what_changes_the_meaning_is_a_modifier_extension(ask: Ask) -> None:
    discriminating = extension("x", "code", "Patient")
    discriminating["differential"]["element"][0] |= {"isModifier": True, "isModifierReason": "changes all"}
    plain = extension("y", "code", "Patient")
    x, y = {"url": f"{URL}x", "valueCode": "a"}, {"url": f"{URL}y", "valueCode": "a"}

    assert ask(patient(modifierExtension=[x], extension=[y]), ANY, discriminating, plain) == []
    assert ask(patient(extension=[x]), ANY, discriminating, plain) == [("Patient.extension[0]", "extension-modifier")]
    assert ask(patient(modifierExtension=[y]), ANY, discriminating, plain) == [
        ("Patient.modifierExtension[0]", "extension-modifier")
    ]


@pytest.mark.parametrize(
    ("name", "url", "found"),
    [
        ("extension", "http://hospital.example.jp/x", []),
        ("extension", "x", [("Patient.extension[0].url", "extension-url")]),
        ("extension", f"{BASE}no-such-extension", [("Patient.extension[0]", "extension-unknown")]),
        ("modifierExtension", "http://hospital.jp/x", [("Patient.modifierExtension[0]", "extension-modifier")]),
        ("modifierExtension", "http://example.org/x", []),
        ("modifierExtension", "http://acme.com/x", []),
        ("modifierExtension", "http://example.com/x", [("Patient.modifierExtension[0]", "extension-modifier")]),
    ],
)
def test_an_extension_that_nobody_defines_is_let_be_unless_it_changes_the_meaning(
    validator: Any, name: str, url: str, found: list[tuple[str, str]]
) -> None:
    assert places(validator.check(patient(**{name: [{"url": url, "valueCode": "a"}]}))) == found


def test_an_extension_may_only_stand_where_its_invariant_holds(ask: Ask) -> None:
    known = extension("x", "code", "HumanName") | {"contextInvariant": ["use = 'old'", "%extension.value = 'a'"]}

    def named(use: str, code: str) -> Resource:
        return patient(name=[{"use": use} | having(f"{URL}x", valueCode=code)])

    assert ask(named("old", "a"), ANY, known) == []
    assert ask(named("usual", "a"), ANY, known) == [("Patient.name[0].extension[0]", "extension-context")]
    assert ask(named("old", "b"), ANY, known) == [("Patient.name[0].extension[0]", "extension-context")]
    nothing = patient(name=[having(f"{URL}x", valueCode="a")])
    assert ask(nothing, ANY, known) == [("Patient.name[0].extension[0]", "extension-context")]


def test_an_extension_that_nothing_here_defines_is_refused_where_the_policy_says_so(validator: Validator) -> None:
    foreign = patient(**having("http://hospital.jp/fhir/StructureDefinition/x", valueCode="a"))
    refusing = Policy(validator, PolicyRules(unknown_extensions="refuse"))

    assert Policy(validator)(foreign) == []
    assert [(issue.rule, issue.severity) for issue in Policy(validator).validate(foreign)] == [
        ("extension-foreign", "warning")
    ]
    for found in (refusing.validate(foreign), refusing(foreign)):
        assert [(issue.rule, issue.severity) for issue in found] == [("extension-foreign", "error")]


def test_an_extension_that_its_publisher_does_not_define_is_misspelt(validator: Validator) -> None:
    folder = "https://example.jp/fhir/outreach/StructureDefinition"
    known, misspelt = (
        patient(**having(f"{folder}/{name}", valueRange={"low": {"value": 40}}))
        for name in ("estimated-age", "estimatedAge")
    )

    assert Policy(validator).validate(known) == []
    for check, severity in ((Policy(validator).validate, "error"), (Policy(validator), "warning")):
        assert [(issue.rule, issue.severity) for issue in check(misspelt)] == [("extension-unknown", severity)]


@pytest.mark.parametrize(
    ("name", "url", "found"),
    [
        ("extension", "5.0/StructureDefinition/extension-Patient.name.pronunciation", []),
        ("extension", "3.0/StructureDefinition/extension-Patient.animal", ["extension-modifier"]),
        ("modifierExtension", "3.0/StructureDefinition/extension-Patient.animal", []),
        ("extension", "5.0/StructureDefinition/extension-Patient.deceased", ["extension-modifier"]),
        ("modifierExtension", "5.0/StructureDefinition/extension-Patient.photo", ["extension-modifier"]),
        ("extension", "5.0/StructureDefinition/patient-nickname", ["extension-foreign"]),
        ("extension", "9.0/StructureDefinition/extension-Patient.photo", ["extension-foreign"]),
    ],
)
def test_an_element_of_another_version_is_known_as_an_extension(
    validator: Validator, name: str, url: str, found: list[str]
) -> None:
    held = patient(**{name: [{"url": f"http://hl7.org/fhir/{url}", "valueString": "a"}]})
    issues = Policy(validator, PolicyRules(unknown_extensions="refuse")).validate(held)

    assert [issue.rule for issue in issues] == found
