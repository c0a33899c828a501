"""Who is whose twin: packs of two runs matched by their birth, not by their number.

A dense number, and the serial in a printed code, count what was made before: a scenario that adds or spares a pack
shifts them.  A birth does not shift.  A pack is the one that a vehicle was sold with, or the one that replaced it,
or the n-th that swap operators bought; a vehicle is the n-th of its month.  From these the key of the pack's luck
is made, as the processes made it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from sim.chance import Keys, derived_keys
from sim.inputs import FIRST_YEAR, Inputs
from sim.processes.fleet import vehicles_by_month
from sim.scenario import Scenario
from traceability.errors import StoreError
from traceability.store.parquet import ParquetStore
from traceability.vocabulary import EventType as E
from traceability.vocabulary import Level, Role

Ints = npt.NDArray[np.int64]


class Origin(IntEnum):
    """How a pack came into the world."""

    SOLD = 0
    REPLACEMENT = 1
    POOL = 2


_MARK = np.uint64(60)


@dataclass(frozen=True, slots=True, eq=False)
class Births:
    """Every pack of a run, by birth.

    Attributes:
        birth: uint64[n], sorted, no two alike; equal births in two runs of one scale and horizon are twins.
        unit: int64[n], the dense number of each in this run.
        key: uint64[n], of its luck.
        origin: int8[n], an Origin each.
    """

    birth: Keys
    unit: Ints
    key: Keys
    origin: npt.NDArray[np.int8]


def vehicle_keys(scenario: Scenario, inputs: Inputs, vehicles: int) -> Keys:
    """Return uint64[vehicles], the key of each vehicle's luck by its number: its month, and its place in it."""
    months = vehicles_by_month(inputs, scenario.scale, scenario.manufacture.registered_share)
    month = np.repeat(np.arange(months.size), months)[:vehicles]
    first = np.repeat(np.cumsum(months) - months, months)[:vehicles]
    return (month.astype(np.uint64) << np.uint64(32)) + (np.arange(month.size) - first).astype(np.uint64)


def births(store: ParquetStore, scenario: Scenario, inputs: Inputs) -> Births:
    """Return every pack of the log in *store* by birth.

    Args:
        store: a finished log.
        scenario, inputs: that it was run with.

    Raises:
        StoreError: the log has a pack of which it does not say how it came into the world.
    """
    db = store.connection
    (vehicles,) = db.execute("select count(*) from vehicle").fetchall()[0]
    keys = vehicle_keys(scenario, inputs, int(vehicles))
    rows = db.execute(
        f"""
        select u.unit,
            arg_min(e.vehicle, e.event_id) filter (e.event = {E.INSTALL} and a.role = {Role.OEM}) as sold,
            arg_min(e.vehicle, e.event_id) filter (e.event = {E.INSTALL} and a.role = {Role.REPAIR}) as fitted,
            bool_or(e.event = {E.DELIVER} and r.role = {Role.SWAP_OP}) as pooled
        from unit u left join event e on e.unit = u.unit and e.happened and e.event in ({E.INSTALL}, {E.DELIVER})
            left join actor a using (actor) left join actor r on r.actor = e.receiver
        where u.level = {Level.PACK} group by u.unit order by u.unit"""
    ).fetchnumpy()
    unit = np.asarray(rows["unit"], dtype=np.int64)
    sold, fitted = (
        np.ma.filled(np.ma.asarray(rows[name]), -1).astype(np.int64) for name in ("sold", "fitted")
    )
    pooled = np.ma.filled(np.ma.asarray(rows["pooled"]), False).astype(bool)
    origin = np.where(sold >= 0, Origin.SOLD, np.where(fitted >= 0, Origin.REPLACEMENT, Origin.POOL)).astype(
        np.int8
    )
    if (lost := (origin == Origin.POOL) & ~pooled).any():
        raise StoreError(
            f"{store.directory}: the log does not say how pack {int(unit[lost][0])} came into the world; "
            "packs are matched only between logs that `battrace run` wrote"
        )
    base = np.zeros(unit.size, dtype=np.uint64)
    luck = np.zeros(unit.size, dtype=np.uint64)
    for kind, vehicle in ((Origin.SOLD, sold), (Origin.REPLACEMENT, fitted)):
        of = origin == kind
        base[of] = keys[vehicle[of]]
        luck[of] = base[of] if kind is Origin.SOLD else derived_keys(base[of], "replacement")
    of = origin == Origin.POOL
    # operators' purchases are counted on, whatever the kind of vehicle, in the order of their numbers
    base[of] = np.arange(int(of.sum()), dtype=np.uint64)
    luck[of] = derived_keys(base[of], "swap.bought")
    birth = (origin.astype(np.uint64) << _MARK) | base
    order = np.argsort(birth)
    return Births(birth[order], unit[order], luck[order], origin[order])


def born(birth: int) -> str:
    """Return a birth in words: for packs older than the codes.

    >>> born((39 << 32) + 4), born((1 << 60) + (39 << 32)), born((2 << 60) + 6)
    ('sold 2014-04, no. 5', 'replaced, sold 2014-04, no. 1', 'swap pool, no. 7')
    """
    origin, base = Origin(birth >> int(_MARK)), birth & ((1 << int(_MARK)) - 1)
    if origin is Origin.POOL:
        return f"swap pool, no. {base + 1}"
    month, place = base >> 32, (base & 0xFFFFFFFF) + 1
    said = f"sold {FIRST_YEAR + month // 12}-{month % 12 + 1:02d}, no. {place}"
    return said if origin is Origin.SOLD else f"replaced, {said}"
