"""Random small worlds: the same changes for several stores, and queries of every kind about them.

Values are few, so that queries find something, clauses meet in the same resources, and sort keys tie.
"""

from dataclasses import replace
from random import Random
from typing import Any, Literal, get_args

from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.fold import fold
from fhir_service.fhir.search.index import (
    CompositeEntry,
    DateEntry,
    IndexEntries,
    NumberEntry,
    QuantityEntry,
    ReferenceEntry,
    StringEntry,
    TokenEntry,
    UriEntry,
)
from fhir_service.fhir.search.parameter import SearchParameter, SearchType
from fhir_service.fhir.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Clause,
    CompositeValue,
    DateValue,
    Has,
    HierarchyValue,
    Hop,
    IdMatch,
    Include,
    LastUpdatedMatch,
    Match,
    NearValue,
    NoneOf,
    Prefix,
    QuantityValue,
    Query,
    ReferenceValue,
    Sort,
    StringValue,
    TokenValue,
    TypedValue,
    UriValue,
    Value,
    WordsMatch,
)
from fhir_service.fhir.search.words import phrase
from fhir_service.storage.store import Change, Delete, Put

from .made import CODED, COMPONENTS, DAY, PARAMETERS, PRIMARY, entries, number, parameter

IDS = tuple("abcdefghij")
TARGETS: dict[tuple[str, str], tuple[str, ...]] = {
    ("Patient", "general-practitioner"): ("Practitioner",),
    ("Patient", "link"): ("Patient",),
    ("Observation", "subject"): ("Patient", "Encounter"),
    ("Observation", "encounter"): ("Encounter",),
    ("Encounter", "subject"): ("Patient",),
    ("Encounter", "reason"): ("Observation", "Patient"),
    ("Questionnaire", "derived-from"): ("Questionnaire",),
    ("PlanDefinition", "definition"): ("Questionnaire", "PlanDefinition"),
    ("PlanDefinition", "depends-on"): ("Patient", "Questionnaire", "PlanDefinition"),
    ("QuestionnaireResponse", "questionnaire"): ("Questionnaire",),
    ("QuestionnaireResponse", "subject"): ("Patient",),
}
# The parameters that name definitions, and of which types; `depends-on` refers by type and id, too.
CANONICAL: dict[tuple[str, str], tuple[str, ...]] = {
    ("Questionnaire", "derived-from"): ("Questionnaire",),
    ("PlanDefinition", "definition"): ("Questionnaire", "PlanDefinition"),
    ("PlanDefinition", "depends-on"): ("Questionnaire", "PlanDefinition"),
    ("QuestionnaireResponse", "questionnaire"): ("Questionnaire",),
}
FORMS = ("http://q.example/a", "http://q.example/b", "http://q.example/nothing")
VERSIONS = ("1", "1.0", "1.0.1", "10", "2", "9")
KINDS: dict[str, Literal["code", "coding"]] = {"status": "code", "code": "coding"}
SYSTEMS = (None, "http://s.example/1", "urn:oid:1.2")
CODES = ("x", "y", "final", "診断", "")
TEXTS = ("Ando", "ando", "Andreas", "山田", "山田太郎", "田中", "ｻﾄｳ", "a", "", "\uffff\U0010ffff", "o'Neil %_")
UCUM = "http://unitsofmeasure.org"
UNITS = (
    (None, None, None),
    (UCUM, "mg", "mg"),
    (UCUM, "g", "g"),
    (UCUM, "Cel", "℃"),
    (UCUM, "K", "K"),
    (UCUM, "?", "?"),
    ("http://ucum", "mg", "mg"),
    ("http://ucum", "kg", "キロ"),
    (None, None, "mg"),
)
URIS = ("http://a.example", "http://a.example/", "http://a.example/b", "urn:uuid:1")
TYPES = (("http://t.example", "MR"), ("http://t.example", "SS"), (None, "MR"))
NUMBERS = ("-1.5", "0", "1", "1.0", "2", "99.95", "100", "1e3", "0.001")
OPEN = 2**62
PROSE = (
    "退院支援",
    "入退院を繰り返す",
    "訪問看護 ステーション",
    "Bone marrow",
    "metastases",
    "ﾃﾞｲｹｱ",
    "2型糖尿病",
    "A&amp;B",
    "退",
    "骨",
)
EPOCH = 1_795_000_000_000_000


def change(random: Random) -> Change:
    """Return a random Put or Delete."""
    resource_type = random.choice(tuple(PARAMETERS))
    key = Key(resource_type, random.choice(IDS))
    if random.random() < 0.15:
        return Delete(key)
    resource: dict[str, Any] = {"resourceType": key.type, "id": key.id, "n": random.randrange(1000)}
    if random.random() < 0.6:
        resource["text"] = {"div": f"<div><p>{_prose(random)}</p>{_prose(random)}</div>"}
    if random.random() < 0.6:
        resource["note"] = [_prose(random), {"text": _prose(random)}]
    said = _entries(random, resource_type)
    if "url" in PARAMETERS[resource_type]:
        said.address = str(key)
    return Put(resource, said, random.choice(("PUT", "POST")))


def query(random: Random) -> Query:
    """Return a random query with up to three clauses, sort keys and includes."""
    resource_type = random.choice(tuple(PARAMETERS))
    clauses = tuple(_clause(random, resource_type) for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3))))
    if random.random() < 0.15:
        clauses += tuple(_dated(random, resource_type) for _ in range(2))
    keys = tuple(_sort(random, resource_type) for _ in range(random.choice((0, 0, 1, 1, 2))))
    if random.random() < 0.05:
        clauses += (_words(random), AnyOf((_words(random), _words(random))))
        keys = (Sort("_score", random.random() < 0.8), *keys)
    includes = tuple(_include(random) for _ in range(random.choice((0, 0, 1, 3))))
    return Query(resource_type, clauses, keys, includes)


def on_several_types(random: Random) -> list[Query]:
    """Return queries on each type that stand in one order."""
    codes: Any = random.sample(("_id", "_lastUpdated", "date", "status", "subject"), random.choice((0, 1, 1, 2)))
    order = [(code, random.random() < 0.5) for code in codes]
    types = [type_ for type_ in PARAMETERS if all(code[0] == "_" or code in PARAMETERS[type_] for code in codes)]
    asked = [(type_, _clause(random, type_)) for type_ in types]
    return [
        Query(
            type_,
            (clause,) if random.random() < 0.5 else (),
            tuple(Sort(code if code[0] == "_" else parameter(type_, code), down) for code, down in order),
            among=True,
        )
        for type_, clause in asked
    ]


def _prose(random: Random) -> str:
    return random.choice(("", " ", "、", "<b>")).join(random.choices(PROSE, k=random.choice((1, 2, 4))))


def _words(random: Random) -> WordsMatch:
    sought = None
    while sought is None:
        text = random.choice(PROSE)
        begin, end = sorted((random.randrange(len(text) + 1), random.randrange(len(text) + 1)))
        sought = phrase(random.choice((text, text[begin:end], text[:end] + "*")))
    return WordsMatch(random.choice(("narrative", "content")), sought)


def _entries(random: Random, resource_type: str) -> IndexEntries:
    made: list[Any] = []
    for code, kind in PARAMETERS[resource_type].items():
        if code == "url":
            made += _own_url(random)
            continue
        made += [_entry(random, resource_type, code, kind) for _ in range(random.choice((0, 0, 1, 1, 1, 2)))]
    first = PRIMARY.get(resource_type)
    date = min((entry.low for entry in made if isinstance(entry, DateEntry) and entry.code == first), default=None)
    return entries(*made, date=date)


def _own_url(random: Random) -> list[UriEntry]:
    """Return how a definition is known: by its URL, and by its URL with the version, if it has one."""
    url, version = random.choice(FORMS[:2]), random.choice((None, *VERSIONS[:-1]))
    return [UriEntry("url", url), *([UriEntry("url", f"{url}|{version}")] if version else [])]


def _entry(random: Random, resource_type: str, code: str, kind: SearchType) -> Any:
    match kind:
        case "token":
            types = tuple(random.sample(TYPES, random.choice((0, 0, 1, 2))))
            text = random.choice((None, None, *TEXTS))
            of = KINDS.get(code)
            systems, codes = (SYSTEMS[1:2], CODES) if of == "code" else (SYSTEMS, (*CODES, None))
            return TokenEntry(code, random.choice(systems), random.choice(codes), text, types, of)
        case "reference":
            return _reference(random, resource_type, code)
        case "string":
            text = random.choice(TEXTS)
            return StringEntry(code, text, text.casefold())
        case "date":
            return DateEntry(code, *_period(random))
        case "number":
            return NumberEntry(code, *_range(random))
        case "quantity":
            return QuantityEntry(code, *_range(random), *random.choice(UNITS))
        case "special":
            place = [NumberEntry("", degrees, degrees) for degrees in _place(random)]
            return CompositeEntry(code, tuple((each,) for each in place))
        case "composite":
            return CompositeEntry(code, tuple(_part(random, kind) for kind in COMPONENTS[code]))
        case _:
            return UriEntry(code, random.choice(URIS))


def _place(random: Random) -> tuple[float, float]:
    """Return a latitude and longitude: some close together, some around the pole and where the longitudes meet."""
    return random.choice((35.0, 35.001, 36.2, -89.9, 90.0)), random.choice((139.0, 139.01, 179.99, -179.99, 0.0))


def _part(random: Random, kind: SearchType) -> tuple[Any, ...]:
    """Return one or two entries of a component; its references are those of `Encounter.reason`."""
    return tuple(_entry(random, "Encounter", "reason", kind) for _ in range(random.choice((1, 1, 2))))


def _reference(random: Random, resource_type: str, code: str) -> ReferenceEntry:
    if (resource_type, code) in CANONICAL and (code != "depends-on" or random.random() < 0.5):
        version, part = random.choice((None, None, *VERSIONS)), random.choice((None, None, "part"))
        if random.random() < 0.8:
            return ReferenceEntry(code, random.choice(FORMS), version, canonical=True, fragment=part)
        address = f"{random.choice(CANONICAL[resource_type, code])}/{random.choice(IDS[:4])}"
        url = random.choice((address, f"http://here.example/{address}"))
        return ReferenceEntry(code, url, version, canonical=True, fragment=part, address=address)
    if random.random() < 0.15:
        return ReferenceEntry(code, None, None, random.choice(SYSTEMS), random.choice(CODES))
    if random.random() < 0.1:
        return ReferenceEntry(code, random.choice(URIS), random.choice((None, "1", "2")))
    target = f"{random.choice(TARGETS[resource_type, code])}/{random.choice(IDS)}"
    return ReferenceEntry(code, target, random.choice((None, None, "1")))


def _period(random: Random) -> tuple[int, int]:
    low = EPOCH + random.randrange(-40, 40) * DAY
    if random.random() < 0.1:
        low = -OPEN
    if random.random() < 0.15:
        return low, OPEN
    return low, low + random.choice((0, 1, DAY - 1, 3 * DAY, 31 * DAY, 33 * DAY, 400 * DAY))


def _range(random: Random) -> tuple[float, float]:
    value = float(random.choice(NUMBERS))
    if random.random() < 0.15:
        return value, value + random.choice((0.05, 1.0, 1e300))
    return value, value


def _clause(random: Random, resource_type: str, depth: int = 0) -> Clause:
    pick = random.random()
    if pick < 0.06:
        return IdMatch(tuple(random.sample((*IDS, "absent"), random.choice((1, 3, 10)))))
    if pick < 0.12:
        return LastUpdatedMatch(tuple(_instant_value(random) for _ in range(random.choice((1, 2)))))
    if pick < 0.18:
        return _words(random)
    if pick < 0.24 and depth < 2:
        return _chain(random, resource_type, depth)
    if pick < 0.36 and depth < 2:
        return _has(random, resource_type, depth)
    if pick < 0.46 and depth < 2:
        some = random.choice((AnyOf, AllOf, NoneOf))
        return some(tuple(_clause(random, resource_type, depth + 1) for _ in range(random.choice((1, 2, 3)))))
    return _match(random, resource_type)


def _chain(random: Random, resource_type: str, depth: int) -> Clause:
    code = random.choice([code for type_, code in TARGETS if type_ == resource_type])
    types = [type_ for type_ in TARGETS[resource_type, code] if type_ in PARAMETERS]
    types = random.sample(types, random.choice(range(1, len(types) + 1))) if types else []
    clauses = tuple((type_, _clause(random, type_, depth + 1)) for type_ in types)
    link = _link(resource_type, code)
    return Chain(parameter(resource_type, code), clauses, *link) if clauses else _match(random, resource_type)


def _link(resource_type: str, code: str) -> tuple[bool, tuple[str, ...]]:
    """Return whether a parameter refers by type and id, and the types that it names by canonical URL."""
    canonical = CANONICAL.get((resource_type, code), ())
    return not canonical or code == "depends-on", canonical


def _has(random: Random, resource_type: str, depth: int) -> Clause:
    sources = [key for key, targets in TARGETS.items() if resource_type in targets]
    if not sources:
        return _match(random, resource_type)
    source, code = random.choice(sources)
    return Has(source, parameter(source, code), _clause(random, source, depth + 1), *_link(source, code))


def _match(random: Random, resource_type: str) -> Match:
    code = random.choice(tuple(PARAMETERS[resource_type]))
    asked = parameter(resource_type, code)
    if random.random() < 0.12:
        return Match(asked, (), "missing", random.random() < 0.5)
    modifier = None
    if asked.type == "string":
        modifier = random.choice((None, "exact", "contains", "contains", "equals", "ends"))
    elif asked.type == "token" and random.random() < 0.3:
        modifier = random.choice(("text", "of-type", *(("code-text",) if code in CODED else ())))
    elif asked.type == "uri" and random.random() < 0.6:
        modifier = random.choice(("above", "below"))
    elif asked.type == "reference" and "Patient" in TARGETS[resource_type, code] and random.random() < 0.2:
        return _hierarchy(random, asked)
    elif asked.type in ("token", "reference") and random.random() < 0.25:
        modifier = "not"
    elif asked.type == "reference" and random.random() < 0.25:
        modifier = "identifier"
    if asked.type in ("string", "token", "reference", "uri") and random.random() < 0.05:
        return Match(asked, (_other(random, resource_type, code, asked.type),), "differs")
    values = [_value(random, asked.type, resource_type, code, modifier) for _ in range(random.choice((1, 1, 1, 2, 3)))]
    return Match(asked, tuple(values), modifier)


def _hierarchy(random: Random, asked: SearchParameter) -> Match:
    """Return a match of what is above or below some patients, by their links to each other."""
    above = random.random() < 0.5
    named = random.sample(IDS, random.choice((1, 2)))
    value = HierarchyValue(tuple(f"Patient/{id_}" for id_ in named), above, (parameter("Patient", "link"),))
    return Match(asked, (value,), "above" if above else "below")


def _other(random: Random, resource_type: str, code: str, kind: SearchType) -> Value:
    """Return a value as `ne` of a filter compares it."""
    if kind == "token":
        return TokenValue(random.choice((None, "", *SYSTEMS)), random.choice(CODES))
    if kind == "reference":
        types = random.choice((TARGETS[resource_type, code], ("Encounter", "Observation", "Patient", "Practitioner")))
        id_ = random.choice(IDS)
        return ReferenceValue(tuple(f"{type_}/{id_}" for type_ in types[: random.choice((1, 4))]))
    return _value(random, kind, resource_type, code, None)


def _dated(random: Random, resource_type: str) -> Match:
    code = random.choice([code for code, kind in PARAMETERS[resource_type].items() if kind == "date"])
    return Match(parameter(resource_type, code), (DateValue(_prefix(random), *_period(random)),))


def _value(random: Random, kind: SearchType, resource_type: str, code: str, modifier: str | None) -> Value:
    match kind:
        case "token" if modifier == "text":
            text = random.choice(TEXTS)[: random.randrange(1, 5)]
            return StringValue(text, fold(text))
        case "token" if modifier == "code-text":
            text = random.choice(CODES)[: random.randrange(3)]
            return StringValue(text, text.casefold())
        case "token" if modifier == "of-type":
            return TypedValue("http://t.example", random.choice(("MR", "SS")), random.choice(CODES))
        case "token":
            return _token(random)
        case "reference" if modifier == "identifier":
            return ReferenceValue((), None, _token(random))
        case "reference":
            if (resource_type, code) in CANONICAL and random.random() < 0.6:
                url, version = random.choice(FORMS), random.choice((None, *VERSIONS))
                below = random.random() < 0.5
                return ReferenceValue((url,), version, None, below, None if below else random.choice((None, "part")))
            targets = [f"{type_}/{random.choice(IDS)}" for type_ in TARGETS[resource_type, code]]
            return ReferenceValue((*targets, random.choice(URIS)), random.choice((None, None, "1")))
        case "string":
            text = random.choice(TEXTS)
            begin, end = sorted((random.randrange(len(text) + 1), random.randrange(len(text) + 1)))
            text = text if modifier == "exact" else text[0 if modifier is None else begin : end]
            return StringValue(text, text.casefold())
        case "date":
            low, high = _period(random)
            return DateValue(_prefix(random), low, high)
        case "number":
            return number(_prefix(random), random.choice(NUMBERS))
        case "quantity":
            system, unit, _ = random.choice(UNITS)
            unit = random.choice((unit, "mg", "キロ", None)) if system is None else unit
            return QuantityValue(number(_prefix(random), random.choice(NUMBERS)), system, unit)
        case "special":
            return NearValue(*_place(random), random.choice((0.0, 1e3, 2e5, 5e6, 3e7)))
        case "composite":
            return CompositeValue(tuple(_value(random, part, "Encounter", "reason", None) for part in COMPONENTS[code]))
        case _:
            if code == "url":
                version = random.choice(("", *VERSIONS))
                return UriValue(f"{random.choice(FORMS)}|{version}" if version else random.choice(FORMS))
            return UriValue(random.choice(URIS))


def _token(random: Random) -> TokenValue:
    system = random.choice((None, "", *SYSTEMS[1:]))
    return TokenValue(system, random.choice(CODES) if not system or random.random() < 0.6 else None)


def _prefix(random: Random) -> Prefix:
    prefix: Prefix = random.choice(get_args(Prefix))
    return prefix


def _instant_value(random: Random) -> DateValue:
    low = 1_795_358_301_123_000 + random.randrange(120) * 1000
    return DateValue(_prefix(random), low, low + random.choice((999, 20_999)))


def _sort(random: Random, resource_type: str, chained: float = 0.3) -> Sort:
    code: Any = random.choice((*PARAMETERS[resource_type], "_id", "_lastUpdated"))
    if PARAMETERS[resource_type].get(code) == "special":
        centres = tuple(NearValue(*_place(random), 1.0) for _ in range(random.choice((1, 1, 2))))
        return Sort(parameter(resource_type, code), random.random() < 0.5, centres=centres)
    asked = code if code.startswith("_") else parameter(resource_type, code)
    if random.random() < chained and (hops := _hops(random, resource_type)):
        return replace(_sort(random, hops[-1].target, 0), through=hops)
    return Sort(asked, random.random() < 0.5)


def _hops(random: Random, resource_type: str) -> tuple[Hop, ...]:
    """Return one or two steps to other types, none if there is none to go."""
    hops: list[Hop] = []
    for _ in range(random.choice((1, 2))):
        steps = [
            Hop(parameter(resource_type, code), target, *_link(resource_type, code))
            for (source, code), targets in TARGETS.items()
            for target in targets
            if source == resource_type and target in PARAMETERS
        ]
        if steps:
            hops.append(random.choice(steps))
            resource_type = hops[-1].target
    return tuple(hops)


def _include(random: Random) -> Include:
    (source, code), targets = random.choice(tuple(TARGETS.items()))
    target = random.choice((None, *targets))
    canonical = CANONICAL.get((source, code), ())
    return Include(source, parameter(source, code), target, random.random() < 0.5, random.random() < 0.3, canonical)
