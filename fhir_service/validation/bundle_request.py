"""The entries of batches and transactions: each request fits the resource that comes with it.

https://hl7.org/fhir/R4/http.html#transaction
"""

from collections.abc import Iterator
from typing import Any

from fhir_service.fhir.reference import parse_reference
from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault

SHOWN = 120
REQUESTS = frozenset({"batch", "transaction"})
WITH_RESOURCE = frozenset({"POST", "PUT", "PATCH"})
CHANGING = frozenset({"PUT", "PATCH", "DELETE"})


def request_faults(entries: list[Resource], kind: str, resource_types: frozenset[str]) -> Iterator[Fault]:
    """Give the faults of the requests of a batch or transaction."""
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        request = entry.get("request")
        if not isinstance(request, dict):
            continue
        method, url = request.get("method"), str(request.get("url", ""))
        place = f".entry[{index}]"
        yield from _content(str(method), url, entry.get("resource"), place, resource_types)
        key = parse_reference(url).key
        if kind == "transaction" and method in CHANGING and key is not None:
            if str(key) in seen:
                ja = f"一つの transaction の中で「{key}」を二度変更しています。"
                yield _fault(f"{place}.request.url", ja, f"The transaction changes {key} twice.")
            seen.add(str(key))


def _content(method: str, url: str, resource: Any, place: str, resource_types: frozenset[str]) -> Iterator[Fault]:
    path = url.partition("?")[0].strip("/")
    asks = "$" in path or path.endswith("_search")
    if method in WITH_RESOURCE and not isinstance(resource, dict):
        if not asks:
            ja = f"{method} には resource が必要です。"
            yield _fault(place, ja, f"A {method} needs a resource.")
        return
    if method not in ("POST", "PUT") or asks:
        return
    found, id_ = resource.get("resourceType"), resource.get("id")
    parsed = parse_reference(path)
    wanted = parsed.type or (path if path in resource_types else None)
    if wanted is not None and found != wanted:
        ja = f"request.url の型 {wanted[:SHOWN]} が、リソースの型 {found} と一致しません。"
        yield _fault(f"{place}.request.url", ja, f"The url says {wanted[:SHOWN]}, but the resource is a {found}.")
    elif method == "PUT" and parsed.key is not None and id_ != parsed.key.id:
        ja = f"request.url の id「{parsed.key.id}」が、リソースの id と一致しません。"
        yield _fault(f"{place}.request.url", ja, f"The resource has not the id '{parsed.key.id}' of the url.")


def _fault(path: str, ja: str, en: str) -> Fault:
    return Fault(path, "invalid", ja, en, rule="request")
