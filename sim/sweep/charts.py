"""Response curves as figures of the page: one small chart for each factor, all of one scale."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sim.report.charts import BAND, CONFIG, TITLE, Figure, Spec
from sim.report.palette import ACCENT
from sim.report.reading import number
from sim.report.words import LANGUAGES, Text
from sim.sweep.answers import Asked
from sim.sweep.curves import CurvePoint

_WIDE, _HIGH = 905, 300
_MOST_COLUMNS, _LOWER = 3, 210
_GAP, _LABELS = 22, 40  # between two charts; what the labels of the upright axis need
_VALUE = Text("mean [95 %]", "均值 [95 %]")
_POINTS = Text("points", "样本点")


def curve_figure(name: str, asked: Asked, points: Sequence[CurvePoint]) -> Figure:
    """Return the curves of one measure against every factor.

    Args:
        name: of the figure on the page.
        asked: the measure.
        points: of this measure, factor by factor.
    """
    parts = [(factor, list(each)) for factor, each in groupby(points, key=lambda point: point.factor)]
    ends = [end for p in points for end in (p.mean, p.low, p.high) if end is not None]
    domain = _padded(min(ends), max(ends))
    columns = min(len(parts), _MOST_COLUMNS)
    specs: dict[str, Spec] = {}
    for lang in LANGUAGES:
        panels = [
            _panel(f"{name}_{k}", factor.name, factor.unit, lang, domain, columns)
            for k, (factor, _) in enumerate(parts)
        ]
        says, unit = getattr(asked.says, lang), getattr(asked.unit, lang)
        title = f"{says} ({unit})" if lang == "en" else f"{says}（{unit}）"
        specs[lang] = {
            "concat": panels, "columns": columns, "spacing": _GAP, "title": TITLE | {"text": title}, "config": CONFIG,
        }  # fmt: skip
    datasets = {f"{name}_{k}": [_row(point) for point in each] for k, (_, each) in enumerate(parts)}
    return Figure(name, specs, datasets, [], BAND)


def _panel(data: str, factor: str, unit: str, lang: str, domain: list[float], columns: int) -> dict[str, Any]:
    width = (_WIDE + _GAP) // columns - _GAP - _LABELS
    x = {
        "field": "at", "type": "quantitative", "scale": {"zero": False, "nice": False, "padding": 8},
        "axis": {"title": [factor, f"({unit})"], "titleLimit": width + _LABELS, "titleFontSize": 11, "grid": False,
                 "tickCount": 5, "labelOverlap": True},
    }  # fmt: skip
    scale = {"domain": domain, "zero": False, "nice": True}
    y = {"field": "mean", "type": "quantitative", "scale": scale, "axis": {"title": None, "tickCount": 6}}
    low = {**y, "field": "low"}
    tooltip = [
        {"field": "at", "type": "quantitative", "title": factor},
        {"field": "text", "type": "nominal", "title": getattr(_VALUE, lang)},
        {"field": "points", "type": "quantitative", "title": getattr(_POINTS, lang)},
    ]
    return {
        "width": width,
        "height": _HIGH if columns == 1 else _LOWER,
        "data": {"name": data},
        "layer": [
            {"mark": {"type": "area", "opacity": 0.2, "color": ACCENT},
             "transform": [{"filter": "isValid(datum.low)"}],
             "encoding": {"x": x, "y": low, "y2": {"field": "high"}}},
            {"mark": {"type": "line", "strokeWidth": 2, "color": ACCENT}, "encoding": {"x": x, "y": y}},
            {"mark": {"type": "circle", "size": 34, "opacity": 1, "color": ACCENT},
             "encoding": {"x": x, "y": y, "tooltip": tooltip}},
        ],
    }  # fmt: skip


def _padded(low: float, high: float) -> list[float]:
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return [_six(low - room), _six(high + room)]


def _row(point: CurvePoint) -> dict[str, Any]:
    text = number(point.mean)
    if point.low is not None and point.high is not None:
        text += f" [{number(point.low)} – {number(point.high)}]"
    ends = {"mean": point.mean, "low": point.low, "high": point.high}
    return {
        "at": _six(point.value), "text": text, "points": point.points,
        **{name: None if value is None else _six(value) for name, value in ends.items()},
    }  # fmt: skip


def _six(value: float) -> float:
    # six digits are more than any screen shows, and keep the page's bytes the same everywhere
    return float(f"{value:.6g}")
