"""However a scenario file is mangled: it is refused with a message, or it runs."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import sim
from sim.dated import Dated
from sim.figures import Section
from sim.habits import Reporting
from sim.incentives import Inspections
from sim.scenario import Scenario, load
from tests.sim.small import World, anew, baseline, run
from traceability.errors import ScenarioError
from traceability.registry import Registry
from traceability.vocabulary import Level, State

BASELINE = (Path(sim.__file__).parent / "scenarios" / "baseline.toml").read_text("utf-8")
LINES = BASELINE.splitlines()

NASTY = (
    "nan", "inf", "-inf", "1e308", "-1e308", "1e-320", "-1", "0", "-0.0", "true", '""', '"x"', "[]", "[[[[]]]]", "{}",
    "{a = 1}", "{2016-01-01 = nan}", "{2016-01-01 = {2016-01-01 = 1}}", "{0001-01-01 = 1, 9999-12-31 = 0}",
    "2016-01-01", "2016-01-01T00:00:00Z", "07:32:00", "0x7fffffffffffffff", "1" + "0" * 400, "1" + "0" * 5000,
    "[" * 400 + "]" * 400, "{a = " * 200 + "1" + "}" * 200, '"\\u0000"', '"' + "x" * 10_000 + '"',
)  # fmt: skip


def deleted(lines: list[str], at: int, _: str) -> None:
    del lines[at]


def doubled(lines: list[str], at: int, _: str) -> None:
    lines.insert(at, lines[at])


def revalued(lines: list[str], at: int, value: str) -> None:
    lines[at] = f"{lines[at].partition('=')[0]}= {value}"


def renamed(lines: list[str], at: int, value: str) -> None:
    lines[at] = f"{value}{lines[at]}"


def nested(lines: list[str], at: int, value: str) -> None:
    key, _, _ = lines[at].partition("=")
    lines[at] = f"{key.strip()}{'.a' * 3000} = {value}"


def dated(lines: list[str], at: int, value: str) -> None:
    lines[at] = f"{lines[at].partition('=')[0]}= {{2011-01-01 = 0, 2020-01-01 = {value}}}"


def cut(lines: list[str], at: int, value: str) -> None:
    lines[at] = lines[at][: len(value) % (len(lines[at]) + 1)]


mutations = st.tuples(
    st.sampled_from([deleted, doubled, revalued, renamed, nested, dated, cut]),
    st.integers(0, len(LINES) - 3),
    st.one_of(st.sampled_from(NASTY), st.text(max_size=12), st.floats().map(repr), st.integers().map(str)),
)


def taken(path: Path) -> Scenario | None:
    """The scenario, or None where it is refused; any other exception is a defect."""
    try:
        return load(path)
    except ScenarioError as refusal:
        assert str(refusal).strip()
        assert len(str(refusal).splitlines()[0]) < 5000
        return None


def figures(scenario: Scenario) -> list[float]:
    found: list[float] = []
    sections = [getattr(scenario, name) for name in type(scenario).model_fields]
    for section in [*sections, *scenario.reporting.values(), *dict(scenario.inspection).values()]:
        if isinstance(section, Section):
            for name in type(section).model_fields:
                value = getattr(section, name)
                if isinstance(value, Dated):
                    found += [v for _, v in value.steps]
                elif isinstance(value, int | float):
                    found.append(value)
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@given(changes=st.lists(mutations, min_size=1, max_size=3))
@settings(max_examples=80, deadline=None)
def test_a_mangled_file_is_refused_or_holds_finite_figures(place, changes):
    lines = list(LINES)
    for change, at, value in changes:
        change(lines, at, value)
    path = place / "mangled.toml"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    scenario = taken(path)
    if scenario is not None:
        assert all(math.isfinite(figure) for figure in figures(scenario))


@given(at=st.integers(0, len(BASELINE.encode())), junk=st.binary(max_size=30), length=st.integers(0, 300))
@settings(max_examples=50, deadline=None)
def test_a_file_with_bytes_of_chance_is_refused_or_taken(place, at, junk, length):
    content = BASELINE.encode()
    path = place / "bytes.toml"
    path.write_bytes(content[:at] + junk + content[at + length :])
    taken(path)


@given(
    content=st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass"))
    )
)
@settings(max_examples=40, deadline=None)
def test_a_file_of_anything_is_refused(place, content):
    path = place / "anything.toml"
    path.write_bytes(content)
    assert taken(path) is None


@given(
    name=st.one_of(
        st.text(max_size=40), st.sampled_from(["", ".", "..", "/", "\0", "a" * 5000, "base\nline"])
    )
)
@settings(max_examples=40, deadline=None)
def test_a_name_of_anything_is_refused(name):
    with pytest.raises(ScenarioError):
        load(name)


# --- valid, but at the edge of what may be said ---

# shares of one whole: at most one of each pair can be 1
_APART = {"poor_share", "storage_share", "accident_share"}


_NAMES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("recycling", "capacity_factor"): ({"Guangdong": 0.0}, {"Guangdong": 100.0}),
    ("law", "forced_regime"): ("cn_2018", "order73"),
    ("law", "banned_uses"): (
        {"2012-01-01": []},
        {"2012-01-01": ["storage", "backup", "low_speed", "e_bike"]},
    ),
    **{
        (f"inspection.{name}", "targeting"): ({"Guangdong": 0.0}, {"Guangdong": 1000.0})
        for name in Inspections.model_fields
    },
}
"""Figures that hold names rather than one number: the most that they can say."""


def tables_of(raw: dict[str, Any], section: str) -> list[dict[str, Any]]:
    """The tables of a section: one, or those of all reporters."""
    if section == "reporting":
        return list(raw["reporting"].values())
    name, _, part = section.partition(".")
    return [raw[name][part] if part else raw[name]]


def bounds(section: str, model: type[Section], figure: str) -> tuple[Any, Any]:
    """The least and the greatest value that the model takes for a figure, as its bounds have it."""
    table = tables_of(baseline(), section)[0]
    info = model.model_fields[figure]
    stated = {type(m).__name__: m for m in info.metadata}
    if "Ge" in stated and "Le" in stated:
        return stated["Ge"].ge, stated["Le"].le

    def takes(value: float) -> bool:
        try:
            model.model_validate(table | {figure: value})
        except ValidationError:
            return False
        return True

    return next(v for v in (-1e9, 0.0) if takes(v)), next(v for v in (1e9, 100.0, 1.0) if takes(v))


def edges() -> dict[tuple[str, str], tuple[Any, Any]]:
    found = {}
    inspections = {f"inspection.{name}": field for name, field in Inspections.model_fields.items()}
    for section, field in (Scenario.model_fields | inspections).items():
        model = Reporting if section == "reporting" else field.annotation
        if isinstance(model, type) and issubclass(model, Section):
            for figure in model.model_fields:
                if figure != "sources" and (section, figure) not in _NAMES:
                    found[section, figure] = bounds(section, model, figure)
    return found


EDGES = edges() | _NAMES
# a hundred thousand firms of a kind are allowed, and take their time to be named
EDGES["scrapping", "firms"] = (31, 3000)
EDGES["collection", "carriers"] = (1, 1000)
EDGES["recycling", "cells_per_module"] = (1, 40)
EDGES["recycling", "modules_per_pack"] = (1, 40)


def at_the_edge(
    sides: dict[tuple[str, str], int], *, first: date, until: date, scale: int = 1_000_000
) -> Scenario:
    """The baseline with figures at their least (0) or their greatest (1) value."""
    raw = baseline() | {"name": "edge", "from": first, "until": until, "scale": scale, "replications": 1}
    for (section, figure), side in sides.items():
        value = EDGES[section, figure][side]
        if side and figure in _APART:
            value = 0.0
        for table in tables_of(raw, section):
            table[figure] = value
    rule = raw["collection"]
    rule["transit_last_days"] = max(rule["transit_first_days"], rule["transit_last_days"])
    for section, one, other in (
        ("life", "accident_share", "export_share"),
        ("recycling", "poor_share", "good_share"),
        ("informal", "storage_share", "e_bike_share"),
    ):
        if raw[section][other] == 1.0:
            raw[section][one] = 0.0
    return Scenario.model_validate(raw)


def stands(world: World) -> None:
    """Every unit has its place in the log, nobody is unregistered, and the measures can be read."""
    census = Registry.resume(world.store).census()
    census.pop(Level.VEHICLE, None)
    assert sum(sum(states.values()) for states in census.values()) == world.simulated.units
    assert all(State.UNREGISTERED not in states for states in census.values())
    assert all(math.isfinite(value.value) for value in world.measures)


@pytest.mark.parametrize("side", [0, 1], ids=["least", "greatest"])
def test_a_world_at_the_edge_of_every_figure_runs(side):
    sides = dict.fromkeys(EDGES, side)
    stands(run(at_the_edge(sides, first=date(2024, 1, 1), until=date(2026, 12, 31), scale=200_000)))


@given(sides=st.fixed_dictionaries({}, optional={edge: st.sampled_from([0, 1]) for edge in EDGES}))
@settings(max_examples=6, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # each a run
def test_a_world_at_the_edge_of_some_figures_runs(sides):
    stands(anew(at_the_edge(sides, first=date(2031, 1, 1), until=date(2032, 6, 30), scale=300_000)))


@pytest.mark.parametrize(
    ("first", "until", "scale"),
    [
        (date(2035, 10, 1), date(2035, 12, 31), 1_000_000),
        (date(2012, 1, 1), date(2012, 3, 31), 1_000_000),
        (date(2012, 1, 1), date(2015, 12, 31), 1_000_000),
        (date(2035, 10, 1), date(2035, 12, 31), 20_000),
        (date(2012, 4, 1), date(2012, 6, 30), 500),
    ],
)
def test_the_shortest_and_the_coarsest_worlds_run(first, until, scale):
    stands(run(at_the_edge({}, first=first, until=until, scale=scale)))


@pytest.mark.parametrize(
    ("section", "figures"),
    [
        ("collection", {"waiting_limit_days": 1, "storage_limit_t": 0.01, "transit_first_days": 0, "transit_last_days": 0}),
        ("collection", {"reach_km": 1.0}),
        ("recycling", {"capacity_share": 0.0}),
        ("recycling", {"reuse_share_lfp": 1.0, "reuse_share_ncm": 1.0, "opened_module_share": 1.0}),
        ("life", {"accident_share": 1.0, "burnt_share": 1.0, "export_share": 0.0}),
        ("life", {"accident_share": 0.0, "export_share": 1.0}),
        ("informal", {"recovery_share": 0.0, "resold_share": 1.0}),
        ("market", {"deposit_yuan_pack": 1e9}),
        ("market", {"informal_premium": 1e9}),
        ("collection", {"refused_share": 1.0}),
        ("learning", {"prior_share": 1.0, "learning_share": 1.0, "memory_packs": 0.0}),
        ("production_scrap", {"lot_t": 0.1}),
    ],
)  # fmt: skip
def test_a_world_with_one_thing_out_of_all_measure_runs(section, figures):
    raw = baseline() | {
        "name": "edge",
        "from": date(2028, 1, 1),
        "until": date(2028, 12, 31),
        "scale": 100_000,
    }
    raw[section] |= figures
    stands(run(Scenario.model_validate(raw)))
