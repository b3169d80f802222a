"""No expression, and no resource, hangs the server or brings it down."""

import string
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_service.fhir import fhirpath
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import Allowance, Environment, FhirPathError
from fhir_service.fhir.fhirpath.functions import FUNCTIONS

from .conftest import NOW, Evaluate

LONG = "a" * 2000
BIG = [str(number) for number in range(50_000)]
DEEP: dict[str, Any] = {"resourceType": "Basic", "extension": [{"url": "http://example.org/leaf", "valueString": "x"}]}
for _ in range(300):
    DEEP = DEEP | {"extension": [{"url": "http://example.org/nest", "extension": DEEP["extension"]}]}


@pytest.mark.parametrize(
    "expression",
    [
        "(1).repeatAll($this)",
        "(0).repeat($this + 1)",
        "'a'.repeat($this & 'a')",
        "descendants().select(%resource.descendants().select(%resource.descendants()))",
        "(0).repeat((" + " | ".join(str(number) for number in range(2000)) + ").combine(%resource.descendants()))",
        "(1 | 2).select(%big.select(%big.select(%big)))",
        "%big.aggregate($total & 'aaaaaaaaaaaaaaaa', '')",
        "%big.select('" + LONG + "'.replace('a', '0123456789012345678901234567890123456789') & $this)",
        "(1 | 2 | 3 | 4 | 5 | 6 | 7 | 8).repeatAll(1 | 2 | 3 | 4 | 5 | 6 | 7 | 8)",
        f"'{LONG}'" + f".replace('a', '{LONG}')" * 3,
        f"'{LONG}'" + f".replaceMatches('a', '{LONG}')" * 3,
    ],
)
def test_what_would_go_on_for_ever_is_stopped(evaluate: Evaluate, expression: str) -> None:
    started = time.monotonic()

    with pytest.raises(FhirPathError) as caught:
        evaluate(expression, DEEP, Environment(limit=100_000, variables={"big": BIG}))

    assert caught.value.status == 422
    assert time.monotonic() - started < 5


WIDE: dict[str, Any] = {"resourceType": "Patient", "identifier": [{"value": str(n)} for n in range(5_000)]}


@pytest.mark.parametrize(
    "expression",
    [
        "identifier.select(%resource = %resource)",
        "identifier.select(%resource ~ %resource)",
        "identifier.select(%resource in %resource)",
        "identifier.select((%resource | %resource).count())",
        "identifier.select(%resource.combine(%resource).distinct().count())",
        "identifier.select(%resource.intersect(%resource).count())",
        "identifier.select(%resource.exclude(%resource).count())",
        "identifier.select(%resource.subsetOf(%resource))",
        "identifier.select(%big.absent)",
        "identifier.select(%resource.identifier.where(true).period.start)",
        "identifier.select(2.5.power(3.7))",
        "identifier.select(3.7.ln())",
        "%big.select(%long.matches('((a?b?){500})c'))",
        "%big.select(%long.replaceMatches('a', 'b'))",
    ],
)
def test_a_step_is_as_dear_as_what_it_looks_at(evaluate: Evaluate, expression: str) -> None:
    variables = {"big": BIG, "long": LONG}
    started = time.process_time()

    with pytest.raises(FhirPathError):
        evaluate(expression, WIDE, Environment(limit=100_000, variables=variables))

    assert time.process_time() - started < 1


def test_the_types_that_may_be_found_are_no_more_than_there_are(evaluate: Evaluate) -> None:
    expression = "name" + ".select($this.combine($this))" * 40

    assert evaluate(expression, {"resourceType": "Patient"}, context_type="Patient") == []


def test_evaluations_share_an_allowance(definitions: Definitions) -> None:
    environment = Environment(allowance=Allowance(10_000))
    compiled = fhirpath.compile("identifier.where(value = '1').exists()", definitions)
    few = {"resourceType": "Patient", "identifier": WIDE["identifier"][:10]}

    for _ in range(20):
        assert compiled.evaluate(few, environment)[0].value is True
    with pytest.raises(FhirPathError):
        for _ in range(1_000):
            compiled.evaluate(few, environment)


@pytest.mark.parametrize(
    "call", ["select({})", "where({})", "iif(true, {}, 2)", "as(Patient).all({})", "trace('t', {})"]
)
def test_nested_calls_are_compiled_and_evaluated_in_linear_time(evaluate: Evaluate, call: str) -> None:
    started = time.monotonic()
    expression = "$this"
    for _ in range(40):
        expression = call.format(expression)

    for strict in (False, True):
        evaluate(expression, {"resourceType": "Patient"}, strict=strict, context_type="Patient")

    assert time.monotonic() - started < 2


def test_an_evaluation_ends_when_its_time_is_over(evaluate: Evaluate) -> None:
    asked: list[bool] = []

    def expired() -> bool:
        asked.append(True)
        return len(asked) > 3

    with pytest.raises(FhirPathError):
        evaluate("(1).repeatAll($this)", DEEP, Environment(expired=expired))

    assert len(asked) == 4


def test_a_pattern_that_ruins_other_engines_is_matched_at_once(evaluate: Evaluate) -> None:
    started = time.monotonic()

    assert evaluate("'" + "a" * 5000 + "b'.matches('^(a+)+$')") == [False]
    assert time.monotonic() - started < 1


def test_a_deep_resource_is_walked_and_compared(evaluate: Evaluate) -> None:
    assert evaluate("descendants().ofType(Extension).count()", DEEP) == [301]
    assert evaluate("repeat(extension).count()", DEEP) == [301]
    assert evaluate("extension = %resource.extension", DEEP) == [True]
    with pytest.raises(FhirPathError):
        evaluate("extension.combine(extension).isDistinct()", DEEP | {"extension": DEEP["extension"] * 9})


ATOMS = st.sampled_from(
    ["1", "1.5", "'a'", "@2020-02-29", "@T10:30", "{}", "true", "1 'mg'", "3 days", "$this", "$index", "%resource",
     "name", "name.given", "birthDate", "deceased", "contact", "descendants()", "extension", "value"]
)  # fmt: skip
OPERATORS = st.sampled_from(
    "+ - * / div mod & | = != ~ !~ < > <= >= in contains and or xor implies is as".split()  # noqa: SIM905
)
NAMES = st.sampled_from(sorted(FUNCTIONS))
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, OPERATORS, inner),
        st.builds("({}).{}({})".format, inner, NAMES, st.lists(inner, max_size=3).map(", ".join)),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("-({})".format, inner),
        st.builds("({}).{}(string)".format, inner, st.sampled_from(["is", "as", "ofType"])),
    ),
    max_leaves=8,
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "code", "url", "_x"]), inner),
    max_leaves=5,
)
PATIENTS = st.fixed_dictionaries(
    {"resourceType": st.just("Patient")},
    optional=dict.fromkeys(("name", "birthDate", "_birthDate", "deceasedBoolean", "contact", "extension"), JSON),
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(expression=EXPRESSIONS, patient=PATIENTS, strict=st.booleans())
def test_nothing_but_a_fhirpath_error_comes_out(
    definitions: Definitions, expression: str, patient: dict[str, Any], strict: bool
) -> None:
    environment = Environment(now=NOW, limit=20_000)
    try:
        fhirpath.compile(expression, definitions, context_type="Patient", strict=strict).evaluate(patient, environment)
    except FhirPathError as error:
        assert error.issues[0].line is not None


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet=string.printable + "あ\x00", max_size=40))
def test_no_text_is_read_without_an_answer(definitions: Definitions, text: str) -> None:
    try:
        fhirpath.compile(text, definitions)
    except FhirPathError as error:
        assert error.status == 400


def test_a_path_from_the_resource_is_walked_once(evaluate: Evaluate) -> None:
    wide = {"resourceType": "Patient", "name": [{"family": "山田"}] * 2000}

    found = evaluate("name.all(family = %resource.name.first().family)", wide, Environment(limit=100_000))

    assert found == [True]
