"""Which Organization or Practitioner of this server a document names.

An organisation is known by any of its identifiers. A practitioner is known by the number in the medical register
(医籍登録番号); without one, by the full name within an organisation that is itself known, if just one there has it.
https://jpfhir.jp/fhir/core/StructureDefinition-jp-practitioner.html
"""

from collections.abc import Sequence

from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Key, Resource
from fhir_service.fhir.search.fold import fold
from fhir_service.fhir.search.query import Has, Match, Query, ReferenceValue, StringValue
from fhir_service.interactions.services import Services
from fhir_service.outreach.codes import MEDICAL_REGISTRATION, NAME_REPRESENTATION
from fhir_service.outreach.matching import Matched, ambiguous, by_identifier, found, pairs
from fhir_service.storage.store import Finds, Version

QUALIFICATION = "qualification-identifier"  # our own SearchParameter, profiles/search-parameters/


async def match_organization(organization: Resource, expression: str, services: Services) -> Matched:
    """Return the Organization of this server with one of the identifiers; 409 if several have them."""
    identifiers = pairs(organization)
    if not identifiers:
        return Matched(None, issues=(_unidentified(organization, expression),))
    versions, condition = await found(by_identifier("Organization", identifiers, services), services)
    if len(versions) > 1:
        raise ambiguous("機関", "organisation", versions, expression)
    return Matched(versions[0] if versions else None, (condition,))


async def match_practitioner(
    practitioner: Resource, organization: Key | None, expression: str, services: Services
) -> Matched:
    """Return the Practitioner of this server with the register number, or with the name in `organization`."""
    numbers = registration_numbers(practitioner)
    if numbers:
        return await _by_number(numbers, expression, services)
    name = full_name(practitioner)
    if name is None or organization is None:
        return Matched(None)
    versions, condition = await found(_named_within(name, organization, services), services)
    if len(versions) == 1:
        return Matched(versions[0], (condition,), (_taken_by_name(name, versions[0].key, organization, expression),))
    return Matched(None, (condition,), (_namesakes(name, versions, expression),) if versions else ())


async def match_role(practitioner: Key, organization: Key, services: Services) -> Matched:
    """Return the PractitionerRole that says of this practitioner that they work in this organisation."""
    parameters = services.indexer.registry.parameters("PractitionerRole")
    clauses = tuple(
        Match(parameters[code], (ReferenceValue((str(key),)),))
        for code, key in (("practitioner", practitioner), ("organization", organization))
    )
    versions, condition = await found(Query("PractitionerRole", clauses), services)
    return Matched(versions[0] if len(versions) == 1 else None, (condition,))


def registration_numbers(practitioner: Resource) -> list[str]:
    """Return the numbers in the medical register, whether an identifier or a qualification has them."""
    qualified = (each for qualification in practitioner.get("qualification", ()) for each in pairs(qualification))
    return [value for system, value in (*pairs(practitioner), *qualified) if system == MEDICAL_REGISTRATION]


def full_name(practitioner: Resource) -> str | None:
    """Return the name as written (IDE), None if there is no text of it."""
    names = practitioner.get("name", ())
    written = [name for name in names if _representation(name) != "SYL"]
    text: str | None = next((name["text"] for name in written if "text" in name), None)
    return text


async def _by_number(numbers: list[str], expression: str, services: Services) -> Matched:
    identifiers = [(MEDICAL_REGISTRATION, number) for number in numbers]
    known = services.indexer.registry.parameters("Practitioner")
    conditions: list[Finds] = []
    everyone: dict[Key, Version] = {}
    for code in ("identifier", QUALIFICATION):
        if code in known:
            versions, condition = await found(by_identifier("Practitioner", identifiers, services, code), services)
            conditions.append(condition)
            everyone |= {version.key: version for version in versions}
    if len(everyone) > 1:
        raise ambiguous("医師", "practitioner", [*everyone.values()], expression)
    return Matched(next(iter(everyone.values()), None), tuple(conditions))


def _named_within(name: str, organization: Key, services: Services) -> Query:
    parameters = services.indexer.registry.parameters
    works_there = Match(parameters("PractitionerRole")["organization"], (ReferenceValue((str(organization),)),))
    clauses = (
        Match(parameters("Practitioner")["name"], (StringValue(name, fold(name)),), "exact"),
        Has("PractitionerRole", parameters("PractitionerRole")["practitioner"], works_there),
    )
    return Query("Practitioner", clauses)


def _representation(name: Resource) -> str | None:
    extensions = name.get("extension", ())
    return next((each.get("valueCode") for each in extensions if each.get("url") == NAME_REPRESENTATION), None)


def _unidentified(organization: Resource, expression: str) -> Issue:
    name = organization.get("name", "")
    return Issue(
        "business-rule",
        f"機関「{name}」に識別子がないため、新しい機関として登録しました。",
        f'The organisation "{name}" has no identifier, so a new one was made.',
        (f"{expression}.identifier",),
        severity="warning",
    )


def _taken_by_name(name: str, key: Key, organization: Key, expression: str) -> Issue:
    return Issue(
        "informational",
        f"「{name}」は、{organization}に所属する同じ氏名の{key}としました。",
        f'"{name}" was taken to be {key}, who has this name in {organization}.',
        (expression,),
        severity="information",
    )


def _namesakes(name: str, versions: Sequence[Version], expression: str) -> Issue:
    names = ", ".join(sorted(str(version.key) for version in versions))
    return Issue(
        "business-rule",
        f"所属機関に「{name}」という方が複数いて({names})、どなたか決められないため、新しく登録しました。",
        f'Several there are named "{name}" ({names}); it is not clear who is meant, so a new one was made.',
        (expression,),
        severity="warning",
    )
