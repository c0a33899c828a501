"""What goes out as OCEL 2.0 is read by others: the schema, one library, and a second reader, with the same counts."""

from __future__ import annotations

import json
import sqlite3
import warnings
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import jsonschema
import pytest

from tests.exchange.ocel_readers import read
from tests.sim import small
from traceability.errors import ExchangeError
from traceability.exchange.ocel import export
from traceability.exchange.selecting import Selection, kin, sample
from traceability.store import open_store, schema
from traceability.vocabulary import EventType as E
from traceability.vocabulary import Role

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "ocel20-profile.schema.json").read_text("utf-8"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ENDINGS = ["json", "xml", "sqlite"]


@pytest.fixture(scope="module")
def world():
    return small.run(small.small(scale=200_000, first=date(2025, 1, 1)))


@pytest.fixture(scope="module")
def files(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ocel")
    return {
        ending: (
            folder / f"log.{ending}",
            export(world.store, folder / f"log.{ending}", Selection(view="truth")),
        )
        for ending in ENDINGS
    }


def by_pm4py(path):
    """The library is under AGPL: it tests, and is never depended upon.  Its own import warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pm4py

        return {
            "json": pm4py.read_ocel2_json,
            "xml": pm4py.read_ocel2_xml,
            "sqlite": pm4py.read_ocel2_sqlite,
        }[path.suffix[1:]](str(path))


def test_the_document_fits_the_schema_with_formats_checked(world, files, tmp_path):
    checker = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)
    some = tmp_path / "sample.json"
    export(world.store, some, Selection(units=kin(world.store, sample(world.store, 12))))
    for path in (files["json"][0], some):
        document = json.loads(path.read_text("utf-8"))
        assert list(checker.iter_errors(document)) == []
        assert document["events"]
    document["events"][0]["time"] = "2026-02-30T12:00:00"
    assert list(checker.iter_errors(document))


def test_with_numbers_as_text_every_value_is_text(world, tmp_path):
    export(world.store, tmp_path / "log.json", Selection(view="truth"), text_only=True)
    document = json.loads((tmp_path / "log.json").read_text("utf-8"))
    values = [
        a["value"] for key in ("events", "objects") for thing in document[key] for a in thing["attributes"]
    ]
    assert values
    assert all(isinstance(value, str) for value in values)


def test_the_database_meets_each_constraint_of_the_format(files):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pm4py.objects.ocel.validation import ocel20_rel_validation

        met, unmet = ocel20_rel_validation.apply(str(files["sqlite"][0]))
    assert (len(met), unmet) == (24, [])
    with closing(sqlite3.connect(files["sqlite"][0])) as base:
        assert base.execute("PRAGMA foreign_key_check").fetchall() == []
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_the_three_files_say_the_same(files):
    said = [read(files[ending][0]) for ending in ENDINGS]
    for key in said[0]:
        assert said[1][key] == said[0][key], key
        assert said[2][key] == said[0][key], key


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_second_reader_counts_what_the_log_has(ending, world, files):
    """Rows of the log counted by SQL, against the file counted by a reader that does not know the exporter."""
    path, _ = files[ending]
    said, last = read(path), int(world.store.meta()["last_day"])

    def rows(query):
        return world.rows(query)[0][0]

    happened = f"happened AND event_day <= {last}"
    records = rows(f"SELECT count(*) FROM event WHERE {happened}")
    by_kind: dict[str, int] = {}
    for name in said["events"]:
        by_kind[name.partition(":")[0]] = by_kind.get(name.partition(":")[0], 0) + 1
    assert by_kind["event"] == records
    assert by_kind["balance"] == rows(f"SELECT count(*) FROM material WHERE happened AND day <= {last}")
    ties = [r for r in said["e2o"] if r[0].startswith("link:") and r[2] in ("part", "input")]
    assert len(ties) == rows(f"SELECT count(*) FROM link WHERE from_day <= {last}")
    certificates = rows(
        f"SELECT count(DISTINCT (event, vehicle)) FROM event WHERE {happened} AND event IN ({int(E.CERTIFY)}, {int(E.ISSUE_CERTIFICATE)})"
    )
    things = sum(world.store.count(table) for table in (schema.unit, schema.vehicle, schema.actor))
    assert len(said["objects"]) == things + certificates
    named = rows(
        f"SELECT sum(CAST(unit IS NOT NULL AS INT) + CAST(vehicle IS NOT NULL AS INT)"
        f" + CAST(event IN ({int(E.CERTIFY)}, {int(E.ISSUE_CERTIFICATE)}) AS INT)"
        f" + len(list_distinct([actor, receiver, carrier]))) FROM event WHERE {happened}"
    )
    assert sum(name.startswith("event:") for name, _, _ in said["e2o"]) == named
    between = rows(f"SELECT count(*) FROM (SELECT DISTINCT parent, child FROM link WHERE from_day <= {last})")
    assert sum(how.startswith(("contains", "made from")) for _, _, how in said["o2o"]) == between


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_library_drops_nothing_but_objects_that_no_event_names(ending, files):
    path, done = files[ending]
    theirs = by_pm4py(path)
    alone = sum(rows for what, rows in done.lost.items() if what.startswith("objects that no event names"))
    assert alone
    assert len(theirs.events) == done.events
    assert len(theirs.objects) == done.objects - alone
    assert len(theirs.relations) == done.event_object
    ours = read(path)
    named = {name for _, name, _ in ours["e2o"]}
    assert set(theirs.objects["ocel:oid"]) == named
    kept = [r for r in ours["o2o"] if r[0] in named and r[1] in named]
    assert len(theirs.o2o) == len(kept)
    changed = [c for c in ours["changes"] if c[2] != EPOCH and c[0] in named]
    assert len(theirs.object_changes) == len(changed)
    states = [c for c in ours["changes"] if c[2] != EPOCH and c[1] == "status" and c[0] in named]
    first = {thing: min(c[2] for c in states if c[0] == thing) for thing in {c[0] for c in states}}
    found = theirs.object_changes[theirs.object_changes["ocel:field"] == "status"]
    earliest = found.groupby("ocel:oid")["ocel:timestamp"].min()
    assert {thing: time.to_pydatetime().astimezone(UTC) for thing, time in earliest.items()} == first


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_makes_readers_lose_data_is_not_in_the_file(ending, files):
    said = read(files[ending][0])
    assert {event for event, _, _ in said["e2o"]} == set(said["events"])
    assert {thing for _, thing, _ in said["e2o"]} <= set(said["objects"])
    for key in ("e2o", "o2o"):
        pairs = [row[:2] for row in said[key]]
        assert len(set(pairs)) == len(pairs)
    assert {thing for row in said["o2o"] for thing in row[:2]} <= set(said["objects"])
    started = {(thing, name) for thing, name, time, _ in said["changes"] if time == EPOCH}
    assert {(thing, name) for thing, name, _, _ in said["changes"]} == started
    assert not {value for *_, value in said["changes"]} & {"", "null", "nan", None}
    of_a_day = [change[:3] for change in said["changes"] if change[1] in ("status", "keeper")]
    assert len(set(of_a_day)) == len(of_a_day)
    declared = {(kind, name) for _, kind, name, _ in said["types"]}
    used = {(said["objects"][thing], name) for thing, name, _, _ in said["changes"]}
    used |= {(kind, name) for kind, _, values in said["events"].values() for name in values}
    assert used <= declared


def test_the_same_log_gives_the_same_bytes_however_it_is_read(world, tmp_path):
    for ending in ("json", "xml"):
        export(world.store, tmp_path / f"one.{ending}", Selection(view="truth"))
        export(world.store, tmp_path / f"two.{ending}", Selection(view="truth"), rows_at_once=997)
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def test_days_bound_what_goes_out_and_a_vin_stays_at_home(world, tmp_path):
    day = int(world.store.meta()["first_day"]) + 200
    done = export(world.store, tmp_path / "some.json", Selection(view="truth", first=day, until=day + 30))
    times = {time for _, time, _ in read(tmp_path / "some.json")["events"].values()}
    assert len(times) > 1
    assert all(0 <= (time - EPOCH).days - day <= 30 for time in times)
    assert any("VINs" in what for what in done.lost)
    export(world.store, tmp_path / "told.json", Selection(view="truth"), with_vin=True)
    vin = world.rows("SELECT vin FROM vehicle WHERE vin IS NOT NULL ORDER BY vehicle LIMIT 1")[0][0]
    assert vin in (tmp_path / "told.json").read_text("utf-8")
    assert vin not in (tmp_path / "some.json").read_text("utf-8")


def test_a_log_that_names_what_it_does_not_describe_is_not_written(tmp_path):
    import numpy as np

    with open_store(f"parquet:{tmp_path / 'log'}", create=True) as store:
        store.append(
            schema.actor, 1,
            {"actor": np.array([0]), "name": ["A"], "role": int(Role.CU), "province": 11, "stands_for": 1},
        )  # fmt: skip
        store.append(
            schema.event, 1,
            {"event_id": 0, "event": int(E.INSPECT), "actor": 0, "receiver": 7, "event_day": 20_000, "record_day": 20_000, "happened": True},
        )  # fmt: skip
        store.finish()
        with pytest.raises(ExchangeError, match=r"names actor 7 \(table event, column receiver\)"):
            export(store, tmp_path / "log.json")
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
