"""`_sort` by composite parameters: by their components, the first before the second.

https://hl7.org/fhir/R4/search.html#sort
"""

from typing import Any

import httpx
import pytest

from .conftest import Fhir

VALUES: dict[str, tuple[tuple[str, float], ...]] = {
    "two": (("b", 7), ("a", 100)),
    "small": (("a", -5),),
    "other": (("b", 30),),
    "longer": (("ab", 1),),
    "none": (),
}


def observation(id_: str, values: tuple[tuple[str, float], ...]) -> dict[str, Any]:
    components = [
        {"code": {"coding": [{"code": code}], "text": "A text is no code"}, "valueQuantity": {"value": value}}
        for code, value in values
    ]
    made = {"resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "x"}}
    return made | ({"component": components} if components else {})


UPWARD = ["none", "small", "two", "longer", "other"]
DOWNWARD = ["other", "two", "longer", "small", "none"]


@pytest.mark.parametrize(("sort", "expected"), [("", UPWARD), ("-", DOWNWARD)])
async def test_the_first_component_comes_before_the_second(fhir: Fhir, sort: str, expected: list[str]) -> None:
    await fhir.put(*(observation(id_, values) for id_, values in VALUES.items()))

    _, bundle = await fhir("GET", f"Observation?_sort={sort}component-code-value-quantity")

    assert [entry["resource"]["id"] for entry in bundle["entry"]] == expected


@pytest.mark.parametrize(("sort", "expected"), [("", UPWARD), ("-", DOWNWARD)])
def test_so_it_does_over_http_and_pages(api: httpx.Client, sort: str, expected: list[str]) -> None:
    for id_, values in VALUES.items():
        api.put(f"Observation/sort-{id_}", json=observation(f"sort-{id_}", values)).raise_for_status()
    ids = ",".join(f"sort-{id_}" for id_ in VALUES)
    page = api.get(f"Observation?_id={ids}&_sort={sort}component-code-value-quantity&_count=2").json()
    found = [page]
    while url := next((link["url"] for link in found[-1]["link"] if link["relation"] == "next"), None):
        found.append(api.get(url).raise_for_status().json())

    assert [entry["resource"]["id"].removeprefix("sort-") for each in found for entry in each["entry"]] == expected
