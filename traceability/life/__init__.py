"""The life of one unit or vehicle, read from a store: `read_life(store, find(store, text))`."""

from traceability.life.breaches import concerning
from traceability.life.lookup import Subject, find
from traceability.life.parts import (
    Breach,
    Holding,
    Life,
    LifeEvent,
    Party,
    Responsible,
    Stay,
    Tie,
    describe,
    iso,
)
from traceability.life.reading import last_day, read_life

__all__ = [
    "Breach",
    "Holding",
    "Life",
    "LifeEvent",
    "Party",
    "Responsible",
    "Stay",
    "Subject",
    "Tie",
    "concerning",
    "describe",
    "find",
    "iso",
    "last_day",
    "read_life",
]
