"""The sliders of the page: polynomials as data, and what evaluates them in the reader's browser."""

from __future__ import annotations

import json
import math
from html import escape

import numpy as np

from sim.report.reading import ABSENT, number
from sim.report.sections import Section
from sim.report.words import Text, both
from sim.sweep.designs import Floats
from sim.sweep.factors import Factor
from sim.sweep.study import Sweep
from sim.sweep.surrogate import Surrogate, scaled

MOST_IN_HULL = 4
"""Factors up to which the page knows the convex hull of the points; beyond, it knows their box."""
_MOST_FACETS = 4000

_WIDER = 0.5
_FULL = 10.0
_TINY = 1e-6

OUTSIDE = Text("beyond what was sampled", "超出抽样范围")
CORNER = Text("a corner where no run lies", "该角落没有样本")


def slider_range(factor: Factor) -> tuple[float, float]:
    """Return how far a slider goes: all that the figure can be, or half the sampled range more on each side."""
    width = factor.high - factor.low
    if factor.most - factor.least <= _FULL * width:
        return factor.least, factor.most
    low, high = factor.low - _WIDER * width, factor.high + _WIDER * width
    if factor.whole:
        low, high = math.floor(low), math.ceil(high)
    return max(low, factor.least), min(high, factor.most)


def hull(points: Floats) -> Floats | None:
    """Return float64[facets, factors + 1] of the convex hull: inside, a·x + b ≤ 0; None where the box has to do.

    Source: Barber, Dobkin and Huhdanpaa (1996), through scipy.
    """
    from scipy.spatial import ConvexHull, QhullError

    if not 2 <= points.shape[1] <= MOST_IN_HULL:
        return None
    try:
        facets = np.unique(np.round(ConvexHull(points).equations, 9), axis=0)
    except (QhullError, ValueError):  # flat, or fewer points than corners
        return None
    return facets if len(facets) <= _MOST_FACETS else None


def beginning(sweep: Sweep, facets: Floats | None) -> Floats:
    """Return float64[factors], where the sliders stand at first: the scenario's own values, if runs lie around them.

    Otherwise the run that is nearest to them: the first answer that somebody sees should be no guess.
    """
    points = np.unique(sweep.design.points, axis=0)
    own = np.array([[min(max(factor.now, factor.low), factor.high) for factor in sweep.factors]])
    here, there = scaled(own, sweep.factors), scaled(points, sweep.factors)
    inside = facets is None or (facets[:, :-1] @ here[0] + facets[:, -1] <= _TINY).all()
    start: Floats = own[0] if inside else points[((there - here) ** 2).sum(axis=1).argmin()]
    return start


def sliders(sweep: Sweep, fits: list[Surrogate]) -> Section:
    """Return the section with a slider for each factor and an answer for each measure."""
    facets = hull(scaled(np.unique(sweep.design.points, axis=0), sweep.factors))
    data = {
        "factors": [_slider(factor) for factor in sweep.factors],
        "hull": _listed(facets),
        "measures": [
            {
                "terms": [list(term) for term in fit.terms],
                "coefficients": list(fit.coefficients),
                "error": fit.error,
            }
            for fit in fits
            if not fit.refused
        ],
    }
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace(
        "<", "\\u003c"
    )
    lede = Text(
        "Polynomials fitted to the runs answer at once; no run is made. Each answer has its typical error, found on runs "
        "that the fit had not seen. Beyond what was sampled the answer turns grey: it is a guess.",
        "由模拟结果拟合的多项式即时给出答案，不再运行模型。每个答案附有在未参与拟合的样本上得到的典型误差。超出抽样范围时以灰色显示，仅为猜测。",
    )
    answered = [fit for fit in fits if not fit.refused]
    controls = "".join(
        _control(k, factor, float(start))
        for k, (factor, start) in enumerate(zip(sweep.factors, beginning(sweep, facets), strict=True))
    )
    none = Text("No measure can be answered here: see below why.", "没有指标可以由此回答，原因见下。")
    table = _answers(answered) if answered else f'<p class="nothing">{both(none)}</p>'
    html = (
        f"<style>{_STYLE}</style><p>{both(lede)}</p><div class='sheet sliders'>{controls}"
        f"<p class='note' id='beyond' role='status' hidden></p></div>{table}{_refusals(fits)}"
        f'<script type="application/json" id="surrogates">{text}</script><script>{_SCRIPT}</script>'
    )
    return Section("sliders", Text("What if", "如果……会怎样"), html)


def _slider(factor: Factor) -> dict[str, object]:
    least, most = slider_range(factor)
    return {
        "name": factor.name, "low": factor.low, "high": factor.high, "least": least, "most": most,
        "whole": factor.whole,
    }  # fmt: skip


def _listed(facets: Floats | None) -> list[list[float]] | None:
    return None if facets is None else facets.tolist()


def _control(k: int, factor: Factor, start: float) -> str:
    least, most = slider_range(factor)
    step = "1" if factor.whole else "any"
    says = Text(factor.en, factor.zh)
    sampled = f"{factor.written(factor.low)} – {factor.written(factor.high)}"
    note = Text(
        f"sampled: {sampled}; scenario: {factor.written(factor.now)}",
        f"抽样范围：{sampled}；情景取值：{factor.written(factor.now)}",
    )
    left, right = ((end - least) / (most - least) * 100 for end in (factor.low, factor.high))
    return (
        f'<div class="slider"><label for="slider-{k}"><code>{escape(factor.name)}</code> '
        f'<output id="slider-{k}-value"></output> <span class="id">{escape(factor.unit)}</span>'
        f'<br>{both(says)}</label><div class="track"><i style="left:{left:.2f}%;width:{right - left:.2f}%"></i>'
        f'<input type="range" id="slider-{k}" min="{least!r}" max="{most!r}" step="{step}" value="{start!r}"></div>'
        f'<p class="note">{both(note)}</p></div>'
    )


def _answers(fits: list[Surrogate]) -> str:
    heads = (
        Text("measure", "指标"),
        Text("answer", "答案"),
        Text("typical error", "典型误差"),
        Text("luck, 95 %", "随机波动，95 %"),
        Text("unit", "单位"),
    )
    head = "".join(
        f'<th class="{"number" if n in (1, 2, 3) else ""}">{both(t)}</th>' for n, t in enumerate(heads)
    )
    body = "".join(
        f'<tr data-measure="{escape(fit.asked.id)}"><th scope="row">{both(fit.asked.says)}</th>'
        f'<td class="number"><output class="answer"></output></td><td class="number">±{number(fit.error)}</td>'
        f'<td class="number">{ABSENT if fit.half is None else "±" + number(fit.half)}</td>'
        f"<td>{both(fit.asked.unit)}</td></tr>"
        for fit in fits
    )
    note = Text(
        "Typical error: root mean squared error of cross validation. It says how well the polynomial repeats the simulation, not "
        "how well the simulation repeats the world. Luck: half the interval of the mean over replications at a point (median); "
        "with one replication it is not known.",
        "典型误差：交叉验证的均方根误差。它说明多项式对模拟的复现程度，而非模拟对现实的复现程度。"
        "随机波动：各样本点重复均值区间半宽的中位数；仅一次重复时未知。",
    )
    return (
        f'<div class="sheet scroll"><table id="answers"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        f'<p class="note">{both(note)}</p>'
    )


def _refusals(fits: list[Surrogate]) -> str:
    refused = [fit for fit in fits if fit.refused]
    if not refused:
        return ""
    reasons = [(fit.asked.says, _why(fit)) for fit in refused]
    texts = [Text(f"{says.en}: {why.en}", f"{says.zh}：{why.zh}") for says, why in reasons]
    items = "".join(f"<li>{both(text)}</li>" for text in texts)
    title = Text(
        f"No answer for {len(refused)} measure{'s' * (len(refused) > 1)}, and why",
        f"{len(refused)} 个指标没有答案及其原因",
    )
    opened = " open" if len(refused) == len(fits) else ""
    return f'<details id="refused"{opened}><summary>{both(title)}</summary><ul>{items}</ul></details>'


def _why(fit: Surrogate) -> Text:
    if fit.lacking is not None:
        return fit.lacking
    if fit.drowned:
        return Text("luck explains as much as the factors", "随机波动不小于因素影响")
    error, effect, unit = number(fit.error), number(fit.effect), fit.asked.unit
    if fit.error >= fit.effect:
        return Text(
            f"the error, {error} {unit.en}, exceeds the effect, {effect} {unit.en}",
            f"误差（{error} {unit.zh}）大于影响（{effect} {unit.zh}）",
        )
    return Text(
        f"the error, {error} {unit.en}, is not clearly less than the effect, {effect} {unit.en}",
        f"误差（{error} {unit.zh}）并不明显小于影响（{effect} {unit.zh}）",
    )


_STYLE = """
.sliders { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: .4rem 2.2rem;
  padding: 1.1rem 1.4rem; }
.sliders > .note { grid-column: 1 / -1; }
.slider label { display: block; font-size: .9rem; line-height: 1.45; }
.slider output { font-weight: 640; }
.slider .note { margin: .1rem 0 .6rem; }
.track { position: relative; margin-top: .35rem; }
.track i { position: absolute; top: 50%; height: 10px; margin-top: -5px; border-radius: 5px; background: #cfe3ee; }
.track input { position: relative; width: 100%; margin: 0; accent-color: var(--accent); background: transparent; }
.beyond { color: var(--soft); }
.beyond .answer, .beyond output { font-style: italic; font-weight: 450; color: #8a94a0; }
#answers.beyond tbody { opacity: .62; }
#beyond { color: #9c4510; }
"""

_SCRIPT = (
    """
"use strict";
(function () {
  const said = JSON.parse(document.getElementById("surrogates").textContent);
  const factors = said.factors, inputs = factors.map((_, k) => document.getElementById("slider-" + k));
  const answers = Array.from(document.querySelectorAll("#answers .answer"));
  const table = document.getElementById("answers"), beyond = document.getElementById("beyond");
  const TINY = TINY_HERE;

  function legendre(degree, x) {
    let before = 1, now = x;
    if (degree === 0) return 1;
    for (let n = 1; n < degree; n++) [before, now] = [now, ((2 * n + 1) * x * now - n * before) / (n + 1)];
    return now;
  }

  function evaluate(measure, x) {
    let sum = 0;
    measure.terms.forEach(function (term, t) {
      let product = measure.coefficients[t];
      term.forEach(function (degree, k) { product *= legendre(degree, x[k]); });
      sum += product;
    });
    return sum;
  }

  function written(value, digits) {
    const size = Math.abs(value);
    const places = digits !== undefined ? digits
      : size === 0 || size >= 100 ? 0 : Math.min(6, 2 - Math.floor(Math.log10(size)));
    const shown = { minimumFractionDigits: places, maximumFractionDigits: places };
    return value.toLocaleString("en-US", shown).replace("-", "\\u2212");
  }

  function told(reason) {
    for (const lang of ["en", "zh"]) {
      const span = document.createElement("span");
      span.lang = lang;
      span.textContent = reason[lang];
      beyond.append(span);
    }
  }

  function show() {
    const values = inputs.map((input) => Number(input.value));
    const x = values.map((v, k) => (2 * v - factors[k].low - factors[k].high) / (factors[k].high - factors[k].low));
    const outside = factors.filter((_, k) => Math.abs(x[k]) > 1 + TINY);
    const corner = !outside.length && said.hull
      && said.hull.some((facet) => facet.reduce((sum, a, k) => sum + a * (k < x.length ? x[k] : 1), 0) > TINY);
    values.forEach(function (v, k) {
      document.getElementById("slider-" + k + "-value").textContent = factors[k].whole ? written(v, 0) : written(v);
    });
    answers.forEach(function (place, m) {
      const value = evaluate(said.measures[m], x);
      place.dataset.value = String(value);
      place.textContent = written(value);
    });
    if (table) table.classList.toggle("beyond", outside.length > 0 || corner);
    beyond.replaceChildren();
    beyond.hidden = !outside.length && !corner;
    if (outside.length) {
      const names = outside.map((f) => f.name).join(", ");
      told({ en: names + ": OUTSIDE_EN. The answers are guesses.", zh: names + "：OUTSIDE_ZH，答案仅为猜测。" });
    } else if (corner) {
      told({ en: "This is CORNER_EN. The answers are guesses.", zh: "CORNER_ZH，答案仅为猜测。" });
    }
  }

  const asked = /[#&]at=([^&]+)/.exec(location.hash);
  if (asked) asked[1].split(",").forEach(function (v, k) { if (inputs[k]) inputs[k].value = v; });
  for (const input of inputs) input.addEventListener("input", show);
  show();
})();
""".replace("TINY_HERE", repr(_TINY))
    .replace("OUTSIDE_EN", OUTSIDE.en)
    .replace("OUTSIDE_ZH", OUTSIDE.zh)
    .replace("CORNER_EN", CORNER.en)
    .replace("CORNER_ZH", CORNER.zh)
)
