"""One validation as it goes: which resource is looked at, what contains it, and how what it refers to is found.

https://hl7.org/fhir/R4/fhirpath.html#variables and https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from fhir_service.fhir.fhirpath import Allowance, Environment, Item
from fhir_service.fhir.outcome import Severity
from fhir_service.fhir.reference import parse_reference
from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Faults

if TYPE_CHECKING:
    from fhir_service.validation.validator import Validator


@dataclass(frozen=True, slots=True)
class Options:
    """Which profiles count, and what is told besides errors and warnings.

    `claimed` checks each resource, also inside another, against the profiles of its `meta.profile`, `vital_signs` each
    Observation of one against its profile, `guides` each that is not contained against the profiles that implementation
    guides have for all of its type; `foreign_extensions` is how grave it is that an extension is defined elsewhere,
    if it is told at all.

    `extensible` warns of codes outside extensible value sets; `best_practice` tells what a good resource has (a
    narrative), `must_support` which elements that a profile supports are not there.
    """

    claimed: bool = True
    vital_signs: bool = True
    guides: bool = True
    foreign_extensions: Severity | None = None
    extensible: bool = True
    best_practice: bool = False
    must_support: bool = False


MOST_STEPS = 1_000_000
"""Of all evaluations of the rules of profiles in one check, besides those of EACH; a third of a second at the most."""

MOST_DEFINITIONS = 8  # that one check keeps

EACH = 300
"""Steps that every evaluation of such a rule has: far more than rules of a single element take."""


class Answers:
    """What is wrong with values by profiles, each asked once: discriminators and references ask again and again.

    `circles` counts how often a value was asked about inside itself, which holds for as long as nothing else is known.
    """

    __slots__ = ("circles", "definitions", "known", "open", "steps")

    def __init__(self) -> None:
        self.known: dict[Question, Faults] = {}
        self.open: set[Question] = set()
        self.circles = 0
        self.steps = Allowance(MOST_STEPS)
        self.definitions: dict[str, Resource | None] = {}


Question = tuple[int, object, bool]
"""The identity of a value, a compiled profile, whether the value is contained."""


Wanted = tuple[str, tuple[str, ...]]
"""A reference, and the profiles of which what it names must conform to one."""


class Outside(NamedTuple):
    """What lies outside of the resource that is checked: `resolve` finds what a reference names.

    References that it does not find, and that a profile holds to other profiles, are added to `wanted`.
    """

    resolve: Callable[[str], Resource | None] | None = None
    wanted: list[Wanted] | None = None


MOST_PROFILES = 50  # that one resource may claim


def claimed(resource: Resource) -> list[str]:
    """Return the profiles that a resource claims, as far as they are checked."""
    match resource.get("meta"):
        case {"profile": [*profiles]}:
            return [each for each in profiles if isinstance(each, str)][:MOST_PROFILES]
    return []


class Run:
    """The check of one resource; that of a resource inside it is a run of its own.

    `container` is the run of the resource that contains this one, `holder` that of the Bundle or Parameters around it.
    `asked` returns the profiles that are asked of a resource besides those that it claims. What is `referred` to, from
    outside, is asked only what is asked of it there, and so is what it contains.
    """

    def __init__(
        self,
        resource: Resource,
        validator: Validator,
        options: Options,
        container: Run | None = None,
        holder: Run | None = None,
        asked: Callable[[Run], Sequence[str]] | None = None,
        outside: Outside | None = None,
        *,
        referred: bool = False,
    ) -> None:
        self.resource = resource
        self.validator = validator
        self.options = options
        self.container = container
        self.holder = holder
        self.asked = asked
        self.outside = outside
        self._referred = referred
        self.element_ids: list[str] = []
        self._chosen: dict[str, frozenset[int]] = {}

    @cached_property
    def answers(self) -> Answers:
        """What was asked by profiles, shared by the runs of all that is inside."""
        around = self.holder or self.container
        return around.answers if around else Answers()

    @property
    def root(self) -> Resource:
        """`%rootResource`: the container of a contained resource, else the resource itself."""
        return self.container.resource if self.container else self.resource

    @property
    def is_of_its_own(self) -> bool:
        """Whether the resource is inside the one that is checked, so that it is checked at its own place, too."""
        return (self.container is not None or self.holder is not None) and not self._referred

    def contained(self, resource: Resource) -> Run:
        """Return the run of a resource that this one contains."""
        return Run(
            resource, self.validator, self.options, container=self, outside=self.outside, referred=self._referred
        )

    def inside(self, resource: Resource) -> Run:
        """Return the run of a resource that a Bundle or Parameters holds."""
        return Run(
            resource,
            self.validator,
            self.options,
            holder=self,
            asked=self.asked,
            outside=self.outside,
            referred=self._referred,
        )

    @property
    def profiles(self) -> Sequence[str]:
        """The profiles that are asked of the resource besides those that it claims."""
        return self.asked(self) if self.asked else ()

    @cached_property
    def environment(self) -> Environment:
        """What invariants of this resource are evaluated in."""
        return Environment(
            resolve=self.resolve_or_told,
            member_of=self.validator.member_of,
            conforms_to=self.conforms_to,
            now=self.validator.now(),
            resource=self.resource,
            root=self.root,
        )

    def allowed(self) -> Environment:
        """Return the same for a rule that anybody may have written: such rules share what they may take."""
        self.answers.steps.left += EACH
        return replace(self.environment, allowance=self.answers.steps)

    def definition(self, canonical: str) -> Resource | None:
        """Return a definition; the last few are kept: a large one may be asked for again and again."""
        kept = self.answers.definitions
        if canonical not in kept:
            if len(kept) >= MOST_DEFINITIONS:
                kept.clear()
            kept[canonical] = self.validator.definitions.find(canonical)
        return kept[canonical]

    def conforms_to(self, value: Resource, profile: str) -> bool | None:
        """Whether a resource conforms to a profile; None if nobody knows the profile."""
        return self.validator.conforms_to(value, profile, self)

    def resolve(self, reference: str) -> Resource | None:
        """Return what a reference names: what is contained, in the Bundle around, or known to the caller."""
        found = self.find(reference)
        return found[0] if found else None

    def find(self, reference: str) -> tuple[Resource, Run] | None:
        """Return what a reference names, with the run to check it in."""
        if reference.startswith("#"):
            return self._contained(reference[1:])
        around: Run | None = self.container or self
        while around is not None:
            if around.resource.get("resourceType") == "Bundle" and around is not self:
                found = around.entries.find(reference, self.container.resource if self.container else self.resource)
                if found is not None:
                    return found, around.inside(found)
            around = around.holder
        resolve = self.outside.resolve if self.outside and self.outside.resolve else self.validator.resolve
        outside = resolve(reference) if resolve else None
        return (outside, Run(outside, self.validator, self.options, referred=True)) if outside is not None else None

    def want(self, reference: str, profiles: Sequence[str]) -> None:
        """Say that what this reference names is to conform to one of these profiles, but is not at hand."""
        if self.outside and self.outside.wanted is not None:
            self.outside.wanted.append((reference, tuple(profiles)))

    def _contained(self, name: str) -> tuple[Resource, Run] | None:
        if not name:
            return (self.root, self.container or self)
        found = (self.container or self).contents.get(name)
        return None if found is None else (found, (self.container or self).contained(found))

    @cached_property
    def contents(self) -> dict[str, Resource]:
        """What this resource contains, by id."""
        contained = self.resource.get("contained")
        inside = [each for each in contained if isinstance(each, dict)] if isinstance(contained, list) else []
        return {each["id"]: each for each in reversed(inside) if isinstance(each.get("id"), str)}

    @cached_property
    def holders(self) -> dict[int, Resource]:
        """What each extension of this resource stands in, by the identity of the extension."""
        found: dict[int, Resource] = {}
        pending: list[Any] = [self.resource]
        while pending:
            match pending.pop():
                case dict(node):
                    for name in ("extension", "modifierExtension"):
                        if isinstance(extensions := node.get(name), list):
                            found |= {id(each): node for each in extensions}
                    pending.extend(each for each in node.values() if isinstance(each, (dict, list)))
                case list(items):
                    pending.extend(items)
        return found

    def chosen(self, expression: str) -> frozenset[int]:
        """Return the identities of the objects that an expression chooses in this resource."""
        found = self._chosen.get(expression)
        if found is None:
            items = self.validator.evaluate(expression, Item(self.resource, str(self.resource["resourceType"])), self)
            nodes = (item.value if isinstance(item.value, dict) else item.primitive for item in items or ())
            found = self._chosen[expression] = frozenset(id(node) for node in nodes if node is not None)
        return found

    def resolve_or_told(self, reference: str) -> Resource | None:
        """Return what a reference names or, if that is not at hand, what its text tells: the type and id."""
        found = self.resolve(reference)
        if found is not None:
            return found
        parsed = parse_reference(reference)
        if parsed.type is None:
            return None
        return (
            {"resourceType": parsed.type} if parsed.key is None else {"resourceType": parsed.type, "id": parsed.key.id}
        )

    @cached_property
    def entries(self) -> Entries:
        """What this Bundle holds."""
        return Entries(self.resource)


class Entries:
    """The resources of a Bundle by what they are called there."""

    def __init__(self, bundle: Resource) -> None:
        self._by_url: dict[str, Resource] = {}
        self._by_key: dict[str, Resource | None] = {}
        self._urls: dict[int, str] = {}
        for full_url, resource in _entries(bundle):
            if full_url:
                self._by_url.setdefault(full_url, resource)
                self._urls[id(resource)] = full_url
            key = f"{resource.get('resourceType')}/{resource.get('id')}"
            self._by_key[key] = None if key in self._by_key else resource

    def find(self, reference: str, source: Resource) -> Resource | None:
        """Return the resource that a reference in `source` names, if the Bundle holds it."""
        text = reference.partition("/_history/")[0].partition("#")[0]
        if (found := self._by_url.get(text)) is not None:
            return found
        parsed = parse_reference(text)
        if parsed.key is None or parsed.base is not None:
            return None
        base = parse_reference(self._urls.get(id(source), "")).base
        if base is not None and (found := self._by_url.get(f"{base}/{text}")) is not None:
            return found
        return self._by_key.get(text)


def _entries(bundle: Resource) -> Iterator[tuple[str | None, Resource]]:
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(resource := entry.get("resource"), dict):
            full_url = entry.get("fullUrl")
            yield full_url if isinstance(full_url, str) else None, resource


Check = Callable[[Any, Run], Faults]
"""The check of one JSON value; None for a good one."""
