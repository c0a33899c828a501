"""Measures: selects over the truth of one log, each weighted with what a simulated unit stands for.

A measure is a tidy table: year, key (of a chemistry, a channel, …) and value.  The queries are DuckDB SQL over
the views of a Parquet store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import duckdb

from sim import measures_groups, measures_official, measures_policy, money
from sim.inputs import Kind
from sim.report.model import MeasureInfo
from traceability.store.parquet import ParquetStore
from traceability.vocabulary import REMARKS, Chemistry, Element, Role
from traceability.vocabulary import EventType as E
from traceability.vocabulary import Level as L


class Value(NamedTuple):
    """One figure of one replication."""

    measure: str
    year: int | None
    key: str
    value: float


MEASURES: tuple[MeasureInfo, ...] = (
    MeasureInfo(
        "stock_vehicles",
        "Vehicles on the road at year end",
        "年末在用新能源汽车",
        "million vehicles",
        "百万辆",
        "kind",
    ),
    MeasureInfo("registrations", "New registrations", "新注册车辆", "thousand vehicles", "千辆", "kind"),
    MeasureInfo(
        "exits", "Vehicles that left the fleet", "退出车队的车辆", "thousand vehicles", "千辆", "kind"
    ),
    MeasureInfo(
        "installed_gwh",
        "Batteries installed in registered vehicles",
        "装车电池容量",
        "GWh",
        "GWh",
        "chemistry",
    ),
    MeasureInfo("retired_mass", "Packs that retired", "退役电池质量", "kt", "千吨", "chemistry"),
    MeasureInfo("retired_packs", "Packs that retired", "退役电池包", "thousand packs", "千包", "chemistry"),
    MeasureInfo(
        "retired_channel", "Where the packs that retired went", "退役电池去向", "kt", "千吨", "channel"
    ),
    MeasureInfo(
        "formal_share",
        "Share of retired mass handed over lawfully",
        "正规渠道占退役质量比例",
        "share",
        "比例",
        "",
    ),
    MeasureInfo(
        "complete_chain_share",
        "Share of retired packs with every event on the platform",
        "全链条记录完整的退役电池包比例",
        "share",
        "比例",
        "",
    ),
    MeasureInfo("processed", "Processed by listed recyclers", "综合利用企业处理量", "kt", "千吨", "source"),
    MeasureInfo(
        "processed_unlisted",
        "Processed by recyclers while off the announced list",
        "名单外综合利用企业处理量",
        "kt",
        "千吨",
        "source",
    ),
    MeasureInfo("recovered", "Materials recovered by listed recyclers", "回收材料", "t", "吨", "element"),
    MeasureInfo(
        "reported_share", "Share of events that were reported", "已上报事件比例", "share", "比例", "role"
    ),
    MeasureInfo("report_delay_days", "Mean delay of a report", "平均上报延迟", "days", "天", "role"),
    MeasureInfo("wait_days", "Mean days in a stage", "各环节平均停留天数", "days", "天", "stage"),
    MeasureInfo("flow", "Where batteries went, whole horizon", "全期电池流向", "kt", "千吨", "flow"),
    MeasureInfo("breaches_happened", "Breaches that happened", "实际发生的违规", "count", "起", "rule"),
    MeasureInfo(
        "breaches_visible", "Breaches that the platform can see", "平台可见的违规", "count", "起", "rule"
    ),
    MeasureInfo(
        "detected_share",
        "Share of breaches that happened which the platform can see",
        "实际违规中平台可见的比例",
        "share",
        "比例",
        "rule",
    ),
    *measures_official.OFFICIAL_MEASURES,
    *measures_policy.POLICY_MEASURES,
    *measures_groups.GROUP_MEASURES,
    *money.MONEY_MEASURES,
)

REPORTERS = (
    Role.BATTERY_ENT,
    Role.OEM,
    Role.OUTLET,
    Role.SWAP_OP,
    Role.REPAIR,
    Role.ELV,
    Role.CU,
    Role.PRODUCT_MAKER,
)


NEVER_ENDS = 2**31 - 1


def measure(store: ParquetStore) -> list[Value]:
    """Return every measure of the log in *store*, but those of breaches, which the audit counts."""
    meta = store.meta()
    scale, as_of = int(meta["scale"]), int(meta["last_day"])
    db = store.connection
    prepare(db, as_of)
    measures_policy.prepare(db)
    values: list[Value] = []
    for name, query in _queries(scale, int(meta["first_day"]), as_of):
        for year, key, value in db.execute(query).fetchall():
            if value is not None:
                values.append(Value(name, None if year is None else int(year), str(key), float(value)))
    return values


def _year(day: str) -> str:
    return f"year(date '1970-01-01' + {day})"


def _named(column: str, kind: type[Chemistry] | type[Kind] | type[Role] | type[Element]) -> str:
    # vehicle kinds are keyed in lower case, all else as in the vocabulary
    names = {int(m): m.name.lower() if kind is Kind else m.name for m in kind}
    return (
        f"case {column} "
        + " ".join(f"when {number} then '{name}'" for number, name in names.items())
        + " end"
    )


def prepare(db: duckdb.DuckDBPyConnection, as_of: int) -> None:
    """Make small tables: when vehicles left the road, what became of packs that retired, who was off the list."""
    db.execute(
        f"""
        create or replace temp table off_list as
        select receiver as actor, event_day as since,
            coalesce(lead(event_day) over (partition by receiver order by event_day, event_id), {NEVER_ENDS}) as until, event
        from event where happened and event in ({E.DELIST}, {E.LIST})
        qualify event = {E.DELIST}"""
    )
    db.execute(
        f"""
        create or replace temp table vehicle_exit as
        select vehicle, min(event_day) as day from event
        where happened and vehicle is not null
          and event in ({E.RECEIVE_VEHICLE}, {E.EXPORT}, {E.DIVERT}, {E.LOSE})
        group by vehicle"""
    )
    db.execute(
        f"""
        create or replace temp table fate as
        with step as (
            select e.unit, e.event, e.event_day, e.record_day, a.role, e.vehicle
            from event e join actor a using (actor)
            where e.happened and e.unit is not null and e.event < {min(REMARKS)}
        ), seen as (
            select unit,
                arg_min(event, event_day) filter (event in ({E.DISMOUNT}, {E.RETIRE}, {E.DIVERT}, {E.LOSE}, {E.EXPORT})) as how,
                arg_min(role, event_day) filter (event in ({E.DISMOUNT}, {E.RETIRE}, {E.DIVERT}, {E.LOSE}, {E.EXPORT})) as who,
                min(event_day) filter (event in ({E.DISMOUNT}, {E.RETIRE}, {E.DIVERT}, {E.LOSE}, {E.EXPORT})) as day,
                bool_or(event = {E.EXPORT}) as exported,
                bool_or(event = {E.LOSE}) as lost,
                bool_or(event = {E.DIVERT}) as diverted,
                bool_or(event = {E.COLLECT}) as collected,
                bool_or(event = {E.RECEIVE}) as received,
                bool_or(event = {E.PROCESS}) as processed,
                bool_or(event = {E.DISMANTLE} and role = {Role.CU}) as remade,
                bool_and(record_day is not null and record_day <= {as_of}) as complete
            from step group by unit
        )
        select seen.*, u.chemistry, u.mass_g, u.energy_wh,
            case when exported then 'exported' when lost then 'missing' when diverted then 'informal'
                 when remade then 'reused' when processed then 'recycled' else 'waiting' end as channel
        from seen join unit u using (unit)
        where u.level = {L.PACK} and day is not null"""
    )


def _queries(scale: int, first_day: int, as_of: int) -> Iterator[tuple[str, str]]:
    kind, chemistry = _named("v.kind", Kind), _named("chemistry", Chemistry)
    sold = f"event e join vehicle v using (vehicle) where e.happened and e.event = {E.SELL}"
    yield (
        "registrations",
        f"select {_year('e.event_day')} y, {kind} k, count(*) * {scale} / 1e3 from {sold} group by y, k order by y, k",
    )
    yield (
        "exits",
        f"""select {_year("x.day")} y, {kind} k, count(*) * {scale} / 1e3
        from vehicle_exit x join vehicle v using (vehicle) group by y, k order by y, k""",
    )
    yield (
        "stock_vehicles",
        f"""
        with moved as (
            select {_year("e.event_day")} y, v.kind, count(*) n from {sold} group by all
            union all
            select {_year("x.day")} y, v.kind, -count(*) from vehicle_exit x join vehicle v using (vehicle) group by all
        ), years as (select distinct y from moved), kinds as (select distinct kind from moved)
        select years.y, {_named("kinds.kind", Kind)} k, sum(m.n) * {scale} / 1e6
        from years cross join kinds join moved m on m.kind = kinds.kind and m.y <= years.y group by all order by 1, 2""",
    )
    yield (
        "installed_gwh",
        f"""select {_year("e.event_day")} y, {chemistry} k, sum(u.energy_wh) * {scale} / 1e9
        from event e join unit u using (unit) where e.happened and e.event = {E.SELL} group by y, k order by y, k""",
    )
    yield (
        "retired_mass",
        f"select {_year('day')} y, {chemistry} k, sum(mass_g) * {scale} / 1e9 from fate group by y, k order by y, k",
    )
    yield (
        "retired_packs",
        f"select {_year('day')} y, {chemistry} k, count(*) * {scale} / 1e3 from fate group by y, k order by y, k",
    )
    yield (
        "retired_channel",
        f"select {_year('day')} y, channel k, sum(mass_g) * {scale} / 1e9 from fate group by y, k order by y, k",
    )
    yield (
        "formal_share",
        f"""select {_year("day")} y, '' k,
            sum(mass_g) filter (not diverted and (collected or received)) / sum(mass_g)
            from fate where not exported and (diverted or lost or collected or received) group by y order by y""",
    )
    yield (
        "complete_chain_share",
        f"select {_year('day')} y, '' k, avg(complete::int) from fate where not exported group by y order by y",
    )
    yield from _recycling(scale)
    yield from _reporting(first_day, as_of)
    yield "wait_days", _waits()
    yield "flow", _flows(scale)
    yield from measures_official.queries(scale)
    yield from measures_policy.queries(scale, first_day, as_of, REPORTERS)
    yield from measures_groups.queries(scale, first_day, as_of, REPORTERS)


def _recycling(scale: int) -> Iterator[tuple[str, str]]:
    for name, at_that_time in (("processed", "not exists"), ("processed_unlisted", "exists")):
        yield name, _processed(scale, at_that_time)
    yield (
        "recovered",
        f"""select m.year, {_named("m.element", Element)} k, sum(m.recovered_g) * {scale} / 1e6
        from material m join actor a using (actor)
        where m.happened and a.role = {Role.CU} and m.element <> {Element.MASS} group by m.year, k order by m.year, k""",
    )


def _processed(scale: int, off_list: str) -> str:
    """Kilotonnes processed by recyclers for which a time off the list, on that day, `exists` or does `not exists`."""
    return f"""select {_year("e.event_day")} y,
            case when u.level <> {L.LOT} then 'vehicle_packs'
                 when c.role = {Role.INFORMAL} then 'bought_black_mass' else 'production_scrap' end k,
            sum(u.mass_g) * {scale} / 1e9
        from event e join unit u using (unit) join actor a using (actor) join actor c on c.actor = u.coder
        where e.happened and a.role = {Role.CU}
          and (e.event = {E.PROCESS} or (e.event = {E.DISMANTLE} and u.level = {L.PACK}))
          and {off_list} (
            select 1 from off_list o where o.actor = e.actor and e.event_day >= o.since and e.event_day < o.until)
        group by y, k order by y, k"""


def _reporting(first_day: int, as_of: int) -> Iterator[tuple[str, str]]:
    roles = ", ".join(str(int(r)) for r in REPORTERS)
    rows = f"event e join actor a using (actor) where e.happened and e.event < {min(REMARKS)} and a.role in ({roles})"
    role = _named("a.role", Role)
    yield (
        "reported_share",
        f"""select {_year("e.event_day")} y, {role} k, avg((record_day is not null and record_day <= {as_of})::int)
        from {rows} and e.event_day <= {as_of - 90} and e.event_day >= {first_day} group by y, k order by y, k""",
    )
    yield (
        "report_delay_days",
        f"""select {_year("e.event_day")} y, {role} k, avg(record_day - event_day)
        from {rows} and record_day <= {as_of} and e.event_day <= {as_of - 90} group by y, k order by y, k""",
    )


def _waits() -> str:
    """Days between one step of a pack and the next, by the year of the next."""
    return f"""
        with step as (
            select e.unit, e.event, e.event_day,
                lag(e.event) over w as before, lag(e.event_day) over w as since
            from event e semi join fate f on e.unit = f.unit
            where e.happened and e.event in ({E.RECEIVE_VEHICLE}, {E.DISMOUNT}, {E.SHIP}, {E.COLLECT}, {E.RECEIVE}, {E.TEST})
            window w as (partition by e.unit order by e.event_day, e.event_id)
        ), stage as (
            select {_year("event_day")} y, event_day - since as days,
                case when event = {E.DISMOUNT} and before = {E.RECEIVE_VEHICLE} then 'dismantler'
                     when event = {E.SHIP} and before = {E.COLLECT} then 'outlet'
                     when event in ({E.COLLECT}, {E.RECEIVE}) and before = {E.SHIP} then 'transit'
                     when event = {E.TEST} and before = {E.RECEIVE} then 'recycler' end k
            from step where before is not null
        )
        select y, k, avg(days) from stage where k is not null group by y, k order by y, k"""


def _flows(scale: int) -> str:
    """Tonnes between the stations of a battery's way, over the whole horizon."""
    start = (
        f"case when how = {E.RETIRE} and who = {Role.SWAP_OP} then 'swap stations'"
        f" when how = {E.RETIRE} then 'replaced packs' else 'scrapped vehicles' end"
    )
    holder = (
        f"case when how = {E.EXPORT} then 'export' when how = {E.LOSE} then 'missing' when how = {E.DIVERT} then 'informal trade'"
        f" when who = {Role.SWAP_OP} then 'swap operators' when who = {Role.REPAIR} then 'repair firms' else 'dismantlers' end"
    )
    return f"""
        with way as (select *, {start} as origin, {holder} as holder from fate), hop as (
            select origin || '>' || holder k, mass_g from way
            union all
            select holder || '>outlets', mass_g from way where collected
            union all
            select holder || '>recyclers', mass_g from way where received and not collected
            union all
            select 'outlets>recyclers', mass_g from way where collected and received
            union all
            select 'outlets>informal trade', mass_g from way where collected and diverted
            union all
            select holder || '>informal trade', mass_g from way where diverted and not collected and how <> {E.DIVERT}
            union all
            select 'recyclers>reused', mass_g from way where received and remade
            union all
            select 'recyclers>recycled', mass_g from way where received and processed and not remade
            union all
            select case c.role when {Role.INFORMAL} then 'black mass>recyclers' else 'production scrap>recyclers' end, u.mass_g
            from event e join unit u using (unit) join actor c on c.actor = u.coder
            where e.happened and e.event = {E.RECEIVE} and u.level = {L.LOT}
            union all
            select 'recyclers>recycled', u.mass_g from event e join unit u using (unit)
            where e.happened and e.event = {E.PROCESS} and u.level = {L.LOT}
        )
        select null, k, sum(mass_g) * {scale} / 1e9 from hop group by k order by k"""
