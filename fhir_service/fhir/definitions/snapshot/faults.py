"""What can be wrong with a StructureDefinition, told by the name of the definition and the id of the element."""

from fhir_service.fhir.outcome import FhirError, Issue, Severity

SHOWN = 120  # characters of a name that a message repeats


def fault(
    url: str,
    ja: str,
    en: str,
    *,
    at: str = "",
    severity: Severity = "error",
    rule: str | None = None,
) -> Issue:
    """Return an issue about the definition of this url, at the element of this id."""
    place_ja, place_en = (f" の要素 {at[:SHOWN]}", f", element {at[:SHOWN]}") if at else ("", "")
    return Issue(
        "invalid",
        f"プロファイル {url[:SHOWN]}{place_ja} の定義に誤りがあります: {ja}。",
        f"The definition {url[:SHOWN]}{place_en} is wrong: {en}.",
        severity=severity,
        rule=rule,
    )


def broken(url: str, ja: str, en: str) -> FhirError:
    """Return the error of a definition that no snapshot can be made of."""
    return FhirError(fault(url, ja, en), status=422)


def circular(url: str, through: str) -> FhirError:
    """Return the error of a definition that is derived from itself."""
    if url == through:
        return broken(url, "自分自身から派生しています", "it is derived from itself")
    ja, en = (
        f"{through[:SHOWN]} を経て自分自身から派生しています",
        f"it is derived from itself by way of {through[:SHOWN]}",
    )
    return broken(url, ja, en)
