"""Referential integrity: what a resource refers to on this server must exist, and what is referred to stays.

https://hl7.org/fhir/R4/http.html#transaction-integrity leaves it to the server; a breach is 409 `conflict`, as the
specification has it for a delete (https://hl7.org/fhir/R4/http.html#delete).
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.reference import local_key, parse_reference, reference_texts, references
from fhir_service.fhir.resource import Key, Resource
from fhir_service.storage.store import Exists

SHOWN = 99  # references that are told of as missing, and one issue that says how many more are


def local_references(resource: Resource, base: str) -> Iterator[tuple[str, Key]]:
    """Yield where a resource refers to a resource of this server, and to which: (`Observation.subject`, Patient/1).

    Relative references and absolute URLs under `base`; not `#contained`, not `urn:`, not those to other servers.
    """
    for found in references(resource):
        if key := local_key(found.text, base):
            yield found.expression, key


def integrity(resource: Resource, base: str) -> list[Exists]:
    """Return the condition under which this resource may be stored: nothing if it refers to nothing here.

    400 for a conditional reference: only a transaction finds what it means.
    """
    texts = reference_texts(resource)
    if not texts:
        return []
    keys = {key for text in texts if (key := local_key(text, base))}
    if any("?" in text and _is_conditional(text, base) for text in texts):
        raise _not_in_a_transaction(resource, base)
    keys.discard(Key(resource["resourceType"], resource.get("id", "")))
    return [Exists(frozenset(keys))] if keys else []


def _is_conditional(text: str, base: str) -> bool:
    parsed = parse_reference(text)
    return parsed.kind == "conditional" and parsed.is_local(base)


def _not_in_a_transaction(resource: Resource, base: str) -> FhirError:
    """https://hl7.org/fhir/R4/http.html#trules"""
    conditional = (found for found in references(resource) if _is_conditional(found.text, base))
    return FhirError(
        *(
            Issue(
                "value",
                f"条件付き参照「{found.text[:200]}」が使えるのはトランザクションの中だけです。",
                f'The conditional reference "{found.text[:200]}" is possible in a transaction only.',
                (found.expression,),
            )
            for found in islice(conditional, SHOWN)
        )
    )


def dangling(absent: Collection[Key], resource: Resource, base: str) -> FhirError:
    """Return the error (409) for a resource that refers to what does not exist: an issue for each, of many the first.

    The walk ends with the last that is told: how many more are missing is known without it.
    """
    missing = frozenset(absent)
    at_fault = ((at, key) for at, key in local_references(resource, base) if key in missing)
    shown = list(islice(at_fault, SHOWN))
    issues = [dangling_issue(key, at) for at, key in shown]
    if more := len(missing.difference(key for _, key in shown)):
        ja = f"このほか{more:,}件の参照先がこのサーバーにありません。"
        en = f"{more:,} more of what it refers to do not exist on this server."
        issues.append(Issue("incomplete", ja, en, severity="information"))
    return FhirError(*issues)


def dangling_issue(key: Key, expression: str) -> Issue:
    """Return the issue for the reference at `expression`, whose target does not exist."""
    return Issue(
        "conflict",
        f"参照先の{key}がこのサーバーにありません。先に登録するか、同じトランザクションに入れてください。",
        f"The reference is to {key}, which does not exist on this server; store it first or in the same transaction.",
        (expression,),
    )


def still_referenced(key: Key | str, referrers: Iterable[Key]) -> FhirError:
    """Return the error (409) for the delete of a resource that others still refer to."""
    names = sorted(str(referrer) for referrer in referrers)
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    return fhir_error(
        "conflict",
        f"{key}は、ほかのリソースから参照されているため削除できません({shown})。",
        f"{key} cannot be deleted: other resources refer to it ({shown}).",
    )
