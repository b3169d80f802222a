"""The composition root: the one file that knows every part and wires them into an application.

The endpoint stands in front of the framework: see `http/endpoint.py`.
"""

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.http.address import BASE_PATH, BaseUrl
from fhir_service.http.asgi import Asgi, Receive, Scope, Send
from fhir_service.http.endpoint import Endpoint
from fhir_service.http.envelope import Envelope
from fhir_service.http.large_body import Limits
from fhir_service.http.site import Site
from fhir_service.interactions.conformance import know_stored
from fhir_service.interactions.routes import dispatch
from fhir_service.interactions.services import Operation, Rule, Services
from fhir_service.jobs.background import Background
from fhir_service.jobs.behind import Behind
from fhir_service.jobs.preparing import Preparing
from fhir_service.jobs.warming import warm
from fhir_service.operations import (
    capabilitystatement_versions,
    composition_document,
    everything,
    fhirpath,
    graphql,
    implementationguide_install,
    observation_lastn,
    patient_match,
    resource_convert,
    resource_diff,
    resource_graph,
    resource_meta,
    resource_validate,
    structuredefinition_snapshot,
)
from fhir_service.outreach import submit_document
from fhir_service.outreach.task_status import task_status
from fhir_service.settings import Settings
from fhir_service.storage.identity import IdSequence
from fhir_service.storage.memory import MemoryStore
from fhir_service.storage.sqlite import SqliteStore
from fhir_service.storage.store import Clock, Store
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.compiled import COMPILED, Compiled
from fhir_service.validation.policy import Policy, PolicyRules
from fhir_service.validation.policy_file import read_policy
from fhir_service.validation.rules import RULES as BY_TYPE
from fhir_service.validation.validator import Validator

OPERATIONS: tuple[Operation, ...] = (
    capabilitystatement_versions.OPERATION,
    fhirpath.OPERATION,
    composition_document.OPERATION,
    *everything.OPERATIONS,
    graphql.OPERATION,
    implementationguide_install.OPERATION,
    observation_lastn.OPERATION,
    patient_match.OPERATION,
    resource_convert.OPERATION,
    resource_diff.OPERATION,
    resource_graph.OPERATION,
    *resource_meta.OPERATIONS,
    resource_validate.OPERATION,
    structuredefinition_snapshot.OPERATION,
    submit_document.OPERATION,
)
RULES: Mapping[str, tuple[Rule, ...]] = {"Task": (task_status,)}


def build(settings: Settings) -> Asgi:
    """Return the whole application, its store open; it closes the store when the server stops."""
    definitions, compiled = _definitions(settings)
    background = Background(_wired(settings, definitions, compiled), timedelta(hours=settings.job_retention))
    services = background.services
    base_url = BaseUrl(settings.base_url, loopback_only=settings.open, trust_proxy=settings.trust_proxy)
    limits = Limits(settings.max_body, settings.max_elements, settings.max_resource_elements)
    endpoint = Endpoint(services, base_url, limits, lambda inner: Envelope(inner, settings.cors_origins))
    preparing = Preparing(definitions, compiled, settings.data_dir)
    behind = (Behind(preparing.run), Behind(lambda: warm(services.validate)))
    return _application(endpoint, Site(services), background, behind)


def wire(settings: Settings) -> Services:
    """Open the definitions and the store, and give each part what it needs (`load` and the demo use this, too)."""
    return _wired(settings, *_definitions(settings))


def _definitions(settings: Settings) -> tuple[Definitions, Compiled]:
    definitions = Definitions.load(packages=settings.packages)
    return definitions, Compiled(settings.data_dir / COMPILED, definitions)


def _wired(settings: Settings, definitions: Definitions, compiled: Compiled) -> Services:
    terminology = LoadedTerminology(definitions, compiled)
    registry = SearchRegistry(definitions, terminology)
    validator = Validator(definitions, terminology, extra=BY_TYPE, compiled=compiled)
    policy = Policy(validator, _policy(settings, definitions))
    return Services(
        store=_store(settings, _now, registry),
        definitions=definitions,
        indexer=Indexer(definitions, registry, *settings.bases),
        check=policy,
        validate=policy.validate,
        now=_now,
        new_id=IdSequence(_now).new_id,
        secret=_secret(settings),
        dispatch=dispatch,
        operations=_by_name(OPERATIONS),
        referential_integrity=settings.referential_integrity,
        default_count=settings.default_count,
        max_count=settings.max_count,
        conditional_delete=settings.conditional_delete,
        max_delete=settings.max_delete,
        max_entries=settings.max_entries,
        rules=RULES,
        member_of=validator.member_of,
    )


def _policy(settings: Settings, definitions: Definitions) -> PolicyRules:
    """Return what the policy file says; that of the data directory if there is one and no other is named."""
    file = settings.policy_file
    return read_policy(file, definitions.resource_types) if file else PolicyRules()


def _by_name(operations: Iterable[Operation]) -> dict[str, tuple[Operation, ...]]:
    named: dict[str, tuple[Operation, ...]] = {}
    for operation in operations:
        named[operation.name] = (*named.get(operation.name, ()), operation)
    return named


def _now() -> datetime:
    return datetime.now(UTC)


def _store(settings: Settings, clock: Clock, registry: SearchRegistry) -> Store:
    path = settings.database_path
    if path is None:
        return MemoryStore(clock, registry)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SqliteStore.open(path, clock, registry)


def _secret(settings: Settings) -> bytes:
    """Return the key that page links are signed with; kept, so that links outlive a restart."""
    if settings.database_path is None:
        return secrets.token_bytes(32)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.data_dir / "secret"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        secret = secrets.token_bytes(32)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)
        return secret


def _application(endpoint: Endpoint, site: Site, background: Background, behind: Sequence[Behind]) -> Asgi:
    below = f"{BASE_PATH}/"

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            await (endpoint if path.startswith(below) or path == BASE_PATH else site)(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send, background, behind)

    return application


async def _lifespan(receive: Receive, send: Send, background: Background, behind: Sequence[Behind]) -> None:
    """https://asgi.readthedocs.io/en/latest/specs/lifespan.html"""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await know_stored(background.services.store, background.services.definitions)
            await background.start()
            background.services.store.start()
            for each in behind:
                each.start()
            await send({"type": "lifespan.startup.complete"})
        else:
            for each in behind:
                await each.close()
            await background.close()
            await background.services.store.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
