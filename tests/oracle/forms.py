"""Made-up definitions in several versions, and what names them by canonical URL: versions that are here, that are not,
none at all, several at once, and definitions inside the resource itself."""

from random import Random
from typing import Any

from fhir_service.fhir.resource import Resource

URLS = ("http://q.example/a", "http://q.example/b", "http://q.example/c")
VERSIONS = ("1", "1.0", "1.0.1", "1.1", "10", "2", "2.0")
UNKNOWN = ("3", "1.0.9", "")
TITLES = ("Intake", "intake form", "Visit", "退院支援", "")
DATES = ("2026", "2026-03", "2026-03-01", "2025-12-31T23:59:59+09:00")


def made(random: Random, count: int) -> list[Resource]:
    """Return so many answers to questionnaires with what they name, and plans of both."""
    resources: list[Resource] = [
        {"resourceType": "Patient", "id": f"p{n}", "name": [{"family": f"Family{n}"}]} for n in range(5)
    ]
    for number in range(max(8, count // 6)):
        resources.append(_definition(random, "Questionnaire", f"q{number}"))
    for number in range(count // 4):
        plan = _definition(random, "PlanDefinition", f"d{number}")
        actions = [{"definitionCanonical": name(random)} for _ in range(random.choice((0, 1, 2, 3)))]
        related = [{"type": "depends-on", "resource": name(random)} for _ in range(random.choice((0, 0, 1, 2)))]
        said = {"action": actions, "relatedArtifact": related}
        resources.append(plan | {key: value for key, value in said.items() if value})
    for number in range(count):
        resources.append(_answer(random, f"r{number}"))
        resources.append(_care_plan(random, f"c{number}"))
    return resources


def name(random: Random) -> str:
    """Return a canonical: of a version or of none, of a part or of the whole, some an address on the server."""
    version = random.choice((None, None, *VERSIONS, *UNKNOWN[:2]))
    address = random.choice((f"Questionnaire/q{random.randrange(8)}", f"PlanDefinition/d{random.randrange(8)}"))
    url = random.choice((*URLS, *URLS, "http://q.example/nothing", address, f"http://fhir.example/fhir/{address}"))
    return url + (f"|{version}" if version else "") + random.choice(("", "", "", "#part"))


def _definition(random: Random, resource_type: str, id_: str) -> Resource:
    definition: Resource = {
        "resourceType": resource_type,
        "id": id_,
        "status": random.choice(("draft", "active", "retired")),
        "url": random.choice(URLS),
    }
    said: dict[str, Any] = {
        "version": random.choice((None, *VERSIONS)),
        "title": random.choice(TITLES),
        "date": random.choice((None, *DATES)),
    }
    return definition | {key: value for key, value in said.items() if value}


def _answer(random: Random, id_: str) -> Resource:
    answer: Resource = {
        "resourceType": "QuestionnaireResponse",
        "id": id_,
        "status": random.choice(("completed", "in-progress")),
        "subject": {"reference": f"Patient/p{random.randrange(5)}"},
    }
    if random.random() < 0.6:
        answer["authored"] = random.choice(DATES)
    if random.random() < 0.1:
        inside = _definition(random, "Questionnaire", "x")
        return answer | {"contained": [inside], "questionnaire": "#x"}
    return answer | ({"questionnaire": name(random)} if random.random() < 0.9 else {})


def _care_plan(random: Random, id_: str) -> Resource:
    plan: Resource = {
        "resourceType": "CarePlan",
        "id": id_,
        "status": random.choice(("active", "completed")),
        "intent": "plan",
        "subject": {"reference": f"Patient/p{random.randrange(5)}"},
    }
    names = [name(random) for _ in range(random.choice((0, 1, 2, 2, 3)))]
    return plan | ({"instantiatesCanonical": names} if names else {})
