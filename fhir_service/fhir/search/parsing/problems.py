"""What can be wrong with a search, in Japanese and English, always with what would be right.

https://hl7.org/fhir/R4/search.html#errors
"""

from collections.abc import Iterable
from functools import lru_cache

from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.search.parameter import SearchParameter, SearchType


class UnknownParameter(FhirError):
    """The resource type has no such search parameter; lenient handling ignores it."""


def unknown_parameter(resource_type: str, code: str, known: Iterable[str]) -> UnknownParameter:
    listed = _sorted(tuple(known))
    return UnknownParameter(
        Issue(
            "not-supported",
            f"{resource_type}に検索パラメータ「{code}」はありません。使えるもの: {listed}",
            f"{resource_type} has no search parameter '{code}'. Supported: {listed}",
        )
    )


@lru_cache(maxsize=512)
def _sorted(names: tuple[str, ...]) -> str:
    """Return the names as a list. A chain is tried on types that refuse it, and tells nobody what they have."""
    return ", ".join(sorted(names))


def unknown_in_chain(parameter: SearchParameter, types: tuple[str, ...], rest: str) -> UnknownParameter:
    listed = ", ".join(types)
    return UnknownParameter(
        Issue(
            "not-supported",
            f"「{parameter.code}」の参照先に検索パラメータ「{rest}」はありません。参照先: {listed}",
            f"No type that '{parameter.code}' refers to has a search parameter '{rest}'. Types: {listed}",
        )
    )


def malformed(key: str, example: str) -> FhirError:
    return fhir_error(
        "invalid", f"「{key}」の形が正しくありません。例: {example}", f"'{key}' is malformed. Example: {example}"
    )


def unknown_modifier(parameter: SearchParameter, modifier: str, supported: Iterable[str]) -> FhirError:
    listed = ", ".join(f":{each}" for each in supported) or "-"
    return fhir_error(
        "not-supported",
        f"検索パラメータ「{parameter.code}」に修飾子「:{modifier}」は使えません。使えるもの: {listed}",
        f"The search parameter '{parameter.code}' does not support the modifier ':{modifier}'. Supported: {listed}",
    )


def unknown_type(resource_type: str, key: str) -> FhirError:
    return fhir_error(
        "value",
        f"「{key}」の「{resource_type}」はR4のリソースタイプではありません。",
        f"'{resource_type}' in '{key}' is not a resource type of R4.",
    )


# The forms of the values of each type: https://hl7.org/fhir/R4/search.html#ptypes
FORMS: dict[SearchType, str] = {
    "number": "[eq|ne|gt|lt|ge|le|sa|eb|ap]100, 5.4e-3",
    "date": "[eq|ne|gt|lt|ge|le|sa|eb|ap]YYYY[-MM[-DD[Thh:mm[:ss[.sss]][Z|(+|-)hh:mm]]]]",
    "string": "text",
    "token": "code, system|code, |code, system| (\\| \\, \\$)",
    "reference": "id, Type/id, absolute URL, canonical|version",
    "composite": "value$value",
    "quantity": "[prefix]number, [prefix]number|system|code, [prefix]number||code",
    "uri": "URI",
    "special": "latitude|longitude|distance|km",
}


def bad_value(parameter: SearchParameter, text: str) -> FhirError:
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    form = FORMS.get(parameter.type, "")
    return fhir_error(
        "value",
        f"「{parameter.code}」の値「{shown}」を{parameter.type}として読めません。書き方: {form}",
        f"The value '{shown}' of '{parameter.code}' is no {parameter.type}. Forms: {form}",
    )


def not_a_url(key: str, text: str) -> FhirError:
    """Return the error for `url:below=urn:oid:1.2`: `:above` and `:below` are for URLs, not for URNs such as OIDs.

    https://hl7.org/fhir/R4/search.html#uri
    """
    return fhir_error(
        "value",
        f"「{key}」はURL(http://…)だけに使えます。「{text[:80]}」はURLではありません。",
        f"'{key}' applies to URLs (http://…) only; '{text[:80]}' is none.",
    )


def bad_escape(key: str) -> FhirError:
    return fhir_error(
        "value",
        f"「{key}」の値の「\\」の後には「,」「|」「$」「\\」のどれかが必要です。",
        f"In the value of '{key}', a backslash must stand before ',', '|', '$' or a backslash.",
    )


def empty_value(key: str) -> FhirError:
    return fhir_error(
        "value", f"検索パラメータ「{key}」に値がありません。", f"The search parameter '{key}' has no value."
    )


def too_many_values(key: str, count: int, limit: int) -> FhirError:
    return fhir_error(
        "too-costly",
        f"「{key}」の値が{count}個あります。一つのパラメータに書けるのは{limit}個までです。",
        f"'{key}' has {count} values; one parameter can have {limit}.",
    )


def too_many(what: str, limit: int) -> FhirError:
    return fhir_error(
        "too-costly", f"一回の検索の{what}は{limit}個までです。", f"A search can have {limit} {what} at the most."
    )


def too_costly() -> FhirError:
    return fhir_error(
        "too-costly",
        "検索条件の値と組み合わせが多すぎます。条件を減らすか、検索を分けてください。",
        "The search has too many values and combinations; ask for less, or in several searches.",
    )


def too_deep(key: str, limit: int) -> FhirError:
    return fhir_error(
        "too-costly", f"「{key}」の連鎖が深すぎます({limit}段まで)。", f"'{key}' chains deeper than {limit} levels."
    )


def too_broad(key: str) -> FhirError:
    return fhir_error(
        "too-costly",
        f"「{key}」がたどるタイプが多すぎます。「subject:Patient.name」のようにタイプを指定してください。",
        f"'{key}' leads to too many types; name the type, as in 'subject:Patient.name'.",
    )


def not_a_reference(parameter: SearchParameter, key: str) -> FhirError:
    code, resource_type = parameter.code, parameter.resource_type
    return fhir_error(
        "invalid",
        f"「{key}」: {resource_type}の「{code}」は参照(reference)ではなく{parameter.type}のパラメータです。",
        f"'{key}': '{code}' of {resource_type} is no reference parameter, but a {parameter.type}.",
    )


def without_url(parameter: SearchParameter, resource_type: str, key: str) -> FhirError:
    return fhir_error(
        "invalid",
        f"「{key[:200]}」: 「{parameter.code}」はcanonical URLで参照しますが、{resource_type}にはありません。",
        f"'{key[:200]}': '{parameter.code}' refers by canonical URL, and {resource_type} has none.",
    )


def not_within(key: str) -> FhirError:
    return fhir_error(
        "not-supported",
        f"「{key[:200]}」では検索できません。Bundleの最初のエントリについては、その値と、それが参照する同じBundleの"
        "リソースの値で検索できます(composition.type、composition.subject:Patient.name)。",
        f"'{key[:200]}' is not searched. Of the first entry of a Bundle its own values can be searched, and those "
        "of the resources in the Bundle that it refers to: composition.type, composition.subject:Patient.name.",
    )


def not_a_target(parameter: SearchParameter, resource_type: str) -> FhirError:
    listed = ", ".join(parameter.targets)
    return fhir_error(
        "value",
        f"{parameter.resource_type}の「{parameter.code}」は{resource_type}を参照しません。参照先: {listed}",
        f"'{parameter.code}' of {parameter.resource_type} does not refer to {resource_type}, but to: {listed}",
    )


def several_targets(parameter: SearchParameter, targets: Iterable[str], key: str) -> FhirError:
    code, listed = parameter.code, ", ".join(targets)
    return fhir_error(
        "invalid",
        f"「{key}」の「{code}」は複数の型を参照します。「{code}:型名」の形で指定してください: {listed}",
        f"In '{key}', '{code}' leads to several types; name one, as '{code}:Type': {listed}",
    )


def no_centre(path: str, code: str) -> FhirError:
    return fhir_error(
        "invalid",
        f"「_sort={path}」は、同じ検索の条件「{code}=緯度|経度|距離|単位」からの距離の順です。この条件を指定してください。",
        f"'_sort={path}' is by the distance from what a criterion of the same search says: give "
        f"'{code}=latitude|longitude|distance|units', too.",
        ("http._sort",),
    )


def no_list(key: str, text: str) -> FhirError:
    """Return the error for a `_list` that names none that is stored.

    Which List is the current one of a patient R4 leaves to the server, and nothing stored says it: an empty answer to
    `$current-allergies` would read as if there were none.
    """
    shown = text[:80]
    return fhir_error(
        "not-supported",
        f"「{key}={shown}」のリストが分かりません。ListのidかList/idを指定してください。どのListが患者の現在の一覧かを"
        "サーバーは知らないため、$current-problemsなどの機能リストは使えません(List?patient=…で探せます)。",
        f"'{key}={shown}' names no List: give its id, or List/id. Which List is the current one of a patient "
        "the server does not know: functional lists ($current-problems) are not supported; ask List?patient=…",
        ("http._list",),
    )


def unknown_query(name: str, known: Iterable[str]) -> FhirError:
    listed = ", ".join(known) or "-"
    return fhir_error(
        "not-supported",
        f"名前付きクエリ「{name[:80]}」は実行できません。定義はありますが実行できないもの: {listed}",
        f"The named query '{name[:80]}' cannot be run. Defined, though not to be run here: {listed}",
        ("http._query",),
    )


def bad_result_parameter(name: str, text: str, allowed: str) -> FhirError:
    return fhir_error(
        "value",
        f"「{name}」の値「{text[:80]}」は使えません。使えるもの: {allowed}",
        f"The value '{text[:80]}' of '{name}' is not allowed. Allowed: {allowed}",
    )


def repeated(name: str) -> FhirError:
    return fhir_error("invalid", f"「{name}」は一度だけ指定できます。", f"'{name}' can be given only once.")


def excluded(name: str, others: str) -> FhirError:
    return fhir_error(
        "invalid", f"「{name}」は{others}と一緒に使えません。", f"'{name}' cannot be combined with {others}."
    )
