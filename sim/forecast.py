"""What a run will take, from two small pilots of it on this machine."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from sim import inputs
from sim.run import simulate
from sim.scenario import Scenario
from sim.study import examine
from traceability.store import open_store


class Forecast(NamedTuple):
    """What a run is expected to take, within a factor of two."""

    events: float
    seconds: float
    memory_mib: float
    disk_mib: float


_SMALL, _LARGE = 2_000, 150_000  # vehicles of the pilots; far apart, so that noise does not tilt the line
_BASE_MIB = 230.0  # measured: a worker with its libraries and write buffers
_BYTES_A_VEHICLE = 190.0  # measured: tables, standings and what is under way
_BYTES_A_FINDING_EVENT = 60.0  # measured: the audit's share, by event of the log
_START_SECONDS = 3.0  # measured: starting the processes and writing the report


def forecast(scenario: Scenario, workers: int) -> Forecast:
    """Return what *scenario* will take with *workers* processes.

    Two pilots at coarser scales are run and looked at like a replication; events and seconds grow with the
    number of vehicles beyond a fixed part, and are drawn out along the line through both.
    """
    figures = inputs.load()
    registered = figures.registered(scenario.manufacture.registered_share)
    vehicles = float(registered[: scenario.last.year - inputs.FIRST_YEAR + 1].sum())
    points = []
    for wanted in (_SMALL, min(_LARGE, max(10 * _SMALL, vehicles / scenario.scale))):
        scale = min(max(int(vehicles / wanted), 1), 1_000_000)
        points.append(_pilot(scenario.model_copy(update={"scale": scale})))
    (x1, e1, s1, d1), (x2, e2, s2, d2) = points
    x = vehicles / scenario.scale
    events, seconds, disk = (
        max(b + (b - a) / max(x2 - x1, 1.0) * (x - x2), a) for a, b in ((e1, e2), (s1, s2), (d1, d2))
    )
    rounds = -(-scenario.replications // workers)
    return Forecast(
        events=events * scenario.replications,
        seconds=_START_SECONDS + seconds * rounds,
        memory_mib=workers * (_BASE_MIB + (x * _BYTES_A_VEHICLE + events * _BYTES_A_FINDING_EVENT) / 2**20),
        disk_mib=disk * scenario.replications,
    )


def _pilot(scenario: Scenario) -> tuple[float, float, float, float]:
    """Return vehicles, events, seconds and MiB of one replication of *scenario*."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="battrace-") as folder:
        path = Path(folder) / "log"
        with open_store(f"parquet:{path}", create=True) as store:
            done = simulate(scenario, inputs.load(), store)
        examine(path, Path(folder) / "findings.csv", scenario)
        mib = sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file()) / 2**20
    return float(done.vehicles), float(done.events), time.perf_counter() - started, mib
