"""Scenario: every figure of a run, each with its unit and its source, read from a TOML file.

A key that no section knows is answered with the closest that one does; a section whose figures do not all
name a source is refused.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date, timedelta
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from reprlib import repr as brief
from typing import Annotated, Any, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic.fields import FieldInfo

from sim.dated import ALWAYS, Dated
from sim.figures import Section
from sim.habits import Coding, Falsehood, Reporting
from sim.incentives import Enforcement, Inspections, Learning, Market
from sim.industry import Brand, Plant
from sim.law import Amendments, Law
from sim.practices import (
    Collection,
    Informal,
    Life,
    Manufacture,
    ProductionScrap,
    Recycling,
    Replacement,
    Scrapping,
    Swap,
)
from sim.technology import Shipments, Technology
from sim.technology import check as check_technologies
from traceability.errors import ScenarioError
from traceability.events import day_number

_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]


class Scenario(BaseModel):
    """All that a run needs.  Two runs of one scenario, seed and replication give the same log, byte for byte."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_\-]{1,64}$")
    title_en: str = ""
    title_zh: str = ""
    first: date = Field(alias="from")
    last: date = Field(alias="until")
    seed: int = Field(ge=0, le=2**62, strict=True)
    replications: int = Field(ge=1, le=10_000, strict=True)
    scale: int = Field(ge=1, le=1_000_000, strict=True)
    life: Life
    manufacture: Manufacture
    replacement: Replacement
    swap: Swap
    market: Market
    enforcement: Enforcement
    inspection: Inspections
    learning: Learning
    scrapping: Scrapping
    collection: Collection
    recycling: Recycling
    informal: Informal
    production_scrap: ProductionScrap
    coding: Coding
    falsehood: Falsehood
    reporting: dict[str, Reporting]
    technology: dict[_Name, Technology] = {}
    shipments: dict[_Name, Shipments] = {}
    brand: dict[str, Brand] = {}
    plant: dict[_Name, Plant] = {}
    law: Law
    amendment: Amendments = {}

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not date(2012, 1, 1) <= self.first <= self.last <= date(2035, 12, 31):
            raise ValueError(
                f"`from` {self.first} and `until` {self.last} must lie in order between 2012-01-01 and 2035-12-31"
            )
        if self.first.day != 1 or self.first.month % 3 != 1:
            raise ValueError(f"`from` {self.first} must be the first day of a quarter")
        if (self.last + timedelta(days=1)).day != 1 or self.last.month % 3:
            raise ValueError(f"`until` {self.last} must be the last day of a quarter")
        if self.collection.transit_last_days < self.collection.transit_first_days:
            raise ValueError("collection: `transit_last_days` is less than `transit_first_days`")
        if unknown := sorted(set(self.reporting) - set(REPORTERS)):
            close = get_close_matches(unknown[0], REPORTERS, n=1, cutoff=0.4)
            raise ValueError(
                f"reporting: nobody is called `{unknown[0]}`"
                + (f"; did you mean `{close[0]}`?" if close else "")
            )
        if missing := [name for name in REPORTERS if name not in self.reporting]:
            raise ValueError(f"reporting: nothing is said of {', '.join(missing)}")
        for name, pair in (
            ("life", ("accident_share", "export_share")),
            ("recycling", ("poor_share", "good_share")),
            ("informal", ("e_bike_share", "storage_share")),
        ):
            figures = [getattr(getattr(self, name), figure) for figure in pair]
            days = {day_number(start) for figure in figures for start, _ in figure.steps}
            if max(sum(figure.on(day) for figure in figures) for day in days) > 1:
                raise ValueError(f"{name}: {' and '.join(pair)} add up to more than 1")
        check_technologies(self.technology, self.shipments)
        return self

    def first_day(self) -> int:
        """Return the first day, in days since 1970-01-01."""
        return day_number(self.first)

    def last_day(self) -> int:
        """Return the last day, in days since 1970-01-01."""
        return day_number(self.last)


REPORTERS = (
    "battery_makers",
    "vehicle_makers",
    "swap_operators",
    "repair_firms",
    "dismantlers",
    "outlets",
    "recyclers",
    "product_makers",
)


class Parameter(NamedTuple):
    """One figure of a scenario, as the list of assumptions shows it."""

    key: str
    value: str
    unit: str
    grade: str
    source: str
    en: str
    zh: str


def parameters(scenario: Scenario) -> Iterator[Parameter]:
    """Yield every figure of *scenario* with its unit, grade and source."""
    for name in type(scenario).model_fields:
        part = getattr(scenario, name)
        if isinstance(part, Inspections):
            part = dict(part)
        sections = (
            {f"{name}.{who}": section for who, section in part.items()}
            if isinstance(part, dict)
            else {name: part}
        )
        for path, section in sections.items():
            if isinstance(section, Section):
                for field, info in type(section).model_fields.items():
                    if field != "sources":
                        yield _parameter(
                            f"{path}.{field}", getattr(section, field), info, section.sources[field]
                        )


def _parameter(key: str, value: object, info: FieldInfo, source: str) -> Parameter:
    extra = info.json_schema_extra
    assert isinstance(extra, dict)
    if isinstance(value, Dated):
        text = "; ".join(f"{v:g}" if start == ALWAYS else f"{v:g} from {start}" for start, v in value.steps)
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, dict):
        text = ", ".join(f"{name} {each:g}" for name, each in value.items()) or "none"
    if isinstance(value, tuple):
        text = ", ".join(value)
    grade, _, said = source.partition(":")
    return Parameter(
        key, text, str(extra["unit"]), grade, said.strip(), info.description or "", str(extra["zh"])
    )


def shipped() -> list[str]:
    """Return the names of the scenarios that come with the program."""
    return sorted(
        p.name.removesuffix(".toml")
        for p in files("sim").joinpath("scenarios").iterdir()
        if p.name.endswith(".toml")
    )


def load(name: str | Path, **overrides: object) -> Scenario:
    """Return the scenario of a file, or of a shipped name such as `baseline`.

    Args:
        name: a path, or the name of a shipped scenario.
        overrides: top-level keys that the command line sets (seed, scale, …); None leaves the file's.

    Raises:
        ScenarioError: the file is missing, is no TOML, or says something that cannot be; the message names
            the file, the line and the key, what was expected and the closest right name.
    """
    found = _read(name)
    texts = [(found.where, found.text)]
    merged = _inherited(_parsed(found.where, found.text), found, (found.place,), texts)
    merged.update({key: value for key, value in overrides.items() if value is not None})
    try:
        return Scenario.model_validate(merged)
    except ValidationError as error:
        raise ScenarioError(_explained(error, texts)) from None


class _Found(NamedTuple):
    """A scenario file: its name for messages, where it is (two names of one file have one place), what it says."""

    where: str
    place: str
    text: str


def _read(name: str | Path) -> _Found:
    known = shipped()
    if str(name) in known:
        return _Found(
            f"{name}.toml",
            f"shipped {name}",
            files("sim").joinpath("scenarios", f"{name}.toml").read_text("utf-8"),
        )
    try:
        return _Found(str(name), str(Path(name).resolve()), Path(name).read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        close = get_close_matches(Path(name).name, known, n=1, cutoff=0.4)
        hint = f"; did you mean `{close[0]}`?" if close else f"; shipped scenarios: {', '.join(known)}"
        raise ScenarioError(f"{name}: no such file or shipped scenario{hint}") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{name}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{name}: cannot be read ({error})") from None


def _parsed(where: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise ScenarioError(f"{where}: not TOML: {error}") from None


def _inherited(
    raw: dict[str, Any], child: _Found, seen: tuple[str, ...], texts: list[tuple[str, str]]
) -> dict[str, Any]:
    parent = raw.pop("extends", None)
    if parent is None:
        return raw
    where = child.where
    if not isinstance(parent, str):
        raise ScenarioError(
            f"{where}: `extends` must be the name of a scenario or a path, not {brief(parent)}"
        )
    found = _read(parent if parent in shipped() else Path(where).parent / parent)
    if found.place in seen:
        raise ScenarioError(f"{where}: `extends` goes round in a circle: {' -> '.join((*seen, found.place))}")
    texts.append((found.where, found.text))
    return _merged(_inherited(_parsed(found.where, found.text), found, (*seen, found.place), texts), raw)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _explained(error: ValidationError, texts: list[tuple[str, str]]) -> str:
    """Say what is wrong and where: in the scenario itself, or in the nearest that it extends and that says so."""
    lines = []
    for problem in error.errors():
        keys = [str(part) for part in problem["loc"] if part != "[key]"]
        path = ".".join(keys) or "scenario"
        places = [f"{where}:{line}" for where, text in texts if (line := _line_of(text, keys))]
        if not places and problem["type"] == "missing":
            places = [f"{where}:{line}" for where, text in texts if (line := _line_of(text, keys[:-1]))]
        place = places[0] if places else texts[0][0]
        if problem["type"] == "extra_forbidden":
            close = get_close_matches(keys[-1], _siblings(keys[:-1]), n=1, cutoff=0.5)
            hint = (
                f"; did you mean `{close[0]}`?"
                if close
                else f"; known here: {', '.join(_siblings(keys[:-1]))}"
            )
            lines.append(f"{place}: unknown key `{path}`{hint}")
        elif problem["type"] == "missing":
            lines.append(f"{place}: `{path}` is missing")
        else:
            said = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{place}: `{path}`: {said}")
    return "\n".join(lines)


def _siblings(path: list[str]) -> list[str]:
    model: type[BaseModel] = Scenario
    for key in path:
        if key == "reporting":
            return list(Reporting.model_fields) if len(path) > 1 else list(REPORTERS)
        info = model.model_fields.get(key)
        if info is not None and (named := get_args(info.annotation)) and path[0] == key:
            # a section of a name that the scenario chooses: what its figures are called
            return list(named[1].model_fields) if len(path) > 1 else []
        if (
            info is None
            or not isinstance(info.annotation, type)
            or not issubclass(info.annotation, BaseModel)
        ):
            return []
        model = info.annotation
    return [info.alias or name for name, info in model.model_fields.items()]


def _line_of(text: str, keys: list[str]) -> int | None:
    section = ""
    found = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            section = header.group(1).replace('"', "").strip()
            if section == ".".join(keys):
                return number
        elif keys and (match := re.match(r'\s*"?([A-Za-z0-9_\-]+)"?\s*=', line)):
            path = f"{section}.{match.group(1)}" if section else match.group(1)
            if path == ".".join(keys) or path == ".".join(keys[:-1]):
                found = found or number
    return found
