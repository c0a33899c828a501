"""Documents of others come in as a register: put right, set aside or refused, and said so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchange.test_epcis_checking import EVENT, SAMPLES, document
from traceability.errors import ExchangeError, StoreError, TraceabilityError
from traceability.exchange.epcis import import_document
from traceability.exchange.identifiers import VOCABULARY
from traceability.store import open_store, schema
from traceability.vocabulary import Detail
from traceability.vocabulary import EventType as E

CONTEXT = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"brt": VOCABULARY}]


def taken_in(thing, folder, **options):
    path = folder / "in.jsonld"
    path.write_text(json.dumps(thing), "utf-8")
    report = import_document(path, f"parquet:{folder / 'store'}", **options)
    return report, open_store(f"parquet:{folder / 'store'}")


def ours(*events, **frame):
    return document(*events, **{"@context": CONTEXT} | frame)


def told(event, **more):
    return (
        EVENT
        | {
            "brt:event": event,
            "brt:actor": "https://id.battrace.example/party/1",
            "eventID": f"urn:x:{event}",
        }
        | more
    )


@pytest.mark.parametrize(
    ("sample", "events", "links"),
    [
        ("amperia-staxwall-lifecycle", [E.CODE, E.PACK_UP, E.DELIVER, E.INSTALL, *[E.CHECK_SAFETY] * 3], 2),
        ("commissioning", [E.CODE], 0),
        ("shipping", [E.DELIVER], 0),
        ("state-of-health", [E.CHECK_SAFETY], 0),
    ],
)
def test_the_samples_are_repaired_and_taken_in(sample, events, links, tmp_path):
    report = import_document(SAMPLES / f"{sample}.jsonld", str(tmp_path / "log"))
    assert report.repairs
    assert (report.aside, report.links) == (0, links)
    with open_store(str(tmp_path / "log")) as store:
        e = schema.event
        assert [
            row[0] for row in store.rows(e.select().with_only_columns(e.c.event).order_by(e.c.event_id))
        ] == events
        assert store.meta()["truth"] == "no"
        health = [value for _, what, value in store.rows(schema.detail.select()) if what == Detail.SOH_PPM]
    assert health == {"amperia-staxwall-lifecycle": [1_000_000, 975_000], "commissioning": [1_000_000], "state-of-health": [942_000]}.get(sample, [])  # fmt: skip


def test_what_was_told_when_is_the_day_where_it_happened(tmp_path):
    late = EVENT | {"eventTime": "2026-03-31T23:30:00Z", "eventTimeZoneOffset": "+01:00"}
    _, store = taken_in(document({k: v for k, v in late.items() if k != "brt:event"}), tmp_path)
    with store:
        [row] = store.rows(schema.event.select())
    assert (row[7], row[8]) == (20544, 20545)  # 2026-04-01, and the day of the document


def test_a_correction_takes_the_place_of_its_record(tmp_path):
    first = told("CODE", action="ADD", recordTime="2026-04-03T12:00:00+08:00")
    wrong = first | {
        "errorDeclaration": {
            "declarationTime": "2026-04-05T12:00:00+08:00",
            "correctiveEventIDs": ["urn:x:new"],
        }
    }
    new = first | {"eventID": "urn:x:new", "brt:actor": "https://id.battrace.example/party/2"}
    report, store = taken_in(ours(first, wrong, new), tmp_path)
    with store:
        rows = store.rows(schema.event.select().order_by(schema.event.c.event_id))
    assert report.aside == 0
    assert [(row[4], row[9], row[10]) for row in rows] == [(1, True, None), (2, False, 0)] or [
        (row[9], row[10]) for row in rows
    ] == [(True, None), (False, 0)]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([told("FLY")], "no event of this log"),
        ([told("CODE", **{"brt:actor": 7})], "no address"),
        ([told("CODE", epcList=["urn:x:1", "urn:x:2"])], "names 2 things"),
        ([told("CODE", **{"brt:details": [{"what": "MASS_G", "value": 1e300}]})], "whole number"),
        ([told("CODE", **{"brt:details": {"what": "MASS_G"}})], "no list"),
        ([told("CODE", recordTime="2020-01-01T00:00:00Z")], "told before it happened"),
        ([told("CERTIFY", epcList=[])], "names none"),
        ([told("SHIP", epcList=[])], "names none"),
        ([told("CODE"), told("CODE")], "came before"),
        (
            [told("CODE"), told("DELIVER"), told("PROCESS"), told("CODE", eventID="urn:x:again")],
            "cannot follow PROCESSED",
        ),
        ([told("REMAKE"), told("CERTIFY", epcList=[], **{"brt:vehicle": 3})], "no address"),
        ([EVENT | {"brt:event": "X", "bizStep": "repairing"}], "no event of this log"),
        (
            [told("CODE", errorDeclaration={"declarationTime": "2026-04-05T12:00:00Z"})],
            "replaced by 0 events",
        ),
    ],
)
def test_what_the_log_has_no_word_for_is_set_aside(events, reason, tmp_path):
    aside = tmp_path / "aside.jsonl"
    report, store = taken_in(ours(*events), tmp_path, quarantine=aside)
    with store:
        assert store.count(schema.event) == report.records == len(events) - 1
    assert report.aside == 1
    assert reason in report.reasons[0][2]
    [line] = aside.read_text("utf-8").splitlines()
    assert json.loads(line)["is"] == json.loads(json.dumps(events[-1]))


def test_a_unit_is_no_part_of_itself(tmp_path):
    ties = [
        {
            "type": "AssociationEvent", "eventTime": "2026-04-01T12:00:00+08:00", "eventTimeZoneOffset": "+08:00",
            "parentID": f"urn:x:{parent}", "childEPCs": [f"urn:x:{child}"], "action": "ADD", "brt:link": "CONTAINS",
            "bizStep": "assembling",
        }
        for parent, child in [(1, 2), (2, 3), (3, 1), (4, 4)]
    ]  # fmt: skip
    report, store = taken_in(ours(*ties), tmp_path)
    store.close()
    assert (report.links, report.aside) == (2, 2)
    assert all("part of itself" in why for _, _, why in report.reasons)


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (document(EVENT | {"bizStep": "sending"}), "no word of the standard"),
        (document(EVENT | {"ilmd": {}}), "ilmd"),
        (EVENT, "expected an EPCISDocument"),
        ([1, 2], "expected an EPCISDocument"),
        ({"type": "EPCISDocument"}, "required"),
        (document(EVENT | {"eventTime": "9999-12-31T23:59:59-14:00"}), None),
    ],
)
def test_what_the_schema_refuses_is_refused_whole(thing, said, tmp_path):
    path = tmp_path / "in.jsonld"
    path.write_text(json.dumps(thing), "utf-8")
    if said is None:
        assert import_document(path, str(tmp_path / "store")).aside == 1
        return
    with pytest.raises(ExchangeError, match=said):
        import_document(path, str(tmp_path / "store"))
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="there already"):
        import_document(SAMPLES / "shipping.jsonld", str(tmp_path / "store"))
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["mine.txt"]


def test_a_sqlite_store_is_made_too(tmp_path):
    import_document(SAMPLES / "shipping.jsonld", f"sqlite:///{tmp_path / 'log.db'}")
    with open_store(f"sqlite:///{tmp_path / 'log.db'}") as store:
        assert store.count(schema.event) == 1
    assert {path.suffix for path in tmp_path.iterdir()} <= {".db"}


_odd = st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8) | st.sampled_from(["CODE", "RECOVER", "urn:x:1", "2026-04-01"])  # fmt: skip
_hostile = st.recursive(_odd, lambda s: st.lists(s, max_size=3) | st.dictionaries(st.sampled_from(["what", "value", "element", "actor", "day", "told", "x"]), s, max_size=4), max_leaves=6)  # fmt: skip
_keys = st.sampled_from(["brt:event", "brt:actor", "brt:receiver", "brt:vehicle", "brt:unit", "brt:details", "brt:balances", "brt:inputsTold", "brt:link", "brt:until"])  # fmt: skip


@given(
    changes=st.lists(st.dictionaries(_keys, _hostile, max_size=3), min_size=1, max_size=4),
    kind=st.sampled_from(["ObjectEvent", "TransformationEvent", "AssociationEvent"]),
    attributes=st.dictionaries(st.sampled_from(["code", "level", "chemistry", "coder", "made", "energyWh", "massG", "purpose", "name", "role", "permit", "vin", "maker", "kind", "province", "standsFor"]), _hostile, max_size=6),
    address=st.sampled_from(["battery", "lot", "party", "vehicle"]),
)  # fmt: skip
def test_whatever_stands_in_our_own_fields_no_import_breaks(
    changes, kind, attributes, address, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("fuzz")
    events = []
    for number, change in enumerate(changes):
        event = told("CODE", eventID=f"urn:x:{number}")
        if kind == "TransformationEvent":
            event = {k: v for k, v in event.items() if k not in ("action", "epcList")}
            event |= {"type": kind, "inputEPCList": ["urn:x:a"], "outputEPCList": ["urn:x:b"]}
        elif kind == "AssociationEvent":
            event = {k: v for k, v in event.items() if k != "epcList"}
            event |= {"type": kind, "parentID": "urn:x:p", "childEPCs": ["urn:x:a"]}
        events.append(event | change)
    said = [{"id": f"brt:{key}", "attribute": value} for key, value in attributes.items()]
    element = {"id": f"https://id.battrace.example/{address}/1", "attributes": said}
    header = {
        "epcisMasterData": {"vocabularyList": [{"type": "brt:Item", "vocabularyElementList": [element]}]}
    }
    path = folder / "in.jsonld"
    path.write_text(json.dumps(ours(*events, epcisHeader=header)), "utf-8")
    try:
        report = import_document(path, str(folder / "store"))
    except TraceabilityError:
        assert [p.name for p in folder.iterdir()] == ["in.jsonld"]
        return
    with open_store(str(folder / "store")) as store:
        assert store.count(schema.event) == report.records


@given(place=st.integers(0, 12_000), bytes_=st.binary(min_size=1, max_size=3))
def test_a_document_with_broken_bytes_is_taken_in_or_refused_never_half(place, bytes_, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bytes")
    text = bytearray((SAMPLES / "amperia-staxwall-lifecycle.jsonld").read_bytes())
    text[place : place + len(bytes_)] = bytes_
    path = Path(folder / "in.jsonld")
    path.write_bytes(text)
    try:
        import_document(path, str(folder / "store"))
    except TraceabilityError as error:
        assert str(error)
        assert [p.name for p in folder.iterdir()] == ["in.jsonld"]
