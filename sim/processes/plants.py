"""New plants: what they scrap while they learn, beyond the scrap that every factory makes, where they stand."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
import simpy

from sim import quarters
from sim.cast import Cast
from sim.chance import Chance, derived_keys, geometric_days
from sim.industry import Plant, province_of
from sim.inputs import CHEMISTRIES, Inputs, Kind
from sim.ledger import Ledger
from sim.practices import ProductionScrap
from sim.processes.handover import Channel
from sim.tables import Columns
from traceability.vocabulary import EventType, Level

_DAYS_A_YEAR = 365.25
_CHEMISTRY = np.array([int(c) for c in CHEMISTRIES], dtype=np.int8)


def start_up_scrap(
    env: simpy.Environment,
    *,
    ledger: Ledger,
    chance: Chance,
    inputs: Inputs,
    cast: Cast,
    units: Columns,
    channel: Channel,
    practice: ProductionScrap,
    plants: Mapping[str, Plant],
    scale: int,
) -> Generator[simpy.Event, Any, None]:
    """Scrap what each plant spoils in a quarter, in lots of at most the practice's size."""
    while True:
        now = int(env.now)
        quarter, span = quarters.of_day(now), quarters.until_next(now)
        for name, plant in plants.items():
            energy_wh = plant.start_up_scrap_gwh(quarter) * 1e9 * span / _DAYS_A_YEAR / scale
            if energy_wh < 1.0:
                continue
            rows, grams = _lots(inputs, energy_wh, quarter, practice.lot_t)
            keys = derived_keys(
                np.uint64(quarter) * np.uint64(1 << 24) + np.arange(rows, dtype=np.uint64),
                f"start-up scrap/{name}",
            )
            year = quarters.year_offset(quarter)
            mix = np.cumsum(inputs.chemistry_share[year, Kind.BEV_CAR])
            chemistry = _CHEMISTRY[chance.choose("scrap.chemistry", keys, mix)]
            day = now + (chance.draw("scrap.day", keys) * span).astype(np.int32)
            mass = np.full(rows, grams, dtype=np.int64)
            energy = (mass / 1000.0 * inputs.density_wh_kg[year][chemistry]).astype(np.int64)
            maker = np.full(rows, inputs.battery_makers.names.index(plant.maker))
            by = cast.battery_makers[maker]
            lots = ledger.registry.commission(
                Level.LOT, coder=by, chemistry=chemistry, made_day=day, energy_wh=energy, mass_g=mass,
                printed=None, code_fault=0, rows=rows,
            )  # fmt: skip
            units.add(
                rows, key=keys, chemistry=chemistry, mass_g=mass, energy_wh=energy, year=year, maker=maker
            )
            written = ledger.write(EventType.SCRAP, lots, keys, actor=by, day=day, reporter="battery_makers")
            if written is not None:
                lots, keys, by, day = lots[written], keys[written], by[written], day[written]
            stays = geometric_days(chance.draw("scrap.storage", keys), practice.storage_days.at(day))
            province = np.full(lots.size, province_of(inputs, plant))
            channel.to_recycler(
                lots, actor=by, province=province, day=day + 1 + stays, reporter="battery_makers"
            )
        yield env.timeout(span)


def _lots(inputs: Inputs, energy_wh: float, quarter: int, lot_t: float) -> tuple[int, int]:
    """Return how many lots scrap of this energy makes up, and the grams of each: at the mean density of the year."""
    year = quarters.year_offset(quarter)
    mix = inputs.chemistry_share[year, Kind.BEV_CAR]
    grams = energy_wh * 1000.0 / float(mix @ inputs.density_wh_kg[year][_CHEMISTRY])
    rows = int(np.ceil(grams / 1e6 / lot_t))
    return rows, int(grams / rows)
