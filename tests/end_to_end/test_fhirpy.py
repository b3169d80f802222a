"""A real client library drives a real server: fhirpy, its asynchronous and its synchronous client alike.

https://github.com/beda-software/fhir-py
"""

import inspect
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound
from fhirpy.base.searchset import Raw

# fhirpy warns of its own call to its own deprecated argument.
pytestmark = pytest.mark.filterwarnings("ignore:The first arg of method patch:DeprecationWarning")

SYSTEM = "http://example.jp/fhirpy"


async def settled(value: Any) -> Any:
    """Return what the asynchronous client promises, or what the synchronous one has given already."""
    return await value if inspect.isawaitable(value) else value


class Own:
    """A client, and what one test makes with it: everything carries an identifier of the test's own."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.value = uuid4().hex
        self.identifier = [{"system": SYSTEM, "value": self.value}]

    def resource(self, resource_type: str, **elements: Any) -> Any:
        return self.client.resource(resource_type, identifier=self.identifier, **elements)

    def search(self, resource_type: str, **parameters: Any) -> Any:
        return self.client.resources(resource_type).search(identifier=self.value, **parameters)

    async def make(self, resource_type: str, **elements: Any) -> Any:
        return await settled(self.resource(resource_type, **elements).create())

    async def observation(self, patient: Any, **elements: Any) -> Any:
        code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
        return await self.make("Observation", status="final", code=code, subject=patient, **elements)


@pytest.fixture(params=[AsyncFHIRClient, SyncFHIRClient], ids=["async", "sync"])
def own(request: pytest.FixtureRequest, server: Any) -> Own:
    return Own(request.param(server.base))


def entry(method: str, url: str, resource: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"request": {"method": method, "url": url}, **({"resource": resource} if resource else {}), **more}


async def test_a_resource_without_an_id_is_created_and_gets_one(own: Own) -> None:
    patient = await own.make("Patient", name=[{"text": "山田 花子"}])

    assert patient.id
    found = await settled(own.search("Patient").get())
    assert found.serialize() == patient.serialize()


async def test_a_resource_with_an_id_is_put_there(own: Own) -> None:
    patient = await own.make("Patient", id=f"p-{own.value}", active=True)

    assert patient.id == f"p-{own.value}"
    assert (await settled(own.client.get("Patient", patient.id)))["active"] is True
    assert (await settled(own.client.get(f"Patient/{patient.id}")))["id"] == patient.id


async def test_saving_again_makes_a_new_version(own: Own) -> None:
    patient = await own.make("Patient", name=[{"text": "山田"}])

    patient["active"] = True
    patient.birthDate = "1945-01-12"
    patient.name[0].text = "佐藤"
    await settled(patient.save())

    check = await settled(own.search("Patient").get())
    assert (check.active, check["birthDate"], check.get_by_path("name.0.text")) == (True, "1945-01-12", "佐藤")
    assert check.meta.versionId == "2"


async def test_saving_some_fields_changes_only_them(own: Own) -> None:
    patient = await own.make(
        "Patient", gender="female", active=False, name=[{"text": "山田"}], managingOrganization={"reference": "urn:x"}
    )

    patient["gender"] = "male"
    patient["active"] = True
    patient["managingOrganization"] = None
    await settled(patient.save(fields=["gender", "managingOrganization"]))

    check = await settled(patient.to_reference().to_resource())
    assert (check["gender"], check["active"]) == ("male", False)
    assert check.get("managingOrganization") is None


async def test_every_way_to_patch_works(own: Own) -> None:
    patient = await own.make("Patient", active=False, birthDate="1998-01-01")

    await settled(patient.patch(active=True))
    await settled(own.client.patch("Patient", patient.id, gender="other"))
    await settled(patient.to_reference().patch(name=[{"text": "山田"}], birthDate=None))
    conditional = await settled(own.search("Patient").patch(deceasedBoolean=False))

    check = await settled(own.client.get("Patient", patient.id))
    assert check == conditional.serialize()
    assert check["meta"]["versionId"] == "5"
    assert {name: check.get(name) for name in ("active", "gender", "name", "birthDate", "deceasedBoolean")} == {
        "active": True,
        "gender": "other",
        "name": [{"text": "山田"}],
        "birthDate": None,
        "deceasedBoolean": False,
    }


async def test_an_update_replaces_the_whole(own: Own) -> None:
    first = await own.make("Patient", name=[{"text": "山田"}], active=False)

    await settled(own.resource("Patient", id=first.id, active=True).update())
    await settled(first.refresh())

    assert (first.get("name"), first["active"]) == (None, True)


async def test_refreshing_what_is_unchanged_leaves_it(own: Own) -> None:
    patient = await own.make("Patient", active=True)
    before = patient.serialize()

    await settled(patient.refresh())

    assert patient.serialize() == before


async def test_deleted_is_gone(own: Own) -> None:
    patient = await own.make("Patient")
    other = await own.make("Patient")

    await settled(patient.delete())
    await settled(other.to_reference().delete())

    assert await settled(own.search("Patient").count()) == 0
    with pytest.raises(ResourceNotFound):
        await settled(patient.to_reference().to_resource())


async def test_get_or_create_makes_one_and_then_finds_it(own: Own) -> None:
    first, made = await settled(own.search("Patient").get_or_create(own.resource("Patient", active=True)))
    second, made_again = await settled(own.search("Patient").get_or_create(own.resource("Patient", active=False)))

    assert (made, made_again) == (True, False)
    assert first.serialize() == second.serialize()


async def test_create_with_criteria_is_conditional(own: Own) -> None:
    existing = await own.make("Patient", active=True)

    again = await settled(own.resource("Patient", name=[{"text": "x"}]).create(identifier=own.value))

    assert again.serialize() == existing.serialize()


async def test_a_conditional_update_creates_and_then_updates(own: Own) -> None:
    first, made = await settled(own.search("Patient").update(own.resource("Patient", active=True)))
    second, made_again = await settled(own.search("Patient").update(own.resource("Patient", active=False)))

    assert (made, made_again) == (True, False)
    assert first.id == second.id
    assert (second.active, second.meta.versionId) == (False, "2")


async def test_a_conditional_delete_deletes_one_and_none_is_no_error(own: Own) -> None:
    await own.make("Patient")

    _, status = await settled(own.search("Patient").delete())
    _, nothing = await settled(own.search("Patient").delete())

    assert (status, nothing) == (200, 204)
    assert await settled(own.search("Patient").count()) == 0


async def test_conditional_interactions_refuse_several_matches(own: Own) -> None:
    await own.make("Patient")
    await own.make("Patient")
    proposal = own.resource("Patient")

    for attempt in (
        lambda: own.search("Patient").get_or_create(proposal),
        lambda: own.search("Patient").update(proposal),
        lambda: own.search("Patient").patch(active=True),
        lambda: own.search("Patient").delete(),
        lambda: own.search("Patient").get(),
    ):
        with pytest.raises(MultipleResourcesFound):
            await settled(attempt())


async def test_what_is_not_there_is_not_found(own: Own) -> None:
    with pytest.raises(ResourceNotFound):
        await settled(own.search("Patient", _id="not_existing_id").get())
    with pytest.raises(ResourceNotFound):
        await settled(own.search("Patient").patch(active=True))
    with pytest.raises(ResourceNotFound):
        await settled(own.client.resources("NotExistingResource").fetch())
    with pytest.raises(ResourceNotFound):
        await settled(own.client.get("Patient", "not-there"))


async def test_an_invalid_resource_is_refused_with_an_outcome(own: Own) -> None:
    with pytest.raises(OperationOutcome) as raised:
        await own.make("Patient", name="invalid")

    assert raised.value.resource["issue"][0]["expression"] == ["Patient.name"]


async def test_searches_say_what_they_look_for(own: Own) -> None:
    await own.make("Patient", gender="male", birthDate="1901-05-25", name=[{"family": "山田"}])
    await own.make("Patient", gender="female", birthDate="1905-05-25", name=[{"family": "佐藤"}])

    async def families(**parameters: Any) -> list[str]:
        found = await settled(own.search("Patient", **parameters).sort("birthdate").fetch())
        return [patient.get_by_path("name.0.family") for patient in found]

    assert await families() == ["山田", "佐藤"]
    assert await families(gender="male", birthdate="1901-05-25") == ["山田"]
    assert await families(birthdate__gt="1903") == ["佐藤"]
    assert await families(birthdate__ge=date(1901, 5, 25), birthdate__lt="1905") == ["山田"]
    assert await families(gender__not="male") == ["佐藤"]
    assert await families(name__contains="田") == ["山田"]
    assert await families(name__exact="佐") == []
    assert await families(family="さとう,山") == ["山田"]
    assert await families(_lastUpdated__lt="2020") == []


async def test_counts_and_the_first_of_many(own: Own) -> None:
    assert await settled(own.search("Patient").count()) == 0
    assert await settled(own.search("Patient").first()) is None

    await own.make("Patient", name=[{"text": "ん"}])
    await own.make("Patient", name=[{"text": "あ"}])

    assert await settled(own.search("Patient").count()) == 2
    first = await settled(own.search("Patient").sort("name").first())
    last = await settled(own.search("Patient").sort("-name").first())
    assert [first.get_by_path("name.0.text"), last.get_by_path("name.0.text")] == ["あ", "ん"]


async def test_a_transaction_makes_many_and_all_pages_are_fetched(own: Own) -> None:
    patients = [
        {"resourceType": "Patient", "identifier": own.identifier, "name": [{"text": f"J{n}"}]} for n in range(18)
    ]
    bundle = own.client.resource(
        "Bundle", type="transaction", entry=[entry("POST", "/Patient", patient) for patient in patients]
    )

    made = await settled(bundle.save())
    fetched = await settled(own.search("Patient").limit(5).fetch_all())
    page = await settled(own.search("Patient").limit(5).fetch_raw())

    assert {one.response.status for one in made.entry} == {"201 Created"}
    assert len(fetched) == len({patient.id for patient in fetched}) == 18
    assert len(page.entry) == 5
    assert {link["relation"] for link in page.link} >= {"self", "next"}


async def test_the_last_page_has_no_next(own: Own) -> None:
    for _ in range(4):
        await own.make("Patient")

    page = await settled(own.search("Patient").limit(4).fetch_raw())

    assert "next" not in {link["relation"] for link in page.link}


async def test_a_batch_and_a_transaction_are_executed(own: Own) -> None:
    urn = f"urn:uuid:{uuid4()}"
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": urn},
    }

    transaction = await settled(
        own.client.execute(
            "/",
            data={
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [
                    entry("POST", "Observation", observation | {"identifier": own.identifier}),
                    entry("POST", "Patient", {"resourceType": "Patient", "identifier": own.identifier}, fullUrl=urn),
                    entry("GET", f"Observation?identifier={own.value}"),
                ],
            },
        )
    )
    batch = await settled(
        own.client.execute(
            "",
            data={
                "resourceType": "Bundle",
                "type": "batch",
                "entry": [entry("GET", f"Patient?identifier={own.value}"), entry("GET", "Patient/not-there")],
            },
        )
    )

    patient = transaction.entry[1].resource
    assert transaction.type == "transaction-response"
    assert transaction.entry[0].resource.subject.reference == f"Patient/{patient.id}"
    assert transaction.entry[2].resource.total == 1
    assert batch.entry[0].resource.entry[0].resource.id == patient.id
    assert batch.entry[1].response.status == "404 Not Found"


async def test_a_transaction_with_a_bad_entry_stores_nothing(own: Own) -> None:
    good = {"resourceType": "Patient", "identifier": own.identifier}
    bundle = own.client.resource(
        "Bundle",
        type="transaction",
        entry=[entry("POST", "Patient", good), entry("POST", "Patient", good | {"active": "perhaps"})],
    )

    with pytest.raises(OperationOutcome) as raised:
        await settled(bundle.save())

    assert raised.value.resource["issue"][0]["expression"] == ["Bundle.entry[1].resource.active"]
    assert await settled(own.search("Patient").count()) == 0


async def test_includes_come_along(own: Own) -> None:
    patient = await own.make("Patient")
    await own.observation(patient)

    with_patient = await settled(own.search("Observation").include("Observation", "subject").fetch_raw())
    with_observation = await settled(own.search("Patient").revinclude("Observation", "subject").fetch_raw())

    for bundle, types in ((with_patient, ["Observation", "Patient"]), (with_observation, ["Patient", "Observation"])):
        assert [one.resource.resource_type for one in bundle.entry] == types
        assert [one.search.mode for one in bundle.entry] == ["match", "include"]


async def test_chains_and_has_lead_to_other_resources(own: Own) -> None:
    patient = await own.make("Patient", name=[{"family": "山田"}])
    await own.make("Patient", name=[{"family": "佐藤"}])
    await own.observation(patient)
    observations = own.client.resources("Observation")

    chained = await settled(observations.search(subject__Patient__name="山田", patient__identifier=own.value).fetch())
    by_resource = await settled(observations.search(subject=patient).fetch())
    has = await settled(own.search("Patient").has("Observation", "patient", code="29463-7").fetch())
    raw = await settled(own.search("Patient").search(Raw(**{"_has:Observation:patient:code": "29463-7"})).count())

    assert len(chained) == len(by_resource) == 1
    assert [one.id for one in has] == [patient.id]
    assert raw == 1


async def test_references_lead_to_their_resources(own: Own) -> None:
    patient = await own.make("Patient", name=[{"text": "山田"}])
    observation = await own.observation(patient)

    target = await settled(observation.subject.to_resource())
    found = await settled(own.search("Observation").get())

    assert target.serialize() == patient.serialize()
    assert found.subject.reference == f"Patient/{patient.id}"
    with pytest.raises(OperationOutcome):
        await settled(patient.delete())


async def test_elements_and_summaries_give_parts(own: Own) -> None:
    await own.make("Patient", name=[{"text": "山田"}], photo=[{"title": "x"}], gender="male")

    gender = await settled(own.search("Patient").elements("gender").get())
    summary = await settled(own.search("Patient").search(_summary="true").get())

    assert gender["gender"] == "male" and "name" not in gender
    assert "photo" not in summary


async def test_history_tells_the_versions(own: Own) -> None:
    patient = await own.make("Patient")
    await settled(patient.patch(active=True))

    history = await settled(patient.execute("_history", "get"))
    type_history = await settled(own.client.execute("Patient/_history", "get", params={"_count": 1}))

    assert (history.type, history.total) == ("history", 2)
    assert [one.resource.meta.versionId for one in history.entry] == ["2", "1"]
    assert type_history.type == "history"
