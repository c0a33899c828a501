"""The report of a comparison: one HTML file that opens anywhere, offline, in English and Chinese."""

from __future__ import annotations

from html import escape
from pathlib import Path

from sim.comparison.basis import assumed, cited
from sim.comparison.bundle import BUNDLE
from sim.comparison.changed import Changed
from sim.comparison.gainers import breaches, gainers
from sim.comparison.outcome import Comparison
from sim.comparison.sections import flows, measures, over_years
from sim.comparison.told import difference_of, mean_of, unit_of_difference, verdict
from sim.report.page import NEEDS_SCRIPT, assemble, links, write_page
from sim.report.sections import Section
from sim.report.words import Text, both


def write_comparison(path: Path, told: Comparison, changed: list[Changed]) -> None:
    """Write the report of a comparison to *path*; a reader never sees half of it."""
    write_page(path, render(told, changed))


def render(told: Comparison, changed: list[Changed]) -> str:
    """Return the report as HTML: the same comparison gives the same text, on any day."""
    names = " · ".join(side.label for side in told.sides)
    sections = [
        summary(told),
        measures(told),
        flows(told),
        over_years(told),
        gainers(told),
        breaches(told),
        assumed(told, changed),
        cited(told),
    ]
    against = ", ".join(f"“{_titled(side.label, told).en}”" for side in told.others)
    against_zh = "、".join(f"“{_titled(side.label, told).zh}”" for side in told.others)
    base = _titled(told.baseline.label, told)
    title = Text(f"What changes: {against} against “{base.en}”", f"政策对比：{against_zh}与“{base.zh}”")
    return assemble(title, f"{names} · {told.year}", _header(told, title, sections), sections)


def _titled(label: str, told: Comparison) -> Text:
    scenario = next(side.scenario for side in told.sides if side.label == label)
    return Text(scenario.title_en or label, scenario.title_zh or label)


def _header(told: Comparison, title: Text, sections: list[Section]) -> str:
    scenario, n = told.baseline.scenario, told.baseline.replications
    lede = Text(
        f"The same simulated batteries, {scenario.first.year} to {scenario.last.year}, under "
        f"{len(told.sides)} sets of rules: every battery has the same luck in each, so what differs is what the rules change.",
        f"同一批模拟电池（{scenario.first.year} 至 {scenario.last.year} 年）在 {len(told.sides)} 套规则下运行："
        "每个电池在各情景中的随机数相同，差异即来自规则的变化。",
    )
    caution = Text(
        f"Results of a model, not statistics and not a forecast. {n} replications each; one simulated battery stands for "
        f"{scenario.scale:,} real ones, and all numbers are scaled to real units. An interval covers chance within the "
        "model, not whether the model is right.",
        f"以下为模型结果，既非统计数据，也非预测。各情景重复 {n} 次；一个模拟电池代表 {scenario.scale:,} 个真实电池，"
        "所有数字均已换算为真实规模。区间只反映模型内部的随机性，不反映模型本身是否正确。",
    )
    kicker = Text("Policy comparison", "政策情景对比")
    return (
        f'<header><p class="kicker">{both(kicker)}</p><h1>{both(title)}</h1><p class="lede">{both(lede)}</p>'
        f'<p class="soft">{both(caution)}</p>{NEEDS_SCRIPT}{links(sections)}</header>\n'
    )


def summary(told: Comparison) -> Section:
    """Return what changes in a few sentences, and what does not, for each scenario."""
    html = "".join(_in_words(told, side.label) for side in told.others)
    return Section("summary", Text(f"Summary, {told.year}", f"摘要（{told.year} 年）"), html)


def _in_words(told: Comparison, label: str) -> str:
    said, silent = [], []
    for shown in BUNDLE:
        row, base = told.of(shown, label), told.of(shown, told.baseline.label)
        if row is None or base is None or not (shown.headline or shown.key in ("recyclers", "workshops")):
            continue
        if verdict(row) is not None:
            silent.append(shown.says)
            continue
        gap, interval = difference_of(row, shown)
        unit, plain = unit_of_difference(shown), shown.unit
        before, after = mean_of(base, shown), mean_of(row, shown)
        said.append(
            Text(
                f"{shown.says.en}: {before} to {after} {plain.en} ({gap} {unit.en}, 95 % {interval})",
                f"{shown.says.zh}：由 {before} 变为 {after} {plain.zh}（{gap} {unit.zh}，95 % 区间 {interval}）",
            )
        )
    items = "".join(f"<li>{both(text)}</li>" for text in said)
    title = _titled(label, told)
    if not said:
        items = f"<li>{both(_NOTHING)}</li>"
    rest = ""
    if silent:
        none = Text(
            "No difference shown: " + ", ".join(text.en for text in silent) + ".",
            "未显示差异：" + "、".join(text.zh for text in silent) + "。",
        )
        rest = f'<p class="soft">{both(none)}</p>'
    return (
        f'<div class="sheet" style="padding:1rem 1.4rem"><h3>{both(title)}</h3><ul>{items}</ul>{rest}'
        f"{_twins(told, label)}</div>"
    )


_NOTHING = Text("No headline measure differs beyond chance.", "主要指标均未显示超出随机波动的差异。")


def _twins(told: Comparison, label: str) -> str:
    removed = told.removed(label)
    if removed is None:
        return ""
    text = Text(
        f"Twins removed {100 * removed:.0f} % of the variance of the difference (median of the headline measures). "
        f"Stopping: {told.stopped}.",
        f"配对（相同随机数）消除了差异方差的 {100 * removed:.0f} %（主要指标的中位数）。"
        f"重复次数：每个情景 {told.baseline.replications} 次。",
    )
    return f'<p class="note">{both(text)} <span class="id">{escape(label)}</span></p>'
