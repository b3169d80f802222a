"""Binary in its own form: a picture or PDF that is sent is stored as a Binary, and given back so to who asks for it.

"When a read request is made for the binary resource that doesn't explicitly specify the FHIR content types, then the
content should be returned using the content type stated in the resource." So who names FHIR's JSON or XML gets the
resource; who accepts any type, or the content's, gets the content. The content is never run in the name of this server:
it comes as a download without rights.
https://hl7.org/fhir/R4/binary.html#rest
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping

from fhir_service.fhir.charset import codec_of
from fhir_service.fhir.resource import Resource
from fhir_service.http.negotiation import MediaType, parse_media_type
from fhir_service.interactions.exchange import FhirResponse

_OTHERS_MAY_NOT = (
    ("Content-Disposition", "attachment"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "sandbox; default-src 'none'"),
)


def is_binary(path: tuple[str, ...]) -> bool:
    """Whether a path is that of the type Binary, of one, or of a version of one."""
    return path[:1] == ("Binary",) and (len(path) < 3 or (len(path) == 4 and path[2] == "_history"))


def binary_of(raw: bytes, content_type: str, path: tuple[str, ...], headers: Mapping[str, str]) -> Resource:
    """Return the Binary of what was sent; `X-Security-Context` says what its protection goes by."""
    binary: Resource = {"resourceType": "Binary", "contentType": content_type.strip()}
    if len(path) > 1:
        binary["id"] = path[1]
    if context := headers.get("x-security-context"):
        binary["securityContext"] = {"reference": context}
    return binary | {"data": b64encode(raw).decode("ascii")}


def native(resource: Resource, accept: str) -> FhirResponse | None:
    """Return the content of a Binary if the client accepts its type, None if it does not."""
    said = resource.get("contentType")
    if resource.get("resourceType") != "Binary" or not isinstance(said, str) or not said.isascii():
        return None
    kind = parse_media_type(said)
    if not any(_fits(parse_media_type(each), kind) for each in accept.split(",")):
        return None
    return FhirResponse(200, b64decode(resource.get("data", "")), _OTHERS_MAY_NOT, media_type=said)


def _fits(asked: MediaType, kind: MediaType) -> bool:
    charsets = [each.parameters.get("charset") for each in (asked, kind)]
    if asked.parameters.get("q") in ("0", "0.0") or (all(charsets) and len({codec_of(c or "") for c in charsets}) > 1):
        return False
    return asked.name in (kind.name, f"{kind.name.partition('/')[0]}/*", "*/*")
