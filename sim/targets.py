"""Targets: official and published figures that a run is held against, and what a run says of each.

`sim/data/targets.csv` lists them with their error, their tolerance and why.  Nothing in a simulation reads
them: `battrace fit` fits free parameters to those whose use is `fit`, `battrace validate` judges all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from sim.input_tables import Row, Table
from sim.inputs import FIRST_YEAR, GRADES, LAST_YEAR
from sim.measures import Value
from traceability.errors import ScenarioError, UnknownName

FILE = "targets.csv"
RELATIONS = ("near", "at_least", "at_most", "within")
USES = ("fit", "held_out", "context")
LAST_FIT_YEAR = 2023
"""What is later is never fitted to: it is there to test."""

_COLUMNS = (
    "name",
    "year",
    "value",
    "unit",
    "error",
    "relation",
    "low",
    "high",
    "use",
    "tolerance",
    "why",
)
_YEARS = {str(year): year for year in range(FIRST_YEAR, LAST_YEAR + 1)}


class Target(NamedTuple):
    """A figure that the simulation is held against, never fed with.

    `value`, `error`, `low` and `high` are in `unit`; `error` is one standard error of the published figure
    (rounding, scope), 0 where it is a threshold.  `tolerance` is a share of `value`.  `why` gives the reasons
    of error, tolerance and scope.

    `relation`: `near` = within the tolerance of the value; `at_least`, `at_most` = the value is a bound;
    `within` = from low to high.  `use`: `fit` = parameters may be fitted to it; `held_out` = they may not be,
    it is a test; `context` = neither: an input, a forecast, or a figure whose scope the model does not have.
    """

    name: str
    year: int
    value: float
    unit: str
    error: float
    relation: str
    low: float | None
    high: float | None
    use: str
    tolerance: float | None
    why: str
    source: str
    grade: str


Figures = Mapping[tuple[str, int | None], Mapping[str, float]]


def load(directory: Path | None = None) -> tuple[Target, ...]:
    """Return the targets of *directory*, or those of the package, in the order of the file.

    Raises:
        ScenarioError: a row that cannot be: file, line, column, what was expected.
    """
    table = Table(directory or files("sim").joinpath("data"), FILE, _COLUMNS, GRADES)
    targets: list[Target] = []
    lines: dict[tuple[str, int], int] = {}
    for row in table.rows:
        target = _target(table, row)
        before = lines.setdefault((target.name, target.year), row.line)
        if before != row.line:
            raise ScenarioError(
                f"{FILE}, line {row.line}: {target.name} of {target.year} stands in line {before} already"
            )
        targets.append(target)
    return tuple(targets)


def _target(table: Table, row: Row) -> Target:
    name = table.text(row, "name")
    if name not in _MODELLED:
        raise ScenarioError(str(UnknownName("target", name, _MODELLED, f"{FILE}, line {row.line}")))
    target = Target(
        name,
        _YEARS[list(_YEARS)[table.place(row, "year", {y: i for i, y in enumerate(_YEARS)})]],
        table.number(row, "value"),
        table.text(row, "unit"),
        table.number(row, "error"),
        RELATIONS[table.place(row, "relation", {r: i for i, r in enumerate(RELATIONS)})],
        _maybe(table, row, "low"),
        _maybe(table, row, "high"),
        USES[table.place(row, "use", {u: i for i, u in enumerate(USES)})],
        _maybe(table, row, "tolerance"),
        table.text(row, "why"),
        row.cells["source"],
        row.cells["grade"],
    )
    if target.use == "fit" and target.year > LAST_FIT_YEAR:
        raise table.fail(row, "use", f"held_out or context: what is later than {LAST_FIT_YEAR} is a test")
    if target.relation == "within":
        if target.low is None or target.high is None or target.low > target.high:
            raise table.fail(row, "low", "low and high, in this order: the relation is `within`")
    elif target.low is not None or target.high is not None:
        raise table.fail(row, "relation", "`within`, where low and high are given")
    if target.relation == "near" and target.tolerance is None and target.use != "context":
        raise table.fail(row, "tolerance", "a share of the value: the relation is `near`")
    return target


def _maybe(table: Table, row: Row, column: str) -> float | None:
    return table.number(row, column) if row.cells[column] else None


def modelled(target: Target, values: Sequence[Value]) -> float | None:
    """Return what the measures of one replication say of *target*, in its unit.

    None where they do not cover its year, or where no measure has its scope.  A year that a run left
    unfinished looks like a whole one here: whoever knows the horizon leaves it out.

    Args:
        target: what is asked for.
        values: the measures of one replication.
    """
    return modelled_all((target,), values)[0]


def modelled_all(targets: Sequence[Target], values: Sequence[Value]) -> list[float | None]:
    """Return `modelled` of each of *targets*, in their order; the measures are sorted once."""
    found: dict[tuple[str, int | None], dict[str, float]] = {}
    for value in values:
        found.setdefault((value.measure, value.year), {})[value.key] = value.value
    return [_of(target, found) for target in targets]


def _of(target: Target, found: Figures) -> float | None:
    reading = _MODELLED[target.name]
    if reading is None or ("registrations", target.year) not in found:
        return None
    return reading(found, target.year)


def judged(target: Target, value: float) -> bool | None:
    """Return whether *value* meets *target*; None where the target has no bound: it is only for comparison."""
    if target.relation == "near":
        return None if target.tolerance is None else abs(value - target.value) <= _slack(target)
    if target.relation == "within":
        assert target.low is not None
        assert target.high is not None
        return target.low <= value <= target.high
    if target.relation == "at_least":
        return value >= target.value - _slack(target)
    return value <= target.value + _slack(target)


def _slack(target: Target) -> float:
    # the mean of floats is not exact: a bound that is met to the digit is met
    return (target.tolerance or 0.0) * target.value + 1e-9 * target.value


# --- what each target is, in measures ---

Reading = Callable[[Figures, int], float | None]


def _total(measure: str, factor: float, *, without: Sequence[str] = ()) -> Reading:
    """Return the reading that sums a measure over its keys; a year of a run without a row is zero."""

    def read(found: Figures, year: int) -> float:
        rows = found.get((measure, year), {})
        return factor * sum(value for key, value in rows.items() if key not in without)

    return read


def _share(measure: str, key: str) -> Reading:
    """Return the reading of one key's part of a measure."""

    def read(found: Figures, year: int) -> float | None:
        rows = found.get((measure, year), {})
        return rows.get(key, 0.0) / sum(rows.values()) if sum(rows.values()) > 0 else None

    return read


def _plain(measure: str) -> Reading:
    """Return the reading of a measure that has one row a year."""

    def read(found: Figures, year: int) -> float | None:
        return found.get((measure, year), {}).get("")

    return read


def _generated(found: Figures, year: int) -> float:
    """Return tonnes of used batteries that arise in China: packs that retire here, and production scrap (Art. 45(2))."""
    ways = found.get(("retired_channel", year), {})
    packs = sum(value for key, value in ways.items() if key != "exported")
    return 1e3 * (packs + found.get(("processed", year), {}).get("production_scrap", 0.0))


def _mean_pack(found: Figures, year: int) -> float | None:
    energy_kwh = 1e6 * sum(found.get(("installed_gwh", year), {}).values())
    vehicles = 1e3 * sum(found.get(("registrations", year), {}).values())
    return energy_kwh / vehicles if vehicles > 0 else None


_MODELLED: dict[str, Reading | None] = {
    "nev_stock_year_end": _total("stock_vehicles", 1e6),
    "bev_stock_year_end": _total("stock_vehicles", 1e6, without=("phev_car",)),
    "new_registrations": _total("registrations", 1e3),
    "deregistrations": _total("exits", 1e3),
    "listed_firms_utilisation": _total("processed", 1e3, without=("bought_black_mass",)),
    "battery_installations": _total("installed_gwh", 1.0),
    "lfp_share_of_installations": _share("installed_gwh", "LFP"),
    "ncm_share_of_installations": _share("installed_gwh", "NCM"),
    "mean_pack_energy": _mean_pack,
    "truck_share_of_installations": _share("installed_kind", "truck"),
    "used_batteries_generated": _generated,
    "retired_mass": _total("retired_mass", 1e3),
    "retired_mass_published_range": _total("retired_mass", 1e3),
    "retired_mass_wu_2020": _total("retired_mass", 1e3),
    "retired_mass_xinhua_2024": _total("retired_mass", 1e3),
    "retired_mass_tian_2025": _total("retired_mass", 1e3),
    "formal_share": _plain("formal_share"),
    "firms_reporting": _plain("firms_reporting_share"),
    "sale_record_share": _plain("sale_record_share"),
    "nev_output_and_sales": None,
    "nev_share_of_new_car_sales": None,
}
"""Target -> its reading from the measures of a replication; None: no measure has its scope.

Listed firms' utilisation counts packs of vehicles and production scrap, both used batteries by Art. 45(2);
black mass bought from unlisted workshops is a product by then, and left out."""
