"""A comparison held against its record, offline: its own files, and the run of every scenario."""

from __future__ import annotations

from pathlib import Path

import tomli_w

from sim import record, verifying
from sim.comparison.running import RECORD, read_comparison
from traceability.errors import StoreError

FILES = ("comparison.csv", "comparison.xlsx", "comparison.html")


def seal(folder: Path) -> None:
    """Keep the hashes of the files of a finished comparison in its record."""
    table = read_comparison(folder)
    table["files"] = record.digests(folder, FILES)
    record.replace_file(folder / RECORD, tomli_w.dumps(table).encode())


def verify(folder: Path) -> tuple[str, list[str]]:
    """Return the fingerprint of the comparison in *folder*, and what does not agree with its record.

    Raises:
        StoreError: no complete comparison is there.
    """
    table = read_comparison(folder)
    if not table.get("complete") or "files" not in table:
        raise StoreError(
            f"{folder}: the comparison is not complete; go on with `battrace compare … --resume`"
        )
    changed = record.disagreeing(folder, table["files"])
    marks = []
    for side in table["sides"]:
        mark, problems = verifying.verify(folder / side["label"])
        marks.append(mark)
        changed += [f"{side['label']}/{problem}" for problem in problems]
        if mark != side["fingerprint"]:
            changed.append(f"{side['label']}: is another run than the one that was compared")
    if record.digest_of({"runs": marks}) != table["fingerprint"]:
        changed.append(f"{RECORD}: its fingerprint is not that of its runs")
    return str(table["fingerprint"]), changed
