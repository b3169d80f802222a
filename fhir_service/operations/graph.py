"""The resources that a GraphDefinition leads to, from the one where it starts.

A link with a path follows the references that FHIRPath finds there; one without follows `params`, a search in which
`{ref}` stands for the resource. Required compartment rules leave out what breaks them; a number of targets that `min`
and `max` do not allow is an error, for then the data are not of this shape. Profiles of targets are not checked.
https://hl7.org/fhir/R4/graphdefinition.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from fhir_service.fhir import fhirpath
from fhir_service.fhir.fhirpath import Environment
from fhir_service.fhir.json import decode
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.reference import local_key, reference_texts
from fhir_service.fhir.resource import Key, Resource, key_of
from fhir_service.fhir.search.parsing.parse import parse_search
from fhir_service.interactions.services import Services
from fhir_service.operations.parameters import refused

MOST_RESOURCES = 1_000
MOST_STEPS = 5_000  # links followed, each from one resource
STEP_LIMIT = 100_000  # of one evaluation of FHIRPath
_ANY = "Resource"


async def graph_definition(canonical: str, base: str, services: Services) -> Resource:
    """Return the GraphDefinition that is stored here, or loaded, under this url or reference; 400 if there is none."""
    url, _, version = canonical.partition("|")
    key = local_key(canonical, base)
    if key is not None and key.type == "GraphDefinition":
        found = (await services.store.read_many([key])).get(key)
    else:
        criteria = [("url", _escaped(url)), *([("version", f"|{_escaped(version)}")] if version else [])]
        parsed = parse_search(
            "GraphDefinition", criteria, services.indexer, base=base, now=services.now(), lenient=True
        )
        found = next(iter((await services.store.search(parsed.query, count=1)).matches), None)
    if found is not None:
        return decode(found.body)  # type: ignore[no-any-return]
    loaded = services.definitions.find(canonical)
    if loaded is None or loaded["resourceType"] != "GraphDefinition":
        raise refused("graph", "に合うGraphDefinitionがありません", "names no GraphDefinition that is known here")
    return loaded


async def graph(definition: Resource, start: Resource, base: str, services: Services) -> list[Resource]:
    """Return the resources of the graph, the one where it starts first, each once."""
    if definition.get("start") not in (start["resourceType"], _ANY):
        ja = f"のGraphDefinitionは{definition.get('start')}から始まります"
        raise refused("graph", ja, f"starts at a {definition.get('start')}")
    walk = _Walk(base, services, services.now(), {key_of(start): start})
    await walk.follow(start, definition.get("link", ()))
    return [*walk.found.values()]


@dataclass(slots=True)
class _Walk:
    base: str
    services: Services
    now: datetime
    found: dict[Key, Resource]
    followed: set[tuple[Key, int]] = field(default_factory=set)
    steps: int = 0

    async def follow(self, resource: Resource, links: Sequence[Resource]) -> None:
        pending: list[tuple[Resource, Resource]] = [(resource, link) for link in links]
        while pending:
            source, link = pending.pop(0)
            if (key_of(source), id(link)) in self.followed:
                continue
            self.followed.add((key_of(source), id(link)))
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise _too_many()
            reached = await self._by_path(source, link) if "path" in link else []
            count = 0
            for target in link.get("target", ()):
                here = [each for each in reached if target["type"] in (each["resourceType"], _ANY)]
                here += await self._by_search(source, target)
                here = [each for each in here if self._allowed(source, each, target)]
                count += len(here)
                pending += [(each, below) for each in here for below in target.get("link", ())]
                self._keep(here)
            _check(link, count, source)

    def _keep(self, resources: Iterable[Resource]) -> None:
        for each in resources:
            self.found.setdefault(key_of(each), each)
        if len(self.found) > MOST_RESOURCES:
            raise _too_many()

    async def _by_path(self, source: Resource, link: Resource) -> list[Resource]:
        environment = Environment(now=self.now, limit=STEP_LIMIT)
        compiled = fhirpath.compile(link["path"], self.services.definitions, context_type=source["resourceType"])
        texts = [_reference(item.value) for item in compiled.evaluate(source, environment)]
        keys = dict.fromkeys(key for text in texts if text and (key := local_key(text, self.base)))
        versions = await self.services.store.read_many([*keys])
        return [self.found.get(key) or decode(versions[key].body) for key in keys if key in versions]

    async def _by_search(self, source: Resource, target: Resource) -> list[Resource]:
        if "params" not in target:
            return []
        pairs = parse_qsl(target["params"].removeprefix("?"), keep_blank_values=True)
        criteria = [(name, value.replace("{ref}", str(key_of(source)))) for name, value in pairs]
        parsed = parse_search(target["type"], criteria, self.services.indexer, base=self.base, now=self.now)
        page = await self.services.store.search(parsed.query, count=MOST_RESOURCES)
        if page.next is not None:
            raise _too_many()
        return [decode(each.body) for each in page.matches]

    def _allowed(self, source: Resource, reached: Resource, target: Resource) -> bool:
        """Whether the rules that are required hold: those of the target's compartments against the source's."""
        for rule in target.get("compartment", ()):
            if rule["use"] == "requirement":
                ours, theirs = (self._compartments(each, rule["code"]) for each in (source, reached))
                if not _RULES.get(rule["rule"], _unknown_rule)(ours, theirs):
                    return False
        return True

    def _compartments(self, resource: Resource, code: str) -> frozenset[Key]:
        """Return the patients (or what the code says) in whose compartment a resource is."""
        keys = {key for text in reference_texts(resource) if (key := local_key(text, self.base)) and key.type == code}
        return frozenset(keys | ({key_of(resource)} if resource["resourceType"] == code else set()))


def _unknown_rule(ours: frozenset[Key], theirs: frozenset[Key]) -> bool:
    ja, en = "のcompartment.rule「custom」には対応していません", "has a compartment.rule custom, which is not supported"
    raise refused("graph", ja, en)


# https://hl7.org/fhir/R4/valueset-graph-compartment-rule.html; what is in no such compartment contradicts nothing.
_RULES: dict[str, Any] = {
    "identical": lambda ours, theirs: not theirs or ours == theirs,
    "matching": lambda ours, theirs: not theirs or bool(ours & theirs),
    "different": lambda ours, theirs: not ours & theirs,
    "no-rule": lambda ours, theirs: True,
}


def _reference(value: Any) -> str | None:
    match value:
        case {"reference": str(text)} | str(text):
            return text
        case _:
            return None


def _check(link: Resource, count: int, source: Resource) -> None:
    least, most = link.get("min", 0), link.get("max", "*")
    if count < least or (most != "*" and count > int(most)):
        place = link.get("path") or link.get("description") or "link"
        ja = f"{key_of(source)}からの{place}は{least}..{most}件のはずですが、{count}件あります。"
        en = f"{place} of {key_of(source)} leads to {count} resources; the graph allows {least}..{most}."
        raise fhir_error("business-rule", ja, en)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,").replace("$", "\\$")


def _too_many() -> FhirError:
    ja = f"グラフのリソースが{MOST_RESOURCES:,}件を超えています。"
    return fhir_error("too-costly", ja, f"The graph holds more than {MOST_RESOURCES:,} resources.")
