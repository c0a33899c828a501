"""The lifecycle table as a picture: states in layers, events as labelled arrows, one panel a table, SVG.

The layout is that of Sugiyama, Tagawa and Toda (1981): break cycles, layer, order by the mean of the
neighbours, then place.  The name of an event takes a place of its own between two layers: no two meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from xml.sax.saxutils import escape

from traceability.lifecycle import TERMINAL, TRANSITIONS
from traceability.vocabulary import EventType, Level, State

Table = dict[tuple[State, EventType], State]

GATHER_FROM = 5
"""So many states with one and the same event into one state are drawn as a list with one arrow."""

_LETTER, _NOTE, _GAP = 7.3, 6.2, 18.0
_BOX_HEIGHT, _LABEL_HEIGHT, _LAYER_GAP = 30.0, 15.0, 22.0
_SWEEPS = 24

_ASTRAY = frozenset({State.MISSING, State.DIVERTED, State.EXPORTED})


@dataclass(slots=True, eq=False)
class _Node:
    """A thing with a place: a state, a list of states, an event's name, or a bend of an arrow.

    Attributes:
        width, height: of the room it takes; box: of the rectangle that is drawn in the middle of it.
    """

    kind: str
    text: str
    layer: int
    width: float
    height: float
    box: float = 0.0
    state: State | None = None
    loops: tuple[str, ...] = ()
    x: float = 0.0
    y: float = 0.0
    above: list[_Node] = field(default_factory=list)
    below: list[_Node] = field(default_factory=list)


@dataclass(slots=True)
class _Arrow:
    """The places that an arrow goes through, from its first state to its last."""

    path: list[_Node]


def tables() -> list[tuple[tuple[Level, ...], Table]]:
    """Return the tables of the lifecycle with the levels that each holds for, in the order of the levels."""
    found: list[tuple[tuple[Level, ...], Table]] = []
    for level, table in sorted(TRANSITIONS.items()):
        same = next((n for n, (_, other) in enumerate(found) if other == table), None)
        if same is None:
            found.append(((level,), table))
        else:
            found[same] = ((*found[same][0], level), table)
    return found


def picture(levels: Iterable[Level] = tuple(Level)) -> str:
    """Return an SVG document with the lifecycle of *levels*, levels that share a table in one panel.

    The same table gives the same bytes.
    """
    chosen = set(levels)
    panels = []
    width = top = 0.0
    for of, table in tables():
        if not chosen.isdisjoint(of):
            body, wide, high = _panel(", ".join(level.name.lower() for level in of), table)
            panels.append(f'<g transform="translate(0 {top:.0f})">{body}</g>')
            width, top = max(width, wide), top + high
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{top:.0f}" '
        f'viewBox="0 0 {width:.0f} {top:.0f}" font-family="Helvetica, Arial, sans-serif">'
        f"<title>What can follow what</title>{_STYLE}{_HEAD}"
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(panels)}</svg>\n'
    )


_STYLE = (
    "<style>.state{fill:#e8f0f7;stroke:#41719c}.first{fill:#fff;stroke:#41719c}.end{fill:#e3e3e0;stroke:#6b6b66}"
    ".astray{fill:#fbe7de;stroke:#b5512a}.list{fill:#fff;stroke:#9a9a94;stroke-dasharray:4 3}"
    ".name{font-size:12px;font-weight:600;fill:#1c1c1a;text-anchor:middle}"
    ".item{font-size:10.5px;fill:#44443f;text-anchor:middle}"
    ".event{font-size:10.5px;fill:#1d4e79;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:4px}"
    ".arrow{fill:none;stroke:#8a8a84;stroke-width:1.2}.title{font-size:17px;font-weight:600;fill:#1c1c1a}"
    "</style>"
)
_HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 0.6 8 4 0 7.4z" fill="#6a6a64"/></marker></defs>'
)


def _panel(title: str, table: Table) -> tuple[str, float, float]:
    """Return the drawing of one table, its width and its height."""
    nodes, arrows = _graph(table)
    layers = _ordered(_layered(nodes))
    width, height = _place(layers, 46.0)
    drawn = [f'<text class="title" x="20" y="30">{escape(title)}</text>']
    drawn += [_curve(arrow) for arrow in arrows]
    drawn += [_drawn(node) for node in nodes]
    return "".join(drawn), max(width + 20, 180), height + 24


# What is drawn


def _graph(table: Table) -> tuple[list[_Node], list[_Arrow]]:
    between: dict[tuple[State, State], list[str]] = {}
    loops: dict[State, list[str]] = {}
    for (before, event), after in table.items():
        if before == after:
            loops.setdefault(before, []).append(event.name)
        else:
            between.setdefault((before, after), []).append(event.name)
    gathered = _gathered(between)
    for (after, name), sources in gathered.items():
        for before in sources:
            between[before, after].remove(name)
    edges = [(before, after, names) for (before, after), names in between.items() if names]
    layer = _depths([(before, after) for before, after, _ in edges], list(gathered))
    nodes = {state: _state_node(state, 2 * depth, loops.get(state, ())) for state, depth in layer.items()}
    found = list(nodes.values())
    arrows = []
    for before, after, names in edges:
        arrows.append(_routed(found, nodes[before], nodes[after], names))
    for (after, name), sources in gathered.items():
        lines = ["any of", *_lines([state.name for state in sorted(sources)])]
        width = max(map(len, lines)) * _NOTE + 20
        height = len(lines) * 13 + 10.0
        listed = _Node("list", "\n".join(lines), nodes[after].layer - 2, width, height, width)
        found.append(listed)
        arrows.append(_routed(found, listed, nodes[after], [name]))
    return found, arrows


def _gathered(between: dict[tuple[State, State], list[str]]) -> dict[tuple[State, str], list[State]]:
    """Return state after and event -> the states before, where they are many."""
    many: dict[tuple[State, str], list[State]] = {}
    for (before, after), names in between.items():
        for name in names:
            many.setdefault((after, name), []).append(before)
    return {key: sources for key, sources in many.items() if len(sources) >= GATHER_FROM}


def _depths(edges: Sequence[tuple[State, State]], gathered: Sequence[tuple[State, str]]) -> dict[State, int]:
    """Return state -> layer: the longest way to it, along arrows that do not lead back."""
    nexts: dict[State, list[State]] = {}
    for before, after in edges:
        nexts.setdefault(before, []).append(after)
    back: set[tuple[State, State]] = set()
    done: list[State] = []
    path: list[State] = []

    def walk(state: State) -> None:
        path.append(state)
        for after in nexts.get(state, []):
            if after in path:
                back.add((state, after))
            elif after not in done:
                walk(after)
        path.pop()
        done.append(state)

    targets = [after for after, _ in gathered]
    for state in dict.fromkeys([State.UNREGISTERED, *(state for edge in edges for state in edge), *targets]):
        if state not in done:
            walk(state)
    depth = dict.fromkeys(done, 0)
    for state in targets:
        depth[state] = 1  # below the list that leads to it
    for state in reversed(done):
        for after in nexts.get(state, []):
            if (state, after) not in back:
                depth[after] = max(depth[after], depth[state] + 1)
    return depth


def _state_node(state: State, layer: int, loops: Sequence[str]) -> _Node:
    box = len(state.name) * _LETTER * 1.12 + 22
    beside = 2 * (20 + len(", ".join(loops)) * _NOTE) if loops else 0
    return _Node("state", state.name, layer, box + beside, _BOX_HEIGHT, box, state, tuple(loops))


def _lines(names: Sequence[str]) -> list[str]:
    return [", ".join(names[start : start + 2]) for start in range(0, len(names), 2)]


def _routed(nodes: list[_Node], start: _Node, end: _Node, events: Sequence[str]) -> _Arrow:
    """Return the arrow from *start* to *end*, its bends and its name added to *nodes*.

    The name stands in the first layer after the start.
    """
    text = "\n".join(events)
    size = max(map(len, events)) * _NOTE + 6, _LABEL_HEIGHT * len(events)
    step = 1 if end.layer > start.layer else -1
    between = list(range(start.layer + step, end.layer, step)) or [start.layer + 1]
    path = [start]
    for n, layer in enumerate(between):
        node = _Node("event", text, layer, *size) if n == 0 else _Node("bend", "", layer, 4.0, 0.0)
        path.append(node)
        nodes.append(node)
    path.append(end)
    for one, other in pairwise(path):
        upper, lower = (one, other) if one.layer < other.layer else (other, one)
        upper.below.append(lower)
        lower.above.append(upper)
    return _Arrow(path)


# Where it stands


def _layered(nodes: Iterable[_Node]) -> list[list[_Node]]:
    layers: dict[int, list[_Node]] = {}
    for node in nodes:
        layers.setdefault(node.layer, []).append(node)
    return [layers[number] for number in sorted(layers)]


def _ordered(layers: list[list[_Node]]) -> list[list[_Node]]:
    """Return the layers in the order, of those tried, in which the fewest arrows cross."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            place = {id(node): n for other in layers for n, node in enumerate(other)}

            def middle(node: _Node, place: dict[int, int] = place, down: bool = down) -> float:
                others = (node.above if down else node.below) or [node]
                return sum(place[id(other)] for other in others) / len(others)

            layer.sort(key=middle)
        if (crossings := _crossings(layers)) < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best


def _crossings(layers: Sequence[Sequence[_Node]]) -> int:
    total = 0
    for upper, lower in pairwise(layers):
        place = {id(node): n for n, node in enumerate(lower)}
        ends = [
            (n, place[id(other)])
            for n, node in enumerate(upper)
            for other in node.below
            if id(other) in place
        ]
        total += sum(
            (a < c and b > d) or (a > c and b < d) for k, (a, b) in enumerate(ends) for c, d in ends[k + 1 :]
        )
    return total


def _place(layers: Sequence[Sequence[_Node]], top: float) -> tuple[float, float]:
    """Give every node its place below *top*; return how wide and how far down the whole is."""
    for layer in layers:
        at = 0.0
        for node in layer:
            node.x = at + node.width / 2
            at += node.width + _GAP
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            _settle(layer, [_wish(node, down=down, last=sweep > _SWEEPS - 3) for node in layer])
    left = min(node.x - node.width / 2 for layer in layers for node in layer)
    for layer in layers:
        high = max(node.height for node in layer)
        for node in layer:
            node.x += 20 - left
            node.y = top + high / 2
        top += high + _LAYER_GAP
    return max(node.x + node.width / 2 for layer in layers for node in layer), top


def _wish(node: _Node, *, down: bool, last: bool) -> float:
    others = [*node.above, *node.below] if last else (node.above if down else node.below)
    return sum(other.x for other in others) / len(others) if others else node.x


def _settle(layer: Sequence[_Node], wishes: Sequence[float]) -> None:
    """Put the nodes of a layer as near to their wishes as their order and widths allow, in the least squares.

    Source: pool adjacent violators; Barlow et al. (1972).
    """
    offsets = [0.0]
    for one, other in pairwise(layer):
        offsets.append(offsets[-1] + (one.width + other.width) / 2 + _GAP)
    blocks: list[tuple[float, float, int]] = []
    for node, wish, offset in zip(layer, wishes, offsets, strict=True):
        # a bend gives way to nothing: long arrows are to be straight
        mean, weight, count = wish - offset, 12.0 if node.kind == "bend" else 1.0, 1
        while blocks and blocks[-1][0] > mean:
            before, heavy, many = blocks.pop()
            mean, weight = (mean * weight + before * heavy) / (weight + heavy), weight + heavy
            count += many
        blocks.append((mean, weight, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    for node, mean, offset in zip(layer, means, offsets, strict=True):
        node.x = mean + offset


# How it looks


def _curve(arrow: _Arrow) -> str:
    path = arrow.path
    points = [_port(path[0], path[1]), *((node.x, node.y) for node in path[1:-1]), _port(path[-1], path[-2])]
    drawn = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        bend = (to_y - y) / 2
        drawn += f"C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}"
    return f'<path class="arrow" d="{drawn}" marker-end="url(#head)"/>'


def _port(node: _Node, neighbour: _Node) -> tuple[float, float]:
    """Return where the arrow between *node* and *neighbour* meets the box; each has a point of its own."""
    side = node.below if neighbour.layer > node.layer else node.above
    beside = sorted(side, key=lambda other: other.x)
    share = (beside.index(neighbour) + 1) / (len(beside) + 1)
    room = min(node.box - 18, 26.0 * len(beside))
    edge = node.height / 2 if side is node.below else -node.height / 2
    return node.x + (share - 0.5) * room, node.y + edge


def _drawn(node: _Node) -> str:
    if node.kind == "bend":
        return ""
    lines = node.text.split("\n")
    if node.kind == "event":
        return _text("event", node, lines, _LABEL_HEIGHT)
    look = "list" if node.kind == "list" else _look(node.state)
    box = (
        f'<rect class="{look}" x="{node.x - node.box / 2:.1f}" y="{node.y - node.height / 2:.1f}" '
        f'width="{node.box:.1f}" height="{node.height:.1f}" rx="9"/>'
    )
    return box + _text("item" if node.kind == "list" else "name", node, lines, 13.0) + _loop(node)


def _look(state: State | None) -> str:
    if state is State.UNREGISTERED:
        return "first"
    if state in _ASTRAY:
        return "astray"
    return "end" if state in TERMINAL else "state"


def _text(kind: str, node: _Node, lines: Sequence[str], line: float) -> str:
    first = node.y - (len(lines) - 1) * line / 2 + 4
    return "".join(
        f'<text class="{kind}" x="{node.x:.1f}" y="{first + n * line:.1f}">{escape(text)}</text>'
        for n, text in enumerate(lines)
    )


def _loop(node: _Node) -> str:
    """Return the arrow of the events that leave *node* in the state it is in."""
    if not node.loops:
        return ""
    x, y = node.x + node.box / 2, node.y
    return (
        f'<path class="arrow" d="M{x:.1f} {y - 7:.1f}c20 -9 20 23 0 14" marker-end="url(#head)"/>'
        f'<text class="event" style="text-anchor:start" x="{x + 17:.1f}" y="{y + 4:.1f}">'
        f"{escape(', '.join(node.loops))}</text>"
    )
