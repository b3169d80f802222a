"""Definitions and resources that are meant to break a validator: a clear issue, in bounded time, and it goes on."""

import gc
import time
import tracemalloc
from typing import Any

import pytest

from fhir_service.fhir.resource import Resource
from fhir_service.validation.validator import MAX_ISSUES, Validator
from tests.validation.profile.conftest import URL, Know, element, profile


def patient(**elements: Any) -> Resource:
    return {"resourceType": "Patient", **elements}


def told(validator: Validator, resource: Resource, url: str) -> list[str]:
    """Return what is said of a resource by name of the definition."""
    return [issue.en for issue in validator.check(resource, [url]) if url in issue.en]


@pytest.mark.parametrize(
    "definition",
    [
        profile("Patient", name="itself", baseDefinition=f"{URL}itself"),
        profile("Patient", name="no-type") | {"type": "Nothing", "baseDefinition": f"{URL}nowhere"},
        profile("Patient", name="shapeless") | {"differential": {"element": "x"}},
        profile("Patient", name="numbers") | {"differential": {"element": [1, {"path": 2}]}},
        profile("Patient", {"id": "Patient.nothing", "path": "Patient.nothing", "min": 1}, name="no-element"),
        profile("Patient", element("Patient.name", min="x", max=["y"]), name="no-numbers"),
        profile("Patient", element("Patient.name", type="z", constraint=[{"key": "k"}]), name="no-types"),
        profile("Patient", element("Patient.name", slicing={"discriminator": [{"type": "value", "path": "((("}]}),
                element("Patient.name:a", min=1), name="no-path"),
        profile("Patient", name="no-snapshot") | {"snapshot": {"element": []}},
    ],
    ids=lambda each: each["name"],
)  # fmt: skip
def test_a_broken_definition_is_named_and_breaks_nothing_else(
    validator: Validator, know: Know, definition: Resource
) -> None:
    url = know(definition)

    validator.check(patient(name=[{"text": "a"}]), [url])
    assert validator.check(patient(active=True)) == []


@pytest.mark.parametrize("name", ["Itself", "Shapeless"])
def test_a_definition_that_cannot_be_used_is_told_of(validator: Validator, know: Know, name: str) -> None:
    made = {
        "Itself": profile("Patient", name="itself", baseDefinition=f"{URL}itself"),
        "Shapeless": profile("Patient", name="shapeless") | {"differential": {"element": "x"}},
    }
    url = know(made[name])

    assert told(validator, patient(active=True), url)
    asked, claimed = (
        validator.check(patient(active=True), [url]),
        validator.check(patient(active=True, meta={"profile": [url]})),
    )
    assert [[issue.severity for issue in found] for found in (asked, claimed)] == [["error"], ["warning"]]


def test_who_asks_for_a_profile_hears_that_part_of_it_cannot_be_read(validator: Validator, know: Know) -> None:
    broken = {"strength": "required", "valueSet": f"{URL}a", "extension": [5]}
    url = know(profile("Patient", element("Patient.maritalStatus", binding=broken), name="in-part"))
    named = patient(maritalStatus={"text": "a"})

    asked, claimed = validator.check(named, [url]), validator.check(named | {"meta": {"profile": [url]}})

    assert [(issue.rule, issue.severity) for issue in asked] == [("profile-unusable", "error")]
    assert [(issue.rule, issue.severity) for issue in claimed] == [("profile-unusable", "warning")]
    assert validator.check(patient(active=True), [url]) == []


def test_profiles_that_ask_for_each_other_come_to_an_end(validator: Validator, know: Know) -> None:
    def of(name: str, other: str) -> Resource:
        target = [{"code": "Reference", "targetProfile": [f"{URL}{other}"]}]
        return profile("Organization", element("Organization.partOf", type=target), name=name)

    know(of("one", "two"))
    know(of("two", "one"))
    held = {"resourceType": "Organization", "id": "a", "name": "A", "partOf": {"reference": "#"}}
    outer = {"resourceType": "Organization", "name": "B", "partOf": {"reference": "#a"}, "contained": [held]}

    assert validator.check(outer, [f"{URL}one"]) == []


def test_what_is_referred_to_from_everywhere_is_checked_once(validator: Validator, know: Know) -> None:
    target = [{"code": "Reference", "targetProfile": [f"{URL}chain"]}]
    url = know(profile("List", element("List.entry.item", type=target), element("List.title", min=1), name="chain"))

    def linked(number: int) -> Resource:
        item = {"item": {"reference": f"urn:uuid:{number + 1:032}"}}
        listed = {"resourceType": "List", "title": "A", "status": "current", "mode": "working", "entry": [item, item]}
        return {"fullUrl": f"urn:uuid:{number:032}", "resource": listed}

    entries = [linked(number) for number in range(40)]  # 2 to the power of 40 ways lead to the last
    entries[0]["resource"]["meta"] = {"profile": [url]}
    del entries[-1]["resource"]["entry"]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}

    sound = validator.check(bundle)
    del entries[-1]["resource"]["title"]
    broken = validator.check(bundle)

    assert [issue.rule for issue in sound if issue.profile == url] == []
    assert {issue.rule for issue in broken if issue.profile == url} == {"target-profile"}


@pytest.mark.parametrize(
    "expression",
    [
        "text.matches('(a+)+$')",
        "text.matches('(?=x)')",
        "text.replaceMatches('(x*)*y', '')",
        "descendants().descendants().descendants().descendants().exists().not()",
        "repeat($this | $this).exists()",
    ],
)
def test_an_expression_that_would_never_end_ends(validator: Validator, know: Know, expression: str) -> None:
    rule = {"key": "slow-1", "severity": "error", "human": "?", "expression": expression}
    url = know(profile("Patient", element("Patient.name", constraint=[rule]), name="slow"))

    before = time.monotonic()
    validator.check(patient(name=[{"text": "a" * 50_000 + "!", "given": ["x"] * 1000}]), [url])

    assert time.monotonic() - before < 10


def test_rules_that_never_end_share_what_they_may_take(validator: Validator, know: Know) -> None:
    dear = "(1|2|3|4|5|6|7|8|9)" + ".select(1|2|3|4|5|6|7|8|9)" * 9 + ".exists()"
    rules = [{"key": f"slow-{n}", "severity": "error", "human": "?", "expression": dear} for n in range(50)]
    url = know(profile("Patient", element("Patient.name", constraint=rules), name="slower"))

    before = time.process_time()
    issues = validator.check(patient(name=[{"family": str(n)} for n in range(300)]), [url])

    assert time.process_time() - before < 5
    assert {issue.severity for issue in issues if issue.profile == url} == {"warning"}


def test_a_million_wrong_elements_are_told_of_briefly(validator: Validator) -> None:
    before = time.monotonic()
    issues = validator.check(patient(name=[{"nothing": 1}] * 1_000_000))

    assert len(issues) == MAX_ISSUES
    assert time.monotonic() - before < 20


def test_deep_nesting_is_an_issue(validator: Validator) -> None:
    inner: dict[str, Any] = {"url": "http://e", "valueCode": "a"}
    for _ in range(20_000):
        inner = {"url": "http://e", "extension": [inner]}

    assert [issue.code for issue in validator.check(patient(extension=[inner]))] == ["too-costly"]


def test_ten_thousand_different_resources_leave_nothing_behind(validator: Validator) -> None:
    def different(number: int) -> Resource:
        url = f"http://e.jp/{number}"
        coding = {"system": url, "code": f"c{number}"}
        return patient(
            id=f"p{number}",
            meta={"profile": [f"{url}/profile"]},
            identifier=[{"system": url, "value": str(number)}],
            extension=[{"url": f"{url}/x", "valueCoding": coding}],
            name=[{"text": f"氏名{number}"}],
            birthDate=f"{1900 + number % 100}-01-01",
        )

    for number in range(1000):
        validator.check(different(number))
    gc.collect()
    tracemalloc.start()
    for number in range(1000, 11_000):
        validator.check(different(number))
    gc.collect()
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert grown < 300_000
