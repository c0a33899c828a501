"""Measures that a policy is judged by: what became of packs, who held them, what waits, and what is reported.

Called from `measures.py`, whose views of a log they read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb

from sim.report.model import MeasureInfo
from traceability.vocabulary import REMARKS, Chemistry, Level, Role, Use
from traceability.vocabulary import EventType as E

POLICY_MEASURES: tuple[MeasureInfo, ...] = (
    MeasureInfo(
        "fate_packs",
        "Packs that retired, by fate",
        "退役电池包（按去向）",
        "thousand packs",
        "千包",
        "channel",
    ),
    MeasureInfo(
        "collected_packs",
        "Packs handed over lawfully",
        "正规移交的电池包",
        "thousand packs",
        "千包",
        "chemistry",
    ),
    MeasureInfo("collected_mass", "Mass handed over lawfully", "正规移交的质量", "kt", "千吨", "chemistry"),
    MeasureInfo(
        "e_bike_packs",
        "Packs remade for e-bikes by workshops",
        "被作坊改作电动自行车电池的电池包",
        "thousand packs",
        "千包",
        "",
    ),
    MeasureInfo(
        "chemistry_formal_share",
        "Share of retired mass handed over lawfully, by chemistry",
        "正规渠道比例（按化学体系）",
        "share",
        "比例",
        "chemistry",
    ),
    MeasureInfo(
        "province_formal_share",
        "Share of retired mass handed over lawfully, by province",
        "正规渠道比例（按省份）",
        "share",
        "比例",
        "province",
    ),
    MeasureInfo(
        "province_diverted",
        "Packs sold off to workshops, by province",
        "流入作坊的退役电池（按省份）",
        "kt",
        "千吨",
        "province",
    ),
    MeasureInfo(
        "cohort_formal_share",
        "Share of retired mass handed over lawfully, by year in which the pack was made",
        "正规渠道比例（按生产年份）",
        "share",
        "比例",
        "cohort",
    ),
    MeasureInfo(
        "queue_packs",
        "Packs in a stage at year end",
        "年末在各环节等待的电池包",
        "thousand packs",
        "千包",
        "stage",
    ),
    MeasureInfo(
        "reports_filed",
        "Reports that the platform received",
        "平台收到的上报",
        "thousand reports",
        "千条",
        "role",
    ),
)

POLICY_SUMS = frozenset({"fate_packs", "collected_packs", "collected_mass", "queue_packs", "reports_filed"})
"""Those that add up over their keys."""

POLICY_SHARES = frozenset({"chemistry_formal_share", "province_formal_share", "cohort_formal_share"})
"""Shares: what a run lacks is unknown there, not zero."""

_TRADED = "not exported and (diverted or lost or collected or received)"
_LAWFUL = "not diverted and (collected or received)"


def prepare(db: duckdb.DuckDBPyConnection) -> None:
    """Make a small table: in which province each pack retired; 0 is a holder who works nationwide."""
    leaves = f"({E.DISMOUNT}, {E.RETIRE}, {E.DIVERT}, {E.LOSE}, {E.EXPORT})"
    db.execute(
        f"""
        create or replace temp table retired_in as
        select e.unit, arg_min(case when a.role = {Role.EXPORTER} then coalesce(v.province, 0) else a.province end,
            (e.event_day, e.event_id)) as province
        from event e semi join fate f on e.unit = f.unit join actor a using (actor) left join vehicle v using (vehicle)
        where e.happened and e.event in {leaves} group by e.unit"""
    )


def queries(scale: int, first_day: int, as_of: int, reporters: Sequence[Role]) -> Iterator[tuple[str, str]]:
    """Yield (measure, DuckDB query of year, key, value) over the views of a log, as `measures.py` runs them.

    Args:
        scale: real vehicles that a simulated one stands for.
        first_day, as_of: first and last day of the log.
        reporters: kinds of firms that report.
    """
    year = "year(date '1970-01-01' + day)"
    chemistry = "case chemistry " + " ".join(f"when {int(c)} then '{c.name}'" for c in Chemistry) + " end"
    share = f"sum(mass_g) filter ({_LAWFUL}) / sum(mass_g)"
    yield (
        "fate_packs",
        f"select {year} y, channel k, count(*) * {scale} / 1e3 from fate group by y, k order by y, k",
    )
    for name, amount in (("collected_packs", "count(*) / 1e3"), ("collected_mass", "sum(mass_g) / 1e9")):
        yield (
            name,
            f"select {year} y, {chemistry} k, {amount} * {scale} from fate where {_LAWFUL} group by y, k order by y, k",
        )
    yield (
        "chemistry_formal_share",
        f"select {year} y, {chemistry} k, coalesce({share}, 0) from fate where {_TRADED} group by y, k order by y, k",
    )
    in_province = "fate join retired_in using (unit) where province > 0 and"
    yield (
        "province_formal_share",
        f"select {year} y, province k, coalesce({share}, 0) from {in_province} {_TRADED} group by y, k order by y, k",
    )
    yield (
        "province_diverted",
        f"select {year} y, province k, sum(mass_g) * {scale} / 1e9 from {in_province} diverted group by y, k order by y, k",
    )
    yield (
        "cohort_formal_share",
        f"""select null, year(date '1970-01-01' + u.made_day) k,
            sum(fate.mass_g) filter ({_LAWFUL}) / sum(fate.mass_g)
        from fate join unit u using (unit) where {_TRADED} group by k order by k""",
    )
    yield (
        "e_bike_packs",
        f"""select year(date '1970-01-01' + e.event_day) y, '', count(*) * {scale} / 1e3
        from event e join unit u using (unit) join actor a using (actor)
        where e.happened and e.event = {E.REMAKE} and a.role = {Role.INFORMAL} and u.level = {Level.PRODUCT}
          and u.purpose = {Use.E_BIKE} group by y order by y""",
    )
    yield "queue_packs", _queues(scale, first_day, as_of)
    yield "reports_filed", _reports(scale, as_of, reporters)


def _queues(scale: int, first_day: int, as_of: int) -> str:
    """Packs that stand between one step and the next on the last day of each year."""
    steps = ", ".join(
        str(int(e))
        for e in (
            E.RECEIVE_VEHICLE,
            E.ISSUE_CERTIFICATE,
            E.DISMOUNT,
            E.SHIP,
            E.COLLECT,
            E.RECEIVE,
            E.TEST,
            E.DIVERT,
            E.LOSE,
        )
    )
    return f"""
        with step as (
            select e.unit, e.event, e.event_day as since,
                coalesce(lead(e.event_day) over (partition by e.unit order by e.event_day, e.event_id), {as_of} + 1) as until
            from event e join unit u using (unit) where e.happened and u.level = {Level.PACK} and e.event in ({steps})
        ), stage as (
            select since, until,
                case event when {E.RECEIVE_VEHICLE} then 'dismantler' when {E.ISSUE_CERTIFICATE} then 'dismantler'
                    when {E.COLLECT} then 'outlet' when {E.SHIP} then 'transit' when {E.RECEIVE} then 'recycler' end as k
            from step where until > since
        ), ends as (
            select y, date_diff('day', date '1970-01-01', make_date(y, 12, 31)) as day
            from range(year(date '1970-01-01' + {first_day}), year(date '1970-01-01' + {as_of}) + 1) t(y)
        ), kinds as (select unnest(['dismantler', 'outlet', 'transit', 'recycler']) as k)
        select ends.y::integer, kinds.k, count(stage.since) * {scale} / 1e3
        from ends cross join kinds
        left join stage on stage.k = kinds.k and stage.since <= ends.day and stage.until > ends.day
        where ends.day <= {as_of} group by 1, 2 order by 1, 2"""


def _reports(scale: int, as_of: int, reporters: Sequence[Role]) -> str:
    """Every record that reached the platform, false ones too, by the year in which it did."""
    names = " ".join(f"when {int(role)} then '{role.name}'" for role in reporters)
    roles = ", ".join(str(int(role)) for role in reporters)
    return f"""select year(date '1970-01-01' + e.record_day) y, case a.role {names} end k, count(*) * {scale} / 1e3
        from event e join actor a using (actor)
        where e.record_day <= {as_of} and e.event < {min(REMARKS)} and a.role in ({roles}) group by y, k order by y, k"""
