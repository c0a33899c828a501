"""A simulated log, written as the table that a platform would export and read again: the rules find the same."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from sim import inputs
from sim.run import simulate
from sim.scenario import load
from tests.imports.logs import imported
from traceability.compliance import audit, view_of
from traceability.events import EPOCH, NULL
from traceability.imports import checked_mapping
from traceability.store import Store, open_store, schema
from traceability.vocabulary import REMARKS, Chemistry, EventType, Level, Role

FIELDS = (
    "event", "event_day", "record_day", "unit", "vehicle", "actor", "actor_code", "actor_role", "receiver",
    "receiver_code", "receiver_role", "carrier", "level", "chemistry", "swap",
)  # fmt: skip

OF_EVENTS = ("R12", "R13", "R21", "R22", "R23", "R24", "R32", "R35", "R46", "R57")
"""Rules that read events, actors and vehicles alone; links, permits and balances stand in no table of events."""


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A small world in which every pack has a code of its own."""
    folder = tmp_path_factory.mktemp("round_trip")
    path = folder / "small.toml"
    path.write_text(
        'extends = "baseline"\nname = "small"\nfrom = 2020-01-01\nuntil = 2028-12-31\nscale = 100000\nseed = 5\n'
        "[coding]\nduplicate_share = 0.0\n"
    )
    store = open_store(f"sqlite:///{folder / 'log.db'}", create=True)
    simulate(load(path), inputs.load(), store)
    yield store
    store.close()


def day_text(number: int) -> str:
    return "" if number == NULL else (EPOCH + timedelta(days=number)).isoformat()


def exported(store: Store, path: Path) -> tuple[int, int]:
    """Write what the platform was told as CSV; return how many rows, and the last day of the log."""
    as_of = int(store.meta()["last_day"])
    told = view_of("register", as_of).event
    names = {a: (str(n), str(c or ""), Role(int(r)).name) for a, n, c, r in store.rows(
        select(schema.actor.c.actor, schema.actor.c.name, schema.actor.c.credit_code, schema.actor.c.role))}  # fmt: skip
    units = {u: (c or f"UNIT-{u}", Level(int(v)).name, Chemistry(int(k)).name) for u, c, v, k in store.rows(
        select(schema.unit.c.unit, schema.unit.c.code, schema.unit.c.level, schema.unit.c.chemistry))}  # fmt: skip
    vehicles = {v: (vin, "是" if swap else "否") for v, vin, swap in store.rows(
        select(schema.vehicle.c.vehicle, schema.vehicle.c.vin, schema.vehicle.c.swap))}  # fmt: skip
    nobody = ("", "", "")
    rows = store.rows(
        select(
            told.c.event, told.c.event_day, told.c.record_day, told.c.unit, told.c.vehicle, told.c.actor,
            told.c.receiver, told.c.carrier,
        ).order_by(told.c.event_id)
    )  # fmt: skip
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        for event, day, reported, unit, vehicle, actor, receiver, carrier in rows:
            code, level, chemistry = units.get(unit, nobody)
            vin, swap = vehicles.get(vehicle, ("", ""))
            writer.writerow([
                EventType(event).name, day_text(day), day_text(reported), code, vin, *names[actor],
                *names.get(receiver, nobody), names.get(carrier, nobody)[0], level, chemistry, swap,
            ])  # fmt: skip
    return len(rows), as_of


def found(store: Store, as_of: int) -> Counter[tuple[object, ...]]:
    """Rule, code, VIN, company, day and measure of every finding in the register, of OF_EVENTS."""
    findings = audit(store, view_of("register", as_of)).findings
    codes = {u: c or f"UNIT-{u}" for u, c in store.rows(select(schema.unit.c.unit, schema.unit.c.code))}
    vins = dict(store.rows(select(schema.vehicle.c.vehicle, schema.vehicle.c.vin)))
    names = dict(store.rows(select(schema.actor.c.actor, schema.actor.c.name)))
    return Counter(
        (rule.id, codes.get(int(unit)), vins.get(int(vehicle)), names.get(int(actor)), int(day), int(measured))
        for rule, unit, vehicle, actor, day, measured in zip(
            (findings.rules[int(number)] for number in findings.rule),
            findings.unit, findings.vehicle, findings.actor, findings.day, findings.measured, strict=True,
        )
        if rule.id in OF_EVENTS
    )  # fmt: skip


def test_a_simulated_log_written_as_csv_and_imported_has_the_same_findings(simulated, tmp_path):
    path = tmp_path / "export.csv"
    rows, as_of = exported(simulated, path)
    mapping = checked_mapping({"columns": {name: name for name in FIELDS}, "gaps": "accept"}, "columns.toml")
    log = imported(tmp_path, path, by=mapping, as_of=as_of)
    assert log.report.read == rows + 1
    assert log.report.reasons() == []
    before, after = found(simulated, as_of), found(log.store, as_of)
    assert sum(before.values()) > 50
    assert after == before


def test_what_is_left_out_by_default_are_rows_that_follow_a_gap(simulated, tmp_path):
    path = tmp_path / "export.csv"
    rows, as_of = exported(simulated, path)
    mapping = checked_mapping({"columns": {name: name for name in FIELDS}}, "columns.toml")
    report = imported(tmp_path, path, by=mapping, as_of=as_of).report
    assert report.accepted + report.quarantined == rows
    assert 0 < report.bridgeable <= report.quarantined
    assert not any(EventType[fault.value] in REMARKS for fault in report.faults)
