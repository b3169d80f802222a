"""The operators: equality, order, logic, membership, arithmetic.

https://hl7.org/fhirpath/N1/#operations
"""

from collections.abc import Callable
from decimal import Context as DecimalContext
from decimal import Decimal

from fhir_service.fhir.fhirpath import temporal
from fhir_service.fhir.fhirpath.equality import (
    collections_equal,
    collections_equivalent,
    compare,
    equal,
    measured,
)
from fhir_service.fhir.fhirpath.error import FhirPathError, failed
from fhir_service.fhir.fhirpath.item import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    FALSE,
    INTEGER,
    NOTHING,
    QUANTITY,
    STRING,
    SYSTEM,
    TIME,
    TRUE,
    Context,
    Evaluate,
    Item,
    Items,
    Quantity,
    boolean,
    one,
    truth,
)
from fhir_service.fhir.fhirpath.quantity import CALENDAR, DEFINITE, divide, from_fhir, multiply, sum_of

Operator = Callable[[Items, Items], Items]

NUMBERS = DecimalContext(prec=34, traps=[])
"""Numbers as FHIRPath wants them at least (28 digits); what overflows is empty, not an exception."""

MAX_STRING = 1_000_000
_NUMERIC = (INTEGER, DECIMAL)


def integer(value: int) -> Items:
    """Return an integer, or nothing if it is out of range.

    https://hl7.org/fhirpath/N1/#math: operations that overflow result in empty.
    """
    return [Item(value, INTEGER)] if -(2**31) <= value < 2**31 else NOTHING


def decimal(value: Decimal) -> Items:
    """Return a decimal, or nothing if it is no finite number."""
    if not value.is_finite() or abs(value.adjusted()) > 100:
        return NOTHING if not value.is_zero() else [Item(Decimal(0), DECIMAL)]
    return [Item(value, DECIMAL)]


def string(value: str) -> Items:
    """Return a string that may not be longer than the limit."""
    if len(value) > MAX_STRING:
        ja = f"文字列が長すぎます（上限{MAX_STRING}文字）。"
        raise failed(ja, f"A string grows longer than {MAX_STRING} characters.")
    return [Item(value, STRING)]


def value_of(items: Items) -> tuple[Item, str | None] | None:
    """Return the only item with its System type; None if there is none or it has no value."""
    item = one(items)
    return None if item is None or item.value is None else (item, SYSTEM.get(item.type))


# --- equality, order, membership


def _equal(left: Items, right: Items) -> Items:
    if len(left) == 1 and len(right) == 1:
        return boolean(equal(left[0], right[0]))
    return boolean(collections_equal(left, right))


def _not_equal(left: Items, right: Items) -> Items:
    same = collections_equal(left, right)
    return boolean(None if same is None else not same)


def _equivalent(left: Items, right: Items) -> Items:
    return boolean(collections_equivalent(left, right))


def _not_equivalent(left: Items, right: Items) -> Items:
    return boolean(not collections_equivalent(left, right))


def order(left: Item, right: Item) -> int | None:
    """Return -1, 0 or 1; None if uncertain; raise FhirPathError if the two have no order between them."""
    a, b = SYSTEM.get(left.type), SYSTEM.get(right.type)
    if (a in _NUMERIC and b in _NUMERIC) or a == b == STRING:
        return int(left.value > right.value) - int(left.value < right.value)
    if a is None or b is None or not measured(a, b):
        raise not_for("<", left, right)
    return compare(left, right, a, b)


def _ordered(accepts: Callable[[int], bool]) -> Operator:
    def ordered(left: Items, right: Items) -> Items:
        a, b = value_of(left), value_of(right)
        if a is None or b is None:
            return NOTHING
        found = order(a[0], b[0])
        return NOTHING if found is None else boolean(accepts(found))

    return ordered


def _in(left: Items, right: Items) -> Items:
    item = one(left)
    if item is None:
        return NOTHING
    return TRUE if any(equal(item, other) for other in right) else FALSE


def _contains(left: Items, right: Items) -> Items:
    return _in(right, left)


# --- arithmetic


def not_for(operator: str, left: Item, right: Item) -> FhirPathError:
    """Return the error of an operator that does not join these types."""
    ja = f"演算子「{operator}」は{left.type}と{right.type}には使えません。"
    return failed(ja, f"The operator '{operator}' does not join {left.type} and {right.type}.")


Numbers = Callable[[Decimal, Decimal], Decimal | None]


def _arithmetic(
    operator: str, integers: Callable[[int, int], int | None] | None, decimals: Numbers, other: "Other"
) -> Operator:
    def calculate(left: Items, right: Items) -> Items:
        a, b = value_of(left), value_of(right)
        if a is None or b is None:
            return NOTHING
        (x, kind_x), (y, kind_y) = a, b
        if kind_x == kind_y == INTEGER and integers is not None:
            whole = integers(x.value, y.value)
            return NOTHING if whole is None else integer(whole)
        if kind_x in _NUMERIC and kind_y in _NUMERIC:
            number = decimals(Decimal(x.value), Decimal(y.value))
            return NOTHING if number is None else decimal(number)
        result = other(x, y, kind_x, kind_y)
        if result is None:
            raise not_for(operator, x, y)
        return result

    return calculate


Other = Callable[[Item, Item, str | None, str | None], Items | None]


def _no_other(left: Item, right: Item, a: str | None, b: str | None) -> Items | None:
    return None


def _plus(left: Item, right: Item, a: str | None, b: str | None) -> Items | None:
    if a == b == STRING:
        return string(left.value + right.value)
    return _shift(left, right, a, b, 1)


def _minus(left: Item, right: Item, a: str | None, b: str | None) -> Items | None:
    return _shift(left, right, a, b, -1)


def _shift(left: Item, right: Item, a: str | None, b: str | None, sign: int) -> Items | None:
    if b != QUANTITY:
        return None
    amount = from_fhir(right.value)
    if amount is None:
        return NOTHING
    if a == QUANTITY:
        first = from_fhir(left.value)
        return NOTHING if first is None else quantity(sum_of(first, amount, sign))
    if a not in (DATE, DATETIME, TIME):
        return None
    return _add_time(left, a, Quantity(amount.value * sign, amount.unit, amount.calendar))


def _add_time(left: Item, system: str, amount: Quantity) -> Items:
    unit = CALENDAR.get(amount.unit) or DEFINITE.get(amount.unit)
    if unit is None:
        ja = f"日付・時刻に単位「{amount.unit}」の量は加減算できません。"
        raise failed(ja, f"A quantity in '{amount.unit}' cannot be added to a date or time.")
    time = system == TIME
    moment = temporal.parse(left.value, time=time) if type(left.value) is str else None
    if moment is None or abs(amount.value) > 10**12:
        return NOTHING
    then = temporal.add(moment, amount.value, unit, time=time)
    return NOTHING if then is None else [Item(temporal.text_of(then, time=time), system)]


def quantity(value: Quantity | None) -> Items:
    """Return a quantity, or nothing."""
    return [Item(value, QUANTITY)] if value is not None and decimal(value.value) else NOTHING


def _product(combine: Callable[[Quantity, Quantity], Quantity | None]) -> Other:
    def multiply_or_divide(left: Item, right: Item, a: str | None, b: str | None) -> Items | None:
        kinds = (QUANTITY, *_NUMERIC)
        if a not in kinds or b not in kinds:
            return None
        x = from_fhir(left.value) if a == QUANTITY else Quantity(Decimal(left.value), "1")
        y = from_fhir(right.value) if b == QUANTITY else Quantity(Decimal(right.value), "1")
        return NOTHING if x is None or y is None else quantity(combine(x, y))

    return multiply_or_divide


def _divide(a: Decimal, b: Decimal) -> Decimal | None:
    return None if b.is_zero() else NUMBERS.divide(a, b)


def _whole(a: Decimal, b: Decimal) -> Decimal | None:
    return None if b.is_zero() else NUMBERS.divide_int(a, b)


def _div(left: Items, right: Items) -> Items:
    result = _DIV(left, right)
    return integer(int(result[0].value)) if result else NOTHING


def _remainder(a: Decimal, b: Decimal) -> Decimal | None:
    return None if b.is_zero() else NUMBERS.remainder(a, b)


def _whole_remainder(a: int, b: int) -> int | None:
    return None if b == 0 else int(NUMBERS.remainder(Decimal(a), Decimal(b)))


def _concatenate(left: Items, right: Items) -> Items:
    parts = [value_of(left), value_of(right)]
    for part in parts:
        if part is not None and part[1] != STRING:
            raise not_for("&", part[0], part[0])
    return string("".join(part[0].value for part in parts if part is not None))


_DIV = _arithmetic("div", None, _whole, _no_other)

# https://hl7.org/fhirpath/N1/#operations
OPERATORS: dict[str, tuple[Operator, str | None]] = {
    "=": (_equal, BOOLEAN),
    "!=": (_not_equal, BOOLEAN),
    "~": (_equivalent, BOOLEAN),
    "!~": (_not_equivalent, BOOLEAN),
    "<": (_ordered(lambda order: order < 0), BOOLEAN),
    "<=": (_ordered(lambda order: order <= 0), BOOLEAN),
    ">": (_ordered(lambda order: order > 0), BOOLEAN),
    ">=": (_ordered(lambda order: order >= 0), BOOLEAN),
    "in": (_in, BOOLEAN),
    "contains": (_contains, BOOLEAN),
    "+": (_arithmetic("+", lambda a, b: a + b, NUMBERS.add, _plus), None),
    "-": (_arithmetic("-", lambda a, b: a - b, NUMBERS.subtract, _minus), None),
    "*": (_arithmetic("*", lambda a, b: a * b, NUMBERS.multiply, _product(multiply)), None),
    "/": (_arithmetic("/", None, _divide, _product(divide)), None),
    "div": (_div, INTEGER),
    "mod": (_arithmetic("mod", _whole_remainder, _remainder, _no_other), None),
    "&": (_concatenate, STRING),
}

COMPARING = frozenset(("=", "!=", "~", "!~", "in", "contains"))
"""The operators that look into complex values, and to the end of strings."""

ORDERING = frozenset(("<", "<=", ">", ">="))
"""The operators that cannot always tell: dates of different precision, units that do not convert."""

GROWING = frozenset("+&")
"""The operators whose results may grow from one to the next."""


# --- logic: the right side is evaluated only where it matters. https://hl7.org/fhirpath/N1/#boolean-logic


def both(left: Evaluate, right: Evaluate) -> Evaluate:
    """`and`."""

    def run(this: Items, context: Context) -> Items:
        a = truth(left(this, context))
        if a is False:
            return FALSE
        b = truth(right(this, context))
        return FALSE if b is False else boolean(a and b)

    return run


def either(left: Evaluate, right: Evaluate) -> Evaluate:
    """`or`."""

    def run(this: Items, context: Context) -> Items:
        a = truth(left(this, context))
        if a is True:
            return TRUE
        b = truth(right(this, context))
        return TRUE if b is True else boolean(False if a is False and b is False else None)

    return run


def exclusive(left: Evaluate, right: Evaluate) -> Evaluate:
    """`xor`."""

    def run(this: Items, context: Context) -> Items:
        a, b = truth(left(this, context)), truth(right(this, context))
        return NOTHING if a is None or b is None else boolean(a != b)

    return run


def implies(left: Evaluate, right: Evaluate) -> Evaluate:
    """`implies`."""

    def run(this: Items, context: Context) -> Items:
        a = truth(left(this, context))
        if a is False:
            return TRUE
        b = truth(right(this, context))
        return TRUE if b is True else boolean(None if a is None else b)

    return run


LOGIC: dict[str, Callable[[Evaluate, Evaluate], Evaluate]] = {
    "and": both,
    "or": either,
    "xor": exclusive,
    "implies": implies,
}


def negate(items: Items) -> Items:
    """Unary minus."""
    found = value_of(items)
    if found is None:
        return NOTHING
    item, kind = found
    if kind == INTEGER:
        return integer(-item.value)
    if kind == DECIMAL:
        return [Item(Decimal(item.value).copy_negate(), DECIMAL)]
    amount = from_fhir(item.value) if kind == QUANTITY else None
    if amount is None:
        raise failed(f"「-」は{item.type}には使えません。", f"The operator '-' does not apply to {item.type}.")
    return [Item(amount._replace(value=-amount.value), QUANTITY)]
