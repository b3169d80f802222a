"""$fhirpath: evaluate a FHIRPath expression on a resource, and tell the type of everything it finds.

https://hl7.org/fhirpath/N1/; the shape of the parameters is that of fhirpath-lab
(https://github.com/brianpos/fhirpath-lab/blob/develop/server-api.md), so that this server can be one of its engines.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import fhir_service
from fhir_service.fhir.fhirpath import Environment, Expression, Item, Items
from fhir_service.fhir.fhirpath import compile as compile_expression
from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.reference import local_key
from fhir_service.fhir.resource import Key, Resource
from fhir_service.interactions.answers.versions import standing
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services
from fhir_service.operations.fhirpath_result import items_of, parts, traces
from fhir_service.validation.fault import UNCHECKED

JAPAN = ZoneInfo("Asia/Tokyo")
TIME_LIMIT = 0.7
"""Seconds of a whole call, or of all in one batch: other requests wait while an expression is evaluated."""

LEAST = 0.005
"""Seconds that each call has, whatever the others in its batch have taken."""

STEP_LIMIT = 500_000
MOST_ROUNDS = 5
"""How often an evaluation is begun again with what its references lead to: a path may follow so many in a row."""

_IGNORED = frozenset({"_format", "_pretty"})


@dataclass(slots=True)
class Asked:
    """The parameters of one call."""

    expression: str = ""
    context: str | None = None
    resource: Resource | None = None
    variables: dict[str, Items] = field(default_factory=dict)
    strict: bool = True
    echo: list[Resource] = field(default_factory=list)


class Result(NamedTuple):
    """What came of one context: its name (`name[0]`, None for the resource itself), the items, and what was traced."""

    name: str | None
    items: Items
    traced: list[tuple[str, Items]]


@dataclass(slots=True)
class References:
    """What references lead to as far as it was fetched; those that were not yet are noted as missing."""

    base: str
    known: dict[Key, Resource | None] = field(default_factory=dict)
    missing: set[Key] = field(default_factory=set)

    def resolve(self, reference: str) -> Resource | None:
        """Return the resource of this server that a reference names."""
        key = local_key(reference, self.base)
        if key is None:
            return None
        if key not in self.known:
            self.missing.add(key)
        return self.known.get(key)


async def fhirpath(request: FhirRequest, services: Services) -> FhirResponse:
    """Return Parameters with a `result` for each context; 400 or 422 with the place if the expression is at fault."""
    asked = await _asked(request, services)
    if not asked.expression:
        said = "パラメーター「expression」が必要です。", "The parameter expression is needed."
        raise FhirError(Issue("required", *said), status=400)

    started = services.now()
    until = started + timedelta(seconds=max(TIME_LIMIT - request.spent.seconds, LEAST))
    try:
        results = await _evaluated(asked, request.base, until, services)
    finally:
        request.spent.seconds += (services.now() - started).total_seconds()
    evaluator = {"name": "evaluator", "valueString": f"fhir-service {fhir_service.__version__} (R4)"}
    answer = [{"name": "parameters", "part": [evaluator, *asked.echo]}]
    answer += [_result(result, services) for result in results]
    return FhirResponse(200, {"resourceType": "Parameters", "id": "fhirpath", "parameter": answer})


OPERATION = Operation(
    name="fhirpath",
    definition="https://example.jp/fhir/outreach/OperationDefinition/fhirpath",
    levels=frozenset({"system", "instance"}),
    methods=frozenset({"GET", "POST"}),
    run=fhirpath,
)


async def _asked(request: FhirRequest, services: Services) -> Asked:
    asked = Asked()
    given: list[Resource] = [{"name": name, "valueString": value} for name, value in request.query]
    match request.body:
        case {"resourceType": "Parameters", "parameter": list(parameters)}:
            given += [parameter for parameter in parameters if isinstance(parameter, dict)]
        case None | {"resourceType": "Parameters"}:
            pass
        case _:
            said = "本文はParametersリソースで送ってください。", "The body has to be a Parameters resource."
            raise FhirError(Issue("invalid", *said))
    if len(request.path) > 2:
        given.append({"name": "resource", "valueString": "/".join(request.path[:2])})
    for parameter in given:
        await _take(asked, parameter, request.base, services)
    return asked


async def _take(asked: Asked, parameter: Resource, base: str, services: Services) -> None:
    name = str(parameter.get("name"))
    items = items_of(parameter, services.definitions)
    match name, items:
        case "expression", [Item(value=str(text))]:
            asked.expression = text
        case "context", [Item(value=str(text))]:
            asked.context = text
        case "resource", [Item(value=dict(resource), type=type_name)] if (
            type_name in services.definitions.resource_types
        ):
            asked.resource = resource
        case "resource", [Item(value=str(text))]:
            asked.resource = await _stored(text, base, services)
        case "strict", [Item(value=flag)]:
            asked.strict = flag not in (False, "false")
        case "variables", _:
            given = parameter.get("part")
            for part in given if isinstance(given, list) else ():
                if isinstance(part, dict):
                    asked.variables[str(part.get("name"))] = items_of(part, services.definitions)
        case _ if name not in _IGNORED:
            ja = f"「{name[:40]}」は$fhirpathのパラメーターではないか、値がありません。"
            raise fhir_error("value", ja, f'"{name[:40]}" is no parameter of $fhirpath, or has no value.')
    if name not in _IGNORED:
        asked.echo.append(parameter)


async def _stored(reference: str, base: str, services: Services) -> Resource:
    key = local_key(reference, base)
    if key is None:
        ja = f"「{reference[:80]}」はこのサーバーのリソースへの参照ではありません。"
        raise fhir_error("value", ja, f'"{reference[:80]}" does not refer to a resource of this server.')
    return decode_resource(standing(key, await services.store.read(key)).body)


async def _evaluated(asked: Asked, base: str, until: datetime, services: Services) -> list[Result]:
    """Evaluate, fetch what its references lead to, and evaluate again until none is left that was not fetched."""
    references = References(base)
    environment = _environment(asked, until, services, references)
    results = _once(asked, environment, services)
    for _ in range(MOST_ROUNDS):
        if not references.missing:
            break
        keys = sorted(references.missing)
        found = await services.store.read_many(keys)
        references.known |= {key: decode_resource(found[key].body) if key in found else None for key in keys}
        references.missing.clear()
        results = _once(asked, environment, services)
    return results


def _once(asked: Asked, environment: Environment, services: Services) -> list[Result]:
    type_name = asked.resource["resourceType"] if asked.resource is not None else None
    if asked.context is None:
        expression = _compiled(asked.expression, type_name, asked.strict, services)
        return [_traced(None, expression, asked.resource, environment)]
    contexts = _compiled(asked.context, type_name, asked.strict, services).evaluate(asked.resource, environment)
    results: list[Result] = []
    for index, item in enumerate(contexts):
        expression = _compiled(asked.expression, item.type, asked.strict, services)
        results.append(_traced(f"{asked.context}[{index}]", expression, item, environment))
    return results


def _environment(asked: Asked, until: datetime, services: Services, references: References) -> Environment:
    return Environment(
        resolve=references.resolve,
        member_of=services.member_of,
        conforms_to=lambda resource, profile: _conforms_to(resource, profile, services),
        now=services.now().astimezone(JAPAN),
        variables=asked.variables,
        resource=asked.resource,
        limit=STEP_LIMIT,
        expired=lambda: services.now() > until,
    )


def _conforms_to(resource: Resource, profile: str, services: Services) -> bool | None:
    """Whether a resource conforms to a profile as $validate says; None if the profile is not known here."""
    issues = services.validate(resource, [profile])
    if any(issue.rule in UNCHECKED for issue in issues):
        return None
    return not any(issue.severity in ("fatal", "error") for issue in issues)


def _compiled(text: str, type_name: str | None, strict: bool, services: Services) -> Expression:
    return compile_expression(text, services.definitions, context_type=type_name, strict=strict)


def _traced(
    name: str | None, expression: Expression, focus: Resource | Item | None, environment: Environment
) -> Result:
    traced: list[tuple[str, Items]] = []
    items = expression.evaluate(focus, replace(environment, trace=lambda label, seen: traced.append((label, seen))))
    return Result(name, items, traced)


def _result(result: Result, services: Services) -> Resource:
    shown: Resource = {"name": "result"}
    if result.name is not None:
        shown["valueString"] = result.name
    found = [*traces(result.traced, services.definitions), *parts(result.items, services.definitions)]
    return shown | {"part": found} if found else shown
