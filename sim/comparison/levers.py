"""What a scenario changes: the figures that are not those of the baseline, each with its source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sim.comparison.outcome import Comparison
from sim.record import scenario_table
from sim.scenario import Scenario, parameters

_ABSENT = "–"
_NOT_FIGURES = {"name", "title_en", "title_zh", "replications"}


class Lever(NamedTuple):
    """One figure that a scenario changes.

    Attributes:
        before, after: as the list of assumptions writes them; "–" where one has no such figure.
        grade: how well the new figure is known; "assumed" is imagined, not law.
    """

    scenario: str
    key: str
    before: str
    after: str
    unit: str
    source: str
    grade: str
    en: str
    zh: str


def levers(told: Comparison) -> list[Lever]:
    """Return what each scenario of a comparison changes against the baseline."""
    return [
        lever for side in told.others for lever in changed(told.baseline.scenario, side.scenario, side.label)
    ]


def changed(before: Scenario, after: Scenario, label: str) -> list[Lever]:
    """Return the figures of *after* that are not those of *before*, by key."""
    here = {p.key: p for p in parameters(before)}
    there = {p.key: p for p in parameters(after)}
    found = []
    for key in sorted(here.keys() | there.keys()):
        a, b = here.get(key), there.get(key)
        said = b or a
        assert said is not None
        old, new = (a.value if a else _ABSENT), (b.value if b else _ABSENT)
        if old != new:
            found.append(Lever(label, key, old, new, said.unit, said.source, said.grade, said.en, said.zh))
    known = tuple(lever.key for lever in found)
    return found + list(_others(before, after, label, known))


def _others(before: Scenario, after: Scenario, label: str, known: tuple[str, ...]) -> Iterator[Lever]:
    """Yield what differs beside the figures with a source of their own: a law, a brand, a plant."""
    a, b = scenario_table(before), scenario_table(after)
    flat_a, flat_b = dict(_flat(a)), dict(_flat(b))
    for key in sorted(flat_a.keys() | flat_b.keys()):
        if key.split(".")[0] in _NOT_FIGURES or ".sources." in f".{key}." or key.startswith(known):
            continue
        old, new = flat_a.get(key, _ABSENT), flat_b.get(key, _ABSENT)
        if old != new:
            yield Lever(label, key, old, new, "", "", "assumed", "", "")


def _flat(table: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(table, dict):
        for key, value in table.items():
            yield from _flat(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, str(table)
