"""What the client prefers: how much of a write comes back, and whether unknown search parameters are refused.

https://hl7.org/fhir/R4/http.html#ops and https://hl7.org/fhir/R4/search.html#errors
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Handling = Literal["strict", "lenient"]
Return = Literal["minimal", "representation", "OperationOutcome"]
_RETURN: dict[str, Return] = {
    "minimal": "minimal",
    "representation": "representation",
    "operationoutcome": "OperationOutcome",
}


@dataclass(frozen=True, slots=True)
class Preference:
    """`returns` is the representation unless asked otherwise; `handling` is None where the client does not say."""

    returns: Return = "representation"
    handling: Handling | None = None

    @property
    def lenient(self) -> bool:
        """Whether what is not known may be ignored."""
        return self.handling == "lenient"

    @property
    def skips_empty(self) -> bool:
        """Whether parameters without a value are ignored, as R4 has it, and not refused."""
        return self.handling != "strict"


_HANDLING: dict[str, Handling] = {"strict": "strict", "lenient": "lenient"}

_DEFAULT = Preference()


def preference(headers: Mapping[str, str]) -> Preference:
    """Read `Prefer: return=minimal, handling=lenient`; what is not known is ignored, as RFC 7240 wants."""
    if (text := headers.get("prefer")) is None:
        return _DEFAULT

    said: dict[str, str] = {}
    for part in text.replace(";", ",").split(","):
        name, _, value = part.partition("=")
        said.setdefault(name.strip().lower(), value.strip().strip('"').lower())
    returns = _RETURN.get(said.get("return", ""), _DEFAULT.returns)
    return Preference(returns, _HANDLING.get(said.get("handling", "")))
