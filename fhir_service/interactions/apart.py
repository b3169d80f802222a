"""What takes long is done in a thread, so that other requests go on meanwhile.

A resource has at most as many values as the settings allow; those of some thousands are checked and indexed at once,
which takes less than it takes to hand them over.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from fhir_service.fhir.json import encode

MANY = 5_000  # values: some tens of milliseconds of work
LARGE = 128 * 1024  # bytes: the same

Result = TypeVar("Result")


async def apart(value: Any, work: Callable[[], Result]) -> Result:
    """Return what the work returns or raises; `value` is what it works on."""
    return await asyncio.to_thread(work) if _is_large(value) else work()


def _is_large(value: Any) -> bool:
    """Whether it holds more than MANY values; each has two characters of JSON, a third of the work of counting them."""
    return isinstance(value, dict | list) and len(encode(value)) > 2 * MANY and has_more(value, MANY)


def has_more(value: Any, limit: int) -> bool:
    """Whether a value of JSON holds more than `limit` values."""
    count = 0
    pending = [value] if isinstance(value, dict | list) else []
    for container in pending:  # it grows meanwhile
        count += len(container)
        if count > limit:
            return True
        for each in container.values() if container.__class__ is dict else container:
            if each.__class__ is dict or each.__class__ is list:
                pending.append(each)
    return False
