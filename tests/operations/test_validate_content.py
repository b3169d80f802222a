"""$validate over HTTP, as a hospital's vendor meets it: what is wrong is told in Japanese, with its place."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

GENDER = "http://hl7.org/fhir/administrative-gender"
REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"

# What a system sends that was built in a hurry.
WRONG: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "患者番号", "value": "０００１２３４５"}],
    "name": [
        {"family": "山田　太郎", "extension": [{"url": REPRESENTATION, "valueCode": "IDE"}]},
        {"text": "ﾔﾏﾀﾞ ﾀﾛｳ", "extension": [{"url": REPRESENTATION, "valueCode": "SYL"}]},
    ],
    "gender": "男性",
    "telecom": [{"value": "０３－１２３４－５６７８"}],
    "maritalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "既婚"}]},
}


def told(answer: httpx.Response) -> dict[str, tuple[str, str]]:
    """Return severity and Japanese text of each issue, by its place."""
    assert answer.status_code == 200, answer.text
    return {
        issue["expression"][0]: (issue["severity"], issue["details"]["text"].partition(" / ")[0])
        for issue in answer.json()["issue"]
        if "expression" in issue
    }


def test_a_vendor_reads_in_japanese_what_is_wrong(api: httpx.Client) -> None:
    issues = told(api.post("Patient/$validate", json=WRONG))

    severity, text = issues["Patient.identifier[0].system"]
    assert severity == "error"
    assert text == "system「患者番号」は絶対 URI(http://… や urn:oid:…)ではありません。(規則 identifier-system)"
    assert issues["Patient.identifier[0].value"][1].startswith(
        "番号・コードに全角の英数字「０００１２３４５」があります"
    )
    assert issues["Patient.name[0].family"][1].startswith("姓(family)または名(given)「山田　太郎」の中に空白があります")
    assert issues["Patient.name[1].text"][1].startswith("半角カナ「ﾔﾏﾀﾞ」があります")
    assert issues["Patient.telecom[0].value"][0] == "warning"
    assert issues["Patient.gender"][0] == "error"
    assert issues["Patient.maritalStatus.coding[0].code"] == (
        "error",
        "コード体系 http://terminology.hl7.org/CodeSystem/v3-MaritalStatus に「既婚」というコードはありません。"
        "(規則 code)",
    )
    assert api.post("Patient", json=WRONG).status_code in (400, 422)


def test_value_sets_and_code_systems_that_were_stored_count(api: httpx.Client, new_id: str) -> None:
    base = f"http://example.jp/{new_id}"
    system = {
        "resourceType": "CodeSystem",
        "url": f"{base}/cs",
        "status": "active",
        "content": "complete",
        "concept": [{"code": "visit"}, {"code": "call"}],
    }
    value_set = {
        "resourceType": "ValueSet",
        "url": f"{base}/vs",
        "status": "active",
        "compose": {"include": [{"system": f"{base}/cs", "concept": [{"code": "visit"}]}]},
    }
    basic = {"resourceType": "Basic", "code": {"coding": [{"system": f"{base}/cs", "code": "visits"}]}}
    assert told(api.post("Basic/$validate", json=basic)) == {}

    for each in (system, value_set):
        assert api.post(each["resourceType"], json=each).status_code == 201

    assert set(told(api.post("Basic/$validate", json=basic))) == {"Basic.code.coding[0].code"}
    kinds = [f"{base}/cs|visit", f"{base}/cs|call"]
    for number, kind in enumerate(kinds):
        coding = {"system": kind.partition("|")[0], "code": kind.partition("|")[2]}
        id_ = f"{new_id[:20]}-{number}"
        made = {"resourceType": "Basic", "id": id_, "code": {"coding": [coding]}}
        assert api.put(f"Basic/{id_}", json=made).status_code == 201
    found = api.get("Basic", params={"code:in": f"{base}/vs"}).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == [f"{new_id[:20]}-0"]


def test_answers_are_compared_with_a_questionnaire_that_was_stored(api: httpx.Client, new_id: str) -> None:
    url = f"http://example.jp/Questionnaire/{new_id}"
    questionnaire = {
        "resourceType": "Questionnaire",
        "url": url,
        "status": "active",
        "item": [{"linkId": "1", "text": "ひとりで外出できますか", "type": "boolean", "required": True}],
    }
    response = {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": url}
    assert api.post("Questionnaire", json=questionnaire).status_code == 201

    issues = told(api.post("QuestionnaireResponse/$validate", json=response))

    assert issues["QuestionnaireResponse"] == (
        "error",
        "必須の項目「1 ひとりで外出できますか」に答えがありません。(規則 questionnaire-required)",
    )
    assert api.post("QuestionnaireResponse", json=response).status_code == 422
    answered = response | {"item": [{"linkId": "1", "answer": [{"valueBoolean": True}]}]}
    assert api.post("QuestionnaireResponse", json=answered).status_code == 201


POLICY = """
[checks]
unknown_profiles = "refuse"
text_lint = "always"

[[severity]]
rule = "text-half-width-kana"
severity = "error"
reason = "基幹システムが半角カナを読めないため"
"""


def test_the_policy_of_a_server_decides(start_server: Any, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(POLICY, encoding="utf-8")
    server = start_server(policy=file)
    kana = {"resourceType": "Patient", "name": [{"text": "ﾔﾏﾀﾞ"}]}
    claiming = {"resourceType": "Patient", "meta": {"profile": ["http://example.jp/absent"]}}

    with httpx.Client(base_url=f"{server.base}/") as api:
        refused = api.post("Patient", json=kana)
        unknown = api.post("Patient", json=claiming)

    assert (refused.status_code, unknown.status_code) == (422, 422)
    assert "基幹システムが半角カナを読めないため" in refused.json()["issue"][0]["details"]["text"]


@pytest.mark.parametrize(
    ("text", "said"), [("[checks]\nmust_supports = true\n", "2 行"), ("checks = [", "TOML"), (None, "読めません")]
)
def test_a_server_does_not_start_with_a_bad_policy(tmp_path: Path, text: str | None, said: str) -> None:

    file = tmp_path / "policy.toml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    command = [Path(sys.executable).with_name("fhir-service"), "serve", "--open", "--policy", file]

    ended = subprocess.run([*command, "--data-dir", tmp_path], capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 2
    assert said in ended.stderr
    assert str(file) in ended.stderr
    assert "Traceback" not in ended.stderr
