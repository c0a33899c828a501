"""What the table is about: the headline measures, each as a mean of the last years of the horizon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sim.measures import Value
from sim.scenario import Scenario
from sim.summary import headline_year
from traceability.store.parquet import ParquetStore
from traceability.vocabulary import EventType, Level, Use

WINDOW_YEARS = 5


class Headline(NamedTuple):
    """A measure that the table is about, as the mean of the last years of the horizon.

    Attributes:
        measure: of `sim.measures`, or E_BIKES.
        key: of its rows; None: all keys together.
        mean: whether several keys are averaged; else they are added up.
        share: whether a year without a value is left out; else it counts as zero.
    """

    id: str
    measure: str
    key: str | None
    mean: bool
    share: bool
    unit: str
    en: str
    zh: str


E_BIKES = "e_bike_mass"
HEADLINES = (
    Headline("formal_share", "formal_share", None, False, True, "share", "formal-channel share", "正规渠道比例"),
    Headline("retired_kt", "retired_mass", None, False, False, "kt/year", "packs that retire", "退役电池质量"),
    Headline("processed_kt", "processed", None, False, False, "kt/year", "utilised by listed firms", "综合利用量"),
    Headline("lithium_t", "recovered", "LI", False, False, "t/year", "lithium recovered", "回收锂"),
    Headline("complete_chain_share", "complete_chain_share", None, False, True, "share", "complete chains", "全链条完整比例"),
    Headline("e_bike_kt", E_BIKES, None, False, False, "kt/year", "remade for e-bikes", "流入电动自行车"),
    Headline("reported_share", "reported_share", None, True, True, "share", "events reported", "事件上报比例"),
    Headline("report_days", "report_delay_days", None, True, True, "days", "delay of a report", "上报延迟"),
    Headline("wait_days", "wait_days", None, False, True, "days", "stays on the way", "各环节停留合计"),
)  # fmt: skip


def window(scenario: Scenario) -> tuple[int, int]:
    """Return the first and the last year that a headline measure is the mean of."""
    last = headline_year(scenario)
    return max(last - WINDOW_YEARS + 1, scenario.first.year), last


def headline_values(values: Sequence[Value], years: tuple[int, int]) -> dict[str, float]:
    """Return headline -> its mean over *years* (first, last) in one replication."""
    yearly: dict[tuple[str, int], dict[str, float]] = {}
    for value in values:
        if value.year is not None and years[0] <= value.year <= years[1]:
            yearly.setdefault((value.measure, value.year), {})[value.key] = value.value
    found = {}
    for headline in HEADLINES:
        each = []
        for year in range(years[0], years[1] + 1):
            keys = yearly.get((headline.measure, year), {})
            wanted = [v for k, v in keys.items() if headline.key is None or k == headline.key]
            if wanted or not headline.share:
                each.append(sum(wanted) / (len(wanted) if headline.mean and wanted else 1))
        found[headline.id] = sum(each) / len(each) if each else 0.0
    return found


def e_bikes(store: ParquetStore, scale: int) -> list[Value]:
    """Return the mass of the products that workshops made for e-bikes, kt by year."""
    rows = store.connection.execute(
        f"""select year(date '1970-01-01' + e.event_day) y, sum(u.mass_g) * {scale} / 1e9
        from event e join unit u using (unit)
        where e.happened and e.event = {EventType.REMAKE} and u.level = {Level.PRODUCT} and u.purpose = {Use.E_BIKE}
        group by y order by y"""
    ).fetchall()
    return [Value(E_BIKES, int(year), "", float(kt)) for year, kt in rows]
