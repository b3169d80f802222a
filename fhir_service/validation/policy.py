"""What this server asks of resources beyond R4: which profiles apply to which, and how grave each broken rule is here.

It is data, read from a file (`policy_file.py`); without one, profiles that a resource claims apply, and nothing else.
"""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol

from fhir_service.fhir.outcome import Issue, Severity
from fhir_service.fhir.resource import Resource
from fhir_service.validation.run import Options, Outside, Run
from fhir_service.validation.sender import Sender, sender_of
from fhir_service.validation.text_lint import lint

# Rules of R4 that a write may break with a warning; $validate tells them as errors, and a policy file can raise them.
# extension-unknown: HL7 and others have published extensions after the packages that are here.
# pat-1: of a relative it may only be known that there is a sister; HL7's patch suite stores such contacts, too.
# urn-case: many systems write UUIDs in capitals. concept-map: maps are kept as they are published.
# txt-2, unit, xhtml-block, xhtml-target: a record with such a narrative or unit is better kept; 26 of HL7's examples
# have one.
# code-package: others use another version of it; JP-CLINS 1.5.2 asks for sections that its code system has not.
# code-absent: what is unknown of somebody who is met for the first time is kept with the reason for its absence.
# display: a name in other words than those of the code system does not change what the code means.
# identifier-system: R4 nowhere says that the system of an Identifier has to be absolute, and others send `url`.
# hash, identifier-value, narrative-link, urn-case: a file, an OID without urn:oid:, a dangling link and capitals are
# better kept; some of HL7's examples have one.
# invariant-unasked: a definition with a broken rule must not keep good records from being stored.
# property-twice: R4 does not ask that properties of code systems differ; those of HL7's SNOMED CT do not.
# concept-map, definition-kind, definition-twice, include-system, search-parameter: definitions are kept as they are
# published; HL7's own have such faults.
LOWERED_ON_WRITE = frozenset(
    {"bundle-ambiguous", "code-absent", "code-package", "concept-map", "definition-binding", "definition-kind"}
    | {"definition-name", "definition-slicing", "definition-snapshot", "definition-twice", "display"}
    | {"expression-element", "expression-text", "extension-unknown", "hash", "identifier-system"}
    | {"identifier-value", "include-system"}
    | {"invariant-unasked", "narrative-link", "pat-1", "period-open", "property-twice", "range-unit"}
    | {"search-parameter", "structure-map", "txt-2", "unit", "urn-case", "xhtml-block", "xhtml-target"}
)

UNKNOWN_PROFILE = "profile-unknown"
"""The rule of the validator for a profile that is claimed but not here."""


class Checks(Protocol):
    """What a policy asks: the validator."""

    def check(
        self,
        resource: Resource,
        profiles: Sequence[str] = (),
        *,
        options: Options = ...,
        asked: Callable[[Run], Sequence[str]] | None = None,
        outside: Outside | None = None,
    ) -> list[Issue]: ...


@dataclass(frozen=True, slots=True)
class Partner:
    """Whose resources are checked against which profiles; every condition that is given has to hold."""

    name: str
    profiles: tuple[str, ...]
    type: str = "Bundle"
    source: str | None = None
    author: str | None = None
    custodian: str | None = None

    def sent(self, sender: Sender) -> bool:
        """Whether this partner is the sender. A source that ends in `*` names all that begins so."""
        return (
            (self.source is None or _begins(sender.source, self.source))
            and (self.author is None or self.author in sender.authors)
            and (self.custodian is None or self.custodian in sender.custodians)
        )


@dataclass(frozen=True, slots=True)
class SeverityChange:
    """How grave the issues of a rule or profile are here, and why."""

    severity: Severity
    reason: str
    rule: str | None = None
    profile: str | None = None
    type: str | None = None

    def is_about(self, issue: Issue, types: Container[Any]) -> bool:
        return (
            (self.rule is None or self.rule == issue.rule)
            and (self.profile is None or (issue.profile or "").partition("|")[0] == self.profile)
            and (self.type is None or self.type in types)
        )


When = Literal["off", "validate", "always"]


@dataclass(frozen=True, slots=True)
class PolicyRules:
    """What a policy file says.

    `vital_signs` is when Observations with the code of one are checked against its profile, `text_lint` when Japanese
    text is looked through: never, when somebody asks ($validate, the command), or also on each write.
    """

    claimed_profiles: bool = True
    unknown_profiles: Literal["warn", "refuse"] = "warn"
    unknown_extensions: Literal["accept", "refuse"] = "accept"
    best_practice: bool = False
    must_support: bool = False
    vital_signs: When = "validate"
    text_lint: When = "validate"
    text_lint_without: frozenset[str] = frozenset()
    defaults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    partners: tuple[Partner, ...] = ()
    severities: tuple[SeverityChange, ...] = ()


class OnDemand(NamedTuple):
    """What somebody asks to be told, or not to be; None leaves it to the policy."""

    must_support: bool | None = None
    best_practice: bool | None = None

    def of(self, options: Options) -> Options:
        """Return the options with what is asked."""
        said = {name: value for name, value in self._asdict().items() if value is not None}
        return replace(options, **said) if said else options


BY_POLICY = OnDemand()


class Policy:
    """Checks resources as this server's rules ask."""

    def __init__(self, validator: Checks, rules: PolicyRules | None = None) -> None:
        self._validator = validator
        self._rules = rules or PolicyRules()
        accepting = self._rules.unknown_extensions == "accept"
        self._options = Options(
            claimed=self._rules.claimed_profiles,
            vital_signs=self._rules.vital_signs != "off",
            foreign_extensions="warning" if accepting else "error",
            best_practice=self._rules.best_practice,
            must_support=self._rules.must_support,
        )
        always = self._rules.vital_signs == "always"
        # Who stores an ImplementationGuide does not say by that what others may write.
        foreign: Severity | None = None if accepting else "error"
        self._on_write = replace(
            self._options, extensible=False, foreign_extensions=foreign, vital_signs=always, guides=False
        )
        self._changes = (*self._rules.severities, *_refused(self._rules))
        self._linted = self._rules.text_lint == "always"
        self._plain = not (self._rules.defaults or self._rules.partners)

    def __call__(self, resource: Resource, outside: Outside | None = None) -> list[Issue]:
        """Check a resource that is to be stored."""
        found = self._validator.check(resource, options=self._on_write, asked=self._asked(), outside=outside)
        if self._linted and isinstance(resource, dict):
            found = [*found, *lint(resource, self._rules.text_lint_without)]
        return self._judged([_on_write(issue) for issue in found], resource) if found else found

    def validate(
        self,
        resource: Resource,
        profiles: Sequence[str] = (),
        outside: Outside | None = None,
        on_demand: OnDemand = BY_POLICY,
    ) -> list[Issue]:
        """Check a resource for somebody who asks, against these profiles, too."""
        options = on_demand.of(self._options)
        found = self._validator.check(resource, profiles, options=options, asked=self._asked(), outside=outside)
        if self._rules.text_lint != "off" and isinstance(resource, dict):
            found = [*found, *lint(resource, self._rules.text_lint_without)]
        return self._judged(found, resource)

    def _asked(self) -> Callable[[Run], Sequence[str]] | None:
        """Return what tells which profiles apply to a resource besides those that it claims; None if none ever do.

        What a Bundle holds comes from whom the Bundle comes from, or from whom it says itself.
        """
        if self._plain:
            return None
        senders: dict[int, Sender] = {}

        def asked(run: Run) -> tuple[str, ...]:
            kind = run.resource.get("resourceType")
            profiles = dict.fromkeys(self._rules.defaults.get(str(kind), ()))
            partners = [each for each in self._rules.partners if each.type == kind]
            around: Run | None = run if partners else None
            while around is not None:
                sender = senders.get(id(around.resource)) or sender_of(around.resource)
                senders[id(around.resource)] = sender
                profiles |= dict.fromkeys(
                    each for partner in partners if partner.sent(sender) for each in partner.profiles
                )
                around = around.holder
            return tuple(profiles)

        return asked

    def _judged(self, issues: list[Issue], resource: Resource) -> list[Issue]:
        return [self._judge(issue, resource) for issue in issues] if self._changes else issues

    def _judge(self, issue: Issue, resource: Resource) -> Issue:
        if issue.rule is None and issue.profile is None:
            return issue  # it is not R4 at all: no policy makes it so
        types = _types(issue, resource)
        for change in self._changes:
            if change.is_about(issue, types):
                if change.severity == issue.severity:
                    return issue
                ja = f"{issue.ja}(このサーバーの方針により {change.severity}: {change.reason})"
                en = f"{issue.en} (made {change.severity} by the policy of this server: {change.reason})"
                return replace(issue, severity=change.severity, ja=ja, en=en)
        return issue


_ENTRY = re.compile(r"\.entry\[(\d+)\]\.resource")


def _types(issue: Issue, resource: Resource) -> list[Any]:
    """Return the type of the resource and, where the issue is of an entry of a Bundle, that of what it holds."""
    types = []
    at: Any = resource
    for index in ("", *_ENTRY.findall(issue.expression[0] if issue.expression else "")):
        at = at["entry"][int(index)]["resource"] if index else at
        types.append(at.get("resourceType") if isinstance(at, dict) else None)
    return types


def _on_write(issue: Issue) -> Issue:
    return replace(issue, severity="warning") if issue.rule in LOWERED_ON_WRITE else issue


def _refused(rules: PolicyRules) -> tuple[SeverityChange, ...]:
    if rules.unknown_profiles == "warn":
        return ()
    return (SeverityChange("error", 'unknown_profiles = "refuse"', rule=UNKNOWN_PROFILE),)


def _begins(source: str | None, wanted: str) -> bool:
    if source is None:
        return False
    return source.startswith(wanted[:-1]) if wanted.endswith("*") else source == wanted
