"""What is wrong with documents in the wild, put right where only one right form can be meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from traceability.exchange.json_stream import Json

Note = Callable[[str], None]

_URN = re.compile(r"urn:epcglobal:cbv:(?:bizstep|disp|btt|sdt|er):([A-Za-z_]{1,40})")
_WEB = re.compile(r"https?://(?:ns|ref)\.gs1\.org/cbv/(?:BizStep|Disp|BTT|SDT|ER)-([A-Za-z_]{1,40})")
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_OFFSET = re.compile(r"([+-])([0-9]):?([0-5][0-9])")
_WORDED = frozenset({"bizStep", "disposition", "reason", "type"})
_NUMERIC = frozenset(
    {"value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue", "quantity"}
)
_PLACES = frozenset({"readPoint", "bizLocation"})


def repaired(thing: Json, note: Note, *, shell: bool = False) -> Json:
    """Return *thing* with what can only be meant in one way put right; *note* is told of each repair.

    Comments (keys that begin with `_`) are left out; words of the vocabulary that are written as addresses become
    bare words; numbers that are written as text become numbers; an action that a transformation may not have is
    left out; a place that is plain text becomes an object; an offset of UTC or of one digit is written out.

    Args:
        thing: an event, an element of master data, or a document without its events (*shell*).
        note: called with what was done.
    """
    mended = _mended(thing, note)
    if not isinstance(mended, dict):
        return mended
    if mended.get("type") == "TransformationEvent" and mended.get("action") in ("ADD", "OBSERVE", "DELETE"):
        note("an action was taken from a transformation, which has none")
        del mended["action"]
    offset = mended.get("eventTimeZoneOffset")
    if offset in ("Z", "z", "UTC"):
        note("the offset Z was written +00:00")
        mended["eventTimeZoneOffset"] = "+00:00"
    elif isinstance(offset, str) and (match := _OFFSET.fullmatch(offset)):
        note("an offset was written with two digits of hours")
        mended["eventTimeZoneOffset"] = f"{match[1]}0{match[2]}:{match[3]}"
    version = mended.get("schemaVersion")
    if shell and isinstance(version, int | float) and not isinstance(version, bool) and version == 2:
        note("the schemaVersion, a number, was made a text")
        mended["schemaVersion"] = "2.0"
    return mended


def _mended(thing: Json, note: Note) -> Json:
    if isinstance(thing, list):
        return [_mended(inner, note) for inner in thing]
    if not isinstance(thing, dict):
        return thing
    found: dict[str, Any] = {}
    for key, value in thing.items():
        if key.startswith("_"):
            note("a comment was left out")
        else:
            found[key] = _mended_value(key, value, note)
    return found


def _mended_value(key: str, value: Json, note: Note) -> Json:
    if (
        key in _WORDED
        and isinstance(value, str)
        and (match := _URN.fullmatch(value) or _WEB.fullmatch(value))
    ):
        note("a word of the vocabulary, written as an address, was made a bare word")
        return match[1]
    if key in _NUMERIC and isinstance(value, str) and _NUMBER.fullmatch(value):
        note("a number, written as text, was made a number")
        return float(value) if "." in value else int(value)
    if key in _PLACES and isinstance(value, str):
        note("a place, written as text, was made an object")
        return {"id": value}
    return _mended(value, note)
