"""What a fit is asked to do: the targets with their errors, the free parameters with bounds and priors.

Read from a TOML file; the one that ships is `targets.toml` beside this module.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sim import targets
from sim.figures import GRADES
from sim.targets import LAST_FIT_YEAR, Target
from traceability.errors import ScenarioError, UnknownName

SHIPPED = "targets.toml"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Prior(_Part):
    """What is known of a parameter beside the data: its middle and its standard deviation.

    `sd` is a share of the value where the parameter's law is `log`, and in its unit where it is `normal`.
    """

    value: float
    sd: float = Field(gt=0)
    source: str

    @model_validator(mode="after")
    def _says_who(self) -> Self:
        if self.source.partition(":")[0] not in GRADES:
            raise ValueError(f"the source must begin with one of {', '.join(GRADES)} and a colon")
        return self


class Free(_Part):
    """One free parameter: the figures of the scenario that it sets, and where it may lie.

    `keys` are paths such as `life.shape`, or `path@2018-08-01` for the step of a dated figure that begins on that
    day.  `law` is the scale on which it is searched; `step` of the differences is a share where that is `log`.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    keys: tuple[str, ...] = Field(min_length=1)
    law: Literal["normal", "log"]
    start: float
    low: float
    high: float
    step: float = Field(gt=0)
    why: str
    prior: Prior | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low < self.start < self.high:
            raise ValueError(
                f"`start` {self.start:g} must lie between `low` {self.low:g} and `high` {self.high:g}"
            )
        if self.law == "log" and (self.low <= 0 or (self.prior is not None and self.prior.value <= 0)):
            raise ValueError("a parameter whose law is `log` is above 0, and so are its bounds and its prior")
        return self

    def inner(self, value: float) -> float:
        """Return where *value* stands on the scale that is searched, in steps."""
        return (math.log(value) if self.law == "log" else value) / self.step

    def outer(self, place: float) -> float:
        """Return the value at a place on the scale that is searched; never beyond the bounds."""
        within = min(max(place, self.inner(self.low)), self.inner(self.high)) * self.step
        # a bound does not come back to the digit from its logarithm
        return min(max(math.exp(within) if self.law == "log" else within, self.low), self.high)

    def reference_sd(self) -> float:
        """Return how uncertain the parameter is without data, in steps: its prior, or even odds within the bounds."""
        if self.prior is not None:
            return self.prior.sd / self.step
        return (self.inner(self.high) - self.inner(self.low)) / math.sqrt(12.0)


class Aim(NamedTuple):
    """A target as the fit weighs it: `error` is a share of the value where `law` is `log`, else in its unit."""

    target: Target
    law: str
    error: float

    @property
    def label(self) -> str:
        """The name and year, as tables show them."""
        return f"{self.target.name} {self.target.year}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What a fit is asked to do.

    Attributes:
        until: the last day that fitted runs see.
        test_until: the last day of the runs that are held against what was held out.
        aims: the targets that are fitted to.
        free: the parameters.
        others: targets that a run to `test_until` can be held against and that are not fitted to.
    """

    until: date
    test_until: date
    aims: tuple[Aim, ...]
    free: tuple[Free, ...]
    others: tuple[Target, ...]


class _Wanted(_Part):
    name: str
    years: tuple[int, ...] = Field(min_length=1)
    law: Literal["normal", "log"] = "normal"
    spread: float = Field(default=0.0, ge=0, le=10)
    why: str


class _File(_Part):
    until: date
    test_until: date
    target: tuple[_Wanted, ...] = Field(min_length=1)
    parameter: tuple[Free, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name, day in (("until", self.until), ("test_until", self.test_until)):
            if (day.month, day.day) != (12, 31):
                raise ValueError(f"`{name}` {day} must be the last day of a year: targets are of whole years")
        if self.until.year > LAST_FIT_YEAR:
            raise ValueError(
                f"`until` {self.until}: what is later than {LAST_FIT_YEAR} is a test, not for fitting"
            )
        if self.test_until < self.until:
            raise ValueError("`test_until` is before `until`")
        names = [free.name for free in self.parameter]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two parameters are called {twice[0]}")
        return self


def load(path: Path | None = None, known: Sequence[Target] | None = None) -> Problem:
    """Return what the TOML file at *path*, or the one that ships, asks for.

    Args:
        path: a file such as `targets.toml`; None: that one.
        known: the targets that can be named; those of the package where left out.

    Raises:
        ScenarioError: no such file, no TOML, or it asks for what cannot be: a target that nobody knows, one
            later than `until` or held out, a parameter out of order.
    """
    where = SHIPPED if path is None else str(path)
    asked = _parsed(where, _read(where, path))
    listed = tuple(targets.load() if known is None else known)
    aims = tuple(aim for wanted in asked.target for aim in _aims(where, wanted, asked.until, listed))
    labels = [aim.label for aim in aims]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise ScenarioError(f"{where}: {twice[0]} is asked for twice")
    used = {aim.target[:2] for aim in aims}
    others = tuple(t for t in listed if t[:2] not in used and t.year <= asked.test_until.year)
    return Problem(asked.until, asked.test_until, aims, asked.parameter, others)


def _aims(where: str, wanted: _Wanted, until: date, listed: Sequence[Target]) -> list[Aim]:
    by_year = {target.year: target for target in listed if target.name == wanted.name}
    if not by_year:
        raise ScenarioError(str(UnknownName("target", wanted.name, sorted({t.name for t in listed}), where)))
    found = []
    for year in wanted.years:
        if year not in by_year:
            years = ", ".join(str(y) for y in sorted(by_year))
            raise ScenarioError(f"{where}: target {wanted.name} has no figure for {year}; it has {years}")
        target = by_year[year]
        if year > until.year:
            raise ScenarioError(
                f"{where}: target {wanted.name} of {year} is later than `until` {until}: it is there to test the fit"
            )
        if target.use != "fit":
            raise ScenarioError(
                f"{where}: the use of target {wanted.name} of {year} is `{target.use}`, not `fit`: it feeds no model"
            )
        scale = abs(target.value)
        if wanted.law == "log" and target.value <= 0:
            raise ScenarioError(
                f"{where}: target {wanted.name} of {year} is not above 0; its law cannot be `log`"
            )
        error = math.hypot(target.error, wanted.spread * scale)
        if error == 0:
            raise ScenarioError(
                f"{where}: target {wanted.name} of {year} has no error; give it a `spread` above 0"
            )
        found.append(Aim(target, wanted.law, error / scale if wanted.law == "log" else error))
    return found


def _read(where: str, path: Path | None) -> str:
    try:
        if path is None:
            return files("sim").joinpath("calibration", SHIPPED).read_text("utf-8")
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ScenarioError(f"{where}: no such file; without one, the targets that ship are used") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{where}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{where}: cannot be read ({error})") from None


def _parsed(where: str, text: str) -> _File:
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScenarioError(f"{where}: not TOML: {error}") from None
    try:
        return _File.model_validate(raw)
    except ValidationError as error:
        raise ScenarioError(
            "\n".join(_explained(where, raw, problem) for problem in error.errors())
        ) from None


def _explained(where: str, raw: dict[str, Any], problem: Any) -> str:  # noqa: ANN401 - pydantic's own dictionary
    keys = list(problem["loc"])
    path = ".".join(str(key + 1) if isinstance(key, int) else str(key) for key in keys) or "file"
    name = ""
    if len(keys) > 1 and isinstance(keys[1], int):
        part = raw[keys[0]][keys[1]]
        name = f" ({part['name']})" if isinstance(part, dict) and "name" in part else ""
    if problem["type"] == "extra_forbidden":
        known = _figures(len(keys), str(keys[0]))
        close = get_close_matches(str(keys[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known)}"
        return f"{where}: unknown key `{path}`{name}; {hint}"
    if problem["type"] == "missing":
        return f"{where}: `{path}`{name} is missing"
    return f"{where}: `{path}`{name}: {problem['msg'].removeprefix('Value error, ')}"


def _figures(depth: int, table: str) -> list[str]:
    """Return the keys that are known at a depth of the file: its own, those of a target or a parameter, of a prior."""
    if depth == 1:
        return list(_File.model_fields)
    if depth == 3:
        return list(_Wanted.model_fields if table == "target" else Free.model_fields)
    return list(Prior.model_fields)
