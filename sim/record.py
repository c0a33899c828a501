"""The record of a run: `run.toml`, from which anybody can repeat it and check it offline."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tomllib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from sim.scenario import Scenario
from traceability.errors import ScenarioError, StoreError

RECORD = "run.toml"
_LIBRARIES = ("battrace", "duckdb", "numpy", "simpy", "sqlalchemy", "pydantic")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a result could depend on."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in _LIBRARIES}}


def scenario_table(scenario: Scenario) -> dict[str, Any]:
    """Return *scenario* as plain TOML values, every figure resolved."""
    return scenario.model_dump(mode="json", by_alias=True, exclude_none=True)


def digest_of(table: dict[str, Any]) -> str:
    """Return the SHA-256 of *table* as canonical JSON."""
    return hashlib.sha256(json.dumps(table, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def fingerprint(scenario: Scenario, inputs_digest: str, logs: dict[str, str]) -> str:
    """Return one SHA-256 over the resolved scenario, the input files and every log."""
    return digest_of({"scenario": scenario_table(scenario), "inputs": inputs_digest, "logs": logs})


def write_record(folder: Path, table: dict[str, Any]) -> None:
    """Write *table* as the record of the run in *folder*; a reader sees the old one or the new one, whole."""
    replace_file(folder / RECORD, tomli_w.dumps(table, multiline_strings=False).encode())


def read_record(folder: Path) -> dict[str, Any]:
    """Return the record of the run in *folder*.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return read_table(folder, RECORD, "run", "battrace run")


def read_table(folder: Path, name: str, what: str, maker: str) -> dict[str, Any]:
    """Return what the TOML file *name* in *folder* says.

    Args:
        what: of which it is the record, for the message where there is none.
        maker: the command that makes one.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    try:
        return tomllib.loads((folder / name).read_text("utf-8"))
    except FileNotFoundError:
        raise StoreError(f"{folder}: no {what} here ({name} is missing); `{maker}` makes one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise StoreError(f"{folder / name}: cannot be read: {error}") from None


def complete_run(folder: Path) -> dict[str, Any]:
    """Return the record of a finished run.

    Raises:
        StoreError: there is none, or the run was stopped before its end.
    """
    record = read_record(folder)
    if not record.get("complete"):
        raise StoreError(
            f"{folder}: this run was stopped before its end; `battrace run --resume {folder}` finishes it"
        )
    return record


def recorded_scenario(folder: Path) -> Scenario:
    """Return the scenario that the run in *folder* was started with."""
    table = read_record(folder).get("scenario")
    if not isinstance(table, dict):
        raise ScenarioError(f"{folder / RECORD}: holds no scenario")
    try:
        return Scenario.model_validate(table)
    except ValidationError:
        raise ScenarioError(
            f"{folder / RECORD}: its scenario has not the figures of this version of the program; run it anew"
        ) from None


def scenario_with_law(place: str | Path) -> Scenario | None:
    """Return the scenario of the run in the folder *place*; None if there is none, or one that states no law.

    A run of a version that knew none but the enacted law states none.

    Raises:
        ScenarioError: its scenario cannot be read.
    """
    folder = Path(place)
    if not (folder / RECORD).exists() or "law" not in read_record(folder).get("scenario", {}):
        return None
    return recorded_scenario(folder)


def replace_file(path: Path, content: bytes) -> None:
    """Write *content* to a temporary name beside *path* and move it there."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)


def digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each of the files *names* in *folder*."""
    return {name: digest_of_file(folder / name) for name in names}


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def disagreeing(folder: Path, recorded: Mapping[str, str]) -> list[str]:
    """Return what is missing of the *recorded* files (name -> SHA-256) in *folder*, or has other bytes."""
    problems = []
    for name, digest in recorded.items():
        if not (folder / name).exists():
            problems.append(f"{name}: is missing")
        elif digest_of_file(folder / name) != digest:
            problems.append(f"{name}: its bytes are not those of the record")
    return problems
