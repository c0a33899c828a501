"""A log that went out as OCEL 2.0 and came in again says the same, in each of the three containers."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from tests.exchange.lives import lives, said, write
from tests.exchange.ocel_readers import read
from tests.sim import small
from traceability.events import EventBatch
from traceability.exchange.ocel import export, import_log
from traceability.exchange.selecting import Selection
from traceability.registry import Registry
from traceability.store import open_store, schema
from traceability.vocabulary import Chemistry, Detail, Level, Role
from traceability.vocabulary import EventType as E

ENDINGS = ["json", "xml", "sqlite"]


def through(folder, life, *, ending, view, **options):
    """Write *life*, export it, import it again; return both stores as `said`, the file and both reports."""
    file = folder / f"log.{ending}"
    with open_store(f"parquet:{folder / 'before'}", create=True) as store:
        write(store, life, with_truth=True)
        exported = export(store, file, Selection(view=view), with_vin=True, **options)
        before = said(store, view=view)
    imported = import_log(file, str(folder / "after"))
    with open_store(f"parquet:{folder / 'after'}") as store:
        return before, said(store, view=view), file, exported, imported


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("view", ["truth", "register"])
@given(life=lives())
@settings(max_examples=8)
def test_whatever_a_log_says_comes_back(ending, view, life):
    with tempfile.TemporaryDirectory() as folder:
        before, after, file, exported, imported = through(Path(folder), life, ending=ending, view=view)
        found = read(file)
    assert (imported.aside, imported.repairs) == (0, {}), imported.reasons
    assert imported.events == exported.events == len(found["events"])
    assert imported.records == exported.records
    assert len(found["objects"]) == exported.objects
    assert (len(found["e2o"]), len(found["o2o"])) == (exported.event_object, exported.object_object)
    assert after == before


@given(life=lives())
@settings(max_examples=8)
def test_numbers_written_as_text_come_back_as_numbers(life):
    with tempfile.TemporaryDirectory() as folder:
        before, after, *_, imported = through(Path(folder), life, ending="json", view="truth", text_only=True)
    assert imported.aside == 0, imported.reasons
    assert after == before


@pytest.fixture(scope="module")
def world():
    return small.run(small.small(scale=200_000, first=date(2025, 1, 1)))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_simulated_log_comes_back_whole(ending, world, tmp_path):
    """Every table row by row, statements about companies and permits too."""
    out = tmp_path / f"log.{ending}"
    exported = export(world.store, out, Selection(view="truth"), with_vin=True)
    imported = import_log(out, str(tmp_path / "again"))
    assert (imported.records, imported.links, imported.balances, imported.aside) == (
        exported.records, exported.links, exported.balances, 0,
    )  # fmt: skip
    last = int(world.store.meta()["last_day"])
    with open_store(f"parquet:{tmp_path / 'again'}") as again:
        for table in (schema.unit, schema.vehicle, schema.actor, schema.permit):
            assert sorted(again.rows(table.select()), key=str) == sorted(
                world.store.rows(table.select()), key=str
            )
        e, m, k = schema.event, schema.material, schema.link
        columns = [c for c in e.c if c.name not in ("event_id", "corrects", "record_day", "happened")]
        query = e.select().with_only_columns(*columns)
        assert sorted(again.rows(query), key=str) == sorted(
            world.store.rows(query.where(e.c.happened, e.c.event_day <= last)), key=str
        )
        for table, wanted in ((m, m.c.happened & (m.c.day <= last)), (k, k.c.from_day <= last)):
            columns = [c for c in table.c if c.name != "record_day"]
            query = table.select().with_only_columns(*columns)
            assert sorted(again.rows(query), key=str) == sorted(
                world.store.rows(query.where(wanted)), key=str
            )
        assert again.meta()["truth"] == "no"


def one_pack(folder, steps, **unit):
    store = open_store(f"parquet:{folder / 'log'}", create=True)
    registry = Registry(store)
    registry.enrol_actors(
        {"actor": np.arange(3), "name": ["甲厂", "B & <C>", 'D "quoted"\n'], "role": int(Role.CU), "province": 11, "stands_for": 1}, 3
    )  # fmt: skip
    registry.commission(
        Level.PACK, coder=0, chemistry=Chemistry.LFP, made_day=20_000, energy_wh=1, mass_g=2,
        printed=["null"], rows=1,
    )  # fmt: skip
    for event, day, columns, health in steps:
        first = registry.record(EventBatch.of(event, 0, event_day=day, record_day=day + 1, **columns))
        for value in health:
            registry.detail(np.array([first]), Detail.SOH_PPM, value)
    store.finish()
    return store


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_pack_through_time_by_hand(ending, tmp_path):
    steps = [
        (E.CODE, 20_000, {"actor": 0}, []),
        (E.DELIVER, 20_001, {"actor": 0, "receiver": 1, "carrier": 0}, []),
        (E.INSTALL, 20_002, {"actor": 1}, []),
        (E.REMOVE, 20_010, {"actor": 2}, []),
        (E.RETIRE, 20_010, {"actor": 2}, []),
        (E.CHECK_SAFETY, 20_011, {"actor": 2, "receiver": 2}, [812_500]),
        (E.CHECK_SAFETY, 20_012, {"actor": 2}, [812_500, 800_000]),
    ]
    with one_pack(tmp_path, steps) as store:
        export(store, tmp_path / f"log.{ending}")
    found = read(tmp_path / f"log.{ending}")
    assert found["objects"] == {"actor:0": "actor", "actor:1": "actor", "actor:2": "actor", "unit:0": "pack"}
    assert [r for r in found["e2o"] if r[1] == "actor:0"] == [
        ("event:0", "actor:0", "by"),
        ("event:1", "actor:0", "by and carried by"),
    ]
    assert ("event:5", "actor:2", "by and to") in found["e2o"]
    assert found["o2o"] == [("unit:0", "actor:0", "coded by")]
    through = {}
    for thing, name, time, value in found["changes"]:
        if thing == "unit:0":
            through.setdefault(name, []).append(((time.date() - date(1970, 1, 1)).days, value))
    assert sorted(through["status"]) == [
        (0, "UNREGISTERED"), (20_000, "CODED"), (20_001, "IN_STOCK"), (20_002, "IN_VEHICLE"), (20_010, "USED"),
    ]  # fmt: skip
    assert sorted(through["keeper"]) == [
        (0, "nobody"),
        (20_000, "actor:0"),
        (20_001, "actor:1"),
        (20_010, "actor:2"),
    ]
    # the first day on which it was measured is kept, and nothing is made up for the time before
    assert sorted(through["soh_percent"]) == [(0, "81.25"), (20_011, "81.25")]
    assert found["events"]["event:6"][2]["further_numbers"] == "soh_ppm=812500"
    names = [value for thing, name, _, value in found["changes"] if name == "name"]
    assert names == ["甲厂", "B & <C>", 'D "quoted"\n']


def test_the_epoch_of_a_time_is_a_day_in_china(tmp_path):
    with one_pack(tmp_path, [(E.CODE, 20_544, {"actor": 0}, [])]) as store:
        export(store, tmp_path / "log.json")
    text = (tmp_path / "log.json").read_text("utf-8")
    assert '"time":"2026-04-01T12:00:00+08:00"' in text
    assert '"value":"2026-04-02T12:00:00+08:00"' in text
