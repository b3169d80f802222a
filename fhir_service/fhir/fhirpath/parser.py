"""From tokens to the syntax tree, by operator precedence.

https://hl7.org/fhirpath/N1/#operator-precedence
"""

from decimal import Decimal

from fhir_service.fhir.fhirpath import temporal
from fhir_service.fhir.fhirpath.error import FhirPathError, unreadable
from fhir_service.fhir.fhirpath.item import BOOLEAN, DECIMAL, INTEGER, QUANTITY, STRING, Item, Quantity
from fhir_service.fhir.fhirpath.lexer import Token, tokenize
from fhir_service.fhir.fhirpath.quantity import CALENDAR
from fhir_service.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Constant,
    External,
    Indexer,
    Member,
    Node,
    Polarity,
    Special,
    TypeTest,
    Union,
)

# https://hl7.org/fhirpath/N1/#operator-precedence, the strongest last
_PRECEDENCE = [
    ("implies",),
    ("or", "xor"),
    ("and",),
    ("in", "contains"),
    ("=", "~", "!=", "!~"),
    (">", "<", ">=", "<="),
    ("|",),
    ("is", "as"),
    ("+", "-", "&"),
    ("*", "/", "div", "mod"),
]
BINDING = {operator: power for power, row in enumerate(_PRECEDENCE, 1) for operator in row}
_POLARITY = len(_PRECEDENCE) + 1
MAX_DEPTH = 100
"""How deep expressions may nest (in a chain each operator counts, but `|`); Python's stack ends near 1,000 frames."""

MAX_INTEGER = 2**31 - 1


def parse(text: str) -> Node:
    """Return the syntax tree of the expression; raise FhirPathError with the place of what cannot be read."""
    return _Parser(tokenize(text)).whole()


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.next = 0
        self.depth = 0

    def whole(self) -> Node:
        node = self.expression(0)
        if self.peek().kind != "end":
            raise self.unexpected()
        return node

    def peek(self) -> Token:
        return self.tokens[self.next]

    def take(self) -> Token:
        token = self.tokens[self.next]
        if token.kind != "end":
            self.next += 1
        return token

    def is_symbol(self, text: str) -> bool:
        token = self.tokens[self.next]
        return token.kind == "symbol" and token.text == text

    def expect(self, text: str) -> Token:
        if not self.is_symbol(text):
            raise self.unexpected(text)
        return self.take()

    def unexpected(self, wanted: str | None = None) -> FhirPathError:
        token = self.peek()
        if token.kind == "end":
            return unreadable("式が途中で終わっています。", "The expression ends too soon.").at(token.at)
        if wanted is None:
            return unreadable(f"「{token.text}」はここには置けません。", f"Unexpected '{token.text}'.").at(token.at)
        ja = f"「{wanted}」が必要ですが、「{token.text}」があります。"
        return unreadable(ja, f"Expected '{wanted}' but found '{token.text}'.").at(token.at)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            ja = f"式の入れ子が深すぎます（上限{MAX_DEPTH}）。"
            raise unreadable(ja, f"The expression nests deeper than {MAX_DEPTH}.").at(self.peek().at)

    def expression(self, floor: int) -> Node:
        """Read an expression whose operators all bind stronger than `floor`."""
        depth = self.depth
        self.deeper()
        node = self.operand()
        while (power := self.power()) > floor:
            if not self.is_symbol("|"):
                self.deeper()
            node = self.infix(node, power)
        self.depth = depth
        return node

    def power(self) -> int:
        token = self.peek()
        return BINDING.get(token.text, 0) if token.kind in ("symbol", "word") else 0

    def infix(self, left: Node, power: int) -> Node:
        token = self.take()
        if token.text == "is" or token.text == "as":
            return TypeTest("is" if token.text == "is" else "as", left, self.type_name(), token.at)
        if token.text == "|":
            branches = [left, self.expression(power)]
            while self.is_symbol("|"):
                self.take()
                branches.append(self.expression(power))
            return Union(tuple(branches), token.at)
        return Binary(token.text, left, self.expression(power), token.at)

    def type_name(self) -> str:
        names = [self.name()]
        while self.is_symbol("."):
            self.take()
            names.append(self.name())
        return ".".join(names)

    def name(self) -> str:
        if self.peek().kind not in ("word", "quoted"):
            raise self.unexpected()
        return self.take().text

    def operand(self) -> Node:
        token = self.peek()
        if token.kind == "symbol" and token.text in "+-":
            self.take()
            return Polarity("-" if token.text == "-" else "+", self.expression(_POLARITY), token.at)
        return self.postfix(self.term())

    def postfix(self, node: Node) -> Node:
        while True:
            if self.is_symbol("."):
                self.deeper()
                self.take()
                node = self.invocation(node)
            elif self.is_symbol("["):
                self.deeper()
                at = self.take().at
                node = Indexer(node, self.expression(0), at)
                self.expect("]")
            else:
                return node

    def invocation(self, target: Node | None) -> Node:
        token = self.peek()
        name = self.name()
        if token.kind == "word" and self.is_symbol("("):
            return Call(target, name, self.arguments(), token.at)
        return Member(target, name, token.at)

    def arguments(self) -> tuple[Node, ...]:
        self.expect("(")
        found: list[Node] = []
        if not self.is_symbol(")"):
            found.append(self.expression(0))
            while self.is_symbol(","):
                self.take()
                found.append(self.expression(0))
        self.expect(")")
        return tuple(found)

    def term(self) -> Node:
        token = self.peek()
        match token.kind:
            case "word" if token.text in ("true", "false"):
                self.take()
                return Constant(Item(token.text == "true", BOOLEAN), token.at)
            case "word" | "quoted":
                return self.invocation(None)
            case "dollar":
                return Special(self.take().text, token.at)
            case "external":
                return External(self.take().text, token.at)
            case "string":
                return Constant(Item(self.take().text, STRING), token.at)
            case "number":
                return self.number()
            case "date" | "dateTime" | "time":
                self.take()
                return Constant(temporal.literal(token.kind, token.text, token.at), token.at)
            case "symbol" if token.text in "({":
                return self.bracket()
            case _:
                raise self.unexpected()

    def bracket(self) -> Node:
        token = self.take()
        if token.text == "{":
            self.expect("}")
            return Constant(None, token.at)
        node = self.expression(0)
        self.expect(")")
        return node

    def number(self) -> Node:
        token = self.take()
        unit = self.peek()
        if unit.kind == "string":
            self.take()
            return Constant(Item(Quantity(Decimal(token.text), unit.text), QUANTITY), token.at)
        if unit.kind == "word" and unit.text in CALENDAR:
            self.take()
            return Constant(Item(Quantity(Decimal(token.text), CALENDAR[unit.text], True), QUANTITY), token.at)
        if "." in token.text:
            return Constant(Item(Decimal(token.text), DECIMAL), token.at)
        if len(token.text) > 10 or int(token.text) > MAX_INTEGER:
            ja = f"整数「{token.text[:20]}」は範囲外です（上限{MAX_INTEGER}）。"
            raise unreadable(ja, f"The integer is out of range (at most {MAX_INTEGER}).").at(token.at)
        return Constant(Item(int(token.text), INTEGER), token.at)
