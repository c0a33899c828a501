"""A second reader of OCEL 2.0, written from the specification and not from the exporter: what a file says, as sets."""

from __future__ import annotations

import json
import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing
from datetime import UTC, datetime


def instant(text):
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None, text
    return moment.astimezone(UTC)


def of_json(path):
    document = json.loads(path.read_text("utf-8"))
    said = {"types": set(), "events": {}, "objects": {}, "e2o": [], "o2o": [], "changes": []}
    for key in ("eventTypes", "objectTypes"):
        said["types"] |= {
            (key, t["name"], a["name"], a["type"]) for t in document[key] for a in t["attributes"]
        }
    for event in document["events"]:
        values = {a["name"]: str(a["value"]) for a in event["attributes"]}
        said["events"][event["id"]] = event["type"], instant(event["time"]), values
        said["e2o"] += [(event["id"], r["objectId"], r["qualifier"]) for r in event["relationships"]]
    for thing in document["objects"]:
        said["objects"][thing["id"]] = thing["type"]
        said["o2o"] += [(thing["id"], r["objectId"], r["qualifier"]) for r in thing["relationships"]]
        said["changes"] += [
            (thing["id"], a["name"], instant(a["time"]), str(a["value"])) for a in thing["attributes"]
        ]
    return said


def of_xml(path):
    log = ET.parse(path).getroot()
    said = {"types": set(), "events": {}, "objects": {}, "e2o": [], "o2o": [], "changes": []}
    for key, tag in (("eventTypes", "event-type"), ("objectTypes", "object-type")):
        for kind in log.iterfind(f"{tag}s/{tag}"):
            said["types"] |= {
                (key, kind.get("name"), a.get("name"), a.get("type")) for a in kind.iter("attribute")
            }
    for event in log.iterfind("events/event"):
        values = {a.get("name"): a.text for a in event.iter("attribute")}
        said["events"][event.get("id")] = event.get("type"), instant(event.get("time")), values
        said["e2o"] += [
            (event.get("id"), r.get("object-id"), r.get("qualifier")) for r in event.iter("relationship")
        ]
    for thing in log.iterfind("objects/object"):
        said["objects"][thing.get("id")] = thing.get("type")
        said["o2o"] += [
            (thing.get("id"), r.get("object-id"), r.get("qualifier")) for r in thing.iter("relationship")
        ]
        said["changes"] += [
            (thing.get("id"), a.get("name"), instant(a.get("time")), a.text) for a in thing.iter("attribute")
        ]
    return said


_TYPES = {"TEXT": "string", "TIMESTAMP": "time", "INTEGER": "integer", "REAL": "float", "BOOLEAN": "boolean"}


def of_sqlite(path):
    said = {"types": set(), "events": {}, "objects": {}, "e2o": [], "o2o": [], "changes": []}
    with closing(sqlite3.connect(path)) as base:
        kinds = dict(base.execute("SELECT ocel_id, ocel_type FROM event"))
        said["objects"] = dict(base.execute("SELECT ocel_id, ocel_type FROM object"))
        for key, what in (("eventTypes", "event"), ("objectTypes", "object")):
            for kind, short in base.execute(f"SELECT * FROM {what}_map_type").fetchall():
                for _, name, type_, *_ in base.execute(f'PRAGMA table_info("{what}_{short}")').fetchall():
                    if not name.startswith("ocel_"):
                        said["types"].add((key, kind, name, _TYPES[type_]))
                rows = base.execute(f'SELECT * FROM "{what}_{short}"')
                columns = [column[0] for column in rows.description]
                for row in rows:
                    told = dict(zip(columns, row, strict=True))
                    values = {
                        name: _text(name, value)
                        for name, value in told.items()
                        if value is not None and not name.startswith("ocel_")
                    }
                    if what == "event":
                        said["events"][told["ocel_id"]] = (
                            kinds[told["ocel_id"]],
                            instant(told["ocel_time"]),
                            values,
                        )
                    else:
                        assert told["ocel_changed_field"] in (None, *values)
                        said["changes"] += [
                            (told["ocel_id"], name, instant(told["ocel_time"]), value)
                            for name, value in values.items()
                        ]
        said["e2o"] = base.execute("SELECT * FROM event_object").fetchall()
        said["o2o"] = base.execute("SELECT * FROM object_object").fetchall()
    return said


def _text(name, value):
    return str(bool(value)) if name == "swap" else str(value)


READERS = {"json": of_json, "xml": of_xml, "sqlite": of_sqlite}


def read(path):
    """What the file at *path* says, comparable between the three containers."""
    said = READERS[path.suffix[1:]](path)
    for key in ("e2o", "o2o", "changes"):
        said[key] = sorted(said[key], key=str)
        if key == "changes":
            said[key] = [
                (thing, name, time, {"true": "True", "false": "False"}.get(value, value))
                for thing, name, time, value in said[key]
            ]
    return said
