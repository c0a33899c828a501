"""What an object-centric event log is made of, whatever file it stands in.

Source: OCEL 2.0 specification (Berti et al., 2023); the words are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

Value: TypeAlias = "str | int | float | bool"

INITIAL = "1970-01-01T00:00:00Z"
"""The time of an attribute's value before anything changed it, as the format has it."""


class Event(NamedTuple):
    """Something that happened.

    Attributes:
        time: ISO 8601; the log knows days, and puts them at noon in China.
        attributes: name -> value.
        relations: (object, qualifier) each, at most one an object.
    """

    id: str
    type: str
    time: str
    attributes: Mapping[str, Value]
    relations: list[tuple[str, str]]


class Thing(NamedTuple):
    """An object, its attributes through time, and the objects that it belongs with.

    Attributes:
        attributes: (name, time, value) each, the first of a name at INITIAL.
        relations: (object, qualifier) each, at most one an object.
    """

    id: str
    type: str
    attributes: list[tuple[str, str, Value]]
    relations: list[tuple[str, str]]


class Kind(NamedTuple):
    """A type of events or objects.

    Attributes:
        attributes: name -> one of string, time, integer, float, boolean.
    """

    name: str
    attributes: Mapping[str, str]
