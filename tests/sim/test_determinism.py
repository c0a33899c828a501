"""One scenario, one seed, one log, byte for byte; and twins: what is not touched does not change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sim.small import World, anew, digests, inputs, run, small
from traceability.vocabulary import REMARKS, EventType, Level, Role

E = EventType
ROOT = Path(__file__).parents[2]
HORIZON: dict[str, Any] = {"scale": 50_000, "first": date(2025, 1, 1), "until": date(2027, 12, 31)}

IN_A_FRESH_PROCESS = """
import json
from datetime import date
from tests.sim.small import anew, digests, small
world = anew(small(scale=50_000, first=date(2025, 1, 1), until=date(2027, 12, 31)), replication=1)
print(json.dumps(digests(world)))
"""


def in_a_fresh_process(hash_seed: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_FRESH_PROCESS],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


# --- the same again ---


def test_the_same_run_twice_gives_the_same_bytes():
    scenario = small(**HORIZON)
    once, again = run(scenario, replication=1), anew(scenario, replication=1)
    assert digests(once) == digests(again)
    assert {"event.parquet", "unit.parquet", "vehicle.parquet", "store.json"} <= set(digests(once))


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_another_process_gives_the_same_bytes(hash_seed):
    assert in_a_fresh_process(hash_seed) == digests(run(small(**HORIZON), replication=1))


def test_another_replication_and_another_seed_give_other_logs():
    worlds = [run(small(**HORIZON), replication=n) for n in (0, 1)] + [run(small(**HORIZON, seed=2027))]
    assert len({digests(world)["event.parquet"] for world in worlds}) == 3


def test_a_run_does_not_disturb_the_luck_of_numpy_or_python():
    import random

    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[union-attr,index]  # noqa: NPY002
    anew(small(scale=500_000, first=date(2027, 1, 1), until=date(2027, 3, 31)))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # type: ignore[union-attr,index]  # noqa: NPY002


def test_a_shorter_run_is_the_beginning_of_a_longer_one():
    """Row for row up to its last day, numbers of rows apart.

    Only the packs that were made for vehicles of later months are not in it yet.
    """
    short = run(small(scale=50_000, first=date(2025, 1, 1), until=date(2027, 6, 30)))
    long = run(small(**HORIZON))
    last, units, vehicles = short.scenario.last_day(), short.simulated.units, short.simulated.vehicles
    columns = "event, unit, vehicle, actor, receiver, carrier, event_day, record_day, happened"
    known = f"event_day <= {last} and coalesce(unit, 0) < {units} and coalesce(vehicle, 0) < {vehicles}"
    assert short.rows(f"select {columns} from event order by all") == long.rows(
        f"select {columns} from event where {known} order by all"
    )
    new = long.rows(f"select distinct event from event where event_day <= {last} and not ({known})")
    assert {E(event) for (event,) in new} <= {E.CODE, E.DELIVER, E.INSTALL, E.CERTIFY}


# --- twins ---

_PACK = "u.made_day, u.coder, u.chemistry, u.energy_wh, u.mass_g, u.code"


def lives(world: World, where: str = "true") -> list[tuple[Any, ...]]:
    """What happened to packs outside recyclers and workshops: each row with the marks of its pack.

    Numbers of rows and of units depend on all that is written, and are left out.
    """
    inside = ", ".join(str(int(e)) for e in (E.TEST, E.PROCESS, E.DISMANTLE, E.USE_IN_PRODUCT))
    return world.rows(
        f"""
        select {_PACK}, e.event, e.vehicle, e.actor, e.receiver, e.carrier, e.event_day, e.record_day, e.happened
        from event e join unit u using (unit) join actor a on a.actor = e.actor
        where u.level = {Level.PACK} and e.event not in ({inside}) and {where} order by all"""
    )


def exits(world: World, where: str = "true") -> list[tuple[Any, ...]]:
    """How and when each vehicle left the road, and to whom it or its pack went."""
    ways = ", ".join(
        str(int(e)) for e in (E.RECEIVE_VEHICLE, E.ISSUE_CERTIFICATE, E.EXPORT, E.LOSE, E.DIVERT)
    )
    return world.rows(
        f"""
        select vin, kind, province, event, event_day, record_day, actor, receiver
        from event join vehicle using (vehicle) where happened and event in ({ways}) and {where} order by all"""
    )


def test_without_production_scrap_every_pack_lives_the_same_life():
    without = replace(inputs(), installed_gwh=np.zeros_like(inputs().installed_gwh))
    one, other = run(small(**HORIZON)), run(small(**HORIZON), figures=without)
    assert one.simulated.units > other.simulated.units
    assert lives(one) == lives(other)
    assert exits(one) == exits(other)


def test_how_long_outlets_wait_changes_no_exit_and_no_owners_choice():
    one = run(small(**HORIZON, collection={"waiting_limit_days": 7}))
    other = run(small(**HORIZON, collection={"waiting_limit_days": 90, "storage_limit_t": 500.0}))
    # whoever looks at an outlet looks when it ships
    before = f"a.role <> {Role.OUTLET} and e.event <> {E.RECEIVE} and e.event < {min(REMARKS)}"
    assert lives(one, before) == lives(other, before)
    assert exits(one) == exits(other)
    assert lives(one) != lives(other)


def test_what_is_reported_changes_nothing_that_happens():
    silent = run(small(**HORIZON, reporting={"never_share": 1.0}, falsehood={"hidden_sale_share": 0.0}))
    honest = run(small(**HORIZON))
    rows = "select event, unit, vehicle, actor, receiver, carrier, event_day from event where happened order by all"
    assert silent.rows(rows) == honest.rows(rows)
    # what an authority does is on its own record
    told = f"select count(*) from event where record_day is not null and event < {min(REMARKS)}"
    assert silent.rows(told) == [(0,)]


UNTOUCHED = f"not swap and vehicle not in (select vehicle from event where event = {E.REMOVE})"
"""Vehicles whose battery no pool and no stock of spares has handled: these two share what they have."""


@pytest.mark.parametrize(
    "sections",
    [
        {"swap": {"pool_share": 0.5, "exchanges_per_year": 10}},
        {"recycling": {"reuse_share_lfp": 1.0, "capacity_share": 0.1}},
        {"informal": {"days": 3, "e_bike_share": 0.7}},
        {"coding": {"misprint_share": 1.0, "duplicate_share": 0.0}},
    ],
    ids=lambda sections: next(iter(sections)),
)
def test_another_process_next_door_changes_no_exit(sections):
    assert exits(run(small(**HORIZON, **sections)), UNTOUCHED) == exits(run(small(**HORIZON)), UNTOUCHED)


def test_without_failures_all_other_vehicles_leave_as_they_would_have():
    one = run(small(**HORIZON))
    other = run(small(**HORIZON, replacement={"share_early": 0.0, "share_late": 0.0}))
    failed = {
        vin
        for (vin,) in one.rows(f"select vin from event join vehicle using (vehicle) where event = {E.REMOVE}")
    }
    assert failed
    assert not other.rows(f"select vehicle from event where event = {E.REMOVE}")
    kept = [row for row in exits(other) if row[0] not in failed]
    assert kept == [row for row in exits(one) if row[0] not in failed]


def test_more_vehicles_this_year_change_nothing_for_those_of_the_years_before():
    more = inputs().registrations.copy()
    more[2027 - 2011] *= 1.5
    one, other = run(small(**HORIZON)), run(small(**HORIZON), figures=replace(inputs(), registrations=more))
    assert other.simulated.vehicles > one.simulated.vehicles
    old = f"vehicle in (select vehicle from event where event = {E.SELL} and event_day < 20819)"  # 2027-01-01
    where = f"{old} and {UNTOUCHED}"
    assert exits(one, where) == exits(other, where)
    assert exits(one, where)


def test_another_seed_changes_the_lives():
    one, other = run(small(**HORIZON)), run(small(**HORIZON, seed=2027))
    assert not {row[4:6] + row[:1] for row in exits(one)} >= {row[4:6] + row[:1] for row in exits(other)}
    assert lives(one) != lives(other)
