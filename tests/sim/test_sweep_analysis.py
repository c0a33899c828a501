"""Indices, curves and polynomials of functions whose answers are known; no simulation."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from sim.report.words import Text
from sim.scenario import load
from sim.sweep import Asked, Design, Factor, Sweep, design
from sim.sweep.curves import curves
from sim.sweep.indices import (
    CONSTANT,
    COVERS_ZERO,
    DROWNED,
    NO_INTERVAL,
    NO_VALUE,
    TOO_FEW,
    Index,
    Share,
    estimated,
    indices,
)
from sim.sweep.noise import noise
from sim.sweep.page import render
from sim.sweep.results import results
from sim.sweep.sliders import beginning, hull, slider_range
from sim.sweep.surrogate import fitted, scaled, surrogates

BASE = load("baseline")


def ranged(name: str, low: float, high: float, **also) -> Factor:
    plain = Factor(name, None, "-", name, name, low, high, (), False, False, low, high, (low + high) / 2)
    return replace(plain, **also)


def levelled(name: str, *levels: float) -> Factor:
    return ranged(name, levels[0], levels[-1], levels=levels, listed=True)


def measure(name: str = "m") -> Asked:
    return Asked("retired_mass", 2030, "", name, Text(name, f"指标{name}"), Text("kt", "千吨"), 1.0, True)


def swept(factors: list[Factor], made: Design, *columns: np.ndarray) -> Sweep:
    """A sweep that found *columns*, each float64[points, replications]."""
    asked = tuple(measure(f"m{n}") for n in range(len(columns)))
    return Sweep(BASE, tuple(factors), made, asked, np.stack(columns, axis=2), "0" * 64)


# --- indices ---------------------------------------------------------------------------------------------

X = [ranged(f"x{k}", -math.pi, math.pi) for k in (1, 2, 3)]
A, B = 7.0, 0.1


def ishigami(points: np.ndarray) -> np.ndarray:
    x1, x2, x3 = points.T
    return (np.sin(x1) + A * np.sin(x2) ** 2 + B * x3**4 * np.sin(x1))[:, None]


V1 = 0.5 * (1 + B * math.pi**4 / 5) ** 2
V2 = A**2 / 8
V13 = B**2 * math.pi**8 * (1 / 18 - 1 / 50)
FIRST = [part / (V1 + V2 + V13) for part in (V1, V2, 0.0)]
TOTAL = [part / (V1 + V2 + V13) for part in (V1 + V13, V2, V13)]
"""Ishigami and Homma (1990), as Sobol' and Levitan (1999) give them."""


def holds(share: Share, value: float) -> bool:
    return share.low <= value <= share.high


@pytest.mark.parametrize("seed", [1, 2026])
def test_saltelli_finds_the_indices_of_ishigami(seed):
    made = design("sobol", X, 5 * 1024, seed)
    for (first, total), one, all_ in zip(
        estimated(made, X, ishigami(made.points), seed), FIRST, TOTAL, strict=True
    ):
        assert holds(first, one)
        assert holds(total, all_)
        assert first.high - first.low < 0.25


@pytest.mark.parametrize("seed", [1, 2026])
def test_given_data_find_the_first_order_indices_of_ishigami_and_no_totals(seed):
    made = design("lhs", X, 1500, seed)
    for (first, total), one in zip(estimated(made, X, ishigami(made.points), seed), FIRST, strict=True):
        assert abs(first.value - one) < 0.05
        assert holds(first, one)
        assert total is None


def test_a_full_factorial_is_taken_apart_exactly():
    """y = 3a + b + ab over a and b of -1 and 1: variances 9, 1 and 1."""
    two = [levelled("a", -1.0, 1.0), levelled("b", -1.0, 1.0)]
    made = design("grid", two, 4, 1)
    a, b = made.points.T
    found = estimated(made, two, (3 * a + b + a * b)[:, None], 1)
    assert [(f.value, t.value) for f, t in found] == [
        (pytest.approx(9 / 11), pytest.approx(10 / 11)),
        (pytest.approx(1 / 11), pytest.approx(2 / 11)),
    ]
    assert found[0][0].low is None  # one replication


def test_replications_give_the_grid_its_intervals():
    two = [levelled("a", 0.0, 1.0, 2.0), levelled("b", 0.0, 1.0)]
    made = design("grid", two, 6, 1)
    luck = np.random.default_rng(5).normal(0, 0.3, (6, 8))
    sweep = swept(two, made, made.points[:, :1] * 4 + luck)
    a, b = indices(sweep)
    assert a.why is None
    assert a.first.low > 0.5
    assert b.why is COVERS_ZERO


def test_what_luck_explains_is_not_shown():
    two = [ranged("a", 0, 1), ranged("b", 0, 1)]
    made = design("lhs", two, 60, 1)
    noisy = np.random.default_rng(1).normal(size=(60, 3))
    clear = made.points[:, :1] + 0.01 * noisy
    found = list(indices(swept(two, made, noisy, clear, np.ones((60, 3)), np.full((60, 3), np.nan))))
    assert [each.why for each in found] == [
        DROWNED,
        DROWNED,
        None,
        COVERS_ZERO,
        CONSTANT,
        CONSTANT,
        NO_VALUE,
        NO_VALUE,
    ]


def test_luck_that_all_points_share_is_no_noise():
    """Every point is lucky in the same replication: the differences are exact."""
    at, luck = np.arange(6.0)[:, None], np.array([[0.0, 100.0, -40.0]])
    found = noise(at + luck)
    assert found.between == pytest.approx(3.5)
    assert found.luck == pytest.approx(0, abs=1e-12)
    assert not found.drowned
    assert noise(at).luck is None


def test_a_total_is_shown_by_its_own_interval_and_not_by_that_of_the_first_order():
    some, none = Share(0.4, 0.1, 0.7), Share(0.1, -0.2, 0.4)
    one = ranged("a", 0, 1)
    assert Index(measure(), one, none, some, COVERS_ZERO).why_no_total is None
    assert not Index(measure(), one, none, some, COVERS_ZERO).idle
    assert Index(measure(), one, some, none, None).why_no_total == COVERS_ZERO
    assert Index(measure(), one, none, none, COVERS_ZERO).idle
    assert Index(measure(), one, some, some, DROWNED).why_no_total == DROWNED
    assert Index(measure(), one, none, None, COVERS_ZERO).idle


def test_a_few_points_or_one_replication_of_a_grid_show_nothing():
    one = [ranged("a", 0, 1)]
    made = design("lhs", one, 20, 1)
    assert [each.why for each in indices(swept(one, made, made.points))] == [TOO_FEW]
    made = design("grid", one, 20, 1)
    assert [each.why for each in indices(swept(one, made, made.points))] == [NO_INTERVAL]


# --- curves ----------------------------------------------------------------------------------------------


def test_the_curve_of_a_grid_is_the_mean_over_the_others_with_the_band_of_luck():
    """At a = 1: replications (10 + 20) / 2 and (14 + 24) / 2, hence 17 and a band of 12.7062 * 2."""
    two = [levelled("a", 1.0, 2.0), levelled("b", 1.0, 2.0)]
    made = design("grid", two, 4, 1)
    values = np.array([[10.0, 14.0], [20.0, 24.0], [90.0, 90.0], [94.0, 94.0]])
    found = [p for p in curves(swept(two, made, values)) if p.factor.name == "a"]
    assert [(p.value, p.mean, p.points) for p in found] == [(1, 17, 2), (2, 92, 2)]
    assert found[0].high == pytest.approx(17 + 12.7062 * 2, rel=1e-5)
    assert found[0].low == 0  # no amount is less than nothing
    assert found[1].low == found[1].high == 92


def test_the_curve_of_a_sample_follows_the_function_and_one_replication_has_a_band_over_points():
    two = [ranged("a", 0, 1), ranged("b", 0, 1)]
    made = design("lhs", two, 200, 1)
    found = [p for p in curves(swept(two, made, made.points[:, :1] * 10)) if p.factor.name == "a"]
    assert len(found) == 10
    assert all(p.low < p.mean < p.high and p.mean == pytest.approx(10 * p.value) for p in found)


def test_a_single_replication_of_a_grid_has_no_band():
    one = [levelled("a", 1.0, 2.0)]
    made = design("grid", one, 2, 1)
    assert [(p.mean, p.low, p.high) for p in curves(swept(one, made, made.points))] == [
        (1, None, None),
        (2, None, None),
    ]


# --- polynomials -----------------------------------------------------------------------------------------


def quadratic(points: np.ndarray) -> np.ndarray:
    a, b = points.T
    return (3 + 2 * a - 5 * b + a * b - 4 * a**2)[:, None]


def test_a_quadratic_is_repeated_exactly():
    two = [ranged("a", -3, 9), ranged("b", 100, 101)]
    made = design("lhs", two, 40, 1)
    fit = fitted(measure(), quadratic(made.points), made, two)
    other = design("lhs", two, 50, 2).points
    assert fit.degree == 2
    assert not fit.refused
    assert np.allclose(fit.at(scaled(other, two)), quadratic(other)[:, 0], rtol=1e-6)
    assert fit.error < 1e-5
    assert fit.explained == pytest.approx(1)


@pytest.mark.parametrize("replications", [1, 3])
def test_noise_is_refused(replications):
    """Of thirty measures that are nothing but luck, chance may let one or two through, not more."""
    two = [ranged("a", 0, 1), ranged("b", 0, 1)]
    made = design("lhs", two, 60, 1)
    rng = np.random.default_rng(7)
    fits = [fitted(measure(), rng.normal(size=(60, replications)), made, two) for _ in range(30)]
    assert sum(not fit.refused for fit in fits) <= 2


def test_the_error_is_that_of_points_that_the_fit_has_not_seen():
    """A line with noise of 1: the error is about that of the noise, and neither nought nor that of the line."""
    one = [ranged("a", 0, 100)]
    made = design("lhs", one, 200, 1)
    values = made.points + np.random.default_rng(3).normal(size=(200, 1))
    fit = fitted(measure(), values, made, one)
    assert fit.error == pytest.approx(1, abs=0.15)
    assert fit.effect == pytest.approx(100 / math.sqrt(12), rel=0.02)
    assert not fit.refused


def test_what_does_not_vary_or_has_no_value_has_no_polynomial():
    one = [ranged("a", 0, 1)]
    made = design("lhs", one, 30, 1)
    holed = made.points.copy()
    holed[3] = np.nan
    fits = surrogates(swept(one, made, np.ones((30, 1)), holed))
    assert [fit.lacking.en for fit in fits] == [
        "nothing that is varied here changes it",
        "some points have no value",
    ]
    assert all(fit.refused for fit in fits)
    few = design("lhs", one, 5, 1)
    assert surrogates(swept(one, few, few.points))[0].lacking.en == "fewer than 8 points"


def test_a_switch_is_a_straight_line_between_off_and_on():
    two = [levelled("a", 0.0, 1.0), ranged("b", 0, 1)]
    made = design("lhs", two, 60, 1)
    fit = fitted(measure(), made.points[:, :1] * (1 + made.points[:, 1:] ** 2), made, two)
    assert max(term[0] for term in fit.terms) == 1
    assert fit.error < 1e-3


# --- the page --------------------------------------------------------------------------------------------


def test_a_slider_goes_as_far_as_the_figure_can_be_or_half_its_range_more():
    assert slider_range(ranged("share", 0.2, 0.6, least=0.0, most=1.0)) == (0, 1)
    assert slider_range(ranged("yuan", 100, 300, least=0.0, most=1e9)) == (0, 400)
    assert slider_range(ranged("firms", 2, 5, whole=True, least=1.0, most=1000.0)) == (1, 7)


def test_the_hull_of_a_square_is_its_four_sides():
    facets = hull(np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [0.0, 0.0]]))
    assert len(facets) == 4
    assert hull(np.array([[-1.0], [1.0]])) is None
    assert hull(np.array([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])) is None  # a line has no inside


def test_sliders_begin_where_runs_lie():
    """At the scenario's own values if runs lie around them, else at the nearest run, which is no guess."""
    two = [ranged("a", 0, 10, now=5.0), ranged("b", 0, 10, now=5.0)]
    made = design("lhs", two, 30, 1)
    sweep = swept(two, made, made.points[:, :1])
    facets = hull(scaled(made.points, two))
    assert beginning(sweep, facets).tolist() == [5.0, 5.0]
    corner = replace(sweep, factors=tuple(replace(factor, now=-3.0) for factor in two))
    nearest = made.points[np.hypot(*made.points.T).argmin()]
    assert beginning(corner, facets).tolist() == nearest.tolist()
    assert beginning(corner, None).tolist() == [0.0, 0.0]


def browser() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "the page is tested in a real browser: install chromium"
    return found


class Answers(HTMLParser):
    """What the page says after its script has run: measure -> answer, whether they are greyed, and why."""

    def __init__(self, dom: str) -> None:
        super().__init__()
        self.found: dict[str, float] = {}
        self.table, self.beyond, self._measure, self._in = "", "", "", False
        self.feed(dom)

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        self._measure = said.get("data-measure", self._measure)
        if "data-value" in said:
            self.found[self._measure] = float(said["data-value"])
        if said.get("id") == "answers":
            self.table = said.get("class") or ""
        self._in = said.get("id") == "beyond" or (self._in and tag == "span" and said.get("lang") == "en")

    def handle_data(self, data):
        self.beyond += data if self._in else ""


def opened(page: Path, place: str, home: Path) -> Answers:
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={home}"]
    address = f"{page.as_uri()}#lang=en&at={place}"
    done = subprocess.run(
        [browser(), *words, "--virtual-time-budget=5000", "--dump-dom", address],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return Answers(done.stdout)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of a sweep of known functions: a quadratic, one of degree three, noise."""
    three = [
        ranged("a.share", 0, 1),
        ranged("b.yuan", 10, 30, least=0.0, most=1e9),
        levelled("c.switch", 0.0, 1.0),
    ]
    made = design("lhs", three, 90, 4)
    a, b, c = made.points.T
    noisy = np.random.default_rng(2).normal(size=(90, 1))
    found = swept(three, made, (a**2 * b + c)[:, None], (a + b * c - b**2 / 7)[:, None], noisy)
    place = tmp_path_factory.mktemp("page") / "sweep.html"
    said = results(found)
    place.write_text(render(found, said.curves, said.indices, said.surrogates), "utf-8")
    return place, found, said.surrogates


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ((0.43, 17.25, 0.5), ""),
        ((0.002, 10.01, 0.0), "This is a corner where no run lies."),
        ((0.5, 35.0, 1.0), "b.yuan: beyond what was sampled."),
    ],
)
def test_in_a_browser_a_slider_gives_the_number_that_python_gives(page, tmp_path, at, said):
    path, sweep, fits = page
    answers = opened(path, ",".join(map(str, at)), tmp_path)
    used = [fit for fit in fits if not fit.refused]
    assert len(used) == 2
    assert answers.found.keys() == {fit.asked.id for fit in used}
    for fit in used:
        (expected,) = fit.at(scaled(np.array([at]), sweep.factors))
        assert answers.found[fit.asked.id] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert answers.beyond == (said and f"{said} The answers are guesses.")
    assert answers.table == ("beyond" if said else "")


def test_the_page_says_why_a_measure_has_no_answer_and_shows_no_zero_interval_as_an_effect(page):
    path, _, fits = page
    html = path.read_text("utf-8")
    assert [fit.refused for fit in fits] == [False, False, True]
    assert "No answer for 1 measure, and why" in html
    assert "the error, " in html
    assert "并不明显小于影响" in html or "大于影响" in html
    data = json.loads(html.split('id="surrogates">')[1].split("</script>")[0])
    assert len(data["measures"]) == 2
    assert "http" not in html.split("<main>")[1].split('<script type="application/json" id="figures"')[0]
