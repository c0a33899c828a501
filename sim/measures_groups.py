"""What became of packs, told apart by chemistry, by who held them, by province and by year of make; what is to file.

Called from `measures.py`, whose views of a log they read.  A key is `group>fate`, such as `LFP>recycled`: the fates
of `fate_packs` and `retired_channel` (recycled, reused, waiting, informal, exported, missing), of which each pack has
one, and beside them `retired`, which is all of them, and `collected`, which is what was handed over lawfully.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.report.model import MeasureInfo
from traceability.vocabulary import REMARKS, Chemistry, Role

BY_YEAR, WHOLE = True, False

_GROUPS: tuple[tuple[str, str, str, bool], ...] = (
    ("chemistry", "chemistry", "化学体系", BY_YEAR),
    ("holder", "kind of firm that held them", "持有主体", BY_YEAR),
    ("province", "province", "省份", WHOLE),
    ("cohort", "year of make", "生产年份", WHOLE),
)
"""Group, in both languages, and whether it is told year by year or over the whole horizon."""

GROUP_MEASURES: tuple[MeasureInfo, ...] = (
    *(
        MeasureInfo(
            f"{what}_by_{group}",
            f"Retired packs by fate and {en}" if what == "packs" else f"Retired mass by fate and {en}",
            f"退役{'电池包' if what == 'packs' else '质量'}去向（按{zh}）",
            "thousand packs" if what == "packs" else "kt",
            "千包" if what == "packs" else "千吨",
            f"{group}>fate",
        )
        for group, en, zh, _ in _GROUPS
        for what in ("packs", "mass")
    ),
    MeasureInfo(
        "holder_formal_share",
        "Share of retired mass handed over lawfully, by kind of firm that held it",
        "正规渠道比例（按持有主体）",
        "share",
        "比例",
        "role",
    ),
    MeasureInfo(
        "reports_to_file",
        "Events that firms which report have to file",
        "各主体应上报的事件",
        "thousand reports",
        "千条",
        "role",
    ),
)

GROUP_SUMS = frozenset({"reports_to_file"})
"""Those that add up over their keys; fates do not, `retired` being all of them."""

GROUP_SHARES = frozenset({"holder_formal_share"})
"""Shares: what a run lacks is unknown there, not zero."""

_TRADED = "not exported and (diverted or lost or collected or received)"
_LAWFUL = "not diverted and (collected or received)"


def queries(scale: int, first_day: int, as_of: int, reporters: Sequence[Role]) -> Iterator[tuple[str, str]]:
    """Yield (measure, DuckDB query of year, key, value) over the views of a log, as `measures.py` runs them.

    Args:
        scale: real vehicles that a simulated one stands for.
        first_day, as_of: first and last day of the log.
        reporters: kinds of firms that report.
    """
    groups = {
        "chemistry": (_named("f.chemistry", Chemistry), "fate f"),
        "holder": (_named("f.who", Role), "fate f"),
        "province": ("p.province", "fate f join retired_in p on p.unit = f.unit and p.province > 0"),
        "cohort": ("year(date '1970-01-01' + u.made_day)", "fate f join unit u on u.unit = f.unit"),
    }
    for group, _, _, by_year in _GROUPS:
        key, source = groups[group]
        year = "year(date '1970-01-01' + f.day)" if by_year else "null"
        for what, amount in (
            ("packs", f"count(*) * {scale} / 1e3"),
            ("mass", f"sum(mass_g) * {scale} / 1e9"),
        ):
            yield f"{what}_by_{group}", _by_fate(year, key, source, amount)
    yield (
        "holder_formal_share",
        f"""select year(date '1970-01-01' + f.day) y, {groups["holder"][0]} k,
            coalesce(sum(mass_g) filter ({_LAWFUL}) / sum(mass_g), 0) from fate f where {_TRADED} group by y, k order by y, k""",
    )
    yield "reports_to_file", _to_file(scale, first_day, as_of, reporters)


def _by_fate(year: str, key: str, source: str, amount: str) -> str:
    """Each pack under its fate, under `retired`, and under `collected` where it was handed over lawfully."""
    return f"""
        with pack as (
            select {year} y, {key} as who, f.mass_g, f.channel, {_LAWFUL} as lawful from {source}
        ), told as (
            select y, who, channel as fate, mass_g from pack
            union all select y, who, 'retired', mass_g from pack
            union all select y, who, 'collected', mass_g from pack where lawful
        )
        select y, who || '>' || fate k, {amount} from told where who is not null group by y, k order by y, k"""


def _to_file(scale: int, first_day: int, as_of: int, reporters: Sequence[Role]) -> str:
    """Everything that a firm of a kind that reports did, told or not, by the year in which it happened."""
    roles = ", ".join(str(int(role)) for role in reporters)
    return f"""select year(date '1970-01-01' + e.event_day) y, {_named("a.role", Role)} k, count(*) * {scale} / 1e3
        from event e join actor a using (actor)
        where e.happened and e.event < {min(REMARKS)} and a.role in ({roles})
          and e.event_day between {first_day} and {as_of} group by y, k order by y, k"""


def _named(column: str, kind: type[Chemistry] | type[Role]) -> str:
    return f"case {column} " + " ".join(f"when {int(m)} then '{m.name}'" for m in kind) + " end"
