"""`battrace study`: studies that ship, their stored results and their pages."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.cluster_option import cluster_option, executor_of
from traceability.errors import StoreError

if TYPE_CHECKING:
    from sim.studies import Mismatch, Stored, Study

_MOST_SHOWN = 20
"""Values that differ are listed up to here; --json lists all."""

_names = click.argument("names", nargs=-1, metavar="[NAME|FILE.toml]...")
_all = click.option("--all", "every", is_flag=True, help="All studies that ship.")
_workers = click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes; results do not depend on it.  [default: cores]"
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group("study")
def command() -> None:
    """List, run and check the studies that ship, and write their pages.

    Exit codes: 0 clean, 1 stored results that differ, 2 wrong input.

    Example: battrace study run reuse
    """


@command.command("list")
@_as_json
def list_studies(as_json: bool) -> None:
    """List the studies, a line each.

    Example: battrace study list
    """
    from sim.studies import names, read

    studies = [read(name) for name in names()]
    if as_json:
        _json([_card(study) for study in studies])
        return
    from rich.console import Console

    console = Console(highlight=False, width=min(100, Console().width))
    for study in studies:
        runs = f"{len(study.scenario)} scenarios, {study.replications} replications, 1:{study.scale:,}"
        stored = _stored(study)
        said = "" if stored == study.replications else f"; stored results of {stored} replications"
        console.print(f"[bold]{study.name}[/bold]  {study.title.en}  {study.title.zh}")
        console.print(f"  {runs}{said if stored else '; no stored results'}")
    console.print("battrace study run NAME makes the results; battrace study page NAME writes the page")


def _card(study: Study) -> dict[str, object]:
    return {
        "name": study.name,
        "title": study.title.model_dump(),
        "question": study.question.model_dump(),
        "scenarios": [side.name for side in study.scenario],
        "replications": study.replications,
        "scale": study.scale,
        "stored_replications": _stored(study),
    }


def _stored(study: Study) -> int:
    """Return how many replications the stored results have; 0 where there are none."""
    from sim.studies.stored import read, ships

    return read(study).results.replications if ships(study.name) else 0


@command.command("run")
@_names
@_all
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs/studies"),
    show_default=True,
    help="Folder; each study has one of its own in it, with its runs, results and page.",
)
@click.option(
    "--store", is_flag=True, help="Make them the results and pages that ship (in a source checkout)."
)
@_workers
@cluster_option
@click.option(
    "--resume", is_flag=True, help="Go on with studies that were stopped; what is finished is kept."
)
@_as_json
def run_studies(
    names: tuple[str, ...],
    every: bool,
    out: Path,
    store: bool,
    workers: int | None,
    cluster: str | None,
    resume: bool,
    as_json: bool,
) -> None:
    """Run studies: all scenarios with the same luck, then the results as a table and the page.

    Example: battrace study run --all --out runs/studies --resume
    """
    from sim.cli.compare import progress
    from sim.studies import run, write_page
    from sim.studies.stored import write

    chosen = _chosen(names, every)
    checkout = _checkout() if store else None
    told = []
    for number, study in enumerate(chosen, start=1):
        click.echo(f"study {number} of {len(chosen)}: {study.name}", err=True)
        folder = out / study.name
        with executor_of(cluster, folder, workers) as executor, progress() as tell:
            found = run(
                study,
                folder,
                workers=workers or os.cpu_count() or 1,
                executor=executor,
                resume=resume,
                progress=tell,
            )
        write(folder, "results", *found)
        written = write_page(folder, found, "page")
        if checkout is not None:
            written = _store(checkout, found)
        told.append((found, written[0]))
    if as_json:
        _json([_found(stored, page) for stored, page in told])
    else:
        for stored, page in told:
            _print(stored, page)


@command.command("check")
@_names
@_all
@click.option(
    "--replications",
    type=click.IntRange(1),
    help="The first so many of each scenario.  [default: all]",
)
@_workers
@_as_json
def check_studies(
    names: tuple[str, ...], every: bool, replications: int | None, workers: int | None, as_json: bool
) -> None:
    """Run studies again and hold every value against the stored one (within 1e-9 of it); exit 1 where one differs.

    Example: battrace study check --all --replications 1
    """
    from sim.studies import check
    from sim.studies.stored import read as read_stored

    told = {}
    for study in _chosen(names, every):
        stored = read_stored(study)
        _remark(study, stored)

        def tell(done: int, of: int, name: str = study.name) -> None:
            click.echo(f"{name}: {done} of {of} scenarios", err=True)

        told[study.name] = check(
            stored.results,
            replications=replications,
            workers=workers or os.cpu_count() or 1,
            progress=tell,
        )
    if as_json:
        _json({name: [m._asdict() for m in found] for name, found in told.items()})
    else:
        for name, found in told.items():
            _print_check(name, found)
    sys.exit(1 if any(told.values()) else 0)


@command.command("page")
@_names
@_all
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("."),
    help="Folder for NAME.md and its pictures.  [default: here]",
)
@click.option(
    "--store", is_flag=True, help="Write them where they ship, with the list (in a source checkout)."
)
@_as_json
def write_pages(names: tuple[str, ...], every: bool, out: Path, store: bool, as_json: bool) -> None:
    """Write the pages of studies from the stored results; nothing is run.

    Example: battrace study page reuse --out .
    """
    from sim.studies import index, write_page
    from sim.studies.stored import read as read_stored

    pages = _checkout() / "docs" / "studies" if store else out
    written = [path for study in _chosen(names, every) for path in write_page(pages, read_stored(study))]
    if store:
        _replace(pages / "README.md", index())
    if as_json:
        _json([str(path) for path in written])
    else:
        for path in written:
            click.echo(f"wrote {path}")


def _remark(study: Study, stored: Stored) -> None:
    """Say where stored results were made otherwise than the study would be now."""
    from sim import record
    from sim.study import inputs_digest

    made = stored.record
    for differs, said in (
        (made["inputs"] != inputs_digest(), "from other input files"),
        (made["versions"] != record.versions(), "by other versions of the program or its libraries"),
        (
            made["replications"] != study.replications,
            f"with {made['replications']} replications of {study.replications}",
        ),
    ):
        if differs:
            click.echo(f"{study.name}: the stored results were made {said}", err=True)


def _chosen(names: tuple[str, ...], every: bool) -> list[Study]:
    from sim.studies import names as known
    from sim.studies import read

    if every == bool(names):
        raise click.UsageError(f"which study? Name some of {', '.join(known())}, or --all")
    return [read(name) for name in (known() if every else names)]


def _checkout() -> Path:
    """Return the root of the source checkout that this program runs from."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "pyproject.toml").is_file() or not (root / "docs").is_dir():
        raise StoreError(
            "--store writes into a source checkout of battrace, and this program is not run from one"
        )
    return root


def _store(root: Path, found: Stored) -> list[Path]:
    from sim.studies import index, write_page
    from sim.studies.stored import write

    write(root / "sim" / "studies" / "results", found.results.study.name, *found)
    written = write_page(root / "docs" / "studies", found)
    _replace(root / "docs" / "studies" / "README.md", index())
    return written


def _replace(path: Path, text: str) -> None:
    from sim.record import replace_file

    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from None


def _found(stored: Stored, page: Path) -> dict[str, object]:
    from sim.studies.answers import answers

    return {
        "name": stored.results.study.name,
        "answer": [text._asdict() for text in answers(stored.results)],
        "fingerprint": stored.record["fingerprint"],
        "page": str(page),
    }


def _print(stored: Stored, page: Path) -> None:
    from sim.studies.answers import answers

    click.echo(f"✓ {stored.results.study.title.en}")
    for text in answers(stored.results):
        click.echo(f"  - {text.en.replace('**', '')}")
    click.echo(f"  open {page}")


def _print_check(name: str, found: list[Mismatch]) -> None:
    if not found:
        click.echo(f"✓ {name}: every value is the stored one")
        return
    click.echo(
        f"✗ {name}: {len(found)} values are not the stored ones; `battrace study run {name}` makes them anew"
    )
    for m in found[:_MOST_SHOWN]:
        key = f" {m.key}" if m.key else ""
        click.echo(
            f"  {m.scenario}, replication {m.replication}: {m.measure}{key} {m.year}: stored {m.stored}, now {m.now}"
        )
    if len(found) > _MOST_SHOWN:
        click.echo(f"  and {len(found) - _MOST_SHOWN} more (--json lists all)")


def _json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
