"""The error for an answer that would be too large: it is refused, never cut short.

https://hl7.org/fhir/R4/valueset-issue-type.html
"""

from fhir_service.fhir.outcome import FhirError, fhir_error

MOST_IN_HIERARCHY = 10_000
"""How many resources a hierarchy may have below (or above) those that are named."""


def too_much_work() -> FhirError:
    """Return the error for a search that would hold up all others."""
    return fhir_error(
        "too-costly",
        "検索に時間がかかりすぎるため中止しました。条件をしぼってください。",
        "The search takes too long and was given up; narrow it.",
    )


def still_indexing(left: str, seconds: int) -> FhirError:
    """Return the error for a search of words that the index will have in so many seconds, as far as can be told."""
    return fhir_error(
        "transient",
        f"全文検索の索引を作成中です(残り{left}件、およそ{seconds}秒)。そのころもう一度お試しください。",
        f"The index of full text is being made ({left} resources are left, about {seconds} s); try again then.",
        retry=seconds,
    )


def too_large_hierarchy(limit: int) -> FhirError:
    """Return the error for `:below` and `:above` that stand for more than `limit` resources."""
    return fhir_error(
        "too-costly",
        f"階層に属するリソースが{limit:,}件を超えています。より狭い範囲を指定してください。",
        f"More than {limit:,} resources belong to the hierarchy; name a smaller part of it.",
    )


def too_many_included(limit: int) -> FhirError:
    """Return the error for includes that reach more than `limit` resources."""
    return fhir_error(
        "too-costly",
        f"_includeまたは_revincludeで{limit}件を超えるリソースが含まれます。条件または_countを小さくしてください。",
        f"_include and _revinclude reach more than {limit} resources; narrow the search or lower _count.",
    )
