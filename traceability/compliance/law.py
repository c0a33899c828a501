"""Acts, articles and dated limits: what the law asks, since when, and how well we know its text.

Days are whole numbers since 1970-01-01, as in the log.  Source keys are resolved in docs/regulation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from traceability.events import day_number

ORDER_73 = "Order 73"
MEASURES_2018 = "MIIT-LJ[2018]43"
TRACEABILITY_2018 = "Announcement 2018/35"
ELV_RULES_2020 = "ELV Implementing Rules 2020/2"
GB_T_34014 = "GB/T 34014-2017"
CODING_NOTICE_2018 = "Coding filing notice of 2018"
CONDITIONS_2019 = "Standard Conditions, 2019 edition"
CONDITIONS_2024 = "Standard Conditions, 2024 edition (Announcement 2024/42)"
OUTLET_GUIDELINE_2019 = "Announcement 2019/46"
GB_T_38698 = "GB/T 38698.1-2020"
GB_T_33598 = "GB/T 33598.3-2021"
JT_T_617 = "JT/T 617"
SOLID_WASTE_LAW = "Solid Waste Law"
PERMIT_LAW = "EIA and discharge permit law"
ANNOUNCEMENT_2026_20 = "Announcement 2026/20"
EU_2023_1542 = "Regulation (EU) 2023/1542"
REGISTRY_LOGIC = "registry logic"


def day_of(year: int, month: int, day: int) -> int:
    """Return a calendar day as the log writes it."""
    return day_number(date(year, month, day))


TRACED_FROM = day_of(2018, 8, 1)
"""From this day the traceability provisions of 2018 apply to new models (Ann. 2018/35, 2-4)."""

ORDER_73_FROM = day_of(2026, 4, 1)
"""Order 73 is in force and the acts of 2018-2021 are repealed (REGULATION, identity card; grade A)."""


class Grade(Enum):
    """How well the text is known; docs/regulation.md says what each allows."""

    A = "A"
    B = "B"
    C = "C"
    K = "K"
    D = "D"
    U = "U"


class Basis(Enum):
    """What kind of text, if any, a limit stands on."""

    ORDER = "order"
    PREDECESSOR = "predecessor"
    ADJACENT = "adjacent law"
    STANDARD = "standard"
    VOLUNTARY = "voluntary conditions"
    REGISTRY = "registry logic"


class Regime(Enum):
    """Which law a limit belongs to.

    ADJACENT, VOLUNTARY and REGISTRY hold beside either law of China; EU_2023 only where it is asked for.
    """

    CN_2018 = "cn_2018"
    ORDER_73 = "order73"
    EU_2023 = "eu_2023"
    ADJACENT = "adjacent"
    VOLUNTARY = "voluntary"
    REGISTRY = "registry"


class Unit(Enum):
    """What the number of a limit, and of a measurement against it, counts."""

    DAYS = "days"
    WORKING_DAYS = "working days"
    MONTHS = "months"
    PERCENT = "%"
    GRAMS = "g"
    COUNT = ""
    NONE = "-"


_UNIT_ZH = {
    Unit.DAYS: "日",
    Unit.WORKING_DAYS: "个工作日",
    Unit.MONTHS: "个月",
    Unit.PERCENT: "%",
    Unit.GRAMS: "克",
    Unit.COUNT: "",
    Unit.NONE: "",
}


@dataclass(frozen=True, slots=True)
class Article:
    """Where in an act a duty stands; *number* is None where we have not seen it."""

    act: str
    number: str | None = None
    item: int | None = None

    @property
    def known(self) -> bool:
        """Whether the number of the article is known."""
        return self.number is not None

    def __str__(self) -> str:
        if self.act == REGISTRY_LOGIC:
            return "no article (registry logic)"
        if self.number is None:
            return f"{self.act}, article unknown"
        return f"{self.act} art. {self.number}" + (f"({self.item})" if self.item is not None else "")


UNKNOWN = Article(ORDER_73)
"""A duty of Order 73 whose article we have not seen."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A number that knows its unit; no number where a duty has none, or none that is known."""

    value: int | None
    unit: Unit

    def __str__(self) -> str:
        return self.text("en")

    def text(self, language: str) -> str:
        """Return the bound as a person reads it, in 'en' or 'zh'."""
        if self.value is None:
            return "-"
        if language == "zh":
            return f"{self.value}{_UNIT_ZH[self.unit]}"
        if self.unit is Unit.PERCENT:
            return f"{self.value} %"
        return f"{self.value} {self.unit.value}".rstrip()


def days(n: int | None) -> Bound:
    """Return *n* calendar days; None where the duty has no such limit (yet)."""
    return Bound(n, Unit.DAYS)


def working_days(n: int) -> Bound:
    """Return *n* working days of China's published calendar."""
    return Bound(n, Unit.WORKING_DAYS)


def months(n: int) -> Bound:
    """Return *n* months, each to the day of the same number (or the last of a shorter month)."""
    return Bound(n, Unit.MONTHS)


def percent(n: int) -> Bound:
    """Return *n* hundredths."""
    return Bound(n, Unit.PERCENT)


def grams(n: int) -> Bound:
    """Return *n* grams."""
    return Bound(n, Unit.GRAMS)


def count(n: int) -> Bound:
    """Return *n* things: permits, packs, parties."""
    return Bound(n, Unit.COUNT)


def none() -> Bound:
    """Return the bound of a duty that has no number."""
    return Bound(None, Unit.NONE)


@dataclass(frozen=True, slots=True)
class DatedLimit:
    """What one text asked in one stretch of time.  The day of the trigger chooses among a rule's limits.

    Attributes:
        bound: the number and its unit.
        valid_from, valid_to: first and last day in force; None is open.
        article, basis, grade, regime: of the text.
        source: keys of docs/regulation.md.
        assumed: the number is ours, not the law's.
        imagined: an amendment that somebody asks about; marked wherever a finding under it is shown.
    """

    bound: Bound
    valid_from: int | None
    valid_to: int | None
    article: Article
    basis: Basis
    grade: Grade
    regime: Regime
    source: str = ""
    assumed: bool = False
    imagined: bool = False

    @property
    def value(self) -> int | None:
        """The number alone."""
        return self.bound.value

    @property
    def unit(self) -> Unit:
        """What the number counts."""
        return self.bound.unit

    @property
    def law(self) -> str:
        """The regime's name, or 'imagined'."""
        return "imagined" if self.imagined else self.regime.value

    def holds_on(self, day: int) -> bool:
        """Return whether the limit is in force on *day*."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


def cn_2018(
    bound: Bound,
    article: Article,
    *,
    source: str,
    valid_from: int = TRACED_FROM,
    basis: Basis = Basis.PREDECESSOR,
    assumed: bool = False,
) -> DatedLimit:
    """Return a limit of the law before Order 73: it ended on 2026-03-31, its grade is C."""
    return DatedLimit(
        bound, valid_from, ORDER_73_FROM - 1, article, basis, Grade.C, Regime.CN_2018, source, assumed
    )


def order_73(
    bound: Bound,
    article: Article = UNKNOWN,
    *,
    grade: Grade,
    source: str,
    basis: Basis = Basis.ORDER,
    assumed: bool = False,
) -> DatedLimit:
    """Return a limit of the law since 2026-04-01."""
    return DatedLimit(bound, ORDER_73_FROM, None, article, basis, grade, Regime.ORDER_73, source, assumed)


def voluntary(
    bound: Bound,
    article: Article,
    *,
    grade: Grade,
    source: str,
    valid_from: date,
    valid_to: date | None = None,
    basis: Basis = Basis.VOLUNTARY,
) -> DatedLimit:
    """Return a limit that binds only who submits to it: standard conditions of the list, recommended standards."""
    until = None if valid_to is None else day_number(valid_to)
    return DatedLimit(bound, day_number(valid_from), until, article, basis, grade, Regime.VOLUNTARY, source)


def adjacent(
    bound: Bound,
    article: Article,
    *,
    grade: Grade,
    source: str,
    valid_from: date | None = None,
    valid_to: date | None = None,
    basis: Basis = Basis.ADJACENT,
) -> DatedLimit:
    """Return a limit of another law or binding standard, which holds beside either law of batteries."""
    first = None if valid_from is None else day_number(valid_from)
    last = None if valid_to is None else day_number(valid_to)
    return DatedLimit(bound, first, last, article, basis, grade, Regime.ADJACENT, source)


def eu_2023(
    bound: Bound,
    article: str,
    *,
    valid_from: date,
    source: str,
    valid_to: date | None = None,
    grade: Grade = Grade.C,
) -> DatedLimit:
    """Return a limit of the EU's batteries regulation: an overlay, asked for only by name."""
    until = None if valid_to is None else day_number(valid_to)
    return DatedLimit(
        bound, day_number(valid_from), until, Article(EU_2023_1542, article), Basis.ADJACENT, grade,
        Regime.EU_2023, source,
    )  # fmt: skip


def registry_logic(bound: Bound, *, assumed: bool) -> DatedLimit:
    """Return a limit of no law: what a consistent register needs, at any time."""
    return DatedLimit(
        bound, None, None, Article(REGISTRY_LOGIC), Basis.REGISTRY, Grade.U, Regime.REGISTRY, "", assumed
    )
