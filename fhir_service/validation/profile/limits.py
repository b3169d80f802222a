"""The limits of a value: minValue, maxValue, maxLength, the digits after the decimal point.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.minValue_x_
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from fhir_service.fhir.fhirpath import Item, quantity, temporal, ucum
from fhir_service.fhir.fhirpath.error import FhirPathError
from fhir_service.fhir.fhirpath.regex import pattern
from fhir_service.fhir.resource import Resource
from fhir_service.validation.definition import MAX_DECIMAL_PLACES, MAX_SIZE, MIN_LENGTH, REGEX, ElementDefinition
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.run import Run

SHOWN = 80
MOMENTS = frozenset({"date", "dateTime", "instant", "time"})

_NAMES = ("minValue", "maxValue", "maxLength", "extension")

ItemCheck = Callable[[Item, Run], Faults]


def limit_checks(said: ElementDefinition, profile: str) -> Iterator[ItemCheck]:
    """Give the checks of the limits that an element sets, of what it says otherwise than R4."""
    for name, limit in said.items():
        if not name.startswith(_NAMES):
            continue
        if name.startswith("minValue"):
            yield _bound(limit, -1, "minValue", profile)
        elif name.startswith("maxValue"):
            yield _bound(limit, 1, "maxValue", profile)
        elif name == "maxLength" and isinstance(limit, int):
            yield _length(limit, profile)
        elif name == "extension" and isinstance(limit, list):
            for each in limit:
                yield from _extended(each, profile)


def _extended(extension: Any, profile: str) -> Iterator[ItemCheck]:
    """Give the check of a limit that an extension sets.

    https://hl7.org/fhir/R4/extension-maxdecimalplaces.html, -minlength, -regex and -maxsize
    """
    if not isinstance(extension, dict):
        return
    match extension:
        case {"url": url, "valueInteger": int(number)} if url == MAX_DECIMAL_PLACES:
            yield _places(number, profile)
        case {"url": url, "valueInteger": int(number)} if url == MIN_LENGTH:
            yield _least(number, profile)
        case {"url": url, "valueString": str(text)} if url == REGEX:
            yield from _shape(text, profile)
        case {"url": url, "valueDecimal": int() | Decimal() as number} if url == MAX_SIZE:
            yield _size(number, profile)


def _least(limit: int, profile: str) -> ItemCheck:
    ja, en = f"{limit} 文字以上でなければなりません", f"It must not be shorter than {limit} characters"
    faults = [_fault(ja, en, "minLength", profile)]

    def check(item: Item, run: Run) -> Faults:
        return faults if isinstance(item.value, str) and len(item.value) < limit else None

    return check


def _shape(text: str, profile: str) -> Iterator[ItemCheck]:
    try:
        matches = pattern(text).fullmatch
    except FhirPathError:
        return
    shown = text[:SHOWN]
    faults = [_fault(f"正規表現 {shown} に合いません", f"It does not match {shown}", "regex", profile)]
    yield lambda item, run: faults if isinstance(item.value, str) and matches(item.value) is None else None


def _size(limit: int | Decimal, profile: str) -> ItemCheck:
    ja, en = f"{limit} バイト以下でなければなりません", f"It must not have more than {limit} bytes"
    faults = [_fault(ja, en, "maxSize", profile)]

    def check(item: Item, run: Run) -> Faults:
        value = item.value.get("data", item.value.get("size")) if isinstance(item.value, dict) else item.value
        size = len("".join(value.split()).rstrip("=")) * 3 // 4 if isinstance(value, str) else value
        return faults if isinstance(size, int) and size > limit else None

    return check


def _bound(limit: Any, sign: int, rule: str, profile: str) -> ItemCheck:
    shown = limit if not isinstance(limit, dict) else f"{limit.get('value')} {limit.get('unit') or limit.get('code')}"
    ja, en = (f"{shown} 以上", f"at least {shown}") if sign < 0 else (f"{shown} 以下", f"at most {shown}")
    faults = [_fault(f"値は{ja}でなければなりません", f"The value must be {en}", rule, profile)]

    def check(item: Item, run: Run) -> Faults:
        order = compare(item.value, limit, item.type)
        return faults if order is not None and order == sign else None

    return check


def compare(value: Any, limit: Any, type_name: str) -> int | None:
    """Return how a value stands to a limit: -1, 0 or 1, None if that cannot be told."""
    if isinstance(limit, dict):
        if not isinstance(value, dict):
            return None
        if value.get("code", value.get("unit")) != limit.get("code", limit.get("unit")):
            return _converted(value, limit)
        value, limit = value.get("value"), limit.get("value")
    if isinstance(value, bool) or isinstance(limit, bool):
        return None
    if isinstance(value, (int, Decimal)) and isinstance(limit, (int, Decimal)):
        return (value > limit) - (value < limit)
    if isinstance(value, str) and isinstance(limit, str) and type_name in MOMENTS:
        left, right = (temporal.parse(each, time=type_name == "time") for each in (value, limit))
        return None if left is None or right is None else temporal.compare(left, right)
    return None


def _converted(value: Resource, limit: Resource) -> int | None:
    """Return how a quantity stands to one of another unit; only the units of UCUM say how they convert."""
    if value.get("system") != ucum.SYSTEM or limit.get("system") != ucum.SYSTEM:
        return None
    left, right = quantity.from_fhir(value), quantity.from_fhir(limit)
    return None if left is None or right is None else quantity.compare(left, right)


def _length(limit: int, profile: str) -> ItemCheck:
    ja, en = f"{limit} 文字以下でなければなりません", f"It must not be longer than {limit} characters"
    faults = [_fault(ja, en, "maxLength", profile)]

    def check(item: Item, run: Run) -> Faults:
        return faults if isinstance(item.value, str) and len(item.value) > limit else None

    return check


def _places(limit: int, profile: str) -> ItemCheck:
    ja, en = f"小数点以下は {limit} 桁までです", f"It may have {limit} digits after the decimal point"
    faults = [_fault(ja, en, "maxDecimalPlaces", profile)]

    def check(item: Item, run: Run) -> Faults:
        if not isinstance(item.value, Decimal):
            return None
        exponent = item.value.as_tuple().exponent
        return faults if isinstance(exponent, int) and -exponent > limit else None

    return check


def _fault(ja: str, en: str, rule: str, profile: str) -> Fault:
    said_ja, said_en = f"{ja}(規則 {rule}、{profile})", f"{en} (rule {rule}, {profile})"
    return Fault("", "value", said_ja, said_en, rule=rule, profile=profile)
