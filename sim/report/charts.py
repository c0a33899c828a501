"""Vega-Lite specifications of the figures, one for each language over shared data.

The page draws them in the browser from the library embedded in it, so that a reader can point at a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

from sim.report.model import Estimate, MeasureInfo, Row
from sim.report.palette import ACCENT, INK, RULE, SOFT_INK, colours_of
from sim.report.reading import estimate, totals_of
from sim.report.words import LANGUAGES, Text, in_order, label

Spec = dict[str, Any]
Points = list[dict[str, Any]]
Colour = alt.Color | Mapping[str, Any]
Chart = alt.LayerChart | alt.FacetChart

FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", '
    '"Noto Sans CJK SC", "Source Han Sans SC", sans-serif'
)
WIDTH, HEIGHT = 960, 330
YEAR = Text("year", "年份")
BAND, WHISKER = Text("Band", "色带"), Text("Whisker", "误差线")
STACKED = {
    "bar": Text("Whisker on the total", "合计上的误差线"),
    "area": Text("Band on the total", "合计上的色带"),
}
COLUMNS_OF_SMALL_MULTIPLES = 4
SMALL_WIDTH, SMALL_HEIGHT, SMALL_GAPS = 166, 120, {"row": 70, "column": 74}


TITLE = {"anchor": "start", "fontWeight": "normal", "fontSize": 12, "color": SOFT_INK, "offset": 14}
CONFIG: Spec = alt.Config(
    font=FONT,
    background="transparent",
    view=alt.ViewConfig(stroke=None),
    axis=alt.AxisConfig(
        gridColor=RULE,
        domainColor=SOFT_INK,
        tickColor=RULE,
        labelColor=SOFT_INK,
        titleColor=SOFT_INK,
        labelFontSize=12,
        titleFontSize=12,
        titleFontWeight="normal",
        titlePadding=10,
    ),
    axisY=alt.AxisConfig(domain=False, ticks=False, labelPadding=8),
    legend=alt.LegendConfig(
        labelColor=INK, labelFontSize=12.5, symbolType="square", labelLimit=260, columnPadding=16
    ),
).to_dict()
"""How every figure looks."""


@dataclass(frozen=True)
class Figure:
    """One figure: a specification for each language, and the data that both name.

    Attributes:
        specs: Vega-Lite, by language; their data are names of `datasets`.
        rows: what is drawn, for the table below the figure.
        interval: what shows the interval.
    """

    id: str
    specs: dict[str, Spec]
    datasets: dict[str, Points]
    rows: list[Row]
    interval: Text


@dataclass(frozen=True)
class Plot:
    """What all figures need: the rows, what they measure, and in which order their keys come.

    Attributes:
        names: key -> what it is called, in the order of the figure; None: as the words of the report have it.
    """

    id: str
    info: MeasureInfo
    rows: list[Row]
    names: Mapping[str, Text] | None = None

    def name(self, key: str) -> Text:
        """Return what a key is called."""
        return label(key, self.info.key) if self.names is None else self.names.get(key, Text(key, key))

    @property
    def share(self) -> bool:
        """Whether the numbers are shares, written in percent."""
        return "share" in self.info.id

    @property
    def keys(self) -> list[str]:
        """The keys that are drawn, in the order of the words."""
        present = {row.key for row in self.rows if row.key}
        if self.names is not None:
            return [key for key in self.names if key in present]
        return in_order(present, self.info.key)

    def points(self, rows: Iterable[Row]) -> Points:
        """Return *rows* as the data of a chart."""
        place = {key: n for n, key in enumerate(self.keys)}
        names = {"": label("", self.info.key)} | {key: self.name(key) for key in self.keys}
        return [
            {
                "year": row.year,
                "en": names[row.key].en,
                "zh": names[row.key].zh,
                "place": place.get(row.key, len(place)),
                **_ends(row),
                "text": estimate(row, share=self.share),
            }
            for row in rows
        ]

    def labels(self, lang: str) -> list[str]:
        """Return the names of the keys in one language."""
        return [getattr(self.name(key), lang) for key in self.keys]

    def colour(self, lang: str) -> alt.Color:
        """Return the colours of the keys, with a legend."""
        return alt.Color(
            f"{lang}:N",
            scale=alt.Scale(domain=self.labels(lang), range=colours_of(self.keys)),
            legend=alt.Legend(title=None, orient="top", columns=0, symbolOpacity=1),
        )

    def axis(self, title: str | None = None) -> alt.Axis:
        """Return the axis of the values; shares in percent."""
        return alt.Axis(title=title, format="%" if self.share else ",~f", tickCount=6)

    def title(self, lang: str) -> str:
        """Return name and unit of the measure."""
        name, unit = (
            (self.info.title_en, self.info.unit_en)
            if lang == "en"
            else (self.info.title_zh, self.info.unit_zh)
        )
        if self.share:
            unit = "%"
        if not unit:
            return name
        return f"{name} ({unit})" if lang == "en" else f"{name}（{unit}）"

    def tooltip(self, lang: str, *, keyed: bool = True) -> list[alt.Tooltip]:
        """Return what pointing at a mark shows."""
        value = Text("mean [95 %]", "均值 [95 %]")
        shown = [
            alt.Tooltip("year:O", title=getattr(YEAR, lang)),
            alt.Tooltip("text:N", title=getattr(value, lang)),
        ]
        return [alt.Tooltip(f"{lang}:N", title=" "), *shown] if keyed else shown


def stacked(id: str, info: MeasureInfo, rows: list[Row], kind: Literal["area", "bar"]) -> Figure:  # noqa: A002
    """Return parts stacked by year, and the interval of their total: whiskers on bars, a band on areas."""
    plot = Plot(id, info, rows)
    parts = [row for row in rows if row.key and row.year is not None]
    totals = [_total(info.id, year, value) for year, value in totals_of(rows).items() if year is not None]
    specs = {}
    for lang in LANGUAGES:
        base = alt.Chart(alt.NamedData(name=id)).encode(
            x=alt.X("year:O", axis=_years(lang)) if kind == "bar" else _time(lang, parts),
            y=alt.Y("mean:Q", stack="zero", axis=plot.axis()),
            color=plot.colour(lang),
            order=alt.Order("place:Q"),
            tooltip=plot.tooltip(lang),
        )
        marked = (
            base.mark_bar(stroke="white", strokeWidth=0.5)
            if kind == "bar"
            else base.mark_area(opacity=0.92, line=False, stroke="white", strokeWidth=0.5)
        )
        specs[lang] = _finish(alt.layer(marked, *_interval(plot, lang, kind, totals)), plot.title(lang))
    return Figure(
        id, specs, {id: plot.points(parts), f"{id}_total": plot.points(totals)}, rows, STACKED[kind]
    )


def lines(
    id: str,  # noqa: A002
    info: MeasureInfo,
    rows: list[Row],
    names: Mapping[str, Text] | None = None,
) -> Figure:
    """Return a line with its band for each key, by year."""
    plot = Plot(id, info, rows, names)
    drawn = [row for row in rows if row.year is not None]
    keyed = any(row.key for row in drawn)
    drawn = [row for row in drawn if row.key] if keyed else drawn
    specs = {}
    for lang in LANGUAGES:
        colour: Colour = plot.colour(lang) if keyed else alt.value(ACCENT)
        specs[lang] = _finish(_line_and_band(plot, lang, drawn, colour, keyed=keyed), plot.title(lang))
    return Figure(id, specs, {id: plot.points(drawn)}, rows, BAND)


def small_multiples(id: str, info: MeasureInfo, rows: list[Row]) -> Figure:  # noqa: A002
    """Return one small line chart for each key, each with a scale of its own that starts at zero."""
    plot = Plot(id, info, rows)
    drawn = [row for row in rows if row.year is not None and row.key]
    specs = {}
    for lang in LANGUAGES:
        # Altair's own concat copies every cell many times over; the grid is four lines of Vega-Lite.
        specs[lang] = {
            "concat": [
                _cell(plot, lang, place, [row for row in drawn if row.key == key])
                for place, key in enumerate(plot.keys)
            ],
            "columns": COLUMNS_OF_SMALL_MULTIPLES,
            "bounds": "flush",
            "spacing": SMALL_GAPS,
            "title": TITLE | {"text": plot.title(lang), "offset": 30},
            "config": CONFIG,
        }
    return Figure(id, specs, {id: plot.points(drawn)}, rows, BAND)


def dots(
    id: str,  # noqa: A002
    info: MeasureInfo,
    rows: list[Row],
    names: Mapping[str, Text] | None = None,
) -> Figure:
    """Return a dot with its whisker for each key, one below the other, all of one year."""
    plot = Plot(id, info, rows, names)
    drawn = [row for row in rows if row.key]
    specs = {}
    for lang in LANGUAGES:
        base = alt.Chart(alt.NamedData(name=id)).encode(
            y=alt.Y(
                f"{lang}:N", sort=plot.labels(lang), axis=alt.Axis(title=None, labelLimit=260, grid=False)
            ),
            tooltip=plot.tooltip(lang),
        )
        top = alt.Scale(domain=[0, 1]) if plot.share else alt.Scale(zero=True)
        stem = base.mark_bar(color=RULE, height=4).encode(
            x=alt.X("mean:Q", axis=plot.axis(plot.title(lang)), scale=top)
        )
        whisker = base.mark_rule(color=INK, strokeWidth=1.5).encode(x="low:Q", x2="high:Q")
        dot = base.mark_circle(color=ACCENT, size=110, opacity=1).encode(x="mean:Q")
        specs[lang] = _finish(
            alt.layer(stem, dot, whisker), "", height=(36 if names is None else 25) * len(drawn) + 40
        )
    return Figure(id, specs, {id: plot.points(drawn)}, rows, WHISKER)


def _line_and_band(
    plot: Plot, lang: str, drawn: list[Row], colour: Colour, *, keyed: bool, small: bool = False
) -> Chart:
    axis = alt.Axis(title=None, tickCount=4, format=",~f") if small else plot.axis()
    scale = alt.Scale(zero=True, nice=True)
    data = alt.Chart(alt.NamedData(name=plot.id))
    base = data.encode(x=_time(lang, drawn, small=small), color=colour)
    band = base.mark_area(opacity=0.2).encode(y=alt.Y("low:Q", axis=axis, scale=scale), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y=alt.Y("mean:Q", axis=axis, scale=scale))
    # The points are what the reader points at; they are larger than they look.
    points = base.mark_circle(size=14 if small else 28, opacity=1).encode(
        y=alt.Y("mean:Q", axis=axis, scale=scale), tooltip=plot.tooltip(lang, keyed=keyed)
    )
    return alt.layer(band, line, points)


def _cell(plot: Plot, lang: str, place: int, drawn: list[Row]) -> Spec:
    colour = alt.value(colours_of(plot.keys)[place])
    lines = _line_and_band(plot, lang, drawn, colour, keyed=True, small=True)
    # A mark and not a title: titles of neighbours stand at different heights when their axes do.
    name = (
        alt.Chart(alt.sequence(start=0, stop=1))
        .mark_text(align="left", baseline="bottom", fontSize=12.5, fontWeight=600, color=INK)
        .encode(x=alt.value(0), y=alt.value(-10), text=alt.value(plot.labels(lang)[place]))
    )
    chart = lines.transform_filter(alt.datum.place == place)
    spec = _plain(alt.layer(chart, name).properties(width=SMALL_WIDTH, height=SMALL_HEIGHT))
    del spec["config"]
    return spec


def _interval(plot: Plot, lang: str, kind: str, totals: list[Row]) -> list[alt.Chart]:
    if all(row.low == row.high for row in totals):
        return []
    base = alt.Chart(alt.NamedData(name=f"{plot.id}_total"))
    ends = {"y": alt.Y("low:Q"), "y2": "high:Q", "tooltip": plot.tooltip(lang)}
    if kind == "bar":
        year = alt.X("year:O")
        return [
            base.mark_rule(color=INK, strokeWidth=1.3).encode(x=year, **ends),
            base.mark_tick(color=INK, size=7, thickness=1.3, orient="horizontal").encode(x=year, y="low:Q"),
            base.mark_tick(color=INK, size=7, thickness=1.3, orient="horizontal").encode(x=year, y="high:Q"),
        ]
    return [base.mark_area(color=INK, opacity=0.22).encode(x=_time(lang, totals), **ends)]


def _total(measure: str, year: int, value: Estimate) -> Row:
    return Row(measure, year, "", value.mean, value.low, value.high, 0)


def _ends(row: Row) -> dict[str, float]:
    # Six digits are more than any screen shows, and keep the page small and its bytes the same everywhere.
    return {
        name: float(f"{value:.6g}")
        for name, value in (("mean", row.mean), ("low", row.low), ("high", row.high))
    }


def _years(lang: str) -> alt.Axis:
    return alt.Axis(title=getattr(YEAR, lang), labelAngle=0, labelOverlap="parity", grid=False)


def _time(lang: str, rows: list[Row], *, small: bool = False) -> alt.X:
    years = sorted({row.year for row in rows if row.year is not None})
    step = max(1, -(-len(years) // (2 if small else 12)))
    shown = years[::step] if not small else [years[0], years[-1]] if years else []
    return alt.X(
        "year:Q",
        scale=alt.Scale(zero=False, nice=False),
        axis=alt.Axis(
            title=None if small else getattr(YEAR, lang),
            values=shown,
            format="d",
            grid=False,
            labelFlush=small,
        ),
    )


def _finish(chart: Chart, title: str, height: int = HEIGHT) -> Spec:
    fit = alt.AutoSizeParams(type="fit", contains="padding")
    spec = _plain(chart.properties(width=WIDTH, height=height, autosize=fit))
    # What the upright axis counts is written level above it: nobody reads with a tilted head.
    return spec | {"title": TITLE | {"text": title}} if title else spec


def _plain(chart: Chart) -> Spec:
    spec: Spec = chart.to_dict()
    # The page embeds the library it needs; a link would be dead offline.
    del spec["$schema"]
    return spec | {"config": CONFIG}
