"""JSON Merge Patch: a partial resource says what becomes of the members it names.

https://www.rfc-editor.org/rfc/rfc7386
"""

from typing import Any


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """Return the target as the patch wants it: null removes a member, an object is merged, all else replaces."""
    if not isinstance(patch, dict):
        return patch

    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = apply_merge_patch(merged.get(name), value)
    return merged
