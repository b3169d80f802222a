"""What FHIRPath works on: typed values, the environment of an evaluation, and its running state.

https://hl7.org/fhirpath/N1/#type-safety-and-strict-evaluation
https://hl7.org/fhir/R4/fhirpath.html#types
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from fhir_service.fhir.fhirpath.error import failed, too_costly
from fhir_service.fhir.resource import Resource


class Item(NamedTuple):
    """One value of a collection.

    `type` is a FHIR type code (`HumanName`, `date`, `Patient.contact`, `Patient`) or a System type
    (`System.Integer`). `value` is FHIR JSON (for dates and times of System types their text without `@`); it is None
    for a primitive that has only extensions. `primitive` is the object that JSON keeps beside a primitive
    (`_birthDate`).
    """

    value: Any
    type: str
    primitive: dict[str, Any] | None = None


class Quantity(NamedTuple):
    """A System.Quantity: `unit` is a UCUM code, or a calendar duration such as `year` if `calendar`."""

    value: Decimal
    unit: str
    calendar: bool = False


Items = list[Item]
Trace = Callable[[str, Items], None]


@dataclass(slots=True)
class Allowance:
    """The steps that are left to all the evaluations that share it."""

    left: int


@dataclass(frozen=True, slots=True)
class Environment:
    """What surrounds an evaluation.

    Without `resolve`, `resolve()` yields what the reference itself tells: the type and id. `member_of` answers
    (code, system, value set), `conforms_to` (resource, profile), `subsumes` (system, code A, code B), None meaning
    that nobody knows. `variables` are those that the expression may use as `%name`. `resource` is `%resource` when the
    focus is an element of it, `root` is `%rootResource` when that resource is contained. `limit` bounds the steps of
    one evaluation (about one for each node of the expression and each item it meets), and `expired` is asked now and
    then whether its time is over. `allowance` is what it shares with other evaluations. With `undecided_holds`, an
    order that cannot be told of two values that are there (2020 < 2020-01) is taken to hold.
    """

    resolve: Callable[[str], Resource | None] | None = None
    member_of: Callable[[str, str | None, str], bool | None] | None = None
    conforms_to: Callable[[Resource, str], bool | None] | None = None
    subsumes: Callable[[str | None, str, str], bool | None] | None = None
    now: datetime | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    resource: Resource | None = None
    root: Resource | None = None
    trace: Trace | None = None
    limit: int = 1_000_000
    expired: Callable[[], bool] | None = None
    allowance: "Allowance | None" = None
    undecided_holds: bool = False


SLICE = 1000
"""How many steps are taken between two looks at the limit and the time."""

EACH = 50
"""How many an evaluation takes that does nothing."""


class Context:
    """The state of one evaluation: `$index`, `$total`, defined variables, and the steps that are left.

    `left` are the steps until `refill` has to be called; every loop takes from it what it does. `settled` keeps what
    parts of the expression yield that are the same throughout.
    """

    __slots__ = (
        "environment",
        "focus",
        "index",
        "left",
        "reserve",
        "resource",
        "root",
        "settled",
        "total",
        "variables",
    )

    def __init__(self, environment: Environment, focus: Items, resource: Items, root: Items) -> None:
        self.environment = environment
        self.focus = focus
        self.resource = resource
        self.root = root
        self.index: Items = []
        self.total: Items = []
        self.variables: Mapping[str, Items] = {}
        self.settled: dict[Evaluate, Items] = {}
        self.left = 0
        self.reserve = environment.limit

    def spend(self, steps: int) -> None:
        """Take steps from what is left; raise FhirPathError when the limit is passed or the time is over."""
        self.left -= steps
        if self.left < 0:
            self.refill()

    def refill(self) -> None:
        """Fill `left` up again from the reserve, if the limit and the time allow."""
        taken = SLICE - self.left
        self.reserve -= taken
        self.left = SLICE
        expired, allowance = self.environment.expired, self.environment.allowance
        if allowance is not None:
            allowance.left -= taken
            if allowance.left < 0:
                raise too_costly()
        if self.reserve < -SLICE or (expired is not None and expired()):
            raise too_costly()

    def close(self) -> None:
        """Give back to the allowance what was not needed, but for what any evaluation takes."""
        if self.environment.allowance is not None:
            self.environment.allowance.left += self.left - EACH


Evaluate = Callable[[Items, Context], Items]
"""A compiled expression: from `$this` to its result. No one changes a list that it has been given or has returned."""

BOOLEAN = "System.Boolean"
STRING = "System.String"
INTEGER = "System.Integer"
DECIMAL = "System.Decimal"
DATE = "System.Date"
DATETIME = "System.DateTime"
TIME = "System.Time"
QUANTITY = "System.Quantity"
TYPE_INFO = "System.TypeInfo"

# https://hl7.org/fhir/R4/fhirpath.html#types: which System type a FHIR value is in an operator or function
SYSTEM: dict[str, str] = {
    **{name: name for name in (BOOLEAN, STRING, INTEGER, DECIMAL, DATE, DATETIME, TIME, QUANTITY)},
    **dict.fromkeys(("string", "code", "id", "markdown", "xhtml", "base64Binary"), STRING),
    **dict.fromkeys(("uri", "url", "canonical", "oid", "uuid"), STRING),
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt"), INTEGER),
    **dict.fromkeys(("Quantity", "Age", "Count", "Distance", "Duration"), QUANTITY),
    "boolean": BOOLEAN,
    "decimal": DECIMAL,
    "date": DATE,
    "dateTime": DATETIME,
    "instant": DATETIME,
    "time": TIME,
}  # fmt: skip

TRUE: Items = [Item(True, BOOLEAN)]
FALSE: Items = [Item(False, BOOLEAN)]
NOTHING: Items = []


def boolean(value: bool | None) -> Items:
    """Return the collection of a three-valued truth value."""
    return NOTHING if value is None else TRUE if value else FALSE


def truth(items: Items) -> bool | None:
    """Return a collection as a truth value: empty is None, one item that is no boolean is true.

    https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections
    """
    if not items:
        return None
    if len(items) > 1:
        raise several()
    value = items[0].value
    return value if type(value) is bool else True


def several() -> Exception:
    """Return the error of a collection where one item was needed."""
    return failed("要素が1つだけ必要な箇所に、複数の要素があります。", "Several items where one is needed.")


def one(items: Items) -> Item | None:
    """Return the only item of a collection, None if it is empty; several are an error."""
    if not items:
        return None
    if len(items) > 1:
        raise several()
    return items[0]
