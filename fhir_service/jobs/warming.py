"""Our own examples, checked behind the requests right after a start.

What checks need is compiled when it is first asked for; so it is there before somebody asks. All examples take 0.15 s:
one after the other in a thread beside the loop, which has to be free between two, so that a request meets one at most.
"""

import asyncio

from fhir_service.fhir.definitions.folder import own_examples
from fhir_service.fhir.json import decode_resource
from fhir_service.interactions.services import Validate


async def warm(validate: Validate) -> None:
    """Check each example once; nothing is kept of what is found."""
    for file in own_examples():
        resource = decode_resource(await asyncio.to_thread(file.read_bytes))
        await asyncio.to_thread(validate, resource)
