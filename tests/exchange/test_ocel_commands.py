"""The commands on OCEL and XES: a log goes out and comes in; every refusal is one message and an exit code."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner

from sim.cli import cli
from tests.exchange.ocel_readers import read
from tests.sim import small
from traceability.errors import TraceabilityError

RUN = CliRunner()


@pytest.fixture(scope="module")
def world():
    return small.run(small.small(scale=200_000, first=date(2025, 1, 1)))


@pytest.fixture(scope="module")
def log(world):
    return str(world.store.directory)


@pytest.mark.parametrize("ending", ["json", "sqlite", "xml"])
def test_a_log_goes_out_and_comes_in(ending, log, tmp_path):
    out = tmp_path / f"events.{ending}"
    done = RUN.invoke(cli, ["export", "ocel", log, "--out", str(out), "--sample", "5"])
    assert done.exit_code == 0, done.output
    assert "never in it: the hour of a day" in done.output
    assert "objects that no event names" in done.output
    taken = RUN.invoke(cli, ["import", "ocel", str(out), "--out", str(tmp_path / "store"), "--json"])
    assert taken.exit_code == 0, taken.output
    assert json.loads(taken.output)["events"] == len(read(out)["events"]) > 5


def test_one_unit_goes_out_as_it_was_known_on_a_day(world, log, tmp_path):
    out = tmp_path / "one.bin"
    told = "SELECT unit FROM event WHERE record_day IS NOT NULL AND unit IS NOT NULL"
    [(unit,)] = world.rows(f"{told} GROUP BY unit ORDER BY count(DISTINCT record_day) DESC, unit LIMIT 1")
    arguments = [
        "export",
        "ocel",
        log,
        "--out",
        str(out),
        "--format",
        "json",
        "--unit",
        f"unit:{unit}",
        "--json",
    ]
    whole = RUN.invoke(cli, arguments)
    assert whole.exit_code == 0, whole.output
    events = json.loads(out.read_text("utf-8"))["events"]
    assert len(events) == json.loads(whole.output)["events"] > 1
    first = min(a["value"] for e in events for a in e["attributes"] if a["name"] == "recorded")
    early = RUN.invoke(cli, [*arguments, "--as-of", first[:10]])
    assert early.exit_code == 0, early.output
    assert 0 < json.loads(early.output)["events"] < len(events)


def test_a_log_goes_out_flat(log, tmp_path):
    out = str(tmp_path / "log.xes.gz")
    done = RUN.invoke(cli, ["export", "xes", log, "--out", out, "--case", "vehicle", "--sample", "50"])
    assert done.exit_code == 0, done.output
    assert "one a vehicle" in done.output
    assert "lost by flattening" in done.output
    as_json = RUN.invoke(cli, ["export", "xes", log, "--out", out, "--json"])
    assert json.loads(as_json.output)["traces"] > 0


def test_what_is_set_aside_ends_with_one(tmp_path):
    event = {"id": "e", "type": "Repair", "time": "2026-04-01T12:00:00Z", "attributes": [], "relationships": [{"objectId": "x", "qualifier": "by"}]}  # fmt: skip
    document = {"eventTypes": [], "objectTypes": [], "events": [event], "objects": [{"id": "x", "type": "order", "attributes": [], "relationships": []}]}  # fmt: skip
    path, aside = tmp_path / "in.json", tmp_path / "aside.jsonl"
    path.write_text(json.dumps(document), "utf-8")
    done = RUN.invoke(
        cli, ["import", "ocel", str(path), "--out", str(tmp_path / "store"), "--quarantine", str(aside)]
    )
    assert done.exit_code == 1
    assert "set aside: event 1 e: Repair: the log has no such event" in done.output
    assert json.loads(aside.read_text("utf-8"))["is"]["type"] == "Repair"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "ocel", "nowhere.json", "--out", "s"], "cannot be read"),
        (["export", "ocel", "nowhere", "--out", "x.json"], "no run here"),
        (["export", "ocel", "LOG", "--out", "x.txt"], "cannot tell the format from the ending `.txt`"),
        (["export", "ocel", "LOG", "--out", "no/such/folder/x.json"], "cannot be written"),
        (["export", "ocel", "LOG", "--out", "no/such/folder/x.sqlite"], "cannot be written"),
        (["export", "ocel", "LOG", "--out", "x.json", "--unit", "NOSUCHCODE"], "unknown code or VIN"),
        (["export", "xes", "LOG", "--out", "no/such/folder/x.xes"], "cannot be written"),
    ],
)
def test_a_wrong_input_is_one_message(arguments, said, log, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = RUN.invoke(cli, [log if part == "LOG" else part for part in arguments])
    assert isinstance(done.exception, TraceabilityError)
    assert said in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_text_values_are_for_json_only(log, tmp_path):
    done = RUN.invoke(cli, ["export", "ocel", log, "--out", str(tmp_path / "x.sqlite"), "--text-values"])
    assert done.exit_code == 2
    assert "only JSON needs numbers as text" in done.output
