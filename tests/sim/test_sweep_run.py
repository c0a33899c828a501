"""Sweeps of small worlds: kill and resume, workers, what other programs read, and the command."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
import tarfile
import tomllib
import warnings
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from click.testing import CliRunner

from sim.cli import cli
from sim.record import digests, scenario_table
from sim.scenario import Scenario, load
from sim.sweep import asked, design, factor, run_sweep
from sim.sweep.answers import answer, options
from sim.sweep.results import write_results
from sim.sweep.study import read_record
from sim.sweep.tables import FILES
from tests.sim.small import run, small
from tests.sim.test_sweep_analysis import levelled, ranged, swept
from traceability.errors import ScenarioError, StoreError, UnknownName

E_BIKES = "informal.e_bike_share@2024-11-01"
VARY = (f"{E_BIKES}=0.1..0.7", "market.deposit_yuan_pack@2024-01-01=0..6000")
MEASURES = ("formal_share", "e_bike_packs", "recovered::LI", "collected_packs:2024")


def world() -> Scenario:
    raw = scenario_table(small(scale=200_000, first=date(2024, 1, 1), until=date(2025, 12, 31)))
    return Scenario.model_validate(raw | {"replications": 2})


def ran(folder: Path, n: int = 6, **how):
    """A sweep of six points and two replications, run and written."""
    scenario = world()
    factors = [factor(text, scenario) for text in VARY]
    made = design(how.pop("kind", "lhs"), factors, n, scenario.seed)
    found = run_sweep(scenario, factors, made, asked(MEASURES, scenario, bundle=False), folder, **how)
    return found, write_results(folder, found)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A sweep made at one go in one process; tests only read it."""
    folder = tmp_path_factory.mktemp("whole") / "sweep"
    return folder, *ran(folder)


class Killed(Exception):
    pass


def test_one_that_was_killed_is_finished_to_the_same_bytes_and_repeats_no_run(whole, tmp_path):
    folder, told = tmp_path / "stopped", []

    def stop(done: int, _: int) -> None:
        if done == 5:
            raise Killed

    with pytest.raises(Killed):
        ran(folder, progress=stop)
    assert tomllib.loads((folder / "sweep.toml").read_text("utf-8"))["complete"] is False
    with (folder / "runs.jsonl").open("a", encoding="utf-8") as out:
        out.write('{"point": [0.1')  # it was writing as it died
    with pytest.raises(StoreError, match="--resume"):
        ran(folder)
    with pytest.raises(StoreError, match="another scenario, design"):
        ran(folder, n=7, resume=True)
    ran(folder, resume=True, workers=2, progress=lambda done, of: told.append((done, of)))
    assert told == [(done, 12) for done in range(6, 13)]
    for name in (*FILES, "sweep.toml", "runs.jsonl"):
        assert (folder / name).read_bytes() == (whole[0] / name).read_bytes(), name


def test_a_finished_sweep_is_written_again_without_a_run(whole, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("sweep.toml", "runs.jsonl"):
        (folder / name).write_bytes((whole[0] / name).read_bytes())

    def run_is_made(*_: int) -> None:
        raise AssertionError("a finished run was repeated")

    ran(folder, resume=True, progress=run_is_made)
    assert digests(folder, FILES) == digests(whole[0], FILES)


class Backwards(Executor):
    """Runs nothing until all is handed in, then the last first; jobs and results pass through bytes, as on a network."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Future, bytes]] = []
        self.wanted = 12
        self.pool = ThreadPoolExecutor(1)

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        self.jobs.append((future, pickle.dumps((fn, args))))
        if len(self.jobs) == self.wanted:
            for job in reversed(self.jobs):
                self.pool.submit(self.work, *job)
        return future

    def work(self, future: Future, job: bytes) -> None:
        fn, args = pickle.loads(job)
        future.set_result(pickle.loads(pickle.dumps(fn(*args))))


def test_any_executor_gives_the_same_bytes_in_whatever_order_it_works(whole, tmp_path):
    elsewhere = Backwards()
    ran(tmp_path / "there", executor=elsewhere)
    elsewhere.pool.shutdown()
    assert digests(tmp_path / "there", FILES) == digests(whole[0], FILES)


def test_what_is_read_off_a_run_is_what_its_measures_say():
    """Without breaches the rules are not asked, and nothing else differs."""
    scenario = small(scale=50_000, first=date(2024, 1, 1), until=date(2025, 12, 31))
    same = run(scenario)
    formal, e_bikes, lithium, _ = answer(scenario, 0, asked(MEASURES, scenario, bundle=False))
    assert formal == same.measured("formal_share")[2025]
    assert lithium == same.measured("recovered", "LI")[2025]
    assert e_bikes == same.measured("e_bike_packs").get(2025, 0.0)


def test_the_record_says_what_was_run_and_the_hash_of_every_file(whole):
    folder, sweep, _ = whole
    said = tomllib.loads((folder / "sweep.toml").read_text("utf-8"))
    assert (said["complete"], said["fingerprint"], said["files"]) == (
        True,
        sweep.made_from,
        digests(folder, FILES),
    )
    assert (said["design"]["kind"], said["design"]["points"], said["design"]["vary"]) == (
        "lhs",
        6,
        list(VARY),
    )
    assert said["scenario"] == scenario_table(world())
    assert {"battrace", "SALib", "scipy"} <= said["versions"].keys()
    assert said["measures"] == ["formal_share", "e_bike_packs", "recovered.LI", "collected_packs@2024"]


def test_a_sweep_is_verified_and_a_changed_byte_is_named(whole, tmp_path):
    folder, *_ = whole
    done = CliRunner().invoke(cli, ["verify", str(folder)])
    assert (done.exit_code, done.output.strip()) == (
        0,
        f"ok: fingerprint {read_record(folder)['fingerprint']}",
    )
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / "curves.csv").unlink()
    with (tmp_path / "copy" / "outcomes.csv").open("a", encoding="utf-8") as file:
        file.write("x")
    done = CliRunner().invoke(cli, ["verify", str(tmp_path / "copy")])
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "changed: outcomes.csv: its bytes are not those of the record", "changed: curves.csv: is missing"
    ]  # fmt: skip


def test_the_tidy_table_has_a_row_for_each_point_replication_and_measure(whole):
    folder, sweep, _ = whole
    with (folder / "sweep.csv").open(encoding="utf-8", newline="") as rows:
        found = list(csv.DictReader(rows))
    assert len(found) == 6 * 2 * 4
    first = found[0]
    assert (first["measure"], first["year"], first["replication"], first["unit"]) == (
        "formal_share",
        "2025",
        "0",
        "share",
    )
    assert float(first[E_BIKES]) == sweep.design.points[0, 0]


def test_points_that_the_scenario_refuses_are_counted_before_anything_is_run(tmp_path):
    scenario = world()
    two = [
        factor(f"informal.{name}@2024-11-01=0.1..0.9", scenario) for name in ("e_bike_share", "storage_share")
    ]
    made = design("grid", two, 9, 1)
    with pytest.raises(
        ScenarioError, match=r"3 of 9 points cannot be; .*e_bike_share and storage_share add up"
    ):
        run_sweep(scenario, two, made, asked((), scenario), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_files_is_not_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="holds other files"):
        ran(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


# --- EMA Workbench ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ema():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says of its own imports
        import ema_workbench
        import ema_workbench.analysis.feature_scoring
        import ema_workbench.analysis.prim
    return ema_workbench


def test_ema_workbench_loads_the_results_of_a_sweep(whole, ema):
    folder, sweep, _ = whole
    experiments, outcomes = ema.load_results(folder / "results.tar.gz")
    assert list(experiments.columns) == [each.name for each in sweep.factors]
    assert np.array_equal(experiments.to_numpy(), sweep.design.points)
    for n, each in enumerate(sweep.asked):
        assert np.allclose(outcomes[each.id], sweep.values[:, :, n].mean(axis=1), equal_nan=True)
    with tarfile.open(folder / "results.tar.gz") as packed:
        assert packed.extractfile("experiments.csv").read() == (folder / "experiments.csv").read_bytes()


def test_prim_and_feature_scoring_find_the_box_and_the_factor(tmp_path, ema):
    """y is large where a is above 0.7 and b below 0.5; c does nothing."""
    three = [ranged("a.x", 0, 1), ranged("b.y@2027-01-01", 0, 1), levelled("c.z", 1.0, 2.0)]
    made = design("lhs", three, 300, 2)
    a, b, _ = made.points.T
    large = ((a > 0.7) & (b < 0.5)).astype(float)
    write_results(tmp_path, swept(three, made, (large + 0.01 * a)[:, None]))
    x, outcomes = ema.load_results(tmp_path / "results.tar.gz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas and scikit-learn, of what EMA Workbench asks of them
        box = ema.analysis.prim.Prim(x, outcomes["m0"] > 0.5, threshold=0.8).find_box()
        scores = ema.analysis.feature_scoring.get_feature_scores_all(x, outcomes)["m0"]
    limits = box.box_lims[-1]
    assert limits["a.x"][0] == pytest.approx(0.7, abs=0.05)
    assert limits["b.y@2027-01-01"][1] == pytest.approx(0.5, abs=0.05)
    assert scores["a.x"] > scores["c.z"]
    assert scores["b.y@2027-01-01"] > scores["c.z"]


def test_a_measure_without_a_value_is_read_as_none(tmp_path, ema):
    one = [ranged("a", 0, 1)]
    made = design("lhs", one, 12, 2)
    holed = made.points.copy()
    holed[[0, 11]] = np.nan
    write_results(tmp_path, swept(one, made, holed))
    _, outcomes = ema.load_results(tmp_path / "results.tar.gz")
    assert np.isnan(outcomes["m0"][[0, 11]]).all()
    assert np.array_equal(outcomes["m0"][1:11], made.points[1:11, 0])


# --- measures and the command ----------------------------------------------------------------------------


def test_measures_are_named_as_options_that_read_back():
    scenario = load("baseline")
    found = asked(("formal_share:2027", "flow:all:outlets>recyclers", "recovered::NI"), scenario)
    assert options(found, scenario) == "--measure 'formal_share:2027' --measure 'flow:all:outlets>recyclers'"
    assert [(each.year, each.key) for each in found[-2:]] == [(2027, ""), (None, "outlets>recyclers")]
    few = asked(("recovered:2027:NI",), scenario, bundle=False)
    assert options(few, scenario) == "--only --measure 'recovered:2027:NI'"
    assert (few[0].id, few[0].says.zh) == ("recovered.NI@2027", "再生镍，2027")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("formal_shares", "did you mean `formal_share`"),
        ("recovered:2030:LITHIUM", "unknown element `LITHIUM`"),
        ("formal_share:1999", "choose 2016 to 2035, or `all`"),
    ],
)
def test_a_slip_in_a_measure_is_answered(wanted, said):
    with pytest.raises((UnknownName, ScenarioError), match=said):
        asked((wanted,), load("baseline"))


def test_the_command_runs_a_grid_of_given_values_and_says_what_it_found(tmp_path):
    raw = scenario_table(world()) | {"name": "few", "from": date(2024, 1, 1), "until": date(2025, 12, 31)}
    (tmp_path / "few.toml").write_text(tomli_w.dumps(raw), "utf-8")
    words = [
        "sweep",
        str(tmp_path / "few.toml"),
        "--vary",
        f"{E_BIKES}=0.1,0.7",
        "--only",
        "--measure",
        "e_bike_packs",
    ]
    words += [
        "--measure",
        "formal_share",
        "--scale",
        "200000",
        "--workers",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert "grid: 2 points, 2 different, 2 replications, 4 runs" in done.stdout
    again = CliRunner().invoke(cli, [*words, "--resume", "--json"])
    assert again.exit_code == 0, again.output
    said = json.loads(again.stdout)
    assert (said["design"], said["points"], said["runs"]) == ("grid", 2, 4)
    assert [index["measure"] for index in said["indices"]] == ["e_bike_packs", "formal_share"]
    assert "--vary &#x27;informal.e_bike_share@2024-11-01=0.1,0.7&#x27;" in (
        tmp_path / "out" / "sweep.html"
    ).read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["baseline"], "--vary"),
        (["baselin", "--vary", "market.noise_yuan_t=1..2"], "did you mean `baseline`"),
        (["baseline", "--vary", "market.noise_yuan=1..2"], "did you mean `market.noise_yuan_t`"),
        (["baseline", "--vary", "market.noise_yuan_t=1..2", "--design", "sobols"], "'sobols' is not one of"),
        (
            ["baseline", "--vary", "market.noise_yuan_t=1..2", "--design", "sobol", "-n", "5"],
            "give -n 12 or more",
        ),
        (["baseline", "--vary", "market.noise_yuan_t=1..2", "--only"], "no measure is left"),
    ],
)
def test_a_slip_gets_one_message(words, said):
    done = CliRunner().invoke(cli, ["sweep", *words])
    assert done.exit_code != 0
    assert said in done.output + str(done.exception)


def test_help_has_an_example():
    said = CliRunner().invoke(cli, ["sweep", "--help"]).stdout
    assert "Example: battrace sweep baseline --vary" in said
