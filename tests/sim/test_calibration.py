"""The arithmetic of a fit: likelihood, intervals and what is identified, by hand and without a run."""

import csv
import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.calibration import problem as problems
from sim.calibration.candidate import changed_sections, scenario_at
from sim.calibration.likelihood import residuals, term
from sim.calibration.posterior import covariance, directions, drawn, known, near, rounded
from sim.calibration.problem import Aim, Free, Prior
from sim.calibration.search import leap
from sim.scenario import load as load_scenario
from sim.scenario import parameters
from sim.targets import LAST_FIT_YEAR, Target
from traceability.errors import ScenarioError

SHIPPED = Path(str(problems.files("sim").joinpath("calibration", "targets.toml")))


def target(value: float, name: str = "x") -> Target:
    return Target(name, 2023, value, "t", 0.0, "near", None, None, "fit", 0.1, "", "", "official")


def free(name: str, *, prior: float | None = None, **figures: object) -> Free:
    plain = {"keys": ("life.shape",), "law": "normal", "start": 0.0, "low": -10.0, "high": 10.0, "step": 1.0}
    known_before = None if prior is None else Prior(value=0.0, sd=prior, source="assumed: a test")
    return Free.model_validate(plain | {"name": name, "why": "a test", "prior": known_before} | figures)


# --- likelihood ---


def test_a_residual_is_the_miss_in_standard_errors():
    assert term(Aim(target(100.0), "normal", 5.0), 110.0).residual == 2.0
    assert term(Aim(target(100.0), "log", 0.1), 100.0 * math.exp(-0.3)).residual == pytest.approx(-3.0)


def test_the_log_likelihood_is_the_density_of_the_law():
    assert term(Aim(target(100.0), "normal", 5.0), 110.0).log_likelihood == pytest.approx(
        stats.norm.logpdf(100.0, 110.0, 5.0)
    )
    assert term(Aim(target(100.0), "log", 0.1), 120.0).log_likelihood == pytest.approx(
        stats.lognorm.logpdf(100.0, 0.1, scale=120.0)
    )


def test_a_run_that_says_zero_is_far_from_a_target_whose_law_is_log_but_not_infinitely():
    assert -200 < term(Aim(target(100.0), "log", 0.1), 0.0).residual < -100


def test_a_prior_is_a_residual_behind_those_of_the_targets():
    found = residuals(
        [Aim(target(100.0), "normal", 5.0)], [free("a"), free("b", prior=2.0)], [95.0], np.array([7.0, 3.0])
    )
    assert found.tolist() == [-1.0, 1.5]


def test_a_run_that_says_nothing_of_a_target_is_told():
    with pytest.raises(ScenarioError, match="target x 2023: a run of this scenario says nothing of it"):
        residuals([Aim(target(100.0), "normal", 5.0)], [free("a")], [None], np.zeros(1))


# --- intervals, by hand on linear models ---


def test_the_interval_of_a_mean_is_that_of_the_textbook():
    """Four measurements of one parameter, each with a standard error of 0.5: it is known to 0.25, or nearly:
    the bounds count as even odds of standard deviation 20 / sqrt(12)."""
    jacobian = np.full((4, 1), 2.0)
    (one,) = known([free("a")], np.array([3.0]), jacobian)
    assert one.best == 3.0
    assert one.low == pytest.approx(3.0 - 1.96 * 0.25, abs=1e-3)
    assert one.high == pytest.approx(3.0 + 1.96 * 0.25, abs=1e-3)
    assert one.verdict == "identified"


def test_prior_and_data_join_by_their_precisions():
    """Data of precision 1 and a prior of precision 3 leave a variance of a quarter."""
    jacobian = np.array([[1.0], [math.sqrt(3.0)]])
    assert covariance([free("a", prior=1 / math.sqrt(3.0))], jacobian)[0, 0] == pytest.approx(0.25)


def test_a_parameter_on_which_no_target_depends_is_not_identified_and_keeps_its_prior():
    one, other = known(
        [free("a"), free("b", prior=2.0)], np.zeros(2), np.array([[5.0, 0.0], [4.0, 0.0], [0.0, 0.5]])
    )
    assert one.verdict == "identified"
    assert other.verdict == "not identified"
    assert other.left == pytest.approx(1.0)
    assert (other.low, other.high) == pytest.approx((-2 * 1.96, 2 * 1.96), abs=1e-3)


def test_a_parameter_without_prior_on_which_no_target_depends_has_the_width_of_its_bounds():
    (one,) = known([free("a")], np.zeros(1), np.zeros((3, 1)))
    assert one.verdict == "not identified"
    assert one.left == pytest.approx(1.0)
    assert (one.low, one.high) == (-10.0, 10.0)


def test_two_parameters_of_which_only_the_sum_counts_are_known_only_together():
    one, other = known([free("a"), free("b")], np.zeros(2), np.array([[9.0, 9.0], [0.4, 0.0]]))
    assert one.verdict == "only together with b"
    assert other.verdict == "only together with a"
    assert one.correlations[1] < -0.9


def test_a_parameter_of_which_the_data_say_something_is_weak():
    (one,) = known([free("a", prior=1.0)], np.zeros(1), np.array([[1.2], [1.0]]))
    assert one.verdict == "weak"


def test_directions_say_what_the_targets_alone_say():
    """The sum of both is known, their difference is not: eigenvectors (1, 1) and (1, -1) over sqrt(2)."""
    first, second = directions(
        [free("a", prior=1.0), free("b", prior=1.0)], np.array([[3.0, 3.0], [1.0, 0.0], [0.0, 1.0]]), aims=1
    )
    assert first.information == pytest.approx(18.0)
    assert second.information == pytest.approx(0.0, abs=1e-9)
    assert [abs(weight) for _, weight in first.parts] == pytest.approx([math.sqrt(0.5)] * 2)
    assert first.parts[0][1] * first.parts[1][1] > 0 > second.parts[0][1] * second.parts[1][1]


def test_drawn_sets_have_the_covariance_and_keep_the_bounds():
    jacobian = np.array([[2.0, 1.0], [0.0, 1.0]])
    params = [free("a", low=-50.0, high=50.0), free("b", low=-50.0, high=50.0)]
    places = np.array(drawn(params, np.zeros(2), jacobian, sets=4000, seed=1))
    assert np.cov(places.T) == pytest.approx(covariance(params, jacobian), abs=0.1)
    tight = np.array(
        drawn([free("a", high=0.5), free("b", low=-0.1)], np.zeros(2), jacobian, sets=200, seed=1)
    )
    assert tight[:, 0].max() <= 0.5
    assert tight[:, 1].min() >= -0.1


def test_draws_are_those_of_the_seed():
    again = [drawn([free("a")], np.zeros(1), np.ones((1, 1)), sets=3, seed=seed)[2][0] for seed in (1, 1, 2)]
    assert again[0] == again[1] != again[2]


def test_near_best_is_within_chi_squared_of_the_least():
    assert near(np.array([10.0, 13.0, 14.0]), 1).tolist() == [True, True, False]
    assert near(np.array([10.0, 15.9, 16.1]), 2).tolist() == [True, True, False]


def test_figures_are_rounded_to_what_their_interval_warrants():
    assert rounded(10.82345, 10.5, 11.1) == 10.823
    assert rounded(-1234.56, -2000.0, 0.0) == -1230.0


def test_a_plane_through_stepped_residuals_points_to_their_least():
    """Counts that go in steps of 1 hide their slope from small differences, not from a plane through many places."""
    chance = np.random.default_rng(1)
    places = chance.uniform(-5, 5, (60, 2))
    exact = places @ np.array([[2.0, 0.5, 1.0], [0.0, 1.5, -1.0]]) - np.array([2.0, 3.5, -1.0])
    wide = np.full(2, 50.0)
    found = leap(places, np.floor(exact + 0.5), -wide, wide)
    assert found == pytest.approx([1.0, 2.0], abs=0.15)
    assert leap(places, exact, -wide, np.array([0.5, 50.0]))[0] == pytest.approx(0.5)


def test_too_few_places_make_no_plane():
    assert leap(np.zeros((5, 2)), np.zeros((5, 3)), np.full(2, -1.0), np.full(2, 1.0)) is None


# --- the scale that is searched ---


@given(
    st.floats(0.01, 100.0),
    st.sampled_from(["normal", "log"]),
    st.floats(0.001, 2.0),
)
def test_a_value_comes_back_from_the_scale_that_is_searched(value, law, step):
    one = free("a", law=law, start=1.0, low=0.001, high=1000.0, step=step)
    assert one.outer(one.inner(value)) == pytest.approx(value)


def test_no_place_is_beyond_the_bounds():
    one = free("a", law="log", start=1.0, low=0.5, high=2.0, step=0.1)
    assert (one.outer(-1e4), one.outer(1e4)) == (0.5, 2.0)


# --- what a fit is asked to do ---


def test_what_ships_fits_to_nothing_later_than_2023():
    asked = problems.load()
    assert LAST_FIT_YEAR == 2023
    assert asked.until == date(2023, 12, 31)
    assert asked.aims
    assert all(aim.target.year <= 2023 and aim.target.use == "fit" for aim in asked.aims)


def test_what_ships_names_what_the_fit_is_to_estimate():
    """Life, registered share, replacement, production scrap, channel choice and reporting coverage."""
    names = [one.name for one in problems.load().free]
    assert names == [
        "life_shape",
        "life_scale_years",
        "registered_share",
        "replaced_share",
        "scrap_kg_kwh",
        "leaning_yuan_t",
        "sale_omitted_share",
        "silent_share",
    ]


def test_every_key_that_ships_is_a_figure_of_the_baseline():
    known_keys = {parameter.key for parameter in parameters(load_scenario("baseline"))}
    asked = problems.load()
    assert {key.partition("@")[0] for one in asked.free for key in one.keys} <= known_keys
    changed = scenario_at(load_scenario("baseline"), asked.free, [one.start for one in asked.free])
    assert changed.life.shape == 4.5
    assert changed.reporting["vehicle_makers"].omitted_share.on(17_800) == 0.3


def test_held_out_figures_are_among_what_the_fit_is_tested_on():
    labels = {(t.name, t.year) for t in problems.load().others}
    for name in ("nev_stock_year_end", "deregistrations", "listed_firms_utilisation"):
        assert {(name, 2024), (name, 2025)} <= labels


def edited(directory: Path, old: str, new: str) -> Path:
    text = SHIPPED.read_text("utf-8")
    assert old in text
    path = directory / "mine.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("years = [2022, 2023]", "years = [2022, 2024]", "listed_firms_utilisation of 2024 is later than `until`"),
        ("until = 2023-12-31", "until = 2024-12-31", "what is later than 2023 is a test"),
        ("until = 2023-12-31", "until = 2023-06-30", "`until` 2023-06-30 must be the last day of a year"),
        ('name = "deregistrations"', 'name = "deregistration"', "unknown target `deregistration`"),
        ('name = "deregistrations"', 'name = "deregistration"', "did you mean `deregistrations`"),
        ("years = [2021, 2022, 2023]", "years = [2019]", "deregistrations has no figure for 2019; it has 2021, 2022"),
        ("years = [2021, 2022, 2023]", "years = [2021, 2021]", "deregistrations 2021 is asked for twice"),
        ('name = "deregistrations"', 'name = "new_registrations"', "the use of target new_registrations of 2021 is"),
        ("spread = 0.02", "spred = 0.02", "unknown key `target.1.spred` (nev_stock_year_end); did you mean `spread`?"),
        ("spread = 0.02", "spread = -1", "`target.1.spread` (nev_stock_year_end)"),
        ("start = 4.5", "start = 45", "`start` 45 must lie between `low` 1.5 and `high` 10"),
        ("low = 1.5", "low = -1", "whose law is `log` is above 0"),
        ("low = 1.5\n", "", "`parameter.1.low` (life_shape) is missing"),
        ('name = "life_shape"', 'name = "life_scale_years"', "two parameters are called life_scale_years"),
        ('source = "press:', 'source = "press', "must begin with one of official"),
        ("until = ", "until == ", "not TOML"),
    ],
)  # fmt: skip
def test_a_bad_file_is_told_what_is_wrong_and_what_was_expected(tmp_path, old, new, said):
    path = edited(tmp_path, old, new)
    with pytest.raises(ScenarioError) as told:
        problems.load(path)
    assert said in str(told.value)
    assert "mine.toml" in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ScenarioError, match="no such file; without one, the targets that ship are used"):
        problems.load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("life.shapes", "has no figure `life.shapes`; did you mean `life.shape`?"),
        ("seed", "has no figure `seed`"),
        ("reporting.outlets.never_share", "changes on 2011-01-01, 2026-04-01; say which step is meant"),
        (
            "reporting.outlets.never_share@2020-01-01",
            "has no step on 2020-01-01; its steps begin on 2011-01-01",
        ),
        ("life.scale_years@2020-01-01", "has no step on 2020-01-01"),
        ("reporting.outlets", "has no figure `reporting.outlets`"),
    ],
)
def test_a_key_that_the_scenario_does_not_have_is_told(key, said):
    one = free("a", keys=(key,), law="log", start=1.0, low=0.5, high=2.0)
    with pytest.raises(ScenarioError) as told:
        scenario_at(load_scenario("baseline"), [one], [1.0])
    assert said in str(told.value)


def test_a_value_that_the_scenario_refuses_is_told():
    with pytest.raises(ScenarioError, match=r"refuses these parameters: life.shape"):
        scenario_at(load_scenario("baseline"), [free("a")], [-3.0])


def test_only_what_changes_is_written_and_a_dated_figure_keeps_its_other_steps():
    base = load_scenario("baseline")
    params = [free("a"), free("b", keys=("reporting.outlets.never_share@2011-01-01",))]
    tables = changed_sections(base, params, [5.0, 0.25], {"a": "assumed: x", "b": "assumed: y"})
    after = base.reporting["outlets"].never_share.steps[1][1]
    assert tables == {
        "life": {"shape": 5.0, "sources": {"shape": "assumed: x"}},
        "reporting": {
            "outlets": {
                "never_share": {"2011-01-01": 0.25, "2026-04-01": after},
                "sources": {"never_share": "assumed: y"},
            }
        },
    }


def test_nothing_that_the_simulation_reads_is_a_held_out_figure():
    """No yearly input carries a target of 2024 or 2025 but those that drive the fleet and its batteries."""
    data = SHIPPED.parents[1] / "data"
    assert not (data / "production_scrap.csv").exists()
    with (data / "targets.csv").open(encoding="utf-8", newline="") as rows:
        held_out = {
            float(row["value"])
            for row in csv.DictReader(rows)
            if row["use"] == "held_out" and float(row["value"]) > 1000
        }
    for path in data.glob("*.csv"):
        if path.name != "targets.csv":
            with path.open(encoding="utf-8", newline="") as rows:
                for row in csv.DictReader(rows):
                    if row.get("year") in ("2024", "2025"):
                        figures = {
                            float(v)
                            for k, v in row.items()
                            if k not in ("year", "source", "grade") and _number(v)
                        }
                        assert not figures & held_out, (path.name, row)


def _number(text: str | None) -> bool:
    try:
        float(text or "")
    except ValueError:
        return False
    return True
