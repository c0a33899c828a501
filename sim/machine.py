"""The machine that a run took place on, and how long it took: the one thing that two equal runs may differ in."""

from __future__ import annotations

import os
import platform
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from sim.record import replace_file

FILE = "machine.toml"


def machine() -> dict[str, Any]:
    """Return system, processor, cores and memory (GiB) of this machine; no name and no address of it."""
    said: dict[str, Any] = {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
    }
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        said["memory_gib"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    return said


def write_machine(
    folder: Path, seconds: dict[str, float], machines: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Write beside the record of the run in *folder* where it ran and how long each replication took.

    It is a file of its own: the record is the same, byte for byte, wherever and however fast a run was made.

    Args:
        folder: of the run.
        seconds: name of a replication's log -> wall seconds.
        machines: of the replications, where it may not have been this one; each kind is told once.
    """
    kinds = [dict(kind) for n, kind in enumerate(machines) if kind not in machines[:n]] or [machine()]
    others = {"other_machines": kinds[1:]} if kinds[1:] else {}
    table = {
        "machine": kinds[0],
        **others,
        "seconds": {name: round(took, 2) for name, took in seconds.items()},
    }
    replace_file(folder / FILE, tomli_w.dumps(table).encode())


def read_machine(folder: Path) -> dict[str, Any] | None:
    """Return what `write_machine` wrote, or None where a run has no such file."""
    try:
        return tomllib.loads((folder / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
