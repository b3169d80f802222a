"""What a client proposes to store: read from the request, checked, and put in the store's terms.

A body that is not R4 (an unknown element, a wrong type, a malformed value) is 400; one that is R4 but breaks a rule (a
missing required element, an invariant, a required binding) is 422. Where both are so, it is 400.
https://hl7.org/fhir/R4/http.html#create
"""

import re

from fhir_service.fhir.outcome import STATUS, FhirError, Issue, fhir_error
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.elements import SUBSETTED
from fhir_service.interactions.apart import apart
from fhir_service.interactions.exchange import FhirRequest
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.references import integrity
from fhir_service.storage.store import Condition, Method, Put
from fhir_service.validation.run import Outside

# https://hl7.org/fhir/R4/datatypes.html#id
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_UNPROCESSABLE = 422


def is_id(text: str) -> bool:
    """Whether this can be a logical id."""
    return _ID(text) is not None


def proposed(request: FhirRequest, resource_type: str) -> Resource:
    """Return the resource in the body; 400 if there is none or it is of another type than the URL says."""
    body = request.body
    match body:
        case {"resourceType": str(found)} if found == resource_type:
            _refuse_part(body)
            return dict(body)
        case {"resourceType": found}:
            raise fhir_error(
                "invalid",
                f"本文の型{found}がURLの型{resource_type}と一致しません。",
                f"The body is a {found}, but the URL says {resource_type}.",
                (f"{found}.resourceType" if isinstance(found, str) else "resourceType",),
            )
        case _:
            raise fhir_error(
                "required",
                f"本文に{resource_type}リソースが必要です。",
                f"The body must be a {resource_type} resource.",
                status=400,
            )


def _refuse_part(resource: Resource) -> None:
    """Raise 422 for what a search gave in part (`_elements`, `_summary`): it would overwrite the whole.

    https://hl7.org/fhir/R4/search.html#summary
    """
    match resource.get("meta"):
        case {"tag": [*tags]} if any(isinstance(tag, dict) and tag.get("code") == SUBSETTED["code"] for tag in tags):
            raise fhir_error(
                "business-rule",
                "一部の要素だけを取り出したリソース(SUBSETTED)は保存できません。全体を読み直してください。",
                "This is only a part of a resource (tagged SUBSETTED); read the whole of it before storing it.",
                (f"{resource['resourceType']}.meta.tag",),
            )


def same_id(resource: Resource, id_: str) -> None:
    """Raise 400 unless the body carries the id of the URL (https://hl7.org/fhir/R4/http.html#update)."""
    given = resource.get("id")
    if given == id_:
        return
    said_ja, said_en = ("本文にidがありません", "The body has no id") if given is None else (
        f"本文のid「{given}」がURLのid「{id_}」と一致しません",
        f'The id "{given}" of the body is not the id "{id_}" of the URL',
    )  # fmt: skip
    raise fhir_error("invalid", f"{said_ja}。", f"{said_en}.", (f"{resource['resourceType']}.id",))


def checked(resource: Resource, services: Services, outside: Outside | None = None) -> list[Issue]:
    """Check it against its definitions: return the warnings, raise all issues if one of them is an error."""
    issues = services.check(resource, outside)
    if not issues:
        return issues
    errors = [issue for issue in issues if issue.severity in ("error", "fatal")]
    if errors:
        # The most serious first: it is what a client reads, and it decides the status.
        raise FhirError(*errors, *(issue for issue in issues if issue not in errors), status=min(map(_status, errors)))
    return issues


def _status(error: Issue) -> int:
    """Return the status of an error: of a rule or profile that is broken, or of what is no R4 at all."""
    by_rule = error.rule is not None or error.profile is not None or STATUS.get(error.code) == _UNPROCESSABLE
    return _UNPROCESSABLE if by_rule else 400


async def put(
    resource: Resource, request: FhirRequest, services: Services, *, method: Method = "PUT", expected: int | None = None
) -> tuple[Put, list[Condition]]:
    """Return the change that stores this (checked) resource and the conditions it is bound to."""

    def prepared() -> tuple[Put, list[Condition]]:
        change = Put(resource, services.indexer.index(resource), method, expected)
        return change, [*integrity(resource, request.base)] if services.referential_integrity else []

    return await apart(resource, prepared)
