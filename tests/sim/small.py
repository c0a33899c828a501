"""Small worlds: scenarios that differ from the baseline in a few figures, run into stores of their own.

Every process of a parallel test run keeps its worlds in its own temporary directory, until it ends.
"""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.inputs import Inputs
from sim.inputs import load as load_inputs
from sim.measures import Value, measure
from sim.run import Simulated, simulate
from sim.scenario import Scenario
from traceability.events import NULL
from traceability.store import open_store
from traceability.store.parquet import ParquetStore

Array = npt.NDArray[Any]

_numbers = count()
_kept: dict[str, World] = {}


@cache
def _place() -> Path:
    """Where this process keeps its worlds."""
    place = Path(tempfile.mkdtemp(prefix="battrace-worlds-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


@cache
def inputs() -> Inputs:
    """The packaged figures, read once."""
    return load_inputs()


def baseline() -> dict[str, Any]:
    """The baseline as TOML has it, fresh: change it as you like."""
    return tomllib.loads(files("sim").joinpath("scenarios", "baseline.toml").read_text("utf-8"))


def small(
    *,
    scale: int = 50_000,
    first: date = date(2024, 1, 1),
    until: date = date(2027, 12, 31),
    seed: int = 2026,
    reporting: dict[str, Any] | None = None,
    **sections: dict[str, Any],
) -> Scenario:
    """The baseline with another scale, horizon and seed, and with other figures in some sections.

    Args:
        reporting: figures that all reporters have in common.
        sections: section -> {figure: value}; the sources stay.
    """
    raw = baseline()
    raw |= {"name": "small", "scale": scale, "from": first, "until": until, "seed": seed, "replications": 1}
    for section, figures in sections.items():
        for name, figure in figures.items():
            part = raw[section].get(name)
            # a section of sections, such as inspection, keeps the figures that nobody changes
            raw[section][name] = part | figure if isinstance(part, dict) and "sources" in part else figure
    for habits in raw["reporting"].values():
        habits |= reporting or {}
    return Scenario.model_validate(raw)


@dataclass(frozen=True, eq=False)
class World:
    """A run that is over: its scenario, what `simulate` returned, and its log."""

    scenario: Scenario
    simulated: Simulated
    store: ParquetStore

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a DuckDB query over the log."""
        return self.store.connection.execute(query).fetchall()

    def columns(self, query: str) -> dict[str, Array]:
        """The columns of a DuckDB query over the log; NULL where an integer is null."""
        found = self.store.connection.execute(query).fetchnumpy()
        return {
            name: np.asarray(column.filled(NULL) if isinstance(column, np.ma.MaskedArray) else column)
            for name, column in found.items()
        }

    @cached_property
    def measures(self) -> list[Value]:
        """Every measure of the log."""
        return measure(self.store)

    def measured(self, name: str, key: str = "", years: Iterable[int] | None = None) -> dict[int, float]:
        """Year -> value of one measure."""
        return {
            v.year: v.value
            for v in self.measures
            if v.measure == name
            and v.key == key
            and v.year is not None
            and (years is None or v.year in years)
        }


def run(scenario: Scenario, *, replication: int = 0, figures: Inputs | None = None) -> World:
    """Run *scenario*; the same run a second time is the first one's world."""
    name = f"{scenario.model_dump_json()}/{replication}"
    if figures is not None:
        return anew(scenario, replication=replication, figures=figures)
    if name not in _kept:
        _kept[name] = anew(scenario, replication=replication)
    return _kept[name]


def anew(scenario: Scenario, *, replication: int = 0, figures: Inputs | None = None) -> World:
    """Run *scenario*, even if it was run before."""
    directory = _place() / f"{next(_numbers)}"
    with open_store(f"parquet:{directory}", create=True) as store:
        simulated = simulate(scenario, figures or inputs(), store, replication=replication)
    return World(scenario, simulated, ParquetStore(directory, threads=1))


def digests(world: World) -> dict[str, str]:
    """File -> SHA-256 of every file of the log."""
    return {
        path.relative_to(world.store.directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(world.store.directory.rglob("*"))
        if path.is_file()
    }
