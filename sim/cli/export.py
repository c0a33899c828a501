"""`battrace export`: a log in the words of others.  Each format is imported when it is asked for."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from rich.progress import TaskID

    from traceability.store import Store

FORMATS: dict[str, tuple[str, str]] = {
    "epcis": ("sim.cli.export_epcis:command", "EPCIS 2.0, one JSON-LD document of events"),
    "ocel": ("sim.cli.export_ocel:command", "OCEL 2.0, events and objects: JSON, SQLite or XML"),
    "xes": ("sim.cli.export_xes:command", "XES, one trace a pack or a vehicle"),
    "catenax": ("sim.cli.export_catenax:command", "aspects of Catena-X that a log fills whole, JSON lines"),
    "csv": ("sim.cli.export_tables:csv", "the tables of the log as CSV files, in words"),
    "parquet": ("sim.cli.export_tables:parquet", "the tables of the log as typed Parquet files, in words"),
}
"""Format -> module and name of its command, and what the list of formats says of it."""


class _Formats(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(FORMATS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in FORMATS:
            return None
        module, _, name = FORMATS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Formats"):
            formatter.write_dl([(name, said) for name, (_, said) in FORMATS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in FORMATS:
            from traceability.errors import UnknownName

            raise click.UsageError(str(UnknownName("format", args[0], FORMATS)))
        return super().resolve_command(ctx, args)


@click.group("export", cls=_Formats)
def command() -> None:
    """Write a log in a format that other people's software reads.

    Example: battrace export epcis runs/baseline --out events.jsonld
    """


class Counter:
    """A bar on a terminal, nothing elsewhere: what is piped stays clean."""

    def __init__(self, what: str) -> None:
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        self._shown = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(),
            console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._task: TaskID = self._shown.add_task(what, total=None)

    def reached(self, done: int, total: int | None = None) -> None:
        """Show that *done* events of *total* are done."""
        self._shown.update(self._task, completed=done, total=total)

    def __enter__(self) -> Self:
        self._shown.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shown.stop()


def open_log(log: str, replication: int) -> Store:
    """Return the store behind a run folder, a Parquet directory, or a store URL.

    Raises:
        StoreError: there is none.
    """
    from sim import record, study
    from traceability.store import open_store

    folder = Path(log)
    if ":" in log and not folder.exists():
        return open_store(log, incomplete_ok=True)
    if (folder / record.RECORD).exists() or not (folder / "store.json").exists():
        record.complete_run(folder)
        study.require_replication(folder, replication)
        return open_store(study.log_url(folder, replication))
    return open_store(f"parquet:{folder}")
