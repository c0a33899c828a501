"""A scenario with other values of the free parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from sim.calibration.problem import Free
from sim.dated import ALWAYS
from sim.record import scenario_table
from sim.scenario import Scenario, parameters
from traceability.errors import ScenarioError


def scenario_at(
    base: Scenario, free: Sequence[Free], values: Sequence[float], **overrides: object
) -> Scenario:
    """Return *base* with each free parameter at its value.

    Args:
        base: the scenario that is fitted.
        free: the parameters.
        values: one for each.
        overrides: keys of the scenario itself, such as `until`.

    Raises:
        ScenarioError: a key that the scenario does not have, or a value that it refuses.
    """
    table = scenario_table(base)
    for each, value in zip(free, values, strict=True):
        for key in each.keys:
            _put(table, key, value, base)
    table.update(overrides)
    try:
        return Scenario.model_validate(table)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ScenarioError(f"{base.name}: the scenario refuses these parameters: {said}") from None


def changed_sections(
    base: Scenario, free: Sequence[Free], values: Sequence[float], sources: Mapping[str, str]
) -> dict[str, Any]:
    """Return only what the parameters change, as the tables of a scenario that extends *base*.

    Args:
        base, free, values: as in `scenario_at`.
        sources: name of a parameter -> the source of the figures that it sets.
    """
    whole = scenario_table(scenario_at(base, free, values))
    tables: dict[str, Any] = {}
    for each in free:
        for key in each.keys:
            *path, figure = key.partition("@")[0].split(".")
            section, found = tables, whole
            for part in path:
                section, found = section.setdefault(part, {}), found[part]
            section[figure] = found[figure]
            section.setdefault("sources", {})[figure] = sources[each.name]
    return tables


def _put(table: dict[str, Any], key: str, value: float, base: Scenario) -> None:
    path, _, day = key.partition("@")
    known = [parameter.key for parameter in parameters(base)]
    if path not in known:
        close = get_close_matches(path, known, n=1, cutoff=0.5)
        hint = f"; did you mean `{close[0]}`?" if close else ""
        raise ScenarioError(f"scenario {base.name} has no figure `{path}`{hint}")
    *sections, figure = path.split(".")
    part: dict[str, Any] = table
    for section in sections:
        part = part[section]
    old = part[figure]
    if not day:
        if isinstance(old, dict):
            days = ", ".join(old)
            raise ScenarioError(
                f"scenario {base.name}: `{path}` changes on {days}; say which step is meant: `{path}@{next(iter(old))}`"
            )
        part[figure] = value
        return
    steps = dict(old) if isinstance(old, dict) else {ALWAYS.isoformat(): old}
    if not isinstance(old, dict) or day not in steps:
        raise ScenarioError(
            f"scenario {base.name}: `{path}` has no step on {day}; its steps begin on {', '.join(sorted(steps))}"
        )
    steps[day] = value
    part[figure] = steps
