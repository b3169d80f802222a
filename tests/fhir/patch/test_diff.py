"""The patch between two resources, applied to the one, gives the other."""

from copy import deepcopy
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.patch.diff import patch_between
from fhir_service.fhir.patch.fhirpath_patch import OPERATION_LIMIT, apply_fhirpath_patch

Json = dict[str, Any]
PATIENT: Json = {
    "resourceType": "Patient",
    "id": "1",
    "meta": {"versionId": "1", "lastUpdated": "2026-11-22T00:00:00Z", "tag": [{"code": "a"}]},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>a</p> <p>b</p></div>'},
    "extension": [{"url": "http://x/1", "extension": [{"url": "a", "valueDecimal": Decimal("1.0")}]}],
    "active": True,
    "name": [
        {"use": "official", "family": "山田", "given": ["花", "子"], "_given": [None, {"id": "g"}]},
        {"use": "nickname", "given": ["花"]},
    ],
    "birthDate": "1980-01-01",
    "_birthDate": {"extension": [{"url": "http://x/time", "valueDateTime": "1980-01-01T08:00:00+09:00"}]},
    "deceasedBoolean": False,
    "contact": [{"name": {"text": "山田 太郎"}, "gender": "male"}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}],
}


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.load()


def compared(resource: Json) -> bytes:
    """Return what the patch has to bring about: all but what the server writes, its order put aside."""
    kept = {name: value for name, value in resource.items() if name != "id"}
    meta = {k: v for k, v in kept.pop("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    return json.encode(_sorted(kept | ({"meta": meta} if meta else {})))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def operations(before: Json, after: Json, definitions: Definitions) -> list[tuple[str, str]]:
    """Return type and path of each operation, after it was tried that they lead from the one to the other."""
    patch = patch_between(before, after, definitions)
    assert compared(apply_fhirpath_patch(before, patch, definitions)) == compared(after)
    found = [{part["name"]: part for part in each["part"]} for each in patch.get("parameter", [])]
    return [(each["type"]["valueCode"], each["path"]["valueString"]) for each in found]


def changed(**elements: Any) -> Json:
    after = deepcopy(PATIENT) | elements
    return {name: value for name, value in after.items() if value is not None}


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, []),
        ({"id": "2", "meta": {"versionId": "7", "tag": [{"code": "a"}]}}, []),
        ({"active": False}, [("replace", "Patient.active")]),
        ({"active": None}, [("delete", "Patient.active")]),
        ({"gender": "male"}, [("add", "Patient")]),
        ({"birthDate": "1980-01-02"}, [("replace", "Patient.birthDate")]),
        ({"_birthDate": None}, [("replace", "Patient.birthDate")]),
        ({"birthDate": None}, [("replace", "Patient.birthDate")]),
        ({"deceasedBoolean": None, "deceasedDateTime": "2026"}, [("replace", "Patient.deceased")]),
        ({"name": PATIENT["name"][1:]}, [("delete", "Patient.name[0]")]),
        ({"name": [{"text": "x"}, *PATIENT["name"]]}, [("insert", "Patient.name")]),
        ({"name": [*PATIENT["name"], {"text": "x"}]}, [("add", "Patient")]),
        (
            {"contact": [{"gender": "female"}]},
            [("replace", "Patient.contact[0].gender"), ("delete", "Patient.contact[0].name")],
        ),
        ({"contact": PATIENT["contact"] * 2}, [("add", "Patient")]),
        ({"meta": {"tag": [{"code": "b"}]}}, [("replace", "Patient.meta.tag[0].code")]),
        ({"meta": None}, [("delete", "Patient.meta.tag[0]")]),
        ({"contained": [{"resourceType": "Practitioner", "id": "o"}]}, [("replace", "Patient.contained[0]")]),
        ({"text": {"status": "empty", "div": PATIENT["text"]["div"].replace("b", "c")}}, None),
        ({"text": None}, [("delete", "Patient.text")]),
        ({"extension": [{"url": "http://x/1", "extension": [{"url": "a", "valueDecimal": Decimal("1.00")}]}]}, None),
        ({"extension": [{"url": "http://y"}, {"url": "http://z", "valueCode": "v"}]}, None),
    ],
)
def test_a_change_is_one_operation_where_it_can_be(definitions: Definitions, elements: Json, expected: Any) -> None:
    found = operations(PATIENT, changed(**elements), definitions)

    assert expected is None or found == expected


def test_an_element_that_loses_all_it_has_and_gets_another_stays(definitions: Definitions) -> None:
    before = changed(name=[{"family": "a"}])

    assert operations(before, changed(name=[{"text": "b"}]), definitions) == [
        ("add", "Patient.name[0]"),
        ("delete", "Patient.name[0].family"),
    ]


@pytest.mark.parametrize("given", [["a"], ["b", "a"], ["a", "b", "c"], ["c", "d", "e"], ["花", "x", "子"]])
def test_lists_of_primitives_keep_their_companions(definitions: Definitions, given: list[str]) -> None:
    beside = [{"id": f"i{n}"} if n % 2 else None for n in range(len(given))]
    names = [{"given": given} | ({"_given": beside} if any(beside) else {})]

    operations(PATIENT, changed(name=names), definitions)
    operations(changed(name=names), PATIENT, definitions)


def test_official_examples_turn_into_each_other(definitions: Definitions, r4_examples: Path) -> None:
    by_type: dict[str, list[Path]] = {}
    for path in sorted(r4_examples.glob("*-*.json")):
        if path.stat().st_size < 12_000:
            by_type.setdefault(path.name.partition("-")[0], []).append(path)
    tried = 0
    for paths in by_type.values():
        some = Random(7).sample(paths, min(4, len(paths)))
        for before, after in pairwise([json.decode(path.read_bytes()) for path in some]):
            if len(patch_between(before, after, definitions).get("parameter", [])) <= OPERATION_LIMIT:
                operations(before, after, definitions)
                tried += 1

    assert tried > 200
