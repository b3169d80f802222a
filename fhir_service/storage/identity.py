"""The row numbers (rid) of resources, and the ids that are made of them.

A rid has 63 bits: milliseconds since 1970, then 21 bits of sequence; so rids, and the ids written from them, grow with
time. An id is the rid in 13 characters of lower-case Crockford base32, which sorts as the number does.
https://hl7.org/fhir/R4/datatypes.html#id
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from fhir_service.storage.store import Clock

SEQUENCE_BITS = 21
ID_LENGTH = 13
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_IN_PYTHON = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")  # the digits of int(text, 32)
_IS_ID = re.compile(f"[0-7][{_ALPHABET}]{{{ID_LENGTH - 1}}}").fullmatch  # 63 bits: the first digit is below 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(time: datetime) -> int:
    """Return the microseconds from 1970-01-01T00:00Z to an aware time."""
    return (time - _EPOCH) // _MICROSECOND


def id_of(rid: int) -> str:
    """Return the id that is written for a rid."""
    return _ALPHABET[rid >> 60] + "".join([_PAIRS[rid >> shift & 1023] for shift in (50, 40, 30, 20, 10, 0)])


def rid_of(resource_id: str) -> int | None:
    """Return the rid that this id is written for, None if it is no such id."""
    if len(resource_id) != ID_LENGTH or not _IS_ID(resource_id):
        return None
    return int(resource_id.translate(_IN_PYTHON), 32)


class IdSequence:
    """Hands out rids and ids, each greater than the last, from any thread."""

    def __init__(self, clock: Clock, last: int = 0) -> None:
        self._clock = clock
        self._last = last
        self._lock = Lock()

    def rid(self) -> int:
        """Return the next rid."""
        least = microseconds(self._clock()) // 1000 << SEQUENCE_BITS
        with self._lock:
            self._last = max(self._last + 1, least)
            return self._last

    def pass_over(self, rid: int) -> None:
        """Hand out nothing up to this rid: it is in use."""
        with self._lock:
            self._last = max(self._last, rid)

    def new_id(self) -> str:
        """Return the id of the next rid: what a create gives to its resource."""
        return id_of(self.rid())


def rid_for(resource_id: str, taken: Callable[[int], bool], sequence: IdSequence, now: int) -> int:
    """Return the rid for a resource that has none yet: that of its id if the id is one of ours, else the next.

    `taken` says whether a resource has that rid, and `sequence` has passed over all that resources have; `now`
    (microseconds) keeps ids that others made up out of the future.
    """
    rid = rid_of(resource_id)
    if rid is None or rid >> SEQUENCE_BITS > now // 1000 or taken(rid):
        return sequence.rid()
    sequence.pass_over(rid)
    return rid
