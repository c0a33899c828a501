"""Prices of products at published dates -> the mean price of each quarter, on straight lines between the dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np

from sim.input_tables import Floats, Row, Table
from traceability.errors import ScenarioError
from traceability.events import day_number

COLUMNS = ("date", "item", "yuan_per_t")


def by_quarter(table: Table, items: Mapping[str, int], first_year: int, last_year: int) -> Floats:
    """Return float64[quarters, items], yuan per tonne of product: the mean over the days of each quarter.

    Between two dates of an item the price lies on the straight line between them; before the first date and after
    the last it is theirs.

    Args:
        table: read with COLUMNS.
        items: item -> its place.
        first_year, last_year: quarter 0 is the first of *first_year*.

    Raises:
        ScenarioError: a date that is none or lies outside the years, one that an item has twice, an item
            without any, a price that is none.
    """
    known: list[dict[int, float]] = [{} for _ in items]
    for row in table.rows:
        path = known[table.place(row, "item", items)]
        day = _day(table, row, first_year, last_year)
        if day in path:
            raise table.fail(row, "date", f"one date of {row.cells['item']} but once")
        path[day] = table.number(row, "yuan_per_t", positive=True)
    days = np.arange(day_number(date(first_year, 1, 1)), day_number(date(last_year + 1, 1, 1)))
    starts = [
        day_number(date(year, month, 1)) - int(days[0])
        for year in range(first_year, last_year + 1)
        for month in (1, 4, 7, 10)
    ]
    lengths = np.diff([*starts, days.size])
    prices = np.empty((len(starts), len(items)))
    for item, place in items.items():
        if not known[place]:
            raise ScenarioError(f"{table.file}: no date for {item}; expected one at least for each item")
        path = dict(sorted(known[place].items()))
        daily = np.interp(days, list(path), list(path.values()))
        prices[:, place] = np.add.reduceat(daily, starts) / lengths
    return prices


def _day(table: Table, row: Row, first_year: int, last_year: int) -> int:
    try:
        day = date.fromisoformat(table.text(row, "date"))
    except ValueError:
        day = date.min
    if not first_year <= day.year <= last_year:
        raise table.fail(row, "date", f"a day such as 2022-11-15, from {first_year} to {last_year}")
    return day_number(day)
