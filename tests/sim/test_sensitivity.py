"""Which assumptions matter: twins with one figure moved, the table of what that does, and a folder that survives a kill."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from click.testing import CliRunner

from sim.cli import cli
from sim.measures import Value
from sim.record import scenario_table
from sim.scenario import Scenario, load
from sim.sensitivity import HEADLINES, Effect, Sensitivity, read, run_sensitivity, twins, written
from sim.sensitivity.headlines import headline_values, window
from sim.sensitivity.table import BASE, effects
from tests.sim.small import baseline, small
from traceability.errors import ScenarioError, StoreError


def flat(table: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Dotted key -> value."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= flat(value, f"{path}{key}.")
        else:
            found[path + key] = value
    return found


def only(*assumed: str, **sections: dict[str, Any]) -> Scenario:
    """A small scenario in which only these figures are assumed."""
    raw = scenario_table(small(scale=50_000, first=date(2024, 1, 1), until=date(2027, 12, 31), **sections))
    raw["replications"] = 2

    def said(table: dict[str, Any], path: str) -> None:
        for key, value in table.items():
            if key == "sources":
                for name in value:
                    value[name] = "assumed" if f"{path}{name}" in assumed else "derived: for this test"
            elif isinstance(value, dict):
                said(value, f"{path}{key}.")

    said(raw, "")
    return Scenario.model_validate(raw)


def moved(scenario: Scenario, key: str, share: float = 0.2) -> dict[str, Any]:
    """Direction -> the figure with this key in the twin."""
    found, _ = twins(scenario, share)
    return {
        t.direction: {k: v for k, v in flat(scenario_table(t.scenario)).items() if k.startswith(key)}
        for t in found
        if t.parameter.key == key
    }


def test_a_figure_is_moved_down_and_up_by_the_share():
    assert moved(only("market.noise_yuan_t", market={"noise_yuan_t": 3000.0}), "market.noise_yuan_t") == {
        "down": {"market.noise_yuan_t": pytest.approx(2400)},
        "up": {"market.noise_yuan_t": pytest.approx(3600)},
    }


def test_a_dated_figure_is_moved_as_a_whole_and_stays_where_it_stands_at_a_bound():
    steps = {"2011-01-01": 1.0, "2018-08-01": 0.5, "2026-04-01": 0.9}
    scenario = only("scrapping.direct_share", scrapping={"direct_share": steps})
    key = "scrapping.direct_share"
    assert moved(scenario, key) == {
        "down": {f"{key}.{day}": pytest.approx(v) for day, v in zip(steps, (1.0, 0.4, 0.72), strict=True)},
        "up": {f"{key}.{day}": pytest.approx(v) for day, v in zip(steps, (1.0, 0.6, 1.0), strict=True)},
    }


def test_a_small_whole_number_moves_by_one():
    key = "swap.operators"
    assert moved(only(key, swap={"operators": 2}), key) == {"down": {key: 1}, "up": {key: 3}}
    assert moved(only(key, swap={"operators": 1}), key) == {"up": {key: 2}}  # fewer than one there are not


def test_switches_years_and_zeros_are_listed_and_not_moved():
    scenario = only(
        "enforcement.swap_exempt",
        "coding.began",
        "reporting.outlets.never_share",
        "market.noise_yuan_t",
        reporting={"never_share": 0.0},
    )
    found, out = twins(scenario)
    assert {t.parameter.key for t in found} == {"market.noise_yuan_t"}
    assert {x.parameter.key: x.why for x in out} == {
        "enforcement.swap_exempt": "a switch",
        "coding.began": "a year of the calendar, not an amount",
        "reporting.outlets.never_share": "is zero, and so is every share of it",
    }


def test_a_move_that_the_scenario_refuses_is_left_out_with_its_reason():
    """The good and the poor are at most all."""
    scenario = only("recycling.good_share", recycling={"good_share": 0.6, "poor_share": 0.4})
    found, out = twins(scenario)
    assert [t.direction for t in found] == ["down"]
    assert not out
    steady = only(
        "collection.transit_first_days", collection={"transit_first_days": 0, "transit_last_days": 0}
    )
    assert [x.why for x in twins(steady)[1]] == ["is zero, and so is every share of it"]


def test_each_twin_of_the_baseline_differs_from_it_in_one_figure_and_every_assumed_one_is_told_of():
    scenario = load("baseline")
    before = flat(scenario_table(scenario))
    found, out = twins(scenario)
    for twin in found:
        after = flat(scenario_table(twin.scenario))
        changed = {key for key in before if after[key] != before[key]}
        assert changed
        assert all(key == twin.parameter.key or key.startswith(f"{twin.parameter.key}.") for key in changed)
        assert after.keys() == before.keys()
    said = {
        key.replace(".sources", "")
        for key, value in flat(baseline()).items()
        if ".sources." in key and str(value).startswith("assumed")
    }
    assert {t.parameter.key for t in found} | {x.parameter.key for x in out} == said


def test_a_headline_measure_is_the_mean_of_its_years():
    values = [
        Value("retired_mass", 2026, "LFP", 1.0),
        Value("retired_mass", 2026, "NCM", 2.0),
        Value("retired_mass", 2028, "LFP", 6.0),
        Value("retired_mass", 2029, "LFP", 99.0),
        Value("formal_share", 2027, "", 0.5),
        Value("reported_share", 2027, "CU", 0.2),
        Value("reported_share", 2027, "ELV", 0.4),
        Value("recovered", 2027, "LI", 3.0),
        Value("recovered", 2027, "NI", 70.0),
    ]
    found = headline_values(values, (2026, 2028))
    assert found["retired_kt"] == pytest.approx((3 + 0 + 6) / 3)  # a year without is a year of none
    assert found["formal_share"] == 0.5  # a share of nothing is no share
    assert found["reported_share"] == pytest.approx(0.3)
    assert found["lithium_t"] == pytest.approx(1.0)
    assert found.keys() == {h.id for h in HEADLINES}


def test_the_effect_is_the_mean_difference_of_the_twins_with_its_interval():
    """Differences of 1 and 3: mean 2, standard error 1, t of one degree of freedom 12.7062."""
    (twin, _), _ = twins(only("market.noise_yuan_t"))
    base = {h.id: 0.0 for h in HEADLINES}
    found = {
        BASE: [base | {"retired_kt": 10.0}, base | {"retired_kt": 30.0}],
        twin.name: [base | {"retired_kt": 11.0}, base | {"retired_kt": 33.0}],
    }
    told = {e.measure: e for e in effects([twin], [], found)}["retired_kt"]
    assert (told.base, told.effect) == (20.0, 2.0)
    assert (told.low, told.high) == (
        pytest.approx(2 - 12.7062, rel=1e-4),
        pytest.approx(2 + 12.7062, rel=1e-4),
    )
    assert told.relative == pytest.approx(0.1)
    assert not told.clear


def effect(parameter: str, size: float, low: float, high: float, base: float = 10.0) -> Effect:
    return Effect(parameter, "1", "-", "up", "1.2", "retired_kt", "kt/year", base, size, low, high, 3)


def table(*found: Effect) -> Sensitivity:
    return Sensitivity("hand", 1, date(2030, 12, 31), (2026, 2030), 0.2, "0" * 16, found)


def test_figures_are_ranked_by_their_largest_clear_effect_and_the_others_are_told_apart():
    made = table(
        effect("small", 1.0, 0.5, 1.5),
        effect("large", -3.0, -4.0, -2.0),
        effect("large", 0.5, 0.4, 0.6),
        effect("noisy", 9.0, -1.0, 19.0),
        effect("nothing", 0.0, 0.0, 0.0),
        Effect("switch", "1", "0 or 1", "", "", "", "", 0, 0, 0, 0, 0, "a switch"),
    )
    assert [(e.parameter, e.effect) for e in made.ranked()] == [("large", -3.0), ("small", 1.0)]
    assert (made.chance(), made.idle()) == (["noisy"], ["nothing"])
    assert [e.why for e in made.left_out()] == ["a switch"]
    assert made.replications == 3
    assert read(written(made)) == made


def test_what_is_no_table_is_refused():
    for text in ("", "a,b\n1,2\n", "parameter,base\nx,many\n"):
        with pytest.raises(StoreError, match="no table of `battrace sensitivity`"):
            read(text)


KEYS = ("informal.e_bike_share", "falsehood.flattered_share")
SECTIONS = {"informal": {"e_bike_share": 0.5, "storage_share": 0.0}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sensitivity, Path]:
    """A table made at one go; tests only read it."""
    folder = tmp_path_factory.mktemp("whole") / "table"
    return run_sensitivity(only(*KEYS, **SECTIONS), folder, share=0.5), folder


def test_what_a_figure_is_about_moves_with_it_and_what_no_measure_sees_does_nothing(whole):
    made, folder = whole
    by = {(e.parameter, e.direction, e.measure): e for e in made.effects}
    assert by[KEYS[0], "up", "e_bike_kt"].effect > 0 > by[KEYS[0], "down", "e_bike_kt"].effect
    assert by[KEYS[0], "up", "retired_kt"].effect == 0
    assert made.idle() == [KEYS[1]]
    assert made.years == window(only(*KEYS)) == (2024, 2027)
    assert read((folder / "sensitivity.csv").read_text("utf-8")) == made
    assert sorted(p.name for p in folder.iterdir()) == ["sensitivity.csv", "sensitivity.toml"]


class Killed(Exception):
    pass


def test_one_that_was_stopped_is_finished_to_the_same_bytes_and_repeats_only_what_is_missing(whole, tmp_path):
    scenario, folder, told = only(*KEYS, **SECTIONS), tmp_path / "stopped", []

    def stop(done: int, _: int) -> None:
        if done == 4:
            raise Killed

    with pytest.raises(Killed):
        run_sensitivity(scenario, folder, share=0.5, progress=stop)
    assert not (folder / "sensitivity.csv").exists()
    with pytest.raises(StoreError, match="--resume"):
        run_sensitivity(scenario, folder, share=0.5)
    with pytest.raises(StoreError, match="another scenario, share or version"):
        run_sensitivity(scenario, folder, share=0.1, resume=True)
    run_sensitivity(
        scenario, folder, share=0.5, resume=True, workers=2, progress=lambda done, of: told.append((done, of))
    )
    assert told == [(done, 10) for done in range(5, 11)]  # the scenario and four twins, twice
    for name in ("sensitivity.csv", "sensitivity.toml"):
        assert (folder / name).read_bytes() == (whole[1] / name).read_bytes()


def test_a_folder_with_other_files_is_not_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="holds other files"):
        run_sensitivity(only(*KEYS), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_has_no_whole_year_or_no_assumption_is_refused(tmp_path):
    raw = scenario_table(only(*KEYS)) | {"from": "2026-04-01", "until": "2026-12-31"}
    with pytest.raises(ScenarioError, match="no whole year"):
        run_sensitivity(Scenario.model_validate(raw), tmp_path / "a")
    with pytest.raises(ScenarioError, match="no figure that is assumed"):
        run_sensitivity(only(), tmp_path / "b")
    assert not any(tmp_path.iterdir())


def test_the_command_prints_the_ranking_and_leaves_the_table(tmp_path):
    raw = scenario_table(only(*KEYS, **SECTIONS)) | {"name": "few", "from": date(2024, 1, 1)}
    (tmp_path / "few.toml").write_text(tomli_w.dumps(raw | {"until": date(2030, 12, 31)}), "utf-8")
    words = ["sensitivity", str(tmp_path / "few.toml"), "--scale", "200000", "--until", "2026-12-31"]
    words += ["--replications", "1", "--workers", "1", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(cli, [*words, "--share", "0.5"])
    assert done.exit_code == 0, done.output
    assert "informal.e_bike_share" in done.stdout
    assert "1 change none of these measures" in done.stdout
    again = CliRunner().invoke(cli, [*words, "--share", "0.5", "--resume", "--json"])
    assert again.exit_code == 0, again.output
    said = json.loads(again.stdout)
    assert (said["share"], said["years"], said["idle"]) == (0.5, [2024, 2026], [KEYS[1]])
    with (tmp_path / "out" / "sensitivity.csv").open(encoding="utf-8", newline="") as rows:
        assert {row["made_from"] for row in csv.DictReader(rows)} == {said["made_from"]}
