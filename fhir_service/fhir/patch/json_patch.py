"""JSON Patch: operations on JSON Pointers, applied in their order, all or none.

https://www.rfc-editor.org/rfc/rfc6902, https://hl7.org/fhir/R4/http.html#patch
"""

from copy import deepcopy
from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException, resolve_pointer

from fhir_service.fhir.outcome import FhirError, fhir_error

# `copy` can double a document with every operation: what all copies together may add, in JSON values.
COPY_LIMIT = 100_000

# What is said of each way to fail, most particular first.
_FAILURES: tuple[tuple[type[Exception], str, str], ...] = (
    (jsonpatch.JsonPatchTestFailed, "testの値が一致しません", "the tested value is another"),
    (jsonpatch.JsonPatchPathNotFound, "指定された場所がありません", "there is nothing at that place"),
    (jsonpatch.JsonPatchConflict, "その場所には適用できません", "it cannot be done at that place"),
    (JsonPointerException, "指定された場所がありません", "there is nothing at that place"),
)


def apply_json_patch(document: Any, operations: Any) -> Any:
    """Return the patched document; raise FhirError 400 for a malformed patch, 422 for one that cannot be applied."""
    patch = _checked(operations)
    patched = deepcopy(document)
    allowance = COPY_LIMIT
    for index, operation in enumerate(operations):
        if operation["op"] == "copy":
            allowance = _spend(allowance, patched, operation, index)
        try:
            patched = jsonpatch.JsonPatch([operation], pointer_cls=patch.pointer_cls).apply(patched, in_place=True)
        except (jsonpatch.JsonPatchException, JsonPointerException, RecursionError) as error:
            raise _failed(index, operation, error) from error
    return patched


def _checked(operations: Any) -> jsonpatch.JsonPatch:
    """Return the patch if it has the form of one."""
    try:
        return jsonpatch.JsonPatch(operations)
    except (jsonpatch.InvalidJsonPatch, JsonPointerException) as error:
        raise _malformed(str(error)) from error


def _failed(index: int, operation: dict[str, Any], error: Exception) -> FhirError:
    if isinstance(error, jsonpatch.InvalidJsonPatch):
        return _malformed(f"{_named(index, operation)}: {error}")
    ja, en = next(
        ((ja, en) for kind, ja, en in _FAILURES if isinstance(error, kind)),
        ("値の入れ子が深すぎます", "its values are nested too deeply"),
    )
    named = _named(index, operation)
    return fhir_error(
        "processing",
        f"JSON Patchの操作{named}を適用できません: {ja}。",
        f"JSON Patch operation {named}: {en}.",
        status=422,
    )


def _malformed(reason: str) -> FhirError:
    return fhir_error(
        "structure", "JSON Patch(RFC 6902)の形式ではありません。", f"This is no JSON Patch (RFC 6902): {reason}."
    )


def _named(index: int, operation: dict[str, Any]) -> str:
    """Return how the operation is called in a message: `[2] (replace /name/0/family)`."""
    return f"[{index}] ({operation['op']} {str(operation['path'])[:200]})"


def _spend(allowance: int, document: Any, operation: dict[str, Any], index: int) -> int:
    """Return what is left of the allowance after this copy; nothing left is an error."""
    source = operation.get("from")
    try:
        pending = [resolve_pointer(document, source)] if isinstance(source, str) else []
    except JsonPointerException:
        return allowance  # applying it says what is wrong

    while pending:
        value = pending.pop()
        allowance -= 1
        if allowance < 0:
            named = _named(index, operation)
            raise fhir_error(
                "too-costly", f"操作{named}のコピー量が多すぎます。", f"Operation {named} copies too much."
            )
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return allowance
