"""The figures of a comparison: all measures, flows before and after, bands over the years."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from sim.comparison.bundle import BUNDLE, Shown
from sim.comparison.outcome import Compared, Comparison, as_rows
from sim.comparison.told import difference_of, mean_of, signed, unit_of_difference, verdict
from sim.measures import MEASURES
from sim.report.charts import Figure, dots, lines
from sim.report.model import MeasureInfo, Row
from sim.report.reading import number
from sim.report.sankey import layout
from sim.report.sankey_svg import draw, flows_of
from sim.report.sections import Section
from sim.report.words import Text, both

INFOS = {info.id: info for info in MEASURES}
NUMBERS = Text("Numbers as a table", "数据表")
BEFORE, AFTER = Text("before", "变更前"), Text("after", "变更后")


def measures(told: Comparison) -> Section:
    """Return the bundle as dots, in percent of the baseline, and as a table; one for each scenario."""
    parts = [_bundle(told, side.label) for side in told.others]
    figures = tuple(figure for _, found in parts for figure in found)
    note = Text(
        "Differences are paired, replication by replication, with a 95 % interval of Student's t. "
        "p is adjusted for all measures of all scenarios together (Holm): a difference counts as shown below 0.05.",
        "差异按重复逐一配对，区间为 95 % 的 Student t 区间。p 值已按全部展示指标进行 Holm 校正；低于 0.05 时视为显示差异。",
    )
    html = "".join(html for html, _ in parts) + f'<p class="note">{both(note)}</p>'
    return Section("measures", Text(f"What changes in {told.year}", f"{told.year} 年的变化"), html, figures)


def _bundle(told: Comparison, name: str) -> tuple[str, tuple[Figure, ...]]:
    rows, names, body, group = [], {}, "", ""
    for shown in BUNDLE:
        row, base = told.of(shown, name), told.of(shown, told.baseline.label)
        if row is None or base is None or row.difference is None:
            continue
        if shown.group.en != group:
            group = shown.group.en
            body += f'<tr><th colspan="6"><strong>{both(shown.group)}</strong></th></tr>'
        body += _line(shown, row, base)
        if base.estimate.mean > 0 and row.difference.n > 1:
            e, per = row.difference.estimate, 100.0 / base.estimate.mean
            rows.append(Row("change", told.year, shown.id, e.mean * per, e.low * per, e.high * per, row.n))
            names[shown.id] = shown.says
    info = MeasureInfo("change", "Change, in percent of the baseline", "相对基准的变化", "%", "%", "bundle")
    title = Text(
        f"{name}: change against {told.baseline.label}", f"{name}：相对 {told.baseline.label} 的变化"
    )
    html, figures = dotted(f"change-{slug(name)}", info, rows, names, title)
    heads = (
        Text("measure", "指标"),
        BEFORE,
        AFTER,
        Text("difference", "差异"),
        Text("95 % interval", "95 % 区间"),
        Text("p", "p"),
    )
    head = "".join(f'<th class="{"number" if n else ""}">{both(t)}</th>' for n, t in enumerate(heads))
    table = (
        f'<div class="sheet scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )
    return html + table, figures


def _line(shown: Shown, row: Compared, base: Compared) -> str:
    gap, interval = difference_of(row, shown)
    unit, plain = unit_of_difference(shown), verdict(row)
    p = "" if row.p_holm is None else "&lt; 0.001" if row.p_holm < 0.001 else f"{row.p_holm:.3f}"
    said = escape(interval) + (f"<small>{both(plain)}</small>" if plain else "")
    return (
        f'<tr{" class=idle" if plain else ""}><th scope="row">{both(shown.says)} <span class="id">{both(shown.unit)}</span></th>'
        f'<td class="number">{mean_of(base, shown)}</td><td class="number">{mean_of(row, shown)}</td>'
        f'<td class="number">{gap} {both(unit)}</td><td class="number">{said}</td><td class="number">{p}</td></tr>'
    )


def flows(told: Comparison) -> Section:
    """Return the Sankey of every scenario, all of one scale."""
    unit = Text(INFOS["flow"].unit_en, INFOS["flow"].unit_zh)
    rows = {
        side.label: [
            Row("flow", None, row.key, row.estimate.mean, row.estimate.low, row.estimate.high, row.n)
            for row in told.rows_of("flow", side.label)
            if row.key
        ]
        for side in told.sides
    }
    scale = min((layout(flows_of(each)).scale for each in rows.values() if each), default=1.0)
    html = ""
    for side in told.sides:
        if not rows[side.label]:
            continue
        name = f"flow-{slug(side.label)}"
        svg, _ = draw(rows[side.label], unit, name=name, scale=scale)
        title = Text(side.scenario.title_en or side.label, side.scenario.title_zh or side.label)
        html += f'<figure><figcaption><h3 id="title-{name}">{both(title)}</h3></figcaption>{svg}</figure>'
    note = Text(
        f"Whole horizon, mean of the replications; width is mass in {unit.en}, on one scale in all drawings.",
        f"整个模拟期，多次模拟的均值；宽度表示质量（{unit.zh}），各图比例一致。",
    )
    return Section(
        "flows", Text("Before and after", "变更前后的流向"), f'{html}<p class="note">{both(note)}</p>'
    )


_BANDS = (
    ("formal_share", "", Text("Share taken by formal channels", "进入正规渠道的比例")),
    ("collected_mass", "", Text("Mass handed over lawfully", "正规移交的质量")),
    ("recovered", "LI", Text("Lithium recovered", "再生锂")),
    ("queue_packs", "", Text("Packs in a queue at year end", "年末排队的电池包")),
    ("complete_chain_share", "", Text("Packs with a complete chain of reports", "信息链完整的电池包比例")),
    ("breaches_happened", "", Text("Breaches that happened", "实际发生的违规")),
)


def over_years(told: Comparison) -> Section:
    """Return a band for each scenario over the years, for a few measures."""
    names = {side.label: Text(side.label, side.label) for side in told.sides}
    html, figures = "", []
    for measure, key, title in _BANDS:
        rows = [
            row
            for side in told.sides
            for row in told.rows_of(measure, side.label)
            if row.key == key and row.year is not None
        ]
        if not rows:
            continue
        info = INFOS[measure]
        keyed = MeasureInfo(info.id, title.en, title.zh, info.unit_en, info.unit_zh, "scenario")
        name = f"years-{measure}-{key or 'all'}"
        figure = lines(name, keyed, as_rows(rows), names)
        figures.append(figure)
        html += figured(figure, title, _years_table(told, rows))
    note = Text(
        "Bands: 95 % interval of each mean. They may overlap where the paired difference is clear: twins share their luck.",
        "色带为各均值的 95 % 区间。色带重叠时，配对差异仍可能显著，因为各情景共用随机数。",
    )
    return Section(
        "years", Text("Over the years", "历年变化"), f'{html}<p class="note">{both(note)}</p>', tuple(figures)
    )


def _years_table(told: Comparison, rows: Sequence[Compared]) -> str:
    share = 100.0 if rows and "share" in rows[0].measure else 1.0
    cells = {(row.year, row.scenario): row for row in rows}
    years = sorted({row.year for row in rows if row.year is not None})
    head = "".join(f'<th class="number">{escape(side.label)}</th>' for side in told.sides)
    body = ""
    for year in years:
        body += f"<tr><th>{year}</th>"
        for side in told.sides:
            row = cells.get((year, side.label))
            said = "–"
            if row is not None:
                said = plain_mean(row, share)
                if row.difference is not None and row.difference.n:
                    said += f"<small>{' '.join(signed(row.difference, share))}</small>"
            body += f'<td class="number">{said}</td>'
        body += "</tr>"
    return (
        f'<details><summary>{both(NUMBERS)}</summary><div class="scroll"><table><thead><tr>'
        f"<th>{both(Text('year', '年份'))}</th>{head}</tr></thead><tbody>{body}</tbody></table></div></details>"
    )


def dotted(
    name: str,
    info: MeasureInfo,
    rows: list[Row],
    names: Mapping[str, Text],
    title: Text,
    table: str = "",
    note: str = "",
) -> tuple[str, tuple[Figure, ...]]:
    """Return a figure of dots as HTML, and what the page must draw in it; nothing where there is no number."""
    finite = [row for row in rows if math.isfinite(row.mean)]
    if not finite:
        return "", ()
    figure = dots(name, info, finite, names)
    return figured(figure, title, table, note), (figure,)


def figured(figure: Figure, title: Text, table: str, note: str = "") -> str:
    """Return the frame of a figure as HTML, with its title, a note, and its numbers."""
    name = escape(figure.id)
    said = f'<p class="note">{note}</p>' if note else ""
    return (
        f'<figure id="figure-{name}"><figcaption><h3 id="title-{name}">{both(title)}</h3></figcaption>'
        f'<div class="chart" data-figure="{name}" role="img" aria-labelledby="title-{name}"></div>{said}{table}</figure>'
    )


def plain_mean(row: Compared, factor: float) -> str:
    """Return the mean of a row times *factor*; a share in percent has one decimal."""
    return number(row.estimate.mean * factor, 1 if factor == 100.0 else None)


def slug(name: str) -> str:
    """Return *name* as part of the name of an element."""
    return "".join(letter if letter.isalnum() else "-" for letter in name)
