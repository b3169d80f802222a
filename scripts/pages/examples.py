"""The table of the examples of a profile: what each shows."""

from fhir_service.fhir.resource import Resource

from .text import PROFILES, both, table

KINDS = {
    "full": "そろった例 · everything",
    "least": "最小の例 · the least",
    "error": "誤りの例 · wrong",
    "warning": "注意の例 · with a warning",
}
# What the right examples show that have a name of their own.
SHOWN = {
    "outreach-assessment/not-done": "本人が望まず、行わなかった評価 · not done, as the person did not want it",
    "outreach-assessment/sbs": "社会行動評価尺度(SBS)の合計点 · the total of the SBS",
    "outreach-care-team/post-discharge": "措置入院からの退院後支援のチーム · the team after an involuntary admission",
    "outreach-case-conference/closure": "終了を決めたカンファレンス · a conference that closed a case",
    "outreach-case-conference/six-month": "6か月時点のカンファレンス · the conference after six months",
    "outreach-communication/liaison": "名前の分からない人についての交番からの電話 · the police call about somebody",
    "outreach-condition/not-informed": "本人に告知していない病名 · a diagnosis that the person was not told",
    "outreach-condition/suspected": "受診前の疑い · a suspicion before any consultation",
    "outreach-consent/refused": "不同意(職場への情報提供) · refused: nothing to the employer",
    "outreach-criteria-response/versioned": "様式の版を指定した回答 · an answer that names the version of its form",
    "outreach-discharge-referral/involuntary": "措置入院からの退院 · discharge from an involuntary admission",
    "outreach-encounter/crisis": "クライシスプランに沿った緊急の訪問 · an urgent visit by the crisis plan",
    "outreach-encounter/outside": "名前の分からない人に公園で会う · meeting somebody unknown in a park",
    "outreach-episode-of-care/closed": "終了した支援 · a finished case",
    "outreach-episode-of-care/hikikomori": "ひきこもっていた人、終了した支援 · a finished case of somebody withdrawn",
    "outreach-episode-of-care/involuntary": "措置入院から退院した人 · after an involuntary admission",
    "outreach-episode-of-care/judged-by-the-city": "実施主体が有効と判断した人 · judged to need it by the city",
    "outreach-flag/self-harm": "自傷・自殺のおそれ · risk of self-harm",
    "outreach-gaf/hikikomori": "ひきこもる人のGAF · the GAF of somebody withdrawn",
    "outreach-gaf/not-judged": "判定できなかったGAFとその理由 · not judged, and why",
    "outreach-goal/sleep": "支援の目標 · a goal of the support",
    "outreach-goal/work": "復職の目標 · going back to work",
    "outreach-intake-response/family": "家族からの相談 · asked for by the family",
    "outreach-living-environment/household": "同居の状況(独居) · household: lives alone",
    "outreach-location/annex": "建物 · a building",
    "outreach-location/area": "対象地域(mode=kind) · the area served (mode kind)",
    "outreach-measure-report/council": "協議の場の指標 · the indicators for the council",
    "outreach-nursing-report-response/gaf-not-judged": "GAFを判定できなかった月の報告 · a month without GAF",
    "outreach-organization/consultation": "相談支援事業所 · a consultation provider",
    "outreach-organization/health-centre": "保健所 · a health centre",
    "outreach-organization/hospital": "病院 · a hospital",
    "outreach-organization/prefecture": "都道府県 · a prefecture",
    "outreach-organization/visiting-nurse-station": "訪問看護ステーション · a visiting-nurse station",
    "outreach-patient/confidential-address": "住所を秘匿する人 · somebody whose address is kept secret",
    "outreach-patient/hikikomori": "家族からの相談で知った人 · somebody known by the family",
    "outreach-patient/hospital-record": "病院の記録にある同じ人 · the same person in the hospital's record",
    "outreach-patient/involuntary": "措置入院から退院する人 · somebody discharged from an involuntary admission",
    "outreach-patient/unknown-person": "本名も生年月日も分からない人 · neither name nor date of birth known",
    "outreach-practitioner/consultation": "相談支援専門員 · a consultation specialist",
    "outreach-practitioner/health-centre-phn": "保健所の保健師 · a public-health nurse of the health centre",
    "outreach-practitioner/nurse": "看護師 · a nurse",
    "outreach-practitioner/ot": "作業療法士 · an occupational therapist",
    "outreach-practitioner/peer": "ピアサポーター · a peer supporter",
    "outreach-practitioner/phn": "保健師 · a public-health nurse",
    "outreach-practitioner/psw": "精神保健福祉士 · a psychiatric social worker",
    "outreach-practitioner-role/consultation": "相談支援専門員 · a consultation specialist",
    "outreach-practitioner-role/health-centre-phn": "保健所の保健師 · a public-health nurse of the health centre",
    "outreach-practitioner-role/nurse": "看護師 · a nurse",
    "outreach-practitioner-role/ot": "作業療法士 · an occupational therapist",
    "outreach-practitioner-role/peer": "ピアサポーター · a peer supporter",
    "outreach-practitioner-role/psw": "精神保健福祉士 · a psychiatric social worker",
    "outreach-practitioner-role/psychiatrist": "精神科医師 · a psychiatrist",
    "outreach-provenance/without-consent": "命を守るための、同意によらない提供 · given without consent to save a life",
    "outreach-related-person/mother": "母 · the mother",
    "outreach-related-person/welfare-commissioner": "民生委員・児童委員 · a welfare commissioner",
    "outreach-task/declined": "理由を添えて断った依頼 · a request refused with its reason",
    "outreach-task/six-month-report": "6か月時点の報告のタスク · the task of the six-month report",
    "wide-area-condition/suspected-dementia": "認知症の疑い · suspected dementia",
    "wide-area-encounter/by-health-centre": "保健所が行う訪問 · a visit by the health centre",
}


def examples_table(profile: Resource) -> str:
    """Return the examples of the profile, the right ones first."""
    folder = PROFILES / "examples" / profile["id"]
    files = sorted(folder.glob("*.json"), key=lambda file: (_rank(file.stem), file.stem))
    rows = [
        (f"[{file.stem}](../../profiles/examples/{profile['id']}/{file.name})", _shown(profile["id"], file.stem))
        for file in files
    ]
    return table(("見本 · example", ""), rows)


def _rank(stem: str) -> int:
    kind = stem.partition("-")[0]
    return list(KINDS).index(kind) * 2 if kind in KINDS else 3


def _shown(profile: str, stem: str) -> str:
    kind, _, rest = stem.partition("-")
    if kind not in KINDS:
        return both(SHOWN[f"{profile}/{stem}"], "<br>")
    return f"{KINDS[kind]}: `{rest}`" if rest else KINDS[kind]
