"""The parameters of a search that say what its answer looks like, and those criteria that no SearchParameter defines.

https://hl7.org/fhir/R4/search.html#return
"""

import re
from collections.abc import Callable, Collection, Iterator

from fhir_service.fhir.search.first_entry import leads_inside
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.parsing import problems
from fhir_service.fhir.search.parsing.draft import Draft
from fhir_service.fhir.search.parsing.filter import filter_clause
from fhir_service.fhir.search.parsing.sorting import read_sort
from fhir_service.fhir.search.parsing.text_query import text_clause
from fhir_service.fhir.search.parsing.values import split, unescape
from fhir_service.fhir.search.query import AllOf, AnyOf, Include
from fhir_service.fhir.search.words import Where

_COUNT = re.compile(r"\d{1,1000}", re.ASCII).fullmatch

# Of those that have one of a few values: https://hl7.org/fhir/R4/search.html#return and #contained
CHOICES: dict[str, tuple[str, ...]] = {
    "_total": ("none", "estimate", "accurate"),
    "_summary": ("true", "text", "data", "count", "false"),
    "_contained": ("false", "true", "both"),
    "_containedType": ("container", "contained"),
    "_explain": ("true", "false"),
}


def _choice(draft: Draft, name: str, text: str) -> None:
    if text not in CHOICES.get(name, ()):
        raise problems.bad_result_parameter(name, text, ", ".join(CHOICES[name.partition(":")[0]]))
    draft.once(name, text)


def _count(draft: Draft, name: str, text: str) -> None:
    if name != "_count" or not _COUNT(text):
        raise problems.bad_result_parameter(name, text, "0, 1, 2, …")
    draft.once(name, text)


def _most(draft: Draft, name: str, text: str) -> None:
    """`_maxresults=50`: as many matches on all pages together; https://hl7.org/fhir/R5/search.html#maxresults"""
    if name != "_maxresults" or not _COUNT(text) or int(text) == 0:
        raise problems.bad_result_parameter(name, text, "1, 2, …")
    draft.once(name, text)


def _elements(draft: Draft, name: str, text: str) -> None:
    """`_elements=identifier,active`: base elements of the type; `Patient.active` is understood as well."""
    by_json = draft.registry.definitions.type(draft.resource_type).by_json
    known = {"resourceType", *by_json, *(element.name for element, _ in by_json.values())}
    for each in text.split(","):
        element = each.strip().removeprefix(f"{draft.resource_type}.")
        if name != "_elements" or element not in known:
            raise problems.bad_result_parameter(name, each, ", ".join(sorted(known)))
        draft.elements.append(element)


def _query(draft: Draft, name: str, text: str) -> None:
    """`_query=name`: an OperationDefinition of kind query; https://hl7.org/fhir/R4/search.html#query

    R4 defines none itself, and what one of a package means is said in prose alone: each is refused by its name.
    """
    queries = (each for each in draft.registry.definitions.all("OperationDefinition") if each.get("kind") == "query")
    raise problems.unknown_query(text, sorted(each["code"] for each in queries))


def _words(draft: Draft, name: str, text: str) -> None:
    """`_text` of the narrative, `_content` of the whole resource; commas join by OR, as in any parameter."""
    known = name in WORDS and (
        name == "_content" or draft.registry.definitions.is_a(draft.resource_type, "DomainResource")
    )
    if not known:
        raise problems.unknown_parameter(draft.resource_type, name, WORDS)
    clauses = tuple(text_clause(name, unescape(each, name), WORDS[name]) for each in split(text, ","))
    draft.clauses.append(clauses[0] if len(clauses) == 1 else AnyOf(clauses))


def _filter(draft: Draft, name: str, text: str) -> None:
    """`_filter=given eq "peter" and birthdate ge 2014-10-10`; several are joined by AND."""
    clause = filter_clause(text, draft.resource_type, draft.reading)
    draft.clauses += clause.clauses if isinstance(clause, AllOf) else (clause,)


def _include(draft: Draft, name: str, text: str) -> None:
    """`_include=Observation:patient:Patient`, `Observation:*` or `*`; `:iterate` was `:recurse` before R4."""
    base_name, _, modifier = name.partition(":")
    if modifier not in ("", "iterate", "recurse"):
        raise problems.bad_result_parameter(name, text, f"{base_name}, {base_name}:iterate")
    reverse = base_name == "_revinclude"
    target = text.partition(":")[2].partition(":")[2]
    for parameter in _joined(draft, text, reverse, bool(modifier)):
        if target and not _may_target(parameter, target, draft.registry.definitions.resource_types):
            raise problems.not_a_target(parameter, target)
        canonical = draft.registry.named_by_canonical(parameter)
        draft.includes.append(
            Include(parameter.resource_type, parameter, target or None, reverse, bool(modifier), canonical)
        )


def _source(source: str, text: str, types: Collection[str]) -> str:
    """Return the type whose references an include names; FhirError if it is none, or nothing follows it."""
    if source not in types:
        raise problems.unknown_type(source, text)
    if ":" not in text or text.endswith(":"):
        raise problems.malformed(text, "Observation:patient, Observation:patient:Patient, Observation:*")
    return source


def _joined(draft: Draft, text: str, reverse: bool, iterate: bool) -> Iterator[SearchParameter]:
    """Give the reference parameters that an include names; a wildcard in reverse means those that can point here.

    A wildcard that iterates means those of every type, for each may be reached on the way.
    """
    types = draft.registry.definitions.resource_types
    source, _, rest = text.partition(":")
    code = rest.partition(":")[0] or "*"
    if source == code == "*":
        sources = sorted(types) if reverse or iterate else [draft.resource_type]
    else:
        sources = [_source(source, text, types)]
    for each in sources:
        parameters = draft.registry.parameters(each)
        if code == "*":
            references = (one for one in parameters.values() if one.type == "reference" and not leads_inside(one))
            everywhere = iterate or not reverse
            yield from (one for one in references if everywhere or _may_target(one, draft.resource_type, types))
        elif code not in parameters:
            raise problems.unknown_parameter(
                each, code, (one.code for one in parameters.values() if one.type == "reference")
            )
        elif parameters[code].type != "reference":
            raise problems.not_a_reference(parameters[code], text)
        elif leads_inside(parameters[code]):
            raise problems.not_within(text)
        else:
            yield parameters[code]


def _may_target(parameter: SearchParameter, resource_type: str, known: frozenset[str]) -> bool:
    return resource_type in known and (not parameter.targets or resource_type in parameter.targets)


WORDS: dict[str, Where] = {"_text": "narrative", "_content": "content"}

RESULT_PARAMETERS: dict[str, Callable[[Draft, str, str], None]] = {
    "_sort": read_sort,
    "_count": _count,
    "_maxresults": _most,
    "_elements": _elements,
    "_query": _query,
    "_filter": _filter,
    **dict.fromkeys(WORDS, _words),
    "_include": _include,
    "_revinclude": _include,
    **dict.fromkeys(CHOICES, _choice),
}
