"""The picture of a study: SVG with axes and units, drawn by hand so that the same results give the same bytes anywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from sim.report.model import Estimate
from sim.report.palette import ACCENT, INK, RULE, SOFT_INK
from sim.report.reading import number
from sim.report.words import Text
from sim.studies.results import Line, Results, estimate, lines

COLOURS = (ACCENT, "#d55e00", "#009e73", "#cc79a7", "#8c6d31", "#333333", "#56b4e9", "#e69f00")
"""Of the scenarios, in their order (Okabe and Ito 2008, and two darker ones)."""

WIDTH = 860.0
_FONT = "Helvetica, Arial, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
_ROW, _GROUP_GAP = 17.0, 13.0
_LETTER, _IDEOGRAPH = 6.4, 12.0


def picture(results: Results, lang: str) -> str:
    """Return the picture that the study asks for, in one language, as an SVG document."""
    kind = results.study.chart.kind
    return _effects(results, lang) if kind == "effects" else _plane(results, lang)


@dataclass(slots=True)
class _Canvas:
    """Parts of a drawing, as they are drawn, and the language they are in."""

    lang: str
    parts: list[str] = field(default_factory=list)

    def say(self, text: Text) -> str:
        return str(getattr(text, self.lang))

    def text(self, x: float, y: float, said: str, style: str = "", anchor: str = "start") -> None:
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style or "tick"}">{escape(said)}</text>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1.0) -> None:
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width:g}"/>'
        )

    def dot(self, x: float, y: float, colour: str, *, hollow: bool = False) -> None:
        fill = "#ffffff" if hollow else colour
        self.parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{colour}" stroke-width="1.6"/>'
        )

    def document(self, height: float, title: str) -> str:
        style = (
            f"text{{font-family:{_FONT};fill:{INK}}}.title{{font-size:15px;font-weight:600}}"
            f".label{{font-size:12.5px}}.tick{{font-size:11.5px;fill:{SOFT_INK}}}"
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" '
            f'width="{WIDTH:.0f}" height="{height:.0f}" role="img" lang="{self.lang}"><title>{escape(title)}</title>'
            f'<style>{style}</style><rect width="100%" height="100%" fill="#ffffff"/>{"".join(self.parts)}</svg>\n'
        )


@dataclass(frozen=True, slots=True)
class _Axis:
    """A straight scale from low..high to start..end."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return about eight round numbers within the scale."""
        rough = (self.high - self.low) / 8
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, math.floor(self.high / step + 1e-9) + 1)]


def _axis(values: Sequence[float], start: float, end: float, *, zero: bool) -> _Axis:
    finite = [v for v in values if math.isfinite(v)] + ([0.0] if zero else [])
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    spare = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    keeps_zero = zero and low == 0.0
    return _Axis(0.0 if keeps_zero else low - spare, high + spare, start, end)


def _tick(value: float, ticks: Sequence[float]) -> str:
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(value) or 1.0
    places = next(n for n in range(9) if n == 8 or abs(step - round(step, n)) < step * 1e-6)
    return number(0.0 if abs(value) < step / 1e6 else value, places)


def _legend(canvas: _Canvas, named: Sequence[tuple[str, str]], x: float, y: float) -> float:
    """Draw colour and name of each; return the height that is used."""
    left, top = x, y
    for colour, name in named:
        wide = 22 + _wide(name)
        if x + wide > WIDTH - 20 and x > left:
            x, y = left, y + 19
        canvas.dot(x + 5, y - 4, colour)
        canvas.text(x + 15, y, name, "label")
        x += wide + 14
    return y - top + 19


def _wide(text: str) -> float:
    return sum(_IDEOGRAPH if ord(c) > 0x2E80 else _LETTER for c in text)


def _named(results: Results, canvas: _Canvas, *, baseline: bool) -> dict[str, tuple[str, str]]:
    """Return scenario -> colour and label; the baseline is grey."""
    sides = results.study.scenario
    found = {sides[0].name: (SOFT_INK, canvas.say(sides[0].label.text))} if baseline else {}
    for n, side in enumerate(sides[1:]):
        found[side.name] = (COLOURS[n % len(COLOURS)], canvas.say(side.label.text))
    return found


_CHANGE = Text("change against {base}, % of its value (paired 95 % interval; hollow: no difference shown)",
               "相对“{base}”的变化，占其取值的 %（配对 95 % 区间；空心：未显示差异）")  # fmt: skip


def _effects(results: Results, lang: str) -> str:
    """Return the paired differences of some lines, in percent of the baseline, with their intervals."""
    canvas, study = _Canvas(lang), results.study
    named = _named(results, canvas, baseline=False)
    found = {(line.shown.name, line.scenario): line for line in lines(results)}
    drawn = [
        (name, [found[name, scenario] for scenario in named if _relative(found[name, scenario])])
        for name in study.chart.shown
    ]
    said = {
        name: f"{canvas.say(study.line(name).says.text)}, {study.line(name).when}"
        for name in study.chart.shown
    }
    left = 40 + max(_wide(text) for text in said.values())
    title = canvas.say(study.chart.title.text)
    canvas.text(20, 26, title, "title")
    top = 48 + _legend(canvas, list(named.values()), 20, 50)
    ends = [v for _, row in drawn for line in row for v in _relative(line) or ()]
    axis = _axis(ends, left, WIDTH - 30, zero=True)
    height = sum(len(row) * _ROW + _GROUP_GAP for _, row in drawn)
    ticks = axis.ticks()
    for value in ticks:
        canvas.line(axis.at(value), top, axis.at(value), top + height, SOFT_INK if not value else RULE)
        canvas.text(axis.at(value), top + height + 17, _tick(value, ticks), anchor="middle")
    base = canvas.say(study.baseline.label.text)
    # it may be longer than the axis
    canvas.text(WIDTH - 30, top + height + 38, canvas.say(_CHANGE).format(base=base), anchor="end")
    y = top + _GROUP_GAP / 2
    for name, row in drawn:
        canvas.text(left - 12, y + len(row) * _ROW / 2 + 4, said[name], "label", "end")
        for line in row:
            y += _ROW
            _whisker(canvas, axis, line, y - _ROW / 2, named[line.scenario][0])
        y += _GROUP_GAP
    return canvas.document(top + height + 52, title)


def _relative(line: Line) -> tuple[float, float, float] | None:
    """Return mean, low and high of a difference in percent of the baseline; None where the baseline is nothing."""
    base, gap = line.before.mean, line.gap.estimate
    if not base or not math.isfinite(base) or not math.isfinite(gap.mean):
        return None
    per = 100.0 / abs(base)
    return gap.mean * per, gap.low * per, gap.high * per


def _whisker(canvas: _Canvas, axis: _Axis, line: Line, y: float, colour: str) -> None:
    found = _relative(line)
    if found is not None:
        mean, low, high = found
        canvas.line(axis.at(low), y, axis.at(high), y, colour, 2)
        canvas.dot(axis.at(mean), y, colour, hollow=not line.differs)


_BAND = Text("mean and 95 % interval", "均值与 95 % 区间")


def _times(e: Estimate, factor: float) -> Estimate:
    return Estimate(e.mean * factor, e.low * factor, e.high * factor)


def _frame(canvas: _Canvas, across: _Axis, up: _Axis) -> None:
    """Draw the grid and the numbers of both axes."""
    stops = across.ticks()
    for value in stops:
        canvas.line(across.at(value), up.end, across.at(value), up.start, RULE)
        canvas.text(across.at(value), up.start + 17, _tick(value, stops), anchor="middle")
    levels = up.ticks()
    for value in levels:
        canvas.line(across.start, up.at(value), across.end, up.at(value), RULE if value else SOFT_INK)
        canvas.text(across.start - 8, up.at(value) + 4, _tick(value, levels), anchor="end")


_TARGET = Text("target {value} {unit}", "目标 {value} {unit}")


def _plane(results: Results, lang: str) -> str:
    """Return each scenario as a point, one line against another, with both intervals, and the target."""
    canvas, study = _Canvas(lang), results.study
    named = _named(results, canvas, baseline=True)
    x, y = (study.line(name) for name in study.chart.shown)
    points = {
        name: tuple(_times(estimate(line, results.of(line, name)), line.factor) for line in (x, y))
        for name in named
    }
    title = canvas.say(study.chart.title.text)
    canvas.text(20, 26, title, "title")
    top = 62 + _legend(canvas, list(named.values()), 20, 50)
    height = 320.0
    across = _axis(
        [v for here, _ in points.values() for v in (here.low, here.high)], 84, WIDTH - 30, zero=True
    )
    target = [] if study.chart.target is None else [study.chart.target]
    up = _axis(
        [v for _, there in points.values() for v in (there.low, there.high)] + target,
        top + height,
        top,
        zero=True,
    )
    _frame(canvas, across, up)
    canvas.text(20, top - 10, f"{canvas.say(y.says.text)}, {y.when} ({canvas.say(y.unit.text)})")
    below = f"{canvas.say(x.says.text)}, {x.when} ({canvas.say(x.unit.text)}); {canvas.say(_BAND)}"
    canvas.text((84 + WIDTH - 30) / 2, top + height + 38, below, anchor="middle")
    for level in target:
        canvas.line(across.start, up.at(level), across.end, up.at(level), "#b00020", 1.4)
        said = canvas.say(_TARGET).format(value=f"{level:g}", unit=canvas.say(y.unit.text))
        canvas.text(across.end, up.at(level) - 5, said, anchor="end")
    for name, (here, there) in points.items():
        colour = named[name][0]
        canvas.line(
            across.at(here.low), up.at(there.mean), across.at(here.high), up.at(there.mean), colour, 1.6
        )
        canvas.line(
            across.at(here.mean), up.at(there.low), across.at(here.mean), up.at(there.high), colour, 1.6
        )
        canvas.dot(across.at(here.mean), up.at(there.mean), colour)
    return canvas.document(top + height + 52, title)
