"""https://hl7.org/fhir/R4/valueset-filter-operator.html: what the filters of one value set may take together."""

import time
from typing import Any

from fhir_service.terminology.code_system import read
from fhir_service.terminology.value_set import selected

URL = "http://example.org/many"
MANY = read(
    {
        "resourceType": "CodeSystem", "url": URL, "content": "complete",
        "concept": [{"code": f"{'a' * 200}{n}"} for n in range(20_000)],
    }
)  # fmt: skip


def contains(filters: int, code: str) -> bool | None:
    each: list[dict[str, Any]] = [{"property": "code", "op": "regex", "value": f"a+{n}.*"} for n in range(filters)]
    include = [{"system": URL, "filter": [one]} for one in each]
    return selected({"compose": {"include": include}}, lambda _: None, lambda *_: MANY).contains(URL, code)


def test_what_filters_pick_is_told() -> None:
    assert contains(2, f"{'a' * 200}1") is True
    assert contains(2, f"{'a' * 200}2") is False


def test_what_very_dear_filters_pick_cannot_be_told() -> None:
    started = time.process_time()

    assert contains(500, f"{'a' * 200}999") is None
    assert time.process_time() - started < 3
