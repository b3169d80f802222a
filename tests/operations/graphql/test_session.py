"""What one query may spend, whichever way it spends it."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.search.query import Query
from fhir_service.interactions.services import Services
from fhir_service.operations.graphql.session import MOST_SEARCHING, MOST_VALUES, Session
from fhir_service.storage.store import Page


class SlowStore:
    """Takes half of the time that there is for each search."""

    async def search(self, query: Query, **options: Any) -> Page:
        await asyncio.sleep(MOST_SEARCHING * 0.51)
        return Page(())


async def test_searches_that_take_too_long_together_are_refused_whole() -> None:
    now = datetime.now(UTC)
    session = Session(cast("Services", SimpleNamespace(store=SlowStore(), now=lambda: now)), "", now)

    asked = [session.search(Query("Patient")) for _ in range(20)]
    answers = await asyncio.gather(*asked, return_exceptions=True)

    [found, *refused] = answers
    assert isinstance(found, Page)
    assert {each.issues[0].code for each in refused if isinstance(each, FhirError)} == {"too-costly"}
    assert len([each for each in refused if isinstance(each, FhirError)]) == 19
    with pytest.raises(FhirError, match=r"1 s of searching"):
        raise cast("FhirError", session.stopped)


def test_fields_of_all_kinds_and_items_of_lists_count_as_values() -> None:
    now = datetime.now(UTC)
    session = Session(cast("Services", SimpleNamespace(now=lambda: now)), "", now)

    assert session.values(MOST_VALUES)
    assert not session.values(1)
    assert session.stopped is not None and session.stopped.issues[0].code == "too-costly"
