"""A Sankey drawing: where flows go, in columns from left to right.

Nodes are as tall as the larger of what comes in and what goes out; links are as wide as their flow.
A link that passes a column gets a place of its own in it, so that it never runs behind a node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

TALLEST = 430.0
"""Height in pixels of the flow in the fullest column."""
NODE_WIDTH, LABEL_HEIGHT, GAP = 14.0, 17.0, 9.0
SWEEPS = 24


@dataclass(frozen=True)
class Flow:
    """So much goes from one node to another."""

    source: str
    target: str
    value: float


@dataclass
class Place:
    """A node, or the place of a passing link (name None), in a column.

    Attributes:
        top, height: of what is drawn, in pixels; slots never overlap.
    """

    name: str | None
    column: int
    height: float
    value: float
    top: float = 0.0
    before: list[tuple[Place, float]] = field(default_factory=list, repr=False)
    after: list[tuple[Place, float]] = field(default_factory=list, repr=False)

    @property
    def slot(self) -> float:
        """Height that the place takes up: a node's label needs room even where its flow is thin."""
        return max(self.height, LABEL_HEIGHT) if self.name is not None else self.height

    @property
    def middle(self) -> float:
        """Middle of the place, in pixels from the top."""
        return self.top + self.height / 2


@dataclass
class Link:
    """A flow as drawn: its width and the middles it passes, one for each column from source to target."""

    flow: Flow
    width: float
    way: list[Place] = field(repr=False)
    middles: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Layout:
    """Where everything is, in pixels.

    Attributes:
        columns: places from top to bottom, column by column; passing links included.
        dropped: flows that cannot be drawn from left to right: onto itself, or closing a circle.
    """

    columns: list[list[Place]]
    links: list[Link]
    dropped: list[Flow]
    height: float
    scale: float

    @property
    def nodes(self) -> list[Place]:
        """The places that are nodes."""
        return [place for column in self.columns for place in column if place.name is not None]


def layout(flows: Iterable[Flow], scale: float | None = None) -> Layout:
    """Return where nodes and links go.  The same flows in any order give the same layout.

    Args:
        flows: any.
        scale: pixels per unit of flow; None: as many as let the fullest column be as tall as it may be.

    Source: Sugiyama et al. (1981), layers, places for long links, barycentres.
    """
    positive = sorted((f for f in flows if f.value > 0), key=lambda f: (f.source, f.target))
    kept, dropped = _without_circles(positive)
    columns_of = _columns(kept)
    scale = _scale(kept, columns_of) if scale is None else scale
    nodes = {name: _node(name, kept, columns_of[name], scale) for name in sorted(columns_of)}
    links = [_link(flow, nodes, scale) for flow in kept]
    columns: list[list[Place]] = [[] for _ in range(1 + max(columns_of.values(), default=-1))]
    for place in (*nodes.values(), *(p for link in links for p in link.way[1:-1])):
        columns[place.column].append(place)
    _order(columns)
    height = max((sum(p.slot for p in c) + GAP * (len(c) - 1) for c in columns), default=0.0)
    _stack(columns, height)
    _attach(links)
    return Layout(columns, links, dropped, height, scale)


def _without_circles(flows: Sequence[Flow]) -> tuple[list[Flow], list[Flow]]:
    """Return the flows that form no circle, larger ones first served, and the rest."""
    kept: list[Flow] = []
    dropped: list[Flow] = []
    after: dict[str, set[str]] = {}
    for flow in sorted(flows, key=lambda f: (-f.value, f.source, f.target)):
        if flow.source == flow.target or _reaches(after, flow.target, flow.source):
            dropped.append(flow)
        else:
            kept.append(flow)
            after.setdefault(flow.source, set()).add(flow.target)
    return sorted(kept, key=lambda f: (f.source, f.target)), dropped


def _reaches(after: dict[str, set[str]], start: str, goal: str) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        if here == goal:
            return True
        fresh = after.get(here, set()) - seen
        seen |= fresh
        waiting.extend(fresh)
    return False


def _columns(flows: Sequence[Flow]) -> dict[str, int]:
    """Return the column of each node: as far left as its sources allow; where flows end, in the last."""
    column = {name: 0 for f in flows for name in (f.source, f.target)}
    for _ in column:
        for f in flows:
            column[f.target] = max(column[f.target], column[f.source] + 1)
    last = max(column.values(), default=0)
    sources = {f.source for f in flows}
    return {name: place if name in sources else last for name, place in column.items()}


def _scale(flows: Sequence[Flow], column: dict[str, int]) -> float:
    """Return pixels per unit of flow, so that the fullest column is as tall as it may be."""
    fullest = 0.0
    for c in range(1 + max(column.values(), default=-1)):
        nodes = sum(_size(name, flows) for name, place in column.items() if place == c)
        passing = sum(f.value for f in flows if column[f.source] < c < column[f.target])
        fullest = max(fullest, nodes + passing)
    return TALLEST / fullest if fullest else 0.0


def _size(name: str, flows: Sequence[Flow]) -> float:
    coming = sum(f.value for f in flows if f.target == name)
    going = sum(f.value for f in flows if f.source == name)
    return max(coming, going)


def _node(name: str, flows: Sequence[Flow], column: int, scale: float) -> Place:
    size = _size(name, flows)
    return Place(name, column, size * scale, size)


def _link(flow: Flow, nodes: dict[str, Place], scale: float) -> Link:
    source, target = nodes[flow.source], nodes[flow.target]
    width = flow.value * scale
    passed = [Place(None, c, width, flow.value) for c in range(source.column + 1, target.column)]
    way = [source, *passed, target]
    for here, there in pairwise(way):
        here.after.append((there, width))
        there.before.append((here, width))
    return Link(flow, width, way)


def _order(columns: list[list[Place]]) -> None:
    """Order each column by the barycentres of its neighbours, to and fro; keep the best."""
    for column in columns:
        column.sort(key=lambda p: (-p.value, p.name or ""))
    best, fewest = [list(c) for c in columns], _crossings(columns)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for column in columns[1:] if forward else columns[-2::-1]:
            neighbours: Callable[[Place], list[tuple[Place, float]]] = (
                (lambda p: p.before) if forward else (lambda p: p.after)
            )
            rank = {id(p): n for c in columns for n, p in enumerate(c)}
            centre = {id(p): _barycentre(neighbours(p), rank, rank[id(p)]) for p in column}
            column.sort(key=lambda p, centre=centre: centre[id(p)])  # type: ignore[misc]
        if (now := _crossings(columns)) < fewest:
            best, fewest = [list(c) for c in columns], now
    for column, order in zip(columns, best, strict=True):
        column[:] = order


def _barycentre(neighbours: list[tuple[Place, float]], rank: dict[int, int], own: int) -> float:
    weight = sum(w for _, w in neighbours)
    return sum(rank[id(p)] * w for p, w in neighbours) / weight if weight else float(own)


def _crossings(columns: list[list[Place]]) -> float:
    """Return how much flow crosses other flow: the product of the widths, added over all crossings."""
    total = 0.0
    for left, right in pairwise(columns):
        rank = {id(p): n for n, p in enumerate(right)}
        ends = [(n, rank[id(q)], w) for n, p in enumerate(left) for q, w in p.after]
        for i, (a, b, w) in enumerate(ends):
            total += sum(w * v for c, d, v in ends[i + 1 :] if (a - c) * (b - d) < 0)
    return total


def _stack(columns: list[list[Place]], height: float) -> None:
    """Stack each column without overlap, and pull its places towards their neighbours."""
    for column in columns:
        y = (height - sum(p.slot for p in column) - GAP * (len(column) - 1)) / 2
        for place in column:
            place.top = y + (place.slot - place.height) / 2
            y += place.slot + GAP
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 else reversed(columns):
            for place in column:
                near = [*place.before, *place.after]
                weight = sum(w for _, w in near)
                if weight:
                    pull = sum(p.middle * w for p, w in near) / weight - place.middle
                    place.top += pull * 0.9**sweep
            _part(column, height)


def _part(column: list[Place], height: float) -> None:
    """Push overlapping places of a column apart, within 0 and *height*."""
    floor = 0.0
    for place in column:
        top = max(floor, place.middle - place.slot / 2)
        place.top = top + (place.slot - place.height) / 2
        floor = top + place.slot + GAP
    ceiling = height
    for place in reversed(column):
        bottom = min(ceiling, place.middle + place.slot / 2)
        place.top = bottom - place.slot / 2 - place.height / 2
        ceiling = bottom - place.slot - GAP


def _attach(links: list[Link]) -> None:
    """Give each link its middle at every place of its way, so that those of a node do not cross."""
    leaving: dict[int, float] = {}
    arriving: dict[int, float] = {}
    starts: dict[int, float] = {}
    ends: dict[int, float] = {}
    for link in sorted(links, key=lambda k: (k.way[1].middle, k.flow.target)):
        source = link.way[0]
        offset = leaving.get(id(source), 0.0)
        starts[id(link)] = source.top + offset + link.width / 2
        leaving[id(source)] = offset + link.width
    for link in sorted(links, key=lambda k: (k.way[-2].middle, k.flow.source)):
        target = link.way[-1]
        offset = arriving.get(id(target), 0.0)
        ends[id(link)] = target.top + offset + link.width / 2
        arriving[id(target)] = offset + link.width
    for link in links:
        link.middles = [starts[id(link)], *(place.middle for place in link.way[1:-1]), ends[id(link)]]
