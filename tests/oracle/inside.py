"""Made-up reports and what they contain: resources that refer to each other within one container, and out of it."""

from random import Random
from typing import Any

from fhir_service.fhir.resource import Resource

STATUSES = ("final", "amended")
FAMILIES = ("山田", "渡辺", "O'Brien")


def made(random: Random, count: int) -> list[Resource]:
    """Return a third so many reports with what they contain, as many observations, and people that stand alone."""
    stored: list[Resource] = [_patient(random, f"p{number}") for number in range(5)]
    for number in range(count // 3):
        stored.append(_report(random, f"r{number}"))
        stored.append(_observation(random, f"o{number}", inside=False))
    return stored


def _report(random: Random, id_: str) -> Resource:
    contained = [_patient(random, f"p{number}") for number in range(2)]
    contained += [_observation(random, f"o{number}", inside=True) for number in range(random.choice((1, 2, 3)))]
    contained.append(_device(random, f"v{random.randrange(2)}"))
    results = [{"reference": f"#{each['id']}"} for each in contained if each["resourceType"] == "Observation"]
    return {
        "resourceType": "DiagnosticReport", "id": id_, "status": random.choice(STATUSES), "code": {"text": "x"},
        "contained": contained, "subject": _someone(random), "result": [*results, {"reference": "Observation/o0"}],
    }  # fmt: skip


def _observation(random: Random, id_: str, *, inside: bool) -> Resource:
    observation: Resource = {
        "resourceType": "Observation", "id": id_, "status": random.choice(STATUSES), "code": {"text": "x"},
        "subject": _someone(random) if inside else {"reference": f"Patient/p{random.randrange(5)}"},
    }  # fmt: skip
    if not inside:
        if random.random() < 0.5:
            patient, device = _patient(random, "p0"), _device(random, "v0")
            device["patient"] = {"reference": "#p0"}
            observation |= {"contained": [patient, device], "subject": {"reference": "#p0"}}
            if random.random() < 0.5:
                observation["performer"] = [{"reference": "#p0"}]
        return observation
    if random.random() < 0.4:
        observation["device"] = {"reference": f"#v{random.randrange(2)}"}
    return observation


def _device(random: Random, id_: str) -> Resource:
    return {
        "resourceType": "Device",
        "id": id_,
        "status": random.choice(("active", "inactive")),
        "patient": _someone(random),
    }


def _someone(random: Random) -> dict[str, Any]:
    return {"reference": random.choice(("#p0", "#p1", "Patient/p0", "Patient/p1"))}


def _patient(random: Random, id_: str) -> Resource:
    gender = random.choice(("male", "female"))
    return {"resourceType": "Patient", "id": id_, "name": [{"family": random.choice(FAMILIES)}], "gender": gender}
