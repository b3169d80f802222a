"""The records of long work, kept beside the resources: what is asked, how far it has come, and what came of it.

A record is written before its work begins and while it goes on, so that a server that was killed takes it up again.
https://hl7.org/fhir/R4/async.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Status = Literal["working", "completed", "failed"]


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work. Times are microseconds since 1970 (UTC).

    `asked`, `state` (how far it has come) and `result` are JSON; which, the `kind` of work knows.
    """

    id: str
    kind: str
    asked: bytes
    status: Status
    created: int
    changed: int
    done: int = 0
    total: int = 0
    state: bytes = b""
    result: bytes = b""


class JobTable(Protocol):
    """Jobs, and `marks`: what the server has to know of itself when it next starts, by name."""

    async def save(self, job: Job) -> None:
        """Keep the job as it is now; it is durable when this returns."""
        ...

    async def find(self, job_id: str) -> Job | None: ...

    async def all(self) -> Sequence[Job]:
        """Return every job, the oldest first, without their results."""
        ...

    async def drop(self, job_ids: Sequence[str]) -> None: ...

    async def marks(self) -> Mapping[str, bytes]: ...

    async def mark(self, marks: Mapping[str, bytes]) -> None:
        """Keep these marks, all or none, in the place of those of the same name."""
        ...
