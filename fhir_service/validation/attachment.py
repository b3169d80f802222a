"""Attachments: what is said of the data must be so.

https://hl7.org/fhir/R4/datatypes.html#attachment
"""

from __future__ import annotations

import binascii
import hashlib
from typing import TYPE_CHECKING, Any

from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run


def attachment_rules(attachment: Any, run: Run) -> Faults:
    """Return the faults of an Attachment whose data are in it: another size or hash than it says."""
    data = attachment.get("data")
    if data is None or ("size" not in attachment and "hash" not in attachment):
        return None
    try:
        content = binascii.a2b_base64("".join(data.split()), strict_mode=True)
    except ValueError:
        return None  # told where the data stand
    found: list[Fault] = []
    size = attachment.get("size")
    if size is not None and size != len(content):
        ja = f"size は {size} ですが、data は {len(content)} バイトです。"
        found.append(
            Fault(".size", "value", ja, f"The size says {size}, but the data have {len(content)} bytes.", rule="size")
        )
    stated = attachment.get("hash")
    if stated is not None and _bytes(stated) != hashlib.sha1(content, usedforsecurity=False).digest():
        ja = "hash が data の SHA-1 と一致しません。"
        found.append(Fault(".hash", "value", ja, "The hash is not the SHA-1 of the data.", rule="hash"))
    return found or None


def _bytes(text: str) -> bytes | None:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
