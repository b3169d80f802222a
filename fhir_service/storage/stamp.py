"""What the store writes into a resource: `meta.versionId` and `meta.lastUpdated`.

https://hl7.org/fhir/R4/resource.html#Meta
"""

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

JAPAN = timezone(timedelta(hours=9))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def instant(updated: int) -> str:
    """Return microseconds since 1970 as the `instant` of Japanese time: `2026-11-22T23:38:21.123+09:00`."""
    return (_EPOCH + timedelta(microseconds=updated)).astimezone(JAPAN).isoformat(timespec="milliseconds")


def stamped(head: bytes, tail: bytes, version: int, updated: int) -> bytes:
    """Return the canonical JSON of a version from the two parts that `fhir.json.split_for_stamp` gives."""
    return b'%b"versionId":"%d","lastUpdated":"%b"%b' % (head, version, instant(updated).encode(), tail)
