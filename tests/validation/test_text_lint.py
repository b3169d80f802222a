"""What a Japanese system sends by mistake, and what is said of it."""

from typing import Any

import pytest

from fhir_service.validation.text_lint import RULES, lint

REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **elements}


def kana(**name: Any) -> dict[str, Any]:
    return patient(name=[{"extension": [{"url": REPRESENTATION, "valueCode": "SYL"}], **name}])


GOOD = [
    patient(name=[{"family": "山田", "given": ["太郎"], "text": "山田 太郎"}]),
    patient(name=[{"family": "van Gogh", "given": ["Vincent Willem"]}]),
    patient(identifier=[{"system": "urn:oid:1.2", "value": "00012345"}]),
    patient(telecom=[{"system": "phone", "value": "03-1234-5678"}]),
    patient(address=[{"text": "東京都港区１－２－３", "line": ["１－２－３"], "postalCode": "105-0001"}]),
    {"resourceType": "Basic", "code": {"text": "改行と\tタブと\r\n改行は使えます"}},
    {"resourceType": "Observation", "valueString": "β遮断薬 café ①㈱ ～ ― 𠮷野 👨‍⚕️"},
    kana(family="ヤマダ", given=["タロウ"]),
    patient(identifier=[{"system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_member/1", "value": "１８７"}]),
]


@pytest.mark.parametrize("resource", GOOD)
def test_good_text_has_nothing_to_tell(resource: dict[str, Any]) -> None:
    assert lint(resource) == []


@pytest.mark.parametrize(
    ("resource", "rule", "place"),
    [
        (patient(name=[{"text": "ﾔﾏﾀﾞ ﾀﾛｳ"}]), "text-half-width-kana", "Patient.name[0].text"),
        (patient(name=[{"family": " 山田"}]), "text-name-edge", "Patient.name[0].family"),
        (patient(name=[{"given": ["太郎　"]}]), "text-name-edge", "Patient.name[0].given[0]"),
        (patient(name=[{"family": "山田　太郎"}]), "text-name-space", "Patient.name[0].family"),
        (patient(name=[{"text": "山田　太郎"}]), "text-name-wide-space", "Patient.name[0].text"),
        (kana(family="山田"), "text-kana-name", "Patient.name[0].family"),
        (patient(identifier=[{"value": "０００12345"}]), "text-full-width-number", "Patient.identifier[0].value"),
        (patient(telecom=[{"value": "０３-1234"}]), "text-full-width-number", "Patient.telecom[0].value"),
        (
            patient(address=[{"postalCode": "１０５－０００１"}]),
            "text-full-width-number",
            "Patient.address[0].postalCode",
        ),
        (
            {"resourceType": "Basic", "code": {"coding": [{"code": "Ｆ２０"}]}},
            "text-full-width-number",
            "Basic.code.coding[0].code",
        ),
        (patient(name=[{"text": "髙橋\ue000"}]), "text-private-use", "Patient.name[0].text"),
        (patient(name=[{"text": "山\x07田"}]), "text-control", "Patient.name[0].text"),
        (patient(name=[{"text": "山\ufffd田"}]), "text-replaced", "Patient.name[0].text"),
        (patient(name=[{"text": "山\ud842田"}]), "text-surrogate", "Patient.name[0].text"),
        (patient(name=[{"text": "山\u200b田"}]), "text-invisible", "Patient.name[0].text"),
        (patient(name=[{"text": "葛\U000e0100城"}]), "text-variant", "Patient.name[0].text"),
        (patient(name=[{"text": "縺ゅ→縺ｧ騾｣邨｡"}]), "text-encoding", "Patient.name[0].text"),
        (patient(name=[{"text": "ã‚ã„ã†"}]), "text-encoding", "Patient.name[0].text"),
    ],
)
def test_each_rule_tells_what_and_where(resource: dict[str, Any], rule: str, place: str) -> None:
    issues = {issue.rule: issue for issue in lint(resource)}

    assert rule in issues
    assert issues[rule].expression == (place,)
    assert issues[rule].severity == RULES[rule].severity
    assert "{}" not in issues[rule].ja + issues[rule].en


def test_a_lone_selector_is_told_as_one() -> None:
    assert {issue.rule for issue in lint(patient(name=[{"text": "あ\U000e0100"}]))} >= {"text-lone-selector"}


def test_a_rule_can_be_switched_off() -> None:
    resource = patient(name=[{"family": "ﾔﾏﾀﾞ "}])

    assert {issue.rule for issue in lint(resource)} == {"text-half-width-kana", "text-name-edge"}
    assert {issue.rule for issue in lint(resource, {"text-half-width-kana"})} == {"text-name-edge"}


def test_what_is_told_of_one_resource_ends_somewhere() -> None:
    assert len(lint(patient(name=[{"text": "ﾔﾏﾀﾞ"}] * 10_000))) == 100
