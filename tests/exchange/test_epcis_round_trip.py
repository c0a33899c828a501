"""A log that went out as EPCIS and came in again says the same."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.exchange.lives import lives, through
from tests.sim import small
from traceability.exchange.epcis import check_file, export, import_document
from traceability.exchange.selecting import Selection, kin, sample
from traceability.store import open_store, schema


@pytest.mark.parametrize("view", ["truth", "register"])
@given(life=lives())
@settings(max_examples=25)
def test_whatever_a_log_says_comes_back(view, life):
    with tempfile.TemporaryDirectory() as folder:
        before, after, document, exported, imported = through(Path(folder), life, view=view)
        verdict = check_file(document)
    assert verdict.valid, verdict.faults
    assert not verdict.warnings
    assert verdict.events == exported.events == imported.events
    assert (imported.aside, imported.repairs) == (0, {}), imported.reasons
    assert after["events"] == before["events"]
    assert after["links"] == before["links"]
    carried = sum(rows for what, rows in exported.lost.items() if "balances" in what)
    assert len(after["balances"]) == len(before["balances"]) - carried


@pytest.fixture(scope="module")
def world():
    return small.run(small.small(scale=200_000, first=date(2025, 1, 1)))


def test_a_simulated_log_comes_back_whole(world, tmp_path):
    """Units, vehicles, companies and permits row by row; events, links and balances but for what the export names."""
    out = tmp_path / "log.jsonld"
    exported = export(world.store, out, Selection(view="truth"), with_vin=True)
    assert check_file(out).valid
    imported = import_document(out, str(tmp_path / "again"))
    assert (imported.records, imported.links, imported.balances) == (
        exported.records,
        exported.links,
        exported.balances,
    )
    last = int(world.store.meta()["last_day"])
    with open_store(f"parquet:{tmp_path / 'again'}") as again:
        for table in (schema.unit, schema.vehicle, schema.actor, schema.permit):
            assert sorted(again.rows(table.select()), key=str) == sorted(
                world.store.rows(table.select()), key=str
            ), table.name
        e = schema.event
        columns = [c for c in e.c if c.name not in ("event_id", "corrects", "record_day")]
        query = e.select().with_only_columns(*columns).where(e.c.happened, e.c.event_day <= last)
        gone = [44, 45, 56, 57, 58, 59]  # statements about companies
        assert sorted(again.rows(query), key=str) == sorted(
            world.store.rows(query.where(e.c.event.not_in(gone))), key=str
        )
        assert again.meta()["truth"] == "no"


def test_a_sampled_run_passes_the_schema(world, tmp_path):
    out = tmp_path / "sample.jsonld"
    some = kin(world.store, sample(world.store, 12))
    exported = export(world.store, out, Selection(units=some))
    verdict = check_file(out)
    assert verdict.valid, verdict.faults
    assert exported.events == verdict.events > 12
    named = {
        e["brt:event"]
        for e in json.loads(out.read_text("utf-8"))["epcisBody"]["eventList"]
        if "brt:event" in e
    }
    assert {"CODE", "INSTALL"} <= named


def test_the_same_log_gives_the_same_bytes_however_it_is_read(world, tmp_path):
    export(world.store, tmp_path / "one", Selection(view="truth"))
    export(world.store, tmp_path / "two", Selection(view="truth"), rows_at_once=997)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_days_bound_what_goes_out(world, tmp_path):
    day = int(world.store.meta()["first_day"]) + 200
    export(world.store, tmp_path / "some", Selection(view="truth", first=day, until=day + 30))
    events = json.loads((tmp_path / "some").read_text("utf-8"))["epcisBody"]["eventList"]
    assert {e["eventTime"] for e in events}
    assert all(
        0 <= (date.fromisoformat(e["eventTime"][:10]) - date(1970, 1, 1)).days - day <= 30 for e in events
    )


def test_a_vin_stays_at_home_unless_asked_for(world, tmp_path):
    vin = world.rows("SELECT vin FROM vehicle WHERE vin IS NOT NULL LIMIT 1")[0][0]
    hidden = export(world.store, tmp_path / "plain", Selection(view="truth"))
    told = export(world.store, tmp_path / "with", Selection(view="truth"), with_vin=True)
    assert vin not in (tmp_path / "plain").read_text("utf-8")
    assert vin in (tmp_path / "with").read_text("utf-8")
    assert len(hidden.lost) == len(told.lost) + 1
