"""https://www.rfc-editor.org/rfc/rfc6902"""

from decimal import Decimal
from typing import Any

import pytest

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.patch.json_patch import apply_json_patch

PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "1", "name": [{"family": "山田", "given": ["花子"]}]}


def test_operations_are_applied_in_their_order_and_the_document_stays_as_it_was() -> None:
    patched = apply_json_patch(
        PATIENT,
        [
            {"op": "test", "path": "/name/0/family", "value": "山田"},
            {"op": "add", "path": "/name/0/given/0", "value": "春"},
            {"op": "move", "from": "/name/0/given/1", "path": "/name/0/given/0"},
            {"op": "replace", "path": "/name/0/family", "value": "佐藤"},
            {"op": "copy", "from": "/name/0", "path": "/name/-"},
            {"op": "remove", "path": "/name/1/given"},
        ],
    )

    assert patched["name"] == [{"family": "佐藤", "given": ["花子", "春"]}, {"family": "佐藤"}]
    assert PATIENT["name"] == [{"family": "山田", "given": ["花子"]}]


def test_decimals_stay_exact() -> None:
    value = {"value": Decimal("1.00")}

    patched = apply_json_patch(value, [{"op": "add", "path": "/other", "value": Decimal("2.50")}])

    assert str(patched["value"]) == "1.00" and str(patched["other"]) == "2.50"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/name/0/family", "value": "鈴木"},
        {"op": "test", "path": "/gender", "value": "male"},
        {"op": "remove", "path": "/gender"},
        {"op": "replace", "path": "/name/7", "value": {}},
        {"op": "add", "path": "/contact/0/gender", "value": "male"},
        {"op": "add", "path": "/name/first", "value": {}},
        {"op": "add", "path": "/name/9", "value": {}},
        {"op": "move", "from": "/name", "path": "/name/0"},
        {"op": "remove", "path": ""},
        {"op": "copy", "from": "/gender", "path": "/id"},
    ],
)
def test_an_operation_that_cannot_be_applied_is_422_and_named(operation: dict[str, Any]) -> None:
    with pytest.raises(FhirError) as raised:
        apply_json_patch(PATIENT, [{"op": "test", "path": "/id", "value": "1"}, operation])

    assert raised.value.status == 422
    assert f"[1] ({operation['op']} {operation['path']})" in raised.value.issues[0].en


@pytest.mark.parametrize(
    "patch",
    [
        {"op": "remove", "path": "/name"},
        "remove",
        None,
        7,
        ["remove"],
        [{"path": "/name"}],
        [{"op": "explode", "path": "/name"}],
        [{"op": ["remove"], "path": "/name"}],
        [{"op": "remove"}],
        [{"op": "remove", "path": "name"}],
        [{"op": "remove", "path": 1}],
        [{"op": "remove", "path": None}],
        [{"op": "add", "path": "/gender"}],
        [{"op": "move", "path": "/gender"}],
        [{"op": "copy", "path": "/gender", "from": 3}],
        [{"op": "remove", "path": "/~2"}],
    ],
)
def test_what_is_no_json_patch_is_400(patch: Any) -> None:
    with pytest.raises(FhirError) as raised:
        apply_json_patch(PATIENT, patch)

    assert raised.value.status == 400


def test_copies_that_double_the_document_again_and_again_are_refused() -> None:
    doubling = [{"op": "copy", "from": "/name", "path": "/name/-"}] * 60

    with pytest.raises(FhirError, match="copies too much"):
        apply_json_patch(PATIENT, doubling)


def test_a_patch_that_nests_without_end_is_refused() -> None:
    path = "".join("/a" for _ in range(3000))
    nesting = [{"op": "add", "path": path[: 2 * n], "value": {}} for n in range(1, 1500)]
    nesting.append({"op": "copy", "from": "/a", "path": "/b"})

    with pytest.raises(FhirError) as raised:
        apply_json_patch({}, nesting)

    assert raised.value.status == 422
