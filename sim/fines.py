"""Fines and the bands that the law states for them: what lies outside is allowed in a scenario, and said to be imagined.

No range of Order 73 could be verified.  What is known is one band of the vehicle dismantlers' rules, and how much a
departmental rule may normally set at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from sim.dated import Dated
from sim.incentives import Inspections


class Band(NamedTuple):
    """The fines that a law states.

    Attributes:
        figures: to which figures of `inspection` it applies, as `authority.figure`.
        first, last: the days from and until which it holds.
        low, high: yuan/case.
        law: which law, which article, and how well its text is known.
    """

    figures: tuple[str, ...]
    first: date
    last: date
    low: float
    high: float
    law: str


_FINES = (
    "miit.fine_yuan",
    "mofcom.fine_yuan",
    "mee.fine_yuan",
    "mee.recycler_fine_yuan",
    "samr.fine_yuan",
    "mot.fine_yuan",
)

BANDS = (
    Band(
        ("mofcom.fine_yuan",),
        date(2020, 9, 1),
        date(2026, 3, 31),
        10_000,
        30_000,
        "the ELV Implementing Rules 2020/2 (article unknown, grade C; licence misuse and unfiled branches)",
    ),
    Band(
        _FINES,
        date(2026, 4, 1),
        date.max,
        0,
        100_000,
        "what a departmental rule such as Order 73 may normally set (State Council Guofa [2021] 26, grade K; "
        "200000 where life, health or financial safety is harmed; other laws may set more)",
    ),
)
"""Every band that is stated; elsewhere none is known."""


def remarks(inspections: Inspections) -> list[str]:
    """Return a sentence for each fine that lies outside of the band that is stated for its days."""
    said = []
    for band in BANDS:
        for key in band.figures:
            authority, figure = key.split(".")
            fine: Dated = getattr(getattr(inspections, authority), figure)
            for first, value in _between(fine, band.first, band.last):
                if not band.low <= value <= band.high:
                    said.append(
                        f"`inspection.{key}`: {value:g} yuan from {first} is outside the {band.low:g} to {band.high:g} "
                        f"yuan of {band.law}: it may be asked for, but it is imagined, not law"
                    )
    return said


def _between(figure: Dated, first: date, last: date) -> Iterator[tuple[date, float]]:
    """Yield (first day, value) of each step of *figure* that holds on some day from *first* to *last*."""
    starts = [start for start, _ in figure.steps]
    for place, (start, value) in enumerate(figure.steps):
        # before its first day a figure holds too
        since = date.min if place == 0 else start
        until = starts[place + 1] - timedelta(days=1) if place + 1 < len(starts) else date.max
        if since <= last and until >= first:
            yield max(since, first), value
