"""What a scenario changes: the figures that are not those of the baseline, each with its source."""

from __future__ import annotations

from typing import NamedTuple

from sim.comparison.outcome import Comparison
from sim.levers import SETTINGS, Change, Figure, differences, toml_text
from sim.report.reading import ABSENT
from sim.scenario import Scenario


class Changed(NamedTuple):
    """One figure that a scenario changes.

    Attributes:
        scenario: its label in the comparison.
        before, after: as a scenario file writes them, every digit; "–" where one has no such figure.
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


def changed(told: Comparison) -> list[Changed]:
    """Return what each scenario of a comparison changes against the baseline, by key."""
    return [
        _worded(side.label, change)
        for side in told.others
        for change in figures_changed(told.baseline.scenario, side.scenario)
    ]


def figures_changed(before: Scenario, after: Scenario) -> list[Change]:
    """Return the figures whose values differ, by key: what twins differ in, which share horizon, scale and seed."""
    return sorted((c for c in differences(before, after) if c.key not in SETTINGS), key=lambda c: c.key)


def _worded(label: str, change: Change) -> Changed:
    key, old, new = change
    said = new or old
    assert said is not None
    before, after = _text(old), _text(new)
    return Changed(label, key, before, after, said.unit, said.source, said.grade, said.en, said.zh)


def _text(figure: Figure | None) -> str:
    return ABSENT if figure is None else toml_text(figure.value)
