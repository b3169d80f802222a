"""The search parameters of every resource type: R4's own, those of our profiles, of the installed packages, and those
that are stored as resources here.

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from fhir_service.fhir import fhirpath
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.converters import CANONICAL, INDEXED
from fhir_service.fhir.search.first_entry import EXPRESSION as FIRST_ENTRY
from fhir_service.fhir.search.incomplete import Indexing, Parameters
from fhir_service.fhir.search.kinship import with_kin
from fhir_service.fhir.search.limits import limits_of
from fhir_service.fhir.search.parameter import SearchParameter, SearchType
from fhir_service.fhir.search.paths import Path, root_of, simple_paths, split_union
from fhir_service.fhir.search.terminology import NoTerminology, Terminology

# The definitions that R4 itself publishes as examples of a SearchParameter.
EXAMPLES = frozenset(
    f"http://hl7.org/fhir/SearchParameter/{name}" for name in ("example", "example-extension", "example-reference")
)

# Expressions that name an extension's value by a type it does not have (JP Core 1.1.2; right since 1.2.0).
_JP = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Organization_"
_WRONG = "Organization.extension.where(url='{}').value.as(code)"
_RIGHT = "Organization.extension('{}').value.ofType({})"
CORRECTED: dict[str, str] = {
    _WRONG.format(url): _RIGHT.format(url, value_type)
    for url, value_type in (
        (f"{_JP}PrefectureNo", "Coding"),
        (f"{_JP}InsuranceOrganizationCategory", "Coding"),
        (f"{_JP}InsuranceOrganizationNo", "Identifier"),
    )
}

# Components whose expressions R4 has the wrong way round: (composite, component): expression
_SP = "http://hl7.org/fhir/SearchParameter/"
CORRECTED_COMPONENTS: dict[tuple[str, str], str] = {
    (f"{_SP}DocumentReference-relationship", f"{_SP}DocumentReference-relatesto"): "target",
    (f"{_SP}DocumentReference-relationship", f"{_SP}DocumentReference-relation"): "code",
}

# The date parameter that tells when what a resource speaks of happened or was written, where it is not called `date`.
PRIMARY_DATE: dict[str, str] = {
    "Basic": "created",
    "Bundle": "timestamp",
    "ChargeItem": "occurrence",
    "Claim": "created",
    "ClaimResponse": "created",
    "Communication": "sent",
    "CommunicationRequest": "authored",
    "Condition": "onset-date",
    "Contract": "issued",
    "CoverageEligibilityRequest": "created",
    "CoverageEligibilityResponse": "created",
    "DetectedIssue": "identified",
    "DeviceRequest": "authored-on",
    "DocumentManifest": "created",
    "ExplanationOfBenefit": "created",
    "Goal": "start-date",
    "ImagingStudy": "started",
    "Media": "created",
    "MedicationAdministration": "effective-time",
    "MedicationDispense": "whenhandedover",
    "MedicationRequest": "authoredon",
    "MedicationStatement": "effective",
    "NutritionOrder": "datetime",
    "PaymentNotice": "created",
    "PaymentReconciliation": "created",
    "Provenance": "recorded",
    "QuestionnaireResponse": "authored",
    "RequestGroup": "authored",
    "ServiceRequest": "authored",
    "Slot": "start",
    "Specimen": "collected",
    "Task": "authored-on",
    "VisionPrescription": "datewritten",
}

_MIME_TYPES = "http://hl7.org/fhir/ValueSet/mimetypes"
CODED = frozenset({"Coding", "CodeableConcept", "code"})

INHERITED = ("Resource", "DomainResource")


class SearchRegistry:
    """Answers which search parameters a resource type has; each type is worked out when it is first asked for."""

    def __init__(self, definitions: Definitions, terminology: Terminology | None = None) -> None:
        self.definitions = definitions
        self.terminology: Terminology = terminology or NoTerminology()
        self.version = 0  # counts up when `parameters` may give others than before
        self._by_type: dict[str, Mapping[str, SearchParameter]] = {}
        self._declared: dict[str, Mapping[str, SearchParameter]] = {}
        self._loaded: dict[str, Mapping[str, SearchParameter]] = {}
        self._paths: dict[tuple[str, str], tuple[Path, ...]] = {}
        self._stored: dict[str, Resource] = {}
        self._stored_by_base: Mapping[str, Sequence[Resource]] = {}
        self._incomplete: Mapping[str, Mapping[str, Indexing]] = {}
        self.remembered: dict[Any, Any] = {}  # searches that were read, until `version` changes (`parse.py`)

    def parameters(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """Return the parameters of a resource type by code, those of Resource and DomainResource included.

        Whoever asks it for one that is not indexed yet gets `BeingIndexed`.
        """
        found = self._by_type.get(resource_type)
        if found is None:
            incomplete = self._incomplete.get(resource_type, {})
            found = self._by_type[resource_type] = Parameters(self.declared(resource_type), resource_type, incomplete)
        return found

    def declared(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """Return the same with those that are not indexed yet: what the entries of a resource are made by.

        The stored ones come last and have no kin, so that they change nothing of what the others have in the index.
        """
        found = self._declared.get(resource_type)
        if found is None:
            loaded = self._loaded.get(resource_type)
            if loaded is None:
                loaded = self._loaded[resource_type] = with_kin(self._made(resource_type, self._by_base))
            stored = self._made(resource_type, self._stored_by_base) if self._stored_by_base else {}
            found = self._declared[resource_type] = {
                **loaded,
                **{code: stored[code] for code in stored.keys() - loaded},
            }
        return found

    def store(self, definitions: Iterable[Resource]) -> None:
        """Take these definitions, which are stored here, besides those that are loaded, instead of earlier ones."""
        self._stored = {each["url"]: each for each in definitions if each["url"] not in self._definitions}
        self._stored_by_base = _by_base(self._stored.values())
        self._declared.clear()
        self._paths.clear()
        self.indexing({})

    def reload(self) -> list[Resource]:
        """Read the loaded definitions again, since packages have come; return those that came, went or changed."""
        before = self._definitions
        for kept in ("_definitions", "_by_base"):
            self.__dict__.pop(kept, None)
        now = self._definitions
        changed = [each for url in before.keys() | now.keys() for each in _differing(before.get(url), now.get(url))]
        self._loaded.clear()
        self.store(tuple(self._stored.values()))
        return changed

    def indexing(self, incomplete: Mapping[str, Mapping[str, Indexing]]) -> None:
        """Refuse searches by these parameters, by type and code: what was stored before them is not indexed yet."""
        self._incomplete = incomplete
        self._by_type.clear()
        self.remembered.clear()
        self.version += 1

    def definition(self, url: str) -> Resource | None:
        """Return the definition of a search parameter, loaded or stored."""
        return self._definitions.get(url) or self._stored.get(url)

    def loaded_definition(self, url: str) -> Resource | None:
        """Return the definition of a search parameter that is not only stored here."""
        return self._definitions.get(url)

    def all_definitions(self) -> Iterator[Resource]:
        """Give the definitions of all search parameters."""
        yield from self._definitions.values()
        yield from self._stored.values()

    def primary_date(self, resource_type: str) -> str | None:
        """Return the code of the date parameter whose least value is `IndexEntries.date`, None if it has none.

        It is one of R4's: the order of what is stored must not depend on what is added.
        """
        parameter = self.declared(resource_type).get(PRIMARY_DATE.get(resource_type, "date"))
        is_r4s = parameter is not None and parameter.type == "date" and parameter.url.startswith(_SP)
        return parameter.code if parameter is not None and is_r4s else None

    def is_coded(self, parameter: SearchParameter) -> bool:
        """Whether the values of a token parameter are codes, and nothing else."""
        types = {path.type for path in self.paths(parameter)}
        return parameter.type == "token" and bool(types) and types <= CODED

    def part_of(self, resource_type: str) -> SearchParameter | None:
        """Return the parameter that says which other of its type one is part of: `Location?partof=`.

        https://hl7.org/fhir/R4/search.html#recursive
        """
        known = self.declared(resource_type)
        found = known.get("partof") or known.get("part-of")
        return found if found is not None and resource_type in found.targets else None

    def is_mime(self, parameter: SearchParameter) -> bool:
        """Whether the values of a token parameter are MIME types."""
        elements = [path.element for path in self.paths(parameter)]
        return bool(elements) and all(each and (each.value_set or "").startswith(_MIME_TYPES) for each in elements)

    def paths(self, parameter: SearchParameter) -> tuple[Path, ...]:
        """Return the simple paths of a parameter's expression; those branches that are not simple are left out."""
        key = (parameter.resource_type, parameter.code)
        found = self._paths.get(key)
        if found is None:
            found = self._paths[key] = tuple(
                path
                for branch in split_union(parameter.expression or "")
                for path in simple_paths(branch, parameter.resource_type, self.definitions) or ()
            )
        return found

    def named_by_canonical(self, parameter: SearchParameter) -> tuple[str, ...]:
        """Return the types of which a reference parameter may name one by its canonical URL; () if it never does.

        `BeingIndexed` if the URLs of one of them are not indexed yet.
        """
        named = self.declared_by_canonical(parameter)
        for each in named:
            self.parameters(each)["url"]
        return named

    def declared_by_canonical(self, parameter: SearchParameter) -> tuple[str, ...]:
        """Return the same, whatever is indexed."""
        if parameter.type != "reference" or not any(path.type in CANONICAL for path in self.paths(parameter)):
            return ()
        types = parameter.targets or sorted(self.definitions.resource_types)
        return tuple(each for each in types if (url := self.declared(each).get("url")) and url.type == "uri")

    def only_canonical(self, parameter: SearchParameter) -> bool:
        """Whether a reference parameter never names a resource by its type and id."""
        paths = self.paths(parameter)
        return bool(paths) and all(path.type in CANONICAL for path in paths)

    def _made(self, resource_type: str, by_base: Mapping[str, Sequence[Resource]]) -> dict[str, SearchParameter]:
        made: dict[str, SearchParameter] = {}
        for base in (*INHERITED, resource_type):
            if self.definitions.is_a(resource_type, base):
                for definition in by_base.get(base, ()):
                    if definition["code"] not in made and (each := self._parameter(definition, resource_type)):
                        made[each.code] = each
        return made

    @cached_property
    def _by_base(self) -> Mapping[str, Sequence[Resource]]:
        return _by_base(self._definitions.values())

    @cached_property
    def _definitions(self) -> dict[str, Resource]:
        return {
            each["url"]: each
            for each in self.definitions.all("SearchParameter")
            if each.keys() >= {"url", "code", "type"} and each["url"] not in EXAMPLES
        }

    def _parameter(self, definition: Resource, resource_type: str) -> SearchParameter | None:
        """Return the parameter as it stands on this type, None if it cannot be evaluated there.

        Those without an expression (`_text`, `_content`, `_query`, `_filter`) cannot.
        """
        branches = list(_branches(definition, resource_type))
        if not self._has_values(definition["type"], branches, resource_type):
            return None
        components = [self._component(definition["url"], component) for component in definition.get("component", ())]
        if None in components:
            return None
        parameter = SearchParameter(
            resource_type=resource_type,
            code=definition["code"],
            type=definition["type"],
            expression=" | ".join(branches),
            url=definition["url"],
            components=tuple(component for component in components if component),
            description=definition.get("description", ""),
            limits=None if definition["url"].startswith(_SP) else limits_of(definition),
        )
        if parameter.type != "reference":
            return parameter
        return replace(parameter, targets=tuple(self._targets(parameter, definition.get("target", ()))))

    def _has_values(self, search_type: SearchType, branches: list[str], resource_type: str) -> bool:
        """Whether the branches can lead to something that this type of parameter compares.

        The first entry of a Bundle is a resource, and no reference (`first_entry.py`).
        """
        for branch in branches:
            if search_type == "reference" and branch == FIRST_ENTRY:
                return True
            paths = simple_paths(branch, resource_type, self.definitions)
            if paths is None and self._can_be_read(branch, resource_type):
                return True
            if search_type == "composite" and paths:
                return True
            if any(path.type in INDEXED.get(search_type, ()) for path in paths or ()):
                return True
        return False

    def _can_be_read(self, branch: str, resource_type: str) -> bool:
        try:
            fhirpath.compile(branch, self.definitions, context_type=resource_type)
        except fhirpath.FhirPathError:
            return False
        return True

    def _component(self, composite: str, component: Resource) -> tuple[str, str] | None:
        """Return code and expression of a composite's component, None if its definition is not there."""
        url = str(component.get("definition")).partition("|")[0]
        definition = self.definition(url)
        expression: str = CORRECTED_COMPONENTS.get((composite, url)) or component.get("expression", "")
        return (definition["code"], " | ".join(split_union(expression))) if definition else None

    def _targets(self, parameter: SearchParameter, declared: Sequence[str]) -> Iterable[str]:
        """Return the types that a reference parameter can point to; none stands for every type.

        `where(resolve() is Patient)` leaves only that type, though clinical-patient declares Group, too; otherwise
        they are those of the declared types that the element allows on this resource type.
        """
        paths = self.paths(parameter)
        if paths and all(path.target for path in paths):
            return dict.fromkeys(path.target for path in paths if path.target)
        known = [target for target in declared if target in self.definitions.resource_types]
        if any(path.type != "Reference" or not path.element or not path.element.targets for path in paths):
            return known
        allowed = dict.fromkeys(target for path in paths if path.element for target in path.element.targets)
        return [target for target in known if target in allowed] or allowed


def _differing(before: Resource | None, now: Resource | None) -> list[Resource]:
    return [] if before == now else [each for each in (before, now) if each is not None]


def _by_base(definitions: Iterable[Resource]) -> dict[str, list[Resource]]:
    by_base: dict[str, list[Resource]] = {}
    for definition in definitions:
        for base in definition.get("base", ()):
            by_base.setdefault(base, []).append(definition)
    return by_base


def _branches(definition: Resource, resource_type: str) -> Iterator[str]:
    """Give the branches of the union that apply to a resource type: those that name it, a base of it, or no type."""
    expression: str = definition.get("expression", "")
    for branch in split_union(CORRECTED.get(expression, expression)):
        if branch and root_of(branch) in (None, resource_type, *INHERITED):
            yield branch
