"""Inputs: the figures that the baseline of China stands on, read from small CSV files.

Every row of every file names its source and how well it is known (`grade`).  Years run from FIRST_YEAR to
LAST_YEAR; an array's year axis is the offset from FIRST_YEAR.  `sim/data/README.md` describes the files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sim import price_paths
from sim.input_tables import Floats, Ints, Spec, Table, grid
from traceability.errors import ScenarioError, UnknownName
from traceability.vocabulary import Chemistry, Element, VehicleKind

FIRST_YEAR = 2011
LAST_YEAR = 2035
YEARS = LAST_YEAR - FIRST_YEAR + 1
REGISTERED_FROM = 2021
"""First year of which registrations are published; `registrations.csv` has sales before."""


Kind = VehicleKind
"""What kind of vehicle; the order of every `kind` axis."""


class Practice(IntEnum):
    """How well a recycler works; the order of the `practice` axis."""

    GOOD = 0
    TYPICAL = 1
    POOR = 2


CHEMISTRIES = (Chemistry.LFP, Chemistry.NCM, Chemistry.LMO)
"""The order of the last axis of `Inputs.chemistry_share`.  LMO stands for all that is neither LFP nor NCM."""


@dataclass(frozen=True, slots=True)
class Companies:
    """Makers, in the order of their share columns.

    Attributes:
        names, names_cn: as the reports print them.
        codes: 3 characters, no two alike: WMI of a vehicle maker, GB/T 34014 code of a battery maker.
    """

    names: tuple[str, ...]
    names_cn: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provinces:
    """The 31 provinces, in the order of every province axis; a province's number is its place plus 1.

    Attributes:
        names, names_cn: as the reports print them.
        gb_codes: two digits of GB/T 2260.
    """

    names: tuple[str, ...]
    names_cn: tuple[str, ...]
    gb_codes: tuple[str, ...]


class ColumnCount(NamedTuple):
    """How many figures one column of one file holds, and how many of them are assumed."""

    file: str
    column: str
    rows: int
    assumed: int


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Every figure of the baseline as arrays.  Axis `years` has YEARS places, from FIRST_YEAR.

    Attributes:
        registrations: float64[years], new NEV registrations, vehicles a year; before REGISTERED_FROM sales, see
            `registered`.
        season: float64[12], share of a year's registrations by month; sums to 1.
        kind_share: float64[years, 4], by Kind; sums to 1.
        chemistry_share: float64[years, 4, 3], share of the vehicles of a Kind by CHEMISTRIES; sums to 1.
        energy_kwh: float64[years, 4], mean pack of a Kind.
        density_wh_kg: float64[years, 9], of packs, by Chemistry value; NaN: none known (0, NIMH, LCO).
        composition_kg_per_kwh: float64[years, 9, 11], by Chemistry and Element value, of that year's packs;
            column MASS is 0; the others NaN where none is known (0, NIMH, LCO).
        vehicle_makers, vehicle_maker_share: the makers; float64[years, makers], sums to 1.
        brand_vehicles: float64[months, vehicle makers], vehicles of each month from January of FIRST_YEAR, where a
            maker's are known; NaN elsewhere.
        battery_makers, battery_maker_share: the makers; float64[years, makers], sums to 1.
        provinces: names and codes.
        province_share: float64[years, 31], share of registrations; sums to 1.
        distance_km: float64[31, 31], between capitals, by road; the diagonal is 0.
        outlets: int64[31], collection outlets.
        recycler_share: float64[31], share of recycling capacity; sums to 1.
        recyclers: int64[years], listed firms that recycle.
        capacity_t: float64[years], nominal capacity of listed recyclers, tonnes of battery a year.
        installed_gwh: float64[years], batteries installed in vehicles, in whatever is registered or not.
        recovery_share: float64[3, 11], by Practice and Element value; MASS is 0.
        prices_yuan_t: float64[4 * years, 11], yuan a tonne of contained element, mean of each quarter from the first
            of FIRST_YEAR, by Element value; 0 = no price.
        swap_share: float64[years, 4], share of a Kind's registrations that are swap vehicles.
        swap_stations: float64[years], at year end.
        swap_packs_per_station: float64[years], packs held beside those in vehicles.
    """

    registrations: Floats
    season: Floats
    kind_share: Floats
    chemistry_share: Floats
    energy_kwh: Floats
    density_wh_kg: Floats
    composition_kg_per_kwh: Floats
    vehicle_makers: Companies
    vehicle_maker_share: Floats
    brand_vehicles: Floats
    battery_makers: Companies
    battery_maker_share: Floats
    provinces: Provinces
    province_share: Floats
    distance_km: Floats
    outlets: Ints
    recycler_share: Floats
    recyclers: Ints
    capacity_t: Floats
    installed_gwh: Floats
    recovery_share: Floats
    prices_yuan_t: Floats
    swap_share: Floats
    swap_stations: Floats
    swap_packs_per_station: Floats

    def registered(self, share_before: float) -> Floats:
        """Return float64[years], vehicles registered in each year, where *share_before* of those sold before
        REGISTERED_FROM were.
        """
        share = np.ones(YEARS)
        share[: REGISTERED_FROM - FIRST_YEAR] = share_before
        return self.registrations * share


GRADES = ("official", "association", "press", "paper", "derived", "assumed")
"""How well a figure is known, best first; `assumed` has no source but a reason."""

ELEMENTS_PER_PRICE = {
    "lithium_carbonate": (Element.LI, 5.323),
    "nickel_sulphate": (Element.NI, 4.478),
    "cobalt_sulphate": (Element.CO, 4.770),
    "manganese_sulphate": (Element.MN, 3.077),
    "copper": (Element.CU, 1.0),
    "aluminium": (Element.AL, 1.0),
    "steel_scrap": (Element.STEEL, 1.0),
}
"""Priced product -> (element, tonnes of product that hold a tonne of it).  By molar masses of Li2CO3,
NiSO4.6H2O, CoSO4.7H2O, MnSO4.H2O."""


_COMPOSITION = tuple(
    f"{element.name.lower()}_kg_per_kwh" for element in Element if element is not Element.MASS
)

_RARE = frozenset({"LTO", "NIMH", "LCO", "OTHER", "SOLID_STATE"})
"""Chemistries of which a file need not have rows."""

_SPECS = {
    "registrations.csv": Spec(("year",), ("registrations_vehicles",), whole=True),
    "season.csv": Spec(("month",), ("share",), sums=0),
    "kinds.csv": Spec(("year",), tuple(f"{kind.name.lower()}_share" for kind in Kind), sums=1),
    "chemistry.csv": Spec(("year", "kind"), tuple(f"{c.name.lower()}_share" for c in CHEMISTRIES), sums=2),
    "packs.csv": Spec(("year", "kind"), ("energy_kwh",), positive=True),
    "density.csv": Spec(
        ("year", "chemistry"), ("pack_wh_per_kg",), holds=True, positive=True, optional=_RARE
    ),
    "composition.csv": Spec(("year", "chemistry"), _COMPOSITION, holds=True, optional=_RARE),
    "vehicle_maker_shares.csv": Spec(("year", "maker"), ("share",), sums=1),
    "battery_maker_shares.csv": Spec(("year", "maker"), ("share",), sums=1),
    "province_shares.csv": Spec(("year", "province"), ("share",), sums=1, holds=True),
    "outlets.csv": Spec(("province",), ("outlets",), whole=True),
    "recycler_shares.csv": Spec(("province",), ("capacity_share",), sums=0),
    "recyclers.csv": Spec(("year",), ("recyclers",), whole=True),
    "recycling_capacity.csv": Spec(("year",), ("capacity_t",)),
    "installations.csv": Spec(("year",), ("installed_gwh",)),
    "recovery.csv": Spec(("practice", "element"), ("recovery_share",)),
    "swap.csv": Spec(("year", "kind"), ("swap_share",)),
    "swap_stations.csv": Spec(("year",), ("stations",)),
    "swap_packs.csv": Spec(("year",), ("packs_per_station",)),
}
_LISTS = {
    "vehicle_makers.csv": ("maker", "maker_cn", "wmi"),
    "battery_makers.csv": ("maker", "maker_cn", "code"),
    "provinces.csv": ("name", "name_cn", "gb_code"),
}
_DISTANCE = "province_distance_km.csv"
_OTHERS = ("targets.csv", "founding.csv")
"""Files of a directory of inputs that other modules read: nothing is fed with them."""
_PRICES = "prices.csv"
_BRANDS = "brand_months.csv"

_FIXED_AXES: dict[str, dict[str, int]] = {
    "year": {str(year): year - FIRST_YEAR for year in range(FIRST_YEAR, LAST_YEAR + 1)},
    "month": {str(month): month - 1 for month in range(1, 13)},
    "kind": {kind.name.lower(): kind.value for kind in Kind},
    "chemistry": {c.name: c.value for c in Chemistry},
    "element": {e.name: e.value for e in Element if e is not Element.MASS},
    "practice": {p.name: p.value for p in Practice},
    "item": {item: place for place, item in enumerate(ELEMENTS_PER_PRICE)},
}


def _table(place: Traversable, file: str, columns: Sequence[str]) -> Table:
    return Table(place, file, columns, GRADES)


def _listed(place: Traversable, file: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return names, Chinese names and codes of a list; names and codes are unique."""
    columns = _LISTS[file]
    table = _table(place, file, ("number", *columns) if file == "provinces.csv" else columns)
    width = 2 if file == "provinces.csv" else 3
    for column in (columns[0], columns[2]):
        seen: dict[str, int] = {}
        for row in table.rows:
            if seen.setdefault(table.text(row, column), row.line) != row.line:
                raise table.fail(row, column, f"another than in line {seen[row.cells[column]]}")
    for at, row in enumerate(table.rows, start=1):
        code = row.cells[columns[2]]
        if (
            len(code) != width
            or not (code.isascii() and code.isalnum() and code == code.upper())
            or set(code) & set("IOQ")
        ):
            raise table.fail(row, columns[2], f"{width} digits or capital letters, none of them I, O, Q")
        if width == 2 and row.cells["number"] != str(at):
            raise table.fail(row, "number", f"{at}, in order")
    if width == 2 and len(table.rows) != 31:
        raise ScenarioError(f"{file}: {len(table.rows)} provinces; expected 31")
    names, names_cn, codes = (tuple(table.text(row, c) for row in table.rows) for c in columns)
    return names, names_cn, codes


def _distances(place: Traversable, provinces: Mapping[str, int]) -> Floats:
    table = _table(place, _DISTANCE, ("province", *provinces))
    figures = np.full((len(provinces), len(provinces)), np.nan)
    for row in table.rows:
        origin = table.place(row, "province", provinces)
        figures[origin] = [table.number(row, name) for name in provinces]
        if figures[origin, origin] != 0:
            raise table.fail(row, row.cells["province"], "0, the way from a province to itself")
    for name, at in provinces.items():
        if np.isnan(figures[at, at]):
            raise ScenarioError(f"{_DISTANCE}: no row for province {name}; expected one for each province")
    return figures


def _brand_months(place: Traversable, makers: Mapping[str, int]) -> Floats:
    """Return float64[months, makers], vehicles of each month; NaN where the file has no row."""
    table = _table(place, _BRANDS, ("maker", "month", "vehicles", "total"))
    months = {f"{FIRST_YEAR + at // 12}-{at % 12 + 1:02d}": at for at in range(YEARS * 12)}
    vehicles = np.full((YEARS * 12, len(makers)), np.nan)
    for row in table.rows:
        at = months.get(row.cells["month"]), table.place(row, "maker", makers)
        if at[0] is None:
            raise table.fail(row, "month", f"a month such as 2022-03, from {FIRST_YEAR}-01 to {LAST_YEAR}-12")
        if not np.isnan(vehicles[at]):
            raise table.fail(row, "month", "a month that no other row has for this maker")
        vehicles[at] = table.number(row, "vehicles", whole=True)
        total = np.nansum(vehicles[: at[0] + 1, at[1]])
        if table.number(row, "total", whole=True) != total:
            raise table.fail(row, "total", f"{total:.0f}, the sum of its months so far, in order")
    return vehicles


def _places(directory: Path | None) -> dict[str, Traversable]:
    """Return where each file is read from: *directory* where it has the file, else the package."""
    known = (*_SPECS, *_LISTS, _DISTANCE, _PRICES, _BRANDS, *_OTHERS)
    packaged = files("sim").joinpath("data")
    if directory is None:
        return dict.fromkeys(known, packaged)
    if not directory.is_dir():
        raise ScenarioError(f"{directory}: no such directory of input files")
    own = {path.name for path in directory.glob("*.csv")}
    for name in sorted(own - set(known)):
        raise ScenarioError(str(UnknownName("input file", name, known, str(directory))))
    return {name: directory if name in own else packaged for name in known}


def load(directory: Path | None = None) -> Inputs:
    """Return the inputs of *directory*; a file that it lacks, or every file without one, is the package's.

    Shares are rescaled to sum to 1 exactly.  A year without a row in `density.csv`, `composition.csv` or
    `province_shares.csv` takes the last year before it, or the first that has one.  The arrays are read-only.

    Raises:
        ScenarioError: a file that cannot be used: file, line, column, what was expected.
    """
    places = _places(directory)
    vehicle_makers = Companies(*_listed(places["vehicle_makers.csv"], "vehicle_makers.csv"))
    battery_makers = Companies(*_listed(places["battery_makers.csv"], "battery_makers.csv"))
    provinces = Provinces(*_listed(places["provinces.csv"], "provinces.csv"))

    def figures(file: str, makers: Companies = vehicle_makers) -> Floats:
        spec = _SPECS[file]
        axes = {**_FIXED_AXES, "province": _axis(provinces.names), "maker": _axis(makers.names)}
        return grid(_table(places[file], file, (*spec.keys, *spec.values)), spec, axes)

    def flat(file: str, makers: Companies = vehicle_makers) -> Floats:
        return figures(file, makers)[..., 0]

    composition = figures("composition.csv")
    recovery = flat("recovery.csv")
    recovery[:, Element.MASS] = 0.0
    inputs = Inputs(
        registrations=flat("registrations.csv"),
        season=flat("season.csv"),
        kind_share=figures("kinds.csv"),
        chemistry_share=figures("chemistry.csv"),
        energy_kwh=flat("packs.csv"),
        density_wh_kg=flat("density.csv"),
        composition_kg_per_kwh=np.concatenate((np.zeros_like(composition[..., :1]), composition), axis=-1),
        vehicle_makers=vehicle_makers,
        vehicle_maker_share=flat("vehicle_maker_shares.csv"),
        brand_vehicles=_brand_months(places[_BRANDS], _axis(vehicle_makers.names)),
        battery_makers=battery_makers,
        battery_maker_share=flat("battery_maker_shares.csv", battery_makers),
        provinces=provinces,
        province_share=flat("province_shares.csv"),
        distance_km=_distances(places[_DISTANCE], _axis(provinces.names)),
        outlets=flat("outlets.csv").astype(np.int64),
        recycler_share=flat("recycler_shares.csv"),
        recyclers=flat("recyclers.csv").astype(np.int64),
        capacity_t=flat("recycling_capacity.csv"),
        installed_gwh=flat("installations.csv"),
        recovery_share=recovery,
        prices_yuan_t=_prices(places[_PRICES]),
        swap_share=flat("swap.csv"),
        swap_stations=flat("swap_stations.csv"),
        swap_packs_per_station=flat("swap_packs.csv"),
    )
    _freeze(inputs)
    return inputs


def _axis(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _prices(place: Traversable) -> Floats:
    """Return float64[quarters, elements]: yuan per tonne of contained element, 0 where nothing is priced."""
    table = _table(place, _PRICES, price_paths.COLUMNS)
    per_item = price_paths.by_quarter(table, _FIXED_AXES["item"], FIRST_YEAR, LAST_YEAR)
    prices = np.zeros((len(per_item), len(Element)))
    for item, (element, tonnes) in enumerate(ELEMENTS_PER_PRICE.values()):
        prices[:, element] = per_item[:, item] * tonnes
    return prices


def _freeze(inputs: Inputs) -> None:
    for name in Inputs.__slots__:
        value = getattr(inputs, name)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False


def parameters(directory: Path | None = None) -> list[ColumnCount]:
    """Return one row per file and column of figures: how many there are, and how many are assumed.

    Targets and the founding figures are not counted: nothing is fed with them.  The distances count as one column.

    Raises:
        ScenarioError: a file, a column, a source or a grade that is missing or unknown.
    """
    places = _places(directory)
    columns = {file: (spec.keys, spec.values) for file, spec in _SPECS.items()}
    columns |= {file: (names[:2], names[2:]) for file, names in _LISTS.items()}
    columns["provinces.csv"] = (("number", "name", "name_cn"), ("gb_code",))
    columns[_BRANDS] = (("maker", "month"), ("vehicles", "total"))
    columns[_PRICES] = (price_paths.COLUMNS[:2], price_paths.COLUMNS[2:])
    counts = []
    for file, (keys, values) in columns.items():
        rows = _table(places[file], file, (*keys, *values)).rows
        assumed = sum(row.cells["grade"] == "assumed" for row in rows)
        counts += [ColumnCount(file, value, len(rows), assumed) for value in values]
    names = _listed(places["provinces.csv"], "provinces.csv")[0]
    rows = _table(places[_DISTANCE], _DISTANCE, ("province", *names)).rows
    assumed = sum(row.cells["grade"] == "assumed" for row in rows)
    return [*counts, ColumnCount(_DISTANCE, "distance_km", len(rows), assumed)]
