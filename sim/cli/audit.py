"""`battrace audit`: run the compliance rules over the log of a run, over a store, or over files of one's own."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli import audit_shown

if TYPE_CHECKING:
    from sim.scenario import Scenario
    from traceability.compliance.own_rules import RuleBook
    from traceability.store import Store

_TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".parquet")


@click.command("audit")
@click.argument("logs", metavar="RUN-OR-URL-OR-FILE...", nargs=-1, required=True)
@click.option(
    "--replication", type=click.IntRange(0), default=0, show_default=True, help="Which log of a run."
)
@click.option(
    "--view",
    type=click.Choice(["both", "truth", "register"]),
    help="What happened, what the platform knows, or one beside the other.  [default: both, where the log can tell]",
)
@click.option(
    "--law",
    "laws",
    multiple=True,
    help="Ask as if this had been the law at all times: cn_2018, order73, eu_2023; `dated` is each in its time.  "
    "Give two or more to see them side by side.  [default: that of a run's scenario, else dated]",
)
@click.option(
    "--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="As known on this day.  [default: last day]"
)
@click.option(
    "--map",
    "mapping",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Which column of FILE is what (see `battrace import --suggest`).",
)
@click.option(
    "--rules",
    "own",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A rule file of your own, beside the shipped rules; may be repeated.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write the findings: a file ending in .csv, .json, .xlsx or .html, or a folder for all of them.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def command(
    logs: tuple[str, ...],
    replication: int,
    view: str | None,
    laws: tuple[str, ...],
    as_of: datetime | None,
    mapping: Path | None,
    own: tuple[Path, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Run every rule over a run folder, a store URL (parquet:, sqlite:///, postgresql+psycopg://), or tables.

    Tables (CSV, TSV, XLSX, Parquet) say what was reported; they are imported first, and what cannot be read is
    set aside in quarantine.csv.

    Exits with 1 if there are findings, with 3 if a rule is broken.

    Example: battrace audit export.xlsx --map our_columns.toml --law order73 --as-of 2026-11-01 --out audit/
    """
    from traceability.compliance.own_rules import rule_book

    book = rule_book(own)
    from traceability.events import day_number

    until = None if as_of is None else day_number(as_of.date())
    with _opened(logs, replication, mapping, out, until, as_json=as_json) as store:
        day = _day(store, until, logs[0])
        chosen = view or ("both" if store.meta().get("truth") == "yes" else "register")
        asked = _Asked(store, book, ", ".join(logs), chosen, day, out)
        imagined = None if laws else _imagining(logs[0])
        if len(laws) > 1:
            found, broken, rows = _side_by_side(asked, laws)
        else:
            found, broken, rows = _one_law(asked, laws[0] if laws else "dated", imagined)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        if imagined is not None:
            audit_shown.imagined_law(imagined)
        audit_shown.table(rows, chosen, laws)
        _tell_where(logs[0], out, found)
    for file in book.broken:
        click.echo(f"BROKEN {file}", err=True)
    if broken or book.broken:
        sys.exit(3)
    if found:
        sys.exit(1)


class _Asked:
    """What is asked of one log."""

    def __init__(
        self, store: Store, book: RuleBook, name: str, view: str, day: int, out: Path | None
    ) -> None:
        from traceability.errors import StoreError

        self.store, self.book, self.name, self.view, self.day, self.out = store, book, name, view, day, out
        if view != "register" and store.meta().get("truth") != "yes":
            raise StoreError(
                f"{name}: this log says what was reported, not what happened; use --view register"
            )


def _one_law(asked: _Asked, law: str, imagined: Scenario | None) -> tuple[int, bool, list[dict[str, object]]]:
    """Return how many findings there are, whether a rule broke, and the rows of the table; write the files."""
    from sim.amendments import rules_of
    from traceability.compliance import audit, happened_and_visible, view_of
    from traceability.compliance.audit_files import AuditFiles
    from traceability.compliance.audit_page import Heading
    from traceability.compliance.rules.eu import rules_under

    if imagined is None:
        rules = rules_under(law, asked.book.rules)
    else:
        rules, law = rules_of(imagined, asked.book.rules), f"as the scenario {imagined.name} imagines it"
    if asked.view == "both":
        card = happened_and_visible(asked.store, asked.day, rules)
        results, findings = [card.truth, card.register], card.findings
        rows = audit_shown.both(card)
    else:
        one = audit(asked.store, view_of(asked.view, asked.day), rules)
        results, findings = [one], one.findings
        rows = audit_shown.single(one, asked.view)
    if asked.out is not None:
        from traceability.store import schema

        heading = Heading(
            log=asked.name,
            law=law,
            as_of=_iso(asked.day),
            view=asked.view,
            events=asked.store.count(schema.event),
        )
        AuditFiles(asked.store, results[0].outcomes, findings, heading).write(asked.out)
    return len(findings), any(result.broken for result in results), rows


def _side_by_side(asked: _Asked, laws: Sequence[str]) -> tuple[int, bool, list[dict[str, object]]]:
    from traceability.compliance import view_of
    from traceability.compliance.side_by_side import compare_laws, write_side_by_side

    view = view_of("register" if asked.view == "both" else asked.view, asked.day)
    told = compare_laws(asked.store, view, laws, asked.book.rules)
    if asked.out is not None:
        write_side_by_side(asked.out, asked.store, told)
    return told.found, told.broken, audit_shown.side_by_side(told)


def _imagining(log: str) -> Scenario | None:
    """Return the scenario of the run in the folder *log* if its law is not the enacted one."""
    from sim.amendments import imagined
    from sim.record import scenario_with_law

    scenario = scenario_with_law(log)
    return scenario if scenario is not None and imagined(scenario) else None


@contextmanager
def _opened(
    logs: Sequence[str],
    replication: int,
    mapping: Path | None,
    out: Path | None,
    as_of: int | None,
    *,
    as_json: bool,
) -> Iterator[Store]:
    """Open the log, or import tables into a store of its own that is gone afterwards."""
    from traceability.errors import TraceabilityError
    from traceability.store import open_store

    tables = [Path(log) for log in logs if Path(log).suffix.lower() in _TABLES]
    if not tables:
        if len(logs) > 1:
            raise TraceabilityError(f"{logs[1]}: one run or one store at a time; several tables may be given")
        if mapping is not None:
            raise TraceabilityError(f"{mapping}: a run or a store needs no map of columns")
        with open_store(_url(logs[0], replication), incomplete_ok=True) as store:
            yield store
        return
    if len(tables) < len(logs):
        odd = next(log for log in logs if Path(log) not in tables)
        raise TraceabilityError(f"{odd}: a table was expected ({', '.join(_TABLES)}), as beside it")
    from sim.cli import import_

    with tempfile.TemporaryDirectory(prefix="battrace-") as folder:
        url = f"parquet:{Path(folder) / 'log'}"
        files = tuple(tables)
        report = import_.imported(files, import_.mapping_for(files, mapping), url, as_of)
        aside = _quarantine(out)
        if report.faults:
            aside.parent.mkdir(parents=True, exist_ok=True)
            report.write_quarantine(aside)
        if not as_json:
            import_.show(report, None, aside, audited=True)
        with open_store(url) as store:
            yield store


def _quarantine(out: Path | None) -> Path:
    if out is None:
        return Path("quarantine.csv")
    return out.with_name("quarantine.csv") if out.suffix else out / "quarantine.csv"


def _day(store: Store, as_of: int | None, name: str) -> int:
    from traceability.errors import TraceabilityError

    if as_of is not None:
        return as_of
    last = store.meta().get("last_day")
    if last is None:
        raise TraceabilityError(f"{name}: the log does not say when it ends; give --as-of YYYY-MM-DD")
    return int(last)


def _iso(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def _tell_where(log: str, out: Path | None, found: int) -> None:
    listed = Path(log) / "findings.csv"
    if out is not None:
        click.echo(f"{found:,} findings written to {out}")
    elif listed.exists():
        click.echo(f"{found:,} findings; {listed} lists those of all replications, --out FILE writes these")


def _url(run: str, replication: int) -> str:
    from sim import record, study

    folder = Path(run)
    if ":" in run and not folder.exists():
        return run
    if (folder / record.RECORD).exists() or not (folder / "store.json").exists():
        record.complete_run(folder)
        study.require_replication(folder, replication)
        return study.log_url(folder, replication)
    return f"parquet:{folder}"
