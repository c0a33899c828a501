"""All twins of a scenario, side by side in processes, into a folder that a kill leaves ready to go on.

OUT/sensitivity.toml      the record: scenario, share, versions, one fingerprint
OUT/sensitivity.csv       one row per figure, direction and measure; written last
OUT/twins/                what is done so far, one small file per twin and replication; gone at the end
"""

from __future__ import annotations

import json
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from datetime import date
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import tomli_w

from sim import record
from sim.inputs import Inputs
from sim.inputs import load as load_inputs
from sim.measures import measure
from sim.run import simulate
from sim.scenario import Scenario
from sim.sensitivity.headlines import e_bikes, headline_values, window
from sim.sensitivity.table import BASE, Sensitivity, effects, written
from sim.sensitivity.twins import SHARE, twins
from sim.study import inputs_digest
from traceability.errors import ScenarioError, StoreError
from traceability.store import open_store
from traceability.store.parquet import ParquetStore

RECORD, TABLE = "sensitivity.toml", "sensitivity.csv"

Progress = Callable[[int, int], None]


def fingerprint(scenario: Scenario, share: float) -> str:
    """Return 16 digits of one SHA-256 over the scenario, the input files and the share."""
    said = {"scenario": record.scenario_table(scenario), "inputs": inputs_digest(), "share": share}
    return record.digest_of(said)[:16]


def run_sensitivity(
    scenario: Scenario,
    folder: Path,
    *,
    share: float = SHARE,
    workers: int = 1,
    resume: bool = False,
    progress: Progress | None = None,
) -> Sensitivity:
    """Run *scenario* and all its twins, and leave the table in *folder*.

    Args:
        scenario: its scale, horizon and replications are those of every twin.
        folder: made if need be; refused if another table is there.
        workers: processes; the table does not depend on how many.
        resume: go on with what a killed one has left.
        progress: called with (runs done, runs in all).

    Raises:
        StoreError: something else is in *folder*, or it cannot be written.
        ScenarioError: *scenario* has no whole year, or no figure that is assumed.
    """
    first, last = window(scenario)
    if scenario.first > date(last, 1, 1) or scenario.last < date(last, 12, 31):
        raise ScenarioError(f"{scenario.name}: has no whole year; the measures are yearly means")
    moved, out = twins(scenario, share)
    if not moved:
        raise ScenarioError(f"{scenario.name}: no figure that is assumed and can be moved")
    mark = fingerprint(scenario, share)
    _claim(folder, scenario, share, mark, resume)
    cases = {BASE: scenario} | {twin.name: twin.scenario for twin in moved}
    jobs = [(name, number) for name in cases for number in range(scenario.replications)]
    todo = [job for job in jobs if not _part(folder, *job).exists()]
    done = len(jobs) - len(todo)
    for at, _ in enumerate(_runs(cases, todo, folder, workers), start=done + 1):
        if progress is not None:
            progress(at, len(jobs))
    found = {name: [_read(folder, name, n) for n in range(scenario.replications)] for name in cases}
    table = Sensitivity(
        scenario.name,
        scenario.scale,
        scenario.last,
        (first, last),
        share,
        mark,
        tuple(effects(moved, out, found)),
    )
    record.replace_file(folder / TABLE, written(table).encode())
    shutil.rmtree(folder / "twins", ignore_errors=True)
    return table


@cache
def _inputs() -> Inputs:
    return load_inputs()


def _claim(folder: Path, scenario: Scenario, share: float, mark: str, resume: bool) -> None:
    said = {
        "format": 1,
        "fingerprint": mark,
        "share": share,
        "versions": record.versions(),
        "inputs": inputs_digest(),
        "scenario": record.scenario_table(scenario),
    }
    if (folder / RECORD).exists():
        if not resume:
            raise StoreError(
                f"{folder}: a table is there already, or one that was stopped; choose another --out, or --resume it"
            )
        before = _before(folder / RECORD)
        if any(before.get(key) != said[key] for key in ("fingerprint", "versions")):
            raise StoreError(
                f"{folder}: was started with another scenario, share or version; choose another --out"
            )
    elif folder.exists() and any(folder.iterdir()):
        raise StoreError(f"{folder}: holds other files; choose an empty folder for --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder / "twins" / "work", ignore_errors=True)
        (folder / "twins" / "work").mkdir(parents=True)
        record.replace_file(folder / RECORD, tomli_w.dumps(said).encode())
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror}") from None


def _before(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise StoreError(f"{path}: cannot be read: {error}") from None


def _part(folder: Path, name: str, number: int) -> Path:
    return folder / "twins" / f"{name}.r{number:03d}.json"


def _read(folder: Path, name: str, number: int) -> dict[str, float]:
    said: dict[str, float] = json.loads(_part(folder, name, number).read_text("utf-8"))
    return said


def _runs(
    cases: dict[str, Scenario], todo: Sequence[tuple[str, int]], folder: Path, workers: int
) -> Iterator[None]:
    """Run what is still to do, yielding once for each run that is over."""
    if workers == 1:
        for name, number in todo:
            _run(cases[name], folder, name, number)
            yield
        return
    if not todo:
        return
    with ProcessPoolExecutor(min(workers, len(todo)), mp_context=get_context("spawn")) as pool:
        pending = {pool.submit(_run, cases[name], folder, name, number) for name, number in todo}
        try:
            while pending:
                finished, pending = wait(pending, timeout=0.5)
                for future in finished:
                    future.result()
                    yield
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _run(scenario: Scenario, folder: Path, name: str, number: int) -> None:
    with tempfile.TemporaryDirectory(dir=folder / "twins" / "work") as place:
        log = Path(place) / "log"
        with open_store(f"parquet:{log}", create=True) as store:
            simulate(scenario, _inputs(), store, replication=number)
        with open_store(f"parquet:{log}", threads=1) as store:
            assert isinstance(store, ParquetStore)
            values = [*measure(store), *e_bikes(store, scenario.scale)]
    record.replace_file(
        _part(folder, name, number), json.dumps(headline_values(values, window(scenario))).encode()
    )
