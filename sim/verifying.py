"""A run held against its record, offline: its bytes as they are, or all of it made again."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sim import record, study
from traceability.errors import StoreError
from traceability.store import open_store
from traceability.store.parquet import ParquetStore


def verify(folder: Path) -> tuple[str, list[str]]:
    """Return the fingerprint of the run in *folder*, and what does not agree with its record (empty: nothing).

    Raises:
        StoreError: no complete run is there.
    """
    table = record.complete_run(folder)
    changed = record.disagreeing(folder, table["files"])
    for name, digest in table["logs"].items():
        marker = folder / "log" / name / "store.json"
        if not marker.exists():
            changed.append(f"log/{name}: is missing")
            continue
        if record.digest_of_file(marker) != digest:
            changed.append(f"log/{name}/store.json: its bytes are not those of the record")
        try:
            with open_store(study.log_url(folder, int(name[1:]))) as store:
                assert isinstance(store, ParquetStore)
                store.verify()
        except StoreError as error:
            changed.append(str(error))
    content = {"scenario": table["scenario"], "inputs": table["inputs"], "logs": table["logs"]}
    if record.digest_of(content) != table["fingerprint"]:
        changed.append(f"{record.RECORD}: scenario, inputs or logs are not those of the fingerprint")
    return str(table["fingerprint"]), changed


def repeat(folder: Path, *, workers: int = 1, progress: study.Progress | None = None) -> list[str]:
    """Run the scenario in the record of *folder* again, elsewhere, and return what came out otherwise (empty: nothing).

    Raises:
        StoreError: no complete run is there.
        ScenarioError: its scenario has not the figures of this version of the program.
    """
    table = record.complete_run(folder)
    scenario = record.recorded_scenario(folder)
    differs = [
        f"{name}: the run was made by {version}, this is {here}"
        for name, version in table["versions"].items()
        if (here := record.versions().get(name)) != version
    ]
    if table["inputs"] != study.inputs_digest():
        differs.append("the input files are not those of the run")
    with tempfile.TemporaryDirectory(prefix="battrace-repeat-") as place:
        again = Path(place) / "run"
        study.run_study(scenario, again, workers=workers, progress=progress)
        logs = study.log_digests(again, scenario)
        files = record.digests(again, ("measures.csv", "findings.csv"))
    differs += [
        f"log/{name}: came out otherwise" for name, digest in table["logs"].items() if logs[name] != digest
    ]
    return differs + [
        f"{name}: came out otherwise" for name, digest in files.items() if table["files"][name] != digest
    ]
