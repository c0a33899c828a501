"""Factories: production scrap, a used battery by Art. 45(2), goes to recyclers by the lot."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from sim import quarters
from sim.cast import Cast
from sim.chance import Chance, derived_keys, geometric_days
from sim.inputs import CHEMISTRIES, Inputs, Kind
from sim.ledger import Ledger
from sim.practices import ProductionScrap
from sim.processes.handover import Channel
from sim.tables import Columns
from traceability.vocabulary import EventType, Level

FEWEST_LOTS = 120  # a quarter
DAYS_A_YEAR = 365.25


def listed_scrap_t(inputs: Inputs, practice: ProductionScrap, quarter: int) -> float:
    """Return the tonnes of production scrap of China in *quarter* that reach listed recyclers."""
    first, year = int(quarters.START[quarter]), quarters.year_offset(quarter)
    kwh = float(inputs.installed_gwh[year]) * 1e6 * quarters.until_next(first) / DAYS_A_YEAR
    return kwh * practice.rate_kg_kwh.on(first) * practice.listed_share.on(first) / 1000.0


def production_scrap(
    env: simpy.Environment,
    *,
    ledger: Ledger,
    chance: Chance,
    inputs: Inputs,
    cast: Cast,
    units: Columns,
    channel: Channel,
    practice: ProductionScrap,
    scale: int,
) -> Generator[simpy.Event, Any, None]:
    """Scrap each quarter's share of the year, in lots of at most the practice's size, and no fewer than a few."""
    chemistry_cdf = np.cumsum(inputs.chemistry_share[:, Kind.BEV_CAR], axis=1)
    maker_cdf = np.cumsum(inputs.battery_maker_share, axis=1)
    province_cdf = np.cumsum(inputs.recycler_share)
    letters = np.array([int(c) for c in CHEMISTRIES], dtype=np.int8)
    while True:
        now = int(env.now)
        quarter = quarters.of_day(now)
        year = quarters.year_offset(quarter)
        span = quarters.until_next(now)
        scrap_t = listed_scrap_t(inputs, practice, quarter) / scale
        # a single lot at a coarse scale would be a mountain before one recycler's gate
        rows = max(int(np.ceil(scrap_t / practice.lot_t)), FEWEST_LOTS) if scrap_t > 0 else 0
        if rows:
            keys = derived_keys(
                np.uint64(quarter) * np.uint64(1 << 24) + np.arange(rows, dtype=np.uint64), "scrap"
            )
            chemistry = letters[chance.choose("scrap.chemistry", keys, chemistry_cdf[year])]
            maker = chance.choose("scrap.maker", keys, maker_cdf[year])
            day = now + (chance.draw("scrap.day", keys) * span).astype(np.int32)
            mass = np.full(rows, int(scrap_t / rows * 1e6), dtype=np.int64)
            energy = (mass / 1000.0 * inputs.density_wh_kg[year][chemistry]).astype(np.int64)
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
            province = chance.choose("scrap.province", keys, province_cdf) + 1
            leaves = (
                day + 1 + geometric_days(chance.draw("scrap.storage", keys), practice.storage_days.at(day))
            )
            channel.to_recycler(lots, actor=by, province=province, day=leaves, reporter="battery_makers")
        yield env.timeout(quarters.until_next(now))
