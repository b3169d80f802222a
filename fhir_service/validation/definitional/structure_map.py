"""StructureMaps: the variables, groups and elements that rules name are there.

https://hl7.org/fhir/R4/structuremap.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.element_path import elements_at
from fhir_service.validation.definitional.expression import expression_faults
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
CONDITIONS = ("condition", "check", "logMessage")
# https://hl7.org/fhir/R4/valueset-map-transform.html and structuremap.html#transforms: how many parameters each takes
PARAMETERS = {
    "create": (0, 1),
    "copy": (1, 1),
    "truncate": (2, 2),
    "cast": (1, 2),
    "reference": (1, 1),
    "dateOp": (1, 9),
    "uuid": (0, 0),
    "pointer": (1, 1),
    "evaluate": (1, 2),
    "translate": (2, 3),
    "append": (1, 99),
}
Mode = Literal["source", "target"]


class Variable(NamedTuple):
    """What a name stands for: a source or a target, of a type, None where that is not known."""

    mode: Mode
    type: str | None


Variables = dict[Any, Variable]


def structure_map_rules(structure_map: Resource, run: Run) -> Faults:
    """Return the faults of a StructureMap."""
    groups = {each.get("name"): each for each in structure_map.get("group", ())}
    aliases = {each.get("alias"): _type(each.get("url"), run) for each in structure_map.get("structure", ())}
    known, elsewhere = run.validator.definitions, "import" in structure_map
    found: list[Fault] = []
    for index, group in enumerate(structure_map.get("group", ())):
        place = f".group[{index}]"
        if groups.get(group.get("name")) is not group:
            found.append(_fault(f"{place}.name", "同じ名前の group があります。", "Another group has this name."))
        if "extends" in group and group["extends"] not in groups and not elsewhere:
            found.append(_no_group(group["extends"], f"{place}.extends"))
        variables: Variables = {}
        for number, each in enumerate(group.get("input", ())):
            if each.get("name") in variables:
                ja, en = "同じ名前の入力があります。", "Another input has this name."
                found.append(_fault(f"{place}.input[{number}].name", ja, en))
            kind = each.get("type")
            if structure_map.get("structure") and kind is not None and kind not in aliases and not known.has_type(kind):
                found.append(_no_type(kind, f"{place}.input[{number}].type"))
            of = aliases.get(kind) or (kind if known.has_type(str(kind)) else None)
            variables[each.get("name")] = Variable(each.get("mode"), of)
        found += _rules(group, place, variables, {} if elsewhere else groups, run)
    return found or None


def _type(url: Any, run: Run) -> str | None:
    found = run.definition(url) if isinstance(url, str) else None
    return str(found["type"]) if found and "type" in found and found.get("kind") != "logical" else None


def _rules(holder: Resource, place: str, known: Variables, groups: dict[Any, Resource], run: Run) -> Iterator[Fault]:
    for index, rule in enumerate(holder.get("rule", ())):
        at, variables = f"{place}.rule[{index}]", dict(known)
        for number, source in enumerate(rule.get("source", ())):
            yield from _side(source, f"{at}.source[{number}]", "source", variables, run)
            for name in CONDITIONS:
                found = expression_faults(source.get(name), f"{at}.source[{number}].{name}", run)
                yield from (each for each in found if each.rule == "expression")
            if (
                "type" in source
                and not run.validator.definitions.has_type(source["type"])
                and ":" not in source["type"]
            ):
                yield _no_type(source["type"], f"{at}.source[{number}].type")
            variables[source.get("variable")] = Variable("source", source.get("type"))
        for number, target in enumerate(rule.get("target", ())):
            if "context" in target:
                yield from _side(target, f"{at}.target[{number}]", "target", variables, run)
            yield from _transform(target, f"{at}.target[{number}]")
            for position, each in enumerate(target.get("parameter", ())):
                if "valueId" in each and each["valueId"] not in variables:
                    yield _no_variable(each["valueId"], f"{at}.target[{number}].parameter[{position}].value")
            variables[target.get("variable")] = Variable("target", None)
        for number, each in enumerate(rule.get("dependent", ())):
            yield from _dependent(each, f"{at}.dependent[{number}]", variables, groups)
        yield from _rules(rule, at, variables, groups, run)


def _transform(target: Resource, at: str) -> Iterator[Fault]:
    """Tell of a transform that has not as many parameters as it takes."""
    given = len(target.get("parameter", ()))
    least, most = PARAMETERS.get(str(target.get("transform")), (0, given))
    if not least <= given <= most:
        ja = f"変換 {target['transform']} のパラメーターの数({given})が違います({least} 以上 {most} 以下)。"
        en = f"The transform {target['transform']} takes {least} to {most} parameters, but is given {given}."
        yield _fault(f"{at}.transform", ja, en)


def _side(side: Resource, at: str, mode: Mode, variables: Variables, run: Run) -> Iterator[Fault]:
    """Tell of a source or target whose context is no variable of that mode, or whose element its type has not."""
    context, element = side.get("context"), side.get("element")
    if context not in variables:
        if side.get("contextType") != "type":
            yield _no_variable(context, f"{at}.context")
        return
    if variables[context].mode != mode:
        ja = f"変数「{str(context)[:SHOWN]}」は {mode} ではありません。"
        yield _fault(f"{at}.context", ja, f"The variable '{str(context)[:SHOWN]}' is no {mode}.")
    kind = variables[context].type
    known = run.validator.definitions
    if isinstance(element, str) and "." in element:
        ja = f"element「{element[:SHOWN]}」は一つの要素の名前でなければなりません。"
        yield _fault(f"{at}.element", ja, f"The element '{element[:SHOWN]}' must be the name of one element.")
        return
    if kind is None or not isinstance(element, str) or not known.has_type(kind) or known.is_abstract(kind):
        return
    if elements_at(f"{kind}.{element}", known) is None:
        ja = f"{kind} に要素「{element[:SHOWN]}」はありません。"
        yield _fault(f"{at}.element", ja, f"{kind} has no element '{element[:SHOWN]}'.")


def _dependent(each: Resource, at: str, variables: Variables, groups: dict[Any, Resource]) -> Iterator[Fault]:
    for number, name in enumerate(each.get("variable", ())):
        if name not in variables:
            yield _no_variable(name, f"{at}.variable[{number}]")
    if not groups:
        return  # others are imported
    group = groups.get(each.get("name"))
    if group is None:
        yield _no_group(each.get("name"), f"{at}.name")
    elif len(group.get("input", ())) != len(each.get("variable", ())):
        wanted, given = len(group.get("input", ())), len(each.get("variable", ()))
        ja = f"group には入力が {wanted} 個要りますが、{given} 個渡しています。"
        yield _fault(f"{at}.variable", ja, f"The group takes {wanted} inputs, but is given {given}.")


def _no_type(kind: Any, place: str) -> Fault:
    ja = f"型「{str(kind)[:SHOWN]}」は、FHIR R4 にも structure にもありません。"
    return _fault(place, ja, f"Neither FHIR R4 nor the structures of the map have a type '{str(kind)[:SHOWN]}'.")


def _no_variable(name: Any, place: str) -> Fault:
    ja = f"変数「{str(name)[:SHOWN]}」は、ここまでに定義されていません。"
    return _fault(place, ja, f"The variable '{str(name)[:SHOWN]}' is not known at this point.")


def _no_group(name: Any, place: str) -> Fault:
    ja = f"「{str(name)[:SHOWN]}」という group はありません。"
    return _fault(place, ja, f"There is no group '{str(name)[:SHOWN]}'.")


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule="structure-map")
