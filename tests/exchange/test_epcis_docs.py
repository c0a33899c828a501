"""The page on EPCIS says what the code does: its example runs, its JSON is what comes out, its table is ours."""

from __future__ import annotations

import json
import re
from pathlib import Path

from traceability.exchange.epcis import check_file, import_document
from traceability.exchange.epcis.words import FORMS, UNSAID

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "epcis.md"


def block(language):
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    return found[1]


def table():
    rows = []
    for event, form in FORMS.items():
        step = form.step.rpartition("/")[2]
        action = f" {form.action}" if form.action else ""
        rows.append(f"| {event.name} | {form.shape.value}{action}, {step}, {form.disposition or '–'} |")
    return "\n".join(rows)


def test_the_battery_of_the_page_goes_out_as_the_page_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(block("python"), str(PAGE), "exec"), names)
    events = names["events"]
    assert (len(events), names["done"].records) == (10, 9)
    assert [events[2], events[7]] == json.loads(block("json"))
    assert check_file(tmp_path / "events.jsonld").valid
    imported = import_document(tmp_path / "events.jsonld", str(tmp_path / "again"))
    assert (imported.records, imported.aside, imported.notes) == (9, 0, {})


def test_the_table_of_the_page_is_the_one_of_the_code():
    assert table() in PAGE.read_text("utf-8")


def test_what_does_not_go_out_is_about_companies():
    assert [event.name for event in UNSAID] == [
        "OPEN_OUTLET",
        "PUBLISH_OUTLET",
        "INSPECT",
        "PENALISE",
        "LIST",
        "DELIST",
    ]
