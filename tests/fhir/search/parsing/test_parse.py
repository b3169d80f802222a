from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.parsing.parse import parse_search
from fhir_service.fhir.search.query import Chain, Clause, Has, IdMatch, LastUpdatedMatch, Match, Value
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.terminology.loaded import LoadedTerminology
from tests.fhir.search.conftest import Parse


def said(clause: Clause) -> str:
    """Write a clause down again, shortly, as this test's tables have it."""
    match clause:
        case IdMatch(ids):
            return f"_id={','.join(ids)}"
        case LastUpdatedMatch(values):
            return f"_lastUpdated={','.join(value.prefix for value in values)}"
        case Chain(parameter, clauses):
            return f"{parameter.code}({' | '.join(f'{each}: {said(inner)}' for each, inner in clauses)})"
        case Has(resource_type, parameter, inner):
            return f"{resource_type}.{parameter.code}<-({said(inner)})"
        case Match(parameter, values, modifier, missing):
            shown = str(missing) if modifier == "missing" else ",".join(map(shortly, values))
            return f"{parameter.code}{':' + modifier if modifier else ''}={shown}"


def shortly(value: Value) -> str:
    return str(getattr(value, "folded", None) or getattr(value, "value", None) or getattr(value, "targets", value))


@pytest.mark.parametrize(
    ("url", "meaning"),
    [
        ("Patient?name=山田", ["name=山田"]),
        ("Patient?name=山田&name=太郎", ["name=山田", "name=太郎"]),
        ("Patient?name=山田,田中", ["name=山田,田中"]),
        (r"Patient?name:exact=a\,b,c\\d", [r"name:exact=ab,cd"]),
        ("Patient?_id=a,b", ["_id=a,b"]),
        ("Patient?_lastUpdated=ge2026-01-01", ["_lastUpdated=ge"]),
        ("Patient?gender:missing=true", ["gender:missing=True"]),
        ("Patient?gender:not=male", ["gender:not=male"]),
        ("Observation?subject=1", ["subject=('Group/1', 'Device/1', 'Patient/1', 'Location/1')"]),
        ("Observation?subject:Patient=1", ["subject=('Patient/1',)"]),
        ("Observation?patient=1", ["patient=('Patient/1',)"]),
        ("Observation?subject:Patient.name=x", ["subject(Patient: name=x)"]),
        ("Observation?subject:Patient.name:contains=x", ["subject(Patient: name:contains=x)"]),
        ("Observation?patient.identifier=s|v", ["patient(Patient: identifier=v)"]),
        ("Observation?patient.identifier:missing=true", ["patient(Patient: identifier:missing=True)"]),
        ("Observation?subject.identifier=v", [
            "subject(Group: identifier=v | Device: identifier=v | Patient: identifier=v | Location: identifier=v)",
        ]),
        ("Patient?general-practitioner.name=Joe", [
            "general-practitioner(Practitioner: name=joe | Organization: name=joe)",
        ]),
        ("Patient?organization.partof.name=x", ["organization(Organization: partof(Organization: name=x))"]),
        ("Observation?patient._id=1", ["patient(Patient: _id=1)"]),
        ("Patient?_has:Observation:patient:code=8867-4", ["Observation.patient<-(code=8867-4)"]),
        ("Patient?_has:Observation:patient:code:not=8867-4", ["Observation.patient<-(code:not=8867-4)"]),
        ("Patient?_has:Observation:patient:_has:AuditEvent:entity:type=x", [
            "Observation.patient<-(AuditEvent.entity<-(type=x))",
        ]),
        ("Patient?_has:Encounter:patient:service-provider.name=x", [
            "Encounter.patient<-(service-provider(Organization: name=x))",
        ]),
        ("Encounter?patient._has:Group:member:_id=102", ["patient(Patient: Group.member<-(_id=102))"]),
    ],
)  # fmt: skip
def test_a_query_means(parse: Parse, url: str, meaning: list[str]) -> None:
    assert [said(clause) for clause in parse(url).query.clauses] == meaning


@pytest.mark.parametrize(
    ("url", "named"),
    [
        pytest.param("Patient?nam=x", "birthdate", id="an unknown parameter names the known ones"),
        pytest.param("Patient?_filter=x", "given eq", id="a filter of one word"),
        pytest.param("Location?near=1", "latitude|longitude", id="near without a longitude"),
        pytest.param("Location?near=91|2", "latitude|longitude", id="near what is no place"),
        pytest.param("Location?near=1|2|3|furlong", "latitude|longitude", id="near in unknown units"),
        pytest.param("Location?near=1|2|-3|km", "latitude|longitude", id="near at a negative distance"),
        pytest.param("Patient?name:text=x", ":exact", id="an unsupported modifier names the supported"),
        pytest.param("Patient?name:=x", ":exact", id="an empty modifier"),
        pytest.param("Patient?identifier:of-type=a|b", "system|code|value", id="of-type with two parts"),
        pytest.param("ValueSet?url:below=urn:oid:1.2", "URLs (http://…) only", id="a URN has nothing below"),
        pytest.param("Patient?gender:in=http://example.jp/vs", "http://example.jp/vs", id="an unknown value set"),
        pytest.param("Patient?birthdate:exact=2020", ":missing", id="a modifier of another type"),
        pytest.param("Patient?_id:exact=1", "_id", id="a modifier on _id"),
        pytest.param("Observation?code-value-quantity:exact=a$1", ":missing", id="a modifier on a composite"),
        pytest.param("Patient?gender:missing=yes", "true, false", id="missing is true or false"),
        pytest.param("Patient?name=", "name", id="an empty value"),
        pytest.param("Patient?name=a,,b", "name", id="an empty value among others"),
        pytest.param(r"Patient?name=a\b", "backslash", id="a backslash before nothing special"),
        pytest.param("Patient?birthdate=2020-13", "YYYY", id="a month 13"),
        pytest.param("Patient?birthdate=xx2020", "[eq|ne|", id="an unknown prefix"),
        pytest.param("Observation?value-quantity=abc", "[prefix]number", id="no number"),
        pytest.param("Observation?value-quantity=NaN", "[prefix]number", id="not a number at all"),
        pytest.param("Observation?value-quantity=5|s", "[prefix]number", id="a quantity of two parts"),
        pytest.param("Observation?value-quantity=5|s|", "[prefix]number", id="a quantity with a system without code"),
        pytest.param("Observation?code=|", "system|code", id="a token of nothing"),
        pytest.param("Patient?active=s|true", "token", id="a boolean has no system"),
        pytest.param("Observation?subject=a b", "Type/id", id="no reference"),
        pytest.param("Observation?subject=Foo/1", "Type/id", id="a reference to an unknown type"),
        pytest.param("Observation?subject=%23p", "Type/id", id="a reference to a contained resource"),
        pytest.param("Observation?subject:Patient=Group/1", "Type/id", id="a reference that contradicts its type"),
        pytest.param("Observation?subject:Organization=1", "Patient", id="a type that is no target"),
        pytest.param("Observation?subject:Foo=1", "Patient", id="a modifier that is no type"),
        pytest.param("Observation?code-value-quantity=a", "value$value", id="a composite of one part"),
        pytest.param("Observation?subject.foo=1", "Patient", id="an unknown parameter at the end of a chain"),
        pytest.param("Observation?code.name=1", "token", id="a chain over a token"),
        pytest.param("Observation?subject:Organization.name=1", "Patient", id="a chain over a type that is no target"),
        pytest.param("Observation?subject:Patient.name:text=1", ":exact", id="a modifier at the end of a chain"),
        pytest.param("Observation?subject:Patient.birthdate=x", "YYYY", id="a value at the end of a chain"),
        pytest.param("Patient?_has:Observation:code=1", "_has:", id="_has of two parts"),
        pytest.param("Patient?_has:Foo:patient:code=1", "Foo", id="_has of an unknown type"),
        pytest.param("Patient?_has:Observation:code:code=1", "reference", id="_has by what is no reference"),
        pytest.param("Patient?_has:Observation:specimen:code=1", "Specimen", id="_has by what does not refer here"),
        pytest.param("Patient?_has:Observation:patient:foo=1", "value-quantity", id="_has of an unknown parameter"),
        pytest.param("Patient?_count=-1", "_count", id="a negative count"),
        pytest.param("Patient?_count=ten", "_count", id="a count in words"),
        pytest.param("Observation?code=a|b|c", "system|code", id="a token of three parts"),
        pytest.param("Patient?_count=1&_count=2", "once", id="two counts"),
        pytest.param("Patient?_total=exact", "accurate", id="an unknown total"),
        pytest.param("Patient?_summary=yes", "data", id="an unknown summary"),
        pytest.param("Patient?_elements=foo", "birthDate", id="an unknown element"),
        pytest.param("Patient?_sort=foo", "birthdate", id="an unknown sort"),
        pytest.param("Location?_sort=near", "near=latitude", id="a sort by the distance from nowhere"),
        pytest.param("Observation?_include=Foo:patient", "Foo", id="an include of an unknown type"),
        pytest.param("Observation?_include=Observation", "Observation:patient", id="an include without a parameter"),
        pytest.param("Observation?_include=Observation:", "Observation:patient", id="an include of no parameter"),
        pytest.param("Observation?_include=Observation:subject:", "Observation:patient", id="an include of no type"),
        pytest.param("Observation?_include=Observation:foo", "subject", id="an include of an unknown parameter"),
        pytest.param("Observation?_include=Observation:code", "reference", id="an include of what is no reference"),
        pytest.param("Observation?_include=Observation:patient:Group", "Patient", id="an include of no target"),
        pytest.param("Observation?_include:all=*", ":iterate", id="an include with an unknown modifier"),
        pytest.param("Observation?_include=*&_summary=text", "_summary=text", id="an include and a summary of text"),
        pytest.param("Observation?_contained=yes", "both", id="an unknown kind of contained resources"),
        pytest.param("Observation?_containedType=all", "container", id="an unknown form of contained resources"),
        pytest.param("Patient?_maxresults=0", "1, 2", id="no results at all"),
        pytest.param("Patient?_query=everybody", "everybody", id="a named query that is not defined"),
        pytest.param("Observation?_sort=subject.name", "subject:Type", id="a sort that leads to several types"),
        pytest.param("Observation?_sort=code.name", "reference", id="a sort through what is no reference"),
        pytest.param("Observation?_sort=patient.foo", "foo", id="a sort by what the target has not"),
        pytest.param("Observation?_sort=subject:Organization.name", "Patient", id="a sort through no target"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_with_what_can(parse: Parse, url: str, named: str) -> None:
    with pytest.raises(FhirError) as refusal:
        parse(url)

    issue = refusal.value.issues[0]
    assert refusal.value.status == 400
    assert named in issue.en
    assert issue.ja


@pytest.mark.parametrize(
    "name", ["birthdate", "foo", "name:text", "_count", "organization.foo", "_has:Foo:patient:x", "_include", "_sort"]
)
def test_a_refusal_names_the_parameter_that_it_is_about(parse: Parse, name: str) -> None:
    with pytest.raises(FhirError) as refusal:
        parse(f"Patient?name=x&{name}=-")

    assert refusal.value.issues[0].expression == (f"http.{name}",)


def test_lenient_handling_ignores_what_is_unknown_and_says_so(parse: Parse) -> None:
    parsed = parse("Patient?name=x&foo=1&organization.foo=1&_sort=bar&_count=3", lenient=True)

    assert [said(clause) for clause in parsed.query.clauses] == ["name=x"]
    assert parsed.ignored == ("foo", "organization.foo", "_sort")
    assert parsed.understood == (("name", "x"), ("_count", "3"))


def test_empty_parameters_are_skipped_where_asked_and_said(parse: Parse) -> None:
    parsed = parse("Patient?name=x&gender=&_count=&birthdate:missing=%20&foo=", skip_empty=True)

    assert [said(clause) for clause in parsed.query.clauses] == ["name=x"]
    assert parsed.ignored == ("gender", "_count", "birthdate:missing", "foo")
    assert parsed.understood == (("name", "x"),)


@pytest.mark.parametrize("query", ["birthdate=x", "name:text=x", "_count=-1"])
def test_lenient_handling_does_not_excuse_bad_values_and_modifiers(parse: Parse, query: str) -> None:
    with pytest.raises(FhirError):
        parse(f"Patient?{query}", lenient=True)


def test_result_parameters_are_read(parse: Parse) -> None:
    parsed = parse(
        "Patient?_sort=-birthdate,name,_id&_sort=-_lastUpdated&_count=0&_total=accurate&_elements=id,Patient.name"
    )

    keys = [
        (key.parameter if isinstance(key.parameter, str) else key.parameter.code, key.descending)
        for key in parsed.query.sort
    ]
    assert keys == [("birthdate", True), ("name", False), ("_id", False), ("_lastUpdated", True)]
    assert (parsed.count, parsed.total, parsed.summary) == (0, "accurate", None)
    assert parsed.elements == ("id", "name")


def test_parameters_of_http_are_left_to_http(parse: Parse) -> None:
    parsed = parse("Patient?_format=json&_pretty=true&_cursor=abc&_summary=count")

    assert parsed.understood == (("_summary", "count"),)
    assert parsed.summary == "count"


def test_includes_name_source_parameter_and_target(parse: Parse) -> None:
    parsed = parse(
        "Observation?_include=Observation:subject:Patient&_include:iterate=Patient:organization&_revinclude=Provenance:target"
    )

    shown = [
        (each.source, each.parameter.code, each.target, each.reverse, each.iterate) for each in parsed.query.includes
    ]
    assert shown == [
        ("Observation", "subject", "Patient", False, False),
        ("Patient", "organization", None, False, True),
        ("Provenance", "target", None, True, False),
    ]


@pytest.mark.parametrize("wildcard", ["*", "Encounter:*"])
def test_a_wildcard_includes_every_reference(parse: Parse, wildcard: str) -> None:
    codes = {each.parameter.code for each in parse(f"Encounter?_include={wildcard}").query.includes}

    assert codes >= {"subject", "patient", "service-provider", "episode-of-care", "participant"}


def test_a_reverse_wildcard_includes_every_reference_that_can_point_here(parse: Parse) -> None:
    includes = parse("Encounter?_revinclude=Observation:*").query.includes

    assert {each.parameter.code for each in includes} == {"encounter", "focus"}


def test_ten_thousand_values_are_enough_for_one_parameter(parse: Parse) -> None:
    parse("Patient?_id=" + ",".join(["a"] * 10_000))

    with pytest.raises(FhirError, match="10000"):
        parse("Patient?_id=" + ",".join(["a"] * 10_001))


def test_a_chain_of_eight_steps_is_deep_enough(parse: Parse) -> None:
    parse("Organization?" + "partof." * 7 + "name=x")

    with pytest.raises(FhirError, match="8 levels"):
        parse("Organization?" + "partof." * 8 + "name=x")


def test_a_chain_over_references_to_anything_asks_for_a_type(parse: Parse) -> None:
    with pytest.raises(FhirError, match="name the type"):
        parse("Provenance?target.entity.target.recorded=2020")


def test_what_was_read_is_remembered_unless_it_may_mean_something_else_later(definitions: Definitions) -> None:
    indexer = Indexer(definitions, SearchRegistry(definitions, LoadedTerminology(definitions)))

    def read(text: str, now: datetime) -> Any:
        parameters = tuple(parse_qsl(text))
        return parse_search("Patient", parameters, indexer, base="http://a.example/fhir", now=now)

    earlier, later = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)

    assert read("name=a&birthdate=2000", earlier) is read("name=a&birthdate=2000", later)
    assert read("birthdate=ap2000", earlier) != read("birthdate=ap2000", later)
    chain = "organization:Organization.name:contains=a&gender:not=male"
    assert read(chain, earlier) is read(chain, later)
    by_value_set = "general-practitioner:Practitioner.gender:in=http://hl7.org/fhir/ValueSet/administrative-gender"
    assert read(by_value_set, earlier) is not read(by_value_set, later)
