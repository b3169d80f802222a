"""Extents: which codes of one system are meant. A set where they can be counted, else a rule that may not know.

`Selection` is an extent for each system. Unions, intersections and differences keep to three values: yes, no, and None
for what cannot be told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Test = Callable[[str], bool | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """Codes that cannot be counted; `whole` where all codes of the system are meant."""

    test: Test
    whole: bool = False


Extent = frozenset[str] | Rule

NOTHING: frozenset[str] = frozenset()


def _unknown(code: str) -> None:
    return None


UNKNOWN = Rule(_unknown)
WHOLE = Rule(_unknown, whole=True)


def holds(extent: Extent, code: str) -> bool | None:
    return code in extent if type(extent) is frozenset else extent.test(code)  # type: ignore[union-attr]


def union(one: Extent, other: Extent) -> Extent:
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return (one | other) if one and other else (one or other)
    return Rule(lambda code: _or(holds(one, code), holds(other, code)), _whole(one) or _whole(other))


def both(one: Extent, other: Extent) -> Extent:
    """Return the intersection. A code that is counted in one counts as a code of a whole system in the other."""
    if isinstance(other, frozenset):
        one, other = other, one
    if not isinstance(one, frozenset):
        return Rule(lambda code: _and(holds(one, code), holds(other, code)), _whole(one) and _whole(other))
    if isinstance(other, frozenset):
        return one & other
    if other is UNKNOWN and one:
        return Rule(lambda code: None if code in one else False)
    answers = {code: other.test(code) for code in one}
    if None in answers.values() and not other.whole:
        return Rule(lambda code: answers.get(code, False))
    return frozenset(code for code, answer in answers.items() if answer is not False)


def minus(one: Extent, other: Extent) -> Extent:
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return one - other
    if isinstance(other, frozenset) and not other:
        return one
    return Rule(lambda code: _and(holds(one, code), _not(holds(other, code))))


def _whole(extent: Extent) -> bool:
    return isinstance(extent, Rule) and extent.whole


def _or(one: bool | None, other: bool | None) -> bool | None:
    return True if one or other else None if one is None or other is None else False


def _and(one: bool | None, other: bool | None) -> bool | None:
    return False if one is False or other is False else None if one is None or other is None else True


def _not(one: bool | None) -> bool | None:
    return None if one is None else not one


@dataclass(frozen=True, slots=True)
class Selection:
    """The codes that are meant, by system; `rest` is the extent of every system that is not named."""

    systems: Mapping[str, Extent] = field(default_factory=dict)
    rest: Extent = NOTHING

    def of(self, system: str) -> Extent:
        return self.systems.get(system, self.rest)

    def contains(self, system: str | None, code: str) -> bool | None:
        """Whether a code is meant; one without a system may be of any."""
        if system is not None:
            extent = self.systems.get(system, self.rest)
            return code in extent if type(extent) is frozenset else extent.test(code)  # type: ignore[union-attr]
        answer: bool | None = holds(self.rest, code)
        for extent in self.systems.values():
            answer = _or(answer, holds(extent, code))
            if answer:
                break
        return answer

    def combined(self, other: "Selection", by: Callable[[Extent, Extent], Extent]) -> "Selection":
        names = self.systems.keys() | other.systems.keys()
        rest = by(self.rest, other.rest)
        made = {name: by(self.of(name), other.of(name)) for name in names}
        return Selection({name: extent for name, extent in made.items() if extent != rest}, rest)


def united(selections: Sequence[Selection]) -> Selection:
    """Return the union of selections, however many: each code is looked at once."""
    if len(selections) == 1:
        return selections[0]
    rest = _united([each.rest for each in selections])
    if rest != NOTHING:  # what one does not name it still may mean
        names = {name for each in selections for name in each.systems}
        return Selection({name: _united([each.of(name) for each in selections]) for name in names}, rest)
    extents: dict[str, list[Extent]] = {}
    for each in selections:
        for name, extent in each.systems.items():
            extents.setdefault(name, []).append(extent)
    return Selection({name: _united(parts) for name, parts in extents.items()}, NOTHING)


def _united(extents: list[Extent]) -> Extent:
    distinct = list({id(each): each for each in extents}.values())
    sets = [each for each in distinct if isinstance(each, frozenset)]
    rules = [each for each in distinct if isinstance(each, Rule)]
    codes = sets[0] if len(sets) == 1 else NOTHING.union(*sets)
    if not rules:
        return codes
    if len(rules) == 1 and not codes:
        return rules[0]

    def test(code: str) -> bool | None:
        if code in codes:
            return True
        answers = [rule.test(code) for rule in rules]
        return True if True in answers else None if None in answers else False

    return Rule(test, any(rule.whole for rule in rules))
