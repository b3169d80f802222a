"""The one table of what this server does: HTTP, batch entries and the CapabilityStatement all read it.

https://hl7.org/fhir/R4/http.html#summary
"""

from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.interactions.batch import batch
from fhir_service.interactions.capabilities import capability_statement
from fhir_service.interactions.create import create
from fhir_service.interactions.delete import conditional_delete, delete
from fhir_service.interactions.exchange import FhirRequest, FhirResponse, RawBody, TextBody
from fhir_service.interactions.history import history
from fhir_service.interactions.patch import conditional_patch, patch
from fhir_service.interactions.read import read
from fhir_service.interactions.route import Route
from fhir_service.interactions.search_compartment import search_compartment, search_compartment_type
from fhir_service.interactions.search_system import search_system
from fhir_service.interactions.search_type import search_type
from fhir_service.interactions.services import Interaction, Level, Services
from fhir_service.interactions.transaction import transaction
from fhir_service.interactions.update import conditional_update, update
from fhir_service.interactions.vread import vread
from fhir_service.interactions.writes.proposal import is_id

_OTHER_BODIES: dict[type, tuple[str, ...]] = {RawBody: ("$install",), TextBody: ("$graphql",)}
"""The last step of a path to which bytes, or a text, can be sent that are no resource."""
OF_VERSIONS = ("$meta",)
"""The operations that a version of a resource has, too: `[type]/[id]/_history/[vid]/$meta`."""
_LEVELS: tuple[Level, ...] = ("system", "type", "instance")


async def capabilities(request: FhirRequest, services: Services) -> FhirResponse:
    """Return the CapabilityStatement of this table."""
    return capability_statement(request, services, ROUTES)


async def bundle(request: FhirRequest, services: Services) -> FhirResponse:
    """Process the Bundle in the body as its type says."""
    match request.body:
        case {"resourceType": "Bundle", "type": "batch"}:
            return await batch(request, services)
        case {"resourceType": "Bundle", "type": "transaction"}:
            return await transaction(request, services)
        case _:
            raise fhir_error(
                "value",
                "ここにPOSTできるのは、typeがbatchかtransactionのBundleだけです。",
                "Only a Bundle of type batch or transaction can be posted here.",
                ("Bundle.type",),
            )


ROUTES = (
    Route("read", "GET", "[type]/[id]", read),
    Route("vread", "GET", "[type]/[id]/_history/[vid]", vread),
    Route("update", "PUT", "[type]/[id]", update),
    Route("update", "PUT", "[type]", conditional_update),
    Route("patch", "PATCH", "[type]/[id]", patch),
    Route("patch", "PATCH", "[type]", conditional_patch),
    Route("delete", "DELETE", "[type]/[id]", delete),
    Route("delete", "DELETE", "[type]", conditional_delete),
    Route("history-instance", "GET", "[type]/[id]/_history", history),
    Route("history-type", "GET", "[type]/_history", history),
    Route("create", "POST", "[type]", create),
    Route("search-type", "GET", "[type]", search_type),
    Route("search-type", "POST", "[type]/_search", search_type),
    Route("search-type", "GET", "[compartment]/[id]/[type]", search_compartment_type),
    Route("search-type", "POST", "[compartment]/[id]/[type]/_search", search_compartment_type),
    Route("search-type", "GET", "[compartment]/[id]/*", search_compartment),
    Route("search-type", "POST", "[compartment]/[id]/_search", search_compartment),
    Route("search-system", "GET", "", search_system),
    Route("search-system", "POST", "_search", search_system),
    Route("transaction", "POST", "", bundle),
    Route("batch", "POST", "", bundle),
    Route("history-system", "GET", "_history", history),
    Route("capabilities", "GET", "metadata", capabilities),
)

_BY_PATTERN: dict[str, dict[str, Interaction]] = {}
for _route in ROUTES:
    _BY_PATTERN.setdefault(_route.pattern, {})[_route.method] = _route.run


class MethodNotAllowed(FhirError):
    """The URL means something, but not with this method (405); `allowed` are those that it has."""

    def __init__(self, method: str, allowed: frozenset[str]) -> None:
        self.allowed = tuple(sorted(allowed | ({"HEAD"} if "GET" in allowed else set())))
        names = ", ".join(self.allowed)
        super().__init__(
            Issue(
                "not-supported",
                f"このURLに{method[:20]}は使えません。使えるもの: {names}。",
                f"{method[:20]} is not possible here; this URL knows {names}.",
            ),
            status=405,
        )


async def dispatch(request: FhirRequest, services: Services) -> FhirResponse:
    """Answer a request by the interaction or operation that its method and path name; OPTIONS with the methods."""
    try:
        run = _chosen(request, services)
    except MethodNotAllowed as refusal:
        if request.method != "OPTIONS":
            raise
        return FhirResponse(204, None, (("Allow", ", ".join(sorted({*refusal.allowed, "OPTIONS"}))),))
    return await run(request, services)


def _chosen(request: FhirRequest, services: Services) -> Interaction:
    path = request.path
    if (takes := _OTHER_BODIES.get(request.body.__class__)) and path[-1:] != takes:
        raise _no_bytes(request.media_type)
    if path and path[-1].startswith("$") and len(path) <= len(_LEVELS):
        _check_path(path[:-1], services)
        return _operation(request, _LEVELS[len(path) - 1], services)
    if len(path) == 5 and path[2] == "_history" and path[4] in OF_VERSIONS:
        _check_path(path[:2], services)
        return _operation(request, "instance", services)
    pattern = _pattern(path)
    if (methods := _BY_PATTERN.get(pattern)) is None:
        raise _unknown("/".join(path))
    if pattern.startswith(("[type]", "[compartment]")):
        _check_path(path[: 2 if "[id]" in pattern else 1], services)
    if "/[type]" in pattern:
        _check_path(path[2:3], services)
    if (run := methods.get(request.method)) is None:
        raise MethodNotAllowed(request.method, frozenset(methods))
    return run


def _pattern(path: tuple[str, ...]) -> str:
    match path:
        case ():
            return ""
        case ("metadata" | "_history" | "_search" as name,):
            return name
        case (_,):
            return "[type]"
        case (_, "_history" | "_search" as name):
            return f"[type]/{name}"
        case (_, _):
            return "[type]/[id]"
        case (_, _, "_history"):
            return "[type]/[id]/_history"
        case (_, _, "*" | "_search" as name):
            return f"[compartment]/[id]/{name}"
        case (_, _, name) if name[:1].isupper():
            return "[compartment]/[id]/[type]"
        case (_, _, "_history", _):
            return "[type]/[id]/_history/[vid]"
        case (_, _, _, "_search"):
            return "[compartment]/[id]/[type]/_search"
        case _:
            return "?"


def _check_path(path: tuple[str, ...], services: Services) -> None:
    """Raise 404 for an unknown type, 400 for what cannot be an id."""
    if path and path[0] not in services.definitions.resource_types:
        raise _unknown_type(path[0])
    if len(path) > 1 and not is_id(path[1]):
        raise fhir_error(
            "value",
            f"「{path[1][:80]}」はidの形(英数字と-と.で64文字以内)ではありません。",
            f'"{path[1][:80]}" is no id (letters, digits, - and ., 64 characters at most).',
        )


def _operation(request: FhirRequest, level: Level, services: Services) -> Interaction:
    name = request.path[-1]
    here = [
        operation
        for operation in services.operations.get(name.removeprefix("$"), ())
        if level in operation.levels
        and (level == "system" or not operation.types or request.path[0] in operation.types)
    ]
    if not here:
        raise _unknown("/".join(request.path))
    for operation in here:
        if request.method in operation.methods:
            return operation.run
    raise MethodNotAllowed(request.method, frozenset().union(*(operation.methods for operation in here)))


def _no_bytes(media_type: str) -> FhirError:
    said = (
        f"ここでは{media_type}を扱えません。リソースを送ってください。",
        f"{media_type} is not supported here; send a resource.",
    )
    return FhirError(Issue("not-supported", *said), status=415)


def _unknown(path: str) -> FhirError:
    shown = path[:200]
    return fhir_error(
        "not-supported",
        f"「{shown}」は、このサーバーにない操作です。できることは[base]/metadataにあります。",
        f'"{shown}" is nothing that this server does; [base]/metadata says what it does.',
        status=404,
    )


def _unknown_type(name: str) -> FhirError:
    return fhir_error(
        "not-supported",
        f"「{name[:80]}」というリソースの型はFHIR R4にありません。",
        f'FHIR R4 has no resource type "{name[:80]}".',
        status=404,
    )
