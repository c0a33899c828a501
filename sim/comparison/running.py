"""Running a comparison: each scenario into a run folder of its own, all with the same luck, side by side.

    OUT/comparison.toml      which scenarios, which folders, which fingerprints
    OUT/LABEL/               the run of each scenario, as `battrace run` leaves it

A replication that is finished is never run again: a comparison that was stopped, or that is asked for more
replications, goes on with what is there.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import tomli_w

from sim import record
from sim.comparison.outcome import Comparison, compared, still_wanted
from sim.comparison.series import Side
from sim.measures import Value
from sim.scenario import Scenario, load
from sim.study import Outcomes, complete, fingerprint, inputs_digest, run_study
from sim.summary import headline_year, report_input
from traceability.errors import ScenarioError, StoreError

RECORD = "comparison.toml"

FIRST_LOOK = 10
"""Replications before an automatic comparison looks for the first time.  Source: Law (2015), section 9.4.1."""

Progress = Callable[[Mapping[str, Sequence[float]]], None]
"""Called with label -> the share done of each replication."""


def chosen(names: Sequence[str], **overrides: object) -> dict[str, Scenario]:
    """Return label -> scenario, the first of which is the baseline; with the same luck they are twins.

    A label is the scenario's name; where two have one (a file that does not say its own), the file's.

    Args:
        names: paths, or names of shipped scenarios.
        overrides: top-level keys for all of them, as in `scenario.load`.

    Raises:
        ScenarioError: one cannot be read, or they differ in horizon, scale or seed and are no twins.
    """
    found: dict[str, Scenario] = {}
    for name in names:
        scenario = load(name, **overrides)
        found[_label(scenario.name, Path(name).stem, found)] = scenario
    first_label, first = next(iter(found.items()))
    for label, scenario in found.items():
        for key in ("first", "last", "scale", "seed"):
            here, there = getattr(scenario, key), getattr(first, key)
            if here != there:
                said = {"first": "from", "last": "until"}.get(key, key)
                raise ScenarioError(
                    f"{label}: `{said}` is {here}, but {there} in {first_label}; twins share horizon, scale and "
                    "seed: give both the same"
                )
    return found


def _label(name: str, stem: str, taken: Mapping[str, object]) -> str:
    if name not in taken:
        return name
    if stem not in taken and stem != name:
        return stem
    return next(f"{name}-{n}" for n in count(2) if f"{name}-{n}" not in taken)


def run_comparison(
    scenarios: Mapping[str, Scenario],
    folder: Path,
    *,
    replications: int | None = None,
    precision: float = 0.02,
    cap: int = 60,
    workers: int = 1,
    executor: Executor | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Run all of *scenarios* below *folder* and return what they say; the first is the baseline.

    Args:
        scenarios: label -> scenario, see `chosen`.
        folder: made if need be; refused if a comparison is there, unless *resume*.
        replications: of each; None: as many as *precision* asks for, see `_as_many_as_wanted`.
        precision: half of the interval of each headline measure's difference, as a share of the baseline's mean.
        cap: the most replications of each.
        workers: processes; the results do not depend on how many.
        executor: used instead of processes of our own.
        progress: called about five times a second.

    Raises:
        StoreError: something else is in *folder*, or it cannot be written.
    """
    _claim(folder, scenarios, resume)
    year = headline_year(next(iter(scenarios.values())))
    with processes(workers, executor) as pool:
        batch = _Batch(scenarios, folder, pool, progress)
        if replications is not None:
            stopped = f"{replications} replications, as asked for"
            batch.run(replications)
        else:
            stopped = _as_many_as_wanted(batch, year, precision, cap, folder)
    sides = tuple(
        _completed(side, batch.outcomes[side.label]) if side.label in batch.outcomes else side
        for side in batch.sides
    )
    told = compared(sides, year, stopped)
    _write_record(folder, told, finished=True)
    return told


def _as_many_as_wanted(batch: _Batch, year: int, precision: float, cap: int, folder: Path) -> str:
    """Add batches until every headline measure is known well enough, or the cap; return why it stopped.

    The number of the next batch extrapolates the variance seen so far, and at most doubles what there is.
    Looking more than once makes the intervals a little too sure of themselves: a run stops early where the
    variance happens to look small.  Starting with ten keeps that loss small.  Source: Law (2015), section 9.4.1.
    """
    have = max(2, min(FIRST_LOOK, cap), already(folder, batch.scenarios))
    have = min(have, cap)
    while True:
        batch.run(have)
        wanted, which = still_wanted(batch.sides, year, precision)
        if wanted <= have:
            return f"all headline measures within {precision:.3g} of the baseline's mean after {have} replications"
        if have >= cap:
            return f"cap of {cap} replications; {which} would need about {wanted} for a precision of {precision:.3g}"
        have = min(cap, wanted, 2 * have)


def already(folder: Path, scenarios: Mapping[str, Scenario]) -> int:
    """Return how many replications the runs below *folder* were last asked for; 0 where there are none."""
    asked = [
        int(record.read_record(folder / label)["scenario"]["replications"])
        for label in scenarios
        if (folder / label / record.RECORD).exists()
    ]
    return max(asked, default=0)


class _Batch:
    """The scenarios of a comparison with as many replications as were run so far.

    Attributes:
        sides: what they say now.
        outcomes: of those that were run, and not found complete.
    """

    def __init__(
        self,
        scenarios: Mapping[str, Scenario],
        folder: Path,
        pool: Executor | None,
        progress: Progress | None,
    ) -> None:
        self.scenarios, self._folder, self._pool, self._tell = scenarios, folder, pool, progress
        self.sides: list[Side] = []
        self.outcomes: dict[str, Outcomes] = {}
        self._shares: dict[str, Sequence[float]] = {}
        self._lock = threading.Lock()

    def run(self, replications: int) -> None:
        """Bring every scenario to so many replications."""
        if self._pool is None:
            sides = [self._one(label, replications) for label in self.scenarios]
        else:  # one thread a scenario waits; the work is done by the processes of the one pool
            with ThreadPoolExecutor(len(self.scenarios)) as threads:
                sides = list(threads.map(lambda label: self._one(label, replications), self.scenarios))
        self.sides = sides

    def _one(self, label: str, replications: int) -> Side:
        scenario = self.scenarios[label].model_copy(update={"replications": replications})
        folder = self._folder / label
        there = (folder / record.RECORD).exists()
        if there and already(self._folder, {label: scenario}) > replications:
            raise StoreError(
                f"{folder}: has more than {replications} replications; ask for as many, or choose another --out"
            )
        if (done := _found_complete(label, folder, scenario)) is not None:
            return done
        outcomes = run_study(
            scenario, folder, resume=there, executor=self._pool, progress=self._progress(label, replications)
        )
        self.outcomes[label] = outcomes
        return Side(label, folder, scenario, outcomes.values, outcomes.events)

    def _progress(self, label: str, replications: int) -> Callable[[list[float]], None] | None:
        if self._tell is None:
            return None
        tell = self._tell
        with self._lock:
            for name in self.scenarios:
                old = self._shares.get(name, [])
                self._shares[name] = [*old, *[0.0] * (replications - len(old))]

        def heard(shares: list[float]) -> None:
            with self._lock:
                self._shares[label] = list(shares)
                tell(dict(self._shares))

        return heard


def _found_complete(label: str, folder: Path, scenario: Scenario) -> Side | None:
    """Return the run in *folder* as its files have it, if it is complete and just what is asked for; else None."""
    if not (folder / record.RECORD).exists():
        return None
    found = record.read_record(folder)
    same = (
        found.get("complete")
        and found.get("scenario") == record.scenario_table(scenario)
        and found.get("versions") == record.versions()
        and found.get("inputs") == inputs_digest()
    )
    if not same:
        return None
    values: list[list[Value]] = [[] for _ in range(scenario.replications)]
    with (folder / "measures.csv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            year = int(row["year"]) if row["year"] else None
            values[int(row["replication"])].append(
                Value(row["measure"], year, row["key"], float(row["value"]))
            )
    return Side(label, folder, scenario, values, int(found["events"]), str(found["fingerprint"]))


@contextmanager
def processes(workers: int, executor: Executor | None = None) -> Iterator[Executor | None]:
    """Yield *executor*, or so many processes of our own; None where one worker does all, here."""
    if executor is not None or workers == 1:
        yield executor
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _claim(folder: Path, scenarios: Mapping[str, Scenario], resume: bool) -> None:
    if (folder / RECORD).exists() and not resume:
        raise StoreError(
            f"{folder}: a comparison is there already; choose another --out, or --resume to go on with it"
        )
    if folder.exists() and not (folder / RECORD).exists() and any(folder.iterdir()):
        raise StoreError(f"{folder}: holds other files; choose an empty folder for --out")
    if (folder / RECORD).exists():
        before = [side["label"] for side in read_comparison(folder)["sides"]]
        if before != list(scenarios):
            raise StoreError(
                f"{folder}: compares {', '.join(before)}; resume it with the same scenarios in the same order"
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sides = [{"label": label, "scenario": scenario.name} for label, scenario in scenarios.items()]
        record.replace_file(
            folder / RECORD, tomli_w.dumps({"format": 1, "complete": False, "sides": sides}).encode()
        )
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror}") from None


def read_comparison(folder: Path) -> dict[str, Any]:
    """Return the record of the comparison in *folder*.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return record.read_table(folder, RECORD, "comparison", "battrace compare")


def _completed(side: Side, outcomes: Outcomes) -> Side:
    """Write the report of a run and mark it complete."""
    from sim.report.page import write_report  # slow to import, and no worker needs what draws

    mark = fingerprint(side.folder, side.scenario)
    write_report(side.folder / "report.html", report_input(side.scenario, outcomes, mark))
    return replace(side, fingerprint=complete(side.folder, side.scenario, outcomes))


def _write_record(folder: Path, told: Comparison, *, finished: bool) -> None:
    table = {
        "format": 1,
        "complete": finished,
        "year": told.year,
        "stopped": told.stopped,
        "fingerprint": comparison_fingerprint(told),
        "sides": [
            {
                "label": side.label,
                "scenario": side.scenario.name,
                "replications": side.replications,
                "fingerprint": side.fingerprint,
            }
            for side in told.sides
        ],
    }
    record.replace_file(folder / RECORD, tomli_w.dumps(table).encode())


def comparison_fingerprint(told: Comparison) -> str:
    """Return one SHA-256 over the fingerprints of all runs, in their order."""
    return record.digest_of({"runs": [side.fingerprint for side in told.sides]})
