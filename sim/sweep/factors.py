"""What is varied: figures of a scenario, each within a range or over given levels."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from sim.levers import FIRST_DAY, NAME, Figure, Lever, figures, levers
from sim.record import scenario_table
from sim.report.reading import number
from sim.scenario import Scenario
from traceability.errors import ScenarioError, UnknownName

Point = tuple[float, ...]
"""A value for each factor."""

_SWITCH = "0 or 1"
_RANGE = re.compile(r"(?P<low>.+?)\.\.(?P<high>.+)")
_WORDS = {"true": 1.0, "on": 1.0, "false": 0.0, "off": 0.0}


@dataclass(frozen=True)
class Factor:
    """A figure that is varied.

    Attributes:
        key: of the figure.
        day: from which the value holds, what held before staying; None: always.
        low, high: of what is sampled, in *unit*.
        levels: the only values, ascending; () where every value between low and high can be.
        listed: whether *levels* were given one by one; else they are the whole numbers of a range.
        whole: whether the figure takes whole numbers only.
        least, most: what the figure may be at all.
        now: what the scenario says, on *day* or always.
    """

    key: str
    day: date | None
    unit: str
    en: str
    zh: str
    low: float
    high: float
    levels: tuple[float, ...]
    listed: bool
    whole: bool
    least: float
    most: float
    now: float

    @property
    def name(self) -> str:
        """The key, with its day: what stands in front of the `=`."""
        return self.key if self.day is None else f"{self.key}@{self.day}"

    @property
    def said(self) -> str:
        """As the command line writes it: it reads back to the same factor."""
        if self.listed:
            return f"{self.name}={','.join(_plain(level) for level in self.levels)}"
        return f"{self.name}={_plain(self.low)}..{_plain(self.high)}"

    def written(self, value: float) -> str:
        """Return *value* as the page writes it: a whole number without a point, others with three digits."""
        return number(value, 0 if self.whole else None)

    def at(self, share: float) -> float:
        """Return the value at *share* (0 to 1) of the range; levels have equal parts of it."""
        if self.levels:
            return self.levels[min(int(share * len(self.levels)), len(self.levels) - 1)]
        return self.low + share * (self.high - self.low)


def factor(text: str, base: Scenario) -> Factor:
    """Return the factor that *text* asks for: `key=a..b`, `key=v1,v2` or `key@2027-01-01=a..b`.

    Raises:
        UnknownName: *base* has no such figure.
        ScenarioError: it cannot be varied so: the message says what can.
    """
    name, equals, wanted = (part.strip() for part in text.partition("="))
    if not equals or not wanted or not name:
        raise ScenarioError(f"--vary {text}: write key=a..b, key=v1,v2,v3 or key@2027-01-01=a..b")
    key, at, day_text = name.partition("@")
    day = _day(text, day_text) if at else None
    known = {each.key: each for each in figures(base)}
    if key not in known:
        raise UnknownName("figure", key, known, f"scenario {base.name}")
    figure, lever = known[key], _lever(key)
    now = _now(base, figure, lever, day)
    whole = lever.form == "whole number" or figure.unit == _SWITCH
    least = -math.inf if lever.low is None else float(lever.low)
    most = math.inf if lever.high is None else float(lever.high)
    if figure.unit == _SWITCH:
        least, most = 0.0, 1.0
    low, high, levels = _sampled(text, wanted, whole)
    for value in (low, high):
        if not least <= value <= most:
            raise ScenarioError(
                f"--vary {text}: {_plain(value)} is not what `{key}` can be: {_between(least, most)} ({figure.unit})"
            )
    listed = ".." not in wanted
    return Factor(
        key, day, figure.unit, figure.en, figure.zh, low, high, levels, listed, whole, least, most, now
    )  # fmt: skip


def check(factors: Sequence[Factor]) -> None:
    """Check that *factors* can be varied together.

    Raises:
        ScenarioError: there are none, or a figure is named twice.
    """
    if not factors:
        raise ScenarioError("nothing is varied; give --vary key=a..b at least once")
    keys = [each.key for each in factors]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ScenarioError(f"--vary: `{twice[0]}` is varied twice; give each figure once")


def scenario_at(base: Scenario, factors: Sequence[Factor], point: Point) -> Scenario:
    """Return *base* with each factor at its value.

    Raises:
        ScenarioError: the scenario refuses these values together.
    """
    table = scenario_table(base)
    for each, value in zip(factors, point, strict=True):
        *path, name = each.key.split(".")
        section: dict[str, Any] = table
        for step in path:
            section = section[step]
        one = int(value) if each.whole else value
        section[name] = one if each.day is None else _from(section[name], each.day, one)
        section["sources"][name] = "assumed: varied in a sweep"
    try:
        return Scenario.model_validate(table)
    except ValidationError as error:
        said = "; ".join(
            ": ".join(filter(None, (".".join(map(str, e["loc"])), e["msg"].removeprefix("Value error, "))))
            for e in error.errors()
        )
        at = ", ".join(f"{f.name}={_plain(v)}" for f, v in zip(factors, point, strict=True))
        raise ScenarioError(f"{base.name} refuses {at}: {said}") from None


def _from(old: Any, day: date, value: float) -> dict[str, Any]:  # noqa: ANN401
    """Return the steps of a dated figure that is *value* from *day* on; what held before stays."""
    steps = dict(old) if isinstance(old, dict) else {FIRST_DAY: old}
    kept = {start: held for start, held in steps.items() if date.fromisoformat(start) < day}
    return kept | {day.isoformat(): value}


def _now(base: Scenario, figure: Figure, lever: Lever, day: date | None) -> float:
    """Return what the scenario says of a figure, from *day* on or always; refuse what cannot be varied."""
    value, key = figure.value, figure.key
    if lever.form not in ("number", "whole number", "number, or table of days"):
        raise ScenarioError(f"`{key}` is a {lever.form}; a sweep varies numbers")
    dated = lever.form == "number, or table of days"
    if day is None:
        if isinstance(value, dict):
            begun = max((start for start in value if start <= base.last.isoformat()), default="")
            raise ScenarioError(
                f"`{key}` changes on {', '.join(value)}; say from which day a value replaces it: "
                f"`{key}@{max(begun, base.first.isoformat())}=a..b`"
            )
        return float(value)
    if not dated:
        raise ScenarioError(f"`{key}` does not change on stated days; leave out @{day}")
    if not base.first <= day <= base.last:
        raise ScenarioError(
            f"`{key}@{day}`: the run goes from {base.first} to {base.last}; choose a day of it"
        )
    if not isinstance(value, dict):
        return float(value)
    before = [start for start in sorted(value) if date.fromisoformat(start) <= day]
    return float(value[before[-1] if before else min(value)])


def _sampled(text: str, wanted: str, whole: bool) -> tuple[float, float, tuple[float, ...]]:
    if found := _RANGE.fullmatch(wanted):
        low, high = _number(text, found["low"]), _number(text, found["high"])
        if not low < high:
            raise ScenarioError(f"--vary {text}: the range must go up, as in {_plain(high)}..{_plain(low)}")
        if not whole:
            return low, high, ()
        levels = _whole_numbers(low, high)
        if len(levels) < 2:
            raise ScenarioError(f"--vary {text}: takes whole numbers, and fewer than two lie in this range")
        return levels[0], levels[-1], levels
    levels = tuple(sorted({_number(text, one) for one in wanted.split(",")}))
    if len(levels) < 2:
        raise ScenarioError(f"--vary {text}: one value varies nothing; write a..b or v1,v2")
    if whole and (broken := [level for level in levels if level != int(level)]):
        raise ScenarioError(f"--vary {text}: {_plain(broken[0])} is not a whole number")
    return levels[0], levels[-1], levels


def _whole_numbers(low: float, high: float) -> tuple[float, ...]:
    first, last = math.ceil(low), math.floor(high)
    if last - first < 10_000:
        return tuple(float(n) for n in range(first, last + 1))
    return tuple(float(round(first + n * (last - first) / 9_999)) for n in range(10_000))


def _number(text: str, written: str) -> float:
    written = written.strip()
    try:
        value = _WORDS[written.lower()] if written.lower() in _WORDS else float(written)
    except ValueError:
        raise ScenarioError(f"--vary {text}: `{written}` is not a number; write 0.1..0.9 or 1,2,3") from None
    if not math.isfinite(value):
        raise ScenarioError(f"--vary {text}: `{written}` is not a number that a run can use")
    return value


def _day(text: str, written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise ScenarioError(f"--vary {text}: `{written}` is not a day; write it as @2027-01-01") from None


def _lever(key: str) -> Lever:
    """Return what is known of the figure with this key, also where the scenario chose a part of the name."""
    known = {each.key: each for each in levers()}
    first, last = key.split(".")[0], key.rpartition(".")[2]
    return known.get(key) or known[f"{first}.{NAME}.{last}"]


def _between(least: float, most: float) -> str:
    if math.isinf(least) and math.isinf(most):
        return "any number"
    if math.isinf(most):
        return f"{_plain(least)} or more"
    return f"{_plain(least)} to {_plain(most)}"


def _plain(value: float) -> str:
    """Return *value* as a person writes it, to its last digit.

    >>> _plain(3.0), _plain(0.1)
    ('3', '0.1')
    """
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e15 else repr(value)
