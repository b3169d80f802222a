"""What a server asks of whom is data: profiles by type and partner, and how grave a broken rule is."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.validation.policy import Partner, Policy, PolicyRules, SeverityChange
from fhir_service.validation.policy_file import read_policy
from fhir_service.validation.run import Options, Outside, Run
from fhir_service.validation.validator import Validator
from tests.validation.profile.conftest import Know, element, profile

OUTREACH = "https://example.jp/fhir/outreach/StructureDefinition/"
HOSPITAL = "urn:oid:1.2.392.100495.20.3.23|1311234567"
TYPES = frozenset({"Patient", "Bundle"})


DEFAULT = Options()


class Asked:
    """Stands where the validator does; remembers what it was asked and finds what a test says."""

    def __init__(self, *found: Issue) -> None:
        self.found = list(found)
        self.profiles: tuple[str, ...] = ()
        self.options = Options()

    def check(
        self,
        resource: Any,
        profiles: Sequence[str] = (),
        *,
        options: Options = DEFAULT,
        asked: Callable[[Run], Sequence[str]] | None = None,
        outside: Outside | None = None,
    ) -> list[Issue]:
        besides = asked(Run(resource, cast(Validator, self), options)) if asked else ()
        self.profiles, self.options = (*profiles, *besides), options
        return self.found


def document(**head: Any) -> dict[str, Any]:
    organization = {
        "resourceType": "Organization",
        "identifier": [{"system": HOSPITAL.split("|")[0], "value": HOSPITAL.split("|")[1]}],
    }
    role = {"resourceType": "PractitionerRole", "organization": {"reference": "urn:uuid:2"}}
    return {
        "resourceType": "Bundle",
        "type": "document",
        "meta": {"source": "https://hospital.example.jp/emr/7"},
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Composition", **head}},
            {"fullUrl": "urn:uuid:2", "resource": organization},
            {"fullUrl": "urn:uuid:3", "resource": role},
        ],
    }


BY_ORGANIZATION = document(author=[{"reference": "urn:uuid:2"}], custodian={"reference": "urn:uuid:2"})
BY_ROLE = document(author=[{"display": "医師"}, {"reference": "urn:uuid:3"}])
BY_IDENTIFIER = document(author=[{"identifier": {"system": HOSPITAL.split("|")[0], "value": HOSPITAL.split("|")[1]}}])


@pytest.mark.parametrize(
    ("conditions", "resource", "applies"),
    [
        ({"author": HOSPITAL}, BY_ORGANIZATION, True),
        ({"author": HOSPITAL}, BY_ROLE, True),
        ({"author": HOSPITAL}, BY_IDENTIFIER, True),
        ({"custodian": HOSPITAL}, BY_ORGANIZATION, True),
        ({"custodian": HOSPITAL}, BY_ROLE, False),
        ({"author": "urn:oid:1.2|9"}, BY_ORGANIZATION, False),
        ({"source": "https://hospital.example.jp/emr/7"}, BY_ROLE, True),
        ({"source": "https://hospital.example.jp/*"}, BY_ROLE, True),
        ({"source": "https://clinic.example.jp/*"}, BY_ROLE, False),
        ({"source": "https://hospital.example.jp/*", "author": "urn:oid:1.2|9"}, BY_ORGANIZATION, False),
        ({"source": "https://hospital.example.jp/*", "type": "Patient"}, BY_ORGANIZATION, False),
        ({"author": HOSPITAL}, {"resourceType": "Bundle", "entry": "x"}, False),
        ({"author": HOSPITAL}, document(author="x", custodian=3), False),
    ],
)
def test_documents_of_a_partner_are_checked_against_its_profiles(
    conditions: dict[str, str], resource: dict[str, Any], applies: bool
) -> None:
    validator = Asked()
    rules = PolicyRules(
        defaults={"Bundle": (f"{OUTREACH}document",)},
        partners=(Partner("潮風病院", (f"{OUTREACH}referral",), **conditions),),
    )

    Policy(validator, rules)(resource)

    assert validator.profiles == ((f"{OUTREACH}document",) * (resource["resourceType"] == "Bundle")) + (
        (f"{OUTREACH}referral",) * applies
    )


def holding(kind: str, *resources: dict[str, Any]) -> dict[str, Any]:
    """Return a Bundle of these, or Parameters."""
    if kind == "Parameters":
        parts = [{"name": "x", "resource": each} for each in resources]
        return {"resourceType": "Parameters", "parameter": parts}
    entries = [{"fullUrl": f"urn:uuid:{UUID}{n}", "resource": each} for n, each in enumerate(resources)]
    if kind in ("batch", "transaction"):
        entries = [each | {"request": {"method": "POST", "url": each["resource"]["resourceType"]}} for each in entries]
    stamp = {
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{UUID}9"},
        "timestamp": "2026-01-01T00:00:00Z",
    }
    return {"resourceType": "Bundle", "type": kind, "entry": entries} | (stamp if kind == "document" else {})


UUID = "c757873d-ec9a-4326-a141-556f4323952"
NAMELESS = {"resourceType": "Patient", "gender": "female"}
HEAD = {
    "resourceType": "Composition",
    "status": "final",
    "type": {"text": "診療情報提供書"},
    "subject": {"reference": f"urn:uuid:{UUID}1"},
    "date": "2026-11-22",
    "author": [{"identifier": {"system": HOSPITAL.split("|")[0], "value": HOSPITAL.split("|")[1]}}],
    "title": "診療情報提供書",
}


@pytest.mark.parametrize("kind", ["document", "transaction", "batch", "collection", "Parameters"])
def test_profiles_of_a_type_are_asked_of_what_a_bundle_holds(validator: Validator, know: Know, kind: str) -> None:
    named = know(profile("Patient", element("Patient.name", min=1)))
    policy = Policy(validator, PolicyRules(defaults={"Patient": (named,)}))
    place = "Parameters.parameter" if kind == "Parameters" else "Bundle.entry"
    head, index = ([HEAD], 1) if kind == "document" else ([], 0)

    for found in (policy(holding(kind, *head, NAMELESS)), policy.validate(holding(kind, *head, NAMELESS))):
        errors = [issue.expression[0] for issue in found if issue.severity == "error"]
        assert errors == [f"{place}[{index}].resource.name"]


def test_the_profiles_that_a_guide_has_for_all_are_asked_of_what_somebody_asks_about(
    validator: Validator, know: Know
) -> None:
    named = know(profile("Patient", element("Patient.name", min=1)))
    guide = {"resourceType": "ImplementationGuide", "url": "https://example.jp/fhir/ImplementationGuide/g"}
    know(guide | {"global": [{"type": "Patient", "profile": named}]})
    policy = Policy(validator)
    flag = {"resourceType": "Flag", "status": "active", "code": {"text": "x"}, "subject": {"reference": "#p"}}

    for resource, count in (
        (NAMELESS, 1),
        (holding("collection", NAMELESS), 1),
        (NAMELESS | {"name": [{"text": "山田"}]}, 0),
        (flag | {"contained": [NAMELESS | {"id": "p"}]}, 0),
    ):
        assert [issue.rule for issue in policy.validate(resource)] == ["min"] * count
        assert policy(resource) == []


def test_profiles_of_a_type_are_not_asked_of_what_is_contained(validator: Validator, know: Know) -> None:
    named = know(profile("Patient", element("Patient.name", min=1)))
    policy = Policy(validator, PolicyRules(defaults={"Patient": (named,)}))
    flag = {"resourceType": "Flag", "status": "active", "code": {"text": "x"}, "subject": {"reference": "#p"}}

    assert policy(flag | {"contained": [NAMELESS | {"id": "p"}]}) == []


@pytest.mark.parametrize(
    ("conditions", "applies"),
    [({"author": HOSPITAL}, True), ({"author": "urn:oid:1.2|9"}, False), ({"source": "https://hospital.jp/*"}, True)],
)
def test_profiles_of_a_partner_are_asked_of_what_its_documents_hold(
    validator: Validator, know: Know, conditions: dict[str, str], applies: bool
) -> None:
    named = know(profile("Patient", element("Patient.name", min=1)))
    partner = Partner("潮風病院", (named,), type="Patient", **conditions)
    document = holding("document", HEAD, NAMELESS) | {"meta": {"source": "https://hospital.jp/emr"}}

    found = Policy(validator, PolicyRules(partners=(partner,)))(document)

    assert [issue.rule for issue in found if issue.severity == "error"] == ["min"] * applies


def test_a_severity_for_a_type_holds_for_what_a_bundle_holds(validator: Validator, know: Know) -> None:
    named = know(profile("Patient", element("Patient.name", min=1)))
    change = SeverityChange("warning", "名前を知らない人もいるため", rule="min", type="Patient")
    policy = Policy(validator, PolicyRules(defaults={"Patient": (named,)}, severities=(change,)))

    assert [issue.severity for issue in policy(holding("collection", NAMELESS)) if issue.rule == "min"] == ["warning"]


def test_severities_are_changed_with_the_reason() -> None:
    validator = Asked(
        Issue("value", "半角カナ", "kana", rule="text-half-width-kana", severity="warning"),
        Issue("invariant", "規則", "rule", rule="cpt-2", profile="http://example.jp/p|1", severity="error"),
        Issue("structure", "構造", "structure"),
    )
    policy = Policy(
        validator,
        PolicyRules(
            severities=(
                SeverityChange("error", "基幹システムが読めない", rule="text-half-width-kana"),
                SeverityChange("warning", "移行期間", profile="http://example.jp/p", type="Patient"),
            )
        ),
    )

    kana, rule, structure = policy({"resourceType": "Patient"})
    _, other, _ = policy({"resourceType": "Person"})

    assert (kana.severity, rule.severity, structure.severity) == ("error", "warning", "error")
    assert "基幹システムが読めない" in kana.ja and "基幹システムが読めない" in kana.en
    assert "移行期間" in rule.ja
    assert (other.severity, other.ja) == ("error", "規則")


def test_what_is_not_r4_stays_an_error_whatever_the_policy() -> None:
    change = SeverityChange("warning", "試験", profile="http://example.jp/p")

    (issue,) = Policy(Asked(Issue("structure", "構造", "structure")), PolicyRules(severities=(change,)))({})

    assert issue.severity == "error"


def test_unknown_profiles_can_be_refused() -> None:
    unknown = Issue("not-found", "ない", "not here", rule="profile-unknown", severity="warning")

    (warned,) = Policy(Asked(unknown))({"resourceType": "Patient"})
    (refused,) = Policy(Asked(unknown), PolicyRules(unknown_profiles="refuse"))({"resourceType": "Patient"})

    assert (warned.severity, refused.severity) == ("warning", "error")


def test_switches_reach_the_validator_and_the_text_lint() -> None:
    validator = Asked()
    patient = {"resourceType": "Patient", "name": [{"text": "ﾔﾏﾀﾞ"}]}

    assert [issue.rule for issue in Policy(validator).validate(patient)] == ["text-half-width-kana"]
    assert Policy(validator)(patient) == []
    assert Policy(validator, PolicyRules(text_lint="off")).validate(patient) == []
    assert len(Policy(validator, PolicyRules(text_lint="always"))(patient)) == 1
    lenient = PolicyRules(text_lint_without=frozenset({"text-half-width-kana"}), must_support=True)
    assert Policy(validator, lenient).validate(patient) == []
    assert validator.options.must_support


GOOD = """
# 潮風市の方針
[checks]
unknown_profiles = "refuse"
must_support = true
text_lint_without = ["text-variant"]

[defaults]
Patient = ["https://example.jp/fhir/outreach/StructureDefinition/outreach-patient"]

[[partner]]
name = "潮風病院"
author = "urn:oid:1.2.392.100495.20.3.23|1311234567"
profiles = ["https://example.jp/fhir/outreach/StructureDefinition/outreach-discharge-referral"]

[[severity]]
rule = "text-half-width-kana"
severity = "error"
reason = "基幹システムが半角カナを読めないため"
"""


def test_a_policy_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(GOOD, encoding="utf-8")

    rules = read_policy(file, TYPES)

    assert rules.unknown_profiles == "refuse"
    assert rules.must_support
    assert rules.text_lint_without == {"text-variant"}
    assert rules.defaults == {"Patient": (f"{OUTREACH}outreach-patient",)}
    assert rules.partners[0].author == HOSPITAL
    assert rules.severities[0].rule == "text-half-width-kana"


@pytest.mark.parametrize(
    ("text", "line", "named"),
    [
        ("[checks]\nbest_practice = maybe\n", 2, "TOML"),
        ("[checks]\n\nbest_practise = true\n", 3, "best_practice"),
        ("[checks]\nunknown_profiles = 'ignore'\n", 2, "refuse"),
        ("[checks]\ntext_lint_without = ['text-nothing']\n", 2, "text-half-width-kana"),
        ("[check]\nmust_support = true\n", 1, "[checks]"),
        ("[defaults]\nPatients = ['http://example.jp/p']\n", 2, "resource type"),
        ("[defaults]\nPatient = 'http://example.jp/p'\n", 2, "canonical"),
        (f"{GOOD}\n[[partner]]\nname = 'x'\nprofiles = ['http://example.jp/p']\n", 21, "custodian"),
        (f"{GOOD}\n[[severity]]\nrule = 'dom-6'\nseverity = 'warning'\n", 21, "reason"),
        (f"{GOOD}\n[[severity]]\nrule = 'dom-6'\nreason = 'x'\nseverity = 'ignore'\n", 24, "warning"),
        ("severity = 3\n", None, "[[severity]]"),
        (f"{GOOD}\n[[severity]]\nrule = 'text-kana'\nreason = 'x'\nseverity = 'error'\n", 22, "text-half-width-kana"),
        (f"{GOOD}\n[[partner]]\nname = 'x'\nsource = 'http://*.jp'\nprofiles = ['http://example.jp/p']\n", 23, "end"),
    ],
)
def test_a_bad_file_is_refused_with_line_and_reason(tmp_path: Path, text: str, line: int | None, named: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(FhirError) as refused:
        read_policy(file, TYPES)

    issue = refused.value.issues[0]
    assert issue.line == line
    assert named in issue.en
    assert str(file) in issue.ja


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sjis.toml").write_bytes("# 方針".encode("cp932"))

    for name in ("absent.toml", "sjis.toml"):
        with pytest.raises(FhirError):
            read_policy(tmp_path / name, TYPES)


def test_a_write_keeps_the_invariants_of_r4(validator: Validator) -> None:
    someone = {"resourceType": "Patient", "telecom": [{"value": "090-0000-0000"}]}

    assert [(issue.rule, issue.severity) for issue in Policy(validator)(someone)] == [("cpt-2", "error")]


def test_a_relative_of_whom_little_is_known_is_stored_with_a_warning(validator: Validator) -> None:
    someone = {"resourceType": "Patient", "contact": [{"relationship": [{"text": "妹"}]}]}
    strict = Policy(validator, PolicyRules(severities=(SeverityChange("error", "名前を必ず聞くため", rule="pat-1"),)))

    assert [(issue.rule, issue.severity) for issue in Policy(validator)(someone)] == [("pat-1", "warning")]
    assert [(issue.rule, issue.severity) for issue in Policy(validator).validate(someone)] == [("pat-1", "error")]
    assert [(issue.rule, issue.severity) for issue in strict(someone)] == [("pat-1", "error")]
