"""https://hl7.org/fhir/R4/location.html#positional: `near`, over HTTP."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from .conftest import Fhir

PLACES = {"東京駅": (35.681236, 139.767125), "上野駅": (35.713768, 139.777254), "大阪駅": (34.702485, 135.495951)}


@pytest.fixture(scope="module")
def tag(server: Any) -> str:
    """Three stations, and a place of which nobody knows where it is."""
    made = str(uuid4())
    with httpx.Client(base_url=f"{server.base}/") as client:
        for name, place in [*PLACES.items(), ("どこか", None)]:
            location = {"resourceType": "Location", "meta": {"tag": [{"code": made}]}, "name": name}
            if place:
                location["position"] = {"latitude": place[0], "longitude": place[1]}
            assert client.post("Location", json=location).status_code == 201
    return made


@pytest.mark.parametrize(
    ("near", "expected"),
    [
        ("35.681236|139.767125|1|km", {"東京駅"}),
        ("35.681236|139.767125|3.7|km", {"東京駅"}),  # 3.731 km from one to the other
        ("35.681236|139.767125|3.8|km", {"東京駅", "上野駅"}),
        ("35.681236|139.767125|3800|m", {"東京駅", "上野駅"}),
        ("35.681236|139.767125|3.8", {"東京駅", "上野駅"}),
        ("35.681236|139.767125", {"東京駅", "上野駅"}),
        ("35.681236|139.767125|251|[mi_i]", {"東京駅", "上野駅", "大阪駅"}),
        ("35.681236|139.767125|0|km", {"東京駅"}),
        ("-35.681236|139.767125|100|km", set()),
        ("34.702485|135.495951|1|km,35.713768|139.777254|1|km", {"大阪駅", "上野駅"}),
    ],
)
def test_near_finds_what_is_no_further_away(api: httpx.Client, tag: str, near: str, expected: set[str]) -> None:
    bundle = api.get("Location", params={"_tag": tag, "near": near}).json()

    assert {entry["resource"]["name"] for entry in bundle.get("entry", ())} == expected, bundle


def test_near_may_be_missing(api: httpx.Client, tag: str) -> None:
    bundle = api.get("Location", params={"_tag": tag, "near:missing": "true"}).json()

    assert [entry["resource"]["name"] for entry in bundle["entry"]] == ["どこか"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("near", ["東京駅", "上野駅", "大阪駅"]),
        ("-near", ["大阪駅", "上野駅", "東京駅"]),
        ("name,near", ["上野駅", "大阪駅", "東京駅"]),
    ],
)
def test_places_are_sorted_by_their_distance(api: httpx.Client, tag: str, sort: str, expected: list[str]) -> None:
    asked = {"_tag": tag, "near": "35.681236|139.767125|500|km", "_sort": sort, "_count": "2"}
    pages = [api.get("Location", params=asked).raise_for_status().json()]
    pages.append(api.get(next(link["url"] for link in pages[0]["link"] if link["relation"] == "next")).json())

    assert [entry["resource"]["name"] for page in pages for entry in page["entry"]] == expected


def test_of_several_centres_the_nearest_counts(api: httpx.Client, tag: str) -> None:
    asked = {"_tag": tag, "near": "35.7|139.78|500|km,34.702485|135.495951|1|km", "_sort": "near"}
    bundle = api.get("Location", params=asked).json()

    assert [entry["resource"]["name"] for entry in bundle["entry"]] == ["大阪駅", "上野駅", "東京駅"]


@pytest.mark.parametrize(
    "search", ["Location?_sort=near", "Encounter?_sort=location.near", "Location?near:missing=false&_sort=near"]
)
def test_a_sort_by_distance_needs_a_centre(api: httpx.Client, search: str) -> None:
    answer = api.get(search)

    assert answer.status_code == 400
    assert "near=latitude|longitude" in answer.text


async def test_contained_places_are_sorted_by_their_distance(fhir: Fhir) -> None:
    places = [
        {"resourceType": "Location", "id": str(n), "name": name, "position": {"latitude": at[0], "longitude": at[1]}}
        for n, (name, at) in enumerate(PLACES.items())
    ]
    visit = {"resourceType": "Encounter", "id": "e", "status": "planned", "class": {"code": "HH"}, "contained": places}
    await fhir.put(visit | {"location": [{"location": {"reference": f"#{n}"}} for n in range(3)]})

    inside = "_contained=true&_containedType=contained"
    _, bundle = await fhir("GET", f"Location?near=34.7|135.5|500|km&_sort=near&{inside}")

    assert [entry["resource"]["name"] for entry in bundle["entry"]] == ["大阪駅", "東京駅", "上野駅"]
