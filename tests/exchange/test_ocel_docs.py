"""The pages on OCEL and XES say what the code does: their examples run, their documents are what comes out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from traceability.exchange.ocel import import_log
from traceability.exchange.ocel.words import form_of
from traceability.vocabulary import EventType as E

PAGES = Path(__file__).parents[2] / "docs" / "formats"


def block(page, language):
    found = re.search(rf"```{language}\n(.*?)```", (PAGES / page).read_text("utf-8"), re.DOTALL)
    assert found
    return found[1]


def run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(block(page, "python"), page, "exec"), names)
    return names


def table():
    rows = ["| ours | event type | unit | vehicle |", "|---|---|---|---|"]
    return "\n".join(
        [*rows, *(f"| {e.name} | {form_of(e).name} | {form_of(e).unit} | {form_of(e).vehicle} |" for e in E)]
    )


def test_the_battery_of_the_page_goes_out_as_the_page_shows(tmp_path, monkeypatch):
    names = run("ocel.md", tmp_path, monkeypatch)
    log, done = names["log"], names["done"]
    assert (done.events, done.records, done.links, done.objects) == (11, 10, 1, 7)
    pack = next(thing for thing in log["objects"] if thing["type"] == "pack")
    assert [pack, log["events"][2]] == json.loads(block("ocel.md", "json"))
    imported = import_log(tmp_path / "events.json", str(tmp_path / "again"))
    assert (imported.records, imported.links, imported.aside, imported.notes) == (10, 1, 0, {})


def test_the_table_of_the_page_is_the_one_of_the_code():
    assert table() in (PAGES / "ocel.md").read_text("utf-8")


@pytest.mark.parametrize("event", E)
def test_every_event_has_a_type_of_its_own_also_as_the_name_of_a_table(event):
    from traceability.exchange.ocel.writing import short_name

    shorts = [short_name(form_of(other).name).lower() for other in E]
    assert shorts.count(short_name(form_of(event).name).lower()) == 1


def test_the_trace_of_the_page_is_what_comes_out(tmp_path, monkeypatch):
    names = run("xes.md", tmp_path, monkeypatch)
    done = names["done"]
    assert (done.traces, done.events) == (1, 2)
    assert done.lost == {"records that are about no pack": 1}
    assert block("xes.md", "xml") in (tmp_path / "events.xes").read_text("utf-8")
