"""A fit by runs of the simulation: it finds what it should, says what it cannot know, and can be stopped."""

import csv
import json
from datetime import date
from pathlib import Path

import pytest

from sim.calibration.evaluations import REMEMBERED, Evaluations
from sim.calibration.fit import Fit, fit
from sim.calibration.problem import Aim, Free, Problem
from sim.calibration.writing import lines, write
from sim.cli import main
from sim.scenario import Scenario, load
from sim.targets import Target, modelled
from tests.sim.small import run, small
from traceability.errors import StoreError

UNTIL, TEST_UNTIL = date(2022, 12, 31), date(2023, 12, 31)
FIRST = date(2020, 1, 1)
TRUTH = {"scale_years": 9.0, "registered_share": 0.8}


def base(scale: int = 1_500) -> Scenario:
    return small(scale=scale, first=FIRST, until=TEST_UNTIL)


def parameter(name: str, key: str, start: float, low: float, high: float, step: float) -> Free:
    return Free(name=name, keys=(key,), law="log", start=start, low=low, high=high, step=step, why="a test")


FREE = (
    parameter("scale_years", "life.scale_years", 11.0, 5.0, 20.0, 0.05),
    parameter("registered_share", "manufacture.registered_share", 1.0, 0.5, 1.2, 0.05),
    # nothing that is fitted here depends on misprints
    parameter("misprint_share", "coding.misprint_share", 0.001, 0.0001, 0.1, 0.5),
)


def asked() -> Problem:
    """Targets that a finer run of the same world with other luck says, where the parameters are as in TRUTH."""
    world = run(
        small(
            scale=600,
            first=FIRST,
            until=TEST_UNTIL,
            seed=7,
            life={"scale_years": TRUTH["scale_years"]},
            manufacture={"registered_share": TRUTH["registered_share"]},
        )
    )

    def said(name: str, year: int, use: str) -> Target:
        blank = Target(name, year, 1.0, "", 0.0, "near", None, None, use, 0.2, "", "", "official")
        value = modelled(blank, world.measures)
        assert value is not None
        return blank._replace(value=value)

    fitted = [("nev_stock_year_end", 2020), ("nev_stock_year_end", 2021), ("deregistrations", 2021)]
    fitted += [("deregistrations", 2022)]
    aims = tuple(Aim(said(name, year, "fit"), "log", 0.15) for name, year in fitted)
    others = tuple(said(name, 2023, "held_out") for name in ("deregistrations", "nev_stock_year_end"))
    return Problem(UNTIL, TEST_UNTIL, aims, FREE, others)


def fitted(folder: Path) -> Fit:
    done = fit(asked(), base(), folder, most=4, sets=8)
    write(done, folder, "baseline")
    return done


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fit, Path]:
    folder = tmp_path_factory.mktemp("fit") / "one"
    return fitted(folder), folder


def test_a_fit_finds_the_parameters_that_made_the_targets(done):
    known = {one.name: one for one in done[0].known}
    for name, true in TRUTH.items():
        assert known[name].low < true < known[name].high, known[name]
        assert known[name].best == pytest.approx(true, rel=0.12)
        assert known[name].verdict != "not identified"


def test_a_parameter_on_which_no_target_depends_is_said_to_be_unknown(done):
    (one,) = [one for one in done[0].known if one.name == "misprint_share"]
    assert one.verdict == "not identified"
    assert one.left == pytest.approx(1.0)
    assert done[0].directions[-1].information == pytest.approx(0.0)
    assert [name for name, _ in done[0].directions[-1].parts] == ["misprint_share"]


def test_what_is_held_out_is_forecast_by_a_fit_that_never_saw_it(done):
    found = {(line.name, line.year): line for line in lines(done[0])}
    assert {use for (_, year), line in found.items() if year == 2023 for use in [line.use]} == {"held_out"}
    line = found["deregistrations", 2023]
    assert line.residual is None
    assert line.log_likelihood is None
    assert line.model == pytest.approx(line.value, rel=0.15)
    assert line.low <= line.model <= line.high


def test_fitted_runs_end_before_what_is_held_out(done):
    """What was searched on was run to the end of 2022; only chosen sets went on to 2023."""
    rows = [json.loads(line) for line in (done[1] / REMEMBERED).read_text("utf-8").splitlines()[1:]]
    shown = {tuple(row["point"]) for row in rows if row["until"] == TEST_UNTIL.isoformat()}
    assert {row["until"] for row in rows} == {UNTIL.isoformat(), TEST_UNTIL.isoformat()}
    assert shown == {one.point for one in done[0].sets if one.kept} | {done[0].best.point}
    held_out = slice(len(done[0].problem.aims), None)
    for row in rows:
        if row["until"] == UNTIL.isoformat():
            assert set(row["said"][held_out]) == {None}


def test_the_best_values_are_a_scenario_that_says_where_they_come_from(done):
    found, folder = done
    scenario = load(folder / "fit.toml")
    assert scenario.name == "small_fit"
    assert scenario.life.scale_years == pytest.approx(found.known[0].best, rel=0.01)
    source = scenario.life.sources["scale_years"]
    assert source.startswith("derived: battrace fit, data up to 2022, 95% interval [")
    # of this one the data say nothing: it keeps its own
    assert scenario.coding == load("baseline").coding
    assert scenario.life.sources["shape"] == load("baseline").life.sources["shape"]


def test_the_tables_have_a_row_for_each_target_and_each_set(done):
    found, folder = done
    with (folder / "likelihood.csv").open(encoding="utf-8", newline="") as rows:
        table = list(csv.DictReader(rows))
    assert [(row["name"], row["use"]) for row in table[-2:]] == [
        ("deregistrations", "held_out"),
        ("nev_stock_year_end", "held_out"),
    ]
    assert sum(float(row["residual"]) ** 2 for row in table[:4]) == pytest.approx(found.found.objective)
    with (folder / "sets.csv").open(encoding="utf-8", newline="") as rows:
        sets = list(csv.DictReader(rows))
    assert [row["set"] for row in sets] == [str(number) for number in range(9)]
    assert sets[0]["kept"] == "1"
    assert float(sets[0]["scale_years"]) == found.known[0].best
    page = (folder / "fit.md").read_text("utf-8")
    assert all(one.name in page and one.verdict in page for one in found.known)


def test_a_fit_that_was_stopped_goes_on_to_the_same_files(done, tmp_path):
    found, folder = done
    lines_of_it = (folder / REMEMBERED).read_text("utf-8").splitlines(keepends=True)
    half = len(lines_of_it) // 2
    again = tmp_path / "again"
    again.mkdir()
    # half of the runs, the last of them half written, and what a killed worker leaves
    (again / REMEMBERED).write_text("".join(lines_of_it[:half]) + lines_of_it[half][:30], encoding="utf-8")
    (again / ".work" / "123-x").mkdir(parents=True)
    went_on = fitted(again)
    assert went_on.runs == found.runs - (half - 1)
    assert sorted(path.name for path in again.iterdir()) == sorted(path.name for path in folder.iterdir())
    assert not (again / ".work").exists()
    for name in ("fit.toml", "sets.csv", "likelihood.csv", "fit.md"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_a_fit_that_is_done_is_not_run_again(done):
    found, folder = done
    assert fit(asked(), base(), folder, most=4, sets=8).runs == 0
    assert found.runs > 0


def test_another_fit_is_not_mixed_into_a_folder(done, tmp_path):
    with pytest.raises(StoreError, match="holds a fit of other targets, another scenario"):
        Evaluations(asked(), base(scale=5_000), done[1])
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="holds other files"):
        Evaluations(asked(), base(), tmp_path)


def test_what_runs_say_does_not_depend_on_the_workers(done, tmp_path):
    problem, point = asked(), done[0].best.point
    with Evaluations(problem, base(20_000), tmp_path / "one") as one:
        alone = one.at([point, (*point[:2], 0.01)], UNTIL)
    with Evaluations(problem, base(20_000), tmp_path / "two", workers=2) as two:
        assert two.at([point, (*point[:2], 0.01)], UNTIL) == alone


# --- on the command line ---

ONE = """
until = 2022-12-31
test_until = 2022-12-31
[[target]]
name = "deregistrations"
years = [2021, 2022]
law = "log"
spread = 0.3
why = "a test"
[[parameter]]
name = "scale"
keys = ["life.scale_years"]
law = "log"
start = 11.0
low = 6.0
high = 20.0
step = 0.1
why = "a test"
"""


def test_fit_prints_what_it_found_and_leaves_its_files(tmp_path, capsys):
    (tmp_path / "mine.toml").write_text(ONE, encoding="utf-8")
    (tmp_path / "late.toml").write_text(
        'extends = "baseline"\nname = "late"\nfrom = 2021-01-01\n', encoding="utf-8"
    )
    arguments = ["fit", str(tmp_path / "mine.toml"), "--scenario", str(tmp_path / "late.toml"), "--quick"]
    arguments += [
        "--scale",
        "20000",
        "--sets",
        "1",
        "--workers",
        "1",
        "--out",
        str(tmp_path / "out"),
        "--json",
    ]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told["parameters"]] == ["scale"]
    assert 6.0 <= told["parameters"][0]["best"] <= 20.0
    assert load(tmp_path / "out" / "fit.toml").first == date(2021, 1, 1)


def test_fit_tells_a_wrong_file_in_one_line(tmp_path, capsys):
    (tmp_path / "mine.toml").write_text(ONE.replace("[2021, 2022]", "[2025]"), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["fit", str(tmp_path / "mine.toml"), "--out", str(tmp_path / "out")])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "deregistrations of 2025 is later than `until` 2022-12-31" in said
    assert not (tmp_path / "out").exists()
