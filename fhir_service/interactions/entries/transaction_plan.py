"""What each write of a transaction is about, decided in the order of the specification.

https://hl7.org/fhir/R4/http.html#trules
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import groupby

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.resource import Key, key_of
from fhir_service.interactions.answers.preconditions import expected, keep_expected
from fhir_service.interactions.answers.versions import not_found, standing
from fhir_service.interactions.apart import apart
from fhir_service.interactions.entries.transaction_search import TransactionSearch
from fhir_service.interactions.entries.transaction_write import Write
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.commit import must_stand
from fhir_service.interactions.writes.criteria import Criteria, criteria_of, decoded, refuse_taken
from fhir_service.interactions.writes.patched import patched
from fhir_service.interactions.writes.proposal import checked, same_id
from fhir_service.interactions.writes.rules import has_rules
from fhir_service.storage.store import Delete
from fhir_service.validation.run import Outside


async def decide(writes: Sequence[Write], base: str, services: Services) -> TransactionSearch:
    """Decide the writes, which are in the order of processing; return the searches that the commit is bound to.

    "The outcome of the processing the transaction SHALL NOT depend on the order of the resources": the criteria of what
    deletes, and of what updates, are looked up before any of these is done, and find nothing that one of them makes.
    "If any resource identities overlap …, then the transaction SHALL fail": 400.
    """
    search = TransactionSearch(base, services)
    taken: dict[Key, Write] = {}
    for _, group in groupby(writes, key=lambda write: write.entry.order):
        members = list(group)
        for write in members:
            write.forget()
            await _tried(write, _aim, search, services)
        for write in members:
            await _tried(write, _DECIDE[write.entry.method], search, services)
            for key in write.written:
                if taken.setdefault(key, write) is not write:
                    raise write.refused(_overlap(key, taken[key]))
        for write in members:
            for key in await search.found_among_put(write.asked) if write.asked else ():
                if key != write.key:
                    raise write.refused(_overlap(key, taken[key]))
    return search


_Step = Callable[[Write, TransactionSearch, Services], Awaitable[None]]


async def _tried(write: Write, step: _Step, search: TransactionSearch, services: Services) -> None:
    try:
        await step(write, search, services)
    except FhirError as error:
        raise write.refused(error) from None


async def _aim(write: Write, search: TransactionSearch, services: Services) -> None:
    """Look up what the criteria of a conditional update, patch or delete find."""
    path = write.entry.path
    if len(path) == 2:
        write.aims = (Key(path[0], path[1]),)
    elif write.entry.method == "DELETE" and services.conditional_delete == "multiple":
        write.aims = await search.several(write.type, criteria_of(write.entry.query), services.max_delete)
    elif write.entry.method != "POST":
        write.asked = search.query(write.type, criteria_of(write.entry.query))
        key, write.found = await search.single(write.asked)
        write.aims = () if key is None else (key,)


async def _delete(write: Write, search: TransactionSearch, services: Services) -> None:
    write.key = write.aims[0] if len(write.aims) == 1 else None
    for key in write.aims:
        write.deletes += (Delete(key, await must_stand(key, write.request.headers, services)),)
        search.deleted(key)


async def _create(write: Write, search: TransactionSearch, services: Services) -> None:
    assert write.proposal is not None
    if criteria := _create_criteria(write):
        write.key, write.match = await search.single(search.query(write.type, criteria))
        if write.key is not None:
            return
    write.key = key_of(write.proposal)
    write.put = write.proposal
    write.expected = 0
    search.put(write.put)


async def _update(write: Write, search: TransactionSearch, services: Services) -> None:
    assert write.proposal is not None
    write.key = write.aims[0] if write.aims else None
    write.put = write.proposal
    if write.key is None:
        write.expected = 0
        await _new_identity(write, services)
    elif "id" not in write.put:
        write.put = write.put | {"id": write.key.id}
    else:
        same_id(write.put, write.key.id)
    await _judge(write, services)
    search.put(write.put)


async def _new_identity(write: Write, services: Services) -> None:
    """Give a conditional update that found nothing its id; 409 if the client's own is taken."""
    assert write.put is not None
    if "id" not in write.put:
        write.put = write.put | {"id": services.new_id()}
    write.key = key_of(write.put)
    await refuse_taken(write.key, services)


async def _judge(write: Write, services: Services) -> None:
    """Set the version that must stand: the client's (If-Match), or the one that the rules are judged by."""
    assert write.key is not None
    headers = write.request.headers
    if not has_rules(write.type, services):
        if (asked := await must_stand(write.key, headers, services)) is not None:
            write.expected = asked
        return
    version = write.found or await services.store.read(write.key)
    write.before = None if version is None or version.deleted else version
    write.expected = write.before.version if write.before else 0
    write.judged = await must_stand(write.key, headers, services, write.expected) is None


async def _patch(write: Write, search: TransactionSearch, services: Services) -> None:
    if not write.aims:
        raise not_found(f"{write.type}?…")
    write.key = write.aims[0]
    version = standing(write.key, write.found or await services.store.read(write.key))
    keep_expected(write.request.headers, version)
    _, write.put = await patched(version, write.request, services)
    write.wanted.clear()
    write.warnings = await apart(write.put, partial(checked, write.put, services, Outside(wanted=write.wanted)))
    write.before, write.expected = version, version.version
    write.judged = expected(write.request.headers) is None
    search.put(write.put)


_DECIDE: dict[str, _Step] = {
    "DELETE": _delete,
    "POST": _create,
    "PUT": _update,
    "PATCH": _patch,
}


def _create_criteria(write: Write) -> Criteria:
    header = write.request.headers.get("if-none-exist")
    return decoded(header) if header is not None else criteria_of(write.entry.query)


def _overlap(key: Key, other: Write) -> FhirError:
    return fhir_error(
        "invalid",
        f"{key}は{other.entry.expression}でも対象になっています。1つのトランザクションで1つのリソースは1回だけです。",
        f"{key} is also what {other.entry.expression} is about; a transaction may write a resource only once.",
        status=400,
    )
