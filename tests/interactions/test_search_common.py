"""The parameters that every resource type has, wherever a criterion may stand.

https://hl7.org/fhir/R4/search.html#all and #list
"""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from .conftest import Fhir

TAGS = "http://example.jp/common"
PROFILE = "http://example.jp/profile"


def world(one: str) -> list[dict[str, Any]]:
    """Return two people, one a Patient and one a Group's member, what refers to them, and a list of them."""
    meta = {
        "tag": [{"system": TAGS, "code": one}],
        "profile": [f"{PROFILE}/{one}"],
        "security": [{"system": f"{TAGS}/security", "code": one}],
        "source": f"urn:source:{one}",
    }
    code = {"text": "x"}

    def observation(name: str, subject: str, **more: Any) -> dict[str, Any]:
        made = {"resourceType": "Observation", "id": f"{one}-{name}", "status": "final", "code": code}
        return made | {"identifier": [{"value": one}], "subject": {"reference": subject}, **more}

    within = {name: said for name, said in meta.items() if name != "security"}  # dom-5
    inner = {"resourceType": "Patient", "id": "inner", "meta": within}
    return [
        {"resourceType": "Patient", "id": f"{one}-p", "meta": meta},
        {"resourceType": "Patient", "id": f"{one}-q"},
        {"resourceType": "Group", "id": f"{one}-g", "type": "person", "actual": True, "meta": meta},
        observation("of-p", f"Patient/{one}-p"),
        observation("of-q", f"Patient/{one}-q"),
        observation("of-g", f"Group/{one}-g"),
        observation("of-inner", "#inner", contained=[inner]),
        {
            "resourceType": "List",
            "id": f"{one}-l",
            "status": "current",
            "mode": "changes",
            "entry": [
                {"item": {"reference": f"Patient/{one}-p"}},
                {"deleted": True, "item": {"reference": f"Patient/{one}-q"}},
                {"deleted": False, "item": {"reference": f"Group/{one}-g"}},
            ],
        },
    ]


ASKED = {
    "Observation?subject._type=Patient": {"of-p", "of-q", "of-inner"},
    "Observation?subject._type=Group": {"of-g"},
    "Observation?subject._type=Group,Patient": {"of-p", "of-q", "of-g", "of-inner"},
    "Observation?subject._type:not=Patient": {"of-g"},
    "Observation?subject:Patient._type=Group": set(),
    "Observation?subject._type=Device": set(),
    "Observation?_filter=subject._type eq Group": {"of-g"},
    "Observation?subject._id=ONE-p": {"of-p"},
    "Observation?subject._id=ONE-p,ONE-g": {"of-p", "of-g"},
    "Observation?subject._id:not=ONE-p": {"of-q", "of-g", "of-inner"},
    "Observation?subject._id=inner": {"of-inner"},
    "Observation?subject._lastUpdated=gt2020": {"of-p", "of-q", "of-g"},
    "Observation?subject._lastUpdated=lt2020": set(),
    f"Observation?subject._tag={TAGS}|ONE": {"of-p", "of-g", "of-inner"},
    f"Observation?subject:Patient._tag={TAGS}|ONE": {"of-p", "of-inner"},
    f"Observation?subject._profile={PROFILE}/ONE": {"of-p", "of-g", "of-inner"},
    "Observation?subject._security=ONE": {"of-p", "of-g"},
    "Observation?subject._source=urn:source:ONE": {"of-p", "of-g", "of-inner"},
    "Observation?subject._list=ONE-l": {"of-p", "of-g"},
    "Observation?subject._list=List/ONE-l": {"of-p", "of-g"},
    "Observation?subject:Patient._list=ONE-l,other": {"of-p"},
    "Observation?_filter=subject._list eq ONE-l": {"of-p", "of-g"},
    "Patient?_list=ONE-l": {"p"},
    "Patient?_id=|ONE-p": {"p"},
    "Patient?_id=x|ONE-p": set(),
    "Patient?_has:Observation:subject:_id=ONE-of-q": {"q"},
    "Patient?_has:Observation:subject:_type=Observation&_id=ONE-p,ONE-q": {"p", "q"},
    "Patient?_has:Observation:subject:_type=Encounter&_id=ONE-p,ONE-q": set(),
    "Patient?_has:Observation:subject:_lastUpdated=gt2020&_id=ONE-p,ONE-q": {"p", "q"},
    "Patient?_has:Observation:subject:_tag=ONE": set(),
    f"Patient?_has:List:item:_has:List:item:_tag={TAGS}|ONE": set(),
    "Patient?_has:List:item:_id=ONE-l": {"p", "q"},
    "Patient?_has:List:current-item:_id=ONE-l": {"p"},
}  # fmt: skip


def asked_of(query: str, one: str) -> str:
    ours = f"&identifier={one}" if query.startswith("Observation") else ""
    return f"{query.replace('ONE', one)}{ours}"


def test_they_are_answered_at_the_end_of_chains_and_in_has(api: httpx.Client) -> None:
    one = str(uuid4())[:8]
    for each in world(one):
        assert api.put(f"{each['resourceType']}/{each['id']}", json=each).status_code == 201

    found = {}
    for query in ASKED:
        answer = api.get(asked_of(query, one))
        assert answer.status_code == 200, answer.text
        found[query] = {each["resource"]["id"].removeprefix(f"{one}-") for each in answer.json().get("entry", ())}

    assert found == ASKED


async def test_they_are_in_memory(fhir: Fhir) -> None:
    await fhir.put(*world("one"))

    assert {query: await fhir.total(asked_of(query, "one")) for query in ASKED} == {
        query: len(expected) for query, expected in ASKED.items()
    }


@pytest.mark.parametrize(
    "query",
    [
        "_type=Observation",
        "subject._type=Person,Nobody",
        "subject._type:text=Patient",
        "subject._list=Patient/1",
        "_list=$current-problems",
        "_list=a b",
        "_list:not=1",
        "_filter=subject._type ne Group",
    ],
)
def test_what_names_no_type_or_list_is_refused(api: httpx.Client, query: str) -> None:
    assert api.get(f"Observation?{query}").status_code == 400
