"""What is made of a finished sweep, and all its files."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from sim import record
from sim.sweep.curves import CurvePoint, curves
from sim.sweep.indices import Index, indices
from sim.sweep.page import write_sweep
from sim.sweep.study import Sweep, finish
from sim.sweep.surrogate import Surrogate, surrogates
from sim.sweep.tables import FILES, write_tables


@dataclass(frozen=True)
class Results:
    """Curves, indices and polynomials of a sweep."""

    curves: list[CurvePoint]
    indices: list[Index]
    surrogates: list[Surrogate]


def results(sweep: Sweep) -> Results:
    """Return what a sweep says."""
    with warnings.catch_warnings():
        # SALib divides by a variance of nothing where a resample holds one value only; its interval is then not shown
        warnings.simplefilter("ignore", RuntimeWarning)
        found = list(indices(sweep))
    return Results(list(curves(sweep)), found, surrogates(sweep))


def write_results(folder: Path, sweep: Sweep) -> Results:
    """Write every file of *sweep* into *folder*, mark it complete, and return what it says.

    Raises:
        TableError: a file cannot be written.
    """
    said = results(sweep)
    write_tables(folder, sweep, said.curves, said.indices, said.surrogates)
    write_sweep(folder / "sweep.html", sweep, said.curves, said.indices, said.surrogates)
    finish(folder, sweep, record.digests(folder, FILES))
    return said
