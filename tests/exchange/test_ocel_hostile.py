"""Object-centric logs of anybody: taken in, set aside or refused with one message; nothing is ever half written."""

from __future__ import annotations

import json
import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traceability.errors import ExchangeError, StoreError, TraceabilityError
from traceability.exchange.ocel import import_log
from traceability.exchange.ocel.model import Event, Kind, Thing
from traceability.exchange.ocel.writing import write_sqlite, write_xml
from traceability.store import open_store, schema

T = "2026-04-01T12:00:00+08:00"
THINGS = [
    Thing("actor:0", "actor", [], []),
    Thing("P1", "pack", [], [("actor:0", "coded by")]),
    Thing("P2", "module", [], []),
    Thing("P3", "module", [], []),
]


def event(name, type_="Pack Up", relations=(("P1", "item"), ("actor:0", "by")), time=T, **attributes):
    return Event(name, type_, time, attributes, list(relations))


def document(events, things=THINGS, /, **more):
    return {
        "objectTypes": [], "eventTypes": [],
        "objects": [
            {"id": t.id, "type": t.type, "attributes": [{"name": n, "time": w, "value": v} for n, w, v in t.attributes],
             "relationships": [{"objectId": o, "qualifier": q} for o, q in t.relations]} for t in things
        ],
        "events": [
            {"id": e.id, "type": e.type, "time": e.time, "attributes": [{"name": n, "value": v} for n, v in e.attributes.items()],
             "relationships": [{"objectId": o, "qualifier": q} for o, q in e.relations]} for e in events
        ],
    } | more  # fmt: skip


def taken_in(tmp_path, thing, **options):
    path = tmp_path / "in.json"
    path.write_text(thing if isinstance(thing, str) else json.dumps(thing), "utf-8")
    return import_log(path, f"parquet:{tmp_path / 'store'}", **options)


def refused(path):
    with pytest.raises(ExchangeError) as caught:
        import_log(path, f"parquet:{path.parent / 'store'}")
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert "Nothing was taken from it" in str(caught.value)
    return str(caught.value)


def test_somebody_elses_pack_comes_in_with_what_is_said_of_it(tmp_path):
    report = taken_in(
        tmp_path, document([event("e1"), event("e2", "Install Battery", time="2026-04-01T20:00:00")])
    )
    assert (report.records, report.aside) == (2, 0)
    with open_store(f"parquet:{tmp_path / 'store'}") as store:
        codes = [row[1] for row in store.rows(schema.unit.select())]
        days = [row[7] for row in store.rows(schema.event.select().order_by(schema.event.c.event_id))]
    assert codes == ["P1"]
    assert days == [20_544, 20_545]  # a time without a zone is of UTC: it is the next day in China
    assert any("assumed" in note for note in report.notes)


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([event("e", "Repair")], "Repair: the log has no such event"),
        ([event("e", time="noon")], "time 'noon' is none"),
        ([event("e", time="0001-01-01T00:00:00+14:00")], "is none"),
        ([event("e", recorded="later")], "`recorded` is no time"),
        ([event("e", recorded="2020-01-01T00:00:00Z")], "told before it happened"),
        ([event("e", relations=[("P1", "item")])], "says not who did it"),
        ([event("e", relations=[("P1", "a"), ("P2", "b"), ("actor:0", "by")])], "about 2 units"),
        ([event("e", mass_g=1.5)], "expected a whole number"),
        ([event("e", mass_g=10**30)], "expected a whole number"),
        ([event("e", mass_g=True)], "expected a whole number"),
        ([event("e", mass_g=-(2**31))], "expected a whole number"),
        ([event("e", colour="red")], "no such number"),
        ([event("e", further_numbers="mass_g")], "expected a name and a whole number"),
        ([event("e", corrects=7)], "names no event"),
        ([event("e", "Ship", relations=[("actor:0", "by")])], "names none"),
        ([event("e", "Certify Vehicle")], "names none"),
        ([event("e", "Put Together", relations=[("P1", "whole")])], "expected one and some"),
        ([event("e", "Put Together", relations=[("P1", "whole and part")])], "part of itself"),
        ([event("e", "Put Together", relations=[("P1", "whole"), ("P2", "part")], until="never")], "`until` is no time"),
        ([event("e", "Balance Material")], "year is None"),
        ([event("e", "Balance Material", year=2026, input_g=1, recovered_g=1, residue_g=1, element="GOLD")], "no balance"),
    ],
)  # fmt: skip
def test_what_the_log_has_no_word_for_is_set_aside(events, reason, tmp_path):
    aside = tmp_path / "aside.jsonl"
    report = taken_in(tmp_path, document([event("good"), *events]), quarantine=aside)
    assert (report.records, report.links, report.balances, report.aside) == (1, 0, 0, len(events))
    assert reason in report.reasons[0][2]
    assert json.loads(aside.read_text("utf-8").splitlines()[0])["is"]["id"] == "e"


def test_a_unit_is_no_part_of_itself(tmp_path):
    ties = [
        event(f"{parent}{child}", "Put Together", [(parent, "whole"), (child, "part")])
        for parent, child in [("P1", "P2"), ("P2", "P3"), ("P3", "P1")]
    ]
    report = taken_in(tmp_path, document(ties))
    assert (report.links, report.aside) == (2, 1)
    assert "part of itself" in report.reasons[0][2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected an object-centric event log"),
        ("[1, 2]", "expected an object-centric event log"),
        ("{}", "no OCEL 2.0"),
        (document([], events={}), "no OCEL 2.0"),
        (document([], objects=[7]), "expected an object"),
        (document([event("e"), event("e")]), "the event 'e' stands twice"),
        (document([], [*THINGS, THINGS[0]]), "the object 'actor:0' stands twice"),
        (document([event("e", relations=[("nowhere", "item")])]), "which is not in the file"),
        (document([event("")]), "expected a text"),
        (document([event("e" * 2000)]), "at most 1,000"),
        (document([event("e", time=None)]), "time is missing"),
        (document([event("e", mass_g=[1])]), "expected text, a number"),
        (document([event("e", mass_g=None)]), "expected text, a number"),
        (document([event("e")], [*THINGS, Thing("X", "pack", [("code", 7, "x")], [])]), "the time of an attribute"),
        ('{"objects": [], "objects": []}', "stands twice"),
        ('{"objects": [' + "[" * 5_000, "nested deeper"),
        ('{"objects": [{"id": ' + "9" * 5_000 + "}]}", "more than 40 characters"),
        (json.dumps(document([event("e", mass_g=1)])).replace(": 1}", ": NaN}"), "no number in JSON"),
        (json.dumps(document([event("e")])).replace('"attributes": []', '"attributes": 7'), "expected a list"),
    ],
)  # fmt: skip
def test_what_is_no_ocel_is_refused_whole(text, said, tmp_path):
    path = tmp_path / "in.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text), "utf-8")
    assert said in refused(path)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"<?xml version='1.0'?><!DOCTYPE log [{LAUGHS}]><log><objects/><events>&l9;</events></log>",
            "DOCTYPE",
        ),
        ('<!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/passwd">]><log>&x;</log>', "DOCTYPE"),
        ('<!DOCTYPE log SYSTEM "http://127.0.0.1/x.dtd"><log/>', "DOCTYPE"),
        ("<log><objects>&nothing;</objects></log>", "not XML"),
        ("<log><objects>", "not XML"),
        ("<?xml version='1.0' encoding='rot13'?><log/>", "expected UTF-8"),
        ("<?xml version='1.0' encoding='UTF-A'?><log/>", "expected UTF-8"),
        ("<log></log></log>", "not XML"),
        ("<ocel/>", "expected `log`"),
        ("<log><events/></log>", "no `objects`"),
        ("<log><objects/></log>", "no `events`"),
        ("<log>" + "<a>" * 5_000, "nested deeper"),
        ("<log><objects><object type='pack'/></objects><events/></log>", "id is missing"),
        ("<log><objects/><events><event id='e' type='Ship'/></events></log>", "time is missing"),
        ("<log><objects/><events><event id='e' id='f'/></events></log>", "not XML"),
    ],
)
def test_a_hostile_xml_is_refused_before_it_costs_anything(text, said, tmp_path):
    path = tmp_path / "in.xml"
    path.write_text(text, "utf-8")
    assert said in refused(path)


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ('<object id="', "one tag of more than 1,048,576 bytes"),
        ("<!-- ", "one tag of more than 1,048,576 bytes"),
        (
            '<object id="a" type="pack"><attributes><attribute name="n">',
            "one object of more than 16,777,216 bytes",
        ),
    ],
)
def test_an_xml_piece_without_end_is_given_up_on(inside, said, tmp_path):
    path = tmp_path / "in.xml"
    with path.open("w") as file:
        file.write(f"<log><objects>{inside}")
        for _ in range(400):
            file.write("x" * 100_000)
    tracemalloc.start()
    assert said in refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 << 20


def database(path, *statements):
    kinds = [Kind("actor", {}), Kind("pack", {}), Kind("module", {})]
    path.unlink(missing_ok=True)
    write_sqlite(path, kinds, [Kind("Pack Up", {"mass_g": "integer"})], THINGS, [event("e")])
    with closing(sqlite3.connect(path)) as base, base:
        for statement in statements:
            base.execute(statement)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM event; END", "trigger 't'"),
        ("CREATE VIEW v AS SELECT * FROM event", "view 'v'"),
        ("CREATE VIRTUAL TABLE f USING fts5(x)", "plain tables"),
        ("DROP TABLE event_object", "no OCEL 2.0"),
        ("ALTER TABLE object DROP COLUMN ocel_type", None),
        ("DROP TABLE event_PackUp", "the table 'event_PackUp' is not there"),
        ("INSERT INTO event_map_type VALUES ('X', '../../x')", "the table 'event_../../x' is not there"),
        ("INSERT INTO event_map_type VALUES ('X', 'y\"; DROP TABLE event; --')", "is not there"),
        ("UPDATE event SET ocel_type = 'Nothing'", "not in event_map_type"),
        ("DELETE FROM event_PackUp", "0 rows in the table of its type"),
        ("UPDATE event_PackUp SET ocel_time = x'00ff'", "time is bytes"),
        ("UPDATE event_PackUp SET mass_g = x'00ff'", "the value of mass_g"),
        ("UPDATE event_object SET ocel_object_id = 'nowhere'", "which is not in the file"),
        ("ALTER TABLE event_PackUp ADD COLUMN g GENERATED ALWAYS AS (1) VIRTUAL", "computed columns"),
        ("UPDATE event_PackUp SET ocel_time = CAST(x'ff' AS TEXT)", "cannot be read"),
    ],
)
def test_a_hostile_database_is_refused(statement, said, tmp_path):
    path = tmp_path / "in.sqlite"
    if said is None:
        database(path)
        with closing(sqlite3.connect(path)) as base, base:
            base.execute("PRAGMA foreign_keys=OFF")
            base.execute("ALTER TABLE object RENAME COLUMN ocel_type TO kind")
        said = "no column ocel_type"
    else:
        database(path, statement)
    assert said in refused(path)


def test_a_database_cut_short_is_refused_and_a_whole_one_is_not_touched(tmp_path):
    path = tmp_path / "in.sqlite"
    database(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cannot be read" in refused(path)
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 5_000)
    assert "cannot be read" in refused(path)
    path.write_bytes(whole)
    assert import_log(path, str(tmp_path / "store")).records == 1
    assert path.read_bytes() == whole
    with pytest.raises(StoreError, match="something is there already"):
        import_log(path, str(tmp_path / "store"))


def test_names_that_look_like_paths_are_names(tmp_path):
    things = [THINGS[0], Thing("../../etc/passwd", "pack", [], []), Thing("C:\\x", "pack", [], [])]
    events = [event(t.id, relations=[(t.id, "item"), ("actor:0", "by")]) for t in things[1:]]
    assert taken_in(tmp_path, document(events, things)).records == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.json", "store"]


_hostile = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["P1", "actor:0", T, "by", "Ship", "pack", "event:1", "e0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=60)
@given(
    places=st.lists(st.tuples(st.sampled_from(["objects", "events"]), st.integers(0, 3), st.sampled_from(["id", "type", "time", "attributes", "relationships"]), _hostile), max_size=3),
    attribute=st.tuples(st.sampled_from(["recorded", "corrects", "mass_g", "further_numbers", "x"]), _hostile),
    permit=_hostile,
)  # fmt: skip
def test_whatever_stands_in_a_field_no_import_breaks(places, attribute, permit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    thing = document(
        [
            event("e0", **{attribute[0]: attribute[1]}),
            event("e1"),
            event("e2", "Put Together", [("P1", "whole"), ("P2", "part")]),
        ]
    )
    thing["objects"][0]["attributes"] = [
        {"name": name, "time": T, "value": permit}
        for name in ("permit_eia", "name", "role", "province", "stands_for")
    ]
    for key, number, name, value in places:
        thing[key][number % len(thing[key])][name] = value
    path = folder / "in.json"
    path.write_text(json.dumps(thing), "utf-8")
    try:
        report = import_log(path, str(folder / "store"))
    except TraceabilityError as error:
        assert str(error)
        assert [p.name for p in folder.iterdir()] == ["in.json"]
        return
    with open_store(str(folder / "store")) as store:
        assert (store.count(schema.event), store.count(schema.link)) == (report.records, report.links)


@settings(max_examples=80)
@given(
    ending=st.sampled_from(["sqlite", "xml"]),
    place=st.integers(0, 60_000),
    bytes_=st.binary(min_size=1, max_size=6),
)
def test_a_file_with_broken_bytes_is_taken_in_or_refused_never_half(ending, place, bytes_, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bytes")
    path = Path(folder / f"in.{ending}")
    if ending == "sqlite":
        database(path)
    else:
        write_xml(path, [Kind("pack", {})], [Kind("Pack Up", {})], THINGS, [event("e", mass_g=3)])
    text = bytearray(path.read_bytes())
    place %= len(text)
    text[place : place + len(bytes_)] = bytes_
    path.write_bytes(text)
    try:
        import_log(path, str(folder / "store"))
    except TraceabilityError as error:
        assert str(error)
        assert [p.name for p in folder.iterdir()] == [path.name]
