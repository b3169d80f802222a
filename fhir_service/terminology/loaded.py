"""Terminology from definitions: those of R4, of installed packages, and those that were stored.

Each value set is worked out when it is first asked for and kept, as sets that code systems and value sets share.
"""

from contextlib import suppress
from threading import Lock, local
from typing import Protocol, TypeVar

from fhir_service.fhir.resource import Resource
from fhir_service.terminology import Contains, Member
from fhir_service.terminology.code_system import CodeSystem, read
from fhir_service.terminology.extent import Selection, holds
from fhir_service.terminology.external import external
from fhir_service.terminology.kept import (
    Kept,
    Names,
    Nothing,
    decode_names,
    decode_selection,
    encode_names,
    encode_selection,
    names_of,
)
from fhir_service.terminology.value_set import is_whole, selected

MOST_KEPT = 4_000
MOST_SYSTEMS = 256  # their concepts are kept whole, with names and properties
MOST_NESTED = 40
_KEEPING = Lock()  # several threads ask at once

Value = TypeVar("Value")


class Findable(Protocol):
    """Where definitions are found, by `url` or `url|version`; `generation` grows whenever others are found."""

    @property
    def generation(self) -> int: ...

    def find(self, canonical: str) -> Resource | None: ...


class _Waiting(local):
    """The value sets, of each thread, that wait for those they include."""

    def __init__(self) -> None:
        self.value_sets: list[str] = []


class _Known:
    """What was worked out of the definitions as they are at one time; when they change, another takes its place.

    A thread that still works with what there was writes into what nobody asks any more.
    """

    __slots__ = ("code_systems", "generation", "members", "names", "not_here", "value_sets")

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.value_sets: dict[str, Selection | None] = {}
        self.code_systems: dict[str, CodeSystem] = {}
        self.names: dict[str, Names | None] = {}
        self.not_here: dict[str, None] = {}
        self.members: dict[str, frozenset[Member] | None] = {}


class LoadedTerminology:
    """Answers from the ValueSets and CodeSystems that the definitions hold. It is a `Terminology`.

    What is worked out of them is looked for in `kept` first, and put there.
    """

    def __init__(self, definitions: Findable, kept: Kept | None = None) -> None:
        self._definitions = definitions
        self._kept = kept or Nothing()
        self._waiting = _Waiting()
        self._known = _Known(definitions.generation)

    def _anew(self) -> _Known:
        """Work everything out again where a definition was stored, changed or removed."""
        self._known = known = _Known(self._definitions.generation)
        return known

    def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        known = self._known
        if known.generation != self._definitions.generation:
            known = self._anew()
        try:
            found = known.value_sets[value_set]
        except KeyError:
            found = self.selection(value_set)
        return None if found is None else found.contains(system, code)

    def composed(self, value_set: Resource) -> Contains:
        """Return what tells of a value set as it stands (contained, or about to be stored) what is in it."""
        return selected(value_set, self.selection, self.code_system).contains

    def members(self, value_set: str) -> frozenset[Member] | None:
        known = self._known
        if known.generation != self._definitions.generation:
            known = self._anew()
        try:
            return known.members[value_set]
        except KeyError:
            found = self.selection(value_set)
            return _keep(known.members, value_set, None if found is None else _counted(found))

    def has_value_set(self, url: str) -> bool:
        return self.selection(url) is not None

    def valid(self, system: str, code: str) -> bool | None:
        known = self._named(system)
        if known is None or not known.names:
            return holds(external(system), code)
        return code in known.names or (False if known.complete else None)

    def display(self, system: str, code: str) -> str | None:
        known = self._named(system)
        return None if known is None else known.names.get(code, (None,))[0]

    def displays(self, system: str, code: str) -> tuple[str, ...]:
        known = self._named(system)
        names = () if known is None else known.names.get(code, ())
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def is_supplement(self, system: str) -> bool:
        known = self._named(system)
        return known is not None and known.supplement

    def below(self, system: str, code: str) -> frozenset[Member] | None:
        return self._reached(system, code, 1)

    def above(self, system: str, code: str) -> frozenset[Member] | None:
        return self._reached(system, code, 0)

    def selection(self, value_set: str) -> Selection | None:
        """Return the codes of a value set, None if it is not here or contains itself."""
        known = self._known
        if known.generation != self._definitions.generation:
            known = self._anew()
        with suppress(KeyError):
            return known.value_sets[value_set]
        waiting = self._waiting.value_sets
        if value_set in waiting or len(waiting) > MOST_NESTED:
            return None
        return _keep(known.value_sets, value_set, self._selection(value_set, known.generation))

    def _selection(self, value_set: str, generation: int) -> Selection | None:
        if (kept := self._kept.get(f"codes {value_set}")) is not None:
            with suppress(ValueError):
                return decode_selection(kept)
        definition = self._definitions.find(value_set)
        if definition is None or definition.get("resourceType") != "ValueSet":
            return None
        waiting = self._waiting.value_sets
        waiting.append(value_set)
        try:
            found = selected(definition, self.selection, self.code_system)
        finally:
            waiting.pop()
        # what is asked inside another may be without what contains itself
        if not waiting and (data := encode_selection(found)) is not None:
            self._kept.put(f"codes {value_set}", data, generation)
        return found

    def _named(self, system: str) -> Names | None:
        """Return the codes of a system that is here with their names; none of one that brings no concepts."""
        known = self._known
        if known.generation != self._definitions.generation:
            known = self._anew()
        try:
            return known.names[system]
        except KeyError:
            return _keep(known.names, system, self._read_names(system, known.generation), MOST_SYSTEMS)

    def _read_names(self, system: str, generation: int) -> Names | None:
        if (kept := self._kept.get(f"names {system}")) is not None:
            with suppress(ValueError):
                return decode_names(kept)
        definition = self._definitions.find(system)
        if definition is None or definition.get("resourceType") != "CodeSystem":
            return None
        made = names_of(definition, self.code_system(system))
        self._kept.put(f"names {system}", encode_names(made), generation)
        return made

    def code_system(self, url: str, version: str | None = None) -> CodeSystem | None:
        """Return a code system whose content is here, all or in part; of the version that is asked for if any."""
        known = self._known
        if known.generation != self._definitions.generation:
            known = self._anew()
        canonical = f"{url}|{version}" if version else url
        found = known.code_systems.get(canonical)
        if found is not None or canonical in known.not_here:
            return found
        definition = self._definitions.find(canonical)
        if definition is None or not _has_concepts(definition):
            return _keep(known.not_here, canonical, None)
        return _keep(known.code_systems, canonical, read(definition), MOST_SYSTEMS)

    def _reached(self, system: str, code: str, way: int) -> frozenset[Member] | None:
        known = self.code_system(system)
        if known is None or not known.complete or code not in known.concepts:
            return None
        return frozenset((system, each) for each in (known.below(code) if way else known.above(code)))


def _has_concepts(definition: Resource) -> bool:
    match definition:
        case {"resourceType": "CodeSystem", "url": str(), "concept": [*_]}:
            return True
        case _:
            return False


def _counted(selection: Selection) -> frozenset[Member] | None:
    """Return the codes one by one, None if they cannot be told."""
    found: list[Member] = []
    if not isinstance(selection.rest, frozenset):
        return None
    for system, extent in selection.systems.items():
        if isinstance(extent, frozenset):
            found += [(system, code) for code in extent]
        elif is_whole(extent):
            found.append((system, None))
        else:
            return None
    return frozenset(found)


def _keep(kept: dict[str, Value], key: str, value: Value, most: int = MOST_KEPT) -> Value:
    """Keep a value, in place of the oldest if there are many: the names come from clients, too."""
    with _KEEPING:
        if len(kept) >= most:
            kept.pop(next(iter(kept)), None)
        kept[key] = value
    return value
