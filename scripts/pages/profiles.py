"""The pages of our own profiles, `docs/profiles/`, from the definitions and examples in `profiles/`.

One page for each profile, for the implementer at a hospital or a vendor: what it is for, its elements, rules,
extensions and examples. The snapshots are made without JP Core, so that the pages repeat nothing of it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fhir_service.fhir.definitions import Definitions, Snapshot
from fhir_service.fhir.resource import Resource

from .examples import examples_table
from .index import index_page
from .text import CODES, EXTENSIONS, PROFILES, TERMINOLOGY, both, page, read, read_all, section, table

R4 = "http://hl7.org/fhir/StructureDefinition/"
R4_SETS = "http://hl7.org/fhir/ValueSet/"
V3_SETS = "http://terminology.hl7.org/ValueSet/v3-"
JP_CORE = "http://jpfhir.jp/fhir/core/StructureDefinition/"

INDEX = "README.md"

SEVERITY = {"error": "誤り error", "warning": "注意 warning"}
STRENGTH = {
    "required": "必須 required",
    "extensible": "拡張可 extensible",
    "preferred": "推奨 preferred",
    "example": "例 example",
}


@dataclass(frozen=True)
class Own:
    """Our own definitions: profiles and extensions by canonical, the files of value sets by canonical."""

    profiles: Mapping[str, Resource]
    extensions: Mapping[str, Resource]
    value_sets: Mapping[str, Path]
    definitions: Definitions

    @classmethod
    def read(cls) -> "Own":
        """Read them from their folders."""
        sets = {read(file)["url"]: file for file in sorted((TERMINOLOGY / "value-sets").glob("*.json"))}
        profiles, extensions = (by_url(PROFILES / name) for name in ("structure-definitions", "extensions"))
        return cls(profiles, extensions, sets, Definitions.load())

    def lineage(self, profile: Resource) -> list[Resource]:
        """Return the profile and those of our own that it derives from, the nearest first."""
        found = [profile]
        while (base := self.profiles.get(found[-1]["baseDefinition"])) is not None:
            found.append(base)
        return found


def by_url(folder: Path) -> dict[str, Resource]:
    """Return the definitions in a folder by canonical, in the order of their ids."""
    return {each["url"]: each for each in read_all(folder)}


def pages() -> dict[str, str]:
    """Return every page by its place in `docs/`."""
    own = Own.read()
    made = {f"{each['id']}.md": profile_page(each, own) for each in own.profiles.values()}
    made |= {EXTENSIONS: extensions_page(own), INDEX: index_page(profiles_table(own))}
    return {f"profiles/{name}": text for name, text in made.items()}


def profile_page(profile: Resource, own: Own) -> str:
    """Return the page of one profile."""
    snapshot = own.definitions.snapshot(profile["url"])
    assert snapshot is not None, profile["url"]
    parts = [
        f"# {profile['title']}",
        both(profile["description"]),
        facts(profile, own),
        section("要素 · Elements", elements_table(profile, snapshot, own)),
        section("規則 · Rules", rules_table(profile, own)),
        section("拡張 · Extensions", extensions_list(snapshot, own)),
        section("見本 · Examples", examples_table(profile)),
    ]
    return page(parts)


def facts(profile: Resource, own: Own) -> str:
    """Return the table of what the profile is."""
    derived = sorted(
        (each for each in own.profiles.values() if each["baseDefinition"] == profile["url"]),
        key=lambda each: each["id"],
    )
    rows = [
        ("名前 · name", f"`{profile['name']}`"),
        ("canonical", f"`{profile['url']}`"),
        ("型 · type", resource_link(profile["type"])),
        ("基 · based on", named(profile["baseDefinition"], own)),
        ("版 · version", f"{profile['version']} ({profile['status']})"),
    ]
    if derived:
        rows.append(("派生 · derived from it", "<br>".join(named(each["url"], own) for each in derived)))
    file = f"../../profiles/structure-definitions/{profile['id']}.json"
    rows.append(("定義 · definition", f"[{profile['id']}.json]({file})"))
    return table(("", ""), rows)


def elements_table(profile: Resource, snapshot: Snapshot, own: Own) -> str:
    """Return the elements that the profile or an own ancestor of it says something about, as they are in the end."""
    said = {each["id"] for ancestor in own.lineage(profile) for each in ancestor["differential"]["element"]}
    rows = [element_row(each, own) for each in snapshot.elements[1:] if each["id"] in said and is_told(each)]
    head = ("要素 · element", "回数 · card.", "型 · type", "必 · MS", "意味 · meaning", "値 · values")
    return table(head, rows)


def is_told(element: Resource) -> bool:
    """Whether an element has a row: the one that only says that extensions are told apart by url has none."""
    name = element["path"].rpartition(".")[2]
    return name not in ("extension", "modifierExtension") or "sliceName" in element or element["max"] == "0"


def element_row(element: Resource, own: Own) -> tuple[str, ...]:
    types = "<br>".join(type_text(each, own) for each in element.get("type", []))
    must = "○" if element.get("mustSupport") else ""
    name = f"`{element['id'].partition('.')[2]}`"
    card = f"{element['min']}..{element['max']}"
    return name, card, types, must, meaning(element), "<br>".join(values(element, own))


def meaning(element: Resource) -> str:
    """Return the short text of an element, and what its definition says beyond it."""
    texts = dict.fromkeys((element.get("short", ""), element.get("definition", "")))
    return "<br>".join(both(text, "<br>") for text in texts if text)


def type_text(element_type: Resource, own: Own) -> str:
    code = element_type["code"].rpartition(".")[2] if ":" in element_type["code"] else element_type["code"]
    profiles, targets = (
        [named(each, own, link_r4=False) for each in element_type.get(key, [])] for key in ("profile", "targetProfile")
    )
    if profiles:
        return f"{code}: {' / '.join(profiles)}"
    return f"{code}({' / '.join(targets)})" if targets else str(code)


def values(element: Resource, own: Own) -> Iterator[str]:
    """Give what values an element can have: fixed, pattern, value set, length, how its slices are told apart."""
    for key, value in element.items():
        if key.startswith(("fixed", "pattern", "minValue", "maxValue")):
            label = "固定 fixed" if key.startswith("fixed") else "型紙 pattern" if key.startswith("pattern") else key
            yield f"{label}: `{shown(value)}`"
    binding = element.get("binding", {})
    if "valueSet" in binding and binding["strength"] != "example":
        yield f"{STRENGTH[binding['strength']]}: {value_set(binding['valueSet'], own)}"
    if "maxLength" in element:
        yield f"{element['maxLength']} 文字まで · characters at most"
    slicing = element.get("slicing", {})
    if slicing.get("discriminator") and not element["path"].endswith("xtension"):
        by = ", ".join(f"`{each['path']}` ({each['type']})" for each in slicing["discriminator"])
        closed = "" if slicing.get("rules") == "open" else f", {slicing['rules']}"
        yield f"分け方 slices by {by}{closed}"


def shown(value: object) -> str:
    """Return a value in short: a code with its system, or JSON."""
    match value:
        case {"coding": [{"system": str(system), "code": str(code), **rest}]} if set(rest) <= {"display"}:
            return f"{system}#{code}"
        case {"system": str(system), "code": str(code), **rest} if set(rest) <= {"display"}:
            return f"{system}#{code}"
        case str(text):
            return text
    return json.dumps(value, ensure_ascii=False)


def rules_table(profile: Resource, own: Own) -> str:
    """Return the rules of the profile and of the own profiles that it derives from."""
    rows: list[tuple[str, ...]] = []
    for ancestor in own.lineage(profile):
        from_ = "" if ancestor is profile else f"<br>({named(ancestor['url'], own)})"
        for element in ancestor["differential"]["element"]:
            for rule in element.get("constraint", []):
                at = element["id"].partition(".")[2]
                place = f"<br>`{at}`" if at else ""
                key = f"`{rule['key']}`{place}{from_}"
                rows.append((key, SEVERITY[rule["severity"]], both(rule["human"], "<br>"), f"`{rule['expression']}`"))
    return table(("規則 · rule", "重さ · severity", "内容 · meaning", "FHIRPath"), rows)


def extensions_list(snapshot: Snapshot, own: Own) -> str:
    """Return the extensions of our own that the profile has a place for."""
    rows = []
    for element in snapshot.elements:
        for each in element.get("type", []):
            for canonical in each.get("profile", []):
                if (extension := own.extensions.get(canonical)) is not None:
                    rows.append((f"`{element['path']}`", named(canonical, own), both(extension["description"], "<br>")))
    return table(("場所 · place", "拡張 · extension", "意味 · meaning"), dict.fromkeys(rows))


def extensions_page(own: Own) -> str:
    """Return the page of all extensions of our own."""
    parts = [
        "# 拡張 · Extensions",
        "支援の記録のためにこのサービスが定める拡張です。 · The extensions that this service defines.",
    ]
    for extension in own.extensions.values():
        contexts = ", ".join(f"`{each['expression']}`" for each in extension.get("context", []))
        snapshot = own.definitions.snapshot(extension["url"])
        assert snapshot is not None
        said = [each["id"] for each in extension["differential"]["element"]]
        rows = [
            element_row(each, own)
            for each in snapshot.elements[1:]
            if each["id"] in said and each["max"] != "0" and not each["id"].endswith(("url", ".extension"))
        ]
        parts.append(f'## <a id="{extension["id"]}"></a>{extension["title"]} · {extension["name"]}')
        parts.append(both(extension["description"]))
        file = f"../../profiles/extensions/{extension['id']}.json"
        parts.append(f"`{extension['url']}` ([定義 · definition]({file})) 場所 · place: {contexts}")
        head = ("要素 · element", "回数 · card.", "型 · type", "必 · MS", "意味 · meaning", "値 · values")
        parts.append(table(head, rows))
        parts.append(extension_rules(extension))
    return page(parts)


def extension_rules(extension: Resource) -> str:
    rules = [rule for each in extension["differential"]["element"] for rule in each.get("constraint", [])]
    rows = [
        (f"`{each['key']}`", SEVERITY[each["severity"]], both(each["human"], "<br>"), f"`{each['expression']}`")
        for each in rules
    ]
    return table(("規則 · rule", "重さ · severity", "内容 · meaning", "FHIRPath"), rows)


def profiles_table(own: Own) -> str:
    """Return the table that leads to the page of each profile."""
    rows = [
        (
            f"[{each['title']}]({each['id']}.md)",
            resource_link(each["type"]),
            named(each["baseDefinition"], own),
            both(each["description"], "<br>"),
        )
        for each in own.profiles.values()
    ]
    return table(("プロファイル · profile", "型 · type", "基 · based on", "目的 · purpose"), rows)


def named(canonical: str, own: Own, *, link_r4: bool = True) -> str:
    """Return a definition by name, linked to its page or (if wanted) to that of the specification."""
    if canonical in own.profiles:
        profile = own.profiles[canonical]
        return f"[{profile['title']}]({profile['id']}.md)"
    if canonical in own.extensions:
        extension = own.extensions[canonical]
        return f"[{extension['title']}]({EXTENSIONS}#{extension['id']})"
    if re.fullmatch(f"{R4}[a-z]+-[A-Za-z-]+", canonical):
        return f"[{short(canonical)}](https://hl7.org/fhir/R4/extension-{short(canonical).lower()}.html)"
    return resource_link(short(canonical)) if link_r4 and canonical.startswith(R4) else short(canonical)


def resource_link(name: str) -> str:
    """Return the name of a type or definition of R4, linked to its page in the specification."""
    return f"[{name}](https://hl7.org/fhir/R4/{name.lower()}.html)" if re.fullmatch("[A-Z]\\w+", name) else name


def value_set(canonical: str, own: Own) -> str:
    """Return a value set by name, linked to our page or to that of the specification; any other by its canonical."""
    url = canonical.partition("|")[0]
    if url in own.value_sets:
        return f"[{own.value_sets[url].stem}]({CODES}#{own.value_sets[url].stem})"
    if url.startswith(R4_SETS):
        return f"[{short(url)}](https://hl7.org/fhir/R4/valueset-{short(url).lower()}.html)"
    if url.startswith(V3_SETS):
        return f"[{short(url)}](https://hl7.org/fhir/R4/v3/{url.removeprefix(V3_SETS)}/vs.html)"
    return f"`{url}`"


def short(canonical: str) -> str:
    """Return the last part of a canonical, and of one of JP Core all of its name."""
    return canonical.removeprefix(JP_CORE).rpartition("/")[2] or canonical
