"""Codes by themselves, whatever value set is asked for: a system that is one, a code that it has, a name that it gives.

https://hl7.org/fhir/R4/datatypes.html#Coding and https://hl7.org/fhir/R4/terminologies-systems.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from fhir_service.fhir.fhirpath import ucum
from fhir_service.fhir.outcome import Severity
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
URIS = "urn:ietf:rfc:3986"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:").match
VALUE_SETS = ("http://hl7.org/fhir/ValueSet/", "http://terminology.hl7.org/ValueSet/")


def coding_rules(coding: Any, run: Run) -> Faults:
    """Return the faults of a Coding: its system is a code system, and has its code."""
    system = coding.get("system")
    if system is None:
        return None
    terminology = run.validator.terminology
    if terminology.is_supplement(system):
        ja = f"system「{system[:200]}」は補足(supplement)です。補足されるコード体系の URL を入れてください。"
        en = f"The system {system[:200]} is a supplement: give the URL of the code system that it adds to."
        return [Fault(".system", "code-invalid", ja, en, rule="system")]
    code = coding.get("code")
    known = None if code is None else terminology.valid(system, code)
    if known:
        return _display(coding, system, code, run) if "display" in coding else None
    if known is False:
        added = run.validator.definitions.is_of_added_package(system)
        return [_no_code(system, code, "code-package" if added else "code")]
    if ":" not in system:
        return [_relative(system)]
    if system.startswith(VALUE_SETS) or _is_value_set(system, run):
        ja = f"system「{system[:200]}」は値セット(ValueSet)です。コード体系(CodeSystem)の URL を入れてください。"
        en = f"The system {system[:200]} is a value set: give the URL of a code system."
        return [Fault(".system", "code-invalid", ja, en, rule="system")]
    return None


def _no_code(system: str, code: str, rule: str) -> Fault:
    ja = f"コード体系 {system[:200]} に「{code[:SHOWN]}」というコードはありません。"
    en = f"The code system {system[:200]} has no code '{code[:SHOWN]}'."
    return Fault(".code", "code-invalid", ja, en, rule=rule)


def _is_value_set(system: str, run: Run) -> bool:
    return "/ValueSet/" in system and run.validator.terminology.has_value_set(system)


def _display(coding: Any, system: str, code: str, run: Run) -> Faults:
    """A name ought to be one that the system gives; of a Japanese one that it has not is warned."""
    display = coding["display"]
    terminology = run.validator.terminology
    if terminology.display(system, code) == display:
        return None
    names = terminology.displays(system, code)
    if not names or _folded(display) in map(_folded, names):
        return None
    if not display.isascii() and all(map(str.isascii, names)):
        return None
    ja = f"コード「{code[:SHOWN]}」の表示名「{display[:SHOWN]}」は、コード体系の表示名({names[0][:SHOWN]})と違います。"
    en = f"The display '{display[:SHOWN]}' of the code '{code[:SHOWN]}' is not that of its system: {names[0][:SHOWN]}."
    severity: Severity = "error" if display.isascii() else "warning"
    return [Fault(".display", "code-invalid", ja, en, severity, "display")]


def _folded(text: str) -> str:
    return " ".join(normalize("NFKC", text).casefold().split())


def quantity_rules(quantity: Any, run: Run) -> Faults:
    """Return the faults of a quantity: its code is no unit of its system."""
    system, code = quantity.get("system"), quantity.get("code")
    if system is not None and ":" not in system:
        return [_relative(system, "unit")]
    if system is None or code is None or run.validator.terminology.valid(system, code) is not False:
        return None
    if system != ucum.SYSTEM:
        return [_no_code(system, code, "unit")]
    ja = f"「{code[:SHOWN]}」は UCUM の単位ではありません。単位の名前は unit に、UCUM のコードは code に書きます。"
    en = f"'{code[:SHOWN]}' is no UCUM unit: its name belongs in unit, its UCUM code in code."
    return [Fault(".code", "code-invalid", ja, en, rule="unit")]


def meta_rules(meta: Any, run: Run) -> Faults:
    """Return the faults of a Meta: a security label that it has twice."""
    labels = meta.get("security", ())
    if len(labels) < 2:
        return None
    seen: set[tuple[Any, Any]] = set()
    found: list[Fault] = []
    for index, label in enumerate(labels):
        name = label.get("system"), label.get("code")
        if name in seen and name[1] is not None:
            ja = f"セキュリティラベル「{str(name[1])[:SHOWN]}」が重複しています。"
            en = f"The security label '{str(name[1])[:SHOWN]}' stands twice."
            found.append(Fault(f".security[{index}]", "duplicate", ja, en, rule="security"))
        seen.add(name)
    return found or None


def identifier_rules(identifier: Any, run: Run) -> Faults:
    """Return the faults of an Identifier: a system that is not absolute, a value that is no URI as its system says.

    https://hl7.org/fhir/R4/datatypes.html#Identifier
    """
    system = identifier.get("system")
    if system is None:
        return None
    if ":" not in system:
        return [_relative(system, "identifier-system")]
    value = identifier.get("value")
    if system != URIS or value is None or _SCHEME(value):
        return None
    ja = f"system が {URIS} なので、value「{value[:SHOWN]}」は完全な URI(urn:oid:… など)でなければなりません。"
    en = f"The system is {URIS}, so the value '{value[:SHOWN]}' must be a full URI, such as urn:oid:…."
    return [Fault(".value", "value", ja, en, rule="identifier-value")]


def _relative(system: str, rule: str = "system") -> Fault:
    ja = f"system「{system[:SHOWN]}」は絶対 URI(http://… や urn:oid:…)ではありません。"
    en = f"The system '{system[:SHOWN]}' is no absolute URI, such as http://… or urn:oid:…."
    return Fault(".system", "invalid", ja, en, rule=rule)
