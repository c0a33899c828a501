"""The commands: a log goes out, is valid, comes in; every refusal is one message and an exit code."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner

from sim.cli import cli, exchange_import
from tests.exchange.test_epcis_checking import SAMPLES
from tests.sim import small
from traceability.errors import TraceabilityError

RUN = CliRunner()


@pytest.fixture(scope="module")
def log():
    return str(small.run(small.small(scale=200_000, first=date(2025, 1, 1))).store.directory)


def test_a_log_goes_out_is_valid_and_comes_in(log, tmp_path):
    out = str(tmp_path / "events.jsonld")
    done = RUN.invoke(cli, ["export", "epcis", log, "--out", out, "--sample", "5"])
    assert done.exit_code == 0, done.output
    assert "not in it" in done.output
    assert "never in it" in done.output
    checked = RUN.invoke(cli, ["validate-epcis", out])
    assert checked.exit_code == 0, checked.output
    assert "valid" in checked.output
    taken = RUN.invoke(exchange_import.epcis, [out, "--out", str(tmp_path / "store"), "--json"])
    assert taken.exit_code == 0, taken.output
    assert json.loads(taken.output)["records"] > 5


def test_one_unit_goes_out_with_its_own_events_only(log, tmp_path):
    out = tmp_path / "one.jsonld"
    done = RUN.invoke(
        cli, ["export", "epcis", log, "--out", str(out), "--unit", "unit:0", "--view", "truth", "--json"]
    )
    assert done.exit_code == 0, done.output
    events = json.loads(out.read_text("utf-8"))["epcisBody"]["eventList"]
    assert len(events) == json.loads(done.output)["events"]
    assert events[0]["brt:event"] == "CODE"


def test_a_document_that_the_schema_refuses_ends_with_one(tmp_path):
    told = RUN.invoke(cli, ["validate-epcis", str(SAMPLES / "shipping.jsonld")])
    assert told.exit_code == 1
    assert "event 1, /epcisBody/eventList/0/bizTransactionList/0/type: " in told.output
    as_json = RUN.invoke(cli, ["validate-epcis", "--json", str(SAMPLES / "shipping.jsonld")])
    assert json.loads(as_json.output)["faults"] == 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["validate-epcis", "nowhere.jsonld"], "cannot be read"),
        (["export", "epcis", "nowhere", "--out", "x"], "no run here"),
        (["export", "epcis", "LOG", "--out", "no/such/folder/x"], "cannot be written"),
        (["export", "epcis", "LOG", "--out", "x", "--unit", "NOSUCHCODE"], "unknown code or VIN"),
        (["export", "epcis", "LOG", "--out", "x", "--base", "not an address"], "expected a web address"),
    ],
)
def test_a_wrong_input_is_one_message(arguments, said, log, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = RUN.invoke(cli, [log if part == "LOG" else part for part in arguments])
    assert isinstance(done.exception, TraceabilityError)
    assert said in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_names_the_closest():
    done = RUN.invoke(cli, ["export", "epcs"])
    assert done.exit_code == 2
    assert "did you mean `epcis`" in done.output
