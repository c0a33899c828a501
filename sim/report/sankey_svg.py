"""The Sankey layout as SVG: labels in both languages, numbers on pointing."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from sim.report.model import Row
from sim.report.palette import COLOURS, NEUTRAL
from sim.report.reading import estimate, number
from sim.report.sankey import NODE_WIDTH, Flow, Layout, Link, Place, layout
from sim.report.words import LANGUAGES, Text, label

WIDTH, MARGIN_SIDE, MARGIN_TOP = 960.0, 172.0, 14.0

COLOUR_OF_NODE = {
    "scrapped vehicles": "#3b6ea5",
    "dismantlers": "#4f86b0",
    "outlets": "#6aa0bd",
    "swap operators": "#5a7fb5",
    "repair firms": "#7f95b8",
    "recyclers": COLOURS["recycled"],
    "recycled": COLOURS["recycled"],
    "reuse": COLOURS["reused"],
    "reused": COLOURS["reused"],
    "remade products": COLOURS["reused"],
    "informal trade": COLOURS["informal"],
    "informal": COLOURS["informal"],
    "export": COLOURS["exported"],
    "exported": COLOURS["exported"],
    "missing": COLOURS["missing"],
    "waiting": "#a5adb6",
    "in stock": "#a5adb6",
    "lithium": COLOURS["LI"],
    "nickel": COLOURS["NI"],
    "cobalt": COLOURS["CO"],
    "manganese": COLOURS["MN"],
    "copper": COLOURS["CU"],
    "aluminium": COLOURS["AL"],
    "iron": COLOURS["FE"],
    "graphite": COLOURS["GRAPHITE"],
    "steel": COLOURS["STEEL"],
}


def flows_of(rows: list[Row]) -> list[Flow]:
    """Return the flows that rows of the measure `flow` hold, those of one name added."""
    added: dict[tuple[str, str], float] = {}
    for row in rows:
        source, _, target = row.key.partition(">")
        ends = (source.strip(), target.strip())
        added[ends] = added.get(ends, 0.0) + row.mean
    return [Flow(*ends, value) for ends, value in sorted(added.items())]


def draw(
    rows: list[Row], unit: Text, *, name: str = "flow", scale: float | None = None
) -> tuple[str, Layout]:
    """Return the drawing as one SVG element, and its layout.

    Args:
        rows: of the measure `flow`.
        unit: of their mass.
        name: of the drawing; no two on a page have one.
        scale: pixels per unit, see `sankey.layout`.
    """
    plan = layout(flows_of(rows), scale)
    columns = max(1, len(plan.columns) - 1)
    step = (WIDTH - 2 * MARGIN_SIDE - NODE_WIDTH) / columns
    told: dict[tuple[str, str], str] = {}
    for row in rows:
        source, _, target = row.key.partition(">")
        told[source.strip(), target.strip()] = estimate(row)
    height = plan.height + 2 * MARGIN_TOP
    gradients = "".join(_gradient(f"{name}-{n}", link, step) for n, link in enumerate(plan.links))
    links = "".join(
        _path(f"{name}-{n}", link, step, told[link.flow.source, link.flow.target], unit)
        for n, link in enumerate(plan.links)
    )
    nodes = "".join(_node(place, step, len(plan.columns) - 1, unit) for place in plan.nodes)
    svg = (
        f'<svg class="sankey" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-labelledby="title-{name}">'
        f'<defs>{gradients}</defs><g class="links">{links}</g><g class="nodes">{nodes}</g></svg>'
    )
    return svg, plan


def _left(place: Place, step: float) -> float:
    return MARGIN_SIDE + place.column * step


def _colour(name: str | None) -> str:
    return COLOUR_OF_NODE.get(name or "", NEUTRAL)


def _gradient(name: str, link: Link, step: float) -> str:
    start, end = _left(link.way[0], step) + NODE_WIDTH, _left(link.way[-1], step)
    return (
        f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" x1="{start:.1f}" x2="{end:.1f}">'
        f'<stop offset="0" stop-color="{_colour(link.flow.source)}"/>'
        f'<stop offset="1" stop-color="{_colour(link.flow.target)}"/></linearGradient>'
    )


def _path(name: str, link: Link, step: float, told: str, unit: Text) -> str:
    start = _left(link.way[0], step) + NODE_WIDTH
    way = [f"M{start:.1f},{link.middles[0] + MARGIN_TOP:.2f}"]
    for (here, y), (there, z) in pairwise(zip(link.way, link.middles, strict=True)):
        x0, x1 = _left(here, step) + NODE_WIDTH, _left(there, step)
        half = (x0 + x1) / 2
        way.append(
            f"C{half:.1f},{y + MARGIN_TOP:.2f} {half:.1f},{z + MARGIN_TOP:.2f} {x1:.1f},{z + MARGIN_TOP:.2f}"
        )
        if there.name is None:
            way.append(f"H{x1 + NODE_WIDTH:.1f}")
    source, target = label(link.flow.source, "flow"), label(link.flow.target, "flow")
    hover = f"{source.en} → {target.en}: {told} {unit.en}\n{source.zh} → {target.zh}：{told} {unit.zh}"
    # A flow thinner than a hair is drawn as one, so that it can be seen at all.
    return (
        f'<path d="{"".join(way)}" stroke="url(#{name})" stroke-width="{max(link.width, 0.75):.2f}" '
        f'data-width="{link.width:.4f}"><title>{escape(hover)}</title></path>'
    )


def _node(place: Place, step: float, last: int, unit: Text) -> str:
    name = place.name or ""
    x, y = _left(place, step), place.top + MARGIN_TOP
    words, value = label(name, "flow"), number(place.value)
    first = place.column == 0
    at = x - 8 if first else x + NODE_WIDTH + 8
    anchor = "end" if first else "start"
    texts = "".join(
        f'<text lang="{lang}" x="{at:.1f}" y="{place.middle + MARGIN_TOP:.1f}" dy="0.35em" '
        f'text-anchor="{anchor}">'
        f'{escape(getattr(words, lang))} <tspan class="value">{value}</tspan></text>'
        for lang in LANGUAGES
    )
    hover = f"{words.en}: {value} {unit.en}\n{words.zh}：{value} {unit.zh}"
    return (
        f'<g class="{"last" if place.column == last else "inner"}">'
        f'<rect x="{x:.1f}" y="{y:.2f}" width="{NODE_WIDTH:.0f}" height="{max(place.height, 0.75):.2f}" '
        f'fill="{_colour(name)}"><title>{escape(hover)}</title></rect>{texts}</g>'
    )
