"""A run folder: the same bytes however it is made, honest when it is killed, and answerable offline."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.cli import cli
from sim.scenario import load
from sim.study import run_study
from sim.verifying import repeat, verify
from traceability.errors import StoreError

SMALL = """
extends = "baseline"
name = "small"
until = 2027-12-31
scale = 100000
replications = 2
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run, made by the command line; tests only read it."""
    base = tmp_path_factory.mktemp("finished")
    (base / "small.toml").write_text(SMALL)
    result = CliRunner().invoke(
        cli, ["run", str(base / "small.toml"), "--out", str(base / "run"), "--workers", "1"]
    )
    assert result.exit_code == 0, result.output
    return base / "run"


def bytes_of(folder: Path) -> dict[str, str]:
    """Of all files but the one that says where a run was made and how long it took."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "machine.toml"
    }


def battrace(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from sim.cli import main; main()", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_two_workers_leave_the_same_bytes_as_one(finished, small, tmp_path):
    done = battrace("run", small, "--out", tmp_path / "two", "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert bytes_of(tmp_path / "two") == bytes_of(finished)


def test_a_killed_run_says_that_it_is_incomplete_and_is_finished_to_the_same_bytes(finished, small, tmp_path):
    folder = tmp_path / "killed"
    command = [
        sys.executable,
        "-c",
        "from sim.cli import main; main()",
        "run",
        str(small),
        "--out",
        str(folder),
    ]
    process = subprocess.Popen(
        [*command, "--workers", "1"], stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:  # killed while the second replication is under way
        for _ in range(600):
            if any((folder / "log").glob(".r001.*.part")):
                break
            time.sleep(0.05)
        else:
            pytest.fail("the second replication never began")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    refused = battrace("audit", folder)
    assert refused.returncode == 2
    assert "stopped before its end" in refused.stderr
    assert "--resume" in refused.stderr
    again = battrace("run", small, "--out", folder)
    assert again.returncode == 2
    assert "a run is there already" in again.stderr
    resumed = battrace("run", small, "--out", folder, "--resume", "--workers", 1)
    assert resumed.returncode == 0, resumed.stderr
    assert bytes_of(folder) == bytes_of(finished)


def test_a_run_is_resumed_only_with_the_scenario_that_it_was_started_with(finished, small):
    small.write_text(SMALL + "seed = 9\n")
    done = battrace("run", small, "--out", finished, "--resume")
    assert done.returncode == 2
    assert "another scenario" in done.stderr


def test_a_folder_with_other_files_is_not_touched(small, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="holds other files"):
        run_study(load(small), tmp_path / "mine")
    assert bytes_of(tmp_path / "mine").keys() == {"thesis.txt"}


def test_a_run_is_what_its_record_says_and_a_changed_byte_is_named(finished, tmp_path):
    mark, changed = verify(finished)
    assert (len(mark), changed) == (64, [])
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(finished), str(copy)], check=True)
    for victim in ("measures.csv", "log/r001/vehicle.parquet"):
        path = copy / victim
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(bytes(content))
    done = battrace("verify", copy)
    assert done.returncode == 1
    assert "measures.csv" in done.stdout
    assert "vehicle.parquet" in done.stdout
    assert "r000" not in done.stdout


def test_a_run_is_repeated_from_its_record_alone_and_what_comes_out_otherwise_is_named(finished, tmp_path):
    done = battrace("verify", finished, "--repeat", "--workers", "1")
    assert (done.returncode, done.stdout[:15]) == (0, "ok: fingerprint")
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    text = (copy / "run.toml").read_text("utf-8")
    (copy / "run.toml").write_text(re.sub(r"(?m)^seed = \d+$", "seed = 1", text), "utf-8")
    assert repeat(copy) == [
        f"{name}: came out otherwise" for name in ("log/r000", "log/r001", "measures.csv", "findings.csv")
    ]


def test_a_run_leaves_measures_findings_and_a_report(finished):
    with (finished / "measures.csv").open() as rows:
        measures = list(csv.DictReader(rows))
    assert {m["replication"] for m in measures} == {"0", "1"}
    stock = [float(m["value"]) for m in measures if m["measure"] == "stock_vehicles" and m["year"] == "2021"]
    assert sum(stock) / 2 == pytest.approx(7.84, rel=0.05)  # million, Ministry of Public Security
    with (finished / "findings.csv").open() as rows:
        findings = list(csv.DictReader(rows))
    assert {f["replication"] for f in findings} <= {"0", "1"}
    assert {f["rule"] for f in findings} >= {"R12", "R24", "R35"}
    report = (finished / "report.html").read_text("utf-8")
    assert "Used power batteries in China" in report
    assert "中文" in report


def test_audit_counts_what_the_findings_of_the_run_list(finished):
    result = CliRunner().invoke(cli, ["audit", str(finished), "--replication", "1", "--json"])
    assert result.exit_code == 1  # there are findings
    counts = {row["rule"]: row["happened"] for row in json.loads(result.output)}
    with (finished / "findings.csv").open() as rows:
        listed = [f for f in csv.DictReader(rows) if f["replication"] == "1" and f["happened"] == "1"]
    for rule in ("R24", "R35", "R01"):
        assert counts[rule] == len({(f["unit"], f["vehicle"]) for f in listed if f["rule"] == rule})


def test_a_replication_that_is_not_there_is_told_with_how_many_there_are(finished):
    result = battrace("audit", finished, "--replication", 7)
    assert result.returncode == 2
    assert "no replication 7; there are 2" in result.stderr


def test_a_view_as_of_an_early_day_shows_less(finished):
    early, late = (
        json.loads(
            CliRunner().invoke(cli, ["audit", str(finished), "--view", "register", "--json", *more]).output
        )
        for more in (["--as-of", "2021-06-30"], [])
    )
    assert sum(row["register"] for row in early) < sum(row["register"] for row in late)


def test_a_dry_run_expects_the_events_of_the_run_within_a_factor_of_two(finished, small):
    result = CliRunner().invoke(cli, ["run", str(small), "--dry-run", "--json"])
    assert result.exit_code == 0, result.output
    expected = json.loads(result.output)["events"]
    measured = json.loads((finished / "log" / "r000" / "store.json").read_text())["rows"]["event"] * 2
    assert 0.5 < expected / measured < 2.0


def test_a_run_without_a_folder_never_overwrites_one_that_says_something_else(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small.write_text(SMALL.replace("2027-12-31", "2016-03-31"))
    for extra in ([], ["--seed", "1"], []):
        result = CliRunner().invoke(cli, ["run", str(small), "--workers", "1", *extra])
        assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["small", "small-2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rn"], "did you mean `run`?"),
        (["run", "basline"], "did you mean `baseline`?"),
        (["run", "baseline", "--scale", "0"], "--scale"),
        (["audit", "nowhere"], "no run here"),
        (["verify", "nowhere"], "no run here"),
    ],
)
def test_wrong_input_is_answered_with_one_message_and_exit_code_2(words, said):
    done = battrace(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
