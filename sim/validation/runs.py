"""What there is to validate: the replications of a finished run, or some made here for the purpose."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path

from sim import inputs
from sim.measures import Value, measure
from sim.record import complete_run, recorded_scenario
from sim.run import simulate
from sim.scenario import Scenario, load
from sim.study import log_url
from traceability.errors import StoreError
from traceability.store import open_store
from traceability.store.parquet import ParquetStore

Progress = Callable[[float], None]

FULL = {"scale": 500, "replications": 3}
QUICK = {"scale": 1_500, "replications": 3}
LAST = date(2030, 12, 31)
"""Last day of a validation's own run: no target is later."""


@dataclass(frozen=True, slots=True)
class Validated:
    """A scenario, the measures of its replications, and the folder of the first one's log."""

    scenario: Scenario
    values: Sequence[Sequence[Value]]
    log: str


def of_run(folder: Path) -> Validated:
    """Return the finished run in *folder*.

    Raises:
        StoreError: none is there, or its measures cannot be read.
    """
    complete_run(folder)
    scenario = recorded_scenario(folder)
    values: list[list[Value]] = [[] for _ in range(scenario.replications)]
    try:
        with (folder / "measures.csv").open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                year = int(row["year"]) if row["year"] else None
                values[int(row["replication"])].append(
                    Value(row["measure"], year, row["key"], float(row["value"]))
                )
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise StoreError(
            f"{folder / 'measures.csv'}: cannot be read as measures of a run ({error})"
        ) from None
    return Validated(scenario, values, log_url(folder, 0))


@contextmanager
def of_baseline(*, quick: bool, workers: int, progress: Progress) -> Iterator[Validated]:
    """Run the baseline to the end of 2030 and yield it; its logs are removed afterwards.

    Args:
        quick: coarsely, for CI.
        workers: processes, one a replication; the results do not depend on how many.
        progress: called with the share done.
    """
    size = QUICK if quick else FULL
    # the model is made anew, so that what it checks is checked for the shorter horizon too
    scenario = Scenario.model_validate(
        load("baseline", **size).model_dump(mode="json", by_alias=True, exclude_none=True) | {"until": LAST}
    )
    with tempfile.TemporaryDirectory(prefix="battrace-validate-") as directory:
        logs = [f"parquet:{Path(directory) / f'r{n}'}" for n in range(scenario.replications)]
        if workers > 1:
            with ProcessPoolExecutor(min(workers, len(logs)), mp_context=get_context("spawn")) as pool:
                work = [pool.submit(replicate, scenario, n, log) for n, log in enumerate(logs)]
                values = []
                for done, future in enumerate(work, start=1):
                    values.append(future.result())
                    progress(done / len(work))
        else:
            values = []
            for n, log in enumerate(logs):
                values.append(replicate(scenario, n, log, _part(progress, n, len(logs))))
        yield Validated(scenario, values, logs[0])


def _part(progress: Progress, number: int, of: int) -> Progress:
    return lambda share: progress((number + share) / of)


def replicate(scenario: Scenario, number: int, log: str, progress: Progress | None = None) -> list[Value]:
    """Run one replication into *log* and return its measures."""
    told = (lambda done, days: progress(done / days)) if progress else None
    with open_store(log, create=True) as store:
        simulate(scenario, inputs.load(), store, replication=number, progress=told)
    with open_store(log, threads=1) as store:
        assert isinstance(store, ParquetStore)
        return measure(store)
