"""Twins: a scenario with one assumed figure moved down or up, and nothing else."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, get_type_hints

from pydantic import ValidationError

from sim import record
from sim.dated import Amount, Share, Signed
from sim.figures import Section
from sim.scenario import Parameter, Scenario, parameters

SHARE = 0.2
"""By how much a figure is moved, unless somebody says otherwise."""


class Twin(NamedTuple):
    """The scenario with one figure moved.

    Attributes:
        direction: "down" or "up".
        to: the figure then, as the list of assumptions writes it.
    """

    parameter: Parameter
    direction: str
    to: str
    scenario: Scenario

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.parameter.key}.{self.direction}"


class LeftOut(NamedTuple):
    """An assumed figure that is not moved, and why."""

    parameter: Parameter
    why: str


def twins(scenario: Scenario, share: float = SHARE) -> tuple[list[Twin], list[LeftOut]]:
    """Return *scenario* with each assumed figure moved down and up by *share*, and the figures that are not moved.

    A figure that changes on stated days is moved as a whole.  What is all of something, or nothing (a share of 0
    or 1) stays there: that is a fact or a fiction, but no estimate.  A whole number moves by one at least.
    """
    moved: list[Twin] = []
    out: list[LeftOut] = []
    for parameter in parameters(scenario):
        if parameter.grade != "assumed":
            continue
        if why := _immovable(scenario, parameter):
            out.append(LeftOut(parameter, why))
            continue
        refused = ""
        found = []
        for direction, factor in (("down", 1 - share), ("up", 1 + share)):
            try:
                twin = _twin(scenario, parameter.key, factor)
            except ValidationError as error:
                refused = error.errors()[0]["msg"].removeprefix("Value error, ")
                continue
            if twin is not None:
                to = next(p.value for p in parameters(twin) if p.key == parameter.key)
                found.append(Twin(parameter, direction, to, twin))
        moved += found
        if not found:
            out.append(LeftOut(parameter, refused or "stands at its bound"))
    return moved, out


def _immovable(scenario: Scenario, parameter: Parameter) -> str:
    value = _figures(record.scenario_table(scenario), parameter.key)[1]
    if parameter.unit == "0 or 1" or isinstance(value, bool):
        return "a switch"
    if parameter.unit == "year":
        return "a year of the calendar, not an amount"
    numbers = list(value.values()) if isinstance(value, dict) else [value]
    if not numbers or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        return "not a number"
    return "" if any(numbers) else "is zero, and so is every share of it"


def _figures(table: dict[str, Any], key: str) -> tuple[dict[str, Any], Any]:
    """Return the section of a resolved scenario that the figure with this key stands in, and the figure.

    A figure that changes on stated days, or a path of years, is a dict of numbers.
    """
    *path, name = key.split(".")
    for step in path:
        table = table[step]
    return table, table[name]


def _section(scenario: Scenario, key: str) -> type[Section]:
    section: Any = scenario
    for step in key.split(".")[:-1]:
        section = section[step] if isinstance(section, dict) else getattr(section, step)
    found: type[Section] = type(section)
    return found


def _twin(scenario: Scenario, key: str, factor: float) -> Scenario | None:
    """Return *scenario* with one figure times *factor*, within its bounds; None where that changes nothing."""
    name = key.rpartition(".")[2]
    bounds = _bounds(_section(scenario, key), name)
    table = record.scenario_table(scenario)
    section, value = _figures(table, key)
    if isinstance(value, dict):
        section[name] = {step: _scaled(v, factor, bounds) for step, v in value.items()}
    else:
        section[name] = _scaled(value, factor, bounds)
    return None if section[name] == value else Scenario.model_validate(table)


def _scaled(value: float, factor: float, bounds: tuple[float, float]) -> float:
    low, high = bounds
    if value == high == 1:  # all of something: no estimate of a share
        return value
    if not isinstance(value, int):
        return min(max(value * factor, low), high)
    moved = round(value * factor)
    if moved == value != 0:
        moved += 1 if factor > 1 else -1
    return int(min(max(moved, low), high))


def _bounds(section: type[Section], name: str) -> tuple[float, float]:
    low, high = -float("inf"), float("inf")
    for limit in section.model_fields[name].metadata:
        low, high = getattr(limit, "ge", low), getattr(limit, "le", high)
    hint = _hints(section)[name]
    for kind, bounds in ((Share, (0.0, 1.0)), (Amount, (0.0, 1e9)), (Signed, (-1e9, 1e9))):
        if hint == kind:
            return bounds
    return low, high


@cache
def _hints(section: type[Section]) -> dict[str, Any]:
    return get_type_hints(section, include_extras=True)
