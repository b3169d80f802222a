"""https://hl7.org/fhir/R4/valueset.html#composition, over definitions made here."""

from typing import Any

import pytest

from fhir_service.terminology.loaded import LoadedTerminology

CODES = "http://example.jp/codes"
V = "http://example.jp/vs/"
TREE = {
    "resourceType": "CodeSystem",
    "url": CODES,
    "version": "2",
    "content": "complete",
    "concept": [
        {"code": "a", "concept": [{"code": "a1", "concept": [{"code": "a11"}]}, {"code": "a2", "display": "二"}]},
        {
            "code": "b",
            "property": [{"code": "subsumedBy", "valueCode": "a2"}, {"code": "level", "valueInteger": 3}],
        },
        {"code": "group", "property": [{"code": "notSelectable", "valueBoolean": True}]},
    ],
}
ALL = {"a", "a1", "a11", "a2", "b"}
LOINC, ICD = "http://loinc.org", "http://hl7.org/fhir/sid/icd-10"


class Made:
    """Holds what a test made; each is found by its url."""

    generation = 0

    def __init__(self) -> None:
        self.held: dict[str, Any] = {CODES: TREE, f"{CODES}|2": TREE}

    def find(self, canonical: str) -> Any:
        return self.held.get(canonical)

    def value_set(self, name: str, *include: dict[str, Any], **others: Any) -> str:
        exclude = others.pop("exclude", [])
        self.held[V + name] = {
            "resourceType": "ValueSet",
            "url": V + name,
            "compose": {"include": list(include), "exclude": exclude},
            **others,
        }
        return V + name


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def terminology(made: Made) -> LoadedTerminology:
    return LoadedTerminology(made)


def by(property_: str, op: str, value: str) -> dict[str, Any]:
    return {"system": CODES, "filter": [{"property": property_, "op": op, "value": value}]}


def is_a(code: str) -> dict[str, Any]:
    return by("concept", "is-a", code)


def codes(members: frozenset[tuple[str, str | None]] | None) -> set[str | None]:
    assert members is not None
    return {code for _, code in members}


def test_below_and_above_follow_the_nesting_and_the_properties(terminology: LoadedTerminology) -> None:
    assert codes(terminology.below(CODES, "a")) == ALL
    assert codes(terminology.above(CODES, "b")) == {"b", "a2", "a"}
    assert terminology.below(CODES, "nothing") is None
    assert terminology.below(LOINC, "1-8") is None


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (is_a("a1"), {"a1", "a11"}),
        (by("concept", "descendent-of", "a1"), {"a11"}),
        (by("concept", "is-not-a", "a1"), {"a", "a2", "b"}),
        (by("concept", "generalizes", "a11"), {"a", "a1", "a11"}),
        (by("concept", "=", "a"), {"a"}),
        (by("concept", "in", "a, b"), {"a", "b"}),
        (by("concept", "not-in", "a,b"), {"a1", "a11", "a2"}),
        (by("code", "regex", "a[12]"), {"a1", "a2"}),
        (by("display", "regex", "二"), {"a2"}),
        (by("level", "=", "3"), {"b"}),
        (by("level", "exists", "true"), {"b"}),
        (by("level", "exists", "false"), {"a", "a1", "a11", "a2"}),
        (by("parent", "=", "a"), {"a1", "a2"}),
        (by("child", "exists", "false"), {"a11", "b"}),
        ({"system": CODES, "filter": [is_a("a")["filter"][0], by("level", "exists", "true")["filter"][0]]}, {"b"}),
    ],
)
def test_filters_pick_codes(
    made: Made, terminology: LoadedTerminology, filter_: dict[str, Any], expected: set[str]
) -> None:
    assert codes(terminology.members(made.value_set("picked", filter_))) == expected


def test_exclusions_and_other_value_sets_are_honoured(made: Made, terminology: LoadedTerminology) -> None:
    whole = made.value_set("whole", {"system": CODES})
    without = made.value_set("without", {"valueSet": [whole]}, exclude=[is_a("a1")])
    common = made.value_set("common", {**is_a("a1"), "valueSet": [whole]})

    assert codes(terminology.members(whole)) == ALL
    assert codes(terminology.members(without)) == {"a", "a2", "b"}
    assert codes(terminology.members(common)) == {"a1", "a11"}


def test_a_code_without_a_system_may_be_of_any(made: Made, terminology: LoadedTerminology) -> None:
    one = made.value_set("one", is_a("a1"), {"system": LOINC, "concept": [{"code": "1-8"}]})

    assert terminology.contains(one, None, "1-8") is True
    assert terminology.contains(one, None, "a2") is False
    assert terminology.contains(one, LOINC, "a1") is False


def test_of_a_system_that_is_not_here_nothing_can_be_told(made: Made, terminology: LoadedTerminology) -> None:
    whole = made.value_set("loinc", {"system": LOINC})
    part = made.value_set("part", {"system": LOINC, "filter": [{"property": "concept", "op": "is-a", "value": "LP1"}]})

    assert terminology.members(whole) == {(LOINC, None)}
    assert terminology.contains(whole, LOINC, "1-8") is None
    assert terminology.contains(whole, ICD, "F20") is False
    assert terminology.members(part) is None
    assert terminology.contains(part, LOINC, "1-8") is None


def test_codes_listed_or_excluded_are_known_even_so(made: Made, terminology: LoadedTerminology) -> None:
    listed = made.value_set("listed", {"system": LOINC, "concept": [{"code": "1-8"}]})
    without = made.value_set("without", {"system": LOINC}, exclude=[{"system": LOINC, "concept": [{"code": "1-8"}]}])
    common = made.value_set("common", {"valueSet": [listed], "system": LOINC})

    assert terminology.contains(listed, LOINC, "2-8") is False
    assert terminology.contains(without, LOINC, "1-8") is False
    assert terminology.contains(without, LOINC, "2-8") is None
    assert terminology.members(common) == {(LOINC, "1-8")}


def test_a_value_set_that_is_not_here_leaves_open_what_it_would_add(made: Made, terminology: LoadedTerminology) -> None:
    more = made.value_set("more", is_a("a1"), {"valueSet": ["http://example.jp/absent"]})

    assert terminology.contains(more, CODES, "a1") is True
    assert terminology.contains(more, CODES, "a2") is None
    assert terminology.contains("http://example.jp/absent", CODES, "a1") is None


def test_an_expansion_tells_what_the_composition_cannot(made: Made, terminology: LoadedTerminology) -> None:
    code = {"system": LOINC, "code": "1-8"}
    whole = made.value_set("whole", {"system": LOINC}, expansion={"total": 1, "contains": [code]})
    page = made.value_set("page", {"system": LOINC}, expansion={"total": 9, "contains": [code]})

    assert terminology.contains(whole, LOINC, "2-8") is False
    assert terminology.contains(page, LOINC, "2-8") is None


def test_another_version_of_a_system_tells_only_what_it_has(made: Made, terminology: LoadedTerminology) -> None:
    other = made.value_set("other", {"system": CODES, "version": "1"})

    assert terminology.contains(other, CODES, "a") is True
    assert terminology.contains(other, CODES, "new") is None


@pytest.mark.parametrize(
    "include",
    [
        {"valueSet": ["http://example.jp/vs/made"]},
        {"system": CODES, "filter": [{"property": "concept", "op": "unheard-of", "value": "a"}]},
        {"system": CODES, "filter": [{"property": "code", "op": "regex", "value": "(?<=a)("}]},
        {"system": CODES, "filter": "a1"},
        {"system": CODES, "filter": [3]},
        {"system": 3, "valueSet": 4},
        is_a("nothing"),
    ],
)
def test_a_definition_that_makes_no_sense_never_raises(
    made: Made, terminology: LoadedTerminology, include: dict[str, Any]
) -> None:
    assert terminology.contains(made.value_set("made", include), CODES, "nothing") in (None, False)


def test_a_pattern_that_would_take_for_ever_takes_no_time(made: Made, terminology: LoadedTerminology) -> None:
    long = {**TREE, "concept": [{"code": "a" * 5000 + "!"}]}
    made.held[CODES] = long

    assert codes(terminology.members(made.value_set("regex", by("code", "regex", "(a+)+")))) == set()


def test_what_is_stored_meanwhile_is_known(made: Made, terminology: LoadedTerminology) -> None:
    changing = made.value_set("changing", is_a("a1"))
    assert terminology.contains(changing, CODES, "a2") is False

    made.value_set("changing", is_a("a2"))
    made.generation += 1

    assert terminology.contains(changing, CODES, "a2") is True
    assert codes(terminology.members(changing)) == {"a2", "b"}


def test_a_value_set_of_very_many_parts_is_worked_out_once(made: Made, terminology: LoadedTerminology) -> None:
    listed = [{"system": LOINC, "concept": [{"code": str(number)}]} for number in range(20_000)]
    filtered = [is_a("a1") | {"system": ICD}] * 5_000
    many = made.value_set("many", *listed, *filtered)

    assert terminology.contains(many, LOINC, "19999") is True
    assert terminology.contains(many, LOINC, "20000") is False
    assert terminology.contains(many, ICD, "F20") is None
