"""NamingSystems: identifiers of the form that their type says.

https://hl7.org/fhir/R4/namingsystem-definitions.html#NamingSystem.uniqueId
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 120
# https://hl7.org/fhir/R4/valueset-namingsystem-identifier-type.html
FORMS = {
    "oid": (re.compile(r"(?:urn:oid:)?[0-2](?:\.(?:0|[1-9][0-9]*))+"), "1.2.392.100495.20.3.11"),
    "uuid": (re.compile(r"(?:urn:uuid:)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"), "UUID"),
    "uri": (re.compile(r"\S+"), "http://…"),
}


def naming_system_rules(naming_system: Resource, _run: Run) -> Faults:
    """Return the faults of a NamingSystem."""
    found: list[Fault] = []
    for index, each in enumerate(naming_system.get("uniqueId", ())):
        place, kind, value = f".uniqueId[{index}].value", str(each.get("type")), each.get("value")
        urn = re.match(r"urn:(oid|uuid):", str(value))
        form, example = FORMS.get(urn[1] if urn and kind == "uri" else kind, (None, ""))
        if isinstance(value, str) and form is not None and form.fullmatch(value) is None:
            ja = f"「{value[:SHOWN]}」は {kind} ではありません({example} の形)。"
            found.append(_fault(place, ja, f"'{value[:SHOWN]}' is no {kind} (like {example})."))
        if kind == "uri" and isinstance(value, str) and ":" not in value:
            ja = f"「{value[:SHOWN]}」は絶対 URI ではないので、ほかの体系と区別できません。"
            en = f"'{value[:SHOWN]}' is no absolute URI, so that other systems may have it, too."
            found.append(_fault(place, ja, en)._replace(severity="warning"))
    return found or None


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule="naming-system")
