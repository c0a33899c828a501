"""Measures that official counts can be held against: who had reported by a day, and what was installed in what.

Called from `measures.py`, whose views of a log they read.  The counts of 2019 are those of a talk by the
operator of the platform (CATARC, 9 September 2019): of 410 firms registered, vehicle makers, dismantlers and
recyclers, 213 had uploaded anything by July 2019; 1,926,400 vehicles had a sale record.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sim.inputs import Kind
from sim.report.model import MeasureInfo
from traceability.events import day_number
from traceability.vocabulary import EventType as E
from traceability.vocabulary import Role

OPENED = date(2018, 8, 1)
"""First day of the platform (Provisions of 2018)."""

COUNTED = date(2019, 7, 31)
"""The day up to which the platform's operator counted."""

REGISTERED = (Role.OEM, Role.ELV, Role.CU)
"""The kinds of firms among the 410 that were registered."""

OFFICIAL_MEASURES: tuple[MeasureInfo, ...] = (
    MeasureInfo(
        "firms_reporting_share",
        "Share of firms that had reported anything by 31 July 2019",
        "截至2019年7月31日已上传信息的企业比例",
        "share",
        "比例",
        "role",
    ),
    MeasureInfo(
        "sale_record_share",
        "Share of vehicles sold since 1 August 2018 with a sale record by 31 July 2019",
        "2018年8月1日后售出车辆中截至2019年7月31日已有销售记录的比例",
        "share",
        "比例",
        "",
    ),
    MeasureInfo(
        "installed_kind",
        "Batteries installed in registered vehicles, by kind of vehicle",
        "按车型分的装车电池容量",
        "GWh",
        "GWh",
        "kind",
    ),
)


def queries(scale: int) -> Iterator[tuple[str, str]]:
    """Yield (measure, DuckDB query of year, key, value) over the views of a log, as `measures.py` runs them.

    Args:
        scale: real vehicles that a simulated one stands for.
    """
    yield "firms_reporting_share", _firms()
    yield "sale_record_share", _sales()
    kinds = " ".join(f"when {int(kind)} then '{kind.name.lower()}'" for kind in Kind)
    yield (
        "installed_kind",
        f"""select year(date '1970-01-01' + e.event_day) y, case v.kind {kinds} end k,
            sum(u.energy_wh) * {scale} / 1e9
        from event e join unit u using (unit) join vehicle v using (vehicle)
        where e.happened and e.event = {E.SELL} group by y, k order by y, k""",
    )


def _firms() -> str:
    """Of the firms that had something to report since the platform opened: who had, weighted by `stands_for`.

    A firm to which nothing happened is left out: where a vehicle stands for a thousand, most dismantlers of
    2019 have no simulated vehicle, and their silence says nothing of their habits.
    """
    roles = ", ".join(str(int(role)) for role in REGISTERED)
    names = " ".join(f"when {int(role)} then '{role.name}'" for role in REGISTERED)
    return f"""
        with firm as (
            select a.actor, a.role, any_value(a.stands_for) as weight,
                coalesce(bool_or(e.record_day <= {day_number(COUNTED)}), false) as told
            from event e join actor a using (actor)
            where e.happened and a.role in ({roles})
              and e.event_day between {day_number(OPENED)} and {day_number(COUNTED)}
            group by a.actor, a.role
        )
        select {COUNTED.year}, case when grouping(role) = 1 then '' else case role {names} end end k,
            sum(weight) filter (told) / sum(weight)
        from firm group by grouping sets ((role), ()) having count(*) > 0 order by k"""


def _sales() -> str:
    return f"""
        select {COUNTED.year}, '', avg((record_day is not null and record_day <= {day_number(COUNTED)})::int)
        from event where happened and event = {E.SELL}
          and event_day between {day_number(OPENED)} and {day_number(COUNTED)} having count(*) > 0"""
