"""A study: replications of one scenario, side by side, and the folder that they leave.

    RUN/run.toml             the record: resolved scenario, versions, hashes, one fingerprint
    RUN/log/r000, r001, …    a log store for each replication
    RUN/measures.csv         every measure, tidy, one row per replication
    RUN/findings.csv         every breach that happened or that the register shows
    RUN/report.html          one page, offline, in English and Chinese
    RUN/machine.toml         where it ran and how long it took: all that two equal runs may differ in

A replication is written under a hidden name of its own (`attempt`) and moved into place when it is whole.  A run
that was killed says so in its record, and `resume` repeats only what is missing, to the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sim import breaches, inputs, money, record
from sim.amendments import rules_of
from sim.attempt import Attempt, clear
from sim.machine import machine, write_machine
from sim.measures import Value, measure
from sim.run import simulate
from sim.scenario import Scenario
from traceability.compliance.audit import Fate, happened_and_visible
from traceability.compliance.findings import write_findings
from traceability.errors import StoreError
from traceability.store import open_store, schema
from traceability.store.held import hold
from traceability.store.parquet import ParquetStore

Progress = Callable[[list[float]], None]

MEASURE_COLUMNS = ("measure", "year", "key", "replication", "value", "unit")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What the replications of a run say.

    Attributes:
        values: the measures of each replication.
        outcomes: rule id -> "ran", or why it did not.
        events: rows of all logs together.
    """

    values: list[list[Value]]
    outcomes: dict[str, str]
    events: int


def run_study(
    scenario: Scenario,
    folder: Path,
    *,
    workers: int = 1,
    resume: bool = False,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """Run every replication of *scenario* into *folder* and write measures and findings.

    Args:
        scenario: what to run.
        folder: made if need be; refused if a run is there, unless *resume*.
        workers: processes; the results do not depend on how many.
        executor: used instead of processes of our own; its workers may be on other machines, on one disk.
        progress: called about five times a second with the share done of each replication.

    Raises:
        StoreError: something else is in *folder*, or it cannot be written.
    """
    _claim(folder, scenario, resume)
    numbers = list(range(scenario.replications))
    todo = [number for number in numbers if not _part(folder, number).exists()]
    for number in todo:
        _clear(folder, number)
    if workers == 1 and executor is None:
        for number in todo:
            _work(scenario, folder, number, partial(_inline(folder, numbers, progress), number))
    elif todo:
        _in_parallel(scenario, folder, todo, numbers, workers, executor, progress)
    outcomes = _gathered(folder, numbers)
    _write_measures(folder, outcomes)
    _write_findings(folder, numbers)
    return outcomes


def complete(folder: Path, scenario: Scenario, outcomes: Outcomes) -> str:
    """Mark the run in *folder* complete and return its fingerprint."""
    logs = log_digests(folder, scenario)
    mark = record.fingerprint(scenario, inputs_digest(), logs)
    table = _record(scenario)
    table |= {"complete": True, "fingerprint": mark, "events": outcomes.events, "logs": logs}
    table["files"] = record.digests(folder, ("measures.csv", "findings.csv", "report.html"))
    record.write_record(folder, table)
    if seconds := _told(folder, scenario, "seconds"):
        write_machine(folder, seconds, list(_told(folder, scenario, "machine").values()))
    for number in range(scenario.replications):
        _part(folder, number).unlink(missing_ok=True)
        _clear(folder, number)
    return mark


def fingerprint(folder: Path, scenario: Scenario) -> str:
    """Return the fingerprint of a run whose logs are all there; the report quotes it."""
    return record.fingerprint(scenario, inputs_digest(), log_digests(folder, scenario))


def inputs_digest() -> str:
    """Return the SHA-256 over every input file that ships."""
    total = hashlib.sha256()
    for item in sorted(files("sim").joinpath("data").iterdir(), key=lambda i: i.name):
        if item.name.endswith(".csv"):
            total.update(item.name.encode() + b"\0" + item.read_bytes())
    return total.hexdigest()


def log_url(folder: Path, replication: int) -> str:
    """Return the URL of the log of one replication."""
    return f"parquet:{_log(folder, replication)}"


def require_replication(folder: Path, replication: int) -> None:
    """Do nothing if the run in *folder* has this replication.

    Raises:
        StoreError: it has not; the message says how many it has.
    """
    if not _log(folder, replication).exists():
        count = len(record.read_record(folder).get("logs", {}))
        raise StoreError(f"{folder}: no replication {replication}; there are {count}, counted from 0")


def _claim(folder: Path, scenario: Scenario, resume: bool) -> None:
    if (folder / record.RECORD).exists():
        if not resume:
            raise StoreError(
                f"{folder}: a run is there already; choose another --out, or --resume it if it was stopped"
            )
        before = record.read_record(folder)
        if not _same_but_longer(before.get("scenario"), record.scenario_table(scenario)):
            raise StoreError(f"{folder}: was started with another scenario; resume it with the same one")
        if before.get("versions") != record.versions():
            raise StoreError(f"{folder}: was started with other versions of the program; start a new run")
    elif folder.exists() and any(path.name != f".{record.RECORD}.part" for path in folder.iterdir()):
        raise StoreError(f"{folder}: holds other files; choose an empty folder for --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # the record comes first: whatever is found beside it is then known to be unfinished
        record.write_record(folder, {**_record(scenario), "complete": False})
        (folder / "log").mkdir(exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror}") from None


def _same_but_longer(before: object, now: dict[str, Any]) -> bool:
    """Return whether a run of *before* can go on as *now*: the same scenario, with as many replications or more."""
    if not isinstance(before, dict) or before.get("replications", 0) > now["replications"]:
        return False
    return before | {"replications": 0} == now | {"replications": 0}


def _record(scenario: Scenario) -> dict[str, Any]:
    return {
        "format": 1,
        "versions": record.versions(),
        "inputs": inputs_digest(),
        "scenario": record.scenario_table(scenario),
    }


def _log(folder: Path, number: int) -> Path:
    return folder / "log" / f"r{number:03d}"


def _part(folder: Path, number: int) -> Path:
    return folder / "log" / f".r{number:03d}.json"


def _findings(folder: Path, number: int) -> Path:
    return folder / "log" / f".r{number:03d}.findings.csv"


def _progress_file(folder: Path, number: int) -> Path:
    return folder / "log" / f".r{number:03d}.progress"


def _clear(folder: Path, number: int) -> None:
    """Remove what killed attempts at a replication have left."""
    clear(folder / "log", _log(folder, number).name)
    for path in (_progress_file(folder, number), _findings(folder, number)):
        path.unlink(missing_ok=True)


def _replicate(
    scenario: Scenario, folder: Path, number: int, attempt: Attempt, tell: Callable[[float], None]
) -> None:
    """Run one replication, look at its log and leave its part: the last thing that is moved into place."""
    final = _log(folder, number)
    started, whole = time.monotonic(), not final.exists()
    if whole:
        with open_store(f"parquet:{attempt.path('log')}", create=True) as store:
            simulate(
                scenario,
                inputs.load(),
                store,
                replication=number,
                progress=lambda done, days: tell(0.7 * done / days),
            )
        attempt.give("log", final)
    tell(0.75)
    said = examine(final, attempt.path("findings.csv"), scenario)
    if whole:
        said |= {"seconds": time.monotonic() - started, "machine": machine()}
    attempt.path("said.json").write_bytes(json.dumps(said, ensure_ascii=False).encode())
    attempt.give("findings.csv", _findings(folder, number))
    attempt.give("said.json", _part(folder, number))
    tell(1.0)


def examine(log: Path, findings: Path, scenario: Scenario) -> dict[str, Any]:
    """Return the measures, the outcomes of the rules and the size of one log, and write its findings."""
    with open_store(f"parquet:{log}", threads=1) as store:
        assert isinstance(store, ParquetStore)
        hold(store)
        values = measure(store)
        values += [Value(*figure) for figure in money.measure(store, scenario, inputs.load())]
        card = happened_and_visible(store, int(store.meta()["last_day"]), rules_of(scenario))
        values += breaches.count(card, store)
        write_findings(findings, store, card.findings)
        outcomes = {
            told.rule.id: "ran" if told.fate is Fate.RAN else f"{told.fate.value}: {told.reason}"
            for told in card.truth.outcomes
        }
        return {"values": values, "outcomes": outcomes, "events": store.count(schema.event)}


def _work(scenario: Scenario, folder: Path, number: int, tell: Callable[[float], None] | None = None) -> None:
    """Run one replication, unless another attempt has finished it; without *tell* a file says how far it is."""
    if _part(folder, number).exists():
        return

    def write(share: float) -> None:
        attempt.path("progress").write_text(str(share))
        attempt.give("progress", _progress_file(folder, number))

    with Attempt(folder / "log", _log(folder, number).name) as attempt:
        _replicate(scenario, folder, number, attempt, tell or write)
    _progress_file(folder, number).unlink(missing_ok=True)


def _inline(folder: Path, numbers: Sequence[int], progress: Progress | None) -> Callable[[int, float], None]:
    last = 0.0

    def tell(number: int, share: float) -> None:
        nonlocal last
        if progress is not None and (time.monotonic() - last > 0.2 or share == 1.0):
            last = time.monotonic()
            progress([share if n == number else _share(folder, n) for n in numbers])

    return tell


def _share(folder: Path, number: int) -> float:
    if _part(folder, number).exists():
        return 1.0
    try:
        return float(_progress_file(folder, number).read_text())
    except (OSError, ValueError):
        return 0.0


def _in_parallel(
    scenario: Scenario,
    folder: Path,
    todo: Sequence[int],
    numbers: Sequence[int],
    workers: int,
    executor: Executor | None,
    progress: Progress | None,
) -> None:
    own, pending = executor is None, set[Future[None]]()
    pool = executor or ProcessPoolExecutor(min(workers, len(todo)), mp_context=get_context("spawn"))
    try:
        # a worker may be elsewhere: the path must not depend on where this program was started
        asked = {pool.submit(_work, scenario, folder.absolute(), number): number for number in todo}
        pending = set(asked)
        while pending:
            finished, pending = wait(pending, timeout=0.2)
            for future in finished:
                future.result()
                _await(_part(folder, asked.pop(future)))
            if progress is not None:
                progress([_share(folder, number) for number in numbers])
    finally:
        for future in pending:
            future.cancel()
        if own:
            pool.shutdown(cancel_futures=True)


def _await(path: Path, patience: float = 90.0) -> None:
    """Return when a file that a worker has moved into place is seen here, too.

    A network disk may go on for a minute to say what it said a moment ago: that the file is not there.
    """
    until = time.monotonic() + patience
    while not path.exists():
        if time.monotonic() > until:
            raise StoreError(
                f"{path.parent}: a worker says that it has written {path.name}, which is not seen here; the folder "
                "must be on a disk that all machines share"
            )
        os.listdir(path.parent)  # makes the disk look again
        time.sleep(0.2)


def _gathered(folder: Path, numbers: Sequence[int]) -> Outcomes:
    values, outcomes, events = [], {}, 0
    for number in numbers:
        part = json.loads(_part(folder, number).read_text("utf-8"))
        values.append([Value(*row) for row in part["values"]])
        outcomes.update(part["outcomes"])
        events += part["events"]
    return Outcomes(values, outcomes, events)


def _write_measures(folder: Path, outcomes: Outcomes) -> None:
    from sim.measures import MEASURES

    units = {info.id: info.unit_en for info in MEASURES}
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(MEASURE_COLUMNS)
    for number, values in enumerate(outcomes.values):
        for value in values:
            year = "" if value.year is None else value.year
            writer.writerow((value.measure, year, value.key, number, repr(value.value), units[value.measure]))
    record.replace_file(folder / "measures.csv", out.getvalue().encode())


def _write_findings(folder: Path, numbers: Sequence[int]) -> None:
    part = folder / ".findings.csv.part"
    with part.open("w", encoding="utf-8", newline="") as out:
        for number in numbers:
            for place, line in enumerate(_lines(_findings(folder, number))):
                if place:
                    out.write(f"{number},{line}")
                elif number == numbers[0]:
                    out.write(f"replication,{line}")
    os.replace(part, folder / "findings.csv")


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as rows:
        yield from rows


def _told(folder: Path, scenario: Scenario, key: str) -> dict[str, Any]:
    """Return what each replication tells of itself, as far as it was run whole and not found half done."""
    said = {n: json.loads(_part(folder, n).read_text("utf-8")) for n in range(scenario.replications)}
    return {_log(folder, n).name: part[key] for n, part in said.items() if key in part}


def log_digests(folder: Path, scenario: Scenario) -> dict[str, str]:
    """Return the SHA-256 of every log of the run in *folder*, by its name."""
    logs = [_log(folder, number) for number in range(scenario.replications)]
    # the marker of a store holds the hashes of all its files
    return {log.name: record.digest_of_file(log / "store.json") for log in logs}
