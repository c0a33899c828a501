"""A sweep: every point of a design with every replication, remembered run by run, and the folder that it leaves.

OUT/sweep.toml            the record: scenario, design, versions, inputs, one fingerprint, hashes of the files
OUT/runs.jsonl            one line a run; a finished run is never repeated, whether the sweep was stopped or not
OUT/sweep.csv             tidy: one row for each point, replication and measure
OUT/experiments.csv, outcomes.csv, results.tar.gz    as EMA Workbench has them
OUT/curves.csv, indices.csv, surrogates.json         what is made of them
OUT/sweep.html            one page, offline, in English and Chinese

All points have the same luck (`sim.chance`): replication n of each is a twin of replication n of the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from sim import record
from sim.scenario import Scenario
from sim.study import inputs_digest
from sim.sweep.answers import Answer, Asked, answer
from sim.sweep.designs import Design, Floats
from sim.sweep.factors import Factor, Point, check, scenario_at
from traceability.errors import ScenarioError, StoreError

RECORD, REMEMBERED = "sweep.toml", "runs.jsonl"

Progress = Callable[[int, int], None]
"""Called with (runs done, runs in all)."""

_Run = tuple[Point, int]


@dataclass(frozen=True)
class Sweep:
    """A finished sweep.

    Attributes:
        scenario: the one whose figures are varied; its seed, scale, horizon and replications are those of all runs.
        values: float64[points of the design, replications, measures], in the units of the measures; NaN: none.
        made_from: fingerprint of scenario, inputs, design and measures.
    """

    scenario: Scenario
    factors: tuple[Factor, ...]
    design: Design
    asked: tuple[Asked, ...]
    values: Floats
    made_from: str

    @property
    def replications(self) -> int:
        """How often each point was run."""
        return int(self.values.shape[1])

    @property
    def runs(self) -> int:
        """How many different runs there were."""
        return len(self.design.distinct()) * self.replications

    def answers(self, asked: Asked) -> Floats:
        """Return float64[points, replications] of one measure, in the unit that is shown."""
        found: Floats = self.values[:, :, self.asked.index(asked)] * asked.factor
        return found


def run_sweep(
    scenario: Scenario,
    factors: Sequence[Factor],
    made: Design,
    asked: tuple[Asked, ...],
    folder: Path,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Sweep:
    """Run *scenario* at every point of a design, and remember each run in *folder*.

    Args:
        scenario: what is varied around; see `Sweep`.
        factors: what is varied.
        made: the points, see `designs.design`.
        asked: what is read off each run, see `answers.asked`.
        folder: made if need be; refused if another sweep is there.
        workers: processes; the results do not depend on how many.
        executor: used instead of processes of our own; it needs no disk in common with this machine.
        resume: go on with what a stopped one has left.
        progress: called after each run.

    Raises:
        ScenarioError: the scenario refuses a point; nothing was run.
        StoreError: something else is in *folder*, or it cannot be written.
    """
    check(factors)
    cases = _cases(scenario, factors, made)
    content = _content(scenario, factors, made, asked)
    known = _claim(folder, content, resume)
    jobs = [(point, number) for point in cases for number in range(scenario.replications)]
    todo = [job for job in jobs if job not in known]
    done = len(jobs) - len(todo)
    with (folder / REMEMBERED).open("a", encoding="utf-8") as out:
        for run, said in _runs(cases, todo, asked, workers, executor):
            known[run] = said
            out.write(_line(run, said))
            out.flush()
            done += 1
            if progress is not None:
                progress(done, len(jobs))
    # in the order of the design, and nothing else: the same bytes whoever finished first
    record.replace_file(folder / REMEMBERED, "".join(_line(job, known[job]) for job in jobs).encode())
    values = np.array(
        [
            [
                [np.nan if x is None else x for x in known[_point(row), n]]
                for n in range(scenario.replications)
            ]
            for row in made.points
        ]
    )
    return Sweep(scenario, tuple(factors), made, asked, values, _fingerprint(content))


def finish(folder: Path, sweep: Sweep, digests: dict[str, str]) -> None:
    """Mark the sweep in *folder* complete.

    Args:
        folder: of the sweep.
        sweep: what was run.
        digests: name of each file -> its SHA-256.
    """
    content = _content(sweep.scenario, sweep.factors, sweep.design, sweep.asked)
    _write(folder, content | {"complete": True, "fingerprint": sweep.made_from, "files": digests})


def verify(folder: Path) -> tuple[str, list[str]]:
    """Return the fingerprint of the sweep in *folder*, and what does not agree with its record.

    Raises:
        StoreError: no complete sweep is there.
    """
    content = read_record(folder)
    if not content.get("complete"):
        raise StoreError(f"{folder}: the sweep was stopped before its end; `--resume` finishes it")
    changed = record.disagreeing(folder, content["files"])
    if _fingerprint(content) != content["fingerprint"]:
        changed.append(f"{RECORD}: scenario, inputs, design or measures are not those of the fingerprint")
    return str(content["fingerprint"]), changed


def _cases(scenario: Scenario, factors: Sequence[Factor], made: Design) -> dict[Point, Scenario]:
    cases, refused = {}, []
    for point in made.distinct():
        try:
            cases[point] = scenario_at(scenario, factors, point)
        except ScenarioError as error:
            refused.append(str(error))
    if refused:
        raise ScenarioError(
            f"{len(refused)} of {len(cases) + len(refused)} points cannot be; narrow a --vary. The first: {refused[0]}"
        )
    return cases


def _content(
    scenario: Scenario, factors: Sequence[Factor], made: Design, asked: Sequence[Asked]
) -> dict[str, Any]:
    """Return all that the results depend on."""
    used = {} if made.kind == "grid" else {name: metadata.version(name) for name in ("SALib", "scipy")}
    return {
        "format": 1,
        "versions": record.versions() | used,
        "inputs": inputs_digest(),
        "design": {
            "kind": made.kind,
            "points": len(made.points),
            "distinct": len(made.distinct()),
            "base": made.base,
            "vary": [factor.said for factor in factors],
            "digest": record.digest_of({"points": made.points.tolist()}),
        },
        "measures": [each.id for each in asked],
        "scenario": record.scenario_table(scenario),
    }


def _fingerprint(content: dict[str, Any]) -> str:
    return record.digest_of({key: content[key] for key in ("scenario", "inputs", "design", "measures")})


def _claim(folder: Path, content: dict[str, Any], resume: bool) -> dict[_Run, Answer]:
    """Take *folder* for this sweep and return what it remembers."""
    mark, known = _fingerprint(content), {}
    if (folder / RECORD).exists():
        if not resume:
            raise StoreError(
                f"{folder}: a sweep is there already; choose another --out, or --resume it if it was stopped"
            )
        before = read_record(folder)
        if before.get("fingerprint") != mark or before.get("versions") != content["versions"]:
            raise StoreError(
                f"{folder}: was started with another scenario, design, measures or version; choose another --out"
            )
        known = _recalled(folder / REMEMBERED, len(content["measures"]))
    elif folder.exists() and any(path.name != f".{RECORD}.part" for path in folder.iterdir()):
        raise StoreError(f"{folder}: holds other files; choose an empty folder for --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, content | {"complete": False, "fingerprint": mark})
        # rewritten whole: a line that a kill left half written is gone
        lines = "".join(_line(run, said) for run, said in known.items())
        record.replace_file(folder / REMEMBERED, lines.encode())
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror}") from None
    return known


def _write(folder: Path, table: dict[str, Any]) -> None:
    record.replace_file(folder / RECORD, tomli_w.dumps(table).encode())


def read_record(folder: Path) -> dict[str, Any]:
    """Return the record of the sweep in *folder*.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return record.read_table(folder, RECORD, "sweep", "battrace sweep")


def _line(run: _Run, said: Answer) -> str:
    return json.dumps({"point": run[0], "replication": run[1], "said": said}) + "\n"


def _recalled(path: Path, measures: int) -> dict[_Run, Answer]:
    known: dict[_Run, Answer] = {}
    for line in path.read_text("utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            row = json.loads(line)
            run, said = (_point(row["point"]), int(row["replication"])), tuple(row["said"])
        except (ValueError, TypeError, KeyError):
            continue
        if len(said) == measures:
            known[run] = said
    return known


def _point(row: Sequence[float] | Floats) -> Point:
    return tuple(float(x) for x in row)


def _runs(
    cases: dict[Point, Scenario],
    todo: Sequence[_Run],
    asked: tuple[Asked, ...],
    workers: int,
    executor: Executor | None,
) -> Iterator[tuple[_Run, Answer]]:
    """Yield each run that is still to do, with what it says, as soon as it is over."""
    if executor is None and (workers == 1 or len(todo) < 2):
        for point, number in todo:
            yield (point, number), answer(cases[point], number, asked)
        return
    if executor is not None:
        yield from _in_parallel(executor, cases, todo, asked)
        return
    pool = ProcessPoolExecutor(min(workers, len(todo)), mp_context=get_context("spawn"))
    try:
        yield from _in_parallel(pool, cases, todo, asked)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_parallel(
    pool: Executor, cases: dict[Point, Scenario], todo: Sequence[_Run], asked: tuple[Asked, ...]
) -> Iterator[tuple[_Run, Answer]]:
    runs: dict[Future[Answer], _Run] = {
        pool.submit(answer, cases[point], number, asked): (point, number) for point, number in todo
    }
    pending = set(runs)
    try:
        while pending:
            finished, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in finished:
                yield runs[future], future.result()
    finally:
        for future in pending:
            future.cancel()
