"""The results of a study as files: a tidy table of the values that it shows, and the record of how they were made.

NAME.csv     scenario, replication, measure, year, key, value
NAME.toml    versions, inputs, fingerprint of each run, the twins whose fate differs, SHA-256 of the table
"""

from __future__ import annotations

import csv
import hashlib
import io
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tomli_w

from sim import record
from sim.comparison.series import Floats, Name, absent
from sim.studies.design import Study
from sim.studies.results import Results
from traceability.errors import StoreError

COLUMNS = ("scenario", "replication", "measure", "year", "key", "value")
"""Of the table."""


class Stored(NamedTuple):
    """Results and their record."""

    results: Results
    record: dict[str, Any]


def table(results: Results) -> str:
    """Return the values as CSV; what a replication has none of is left out."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for side in results.study.scenario:
        here = results.values[side.name]
        for number in range(results.replications):
            for name in sorted(here, key=_place):
                measure, year, key = name
                value = float(here[name][number])
                if not np.isnan(value):
                    writer.writerow((side.name, number, measure, year, key, repr(value)))
    return out.getvalue()


def digest(results: Results) -> str:
    """Return the SHA-256 of the table of *results*."""
    return hashlib.sha256(table(results).encode()).hexdigest()


def _place(name: Name) -> tuple[str, int, str]:
    measure, year, key = name
    return measure, year or 0, key


def write(folder: Path, stem: str, results: Results, made: Mapping[str, Any]) -> None:
    """Write *results* and the record *made* into *folder* as STEM.csv and STEM.toml.

    Raises:
        StoreError: they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        record.replace_file(folder / f"{stem}.csv", table(results).encode())
        record.replace_file(folder / f"{stem}.toml", tomli_w.dumps(dict(made)).encode())
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror}") from None


def read(study: Study) -> Stored:
    """Return the results of *study* that ship.

    Raises:
        StoreError: none ship, or the table is not that of its record.
    """
    return read_in(files("sim").joinpath("studies", "results"), study, study.name)


def ships(name: str) -> bool:
    """Return whether results of the study of that name ship."""
    place = files("sim").joinpath("studies", "results")
    return place.joinpath(f"{name}.csv").is_file() and place.joinpath(f"{name}.toml").is_file()


def read_in(place: Traversable, study: Study, stem: str) -> Stored:
    """Return the results of *study* in the folder *place*, of files called *stem*.

    Raises:
        StoreError: there are none, or the table is not that of its record.
    """
    try:
        text = place.joinpath(f"{stem}.csv").read_bytes()
        made = tomllib.loads(place.joinpath(f"{stem}.toml").read_text("utf-8"))
    except FileNotFoundError:
        raise StoreError(
            f"study {study.name}: no stored results; `battrace study run {study.name}` makes them"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise StoreError(f"study {study.name}: its stored results cannot be read: {error}") from None
    if hashlib.sha256(text).hexdigest() != made.get("sha256"):
        raise StoreError(f"study {study.name}: {stem}.csv is not the table that {stem}.toml records")
    return Stored(_parsed(study, text.decode(), int(made["replications"])), made)


def _parsed(study: Study, text: str, replications: int) -> Results:
    values: dict[str, dict[Name, Floats]] = {side.name: {} for side in study.scenario}
    for row in csv.DictReader(io.StringIO(text)):
        if row["scenario"] not in values:
            raise StoreError(
                f"study {study.name}: the stored results have a scenario `{row['scenario']}` that the study has not; "
                f"`battrace study run {study.name}` makes them anew"
            )
        name = (row["measure"], int(row["year"]), row["key"])
        here = values[row["scenario"]]
        if name not in here:
            here[name] = absent(name[0], replications)
        here[name][int(row["replication"])] = float(row["value"])
    if missing := [name for name, here in values.items() if not here]:
        raise StoreError(
            f"study {study.name}: the stored results lack the scenario `{missing[0]}`; "
            f"`battrace study run {study.name}` makes them anew"
        )
    return Results(study, values, replications)
