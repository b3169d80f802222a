"""What happened to each person of the region: decided here, told as FHIR elsewhere.

Each case is drawn from the seed and its own number alone, so that case 17 is the same person whether thirty cases are
asked for or ten thousand. The phases follow the handbook: request, selection conference, support with visits, review
after about six months, closure.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Literal, NamedTuple

from fhir_service.outreach.demo_region.names import Name, draw_name
from fhir_service.outreach.demo_region.places import CITY, DISTRICTS, MUNICIPALITIES, Place

AS_OF = date(2026, 11, 2)
"""The day on which the region is seen."""

Gender = Literal["male", "female"]
GENDERS: tuple[Gender, ...] = ("male", "female")
Phase = Literal[
    "requested", "conference-planned", "declined", "starting", "active", "review-due", "continued", "fading", "closed"
]

# In this order case after case, so that ten cases show every phase: its name, and days since the request (from, to).
PHASES: tuple[tuple[Phase, int, int], ...] = (
    ("active", 60, 150),
    ("requested", 1, 6),
    ("starting", 21, 45),
    ("closed", 240, 420),
    ("continued", 215, 300),
    ("declined", 30, 200),
    ("active", 50, 140),
    ("review-due", 186, 205),
    ("conference-planned", 8, 18),
    ("closed", 250, 500),
    ("fading", 230, 330),
    ("active", 70, 160),
)
UNSUPPORTED = ("requested", "conference-planned", "declined")


class Category(NamedTuple):
    """A target category of the programme, and what usually comes with it: (ICD-10, name) of the conditions."""

    code: str
    name: str
    conditions: tuple[tuple[str, str], ...]
    from_hospital: bool


SCHIZOPHRENIA = (("F20.0", "妄想型統合失調症"), ("F20.9", "統合失調症"), ("F25.9", "統合失調感情障害"))
MOOD = (("F31.9", "双極性感情障害"), ("F32.9", "うつ病エピソード"), ("F33.9", "反復性うつ病性障害"))
CATEGORIES = (
    Category(
        "untreated", "未治療者", (("F20.9", "統合失調症"), ("F22.0", "妄想性障害"), ("F29", "非器質性精神病")), False
    ),
    Category("treatment-discontinued", "精神科医療の中断者", SCHIZOPHRENIA + MOOD, True),
    Category("medication-discontinued", "服薬中断", SCHIZOPHRENIA, True),
    Category("hikikomori", "ひきこもりの精神障害者", (("F20.6", "単純型統合失調症"), *MOOD), False),
    Category("revolving-door", "入退院を繰り返す者", SCHIZOPHRENIA + MOOD, True),
    Category("post-long-admission", "長期入院後の退院者", SCHIZOPHRENIA, True),
)
CLOSURES = (
    ("stable-in-community", "地域で安定"),
    ("transferred-to-services", "既存のサービスへ移行"),
    ("connected-to-medical", "医療につながった"),
    ("moved", "転居"),
)
VISITS = (
    ("home-visit", "家庭訪問", "HH", "訪問", 6),
    ("accompaniment", "同行", "FLD", "訪問先以外", 2),
    ("phone", "電話", "VR", "遠隔", 2),
)
REASONS = (
    "最近の暮らしと睡眠について伺う。",
    "食事と買い物の様子を一緒に確かめる。",
    "薬の飲みごこちについて話し合う。",
    "好きなことと、これからしてみたいことを伺う。",
    "ご家族の気持ちを伺い、関わり方を一緒に考える。",
    "受診に同行する。",
    "役所の手続きを一緒に行う。",
)


class Visit(NamedTuple):
    """A contact: day, hour, minutes, and (code, name, class, name of class) of its kind."""

    day: date
    hour: int
    minutes: int
    kind: tuple[str, str, str, str]
    reason: str


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that is decided about a case. `start` None: support has not begun; `end` None: it has not ended.

    `gaf` are (day, score), the first of each month of support.
    """

    number: int
    phase: Phase
    name: Name
    gender: Gender
    birth: date
    town: Place
    address: str
    relative: tuple[Name, str, str, str] | None  # name, gender, code and name of the relationship
    category: Category
    condition: tuple[str, str]
    suspected: bool
    requested: date
    conference: date | None
    start: date | None
    review: date | None
    end: date | None
    closure: tuple[str, str] | None
    visits: tuple[Visit, ...]
    gaf: tuple[tuple[date, int], ...]
    in_pairs: bool

    @property
    def id(self) -> str:
        return f"case-{self.number:04d}"


def draw_case(number: int, seed: int) -> Case:
    """Return the case with this number (from 1)."""
    rng = Random(f"{seed}/{number}")
    phase, shortest, longest = PHASES[(number - 1) % len(PHASES)]
    requested = _workday(AS_OF - timedelta(days=rng.randint(shortest, longest)))
    conference = None if phase == "requested" else _workday(requested + timedelta(days=rng.randint(7, 14)))
    start = None if phase in UNSUPPORTED or conference is None else _workday(conference + timedelta(days=1))
    reviewed = start is not None and phase in ("continued", "fading", "closed")
    review = _workday(start + timedelta(days=182)) if start and reviewed else None
    end = min(_workday(start + timedelta(days=rng.randint(190, 230))), AS_OF) if start and phase == "closed" else None

    gender = rng.choice(GENDERS)
    name = draw_name(rng, gender)
    town = CITY if rng.random() < 0.7 else MUNICIPALITIES[1]
    category = CATEGORIES[(number * 5 + number // 7) % len(CATEGORIES)]
    visits = _visits(rng, start, end or AS_OF)
    return Case(
        number=number,
        phase=phase,
        name=name,
        gender=gender,
        birth=date(rng.randint(1948, 2004), rng.randint(1, 12), rng.randint(1, 28)),
        town=town,
        address=_address(rng, town),
        relative=_relative(rng, name),
        category=category,
        condition=rng.choice(category.conditions),
        suspected=category.code == "untreated" or (category.code == "hikikomori" and rng.random() < 0.5),
        requested=requested,
        conference=conference,
        start=start,
        review=review,
        end=end,
        closure=rng.choice(CLOSURES) if end else None,
        visits=visits,
        gaf=_gaf(rng, visits),
        in_pairs=rng.random() < 0.15,
    )


def _workday(day: date) -> date:
    """Return the day, or the Monday after it."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def _address(rng: Random, town: Place) -> str:
    return f"{rng.choice(DISTRICTS[town.id])}{rng.randint(1, 9)}-{rng.randint(1, 20)}-{rng.randint(1, 15)}"


def _relative(rng: Random, name: Name) -> tuple[Name, str, str, str] | None:
    if rng.random() < 0.3:
        return None
    gender, code, kinship = rng.choice(
        (("female", "MTH", "母"), ("male", "FTH", "父"), ("female", "SIS", "姉妹"), ("male", "BRO", "兄弟"))
    )
    return draw_name(rng, gender, (name.family, name.family_kana)), gender, code, kinship


def _visits(rng: Random, start: date | None, last: date) -> tuple[Visit, ...]:
    """Return the contacts: often at first, fewer as time goes by."""
    visits: list[Visit] = []
    day, interval = start, 4
    while day is not None and day <= last:
        kind = rng.choices(VISITS, [weight for *_, weight in VISITS])[0] if visits else VISITS[0]
        minutes = rng.choice((10, 15, 20)) if kind[0] == "phone" else rng.choice((40, 50, 60, 75))
        visits.append(Visit(day, rng.randint(9, 15), minutes, kind[:4], rng.choice(REASONS)))
        interval = min(28, interval + rng.randint(1, 5))
        day = _workday(day + timedelta(days=interval))
    return tuple(visits)


def _gaf(rng: Random, visits: tuple[Visit, ...]) -> tuple[tuple[date, int], ...]:
    """Return a score at the first contact of each month; most people do better with time, not all."""
    scores: list[tuple[date, int]] = []
    score = rng.randint(28, 42)
    for visit in visits:
        if not scores or (scores[-1][0].year, scores[-1][0].month) != (visit.day.year, visit.day.month):
            scores.append((visit.day, score))
            score = max(20, min(70, score + rng.randint(-2, 5)))
    return tuple(scores)
