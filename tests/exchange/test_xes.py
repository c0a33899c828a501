"""A log flattened: read by a library and by hand, with the counts that SQL gives; what it loses is said."""

from __future__ import annotations

import gzip
import warnings
import xml.etree.ElementTree as ET
from datetime import date, timedelta

import pytest

from tests.exchange.test_ocel_round_trip import one_pack
from tests.sim import small
from traceability.errors import ExchangeError, UnknownName
from traceability.exchange.selecting import Selection
from traceability.exchange.xes import export
from traceability.vocabulary import EventType as E
from traceability.vocabulary import Level

NS = "{http://www.xes-standard.org/}"


@pytest.fixture(scope="module")
def world():
    return small.run(small.small(scale=200_000, first=date(2025, 1, 1)))


@pytest.mark.parametrize("case", ["pack", "vehicle"])
def test_traces_and_events_are_as_many_as_the_log_has(case, world, tmp_path):
    done = export(world.store, tmp_path / "log.xes", Selection(view="truth"), case=case)
    last = int(world.store.meta()["last_day"])
    own = (
        f"unit IN (SELECT unit FROM unit WHERE level = {int(Level.PACK)})"
        if case == "pack"
        else "vehicle IS NOT NULL"
    )
    column = "unit" if case == "pack" else "vehicle"
    wanted = f"happened AND event_day <= {last}"
    [(traces, events)] = world.rows(
        f"SELECT count(DISTINCT {column}), count(*) FROM event WHERE {wanted} AND {own}"
    )
    [(records,)] = world.rows(f"SELECT count(*) FROM event WHERE {wanted}")
    assert (done.traces, done.events) == (traces, events)
    assert done.lost[f"records that are about no {case}"] == records - events
    log = ET.parse(tmp_path / "log.xes").getroot()
    assert log.get("xes.version") == "1849-2016"
    assert {e.get("prefix") for e in log.iter(f"{NS}extension")} == {"concept", "time", "lifecycle", "org"}
    found = log.findall(f"{NS}trace")
    assert (len(found), sum(len(t.findall(f"{NS}event")) for t in found)) == (traces, events)
    for trace in found:
        days = [d.get("value") for d in trace.iter(f"{NS}date") if d.get("key") == "time:timestamp"]
        assert days == sorted(days)
        assert all(day.endswith("T12:00:00.000+08:00") for day in days)


def test_a_library_reads_as_much(world, tmp_path):
    """The library is under AGPL: it tests, and is never depended upon.  Its own import warns."""
    done = export(world.store, tmp_path / "log.xes.gz", Selection(view="truth"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pm4py

        frame = pm4py.read_xes(str(tmp_path / "log.xes.gz"))
    assert len(frame) == done.events
    assert frame["case:concept:name"].nunique() == done.traces
    assert frame["org:resource"].notna().all()
    assert set(frame["time:timestamp"].dt.tz_convert("Asia/Shanghai").dt.hour) == {12}


def test_packed_is_the_same_and_steady(world, tmp_path):
    for name in ("a.xes", "a.xes.gz", "b.xes.gz"):
        export(
            world.store,
            tmp_path / name,
            Selection(view="truth"),
            rows_at_once=5_000 if name[0] == "a" else 97,
        )
    assert (tmp_path / "a.xes.gz").read_bytes()[10:] == (tmp_path / "b.xes.gz").read_bytes()[10:]
    assert gzip.decompress((tmp_path / "a.xes.gz").read_bytes()) == (tmp_path / "a.xes").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.xes", "a.xes.gz", "b.xes.gz"]


def test_a_trace_by_hand(tmp_path):
    steps = [
        (E.CODE, 20_544, {"actor": 1}, []),
        (E.CHECK_SAFETY, 20_545, {"actor": 2, "receiver": 0}, [5, 7]),
    ]
    with one_pack(tmp_path, steps) as store:
        done = export(store, tmp_path / "log.xes")
        with pytest.raises(UnknownName, match="did you mean `pack`"):
            export(store, tmp_path / "x.xes", case="packs")
        with pytest.raises(ExchangeError, match="cannot be written"):
            export(store, tmp_path / "no" / "x.xes")
    assert done.lost == {"numbers whose name stands on their record already": 1}
    [trace] = ET.parse(tmp_path / "log.xes").getroot().findall(f"{NS}trace")
    first, second = ({e.get("key"): e.get("value") for e in event} for event in trace.findall(f"{NS}event"))
    assert first["org:resource"] == "B & <C>"
    assert second["org:resource"] == 'D "quoted"\n'
    assert second["receiver"] == "甲厂"
    assert second["soh_ppm"] == "7"
    days = date(2026, 4, 1), date(2026, 4, 1) + timedelta(days=1)
    assert [first["time:timestamp"], first["recorded"]] == [f"{day}T12:00:00.000+08:00" for day in days]
