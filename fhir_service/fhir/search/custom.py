"""Whether a SearchParameter that is to be stored here can be taken into force: what it says has to be searchable.

https://hl7.org/fhir/R4/searchparameter.html
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fhir_service.fhir import fhirpath
from fhir_service.fhir.fhirpath import FhirPathError
from fhir_service.fhir.outcome import Issue, IssueType
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.converters import INDEXED
from fhir_service.fhir.search.paths import root_of, simple_paths, split_union
from fhir_service.fhir.search.registry import INHERITED, SearchRegistry

LONGEST = 4_000  # characters of an expression
_EMPTY = fhirpath.Environment(limit=2_000)
"""What an expression may cost on a resource that holds nothing: `(1 | 2).repeat($this + 1)` has no end on any."""
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_\-]{0,63}").fullmatch
_RESOLVES_TO_TYPE = re.compile(r"resolve\(\)\s+is\s+[A-Za-z]+")
_STAMPED = re.compile(r"\bmeta\.(?:lastUpdated|versionId)\b").search
_DEFINING = ("code", "base", "type", "expression", "component")
"""What decides about what a parameter finds."""

Said = tuple[str, str, str]
"""The element, and what is wrong with it in Japanese and in English."""


def in_force(definition: Resource) -> bool:
    """Whether a stored SearchParameter is one to search by; a draft waits, a retired one is gone."""
    return definition.get("status") == "active" and definition.keys() >= {"url", "code", "type", "base"}


def issues_of(definition: Resource, registry: SearchRegistry, stored: Mapping[str, Resource]) -> list[Issue]:
    """Return why this cannot be taken into force; none for what is not to be. `stored` are those in force, by id."""
    if not in_force(definition):
        return []
    loaded = registry.loaded_definition(definition["url"])
    if loaded is not None:
        same = all(loaded.get(name) == definition.get(name) for name in _DEFINING)
        return (
            []
            if same
            else [_issue(_taken("url", definition["url"], "このサーバーの定義", "a definition of this server"))]
        )
    others = {id_: each for id_, each in stored.items() if id_ != definition.get("id")}
    before = stored.get(definition.get("id", ""), definition)
    own = (definition["url"], before["url"])
    return [_issue(said) for said in _wrong(definition, registry, others, own)]


def _wrong(
    definition: Resource, registry: SearchRegistry, others: Mapping[str, Resource], own: Collection[str]
) -> Iterator[Said]:
    yield from _plain(definition, registry)
    same_url = [id_ for id_, each in others.items() if each["url"] == definition["url"]]
    if same_url:
        yield _taken("url", definition["url"], f"SearchParameter/{same_url[0]}", f"SearchParameter/{same_url[0]}")
    types = [each for base in definition["base"] for each in _types(base, registry)]
    if not types or len(definition.get("expression", "")) > LONGEST:
        return
    for resource_type in types:
        found = list(_on_type(definition, resource_type, registry, own))
        yield from found
        if found:
            return  # the same again on each type would tell nothing new


def _plain(definition: Resource, registry: SearchRegistry) -> Iterator[Said]:
    """Give what is wrong with the elements, whatever the type."""
    code, kind, expression = definition["code"], definition["type"], definition.get("expression", "")
    if not _CODE(code):
        ja = f"検索パラメータの名前「{code[:80]}」は使えません(英字で始まる英数字と-と_)"
        en = f"'{code[:80]}' cannot be the name of a search parameter (a letter, then letters, digits, - and _)"
        yield "code", ja, en
    if (kind != "composite" and kind not in INDEXED) or kind == "special":
        ja = f"型「{kind[:40]}」の検索パラメータは追加できません"
        yield "type", ja, f"a parameter of type '{kind[:40]}' cannot be added"
    if not expression:
        yield "expression", "expressionが必要です", "an expression is needed"
    if len(expression) > LONGEST:
        ja, en = f"expressionは{LONGEST:,}文字までです", f"an expression has {LONGEST:,} characters at the most"
        yield "expression", ja, en
    known, targets = registry.definitions.resource_types, definition.get("target", ())
    unknown = [("base", each) for each in definition["base"] if not _types(each, registry)]
    unknown += [("target", each) for each in targets if each not in known]
    for element, name in unknown:
        shown = str(name)[:80]
        yield element, f"「{shown}」はR4のリソースの型ではありません", f"'{shown}' is no resource type of R4"
    if (kind == "composite") != bool(definition.get("component")):
        ja = "componentは型がcompositeのときだけ、必ず必要です"
        yield "component", ja, "components belong to type composite, and to it only"


def _types(base: str, registry: SearchRegistry) -> Sequence[str]:
    """Return the resource types that a base stands for."""
    if base in INHERITED:
        return sorted(each for each in registry.definitions.resource_types if registry.definitions.is_a(each, base))
    return [base] if base in registry.definitions.resource_types else []


def _on_type(
    definition: Resource, resource_type: str, registry: SearchRegistry, own: Collection[str]
) -> Iterator[Said]:
    """Give what is wrong with the parameter on one type; `own` are the URLs that it has and had."""
    there = registry.declared(resource_type).get(definition["code"])
    if there is not None and there.url not in own:
        yield _taken("code", f"{resource_type}.{definition['code']}", there.url, there.url)
    every = split_union(definition.get("expression", ""))
    branches = [each for each in every if root_of(each) in (None, resource_type, *INHERITED)]
    if not branches:
        yield "expression", f"{resource_type}に当てはまる部分がありません", f"no part of it is about {resource_type}"
    if definition["type"] == "composite":
        yield from _composite(definition, branches, resource_type, registry)
        return
    for branch in branches:
        yield from _branch(branch, definition["type"], resource_type, registry)


def _branch(branch: str, kind: str, resource_type: str, registry: SearchRegistry) -> Iterator[Said]:
    shown = branch[:200]
    try:
        expression = fhirpath.compile(branch, registry.definitions, context_type=resource_type)
    except FhirPathError as error:
        issue = error.issues[0]
        yield "expression", f"FHIRPathとして読めません({shown}): {issue.ja}", f"'{shown}' is no FHIRPath: {issue.en}"
        return
    if (unindexed := _unindexed(branch, expression, resource_type)) is not None:
        yield "expression", *unindexed
        return
    paths = simple_paths(branch, resource_type, registry.definitions)
    if paths is None:
        return  # what the engine calculates has no type before it is there
    found = sorted({path.type for path in paths})
    if not INDEXED.get(kind, frozenset()) & set(found):  # type: ignore[call-overload]
        listed = ", ".join(found) or "-"
        ja = f"「{shown}」の型({listed})は、{kind}の検索パラメータの値になりません"
        yield "expression", ja, f"'{shown}' leads to {listed}, which is nothing that a {kind} parameter compares"


def _unindexed(branch: str, expression: fhirpath.Expression, resource_type: str) -> tuple[str, str] | None:
    """Return why what an expression selects is not indexed, in Japanese and in English; None if it is."""
    shown = branch[:200]
    if _is_endless(expression, resource_type):
        return f"計算が終わらないため、索引にできません({shown})", f"'{shown}' costs too much to be indexed"
    if "resolve(" in _RESOLVES_TO_TYPE.sub("", branch):
        return f"resolve()の先は索引にできません({shown})", f"what resolve() leads to is not indexed: '{shown}'"
    if _STAMPED(branch):
        return (
            "版と更新日時は保存のときに決まるため、索引にできません(_lastUpdatedを使ってください)",
            "version and time are stamped when a resource is stored, and are not indexed; use _lastUpdated",
        )
    return None


def _is_endless(expression: fhirpath.Expression, resource_type: str) -> bool:
    try:
        expression.evaluate({"resourceType": resource_type}, _EMPTY)
    except FhirPathError as error:
        return error.issues[0].code == "too-costly"
    return False


def _composite(
    definition: Resource, branches: Sequence[str], resource_type: str, registry: SearchRegistry
) -> Iterator[Said]:
    """Each component is a parameter of the type, and leads by plain paths to values of that parameter."""
    instances = [simple_paths(branch, resource_type, registry.definitions) for branch in branches]
    contexts = {path.type for paths in instances for path in paths or ()}
    if not all(instances):
        ja = "compositeのexpressionは単純なパスにしてください"
        yield "expression", ja, "the expression of a composite has to be a plain path"
        return
    for n, component in enumerate(definition.get("component", ())):
        url = str(component.get("definition")).partition("|")[0]
        found = registry.definition(url)
        known = registry.declared(resource_type).get(found["code"]) if found else None
        if known is None or known.type in ("composite", "special"):
            ja = f"{resource_type}の検索パラメータではありません({url[:200]})"
            en = f"'{url[:200]}' is no parameter of {resource_type} that can be a component"
            yield f"component[{n}].definition", ja, en
            continue
        for branch in split_union(str(component.get("expression", ""))):
            paths: list[Any] = [
                path for context in contexts for path in simple_paths(branch, context, registry.definitions) or ()
            ]
            if not any(path.type in INDEXED[known.type] for path in paths):
                ja = f"「{branch[:200]}」は{known.type}の値になりません"
                en = f"'{branch[:200]}' leads to nothing that a {known.type} parameter compares"
                yield f"component[{n}].expression", ja, en


def _taken(element: str, what: str, by_ja: str, by_en: str) -> Said:
    return element, f"「{what[:200]}」はすでに使われています({by_ja})", f"'{what[:200]}' is taken already ({by_en})"


def _issue(said: Said) -> Issue:
    element, ja, en = said
    code: IssueType = "duplicate" if element == "url" else "business-rule"
    return Issue(code, f"{ja}。", f"{en[:1].upper()}{en[1:]}.", (f"SearchParameter.{element}",))
