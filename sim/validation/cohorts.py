"""Exits of a log, cohort by cohort, beside the Weibull life computed here anew.

A cohort is what was sold in a year.  Of each of its vehicles the chance to have left by the last day is known,
so the count is a sum of independent draws: its variance is that of a Poisson binomial.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from sim.inputs import Kind
from sim.practices import Life
from sim.validation.judging import Line, exact_line
from traceability.store.parquet import ParquetStore
from traceability.vocabulary import EventType as E

PART = "cohort arithmetic"
ERRORS = 3.5
FEWEST = 5.0
"""Cohorts of which fewer exits are expected are only in the line of all."""

_DAYS_A_YEAR = 365.25
_SOURCE = (
    "Weibull life of the scenario, cut off at 13 and 15 years; variance of a Poisson binomial (Wang 1993)"
)


def lines(store: ParquetStore, life: Life) -> list[Line]:
    """Return a line for each year of sale and each kind of which exits are expected, and one for all, in simulated vehicles.

    Args:
        store: one log.
        life: the practice of the scenario that made it.
    """
    last = int(store.meta()["last_day"])
    rows = store.connection.execute(
        f"""
        with sold as (select vehicle, min(event_day) as day from event where happened and event = {E.SELL} group by vehicle),
        gone as (
            select vehicle, min(event_day) as day from event
            where happened and vehicle is not null and event in ({E.RECEIVE_VEHICLE}, {E.EXPORT}, {E.DIVERT}, {E.LOSE})
            group by vehicle
        )
        select sold.day as sold, v.kind as kind, year(date '1970-01-01' + sold.day) as cohort, gone.day is not null as gone
        from sold join vehicle v using (vehicle) left join gone using (vehicle) order by vehicle"""
    ).fetchnumpy()
    sold, kind, cohort, gone = (np.asarray(rows[name]) for name in ("sold", "kind", "cohort", "gone"))
    chance = left_by(last + 1 - sold.astype(np.int64), kind, life)
    found = []
    for year in np.unique(cohort).tolist():
        here = cohort == year
        if chance[here].sum() >= FEWEST:
            found.append(_line(f"exits of vehicles sold in {year}", chance[here], gone[here], year))
    for of in Kind:
        if chance[kind == of].sum() >= FEWEST:
            name = f"exits of kind {of.name.lower().replace('_', ' ')}"
            found.append(_line(name, chance[kind == of], gone[kind == of], None))
    return [*found, _line("exits of all vehicles", chance, gone, None)]


def left_by(
    days: npt.NDArray[np.int64], kind: npt.NDArray[np.integer], life: Life
) -> npt.NDArray[np.float64]:
    """Return float64[n]: the chance that a vehicle of a Kind has left when it is *days* old; nobody leaves before 30."""
    limit = np.full(len(Kind), np.inf)
    limit[Kind.BUS], limit[Kind.TRUCK] = life.bus_limit_years, life.truck_limit_years
    years = days / _DAYS_A_YEAR
    by_then = -np.expm1(-((np.maximum(years, 0.0) / life.scale_years) ** life.shape))
    by_then[years > limit[kind]] = 1.0
    by_then[days <= 30] = 0.0
    return np.asarray(by_then)


def _line(name: str, chance: npt.NDArray[np.float64], gone: npt.NDArray[np.bool_], year: int | None) -> Line:
    expected = float(chance.sum())
    error = sqrt(float((chance * (1 - chance)).sum()))
    # the interval is that of luck around the expected count: the log is one draw
    return exact_line(
        PART, name, "simulated vehicles", expected, model=float(gone.sum()), half=1.96 * error,
        slack=ERRORS * error + 1.0, bound=f"within {ERRORS:g} standard errors of the count, and one", year=year,
        why="a day's rounding may move one vehicle over the last day", source=_SOURCE,
    )  # fmt: skip
