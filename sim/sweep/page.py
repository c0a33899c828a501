"""The report of a sweep: one HTML file that opens anywhere, offline, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from sim.comparison.sections import NUMBERS, figured, slug
from sim.record import versions
from sim.report.page import NEEDS_SCRIPT, assemble, links, write_page
from sim.report.reading import ABSENT, number
from sim.report.sections import Section
from sim.report.words import Text, both
from sim.summary import assumptions
from sim.sweep.answers import Asked, options
from sim.sweep.charts import curve_figure
from sim.sweep.curves import CurvePoint
from sim.sweep.indices import METHODS, Index, Share
from sim.sweep.sliders import sliders
from sim.sweep.study import Sweep
from sim.sweep.surrogate import Surrogate

_KINDS = {
    "grid": Text("grid (full factorial)", "网格（全因子）"),
    "lhs": Text("Latin hypercube", "拉丁超立方"),
    "sobol": Text("Sobol sequence (Saltelli)", "Sobol 序列（Saltelli）"),
}


def write_sweep(
    path: Path,
    sweep: Sweep,
    curves: Sequence[CurvePoint],
    indices: Sequence[Index],
    fits: list[Surrogate],
) -> None:
    """Write the report of a sweep to *path*; a reader never sees half of it."""
    write_page(path, render(sweep, curves, indices, fits))


def render(
    sweep: Sweep, curves: Sequence[CurvePoint], indices: Sequence[Index], fits: list[Surrogate]
) -> str:
    """Return the report as HTML: the same sweep gives the same text, on any day."""
    sections = [
        _summary(sweep, indices),
        sliders(sweep, fits),
        _curves(sweep, curves),
        _indices(sweep, indices),
        _varied(sweep),
        _cited(sweep),
    ]
    scenario = sweep.scenario
    names = ", ".join(factor.name for factor in sweep.factors)
    title = Text(
        f"Sweep: {scenario.title_en or scenario.name}, {len(sweep.factors)} figures varied",
        f"参数扫描：{scenario.title_zh or scenario.name}，变动 {len(sweep.factors)} 项",
    )
    return assemble(title, f"{scenario.name} · {names}", _header(sweep, title, sections), sections)


def _header(sweep: Sweep, title: Text, sections: list[Section]) -> str:
    scenario, kind = sweep.scenario, _KINDS[sweep.design.kind]
    lede = Text(
        f"The same simulated batteries, {scenario.first.year} to {scenario.last.year}, at {len(sweep.design.distinct()):,} "
        f"points: what the measures do when figures of the scenario are moved together. Design: {kind.en}.",
        f"同一批模拟电池（{scenario.first.year} 至 {scenario.last.year} 年）在 {len(sweep.design.distinct()):,} 个参数点上运行："
        f"多个参数同时变动时，各指标如何变化。设计：{kind.zh}。",
    )
    times = sweep.replications
    caution = Text(
        f"Results of a model, not statistics and not a forecast. {times} replication{'s' * (times > 1)} of each point, with "
        f"the same luck at all points; one simulated battery stands for {scenario.scale:,} real ones. An interval covers "
        "chance and sampling within the model, not whether the model is right.",
        f"以下为模型结果，既非统计数据，也非预测。每个参数点重复 {times} 次，各点随机数相同；"
        f"一个模拟电池代表 {scenario.scale:,} 个真实电池。区间只反映模型内部的随机性与抽样，不反映模型本身是否正确。",
    )
    kicker = Text("Parameter sweep", "参数扫描")
    return (
        f'<header><p class="kicker">{both(kicker)}</p><h1>{both(title)}</h1><p class="lede">{both(lede)}</p>'
        f'<p class="soft">{both(caution)}</p>{NEEDS_SCRIPT}{links(sections)}</header>\n'
    )


def _main(indices: Iterable[Index]) -> list[Index]:
    return [index for index in indices if index.asked.main]


def _summary(sweep: Sweep, indices: Sequence[Index]) -> Section:
    """Return which factor matters most for each main measure, in a sentence each."""
    said, silent = [], []
    for asked, group in groupby(_main(indices), key=lambda index: index.asked):
        shown = [index for index in group if index.why is None and index.first is not None]
        if not shown:
            silent.append(asked.says)
            continue
        shown.sort(key=lambda index: -index.first.value if index.first else 0.0)
        parts = [(index.factor.name, _percent(index.first)) for index in shown]
        said.append(
            Text(
                f"{asked.says.en}: " + ", ".join(f"{name} explains {share}" for name, share in parts),
                f"{asked.says.zh}：" + "，".join(f"{name} 解释 {share}" for name, share in parts),
            )
        )
    items = "".join(f"<li>{both(text)}</li>" for text in said)
    rest = ""
    if silent:
        none = Text(
            "No effect of a single figure shown: " + ", ".join(text.en for text in silent) + ".",
            "未显示单项参数的影响：" + "、".join(text.zh for text in silent) + "。",
        )
        rest = f'<p class="soft">{both(none)}</p>'
    of = Text(
        "Shares of the variance that moving the figures makes, each figure alone, with a 95 % interval:",
        "各参数单独解释的方差比例（方差由参数变动引起），附 95 % 区间：",
    )
    html = f"<p>{both(of)}</p><ul>{items}</ul>" if said else ""
    return Section(
        "summary",
        Text("Summary", "摘要"),
        f'<div class="sheet" style="padding:1rem 1.4rem">{html}{rest}</div>',
    )


def _percent(share: Share | None) -> str:
    if share is None:
        return ABSENT
    said = f"{number(100 * share.value, 0)} %"
    if share.low is None or share.high is None:
        return said
    return f"{said} [{number(100 * share.low, 0)} – {number(100 * share.high, 0)}]"


def _curves(sweep: Sweep, curves: Sequence[CurvePoint]) -> Section:
    html, figures = "", []
    for asked, group in groupby((p for p in curves if p.asked.main), key=lambda point: point.asked):
        points = list(group)
        figure = curve_figure(f"curve-{slug(asked.id)}", asked, points)
        figures.append(figure)
        html += figured(figure, asked.says, _curve_table(asked, points))
    levels = sweep.design.kind == "grid" or len(sweep.factors) == 1
    held = Text("averaged over all their levels", "对其全部水平取平均")
    if not levels:
        held = Text("averaged over the sample", "对样本取平均")
    band = Text(
        "of the mean over replications"
        if levels
        else "of the mean over the points in that part of the range",
        "重复均值的" if levels else "该区段内样本点均值的",
    )
    note = Text(
        f"Each figure against one factor, the others {held.en}. Bands: 95 % interval {band.en}; with one value there is none. "
        "The upright axis does not begin at zero, and is the same for all factors of a measure.",
        f"每图为一项参数的响应，其余参数{held.zh}。色带：{band.zh} 95 % 区间；仅有一个数值时没有色带。"
        "纵轴不从零开始，同一指标各图刻度一致。",
    )
    return Section(
        "curves",
        Text("Response curves", "响应曲线"),
        f'{html}<p class="note">{both(note)}</p>',
        tuple(figures),
    )


def _curve_table(asked: Asked, points: Sequence[CurvePoint]) -> str:
    body = "".join(
        f"<tr><th><code>{escape(p.factor.name)}</code></th><td class='number'>{p.factor.written(p.value)}</td>"
        f"<td class='number'>{number(p.mean)}</td><td class='number'>{_band(p)}</td><td class='number'>{p.points}</td></tr>"
        for p in points
    )
    heads = (
        Text("figure", "参数"),
        Text("value", "取值"),
        asked.unit,
        Text("95 % interval", "95 % 区间"),
        Text("points", "样本点"),
    )
    head = "".join(f'<th class="{"number" if n else ""}">{both(t)}</th>' for n, t in enumerate(heads))
    return (
        f'<details><summary>{both(NUMBERS)}</summary><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></details>"
    )


def _band(point: CurvePoint) -> str:
    if point.low is None or point.high is None:
        return ABSENT
    return f"[{number(point.low)} – {number(point.high)}]"


def _indices(sweep: Sweep, indices: Sequence[Index]) -> Section:
    rest = [index for index in indices if not index.asked.main]
    method = METHODS[sweep.design.kind]
    note = Text(
        f"Method: {method.en}. n = {len(sweep.design.points):,} points ({len(sweep.design.distinct()):,} different), "
        f"{sweep.replications} replication{'s' * (sweep.replications > 1)} of each. First order: the share of the variance that "
        "the figure explains alone; total: with all that it does together with others. Uniform over the ranges above: other "
        "ranges give other shares. An estimate and its interval may lie beyond 0 and 100 %.",
        f"方法：{method.zh}。n = {len(sweep.design.points):,} 个样本点（其中 {len(sweep.design.distinct()):,} 个不同），各重复 "
        f"{sweep.replications} 次。一阶：该参数单独解释的方差比例；"
        "总效应：包含与其他参数的交互。按上述范围均匀取值；范围不同，比例亦不同。估计值及其区间可能超出 0 至 100 %。",
    )
    once = Text(
        "One replication of each point: luck cannot be told from the figures, and may be part of every effect shown here.",
        "各点仅模拟一次：无法区分随机波动与参数影响，此处显示的影响可能含有随机成分。",
    )
    lucky = f'<p class="note">{both(once)}</p>' if sweep.replications == 1 else ""
    more = ""
    if rest:
        title = Text("All other measures", "其他指标")
        more = f"<details><summary>{both(title)}</summary>{_index_table(rest)}</details>"
    html = f'{_index_table(_main(indices))}{more}{lucky}<p class="note">{both(note)}</p>'
    return Section("indices", Text("Which figure matters", "哪项参数重要"), html)


def _index_table(indices: Sequence[Index]) -> str:
    heads = (
        Text("figure", "参数"),
        Text("first order, 95 % interval", "一阶指数及 95 % 区间"),
        Text("total, 95 % interval", "总效应指数及 95 % 区间"),
    )
    head = "".join(f'<th class="{"number" if n else ""}">{both(t)}</th>' for n, t in enumerate(heads))
    body = ""
    for asked, group in groupby(indices, key=lambda index: index.asked):
        body += f'<tr><th colspan="3"><strong>{both(asked.says)}</strong></th></tr>'
        body += "".join(_index_row(index) for index in group)
    return (
        f'<div class="sheet scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _index_row(index: Index) -> str:
    first, total = (f"<small>{both(why)}</small>" if why else "" for why in (index.why, index.why_no_total))
    return (
        f'<tr{" class=idle" if index.idle else ""}><th scope="row"><code>{escape(index.factor.name)}</code></th>'
        f'<td class="number">{_percent(index.first)}{first}</td>'
        f'<td class="number">{_percent(index.total)}{total}</td></tr>'
    )


def _varied(sweep: Sweep) -> Section:
    heads = (
        Text("figure", "参数"), Text("scenario", "情景取值"), Text("varied", "变动范围"), Text("unit", "单位"),
        Text("meaning", "含义"),
    )  # fmt: skip
    head = "".join(f"<th>{both(t)}</th>" for t in heads)
    body = "".join(
        f'<tr><th scope="row"><code>{escape(f.name)}</code></th><td>{f.written(f.now)}</td>'
        f"<td>{escape(f.said.partition('=')[2])}</td><td>{escape(f.unit)}</td><td>{both(Text(f.en, f.zh))}</td></tr>"
        for f in sweep.factors
    )
    listed = assumptions(sweep.scenario)
    count = sum(a.grade == "assumed" for a in listed)
    law = Text(
        "Every value that is varied is assumed: it says what would happen if it were so, not what is law or fact. The ranges are "
        "chosen, all values in them count alike, and the indices depend on them.",
        "所有变动取值均为假设：说明若如此将会怎样，并非现行规定或事实。范围由人选定，其中各值等权，指数随范围而变。",
    )
    rests = Text(
        f"All else is the scenario's: {len(listed)} parameters, {count} of them assumed; `battrace scenario show "
        f"{sweep.scenario.name}` lists each with its source.",
        f"其余均为情景取值：共 {len(listed)} 个参数，其中 {count} 个为假设；"
        f"`battrace scenario show {sweep.scenario.name}` 逐项列出来源。",
    )
    table = (
        f'<div class="sheet scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )
    return Section(
        "varied",
        Text("What is varied, and what is assumed", "变动项与假设"),
        f"<p>{both(law)}</p>{table}<p>{both(rests)}</p>",
    )


def command_of(sweep: Sweep) -> str:
    """Return the command that repeats the sweep."""
    scenario = sweep.scenario
    vary = " ".join(f"--vary '{factor.said}'" for factor in sweep.factors)
    return (
        f"battrace sweep {scenario.name} {vary} -n {len(sweep.design.points)} --design {sweep.design.kind} "
        f"--replications {sweep.replications} --scale {scenario.scale} --until {scenario.last} --seed {scenario.seed}"
        f" {options(sweep.asked, scenario)}"
    ).rstrip()


def _cited(sweep: Sweep) -> Section:
    scenario, design = sweep.scenario, sweep.design
    known = [
        (Text("horizon", "模拟期"), f"{scenario.first} – {scenario.last}"),
        (Text("scale", "比例"), f"1:{scenario.scale:,}"),
        (Text("design", "设计"), f"{design.kind}, n = {len(design.points):,}"),
        (Text("replications of each point", "各点重复次数"), f"{sweep.replications:,}"),
        (Text("runs", "运行次数"), f"{sweep.runs:,}"),
        (Text("seed", "随机种子"), str(scenario.seed)),
        (Text("fingerprint", "指纹"), sweep.made_from),
        (Text("versions", "版本"), ", ".join(f"{k} {v}" for k, v in sorted(versions().items()))),
    ]
    items = "".join(f"<dt>{both(term)}</dt><dd>{escape(value)}</dd>" for term, value in known)
    cite = (
        f"battrace {versions()['battrace']}, sweep of {scenario.name} over {', '.join(f.said for f in sweep.factors)}, "
        f"{design.kind} with {len(design.points)} points, {sweep.replications} replications at 1:{scenario.scale}, "
        f"seed {scenario.seed}, fingerprint {sweep.made_from}."
    )
    method = Text(
        "The answers of the sliders: Legendre polynomials (Sudret 2008) by ridge regression; degree and ridge by cross "
        "validation, the error by a second one around it (Varma and Simon 2006).",
        "滑块答案：勒让德多项式（Sudret 2008）岭回归；阶数与岭参数由交叉验证选定，"
        "误差由外层交叉验证给出（Varma 与 Simon 2006）。",
    )
    html = (
        f"<dl>{items}</dl><p>{both(method)}</p><p>{both(Text('To repeat:', '重新运行：'))}</p>"
        f"<pre><code>{escape(command_of(sweep))}</code></pre><p>{both(Text('To cite:', '引用格式：'))}</p>"
        f"<pre><code>{escape(cite)}</code></pre>"
    )
    return Section("cite", Text("Cite and repeat", "引用与复现"), html)
