"""The sections with cards and figures: which rows each takes, what it says about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from sim.report.charts import Figure, dots, lines, small_multiples, stacked
from sim.report.model import Estimate, MeasureInfo, ReportInput, Row
from sim.report.reading import (
    estimate,
    info_of,
    mean_and_interval,
    number,
    parts_of,
    rows_of,
    shown_year,
    totals_of,
)
from sim.report.sankey import Flow
from sim.report.sankey_svg import draw
from sim.report.words import NO_DATA, Text, both, in_order, label

WIDEST = Text(
    "The interval of a total is the widest that its parts allow. ", "合计的区间由各部分相加，为偏宽的上限。"
)
WHOLE_HORIZON = Text("whole horizon", "整个模拟期")


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        html: everything below the heading.
        figures: what the page must draw in it.
    """

    id: str
    title: Text
    html: str
    figures: tuple[Figure, ...] = ()


CARDS = (
    # measure, key ("" is the total), what the card says
    ("stock_vehicles", "", Text("new-energy vehicles on the road", "在用新能源汽车")),
    ("retired_mass", "", Text("batteries retired", "退役动力电池")),
    ("formal_share", "", Text("taken by formal channels", "进入正规渠道的比例")),
    ("complete_chain_share", "", Text("with a complete chain of reports", "信息链完整的比例")),
    ("recovered", "LI", Text("lithium recovered", "再生回收的锂")),
    ("processed", "", Text("processed by recyclers", "再生利用企业处理量")),
    ("breaches_happened", "", Text("breaches that happened", "实际发生的违规")),
    ("breaches_visible", "", Text("breaches visible to the platform", "平台可见的违规")),
)


def headline(data: ReportInput) -> Section:
    """Return the cards of the headline year."""
    cards = "".join(_card(data, measure, key, says) for measure, key, says in CARDS)
    n = data.record.replications
    note = (
        Text(
            f"Large: mean of {n} replications. In brackets: its 95 % interval, which covers chance within "
            "the model, not whether the model is right.",
            f"大字为 {n} 次重复模拟的均值；方括号内为均值的 95 % 置信区间，"
            "只反映模型内部的随机性，不反映模型本身是否正确。",
        )
        if n > 1
        else Text("One replication: no intervals.", "仅模拟一次，无置信区间。")
    )
    if n > 1 and any(_widest(data, measure) for measure, key, _ in CARDS if not key):
        note = Text(f"{note.en} {WIDEST.en}", note.zh + WIDEST.zh)
    year = data.headline_year
    html = f'<div class="cards">{cards}</div><p class="note">{both(note)}</p>'
    return Section("headline", Text(f"The year {year} in brief", f"{year} 年概览"), html)


def _card(data: ReportInput, measure: str, key: str, says: Text) -> str:
    info, rows = info_of(data, measure), [r for r in rows_of(data, measure) if r.year == data.headline_year]
    chosen: Estimate | Row | None
    if key:
        chosen = next((row for row in rows if row.key == key), None)
    else:
        chosen = totals_of(rows).get(data.headline_year)
    share = measure.endswith("_share")
    if chosen is None:
        nothing = f'<div class="nothing">{both(NO_DATA)}</div>'
        return f'<div class="card"><div class="name">{both(says)}</div>{nothing}</div>'
    mean, interval = mean_and_interval(chosen, share=share)
    unit = (
        ""
        if share or info.unit_en == "count"
        else f'<span class="unit">{both(Text(info.unit_en, info.unit_zh))}</span>'
    )
    return (
        f'<div class="card" data-measure="{escape(measure)}"><div class="name">{both(says)}</div>'
        f'<div class="value">{escape(mean)}{unit}</div><div class="interval">{escape(interval)}</div></div>'
    )


def fleet(data: ReportInput) -> Section:
    """Return stock and registrations of vehicles, and what is installed in them."""
    parts = [
        _figure(
            data, "stock_vehicles", Text("Vehicles on the road, by kind", "在用车辆（按车型）"), _area, FLEET
        ),
        _figure(
            data,
            "registrations",
            Text("Vehicles registered in a year, by kind", "年度新注册车辆（按车型）"),
            _bars,
            FLEET,
        ),
        _figure(
            data,
            "installed_gwh",
            Text("Batteries installed in a year, by chemistry", "年度装车电池（按化学体系）"),
            _bars,
            FLEET,
        ),
    ]
    return _section("fleet", Text("The fleet", "车队与装车"), parts)


def retirement(data: ReportInput) -> Section:
    """Return what retires, by chemistry and by where it goes, and the shares that stay within sight."""
    parts = [
        _figure(
            data,
            "retired_mass",
            Text("Batteries retired, by chemistry", "退役电池（按化学体系）"),
            _bars,
            RETIRING,
        ),
        _figure(
            data,
            "retired_channel",
            Text("Where retired batteries go, by channel", "退役电池去向（按渠道）"),
            _bars,
            RETIRING,
        ),
        _figure(
            data,
            "formal_share",
            Text("Share taken by formal channels", "进入正规渠道的比例"),
            lines,
            RETIRING,
        ),
        _figure(
            data,
            "complete_chain_share",
            Text("Share with a complete chain of reports", "信息链完整的比例"),
            lines,
            REPORTING,
        ),
    ]
    return _section("retirement", Text("What retires, and where it goes", "退役与去向"), parts)


def journey(data: ReportInput) -> Section:
    """Return the Sankey of the whole horizon."""
    title = Text("Flows of retired batteries over the whole horizon", "整个模拟期内退役电池的流向")
    info, rows = info_of(data, "flow"), parts_of(rows_of(data, "flow"))
    heading = Text("From vehicle to material", "从车辆到材料")
    if not any(row.mean > 0 for row in rows):
        return Section("journey", heading, _empty("flow", title))
    svg, plan = draw(rows, Text(info.unit_en, info.unit_zh))
    note = Text(
        f"Width is mass, in {info.unit_en}; mean of the replications. Point at a band for its interval. "
        "A node whose outflow is smaller than its inflow still holds the rest, or has lost it. ",
        f"宽度表示质量（{info.unit_zh}），为多次模拟的均值；将光标移到色带上可查看区间。流出小于流入的节点，其差额仍在库或已损失。",
    )
    left_out = "".join(_left_out(flow) for flow in plan.dropped)
    html = (
        f'<figure id="figure-flow"><figcaption><h3 id="title-flow">{both(title)}</h3></figcaption>{svg}'
        f'<p class="note">{both(note)}{_rests_on(data, RETIRING + RECYCLING)}</p>{left_out}'
        f"{_flow_table(rows)}</figure>"
    )
    return Section("journey", heading, html)


def _left_out(flow: Flow) -> str:
    said = f"{flow.source} → {flow.target}, {number(flow.value)}"
    text = Text(f"Not drawn, it runs in a circle: {said}", f"循环流，未绘制：{said}")
    return f'<p class="note">{both(text)}</p>'


def materials(data: ReportInput) -> Section:
    """Return what is recovered, and what it is recovered from."""
    parts = [
        _figure(
            data,
            "recovered",
            Text("Materials recovered, by element", "再生回收材料（按元素）"),
            small_multiples,
            RECYCLING,
        ),
        _figure(data, "processed", Text("Mass processed, by source", "处理量（按来源）"), _bars, RECYCLING),
    ]
    return _section("materials", Text("What is recovered", "材料回收"), parts)


def reporting(data: ReportInput) -> Section:
    """Return how much is reported, how late, and how long batteries wait."""
    parts = [
        _figure(
            data,
            "reported_share",
            Text("Share of events reported, by kind of company", "已报送比例（按主体类型）"),
            dots,
            REPORTING,
        ),
        _figure(
            data,
            "report_delay_days",
            Text("Delay of reports, by kind of company", "报送延迟（按主体类型）"),
            dots,
            REPORTING,
        ),
        _figure(
            data,
            "wait_days",
            Text("Time that batteries wait, by stage", "电池等待时间（按环节）"),
            lines,
            WAITING,
        ),
    ]
    return _section("reporting", Text("Reporting and waiting", "信息报送与等待"), parts)


def breaches(data: ReportInput) -> tuple[str, tuple[Figure, ...]]:
    """Return the figure of breaches by year: the truth against what the platform can see."""
    rows = [
        Row("breaches", year, key, value.mean, value.low, value.high, data.record.replications)
        for key in ("happened", "visible")
        for year, value in totals_of(rows_of(data, f"breaches_{key}")).items()
        if year is not None
    ]
    title = Text("Breaches by year: happened, and visible to the platform", "历年违规：实际发生与平台可见")
    info = MeasureInfo("breaches", "breaches", "违规", "per year", "起/年", "seen")
    return _drawn(data, lines("breaches", info, rows) if rows else None, info, title, REPORTING, None)


FLEET = ("life", "replacement", "swap")
RETIRING = (
    "life", "replacement", "swap", "market", "enforcement", "inspection", "learning", "scrapping", "collection",
)  # fmt: skip
RECYCLING = ("recycling", "production_scrap", "informal")
REPORTING = ("reporting", "coding", "falsehood")
WAITING = ("scrapping", "collection", "recycling")
"""Sections of the scenario that the figures rest on; a name that a run does not have counts nothing."""

Chart = Callable[[str, MeasureInfo, list[Row]], Figure]


def _area(name: str, info: MeasureInfo, rows: list[Row]) -> Figure:
    return stacked(name, info, rows, "area")


def _bars(name: str, info: MeasureInfo, rows: list[Row]) -> Figure:
    return stacked(name, info, rows, "bar")


def _section(name: str, title: Text, parts: list[tuple[str, tuple[Figure, ...]]]) -> Section:
    return Section(
        name, title, "".join(html for html, _ in parts), tuple(f for _, figures in parts for f in figures)
    )


def _figure(
    data: ReportInput, measure: str, title: Text, chart: Chart, rests_on: tuple[str, ...]
) -> tuple[str, tuple[Figure, ...]]:
    info, rows = info_of(data, measure), rows_of(data, measure)
    year: int | None = None
    if chart is dots:
        rows = parts_of(rows)
        year = shown_year(rows, data.headline_year)
        rows = [row for row in rows if row.year == year]
        when = Text(str(year), f"{year} 年") if year is not None else WHOLE_HORIZON
        title = Text(f"{title.en}, {when.en}", f"{title.zh}，{when.zh}")
    elif not any(row.year is not None for row in rows):
        # What is known for the whole horizon only has no line to draw.
        chart, rows = dots, parts_of(rows)
    figure = chart(measure, info, rows) if rows else None
    return _drawn(data, figure, info, title, rests_on, rows)


def _drawn(
    data: ReportInput,
    figure: Figure | None,
    info: MeasureInfo,
    title: Text,
    rests_on: tuple[str, ...],
    rows: list[Row] | None,
) -> tuple[str, tuple[Figure, ...]]:
    if figure is None:
        return _empty(info.id, title), ()
    name = escape(figure.id)
    html = (
        f'<figure id="figure-{name}"><figcaption><h3 id="title-{name}">{both(title)}</h3></figcaption>'
        f'<div class="chart" data-figure="{name}" role="img" aria-labelledby="title-{name}"></div>'
        f'<p class="note">{both(_meaning(data, figure))}{_rests_on(data, rests_on)}</p>'
        f"{_year_table(figure.rows if rows is None else rows, info)}</figure>"
    )
    return html, (figure,)


def _empty(measure: str, title: Text) -> str:
    return (
        f'<figure id="figure-{escape(measure)}"><figcaption><h3>{both(title)}</h3></figcaption>'
        f'<p class="nothing">{both(NO_DATA)}</p></figure>'
    )


def _meaning(data: ReportInput, figure: Figure) -> Text:
    if data.record.replications < 2:
        return Text("Simulated, one replication, no interval. ", "模拟结果，仅一次模拟，无区间。")
    n = data.record.replications
    text = Text(
        f"Simulated; mean of {n} replications. {figure.interval.en}: 95 % interval of the mean. ",
        f"模拟结果，{n} 次重复的均值。{figure.interval.zh}：均值的 95 % 置信区间。",
    )
    behind = ("breaches_happened", "breaches_visible") if figure.id == "breaches" else (figure.id,)
    summed = f"{figure.id}_total" in figure.datasets or figure.id == "breaches"
    if summed and any(_widest(data, measure) for measure in behind):
        text = Text(text.en + WIDEST.en, text.zh + WIDEST.zh)
    return text


def _widest(data: ReportInput, measure: str) -> bool:
    """Return whether the totals of *measure* have no intervals of their own."""
    rows = rows_of(data, measure)
    return bool(rows) and all(row.key for row in rows)


def _rests_on(data: ReportInput, sections: tuple[str, ...]) -> str:
    """Return how many parameters of these sections of the scenario there are, and how many are assumed."""
    behind = [a for a in data.assumptions if a.key.split(".")[0] in sections] or data.assumptions
    if not behind:
        return ""
    assumed = sum(a.grade == "assumed" for a in behind)
    text = Text(
        f"Rests on {len(behind)} parameters, {assumed} of them assumed",
        f"依据 {len(behind)} 个参数，其中 {assumed} 个为假设",
    )
    return f'<a href="#assumptions">{both(text)}</a>{both(Text(".", "。"))}'


def _year_table(rows: list[Row], info: MeasureInfo) -> str:
    """Return the numbers of a figure, years down and keys across."""
    keys = in_order({row.key for row in rows if row.key}, info.key) + [""] * any(not row.key for row in rows)
    cells = {(row.year, row.key): row for row in rows}
    years = sorted({row.year for row in rows}, key=lambda year: (year is None, year or 0))
    head = "".join(f'<th class="number">{both(label(key, info.key))}</th>' for key in keys)
    if keys == [""]:
        head = f'<th class="number">{both(Text(info.title_en, info.title_zh))}</th>'
    body = "".join(
        f"<tr><th>{year if year is not None else both(WHOLE_HORIZON)}</th>"
        + "".join(_cell(cells.get((year, key)), info) for key in keys)
        + "</tr>"
        for year in years
    )
    unit = Text("%", "%") if "share" in info.id else Text(info.unit_en, info.unit_zh)
    summary = Text(f"Numbers as a table ({unit.en})", f"数据表（{unit.zh}）")
    return (
        f'<details><summary>{both(summary)}</summary><div class="scroll"><table><thead><tr>'
        f"<th>{both(Text('year', '年份'))}</th>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div></details>"
    )


def _cell(row: Row | None, info: MeasureInfo) -> str:
    if row is None:
        return '<td class="number">–</td>'
    mean, interval = mean_and_interval(row, share="share" in info.id)
    small = f"<small>{escape(interval)}</small>" if interval else ""
    return f'<td class="number">{escape(mean)}{small}</td>'


def _flow_table(rows: list[Row]) -> str:
    body = ""
    for row in sorted(rows, key=lambda row: (-row.mean, row.key)):
        source, target = (both(label(end.strip(), "flow")) for end in row.key.split(">", 1))
        body += f'<tr><td>{source}</td><td>{target}</td><td class="number">{escape(estimate(row))}</td></tr>'
    return (
        f"<details><summary>{both(Text('Numbers as a table', '数据表'))}</summary><table><thead><tr>"
        f"<th>{both(Text('from', '来源'))}</th><th>{both(Text('to', '去向'))}</th>"
        f'<th class="number">{both(Text("mass", "质量"))}</th></tr></thead>'
        f"<tbody>{body}</tbody></table></details>"
    )
