"""What somebody meant who wrote a date as Japan does: 昭和36年5月3日, S36.5.3, 1961/5/3, or a time without its zone.

FHIR takes none of these (https://hl7.org/fhir/R4/datatypes.html#date), so they stay errors; but they say what to write.
"""

import re
import unicodedata
from datetime import date

# The year before the first of each era, and how many years it had.
ERAS = {"明治": (1867, 45), "大正": (1911, 15), "昭和": (1925, 64), "平成": (1988, 31), "令和": (2018, 99)}
_LETTERS = {"M": "明治", "T": "大正", "S": "昭和", "H": "平成", "R": "令和"}
_SHORT = {name[0]: name for name in ERAS} | _LETTERS
_ERA = re.compile(
    r"(明治|大正|昭和|平成|令和|[明大昭平令MTSHR])[.]?(元|[1-9]\d?)(?:[年./-](\d{1,2})(?:[月./-](\d{1,2})日?)?)?[年月]?"
)
_WESTERN = re.compile(r"(\d{4})[年./-](\d{1,2})[月./-](\d{1,2})日?|(\d{4})(\d\d)(\d\d)")
_TIME = re.compile(r"(.+?)[T ]((?:[01]\d|2[0-3]):[0-5]\d)(:[0-5]\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
LONGEST = 40


def date_hint(value: str, code: str) -> tuple[str, str] | None:
    """Return what to write instead of a value that is no `date`, `dateTime` or `instant`; None if nobody can tell."""
    if len(value) > LONGEST:
        return None
    text = unicodedata.normalize("NFKC", value).strip()
    timed = _TIME.fullmatch(text) if code != "date" else None
    day = _day(timed[1] if timed else text)
    if day is None or (code == "instant" and timed is None):
        return None
    meant = day
    if timed is not None:
        zone = timed[4] or "+09:00"
        meant += f"T{timed[2]}{timed[3] or ':00'}{zone if ':' in zone or zone == 'Z' else f'{zone[:3]}:{zone[3:]}'}"
    if meant == value:
        return None
    if timed is not None and timed[4] is None:
        return f"日本時間なら {meant} です", f"in Japan's time it is {meant}"
    if _ERA.fullmatch(timed[1] if timed else text):
        return f"和暦は西暦にして {meant} と書きます", f"write {meant}: years are those of the common era"
    return f"{meant} と書きます", f"write {meant}"


def _day(text: str) -> str | None:
    """Return the real day (or month, or year) that a text means, as FHIR writes it."""
    compact = text.replace(" ", "").upper()
    if (era := _ERA.fullmatch(compact)) is not None:
        before, years = ERAS[_SHORT.get(era[1], era[1])]
        number = 1 if era[2] == "元" else int(era[2])
        if number > years:
            return None
        parts = (before + number, era[3], era[4])
    elif (western := _WESTERN.fullmatch(compact)) is not None:
        parts = (int(western[1] or western[4]), western[2] or western[5], western[3] or western[6])
    else:
        return None
    year, month, day = parts[0], *(None if each is None else int(each) for each in parts[1:])
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        return None
    return "-".join([f"{year:04}", *(f"{each:02}" for each in (month, day) if each is not None)])
