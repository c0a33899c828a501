"""Runs of the simulation at values of the free parameters, remembered in the folder of the fit.

A point that was run once is never run again: a fit that was stopped goes on where it was, and comes to the same
numbers.  The runs share their luck (`sim.chance`), so that two points differ by their parameters alone.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from datetime import date
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from sim import inputs, record
from sim.calibration.candidate import scenario_at
from sim.calibration.problem import Problem
from sim.inputs import Inputs
from sim.measures import measure
from sim.run import simulate
from sim.scenario import Scenario
from sim.study import inputs_digest
from sim.targets import Target, modelled_all
from traceability.errors import StoreError
from traceability.store import open_store
from traceability.store.parquet import ParquetStore

Point = tuple[float, ...]
Said = list[float | None]
Told = Callable[[int], None]

REMEMBERED = "evaluations.jsonl"
_WORK = ".work"


class Evaluations:
    """What runs say of the targets of a problem, fitted to or not.

    Args:
        problem: targets, parameters, and how far runs go.
        base: the scenario; its scale, seed and replications are used.
        folder: where points are remembered; made if need be.
        workers: processes; what is said does not depend on how many.
        told: called after each run with how many were made.

    Attributes:
        targets: of which runs speak: the fitted ones, then the others.
        runs: how many runs were made.

    Raises:
        StoreError: the folder holds something else, or another fit.
    """

    def __init__(
        self, problem: Problem, base: Scenario, folder: Path, workers: int = 1, told: Told | None = None
    ) -> None:
        self.targets: tuple[Target, ...] = (*(aim.target for aim in problem.aims), *problem.others)
        self.runs = 0
        self._problem, self._base, self._folder = problem, base, folder
        self._workers, self._told = workers, told or (lambda _: None)
        self._pool: Executor | None = None
        self._known: dict[tuple[Point, str, int], Said] = {}
        self._claim()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self._pool, ProcessPoolExecutor):
            self._pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self._folder / _WORK, ignore_errors=True)

    def at(self, points: Sequence[Point], until: date) -> list[list[Said]]:
        """Return for each of *points* what each replication of a run to *until* says of each of `targets`."""
        replications = range(self._base.replications)
        wanted = [(point, until.isoformat(), r) for point in points for r in replications]
        todo = [key for key in dict.fromkeys(wanted) if key not in self._known]
        if self._workers > 1 and len(todo) > 1:
            self._in_parallel(todo)
        else:
            for key in todo:
                self._remember(key, run(*self._work(key)))
        return [[self._known[point, until.isoformat(), r] for r in replications] for point in points]

    def mean(self, points: Sequence[Point], until: date) -> list[Said]:
        """Return for each of *points* the mean over the replications; None where one of them says nothing."""
        return [[_mean(column) for column in zip(*said, strict=True)] for said in self.at(points, until)]

    def _work(self, key: tuple[Point, str, int]) -> tuple[Scenario, int, Path, tuple[Target, ...]]:
        point, until, replication = key
        last = {"until": date.fromisoformat(until)}
        scenario = scenario_at(self._base, self._problem.free, point, **last)
        return scenario, replication, self._folder / _WORK, self.targets

    def _in_parallel(self, todo: Sequence[tuple[Point, str, int]]) -> None:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"))
        pending = {self._pool.submit(run, *self._work(key)): key for key in todo}
        for done in as_completed(pending):
            self._remember(pending[done], done.result())

    def _remember(self, key: tuple[Point, str, int], said: Said) -> None:
        self._known[key] = said
        self.runs += 1
        line = json.dumps({"point": key[0], "until": key[1], "replication": key[2], "said": said})
        with (self._folder / REMEMBERED).open("a", encoding="utf-8") as out:
            out.write(line + "\n")
        self._told(self.runs)

    def _claim(self) -> None:
        mark = self._mark()
        path = self._folder / REMEMBERED
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if path.exists():
                self._recall(path, mark)
            elif any(found.name != f".{REMEMBERED}.part" for found in self._folder.iterdir()):
                raise StoreError(f"{self._folder}: holds other files; choose an empty folder for --out")
            lines = [json.dumps({"fit": mark})]
            lines += [
                json.dumps({"point": p, "until": u, "replication": r, "said": said})
                for (p, u, r), said in self._known.items()
            ]
            # rewritten whole: a line that a killed fit left half written is gone
            record.replace_file(path, "".join(f"{line}\n" for line in lines).encode())
            shutil.rmtree(self._folder / _WORK, ignore_errors=True)
            (self._folder / _WORK).mkdir()
        except OSError as error:
            raise StoreError(f"{self._folder}: cannot be written: {error.strerror}") from None

    def _recall(self, path: Path, mark: str) -> None:
        head, *lines = path.read_text("utf-8").splitlines() or [""]
        if _row(head).get("fit") != mark:
            raise StoreError(
                f"{self._folder}: holds a fit of other targets, another scenario, other inputs or another version;"
                " choose another --out"
            )
        for line in lines:
            if row := _row(line):
                self._known[tuple(row["point"]), row["until"], row["replication"]] = row["said"]  # type: ignore[index, assignment, arg-type]

    def _mark(self) -> str:
        """Return one hash of all that what a run says depends on."""
        problem = self._problem
        return record.digest_of(
            {
                "scenario": record.scenario_table(self._base),
                "keys": [list(free.keys) for free in problem.free],
                "targets": [list(target[:2]) for target in self.targets],
                "inputs": inputs_digest(),
                "versions": record.versions(),
            }
        )


def run(scenario: Scenario, replication: int, work: Path, listed: tuple[Target, ...]) -> Said:
    """Return what one replication of *scenario* says of each target; its log is gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=work))
    try:
        with open_store(f"parquet:{place / 'log'}", create=True) as store:
            simulate(scenario, _inputs(), store, replication=replication)
        with open_store(f"parquet:{place / 'log'}", threads=1) as store:
            assert isinstance(store, ParquetStore)
            values = measure(store)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    within = [target.year <= scenario.last.year for target in listed]
    return [
        said if inside else None for said, inside in zip(modelled_all(listed, values), within, strict=True)
    ]


@cache
def _inputs() -> Inputs:
    return inputs.load()


def _row(line: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _mean(said: Sequence[float | None]) -> float | None:
    known = [one for one in said if one is not None]
    return float(np.mean(known)) if len(known) == len(said) else None
