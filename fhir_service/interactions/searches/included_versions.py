"""What an `_include` gives for a reference to a version: that version.

"If a resource has a reference that is versioned and _include is performed, the specified version SHOULD be provided."
https://hl7.org/fhir/R4/search.html#versions
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from fhir_service.fhir import json
from fhir_service.fhir.search.query import Include
from fhir_service.interactions.services import Services
from fhir_service.storage.store import Page, Version

_VERSIONED = b"/_history/"
_NUMBER = re.compile(r"[1-9][0-9]{0,17}").fullmatch


async def with_versions(page: Page, includes: Sequence[Include], services: Services) -> Page:
    """Return the page with those versions of what is included that are referred to; itself if all are current."""
    if not page.included:
        return page
    sources = {each.source for each in includes if not each.reverse}
    shown = [version for version in (*page.matches, *page.included) if version.key.type in sources]
    if not any(_VERSIONED in version.body for version in shown):
        return page
    asked = _asked_versions(shown, includes, services)
    included: list[Version] = []
    for version in page.included:
        wanted = asked.get(str(version.key), {None})
        older = [await services.store.vread(version.key, each) for each in sorted(filter(None, wanted))]
        found = [each for each in older if each is not None and not each.deleted and each.version != version.version]
        if None in wanted or len(found) < len(older):
            included.append(version)
        included += found
    return replace(page, included=tuple(included))


def _asked_versions(
    shown: Iterable[Version], includes: Sequence[Include], services: Services
) -> dict[str, set[int | None]]:
    """Return by target which versions the included references name; None stands for a reference without version."""
    codes = {(each.source, each.parameter.code) for each in includes if not each.reverse}
    asked: dict[str, set[int | None]] = {}
    for version in shown:
        for entry in services.indexer.index(json.decode(version.body)).references:
            if entry.target is not None and (version.key.type, entry.code) in codes:
                named = None if entry.canonical else _NUMBER(entry.version or "")
                asked.setdefault(entry.address or entry.target, set()).add(int(named[0]) if named else None)
    return asked
