"""The verdict on a document: what the schema refuses is refused, at its place, with its reason."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.exchange.epcis import check_file, checking

SAMPLES = Path(__file__).parent / "samples"
EVENT = {
    "type": "ObjectEvent",
    "eventID": "urn:uuid:5f6f4a0e-8f5b-4a9e-9a63-0c8f1c1b0101",
    "eventTime": "2026-04-01T12:00:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "epcList": ["https://id.battrace.example/battery/X"],
    "action": "OBSERVE",
    "bizStep": "shipping",
    "readPoint": {"id": "https://id.battrace.example/site/1"},
    "brt:event": "SHIP",
}


def document(*events, **frame):
    return {
        "@context": [
            "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            {"brt": "https://x.example/"},
        ],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-04-02T00:00:00+08:00",
        "epcisBody": {"eventList": list(events)},
    } | frame


def verdict_on(thing, folder):
    path = folder / "some.jsonld"
    path.write_text(thing if isinstance(thing, str) else json.dumps(thing), "utf-8")
    return check_file(path)


def test_a_good_document_is_valid(tmp_path):
    verdict = verdict_on(document(EVENT, EVENT), tmp_path)
    assert (verdict.valid, verdict.events, verdict.faults, verdict.warnings) == (True, 2, [], {})


@pytest.mark.parametrize(
    ("change", "pointer", "reason"),
    [
        ({"eventTime": "2026-04-01T12:00:00"}, "/eventTime", "a time with its zone"),
        ({"eventTime": "2026-02-30T12:00:00+08:00"}, "/eventTime", "a time with its zone"),
        ({"eventTime": "2026-04-01T12:00:00+08:00\n"}, "/eventTime", "a time with its zone"),
        ({"eventTimeZoneOffset": "+8:00"}, "/eventTimeZoneOffset", "does not match"),
        ({"eventTimeZoneOffset": "Z"}, "/eventTimeZoneOffset", "does not match"),
        ({"eventTimeZoneOffset": "+08:00\n"}, "/eventTimeZoneOffset", "does not match"),
        ({"eventTimeZoneOffset": "+0٨:00"}, "/eventTimeZoneOffset", "does not match"),
        ({"bizStep": "urn:epcglobal:cbv:bizstep:shipping"}, "/bizStep", "no word of the standard"),
        ({"bizStep": "sending"}, "/bizStep", "no word of the standard"),
        ({"disposition": "recycled"}, "/disposition", "no word of the standard"),
        ({"epcList": ["X 1"]}, "/epcList/0", "absolute address"),
        ({"epcList": ["urn:x:1", "urn:x:1"]}, "/epcList", "non-unique"),
        ({"readPoint": "https://id.battrace.example/site/1"}, "/readPoint", "not of type object"),
        ({"action": "observe"}, "/action", "is not one of"),
        ({"ilmd": {"brt:x": 1}}, "", "ilmd stands beside"),
        ({"comment": "hello"}, "", "none of EPCIS"),
        ({"电池": "hello"}, "", "none of EPCIS"),
        ({"my_prefix:x": 1}, "", "none of EPCIS"),
        ({"sensorElementList": [{"sensorReport": [{"type": "Mass", "value": "1.5"}]}]}, "/sensorElementList/0/sensorReport/0/value", "not of type number"),
        ({"sensorElementList": [{"sensorReport": [{"type": "Mass", "value": True}]}]}, "/sensorElementList/0/sensorReport/0/value", "not of type number"),
        ({"bizTransactionList": [{"type": "urn:epcglobal:cbv:btt:po", "bizTransaction": "urn:x:1"}]}, "/bizTransactionList/0/type", "no word of the standard"),
        ({"type": "TransformationEvent"}, "", "none of EPCIS"),
        ({"eventID": 7}, "/eventID", "not of type string"),
    ],
)  # fmt: skip
def test_each_fault_is_found_at_its_place(change, pointer, reason, tmp_path):
    verdict = verdict_on(document(EVENT, EVENT | change), tmp_path)
    assert not verdict.valid
    assert {fault.event for fault in verdict.faults} == {2}
    where = f"/epcisBody/eventList/1{pointer}"
    assert [f for f in verdict.faults if f.pointer == where and reason in f.reason], verdict.faults


@pytest.mark.parametrize(
    ("frame", "pointer"),
    [
        ({"schemaVersion": 2.0}, "/schemaVersion"),
        ({"schemaVersion": "2.0\n"}, "/schemaVersion"),
        ({"creationDate": "2026-04-02"}, "/creationDate"),
        ({"_comment": "hello"}, ""),
        ({"epcisBody": {}}, "/epcisBody"),
        ({"epcisHeader": {"epcisMasterData": {"vocabularyList": [{"type": "plain"}]}}}, "/epcisHeader/epcisMasterData/vocabularyList/0/type"),
        ({"epcisHeader": {"epcisMasterData": {"vocabularyList": [{"type": "urn:x:y", "vocabularyElementList": [{"id": "plain"}]}]}}}, "/epcisHeader/epcisMasterData/vocabularyList/0/vocabularyElementList/0/id"),
    ],
)  # fmt: skip
def test_a_fault_of_the_frame_is_of_no_event(frame, pointer, tmp_path):
    verdict = verdict_on(document(EVENT, **frame), tmp_path)
    assert [fault.event for fault in verdict.faults] == [None]
    assert verdict.faults[0].pointer == pointer


def test_what_readers_trip_over_is_a_warning_and_no_fault(tmp_path):
    odd = EVENT | {
        "eventTime": "2026-04-01T12:00:00+01:00",
        "xyz:a": 1,
        "bizTransactionList": [{"bizTransaction": "urn:x:1"}],
    }
    verdict = verdict_on(document(odd, EVENT), tmp_path)
    assert verdict.valid
    assert len(verdict.warnings) == 3


@pytest.mark.parametrize(
    ("sample", "faults"),
    [
        ("amperia-staxwall-lifecycle", 18),
        ("commissioning", 4),
        ("shipping", 6),
        ("state-of-health", 8),
    ],
)
def test_documents_in_the_wild_fail(sample, faults):
    verdict = check_file(SAMPLES / f"{sample}.jsonld")
    assert verdict.count == faults


def test_a_shape_is_all_that_the_schema_can_tell_a_thing_by():
    """The schema has no keyword that looks at what a shape leaves out: no bounds, no constants, no lengths."""
    found = {key for key, _ in checking.keywords(checking._schema())} - {"definitions", "$schema"}
    assert found <= checking.DEPENDS_ON
    assert max(value for key, value in checking.keywords(checking._schema()) if key == "minItems") <= 2
    kinds = {
        value
        for key, value in checking.keywords(checking._schema())
        if key == "type" and isinstance(value, str)
    }
    assert "integer" not in kinds


_leaves = st.sampled_from(
    ["urn:x:y", "shipping", "plain", "2026-04-01T12:00:00Z", "+08:00", "P1", "", 1, 1.5, True, None]
)
_small = st.recursive(_leaves, lambda s: st.lists(s, max_size=2) | st.dictionaries(st.sampled_from(["id", "type", "brt:x"]), s, max_size=2), max_leaves=4)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from([*EVENT, "sensorElementList", "ilmd", "quantityList", "errorDeclaration"]),
        _small,
        max_size=3,
    )
)
def test_a_verdict_does_not_depend_on_what_was_checked_before(change):
    """What the memory of shapes accepts is what the schema itself accepts."""
    event = copy.deepcopy(EVENT) | change
    place = ("epcisBody", "eventList", "0")
    first, again = checking.faults_of_piece(place, event), checking.faults_of_piece(place, event)
    assert first == again
    assert (not first) == checking._validator("EPCIS-Document-Event").is_valid(event)
