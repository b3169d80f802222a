"""The text of a reference: one that can be followed.

https://hl7.org/fhir/R4/references.html#literal
"""

import re
from collections.abc import Container
from typing import Any

from fhir_service.fhir.reference import parse_reference
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.primitive import SHOWN
from fhir_service.validation.run import Check, Run

_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match
_HAS_SPACE = re.compile(r"\s").search
_QUERY = re.compile(r"[A-Za-z_][\w.:\-]*=[^&=?][^&]*(&[A-Za-z_][\w.:\-]*=[^&=?][^&]*)*").fullmatch
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_LONG_ID = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{65,}").fullmatch


def reference_check(text_check: Check, resource_types: Container[str]) -> Check:
    """Return the check of `Reference.reference`: an absolute URI, a fragment, or relative to a known type."""

    def check(value: Any, run: Run) -> Faults:
        if (faults := text_check(value, run)) is not None:
            return faults
        head, _, id_ = value.partition("/")
        if head in resource_types and _ID(id_):
            return None
        parsed = parse_reference(value)
        if parsed.kind == "other":
            return _unparsed(value)
        if parsed.kind == "fragment":
            return _contained(value[1:], run)
        if parsed.kind == "conditional" and not _QUERY(parsed.search or ""):
            ja = "条件付き参照の条件は「名前=値」を & でつないで書きます(規則 conditional-reference)。"
            en = "The criteria of a conditional reference are name=value, joined by & (rule conditional-reference)."
            return [Fault("", "value", ja, en, rule="conditional-reference")]
        if parsed.type is None or parsed.type in resource_types or parsed.base is not None:
            return None
        return [
            Fault(
                "",
                "value",
                f"参照先の型「{parsed.type}」は FHIR R4 にありません。",
                f"The reference names a resource type that FHIR R4 does not have: '{parsed.type}'.",
            )
        ]

    return check


def _contained(name: str, run: Run) -> Faults:
    """Return the fault that no such resource is contained; `#` alone is the resource that contains this one.

    https://hl7.org/fhir/R4/references.html#Reference (the invariant ref-1)
    """
    if run.find(f"#{name}") is not None:
        return None
    shown = name if len(name) <= SHOWN else f"{name[:SHOWN]}…"
    ja = f"参照「#{shown}」の内包リソース(contained)がありません。"
    return [Fault("", "value", ja, f"No resource with the id '{shown}' is contained.", rule="ref-1")]


def _unparsed(value: str) -> Faults:
    if _HAS_SCHEME(value) and not _HAS_SPACE(value):
        return None
    shown = value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
    ja = f"参照「{shown}」は「型/id」、「#id」、URL のいずれでもありません。"
    en = f"The reference '{shown}' is neither 'Type/id', '#id' nor a URL."
    # ImplementationGuide-fhir and ig-r4 refer to a SearchParameter by an id that is too long.
    return [Fault("", "value", ja, en, "warning" if _LONG_ID(value) else "error")]
