"""Which part of a log an export writes: the options that all formats share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from traceability.exchange.selecting import Selection
    from traceability.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])

_DAY = click.DateTime(["%Y-%m-%d"])


def selecting(*views: str) -> Callable[[Command], Command]:
    """Return a decorator that gives a command the options `--unit` … `--replication`; see `selected`.

    Args:
        views: those that the format can tell; the first is the default.
    """
    said = {
        "register": "what the platform was told",
        "truth": "what happened",
        "both": "every row of the log",
    }
    view = "; ".join(f"{name}: {said[name]}" for name in views)
    options = (
        click.option(
            "--unit",
            "units",
            multiple=True,
            help="Only this unit and its parts and products (code or unit:N); may be repeated.",
        ),
        click.option(
            "--sample",
            type=click.IntRange(1),
            help="Only so many packs, spread evenly, with their parts and products.",
        ),
        click.option("--from", "first", type=_DAY, help="Only what happened on this day or later."),
        click.option("--until", type=_DAY, help="Only what happened on this day or earlier."),
        click.option(
            "--view",
            type=click.Choice(views),
            default=views[0],
            show_default=True,
            help=f"{view[0].upper()}{view[1:]}.",
        ),
        click.option(
            "--replication", type=click.IntRange(0), default=0, show_default=True, help="Which log of a run."
        ),
    )

    def give(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return give


def selected(
    store: Store,
    *,
    units: Sequence[str],
    sample: int | None,
    first: datetime | None,
    until: datetime | None,
    view: str,
) -> Selection:
    """Return what the options of `selecting` ask for of *store*.

    Raises:
        UnknownName: no such unit.
        click.BadParameter: a vehicle where a unit is expected.
    """
    from traceability.events import day_number
    from traceability.exchange import selecting as parts
    from traceability.life import find

    chosen = None
    if units or sample:
        chosen = set() if sample is None else set(parts.sample(store, sample))
        for text in units:
            subject = find(store, text)
            if subject.is_vehicle:
                raise click.BadParameter(f"{text} is a vehicle; give the code of a unit", param_hint="--unit")
            chosen.add(subject.number)
    return parts.Selection(
        view=view,
        first=None if first is None else day_number(first.date()),
        until=None if until is None else day_number(until.date()),
        units=None if chosen is None else parts.kin(store, chosen),
    )
