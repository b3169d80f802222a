"""Distance on the earth: what `Location?near=latitude|longitude|distance|units` asks.

https://hl7.org/fhir/R4/location.html#positional
"""

import math
from decimal import Decimal

EARTH = 6_371_008.8
"""The mean radius in metres."""

# The units that a distance may have, in metres: UCUM, and how miles are also written.
UNITS = {"km": 1000.0, "m": 1.0, "[mi_i]": 1609.344, "[mi_us]": 1609.347218694, "mi": 1609.344}
DEFAULT_UNIT = "km"
DEFAULT_METRES = 25_000.0
"""How far `near` reaches where the search does not say: "the server can use its own discretion"."""


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the distance in metres between two places in degrees (haversine)."""
    a, b = math.radians(latitude), math.radians(other_latitude)
    half = math.sin((b - a) / 2) ** 2
    half += math.cos(a) * math.cos(b) * math.sin(math.radians(other_longitude - longitude) / 2) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(half)))


def latitudes(latitude: float, metres: float) -> tuple[float, float]:
    """Return between which latitudes everything lies that is no further away; a little more, so that none is lost."""
    degrees = math.degrees(metres / EARTH) * 1.000001 + 1e-9
    return latitude - degrees, latitude + degrees


def is_place(latitude: Decimal, longitude: Decimal) -> bool:
    return abs(latitude) <= 90 and abs(longitude) <= 180
