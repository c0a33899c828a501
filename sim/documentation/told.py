"""What the code says of itself, as Markdown: processes, draws, entities, events, resources, parameters and inputs."""

from __future__ import annotations

import ast
import csv
import inspect
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from importlib import import_module
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from sim import inputs
from sim import run as running
from sim.cast import assemble
from sim.documentation.words import ALGORITHMS, DEFINITIONS, QUEUES
from sim.figures import GRADES
from sim.measures import MEASURES
from sim.scenario import Scenario, parameters
from traceability.lifecycle import TERMINAL, TRANSITIONS
from traceability.vocabulary import EventType, Level, Role, State


class Process(NamedTuple):
    """One process of a run, as `sim.run` starts it.

    Attributes:
        sections: of the scenario that it is handed.
        about: what its module says; does: what it says itself.
    """

    name: str
    module: str
    sections: tuple[str, ...]
    about: str
    does: str


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; a bar within a cell is escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def processes() -> list[Process]:
    """Return the processes in the order in which `sim.run` starts them: that in which they act within a moment."""
    tree = ast.parse(inspect.getsource(running._start))
    started = next(
        node.iter.elts
        for node in ast.walk(tree)
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple)
    )
    found = []
    for call in started:
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Name)
        function = getattr(running, call.func.id)
        module = inspect.getmodule(function)
        assert module is not None
        about = "" if module is running else _opening(module)
        found.append(
            Process(call.func.id.strip("_"), module.__name__, _sections(call), about, _opening(function))
        )
    return found


def process_table() -> str:
    """Return the processes, in their order."""
    return table(
        ("", "process", "what it does", "sections of the scenario"),
        (
            (
                n,
                f"`{p.module}.{p.name}`",
                " ".join((p.about, p.does)).strip(),
                ", ".join(f"`{s}`" for s in p.sections),
            )
            for n, p in enumerate(processes(), start=1)
        ),
    )


def algorithms() -> str:
    """Return how the less plain parts work, in the words of their own docstrings."""
    parts = []
    for title, chinese, module, name in ALGORITHMS:
        thing: object = import_module(module)
        for step in (name or "").split(".") if name else ():
            thing = getattr(thing, step)
        where = f"{module}.{name}" if name else module
        parts.append(f"**{title} {chinese}** (`{where}`). {_prose(thing)}")
    return "\n\n".join(parts)


def draws() -> str:
    """Return every named decision that is drawn, by the module that draws it."""
    found: dict[str, list[str]] = {}
    for module, source in _sources():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                if node.func.attr not in ("draw", "choose") or not (name := _text_of(node.args[0])):
                    continue
                names = found.setdefault(module, [])
                if name not in names:
                    names.append(name)
    return table(
        ("module", "decisions"),
        ((f"`{module}`", ", ".join(f"`{n}`" for n in names)) for module, names in sorted(found.items())),
    )


def entities() -> str:
    """Return the levels of units with their states, and the columns that each table of the log keeps."""
    from traceability.store.schema import metadata as schema

    levels = table(
        ("unit", "states"),
        ((level.name, ", ".join(s.name for s in State if s in _states(level))) for level in TRANSITIONS),
    )
    tables = table(
        ("table of the log", "columns"),
        ((f"`{t.name}`", ", ".join(f"`{c.name}`" for c in t.columns)) for t in schema.sorted_tables),
    )
    return f"{levels}\n\n{tables}"


def activities() -> str:
    """Return every event with the units that it happens to and the states that it leads between."""
    rows = []
    for event in EventType:
        ways = [
            (level, before, after)
            for level, moves in TRANSITIONS.items()
            for (before, what), after in moves.items()
            if what is event
        ]
        levels = dict.fromkeys(level.name for level, _, _ in ways)
        steps = dict.fromkeys(f"{before.name} → {after.name}" for _, before, after in ways)
        rows.append((event.name, ", ".join(levels), "; ".join(steps) if ways else "changes no state"))
    return table(("event", "units", "from → to"), rows)


def entries_and_exits() -> str:
    """Return how units of each level come into being and where they end."""
    rows = []
    for level, moves in TRANSITIONS.items():
        born = dict.fromkeys(event.name for before, event in moves if before is State.UNREGISTERED)
        left = {before for before, _ in moves}
        ends = [s.name for s in State if s in _states(level) and (s in TERMINAL or s not in left)]
        rows.append((level.name, ", ".join(born), ", ".join(ends)))
    return table(("unit", "enters by", "leaves in"), rows)


def lifecycle_diagram() -> str:
    """Return the way of a pack as a Mermaid diagram of states."""
    ways: dict[tuple[str, str], list[str]] = {}
    for (before, event), after in TRANSITIONS[Level.PACK].items():
        start = "[*]" if before is State.UNREGISTERED else before.name
        ways.setdefault((start, after.name), []).append(event.name)
    lines = [f"    {before} --> {after}: {', '.join(events)}" for (before, after), events in ways.items()]
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```"


def resources(scenario: Scenario) -> str:
    """Return the actors of *scenario* by role: how many are simulated, and how many they stand for."""
    cast = assemble(scenario, inputs.load())
    rows = []
    for role in Role:
        here = cast.role == role
        if here.any():
            capacity = cast.capacity_t[here]
            tonnes = f"{int(capacity.sum()):,} t/year nominal" if (capacity > 0).all() else ""
            real = int(cast.stands_for[here].sum())
            where = (
                "nationwide"
                if not np.any(cast.province[here])
                else f"{np.unique(cast.province[here]).size} provinces"
            )
            rows.append((role.name, f"{int(here.sum()):,}", f"{real:,}", where, tonnes))
    return table(("role", "simulated", "stand for", "where", "capacity"), rows)


def queues() -> str:
    """Return where things wait, in the words of the classes that they wait in."""
    return table(
        ("queue", "what waits", "how"),
        ((f"`{m}.{name}`", what, _opening(getattr(import_module(m), name))) for m, name, what in QUEUES),
    )


def outputs() -> str:
    """Return every measure with unit, key and definition."""
    return table(
        ("measure", "", "unit", "by", "what is counted"),
        (
            (
                f"`{m.id}`",
                f"{m.title_en} {m.title_zh}",
                f"{m.unit_en} {m.unit_zh}",
                m.key,
                DEFINITIONS.get(m.id, ""),
            )
            for m in MEASURES
        ),
    )


def parameter_table(scenario: Scenario) -> str:
    """Return every figure of *scenario*: value, unit, grade, source and meaning."""
    return table(
        ("parameter", "value", "unit", "grade", "source or reason", "meaning"),
        (
            (f"`{p.key}`", p.value, p.unit, p.grade, p.source or "–", f"{p.en}；{p.zh}")
            for p in parameters(scenario)
        ),
    )


def assumed(scenario: Scenario) -> str:
    """Return the figures of *scenario* that are assumed, by section, and how many of how many they are."""
    listed = list(parameters(scenario))
    found: dict[str, list[str]] = {}
    for p in listed:
        if p.grade == "assumed":
            section, _, name = p.key.rpartition(".")
            found.setdefault(section, []).append(f"`{name}`")
    total = sum(map(len, found.values()))
    lines = [f"- `{section}`: {', '.join(names)}" for section, names in found.items()]
    return f"{total} of {len(listed)} parameters are assumed:\n\n" + "\n".join(lines)


def input_files() -> str:
    """Return every input file with the number of its rows by grade, and whether the model is fed with it."""
    fed = {count.file for count in inputs.parameters()}
    grades = [grade for grade in GRADES if grade != "standard"]
    rows = []
    for item in sorted(files("sim").joinpath("data").iterdir(), key=lambda i: i.name):
        if item.name.endswith(".csv"):
            read = list(csv.DictReader(io.StringIO(item.read_text("utf-8-sig"))))
            count = Counter(row.get("grade", "") for row in read)
            use = "input" if item.name in fed else "held against it"
            rows.append((f"`{item.name}`", use, len(read), *(count[grade] or "" for grade in grades)))
    return table(("file", "use", "rows", *grades), rows)


def _cell(cell: object) -> str:
    return " ".join(str(cell).replace("|", "\\|").split())


def _opening(thing: object) -> str:
    """Return the first paragraph of a docstring."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def _prose(thing: object) -> str:
    """Return a docstring without its lists of arguments, examples and errors."""
    kept = []
    for paragraph in (inspect.getdoc(thing) or "").split("\n\n"):
        if paragraph.startswith(("Args:", "Returns:", "Raises:", "Attributes:", ">>>")):
            continue
        kept.append(" ".join(paragraph.split()))
    return " ".join(kept)


def _sections(call: ast.Call) -> tuple[str, ...]:
    names = (ast.unparse(k.value) for k in call.keywords)
    return tuple(
        n.removeprefix("scenario.") for n in names if n.startswith("scenario.") and n != "scenario.scale"
    )


def _sources() -> Iterator[tuple[str, str]]:
    """Yield the modules of the simulation with their text."""
    root = files("sim")
    for package, place in (("sim", root), ("sim.processes", root.joinpath("processes"))):
        for item in place.iterdir():
            if item.name.endswith(".py"):
                yield f"{package}.{item.name.removesuffix('.py')}", item.read_text("utf-8")


def _text_of(node: ast.expr) -> str:
    """Return a string, or a formatted one with its holes shown; "" where it is neither."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (
            str(v.value) if isinstance(v, ast.Constant) else "{" + ast.unparse(v.value) + "}"
            for v in node.values
            if isinstance(v, ast.Constant | ast.FormattedValue)
        )
        return reduce(str.__add__, parts, "")
    return ""


def _states(level: Level) -> set[State]:
    moves = TRANSITIONS[level]
    return ({before for before, _ in moves} | set(moves.values())) - {State.UNREGISTERED}
