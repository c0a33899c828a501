"""What an outlet holds and writes down: R39 to R41."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Select, Subquery, and_, case, cast, func, or_, select, union_all

from traceability.compliance.law import (
    OUTLET_GUIDELINE_2019,
    Article,
    DatedLimit,
    cn_2018,
    count,
    day_of,
    grams,
    none,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import NOTHING, finding, in_force, one_of, scale_of, with_number
from traceability.compliance.views import View
from traceability.store import schema
from traceability.vocabulary import Detail, EventType, Role

_FROM = day_of(2019, 11, 7)  # day of the announcement: general knowledge, not in a source that we read
_SMALLEST_AREA_DM2 = 1_000
_CENTRAL_CAPACITY_KG = 30_000

_OUT_OF_STORE = (EventType.SHIP, EventType.DIVERT, EventType.LOSE)


def _overfull_or_too_small(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each day on which a collection outlet came to hold too much, and each outlet opened too small."""
    found = union_all(_overfull(limit, view), _too_small(limit, view)).subquery("overfull_or_small")
    return select(*found.c)


def _overfull(limit: DatedLimit, view: View) -> Select[Any]:
    """Each day at whose end a collection outlet held more than the limit, the day before not yet.

    Measured: grams held, for all the outlets that the one of the log stands for.
    """
    e, unit, outlet, central = view.event, view.unit, view.actor.alias("outlet"), _central(view)
    moved = case((e.c.event == int(EventType.COLLECT), unit.c.mass_g), else_=-unit.c.mass_g)
    days = (
        select(
            e.c.actor,
            e.c.event_day.label("day"),
            (cast(func.sum(moved), BigInteger) * scale_of(view)).label("more"),
            # times grams, it is more than an integer of 32 bits holds
            cast(func.max(outlet.c.stands_for), BigInteger).label("stands_for"),
        )
        .select_from(
            e.join(unit, unit.c.unit == e.c.unit)
            .join(outlet, and_(outlet.c.actor == e.c.actor, outlet.c.role == int(Role.OUTLET)))
            .outerjoin(central, central.c.outlet == e.c.actor)
        )
        .where(one_of(e.c.event, (EventType.COLLECT, *_OUT_OF_STORE)), central.c.outlet.is_(None))
        .group_by(e.c.actor, e.c.event_day)
        .subquery("days_of_outlets")
    )
    held = cast(func.sum(days.c.more).over(partition_by=days.c.actor, order_by=days.c.day), BigInteger)
    stock = select(*days.c, held.label("held")).subquery("stock")
    most = stock.c.stands_for * limit.value
    over: Select[Any] = select(
        NOTHING.label("event_id"),
        NOTHING.label("unit"),
        NOTHING.label("vehicle"),
        stock.c.actor,
        stock.c.day,
        stock.c.held.label("measured"),
    )
    return over.where(in_force(limit, stock.c.day), stock.c.held > most, stock.c.held - stock.c.more <= most)


def _too_small(limit: DatedLimit, view: View) -> Select[Any]:
    """Each opening of an outlet on too small an area; the outlet's breach, not its producer's."""
    e, area = view.event, with_number(view, Detail.AREA_DM2, "area")
    outlet, nothing = e.c.receiver.label("actor"), NOTHING.label("measured")
    return (
        select(e.c.event_id, e.c.unit, e.c.vehicle, outlet, e.c.event_day.label("day"), nothing)
        .select_from(e.join(area, area.c.event_id == e.c.event_id))
        .where(
            e.c.event == int(EventType.OPEN_OUTLET),
            in_force(limit, e.c.event_day),
            area.c.value < _SMALLEST_AREA_DM2,
        )
    )


def _central(view: View) -> Subquery:
    """Return producer, outlet and day of opening of each centralised outlet, one row a pair of firms."""
    e, size = view.event, with_number(view, Detail.CAPACITY_KG, "size")
    return (
        select(e.c.actor, e.c.receiver.label("outlet"), func.min(e.c.event_day).label("since"))
        .select_from(e.join(size, size.c.event_id == e.c.event_id))
        .where(e.c.event == int(EventType.OPEN_OUTLET), size.c.value >= _CENTRAL_CAPACITY_KG)
        .group_by(e.c.actor, e.c.receiver)
        .subquery("central")
    )


def _no_central_outlet(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each sale by which a maker's vehicles in a prefecture reach the limit while no outlet of it there holds 30 t.

    Measured: vehicles sold there.
    """
    e, car, central = view.event, view.vehicle, _central(view)
    maker, outlet = view.actor.alias("maker"), view.actor.alias("outlet")
    nth = func.row_number().over(
        partition_by=(e.c.actor, car.c.prefecture), order_by=(e.c.event_day, e.c.event_id)
    )
    sales = (
        select(
            *(e.c[name] for name in ("event_id", "unit", "vehicle", "actor", "event_day")),
            car.c.prefecture,
            (nth * scale_of(view)).label("sold"),
        )
        .select_from(
            e.join(car, car.c.vehicle == e.c.vehicle).join(
                maker, and_(maker.c.actor == e.c.actor, maker.c.role == int(Role.OEM))
            )
        )
        .where(e.c.event == int(EventType.SELL), car.c.prefecture.is_not(None))
        .subquery("sales")
    )
    opened = (
        select(central.c.actor, outlet.c.prefecture, func.min(central.c.since).label("since"))
        .select_from(central.join(outlet, outlet.c.actor == central.c.outlet))
        .group_by(central.c.actor, outlet.c.prefecture)
        .subquery("first_central")
    )
    in_time = and_(
        opened.c.actor == sales.c.actor,
        opened.c.prefecture == sales.c.prefecture,
        opened.c.since <= sales.c.event_day,
    )
    return (
        finding(sales, sales.c.sold)
        .select_from(sales.outerjoin(opened, in_time))
        .where(
            in_force(limit, sales.c.event_day),
            sales.c.sold >= limit.value,
            sales.c.sold - scale_of(view) < limit.value,
            opened.c.actor.is_(None),
        )
    )


def _record_incomplete(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each intake or hand-over of an outlet on record without code, type, or (a hand-over) destination."""
    e, unit, outlet = view.event, view.unit, view.actor.alias("outlet")
    rows = e.join(outlet, and_(outlet.c.actor == e.c.actor, outlet.c.role == int(Role.OUTLET)))
    return (
        finding(e)
        .select_from(rows.join(unit, unit.c.unit == e.c.unit))
        .where(
            one_of(e.c.event, (EventType.COLLECT, EventType.SHIP)),
            in_force(limit, e.c.event_day),
            or_(
                unit.c.code.is_(None),
                unit.c.chemistry == 0,
                and_(e.c.event == int(EventType.SHIP), e.c.receiver.is_(None)),
            ),
        )
    )


OUTLET_OVERFULL = Rule(
    id="R39",
    name="OUTLET_OVERFULL",
    title_en="Collection outlet holds too much, or is too small",
    title_zh="收集型网点贮存超量或面积不足",
    says_en="An outlet has at least 10 m2; one that only collects holds at most {limit} of used batteries (5 t).",
    says_zh="回收服务网点面积应不低于10平方米，收集型网点贮存量不超过{limit}（5吨）。",
    binds=(Role.OUTLET,),
    kind=Kind.AGGREGATE,
    severity=Severity.MINOR,
    needs=(EventType.COLLECT, EventType.OPEN_OUTLET),
    limits=(cn_2018(grams(5_000_000), Article(OUTLET_GUIDELINE_2019), source="G1", valid_from=_FROM),),
    violations=_overfull_or_too_small,
)

CENTRAL_OUTLET_LACKING = Rule(
    id="R40",
    name="CENTRAL_OUTLET_LACKING",
    title_en="No centralised outlet where a maker's vehicles are many",
    title_zh="车辆保有量较大的地区未建集中贮存型网点",
    says_en="A vehicle maker with {limit} vehicles in a prefecture has a centralised outlet of at least 30 t there.",
    says_zh="汽车生产企业在同一地级行政区保有量达到{limit}辆的，应建立贮存能力不低于30吨的集中贮存型网点。",
    binds=(Role.OEM,),
    kind=Kind.AGGREGATE,
    severity=Severity.MINOR,
    needs=(EventType.SELL,),
    limits=(cn_2018(count(8_000), Article(OUTLET_GUIDELINE_2019), source="G1", valid_from=_FROM),),
    violations=_no_central_outlet,
    columns=(schema.vehicle.c.prefecture,),
    # a log without a single centralised outlet does not keep them
    details=(Detail.CAPACITY_KG,),
)

OUTLET_RECORD_INCOMPLETE = Rule(
    id="R41",
    name="OUTLET_RECORD_INCOMPLETE",
    title_en="Record of an outlet incomplete",
    title_zh="网点台账信息不完整",
    says_en="An outlet writes down code, type and destination of each used battery, and keeps that for 3 years.",
    says_zh="回收服务网点应如实记录废旧动力电池编码、类型、流向等信息，保存3年。",
    binds=(Role.OUTLET,),
    kind=Kind.STRUCTURE,
    severity=Severity.MINOR,
    needs=(EventType.COLLECT, EventType.SHIP),
    limits=(cn_2018(none(), Article(OUTLET_GUIDELINE_2019), source="G1", valid_from=_FROM),),
    violations=_record_incomplete,
)
