"""The files of a sweep that other programs read."""

from __future__ import annotations

import gzip
import io
import json
import math
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sim.measures import MEASURES
from sim.record import replace_file
from sim.sweep.curves import CurvePoint
from sim.sweep.designs import Floats
from sim.sweep.indices import METHODS, Index, Share
from sim.sweep.study import Sweep
from sim.sweep.surrogate import Surrogate
from traceability.sheets import Cell, write_csv

FILES = (
    "sweep.csv", "experiments.csv", "outcomes.csv", "results.tar.gz", "curves.csv", "indices.csv",
    "surrogates.json", "sweep.html",
)  # fmt: skip
"""What a finished sweep consists of, beside its record and what it remembers."""


def write_tables(
    folder: Path,
    sweep: Sweep,
    curves: Sequence[CurvePoint],
    indices: Sequence[Index],
    surrogates: Sequence[Surrogate],
) -> None:
    """Write all tables of a sweep into *folder*.

    Raises:
        TableError: one cannot be written.
    """
    names = [factor.name for factor in sweep.factors]
    write_csv(folder / "sweep.csv", (*_TIDY[:2], *names, *_TIDY[2:]), _tidy(sweep), mark=False)
    experiments = [[_number(x) for x in row] for row in sweep.design.points]
    write_csv(folder / "experiments.csv", names, experiments, mark=False)
    outcomes = _means(sweep)
    write_csv(
        folder / "outcomes.csv",
        [each.id for each in sweep.asked],
        [[_number(x) for x in row] for row in outcomes],
        mark=False,
    )
    replace_file(folder / "results.tar.gz", _archive(sweep, folder / "experiments.csv", outcomes))
    write_csv(folder / "curves.csv", _CURVES, (_curve(point) for point in curves), mark=False)
    write_csv(folder / "indices.csv", _INDICES, (_index(sweep, each) for each in indices), mark=False)
    said = {
        "factors": [_said_of(sweep, k) for k in range(len(names))],
        "measures": [_fit(s) for s in surrogates],
    }
    text = json.dumps(said, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    replace_file(folder / "surrogates.json", text.encode())


_TIDY = ("point", "replication", "measure", "year", "key", "value", "unit")
_CURVES = ("measure", "year", "key", "factor", "value", "mean", "low", "high", "points", "unit")
_INDICES = (
    "measure", "year", "key", "factor", "first", "first_low", "first_high", "total", "total_low", "total_high",
    "shown", "why_not", "total_shown", "design", "points", "replications", "method",
)  # fmt: skip


def _tidy(sweep: Sweep) -> Iterator[tuple[Cell, ...]]:
    units = {info.id: info.unit_en for info in MEASURES}
    for place, row in enumerate(sweep.design.points):
        at = tuple(_number(x) for x in row)
        for replication in range(sweep.replications):
            for asked, value in zip(sweep.asked, sweep.values[place, replication], strict=True):
                yield (
                    place, replication, *at, asked.measure, asked.year, asked.key, _number(value),
                    units[asked.measure],
                )  # fmt: skip


def _means(sweep: Sweep) -> Floats:
    """Return float64[points, measures], the mean over replications; NaN where one says nothing."""
    found: Floats = sweep.values.mean(axis=1)
    return found


def _archive(sweep: Sweep, experiments: Path, outcomes: Floats) -> bytes:
    """Return what `ema_workbench.load_results` reads (version 0.1 of its format); the same bytes on any day."""
    files = {"experiments.csv": experiments.read_bytes()}
    listed = []
    for column, asked in enumerate(sweep.asked):
        # "nan" and not nothing: a reader skips an empty line
        lines = "".join(f"{float(x)!r}\n" for x in outcomes[:, column])
        files[f"{asked.id}.cls"] = lines.encode()
        listed.append(("ScalarOutcome", asked.id, f"{asked.id}.cls"))
    types = {factor.name: "float64" for factor in sweep.factors}
    files["metadata.json"] = json.dumps({"version": 0.1, "outcomes": listed, "experiments": types}).encode()
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def _curve(point: CurvePoint) -> tuple[Cell, ...]:
    asked = point.asked
    return (
        asked.measure, asked.year, asked.key, point.factor.name, point.value, point.mean, point.low, point.high,
        point.points, asked.unit.en,
    )  # fmt: skip


def _index(sweep: Sweep, index: Index) -> tuple[Cell, ...]:
    asked = index.asked
    return (
        asked.measure, asked.year, asked.key, index.factor.name, *_ends(index.first), *_ends(index.total),
        int(index.why is None), index.why.en if index.why else "",
        int(index.total is not None and index.why_no_total is None), sweep.design.kind, len(sweep.design.points),
        sweep.replications, METHODS[sweep.design.kind].en,
    )  # fmt: skip


def _ends(share: Share | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if share is None else (share.value, share.low, share.high)


def _said_of(sweep: Sweep, k: int) -> dict[str, object]:
    factor = sweep.factors[k]
    return {"name": factor.name, "unit": factor.unit, "low": factor.low, "high": factor.high}


def _fit(fit: Surrogate) -> dict[str, object]:
    said: dict[str, object] = {"measure": fit.asked.id, "unit": fit.asked.unit.en, "refused": fit.refused}
    if fit.lacking is not None:
        return said | {"lacking": fit.lacking.en}
    return said | {
        "degree": fit.degree,
        "ridge": fit.ridge,
        "cross_validated_rmse": fit.error,
        "standard_deviation": fit.effect,
        "q2": fit.explained,
        "half_interval_over_replications": fit.half,
        "legendre_terms": [list(term) for term in fit.terms],
        "coefficients": list(fit.coefficients),
    }


def _number(value: float | np.float64) -> float | None:
    one = float(value)
    return one if math.isfinite(one) else None
