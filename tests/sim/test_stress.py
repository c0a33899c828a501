"""The STRESS-DES sheet and the model page say what the code, the scenario and the run say."""

from __future__ import annotations

import csv
import json
import re
import shutil
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.cli import cli
from sim.documentation import page, told, words
from sim.documentation.sheet import markdown, stress
from sim.measures import MEASURES
from sim.record import read_record
from sim.scenario import load, parameters
from sim.sensitivity import HEADLINES
from traceability.errors import StoreError, UnknownName
from traceability.lifecycle import TRANSITIONS
from traceability.vocabulary import EventType

PAGE = Path(__file__).parents[2] / "docs" / "model.md"

TINY = """
extends = "baseline"
name = "tiny"
from = 2024-01-01
until = 2026-12-31
scale = 200000
replications = 2
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run; tests only read it."""
    base = tmp_path_factory.mktemp("stress")
    (base / "tiny.toml").write_text(TINY)
    out = base / "run"
    done = CliRunner().invoke(cli, ["run", str(base / "tiny.toml"), "--out", str(out), "--workers", "1"])
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def items(run):
    return {item.number: item for item in stress(run)}


def rows(text: str) -> list[list[str]]:
    """The cells of every row of every Markdown table in *text*; escaped bars are no borders."""
    found = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in found]


def test_every_item_of_the_check_list_is_answered_in_its_order(items):
    """Monks et al. (2019), table of STRESS-DES: six groups; the seventh is ours."""
    asked = "1.1 1.2 1.3 2.1 2.2 2.3 2.4 2.5.1 2.5.2 2.5.3 2.5.4 2.5.5 3.1 3.2 3.3 3.4 4.1 4.2 4.3 5.1 5.2 5.3 5.4 6.1 7.1 7.2"
    assert [item.number for item in items.values() if item.text] == asked.split()
    text = markdown("tiny", list(items.values()))
    headings = re.findall(r"^#+ ([\d.]+) ", text, re.MULTILINE)
    assert headings == list(items)
    assert all(re.search("[\u4e00-\u9fff]", item.zh) for item in items.values())


def test_each_parameter_stands_in_the_sheet_with_value_unit_grade_and_source(items):
    shown = {row[0].strip("`"): row for row in rows(items["3.3"].text)[1:]}
    listed = list(parameters(load("baseline")))
    assert shown.keys() == {p.key for p in listed}
    for p in listed:
        assert shown[p.key][1:4] == [p.value, p.unit, p.grade]
        assert shown[p.key][4] == (" ".join(p.source.replace("|", "\\|").split()) or "–")


def test_each_assumed_figure_is_counted_and_named(items):
    listed = list(parameters(load("baseline")))
    assumed = [p.key.rpartition(".") for p in listed if p.grade == "assumed"]
    assert items["3.4"].text.startswith(f"{len(assumed)} of {len(listed)} parameters are assumed")
    lines = dict(re.findall(r"^- `([\w.]+)`: (.*)$", items["3.4"].text, re.MULTILINE))
    assert all(f"`{name}`" in lines[section] for section, _, name in assumed)


def test_the_processes_are_all_there_is_in_the_order_in_which_they_act(items):
    """Every module of `sim.processes` that starts a process, as `run` starts them."""
    names = [p.name for p in told.processes()]
    assert (
        names.index("fleet") < names.index("service") < names.index("scrapping") < names.index("collection")
    )
    assert names.index("bookkeeping") < names.index("recycling")
    ours = {p.module for p in told.processes()}
    for item in files("sim").joinpath("processes").iterdir():
        if item.name.endswith(".py") and re.search(
            r"^def \w+\(\n    env: simpy", item.read_text("utf-8"), re.MULTILINE
        ):
            assert f"sim.processes.{item.name.removesuffix('.py')}" in ours
    for process in told.processes():
        assert process.does
        assert f"`{process.module}.{process.name}`" in items["2.2"].text


def test_each_measure_stands_in_the_sheet_with_its_unit(items):
    shown = {row[0].strip("`"): row for row in rows(items["1.2"].text)[1:]}
    assert shown.keys() == {m.id for m in MEASURES}
    assert all(m.unit_en in shown[m.id][2] and m.title_en in shown[m.id][1] for m in MEASURES)


def test_every_definition_is_of_a_measure_that_there_is():
    assert words.DEFINITIONS.keys() <= {m.id for m in MEASURES}


def test_each_event_stands_in_the_sheet_with_every_step_that_it_makes(items):
    shown = {row[0]: row for row in rows(items["2.5.2"].text)[1:]}
    assert shown.keys() == {event.name for event in EventType}
    for level, moves in TRANSITIONS.items():
        for (before, event), after in moves.items():
            assert level.name in shown[event.name][1].split(", ")
            assert f"{before.name} → {after.name}" in shown[event.name][2].split("; ")


def test_the_rows_of_each_input_file_are_counted_by_grade(items):
    heads, *shown = rows(items["3.1"].text)
    for name, use, count, *grades in shown:
        text = files("sim").joinpath("data", name.strip("`")).read_text("utf-8-sig")
        read = list(csv.DictReader(text.splitlines()))
        assert int(count) == len(read) == sum(int(g or 0) for g in grades)
        for grade, said in zip(heads[3:], grades, strict=True):
            assert int(said or 0) == sum(row["grade"] == grade for row in read)
        assert use == "input" or name.strip("`") in ("targets.csv", "founding.csv")
    there = {i.name for i in files("sim").joinpath("data").iterdir() if i.name.endswith(".csv")}
    assert {row[0].strip("`") for row in shown} == there


def test_every_decision_that_is_drawn_in_a_process_is_listed(items):
    listed = items["5.2"].text
    for name in ("vehicle.life", "channel.{holder.name}", "report.{event}", "scrapping.refused"):
        assert f"`{name}`" in listed


def test_the_quoted_algorithms_and_queues_are_there():
    for _, _, module, name in words.ALGORITHMS:
        thing = import_module(module)
        for step in name.split(".") if name else ():
            thing = getattr(thing, step)
        assert thing.__doc__
    assert len(rows(told.queues())) == 1 + len(words.QUEUES)


def test_the_sheet_says_how_long_the_run_took_and_on_what(items):
    assert re.search(r"\d+ cores.*: \d+\.\d to \d+\.\d s of wall time \(n = 2\)", items["5.4"].text)


def test_a_run_without_a_record_of_its_machine_says_so(run, tmp_path):
    shutil.copytree(run, tmp_path / "older")
    (tmp_path / "older" / "machine.toml").unlink()
    assert "Not recorded" in {i.number: i.text for i in stress(tmp_path / "older")}["5.4"]


def test_machine_and_time_do_not_enter_the_record(run):
    assert "machine" not in (run / "run.toml").read_text("utf-8")
    assert read_record(run)["fingerprint"] in markdown("tiny", stress(run))


def test_the_precision_in_the_sheet_is_that_of_the_measures(run, items):
    with (run / "measures.csv").open(encoding="utf-8", newline="") as read:
        processed = [
            float(row["value"])
            for row in csv.DictReader(read)
            if (row["measure"], row["year"]) == ("processed", "2026")
        ]
    shown = {row[0]: row for row in rows(items["4.3"].text)}
    assert float(shown["`processed`"][2]) == pytest.approx(sum(processed) / 2, rel=1e-3)


def test_inputs_that_have_changed_since_are_told(run, tmp_path):
    shutil.copytree(run, tmp_path / "changed")
    record = (tmp_path / "changed" / "run.toml").read_text("utf-8")
    (tmp_path / "changed" / "run.toml").write_text(
        re.sub(r'(?m)^inputs = "\w', 'inputs = "x', record), "utf-8"
    )
    assert "have changed since" in {i.number: i.text for i in stress(tmp_path / "changed")}["3.1"]
    assert "have changed since" not in {i.number: i.text for i in stress(run)}["3.1"]


def test_the_command_writes_the_sheet_or_prints_its_items(run, tmp_path):
    done = CliRunner().invoke(cli, ["stress", str(run), "--out", str(tmp_path / "sheet.md")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "sheet.md").read_text("utf-8") == markdown("run", stress(run))
    said = json.loads(CliRunner().invoke(cli, ["stress", str(run), "--json"]).output)
    assert [item["number"] for item in said] == [item.number for item in stress(run)]
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.md"]


def test_a_run_that_is_not_there_or_not_complete_has_no_sheet(run, tmp_path):
    with pytest.raises(StoreError, match="no run here"):
        stress(tmp_path)
    (tmp_path / "run.toml").write_text("format = 1\ncomplete = false\n")
    with pytest.raises(StoreError, match="stopped before its end"):
        stress(tmp_path)
    assert CliRunner().invoke(cli, ["stress"]).exit_code == 2
    assert CliRunner().invoke(cli, ["stress", "--model-page", "x.md", "--json"]).exit_code == 2


def test_the_model_page_is_what_the_code_says():
    """`battrace stress --model-page docs/model.md` makes it so."""
    text = PAGE.read_text("utf-8")
    assert page.filled(text) == text


def test_the_model_page_says_how_long_a_run_took_and_on_what():
    (body,) = re.findall(
        r"<!-- battrace: run -->\n(.*?)<!-- /battrace: run -->", PAGE.read_text("utf-8"), re.DOTALL
    )
    assert re.search(r"\d+ cores", body)
    assert re.search(r"s of wall time \(n = \d+\)", body)
    assert "`baseline`" in body


def test_the_sensitivity_table_of_the_page_is_what_the_shipped_table_says():
    """Ranked anew from the bare rows: the largest clear effect of each figure against its base."""
    shipped = files("sim").joinpath("documentation", page.SHIPPED).read_text("utf-8")
    best: dict[str, tuple[float, dict[str, str]]] = {}
    for row in csv.DictReader(shipped.splitlines()):
        low, high, base, size = (float(row[c]) for c in ("low", "high", "base", "effect"))
        if (
            base
            and size
            and (low > 0 or high < 0)
            and abs(size / base) > best.get(row["parameter"], (0.0, row))[0]
        ):
            best[row["parameter"]] = abs(size / base), row
    order = sorted(best, key=lambda key: (-best[key][0], key))
    (body,) = re.findall(
        r"<!-- battrace: sensitivity -->\n(.*?)<!-- /battrace", PAGE.read_text("utf-8"), re.DOTALL
    )
    shown = rows(body)[1:]
    assert [row[1].strip("`") for row in shown] == order[: page.TOP]
    words_of = {h.id: h.en for h in HEADLINES}
    for row in shown:
        _, said = best[row[1].strip("`")]
        assert row[3] == said["to"]
        assert row[4].startswith(words_of[said["measure"]])
        assert row[7].startswith(f"{float(said['effect']) / float(said['base']):+.1%}, ")


def test_a_table_of_another_baseline_is_called_out_of_date():
    table = page.shipped_sensitivity()
    assert table is not None
    assert "make it anew" in page.sensitivity_table(
        type(table)(table.name, table.scale, table.until, table.years, table.share, "0" * 16, table.effects)
    )


def test_a_page_is_filled_between_its_markers_and_nowhere_else(run):
    blank = "mine\n" + "".join(
        f"<!-- battrace: {name} -->\nold\n<!-- /battrace: {name} -->\n" for name in [*page.PARTS, page.RUN]
    )
    kept = page.filled(blank)
    assert kept.startswith("mine\n")
    assert kept.count("old\n") == 1  # the part that only a run can fill
    full = page.filled(blank, run)
    assert "old\n" not in full
    assert page.filled(full) == full
    with pytest.raises(UnknownName, match="did you mean `purpose`"):
        page.filled(blank.replace("battrace: purpose", "battrace: purpos"))
    with pytest.raises(StoreError, match="battrace: limits"):
        page.filled(re.sub(r"<!-- /?battrace: limits -->\n", "", blank))
