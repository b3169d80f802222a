"""The numbers that stand for texts in the index: 64-bit hashes of values, XORed with a constant of the parameter.

Because the constant is XORed on, SQL derives the key of a reference from the row that it points to (`key_of_target`),
so that chains and `_has` are joins.

Collisions. A read by id compares type and id, and so does everything that resolves a reference; two resources can not
have the same `rk` (UNIQUE). A hit through `ix` rests on 64 bits: among 10^8 distinct keys the chance that one query
finds anything wrong is below 10^-11. `:exact` and `:contains` compare the folded text besides. Parameters have 31 bits
(small rows), and every two that are used in one process are compared.
"""

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from hashlib import blake2b

from fhir_service.fhir.search.index import ReferenceEntry, TokenEntry
from fhir_service.fhir.search.query import ReferenceValue, TokenValue

_SEPARATOR = "\0"  # stands in no FHIR string, so that no two texts run together to the same
_ANY_VALUE = "\0\0"
_IDENTIFIER = "\1"
_BETWEEN_COMPONENTS = "\2"
_LABEL = "\3"
_TYPED = "\4"
_DEFINITION = "\5"


@lru_cache(maxsize=65_536)
def hash64(text: str) -> int:
    """Return a signed 64-bit hash."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)


@cache
def constant(resource_type: str, code: str) -> int:
    """Return the constant of a parameter on a type."""
    return hash64(f"{resource_type}.{code}")


def type_key(resource_type: str) -> int:
    """Return the key that every resource of the type has."""
    return constant(resource_type, "")


def shape_key(resource_type: str, codes: frozenset[str]) -> int:
    """Return the key of the resources of a type that have values for exactly these parameters (`:missing`)."""
    return hash64(_SEPARATOR.join(sorted(codes))) ^ constant(resource_type, "#shape")


def gram_keys(resource_type: str, grams: Iterable[str]) -> tuple[int, ...]:
    """Return the keys of two characters each in any string of a type (`:contains`)."""
    c = constant(resource_type, "#gram")
    return tuple([hash64(gram) ^ c for gram in grams])


_names: dict[int, str] = {}


@cache
def key_of_target(row: str, resource_type: str, code: str) -> str:
    """Return the SQL for the key in `ix` of the references to a row of `res` by a parameter."""
    return key_of(f"{row}.rk", resource_type, code)


def key_of(hashed: str, resource_type: str, code: str) -> str:
    """Return the SQL for the key in `ix` of a hash, itself SQL, under a parameter: XOR the constant of that.

    SQLite has no operator for it.
    """
    c = constant(resource_type, code)
    return f"(({hashed}|{c})-({hashed}&{c}))"


@cache
def parameter_id(resource_type: str, code: str) -> int:
    """Return the number of a parameter on a type; RuntimeError if two parameters share one."""
    name = f"{resource_type}.{code}"
    number = hash64(name) & 0x7FFF_FFFF
    if _names.setdefault(number, name) != name:
        raise RuntimeError(f"The parameters {name} and {_names[number]} have the same number in the index.")
    return number


def code_text_id(resource_type: str, code: str) -> int:
    """Return the number under which the codes of a token parameter stand in `txt` as texts (`:code-text`)."""
    return parameter_id(resource_type, f"{code}:code-text")


def token_texts(system: str | None, value: str | None) -> tuple[str, ...]:
    """Return the texts under which a token is found: its system, and last its system (or none) and value.

    Under its value alone it is found through the table `tok`; a code, of which many resources have the same, also under
    its system alone (`other_texts`).
    https://hl7.org/fhir/R4/search.html#token
    """
    if system is None:
        return () if value is None else (_SEPARATOR + value,)
    if value is None:
        return (system + _ANY_VALUE,)
    return (system + _ANY_VALUE, system + _SEPARATOR + value)


def other_texts(entry: TokenEntry) -> tuple[str, ...]:
    """Return the other texts under which a token with a value is found, through the table `tok`."""
    if entry.value is None:
        return ()
    if entry.system is None or entry.kind is None:
        return (entry.value,)
    whole = entry.system + _ANY_VALUE
    return (entry.value, whole, _SEPARATOR + entry.value) if entry.kind == "code" else (entry.value, whole)


def token_text(value: TokenValue) -> str:
    """Return the text that a token value looks for."""
    if value.system is None:
        return value.value or ""
    return value.system + (_ANY_VALUE if value.value is None else _SEPARATOR + value.value)


def identifier_text(text: str) -> str:
    """Return the text under which a reference is found by its identifier, from the text of that as a token."""
    return _IDENTIFIER + text


def reference_texts(entry: ReferenceEntry) -> tuple[str, ...]:
    """Return the texts under which a reference is found: its target, that version of it, its identifier.

    https://hl7.org/fhir/R4/search.html#reference
    """
    identifier = tuple(map(identifier_text, token_texts(entry.system, entry.value)))
    if entry.target is None:
        return identifier
    if entry.canonical:
        names = (entry.target, name_text(entry))
        return names if entry.fragment is None else (*names, *(f"{name}#{entry.fragment}" for name in names))
    if entry.version is None:
        return (entry.target, *identifier)
    return (entry.target, entry.target + _SEPARATOR + entry.version, *identifier)


def name_text(entry: ReferenceEntry) -> str:
    """Return the text of all that a canonical says: the URL, and the version or that it says none."""
    return f"{entry.target}{_SEPARATOR}{entry.version or ''}"


def definition_text(url: str) -> str:
    """Return the text under which a definition is known by its URL, or by `url|version`."""
    return _DEFINITION + url


def target_texts(value: ReferenceValue) -> tuple[str, ...]:
    """Return the texts that a reference value (not an identifier) looks for."""
    version = "" if value.version is None else _SEPARATOR + value.version
    end = f"{version}#{value.fragment}" if value.fragment else version
    return tuple([target + end for target in value.targets]) if end else value.targets


def label_text(folded: str) -> str:
    """Return the text under which a token is found by its display or the like (`:text`)."""
    return _LABEL + folded


def typed_text(type_system: str, type_code: str, value: str) -> str:
    """Return the text under which an identifier is found by its type and value (`:of-type`)."""
    return _SEPARATOR.join((_TYPED + type_system, type_code, value))


def composite_key(texts: Sequence[str], c: int) -> int:
    """Return the key of the components of a composite that have texts; `c` is its constant."""
    return hash64(_BETWEEN_COMPONENTS.join(texts)) ^ c


def unit_text(system: str, code: str | None) -> str:
    """Return the text under which a unit is found by system and code."""
    return system + (_ANY_VALUE if code is None else _SEPARATOR + code)
