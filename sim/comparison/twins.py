"""Twins: the packs that fare otherwise under another scenario, how many, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim import inputs, record
from sim.comparison.births import Births, Origin, births, vehicle_keys
from sim.comparison.causes import Cause, Causes, Pack, Why
from sim.comparison.lives import ABSENT, FATES, Parting, fates, lives, masses, parting
from sim.inputs import Inputs
from sim.scenario import Scenario
from sim.study import log_url, require_replication
from traceability.errors import StoreError
from traceability.store import open_store
from traceability.store.parquet import ParquetStore

Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]


class Change(NamedTuple):
    """A pack whose fate differs.

    Attributes:
        birth: which pack, see `births`.
        origin: how it came into the world.
        codes: printed in either run; "" where it was not made, or before there were codes.
        before, after: its fates.
        mass_g: in the first run, or in the second where the first has it not.
        parting: where its lives part; None where it was made in one run only.
        why: and why.
    """

    birth: int
    origin: Origin
    codes: tuple[str, str]
    before: str
    after: str
    mass_g: int
    parting: Parting | None
    why: Why


@dataclass(frozen=True)
class Twins:
    """Two runs of one seed and replication, pack by pack.

    Attributes:
        names: of the scenarios.
        scale: real packs that each stands for.
        packs: how many there are in either run or both.
        counts: (fate before, fate after) -> packs; mass_g: -> grams before and after.
        changes: the packs whose fate differs, by birth.
    """

    names: tuple[str, str]
    scale: int
    packs: int
    counts: dict[tuple[str, str], int]
    mass_g: dict[tuple[str, str], tuple[int, int]]
    changes: tuple[Change, ...]

    def causes(self) -> Counter[Cause]:
        """Return how many packs changed their fate by each cause."""
        return Counter(change.why.cause for change in self.changes)

    def difference(self, fate: str) -> int:
        """Return how many packs more have *fate* in the second run."""
        return sum(n * ((after == fate) - (before == fate)) for (before, after), n in self.counts.items())


class _Run(NamedTuple):
    store: ParquetStore
    scenario: Scenario
    born: Births
    fate: npt.NDArray[np.int8]
    mass_g: Ints
    vehicle_keys: Keys


def twins(before: Path, after: Path, replication: int = 0) -> Twins:
    """Return how the packs of the run in *after* fare beside those of the run in *before*.

    Raises:
        StoreError: there is no such run or replication, or the two do not share horizon, scale and seed.
    """
    folders = (before, after)
    scenarios = tuple(_recorded(folder, replication) for folder in folders)
    _require_twins(folders, scenarios)
    stores = []
    try:
        for folder in folders:
            store = open_store(log_url(folder, replication), threads=2)
            assert isinstance(store, ParquetStore)
            stores.append(store)
        return twins_of((stores[0], stores[1]), (scenarios[0], scenarios[1]), inputs.load(), replication)
    finally:
        for store in stores:
            store.close()


def twins_of(
    stores: tuple[ParquetStore, ParquetStore],
    scenarios: tuple[Scenario, Scenario],
    known: Inputs,
    replication: int = 0,
) -> Twins:
    """Return how the packs of the second log fare beside those of the first.

    Args:
        stores: two finished logs of one horizon, scale, seed and replication.
        scenarios, known: that they were run with.
        replication: whose luck.
    """
    runs = []
    for store, scenario in zip(stores, scenarios, strict=True):
        born = births(store, scenario, known)
        (count,) = store.connection.execute("select count(*) from vehicle").fetchall()[0]
        keys = vehicle_keys(scenario, known, int(count))
        runs.append(_Run(store, scenario, born, fates(store, born), masses(store, born), keys))
    return _compared(runs[0], runs[1], Causes(*scenarios, known, replication))


def _recorded(folder: Path, replication: int) -> Scenario:
    record.complete_run(folder)
    require_replication(folder, replication)
    return record.recorded_scenario(folder)


def _require_twins(folders: tuple[Path, Path], scenarios: tuple[Scenario, ...]) -> None:
    for key, said in (("first", "from"), ("last", "until"), ("scale", "scale"), ("seed", "seed")):
        a, b = (getattr(scenario, key) for scenario in scenarios)
        if a != b:
            raise StoreError(
                f"{folders[1]}: `{said}` is {b}, but {a} in {folders[0]}; twins share horizon, scale and seed: "
                "`battrace compare` runs them so"
            )


def _compared(a: _Run, b: _Run, causes: Causes) -> Twins:
    every = np.union1d(a.born.birth, b.born.birth)
    fate, mass = zip(*(_spread(run, every) for run in (a, b)), strict=True)
    pair, number = np.unique(np.stack(fate), axis=1, return_inverse=True)
    number = number.reshape(-1)
    counts, grams = {}, {}
    for n, (x, y) in enumerate(pair.T.tolist()):
        of = number == n
        counts[FATES[x], FATES[y]] = int(of.sum())
        grams[FATES[x], FATES[y]] = (int(mass[0][of].sum()), int(mass[1][of].sum()))
    differs = np.flatnonzero(fate[0] != fate[1])
    changes = _changes(a, b, every[differs], fate[0][differs], fate[1][differs], causes)
    return Twins(
        (a.scenario.name, b.scenario.name), a.scenario.scale, int(every.size), counts, grams, tuple(changes)
    )


def _spread(run: _Run, every: Keys) -> tuple[npt.NDArray[np.int8], Ints]:
    """Return int8[n] fates and int64[n] grams of *every* birth; what was not made is absent and weighs nothing."""
    fate = np.full(every.size, ABSENT, dtype=np.int8)
    mass = np.zeros(every.size, dtype=np.int64)
    place = np.searchsorted(every, run.born.birth)
    fate[place], mass[place] = run.fate, run.mass_g
    return fate, mass


def _changes(
    a: _Run,
    b: _Run,
    differing: Keys,
    before: npt.NDArray[np.int8],
    after: npt.NDArray[np.int8],
    causes: Causes,
) -> list[Change]:
    here, there = _places(a.born, differing), _places(b.born, differing)
    lived = [
        lives(run.store, run.born.unit[place[place >= 0]], run.vehicle_keys)
        for run, place in ((a, here), (b, there))
    ]
    about = [_about(run, run.born.unit[place[place >= 0]]) for run, place in ((a, here), (b, there))]
    found = []
    for n, birth in enumerate(differing.tolist()):
        units = [
            int(run.born.unit[place[n]]) if place[n] >= 0 else -1 for run, place in ((a, here), (b, there))
        ]
        run, place, which = (a, here[n], 0) if units[0] >= 0 else (b, there[n], 1)
        origin = Origin(int(run.born.origin[place]))
        known = about[which][units[which]]
        if min(units) < 0:
            part, why = None, causes.of_absent(origin, lived[which][units[which]][0].day)
        else:
            part = parting(lived[0][units[0]], lived[1][units[1]])
            assert part is not None  # another fate is another life
            pack = Pack(int(run.born.key[place]), origin, known.chemistry, known.mass_g / 1e6, known.province)
            why = causes.why(part, pack)
        codes = tuple(about[k][u].code if u >= 0 else "" for k, u in enumerate(units))
        found.append(
            Change(
                birth,
                origin,
                (codes[0], codes[1]),
                FATES[before[n]],
                FATES[after[n]],
                known.mass_g,
                part,
                why,
            )
        )
    return found


def _places(born: Births, wanted: Keys) -> Ints:
    """Return int64[n], the place of each birth in a run, -1 where it has none."""
    place = np.searchsorted(born.birth, wanted)
    place[place == born.birth.size] = 0
    return np.where(born.birth[place] == wanted, place, -1)


class _About(NamedTuple):
    code: str
    chemistry: int
    mass_g: int
    province: int


def _about(run: _Run, units: Ints) -> dict[int, _About]:
    """Return what is known of each of *units*: code, chemistry, grams, and the province of its last vehicle."""
    db = run.store.connection
    db.execute("create or replace temp table asked (unit bigint)")
    db.execute("insert into asked select unnest($1)", [units.tolist()])
    rows = db.execute(
        """
        select u.unit, coalesce(any_value(u.code), ''), any_value(u.chemistry), any_value(u.mass_g),
            coalesce(arg_max(v.province, e.event_id), 0)
        from unit u semi join asked on asked.unit = u.unit
            left join event e on e.unit = u.unit and e.happened and e.vehicle is not null
            left join vehicle v using (vehicle) group by u.unit"""
    ).fetchall()
    return {unit: _About(code, chemistry, mass, province) for unit, code, chemistry, mass, province in rows}


def runs_of(folders: tuple[Path, ...]) -> tuple[Path, Path]:
    """Return the folders of two runs: as given, or the first two of the comparison in the one folder given.

    Raises:
        StoreError: one folder is given and holds no comparison.
    """
    from sim.comparison.running import read_comparison

    if len(folders) == 2:
        return folders[0], folders[1]
    labels = [side["label"] for side in read_comparison(folders[0])["sides"]]
    if len(labels) > 2:
        raise StoreError(
            f"{folders[0]}: compares {', '.join(labels)}; name two of its folders, such as "
            f"{folders[0] / labels[0]} {folders[0] / labels[1]}"
        )
    return folders[0] / labels[0], folders[0] / labels[1]
