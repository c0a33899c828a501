"""Fates and lives of packs, read from two logs: what became of each, and the first event where two lives part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.comparison.births import Births
from sim.measures import prepare
from traceability.events import NULL
from traceability.store.parquet import ParquetStore
from traceability.vocabulary import REMARKS, EventType, Role

Ints = npt.NDArray[np.int64]

FATES = ("in service", "recycled", "reused", "waiting", "informal", "exported", "missing", "absent")
"""What became of a pack by the last day: in service is one that has not retired, absent one that was never made."""

IN_SERVICE, ABSENT = FATES.index("in service"), FATES.index("absent")


class Step(NamedTuple):
    """One event of a pack's life, comparable between runs.

    Attributes:
        actor, receiver, carrier: by name, "" for none: numbers shift where a scenario has other firms.
        vehicle: key of its luck, -1 for none.
    """

    event: EventType
    day: int
    actor: str
    role: Role
    province: int
    receiver: str
    carrier: str
    vehicle: int


class Parting(NamedTuple):
    """Where two lives part.

    Attributes:
        last: the last event that both share; None where they share none.
        before, after: what follows it in either run; None: nothing more until the last day.
    """

    last: Step | None
    before: Step | None
    after: Step | None


def fates(store: ParquetStore, born: Births) -> npt.NDArray[np.int8]:
    """Return int8[n], a place in FATES for each pack of *born*, as the measures of the run count it."""
    prepare(store.connection, int(store.meta()["last_day"]))
    found = store.connection.execute("select unit, channel from fate order by unit").fetchall()
    place = {name: n for n, name in enumerate(FATES)}
    fate = np.full(born.unit.size, IN_SERVICE, dtype=np.int8)
    order = np.argsort(born.unit)
    if found:
        units = np.array([unit for unit, _ in found], dtype=np.int64)
        at = order[np.searchsorted(born.unit, units, sorter=order)]
        fate[at] = [place[channel] for _, channel in found]
    return fate


def masses(store: ParquetStore, born: Births) -> Ints:
    """Return int64[n], the grams of each pack of *born*."""
    rows = store.connection.execute("select unit, mass_g from unit order by unit").fetchnumpy()
    return np.asarray(rows["mass_g"], dtype=np.int64)[np.searchsorted(np.asarray(rows["unit"]), born.unit)]


def lives(store: ParquetStore, units: Ints, vehicle_keys: npt.NDArray[np.uint64]) -> dict[int, list[Step]]:
    """Return unit -> what happened to it, in order; remarks, which move nothing, are left out.

    Args:
        store: a finished log.
        units: int64[n] numbers in it.
        vehicle_keys: see `births.vehicle_keys`.
    """
    if not units.size:
        return {}
    db = store.connection
    db.execute("create or replace temp table asked (unit bigint)")
    db.execute("insert into asked select unnest($1)", [units.tolist()])
    rows = db.execute(
        f"""
        select e.unit, e.event, e.event_day, a.name, a.role, a.province, coalesce(r.name, ''), coalesce(c.name, ''),
            coalesce(e.vehicle, {NULL})
        from event e semi join asked on e.unit = asked.unit join actor a using (actor)
            left join actor r on r.actor = e.receiver left join actor c on c.actor = e.carrier
        where e.happened and e.event < {min(REMARKS)} order by e.unit, e.event_day, e.event_id"""
    ).fetchall()
    found: dict[int, list[Step]] = {int(unit): [] for unit in units}
    for unit, event, day, actor, role, province, receiver, carrier, vehicle in rows:
        own = -1 if vehicle == NULL else int(vehicle_keys[vehicle])
        found[unit].append(Step(EventType(event), day, actor, Role(role), province, receiver, carrier, own))
    return found


def parting(before: Sequence[Step], after: Sequence[Step]) -> Parting | None:
    """Return where two lives part; None where they are the same to the last day."""
    shared = 0
    for a, b in zip(before, after, strict=False):
        if a != b:
            break
        shared += 1
    if shared == len(before) == len(after):
        return None
    return Parting(
        before[shared - 1] if shared else None,
        before[shared] if shared < len(before) else None,
        after[shared] if shared < len(after) else None,
    )
