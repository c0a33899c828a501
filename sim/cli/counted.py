"""Progress of work that is counted in runs: a bar where somebody looks, JSON lines elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

Told = Callable[[int, int], None]
"""Called with (runs done, runs in all)."""


@contextmanager
def runs(what: str) -> Iterator[Told]:
    """Yield a listener; *what* stands before the bar."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _lines() -> Told:
    """Return a listener that writes a JSON line each time another tenth of the runs is over."""
    told = 0

    def tell(done: int, total: int) -> None:
        nonlocal told
        tenth = 10 * done // total
        if tenth > told:
            told = tenth
            click.echo(json.dumps({"progress": tenth / 10, "runs": done, "of": total}), err=True)

    return tell
