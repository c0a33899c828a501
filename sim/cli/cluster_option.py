"""The option `--cluster` of all commands that can share their work out over several machines."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from concurrent.futures import Executor

F = TypeVar("F", bound=Callable[..., Any])


def cluster_option(command: F) -> F:
    """Give a command the option --cluster; it gets `cluster: str | None`, for `executor_of`."""
    return click.option(
        "--cluster",
        metavar="tcp://HOST:PORT",
        help="Work on the machines of the Dask cluster there, instead of --workers here (docs/cluster.md).",
    )(command)


def executor_of(
    cluster: str | None, folder: Path | None, workers: int | None
) -> AbstractContextManager[Executor | None]:
    """Return a context with the executor that the user asked for; None: processes of this machine.

    Args:
        cluster: address of a scheduler, or None.
        folder: what the work writes to; None where it returns all that it makes.
        workers: as given on the command line, None where it was not.

    Raises:
        click.UsageError: both a cluster and a number of workers are given.
    """
    if cluster is None:
        return nullcontext()
    if workers is not None:
        raise click.UsageError(
            "--workers counts processes of this machine; with --cluster there are as many as its workers: leave it out"
        )
    from sim.cluster import cluster as on

    return on(cluster, folder)
