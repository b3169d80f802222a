"""https://hl7.org/fhir/R4/location.html#positional: `near`, over HTTP."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

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
