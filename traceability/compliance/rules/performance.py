"""How well a comprehensive-utilisation enterprise works in a year: R53 to R55."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    union_all,
)

from traceability.compliance.law import (
    CONDITIONS_2024,
    PERMIT_LAW,
    Article,
    DatedLimit,
    Grade,
    Regime,
    adjacent,
    eu_2023,
    none,
    percent,
    voluntary,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import (
    NOTHING,
    finding,
    in_force,
    one_of,
    recovered_too_little,
    scale_of,
    whole_percent,
    with_number,
    year_ends,
)
from traceability.compliance.views import View
from traceability.store import schema
from traceability.vocabulary import Detail, Element, EventType, Role

_IMPURITY_PPM = 15_000
_RARE_EARTH_PERCENT, _TARGET_PERCENT, _WATER_PERCENT, _ENERGY_KGCE_T = 97, 99, 90, 2_200
_LEAST_LOAD_PERCENT = 10
_TONNE = 1_000_000

_LEAST_CAPACITY_T_YEAR = 5_000
_LISTED_FIRMS_FROM = 2025
"""First year of the 2024 conditions, which ask what a listed firm must be and do."""

_copper_and_aluminium = recovered_too_little(Element.CU, Element.AL)
_copper = recovered_too_little(Element.CU)


def _metals_and_powder(rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each year with too little copper or aluminium recovered, and each lot of powder too little or too impure.

    The EU asks for copper alone.
    """
    if limit.regime is Regime.EU_2023:
        return _copper(rule, limit, view)
    parts = [_copper_and_aluminium(rule, limit, view)]
    parts.append(_won_too_little(limit, view, Detail.POWDER_IN_G, Detail.POWDER_OUT_G, limit.value or 0))
    parts += [
        _too_much(limit, view, what, _IMPURITY_PPM) for what in (Detail.ALUMINIUM_PPM, Detail.COPPER_PPM)
    ]
    found = union_all(*parts).subquery("metals_and_powder")
    return select(*found.c)


def _process_limits(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each lot on record with too small a share recovered or reused, or too much energy."""
    parts = [
        _won_too_little(limit, view, given, won, least)
        for given, won, least in (
            (Detail.RARE_EARTH_IN_G, Detail.RARE_EARTH_OUT_G, _RARE_EARTH_PERCENT),
            (Detail.TARGET_IN_G, Detail.TARGET_OUT_G, _TARGET_PERCENT),
            (Detail.WATER_USED_KG, Detail.WATER_REUSED_KG, _WATER_PERCENT),
        )
    ]
    parts.append(_too_much(limit, view, Detail.ENERGY_KGCE_T, _ENERGY_KGCE_T))
    found = union_all(*parts).subquery("process_limits")
    return select(*found.c)


def _won_too_little(limit: DatedLimit, view: View, given: Detail, won: Detail, least: int) -> Select[Any]:
    """Each lot of an enterprise of which less than *least* percent of *given* is *won*.  Measured: percent."""
    e, who = view.event, view.actor
    whole, part = with_number(view, given, given.name.lower()), with_number(view, won, won.name.lower())
    rows = e.join(who, and_(who.c.actor == e.c.actor, who.c.role == int(Role.CU)))
    rows = rows.join(whole, whole.c.event_id == e.c.event_id).join(part, part.c.event_id == e.c.event_id)
    return (
        finding(e, whole_percent(part.c.value, whole.c.value))
        .select_from(rows)
        .where(
            e.c.event == int(EventType.RECOVER),
            in_force(limit, e.c.event_day),
            part.c.value * 100 < whole.c.value * least,
        )
    )


def _too_much(limit: DatedLimit, view: View, what: Detail, bound: int) -> Select[Any]:
    """Each lot of an enterprise with a number *what* that does not stay below *bound*.  Measured: the number."""
    e, who, told = view.event, view.actor, with_number(view, what, what.name.lower())
    rows = e.join(who, and_(who.c.actor == e.c.actor, who.c.role == int(Role.CU)))
    return (
        finding(e, told.c.value)
        .select_from(rows.join(told, told.c.event_id == e.c.event_id))
        .where(
            e.c.event == int(EventType.RECOVER), in_force(limit, e.c.event_day), told.c.value >= bound
        )
    )  # fmt: skip


def _load(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each year in which an enterprise treated more than it is permitted; from 2025, if listed, hardly anything.

    A listed one that is permitted less than the least there is counts, too.  Measured: percent of what it is
    permitted, at most 100.
    """
    m, who = view.material, view.actor
    last_day = {year: day for year, day in year_ends(view.as_of).items() if limit.holds_on(day)}
    # A year of which none has ended has no last day, and no row either.
    day: ColumnElement[Any] = case(last_day, value=m.c.year) if last_day else NOTHING
    years = (
        select(
            m.c.actor,
            m.c.year,
            func.max(day).label("day"),
            (cast(func.sum(m.c.input_g), BigInteger) * scale_of(view)).label("given"),
        )
        .where(m.c.element == int(Element.MASS), m.c.year.in_(list(last_day)))
        .group_by(m.c.actor, m.c.year)
        .subquery("years_of_firms")
    )
    listed = _listed(view)
    on_list = and_(
        listed.c.firm == years.c.actor,
        listed.c.since <= years.c.day,
        or_(listed.c.until.is_(None), listed.c.until > years.c.day),
    )
    allowed = cast(who.c.capacity_t_year, BigInteger) * _TONNE
    rows = years.join(who, and_(who.c.actor == years.c.actor, who.c.role == int(Role.CU)))
    unfit = or_(
        years.c.given * 100 < allowed * _LEAST_LOAD_PERCENT,
        who.c.capacity_t_year < _LEAST_CAPACITY_T_YEAR * who.c.stands_for,
    )
    return (
        select(
            NOTHING.label("event_id"),
            NOTHING.label("unit"),
            NOTHING.label("vehicle"),
            years.c.actor,
            years.c.day,
            whole_percent(years.c.given, allowed).label("measured"),
        )
        .select_from(rows.outerjoin(listed, on_list))
        .where(
            who.c.capacity_t_year.is_not(None),
            or_(
                years.c.given * 100 > allowed * limit.value,
                and_(listed.c.firm.is_not(None), years.c.year >= _LISTED_FIRMS_FROM, unfit),
            ),
        )
    )


def _listed(view: View) -> Subquery:
    """Return firm, since and until (null: still) of each time that an authority had a firm on its list."""
    e = view.event
    until = func.lead(e.c.event_day, type_=e.c.event_day.type).over(
        partition_by=e.c.receiver, order_by=(e.c.event_day, e.c.event_id)
    )
    turns = (
        select(
            e.c.event, e.c.receiver.label("firm"), e.c.event_day.label("since"), until.label("until")
        )
        .where(one_of(e.c.event, (EventType.LIST, EventType.DELIST)), e.c.receiver.is_not(None))
        .subquery("turns")
    )  # fmt: skip
    return select(*turns.c).where(turns.c.event == int(EventType.LIST)).subquery("listed")


COPPER_ALUMINIUM_POWDER_LOW = Rule(
    id="R53",
    name="COPPER_ALUMINIUM_POWDER_LOW",
    title_en="Too little copper, aluminium or electrode powder recovered, or powder impure",
    title_zh="铜铝或电极粉料回收率、杂质含量不达标",
    says_en="A listed enterprise recovers at least {limit} of copper, aluminium and electrode powder each; less than "
    "1.5 % of aluminium or copper is left in the powder.",
    says_zh="列入公告的企业铜、铝及电极粉料回收率应分别不低于{limit}，粉料中铝、铜含量均低于1.5%。",
    binds=(Role.CU,),
    kind=Kind.AGGREGATE,
    severity=Severity.MINOR,
    needs=(schema.material, EventType.RECOVER),
    limits=(
        voluntary(
            percent(98), Article(CONDITIONS_2024), grade=Grade.C, source="C1 S2", valid_from=date(2025, 1, 1)
        ),
    ),
    violations=_metals_and_powder,
    voluntary=True,
    overlays=(
        eu_2023(
            percent(90),
            "Annex XII C",
            source="EU1",
            valid_from=date(2027, 12, 31),
            valid_to=date(2031, 12, 30),
        ),
        eu_2023(percent(95), "Annex XII C", source="EU1", valid_from=date(2031, 12, 31)),
    ),
    overlay_says=(
        "A recycler recovers at least {limit} of the copper of a year's batteries.",
        "回收企业年度铜回收率应不低于{limit}。",
    ),
)

PROCESS_LIMITS_MISSED = Rule(
    id="R54",
    name="PROCESS_LIMITS_MISSED",
    title_en="Other limits of the standard conditions missed",
    title_zh="其他工艺指标不达标",
    says_en="A listed enterprise recovers 97 % of rare earth and, in the repair route, 99 % of the target material; "
    "reuses 90 % of its process water; and needs less than 2,200 kgce/t for lithium carbonate.",
    says_zh="列入公告的企业稀土回收率不低于97%，材料修复目标材料不低于99%，工艺废水循环利用率不低于90%，"
    "碳酸锂单位产品综合能耗低于2200千克标准煤/吨。",
    binds=(Role.CU,),
    kind=Kind.AGGREGATE,
    severity=Severity.INFO,
    needs=(EventType.RECOVER,),
    limits=(
        voluntary(
            none(), Article(CONDITIONS_2024), grade=Grade.C, source="C1 C2", valid_from=date(2025, 1, 1)
        ),
    ),
    violations=_process_limits,
    voluntary=True,
    one_of_details=(
        Detail.RARE_EARTH_OUT_G,
        Detail.TARGET_OUT_G,
        Detail.WATER_REUSED_KG,
        Detail.ENERGY_KGCE_T,
    ),
)

CAPACITY_EXCEEDED = Rule(
    id="R55",
    name="CAPACITY_EXCEEDED",
    title_en="More treated in a year than permitted; or a listed firm too small or hardly at work",
    title_zh="年处理量超出核准能力，或列入公告企业规模、产能利用率不足",
    says_en="An enterprise treats at most {limit} of its permitted capacity in a year; a listed one at least 10 %, "
    "and is permitted at least 5,000 t.",
    says_zh="企业年处理量不得超过核准能力的{limit}；列入公告的企业产能利用率应不低于10%，年处理能力不低于5000吨。",
    binds=(Role.CU,),
    kind=Kind.AGGREGATE,
    severity=Severity.MAJOR,
    needs=(schema.material,),
    limits=(adjacent(percent(100), Article(f"{PERMIT_LAW}; {CONDITIONS_2024}"), grade=Grade.C, source="S2"),),
    violations=_load,
    columns=(schema.actor.c.capacity_t_year,),
)
