"""`battrace compare` and `battrace twins`: folders, files, and what they say."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.cli import cli
from sim.cli.compare import table_of
from sim.comparison import chosen, read_comparison, run_comparison
from sim.comparison.bundle import BUNDLE
from sim.comparison.changed import changed, figures_changed
from sim.comparison.files import COLUMNS
from sim.comparison.outcome import compared
from sim.comparison.page import render
from sim.comparison.series import Side
from sim.comparison.told import difference_of, mean_of
from sim.dated import ALWAYS, Dated
from sim.levers import SETTINGS
from sim.record import scenario_table
from sim.scenario import load, shipped
from sim.verifying import verify
from traceability.errors import ScenarioError, StoreError

BASE = """
extends = "baseline"
name = "before"
from = 2024-01-01
until = 2027-12-31
scale = 50000
"""
DEPOSIT = """
extends = "before.toml"
name = "deposit"
title_en = "A deposit"
title_zh = "押金"
[market]
deposit_yuan_pack = 5000
[market.sources]
deposit_yuan_pack = "assumed: what if"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenarios, compared once; tests only read it."""
    base = tmp_path_factory.mktemp("compared")
    (base / "before.toml").write_text(BASE)
    (base / "deposit.toml").write_text(DEPOSIT)
    done = compare(base, "--replications", "2", "--json")
    assert done.exit_code == 0, done.output
    (base / "said.json").write_text(done.stdout)
    return base


def compare(base, *options, out="out", names=("before.toml", "deposit.toml")):
    files = [str(base / name) for name in names]
    words = ["compare", *files, "--workers", "1", "--out", str(base / out), *options]
    done = CliRunner().invoke(cli, words)
    if isinstance(done.exception, StoreError):
        raise done.exception
    return done


def rows_of(base):
    with (base / "out" / "comparison.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_scenario_is_a_run_that_verifies(place):
    for label in ("before", "deposit"):
        mark, changed = verify(place / "out" / label)
        assert changed == []
        assert mark in (place / "out" / "comparison.html").read_text("utf-8")
    told = read_comparison(place / "out")
    assert told["complete"] is True
    assert [side["label"] for side in told["sides"]] == ["before", "deposit"]


def test_a_comparison_is_verified_with_its_runs_and_a_changed_byte_is_named(place, tmp_path):
    done = CliRunner().invoke(cli, ["verify", str(place / "out")])
    assert (done.exit_code, done.output.strip()) == (
        0,
        f"ok: fingerprint {read_comparison(place / 'out')['fingerprint']}",
    )
    copy = tmp_path / "copy"
    shutil.copytree(place / "out", copy)
    for name in ("comparison.csv", "deposit/measures.csv"):
        with (copy / name).open("a", encoding="utf-8") as file:
            file.write("x")
    done = CliRunner().invoke(cli, ["verify", str(copy)])
    assert done.exit_code == 1
    assert [line.partition(": its")[0] for line in done.output.splitlines()] == [
        "changed: comparison.csv", "changed: deposit/measures.csv"
    ]  # fmt: skip


def test_the_table_is_tidy(place):
    rows = rows_of(place)
    assert tuple(rows[0]) == COLUMNS
    names = [(row["measure"], row["year"], row["key"], row["scenario"]) for row in rows]
    assert len(set(names)) == len(names)
    assert {row["scenario"] for row in rows} == {"before", "deposit"}
    assert all(row["difference"] == "" for row in rows if row["scenario"] == "before")


def test_a_difference_is_the_mean_of_what_the_runs_say_themselves(place):
    """Recomputed from the two measures.csv of the runs."""
    means = {}
    for label in ("before", "deposit"):
        with (place / "out" / label / "measures.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["measure"] == "retired_channel" and row["key"] == "informal":
                    name = (label, row["year"])
                    means[name] = means.get(name, 0.0) + float(row["value"]) / 2
    found = [
        r
        for r in rows_of(place)
        if (r["measure"], r["key"], r["scenario"]) == ("retired_channel", "informal", "deposit")
    ]
    assert found
    for row in found:
        gap = means.get(("deposit", row["year"]), 0.0) - means.get(("before", row["year"]), 0.0)
        assert float(row["difference"]) == pytest.approx(gap)


def test_a_deposit_brings_packs_to_the_formal_channel(place):
    said = json.loads((place / "said.json").read_text())
    formal = next(m for m in said["measures"] if m["measure"] == "formal_share")
    assert formal["difference"] > 5
    assert said["replications"] == 2
    assert {m["measure"] for m in said["measures"]} <= {shown.measure for shown in BUNDLE}


def test_the_page_is_offline_and_speaks_both_languages(place):
    page = (place / "out" / "comparison.html").read_text("utf-8")
    body = page[: page.index('<script type="application/json"')]
    assert not re.search(r'(src|href)="(https?:)?//', body)
    for words in (
        "What changes",
        "政策对比",
        "imagined, not law",
        "假想，非现行规定",
        "market.deposit_yuan_pack",
    ):
        assert words in body
    ids = re.findall(r'\bid="([^"]+)"', body)
    assert len(ids) == len(set(ids))


def test_the_page_is_a_function_of_the_comparison(place):
    told = run_comparison(
        chosen([place / "before.toml", place / "deposit.toml"]), place / "out", replications=2, resume=True
    )
    assert render(told, changed(told)) == (place / "out" / "comparison.html").read_text("utf-8")


def test_more_replications_go_on_with_those_that_are_there(place, tmp_path):
    base = tmp_path
    for name in ("before.toml", "deposit.toml"):
        (base / name).write_text((place / name).read_text())
    assert compare(base, "--replications", "1").exit_code == 0
    logs = base / "out" / "before" / "log"
    written = (logs / "r000" / "store.json").stat().st_mtime_ns
    with pytest.raises(StoreError, match="--resume to go on"):
        compare(base, "--replications", "2")
    assert compare(base, "--replications", "2", "--resume").exit_code == 0
    assert (logs / "r000" / "store.json").stat().st_mtime_ns == written
    assert (logs / "r001" / "store.json").read_bytes() == (
        place / "out" / "before" / "log" / "r001" / "store.json"
    ).read_bytes()
    with pytest.raises(StoreError, match="has more than 1 replications"):
        compare(base, "--replications", "1", "--resume")


def test_an_automatic_comparison_stops_at_its_cap_and_says_so(place, tmp_path):
    copied = shutil.copytree(place, tmp_path / "copy")
    done = compare(
        copied, "--replications", "auto", "--precision", "0.1%", "--cap", "2", "--resume", "--json"
    )
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["replications"] == 2
    assert said["stopped"].startswith("cap of 2 replications")


@pytest.mark.parametrize("columns", [60, 80, 100, 160])
def test_the_screen_is_cut_in_no_terminal(place, columns, monkeypatch):
    """At 80 columns and at 60: no line is longer, nothing ends in an ellipsis, every number of the bundle is whole."""
    monkeypatch.setenv("COLUMNS", str(columns))
    done = compare(place, "--replications", "2", "--resume")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    table = [line for line in lines if not line.startswith("open ")]
    assert max(map(len, table)) <= columns
    assert "…" not in done.stdout
    assert "no difference shown" in done.stdout
    told = run_comparison(
        chosen([place / "before.toml", place / "deposit.toml"]), place / "out", replications=2, resume=True
    )
    words = done.stdout.split()
    for shown in BUNDLE:
        row, base = told.of(shown, "deposit"), told.of(shown, "before")
        if row is None or base is None:
            continue
        gap, interval = difference_of(row, shown)
        assert {mean_of(base, shown), mean_of(row, shown), gap} <= set(words)
        assert not row.shown or interval in done.stdout
        assert set(f"{shown.says.en}, {shown.unit.en}".split()) <= set(words)


def test_where_there_is_room_an_interval_stands_beside_its_difference(place, monkeypatch):
    told = run_comparison(
        chosen([place / "before.toml", place / "deposit.toml"]), place / "out", replications=2, resume=True
    )
    cells = ["".join(map(str, table_of(told, "deposit", width).columns[3].cells)) for width in (60, 120)]
    assert "\n" in cells[0]
    assert "\n" not in cells[1]


def test_what_is_changed_is_what_the_levers_say_to_the_last_digit(place):
    """Two deposits that six printed digits cannot tell apart are two, and each stands as its file has it."""
    before, after = (
        load(place / "before.toml").model_copy(
            update={
                "market": load("baseline").market.model_copy(
                    update={"deposit_yuan_pack": Dated(((ALWAYS, value),))}
                )
            }
        )
        for value in (1000.0001, 1000.0002)
    )
    assert [change.key for change in figures_changed(before, after)] == ["market.deposit_yuan_pack"]
    told = compared(
        [Side("a", place, before, [[]], 0), Side("b", place, after, [[]], 0)], 2030
    )  # fmt: skip
    assert [(c.scenario, c.key, c.before, c.after) for c in changed(told)] == [
        ("b", "market.deposit_yuan_pack", "1000.0001", "1000.0002")
    ]


@pytest.mark.parametrize("name", [name for name in shipped() if name != "baseline"])
def test_whatever_a_scenario_sets_otherwise_is_among_what_it_changes(name):
    """Every leaf of the resolved table, names, sources and settings apart, belongs to a figure that is listed."""
    base, other = load("baseline"), load(name)
    flat = [dict(leaves(scenario_table(scenario))) for scenario in (base, other)]
    keys = [change.key for change in figures_changed(base, other)]
    for key in flat[0].keys() | flat[1].keys():
        known = key.split(".")[0] in {"name", "title_en", "title_zh", *SETTINGS} or "sources" in key.split(
            "."
        )
        if not known and flat[0].get(key) != flat[1].get(key):
            assert any(f"{key}.".startswith(f"{figure}.") for figure in keys), key


def leaves(table, path=""):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def test_twins_of_the_comparison_add_up(place):
    done = CliRunner().invoke(cli, ["twins", str(place / "out"), "--changed", "--limit", "3", "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["changed"] == sum(f["packs"] for f in said["fates"] if f["before"] != f["after"])
    assert sum(said["causes"].values()) == said["changed"]
    assert len(said["packs_listed"]) == min(3, said["changed"])
    shown = CliRunner().invoke(
        cli, ["twins", str(place / "out" / "before"), str(place / "out" / "deposit"), "--changed"]
    )
    assert shown.exit_code == 0
    assert max(len(line) for line in shown.stdout.splitlines()) <= 100


def test_scenarios_that_are_no_twins_are_refused(place):
    (place / "longer.toml").write_text(BASE.replace("before", "longer").replace("2027", "2028"))
    with pytest.raises(ScenarioError, match="longer: `until` is 2028-12-31, but 2027-12-31 in before"):
        chosen([place / "before.toml", place / "longer.toml"])


def test_a_file_without_a_name_of_its_own_is_called_by_its_file(place):
    (place / "mine.toml").write_text('extends = "before.toml"\n')
    assert list(chosen([place / "before.toml", place / "mine.toml"])) == ["before", "mine"]


def test_another_folder_is_not_overwritten(place, tmp_path):
    (tmp_path / "letter.txt").write_text("mine")
    found = chosen([place / "before.toml", place / "deposit.toml"])
    with pytest.raises(StoreError, match="holds other files"):
        run_comparison(found, tmp_path, replications=1)
    with pytest.raises(StoreError, match="compares before, deposit"):
        run_comparison(dict(reversed(found.items())), place / "out", replications=2, resume=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["baseline"], "at least two"),
        (["baseline", "baselin"], "did you mean `baseline`"),
        (["baseline", "aito", "--precision", "two"], "write 2% or 0.02"),
        (["baseline", "aito", "--replications", "many"], "neither a number nor `auto`"),
    ],
)
def test_a_slip_gets_one_message(words, said):
    done = CliRunner().invoke(cli, ["compare", *words])
    assert done.exit_code != 0
    assert said in (done.output + str(done.exception))


def test_twins_without_a_comparison_say_so(tmp_path):
    done = CliRunner().invoke(cli, ["twins", str(tmp_path)])
    assert "no comparison here" in str(done.exception)


def test_a_precision_asks_for_as_many_replications_as_it_needs(place, tmp_path):
    copied = shutil.copytree(place, tmp_path / "copy")
    done = compare(copied, "--precision", "0.1%", "--cap", "2", "--resume", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["stopped"].startswith("cap of 2 replications")


def test_a_number_and_a_precision_contradict_each_other(place):
    done = compare(place, "--replications", "2", "--precision", "2%", "--resume")
    assert done.exit_code == 2
    assert "write --replications auto" in done.output


def test_a_worker_does_not_import_what_draws():
    program = "import sys, sim.comparison, sim.study; print(sorted({'altair', 'vl_convert', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
