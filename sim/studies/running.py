"""Running a study, and checking stored results by running some of it again."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

from sim import record
from sim.comparison.outcome import Comparison
from sim.comparison.running import Progress, comparison_fingerprint, processes, run_comparison
from sim.comparison.series import Name, series
from sim.comparison.twins import twins
from sim.studies.design import Study
from sim.studies.reading import scenarios
from sim.studies.results import Results, gathered, needed
from sim.studies.stored import Stored, digest
from sim.study import inputs_digest, run_study
from traceability.errors import UnknownName

RELATIVE = 1e-9
"""Values closer than this, relative to the larger, are the same."""


def run(
    study: Study,
    folder: Path,
    *,
    workers: int = 1,
    resume: bool = False,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Stored:
    """Run *study* as a comparison in *folder*, and return what it found with the record of it.

    Args:
        workers: processes; the results do not depend on how many.
        resume: go on with a study that was stopped.
        executor: used instead of processes of our own.
        progress: called about five times a second.

    Raises:
        StoreError: something else is in *folder*, or it cannot be written.
    """
    told = run_comparison(
        scenarios(study),
        folder,
        replications=study.replications,
        workers=workers,
        executor=executor,
        resume=resume,
        progress=progress,
    )
    results = gathered(study, ((side.label, side.values) for side in told.sides))
    return Stored(results, _record(study, told, folder) | {"sha256": digest(results)})


def _record(study: Study, told: Comparison, folder: Path) -> dict[str, Any]:
    baseline = told.baseline
    return {
        "format": 1,
        "study": study.name,
        "replications": baseline.replications,
        "scale": study.scale,
        "seed": study.seed,
        "from": baseline.scenario.first.isoformat(),
        "until": baseline.scenario.last.isoformat(),
        "versions": record.versions(),
        "inputs": inputs_digest(),
        "fingerprint": comparison_fingerprint(told),
        "runs": [{"scenario": s.label, "events": s.events, "fingerprint": s.fingerprint} for s in told.sides],
        "twins": [_twins(folder / baseline.label, s.folder, s.label) for s in told.others],
    }


def _twins(before: Path, after: Path, scenario: str) -> dict[str, Any]:
    """Return how many packs of the first replication fare otherwise, and by what."""
    told = twins(before, after)
    causes = {cause.name.lower(): n for cause, n in sorted(told.causes().items(), key=lambda c: c[0].name)}
    return {"scenario": scenario, "packs": told.packs, "changed": len(told.changes), "causes": causes}


class Mismatch(NamedTuple):
    """A value that is not the stored one; None where one has none."""

    scenario: str
    replication: int
    measure: str
    year: int | None
    key: str
    stored: float | None
    now: float | None


def check(
    stored: Results,
    *,
    replications: int | None = None,
    only: Sequence[str] = (),
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Mismatch]:
    """Run a study again and return the values that are not those of *stored*; nothing is left behind.

    Args:
        stored: what is checked.
        replications: the first so many of each scenario; None: all.
        only: names of the scenarios that are run; none named: all.
        workers: processes.
        progress: called after each scenario with how many of how many are done.

    Raises:
        UnknownName: the study has no such scenario.
    """
    study = stored.study
    count = min(replications or stored.replications, stored.replications)
    known = scenarios(study)
    for name in only:
        if name not in known:
            raise UnknownName("scenario", name, known, study.name)
    chosen = [name for name in known if not only or name in only]
    found: list[Mismatch] = []
    with tempfile.TemporaryDirectory(prefix="battrace-study-") as place, processes(workers) as pool:
        for done, name in enumerate(chosen, start=1):
            scenario = known[name].model_copy(update={"replications": count})
            said = run_study(scenario, Path(place) / name, executor=pool).values
            found += _mismatches(stored, name, count, series(said))
            if progress is not None:
                progress(done, len(chosen))
    return found


def _mismatches(stored: Results, scenario: str, count: int, now: dict[Name, Any]) -> Iterator[Mismatch]:
    then = stored.values[scenario]
    for measure, key, year in sorted(needed(stored.study)):
        name = (measure, year, key)
        for number in range(count):
            old, new = (_known(values[name][number]) if name in values else None for values in (then, now))
            if not _same(old, new):
                yield Mismatch(scenario, number, measure, year, key, old, new)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _same(old: float | None, new: float | None) -> bool:
    # a measure that a replication lacks is nothing, and may be told as nothing or as nought
    old, new = old or 0.0, new or 0.0
    return math.isclose(old, new, rel_tol=RELATIVE, abs_tol=0.0)
