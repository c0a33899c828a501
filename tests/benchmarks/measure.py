"""One measurement, in the process that this module is run in: `python -m tests.benchmarks.measure '{"what": …}'`.

Prints one line of JSON.  Each measurement has a process of its own, so that none inherits the memory, the
warm caches or the garbage of another.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sim import inputs as figures
from sim import scenario as scenarios
from sim.comparison import chosen, run_comparison
from sim.comparison.changed import changed
from sim.comparison.files import write_tables
from sim.comparison.page import write_comparison
from sim.comparison.running import comparison_fingerprint
from sim.run import simulate
from tests.benchmarks import per_battery, reference
from tests.benchmarks.kept import Kept
from tests.benchmarks.twin import Twin
from tests.benchmarks.world import Outcome, World
from traceability.compliance import RULES, audit, view_of
from traceability.store import open_store, schema

Result = dict[str, Any]
BATCH = 1_000_000


def engine(vehicles: int, store: str) -> Result:
    """The reference workload on the lot engine; store: "memory" or "parquet"."""
    with tempfile.TemporaryDirectory(prefix="battrace-") as scratch, timed() as result:
        if store == "memory":
            outcome = reference.run(World(vehicles), Kept())
        else:
            with open_store(str(Path(scratch, "log")), create=True) as log:
                outcome = reference.run(World(vehicles), log)
    return result | of(outcome)


def twin(vehicles: int, cyclic_gc: bool) -> Result:
    """The reference workload in plain SimPy, its events in a list."""
    if not cyclic_gc:
        gc.disable()
    with timed() as result:
        outcome = Twin(World(vehicles)).run()
    return result | of(outcome)


def of(outcome: Outcome) -> Result:
    """Return what a workload came to, for the comparison of both engines."""
    return {
        "events": outcome.events,
        "lots": outcome.lots,
        "outlet_wait": outcome.outlet_wait,
        "recycler_wait": outcome.recycler_wait,
    }


def baseline(vehicles: int, url: str | None) -> Result:
    """The shipped baseline at a scale that gives about so many vehicles: generated, checked and stored."""
    inputs = figures.load()
    last = scenarios.load("baseline").last.year - figures.FIRST_YEAR
    scale = max(1, round(float(inputs.registrations[: last + 1].sum()) / vehicles))
    scenario = scenarios.load("baseline", scale=scale)
    with tempfile.TemporaryDirectory(prefix="battrace-") as scratch:
        where = url or str(Path(scratch, "log"))
        with timed() as result, open_store(where, create=True) as log:
            done = simulate(scenario, inputs, log)
        size = bytes_below(Path(scratch))
    return result | {
        "events": done.events,
        "vehicles": done.vehicles,
        "scale": scale,
        "bytes": size,
        "last_day": scenario.last_day(),
    }


def rules(url: str, last_day: int) -> Result:
    """Every rule over the truth of a log that is there."""
    with open_store(url) as log:
        events = log.count(schema.event)
        with timed() as result:
            found = audit(log, view_of("truth", last_day))
    found.stop_if_broken()
    counts = {outcome.rule.id: outcome.findings for outcome in found.outcomes}
    return result | {"events": events, "rules": len(RULES), "findings": len(found.findings), "counts": counts}


def loop(url: str, last_day: int) -> Result:
    """The rules that a loop over batteries knows, in plain Python, over the truth of a log that is there."""
    with open_store(url) as log:
        events = log.count(schema.event)
        with timed() as result:
            counts = per_battery.found(log, last_day)
    return result | {
        "events": events,
        "rules": len(per_battery.RULES),
        "findings": counts.total(),
        "counts": dict(counts),
    }


def few_rules(url: str, last_day: int) -> Result:
    """The same rules as queries."""
    chosen = [rule for rule in RULES if rule.id in per_battery.RULES]
    with open_store(url) as log:
        events = log.count(schema.event)
        with timed() as result:
            found = audit(log, view_of("truth", last_day), chosen)
    counts = {outcome.rule.id: outcome.findings for outcome in found.outcomes if outcome.findings}
    return result | {
        "events": events,
        "rules": len(chosen),
        "findings": len(found.findings),
        "counts": counts,
    }


def writing(rows: int, kind: str) -> Result:
    """Rows of the event table, in batches of a million, into a new store and finished; kind: "parquet", "sqlite"."""
    with tempfile.TemporaryDirectory(prefix="battrace-") as scratch:
        path = Path(scratch, "log")
        batches = [event_columns(first, min(BATCH, rows - first)) for first in range(0, rows, BATCH)]
        with (
            timed() as result,
            open_store(f"sqlite:///{path}" if kind == "sqlite" else str(path), create=True) as log,
        ):
            for columns in batches:
                log.append(schema.event, columns["event_id"].size, columns)
            log.finish()
        size = bytes_below(Path(scratch))
    return result | {"events": rows, "bytes": size}


def comparison(workers: int, scale: int, replications: int) -> Result:
    """Integrated scrapping enforced and not, as `battrace compare` does it: runs, rules, tables, page."""
    found = chosen(SCRAPPING, scale=scale)
    with tempfile.TemporaryDirectory(prefix="battrace-") as scratch:
        folder = Path(scratch, "compared")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with timed() as result:
            told = run_comparison(found, folder, replications=replications, workers=workers)
            figures = changed(told)
            write_tables(folder, told, figures)
            write_comparison(folder / "comparison.html", told, figures)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result["cpu_s"] += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    formal = next(
        row
        for row in told.rows_of("formal_share", SCRAPPING[1], told.year)
        if row.difference is not None and not row.key
    )
    assert formal.difference is not None
    return result | {
        "events": sum(side.events for side in told.sides),
        "fingerprint": comparison_fingerprint(told),
        "removed": formal.difference.removed,
        "difference": asdict(formal.difference.estimate),
    }


SCRAPPING = ("baseline", "no_integrated_scrapping")
"""The scenarios of study 1, the baseline first."""


def bytes_below(folder: Path) -> int:
    """Return the size of all files of a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def event_columns(first: int, rows: int) -> dict[str, Any]:
    """Columns of *rows* events much like those of a run: many units, few actors, days in order."""
    draw = np.random.default_rng(first)
    day = 16_000 + (first + np.arange(rows)) // 10_000
    return {
        "event_id": np.arange(first, first + rows),
        "event": draw.integers(1, 33, rows, dtype=np.int8),
        "unit": draw.integers(0, 1_000_000, rows, dtype=np.int32),
        "actor": draw.integers(0, 2000, rows, dtype=np.int32),
        "receiver": draw.integers(0, 2000, rows, dtype=np.int32),
        "event_day": day.astype(np.int32),
        "record_day": (day + draw.integers(0, 40, rows)).astype(np.int32),
        "happened": True,
    }


@contextmanager
def timed() -> Iterator[Result]:
    """Yield a result that gets seconds on the wall, seconds of CPU (all threads, user and system), and the peak."""
    result: Result = {}
    wall, cpu = time.perf_counter(), time.process_time()
    yield result
    result["wall_s"], result["cpu_s"] = time.perf_counter() - wall, time.process_time() - cpu
    result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


WHAT: dict[str, Callable[..., Result]] = {
    "engine": engine,
    "twin": twin,
    "baseline": baseline,
    "rules": rules,
    "few_rules": few_rules,
    "loop": loop,
    "writing": writing,
    "comparison": comparison,
}


if __name__ == "__main__":
    arguments = json.loads(sys.argv[1])
    print(json.dumps(WHAT[arguments.pop("what")](**arguments)))
