"""$validate: would this resource be accepted here, and what is to say about it? Nothing is stored.

The answer is always 200 with an OperationOutcome that tells every issue; one that says that all is well if there is
none. Checked are R4 itself, the profiles that are asked for, those that the resource claims, and those that the policy
of the server asks of it; in the modes of a write also references, and the rules of what may follow what stands. A
profile that is not known here is an error if it was asked for, a warning (or what the policy says) if it is claimed.
Ours are two parameters more: `mustSupport` also tells what a profile says must be supported and is not there,
`bestPractice` what R4 and profiles advise.
https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.outcome import FhirError, Issue, operation_outcome
from fhir_service.fhir.reference import local_key, reference_texts
from fhir_service.fhir.resource import Key, Resource
from fhir_service.interactions.answers.versions import standing
from fhir_service.interactions.apart import apart
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services
from fhir_service.interactions.writes.proposal import is_id
from fhir_service.interactions.writes.references import dangling_issue, local_references
from fhir_service.interactions.writes.rules import broken_rules
from fhir_service.interactions.writes.targets import resolver, stored
from fhir_service.operations.parameters import RESOURCE, flag, given, refused, single, text
from fhir_service.validation.policy import BY_POLICY, OnDemand
from fhir_service.validation.run import Outside

_PARAMETERS = (RESOURCE, "mode", "profile", "mustSupport", "bestPractice")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be validated: `resource` as it was sent, `key` the instance of the URL; one of them is there."""

    type: str
    key: Key | None
    resource: Resource | None
    mode: str | None
    profiles: tuple[str, ...]
    on_demand: OnDemand
    base: str


async def resource_validate(request: FhirRequest, services: Services) -> FhirResponse:
    """Return the OperationOutcome; 400 only if the question itself cannot be understood, 404 for no such instance."""
    asked = _asked(request)
    issues = await _MODES[asked.mode](asked, services)
    errors_first = sorted(issues, key=lambda issue: issue.severity not in ("fatal", "error"))
    return FhirResponse(200, operation_outcome(errors_first or [_all_ok()]))


OPERATION = Operation(
    name="validate",
    definition="https://example.jp/fhir/outreach/OperationDefinition/validate",
    levels=frozenset({"type", "instance"}),
    methods=frozenset({"GET", "POST"}),
    run=resource_validate,
)


async def _content(asked: Asked, services: Services) -> list[Issue]:
    """Check the resource sent, or else the one that stands."""
    resource = asked.resource
    if resource is None:
        resource = await _standing(asked, services)
    if resource.get("resourceType") != asked.type:
        return [_other_type(resource, asked)]
    outside = await _outside(resource, asked, services)
    return await apart(resource, lambda: services.validate(resource, asked.profiles, outside, asked.on_demand))


async def _outside(resource: Resource, asked: Asked, services: Services) -> Outside:
    """Return what finds the resources of this server that a resource, or what it holds, refers to."""
    keys = (local_key(text, asked.base) for each in _held(resource) for text in reference_texts(each))
    return Outside(resolver(await stored((key for key in keys if key), services), asked.base))


def _held(resource: Resource) -> Iterator[Resource]:
    """Give a resource and those that stand in it as entries of a Bundle."""
    pending = [resource]
    while pending:
        yield (each := pending.pop())
        entries = each.get("entry") if each.get("resourceType") == "Bundle" else None
        for entry in entries if isinstance(entries, list) else ():
            match entry:
                case {"resource": {"resourceType": str()} as inside}:
                    pending.append(inside)


async def _create(asked: Asked, services: Services) -> list[Issue]:
    """Check what a create would: the content, and that what it refers to is there."""
    resource = _sent(asked)
    issues = await _content(asked, services)
    return issues if _has_error(issues) else [*issues, *await _references(resource, asked, services)]


async def _update(asked: Asked, services: Services) -> list[Issue]:
    """Check what an update would: besides, the id, and the rules of what may follow what stands."""
    resource = _sent(asked)
    issues = await _create(asked, services)
    id_ = resource.get("id")
    if not isinstance(id_, str) or not is_id(id_) or (asked.key is not None and asked.key.id != id_):
        return [*issues, _wrong_id(asked)]
    if _has_error(issues):
        return issues
    version = await services.store.read(Key(asked.type, id_))
    before = None if version is None or version.deleted else decode_resource(version.body)
    return [*issues, *broken_rules(before, resource, services)]


async def _delete(asked: Asked, services: Services) -> list[Issue]:
    """Check that the instance could be deleted: it is there, and nothing refers to it; what is sent is ignored."""
    if (key := asked.key) is None:
        raise refused("mode", "=deleteはインスタンスに対して使ってください", "=delete is for an instance ([type]/[id])")
    if asked.profiles or asked.on_demand != BY_POLICY:
        name = "profile" if asked.profiles else "mustSupport / bestPractice"
        raise refused(name, "はmode=deleteでは使えません", "has no meaning with mode=delete")
    standing(key, await services.store.read(key))
    page = await services.store.referrers(key, (), count=2, after=None)
    others = [str(version.key) for version in page.matches if version.key != key]
    if not others or not services.referential_integrity:
        return []
    ja = f"{key}は、ほかのリソースから参照されているため削除できません({others[0]} など)。"
    return [Issue("conflict", ja, f"{key} cannot be deleted: others refer to it, such as {others[0]}.")]


async def _profile(asked: Asked, services: Services) -> list[Issue]:
    """Check the instance as it stands against the profiles that are named: "must be nominated by id"."""
    if asked.key is None or asked.resource is not None:
        ja, en = (
            "=profileは、resourceなしでインスタンスに対して使ってください",
            "=profile is for an instance ([type]/[id]), without a resource",
        )
        raise refused("mode", ja, en)
    if not asked.profiles:
        ja = "=profileには、照らすプロファイルのURL(profile)が必要です"
        raise refused("mode", ja, "=profile needs the parameter profile: the URL of the profile to check against")
    return await _content(asked, services)


# https://hl7.org/fhir/R4/valueset-resource-validation-mode.html
_MODES: dict[str | None, Callable[[Asked, Services], Awaitable[list[Issue]]]] = {
    None: _content,
    "create": _create,
    "update": _update,
    "delete": _delete,
    "profile": _profile,
}


def _asked(request: FhirRequest) -> Asked:
    resource, mode, profiles, on_demand = None, None, [], BY_POLICY
    key = Key(*request.path[:2]) if len(request.path) == 3 else None
    pairs = [(RESOURCE, request.body)] if _is_itself(request) else given(request, _PARAMETERS)
    single([pair for pair in pairs if pair[0] != "profile"])
    for name, value in pairs:
        match name:
            case "resource" if isinstance(value, dict):
                resource = value
            case "mode" if text(name, value) in _MODES:
                mode = text(name, value)
            case "profile":
                profiles.append(text(name, value))
            case "mustSupport":
                on_demand = on_demand._replace(must_support=flag(name, value))
            case "bestPractice":
                on_demand = on_demand._replace(best_practice=flag(name, value))
            case "mode":
                modes = ", ".join(filter(None, _MODES))
                raise refused(name, f"は次のどれかです: {modes}", f"must be one of {modes}")
            case _:
                raise refused(name, "はリソースで送ってください", "has to be a resource")
    if resource is None and key is None:
        said = "検証するリソースを送ってください。", "Send the resource that is to be validated."
        raise FhirError(Issue("required", *said), status=400)
    return Asked(request.path[0], key, resource, mode, tuple(profiles), on_demand, request.base)


def _is_itself(request: FhirRequest) -> bool:
    """Whether a Parameters resource that is sent is the one to be validated."""
    match request.body:
        case {"resourceType": "Parameters", "parameter": [*parameters]}:
            held = any(isinstance(each, dict) and each.get("name") == RESOURCE for each in parameters)
            return request.path[0] == "Parameters" and not held
        case {"resourceType": "Parameters"}:
            return request.path[0] == "Parameters"
        case _:
            return False


async def _references(resource: Resource, asked: Asked, services: Services) -> list[Issue]:
    if not services.referential_integrity:
        return []
    wanted = [(at, key) for at, key in local_references(resource, asked.base) if key != asked.key]
    found = await services.store.read_many([*dict.fromkeys(key for _, key in wanted)])
    return [dangling_issue(key, at) for at, key in wanted if key not in found]


async def _standing(asked: Asked, services: Services) -> Resource:
    assert asked.key is not None
    return decode_resource(standing(asked.key, await services.store.read(asked.key)).body)


def _sent(asked: Asked) -> Resource:
    if asked.resource is None:
        raise refused("mode", f"={asked.mode}にはresourceが必要です", f"={asked.mode} needs a resource")
    return asked.resource


def _has_error(issues: list[Issue]) -> bool:
    return any(issue.severity in ("fatal", "error") for issue in issues)


def _other_type(resource: Resource, asked: Asked) -> Issue:
    found = str(resource.get("resourceType"))[:60]
    ja = f"リソースの型{found}がURLの型{asked.type}と一致しません。"
    return Issue("invalid", ja, f"The resource is a {found}, but the URL says {asked.type}.")


def _wrong_id(asked: Asked) -> Issue:
    said = f"「{asked.key.id}」" if asked.key else ""
    wanted = f' "{asked.key.id}"' if asked.key else ""
    ja, en = f"更新するリソースには正しいid{said}が必要です。", f"An update needs a resource with the id{wanted}."
    return Issue("invalid", ja, en, (f"{asked.type}.id",))


def _all_ok() -> Issue:
    return Issue("informational", "問題は見つかりませんでした。", "All OK.", severity="information")
