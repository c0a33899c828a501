"""`battrace due`: the last day of a period, and how it was counted."""

from __future__ import annotations

import json
import textwrap
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from traceability.compliance.due import Due, RestDay


@click.command("due")
@click.argument("trigger", metavar="DAY", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--days", type=click.IntRange(0), help="Calendar days.")
@click.option("--working-days", type=click.IntRange(0), help="Working days of China, make-up days included.")
@click.option("--months", type=click.IntRange(0), help="Months.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def command(
    trigger: datetime, days: int | None, working_days: int | None, months: int | None, as_json: bool
) -> None:
    """Say when a period that DAY starts is over (Civil Code art. 200-204), under both readings of a rest day.

    Example: battrace due 2026-04-29 --working-days 15
    """
    from traceability.compliance.due import Count, due

    given = [
        (n, count)
        for n, count in ((days, Count.DAYS), (working_days, Count.WORKING_DAYS), (months, Count.MONTHS))
        if n is not None
    ]
    if len(given) != 1:
        raise click.UsageError("give one of --days, --working-days and --months")
    answer = due(trigger.date(), *given[0])
    if as_json:
        click.echo(json.dumps(_described(answer), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(_lines(answer)))


def _described(answer: Due) -> dict[str, object]:
    from traceability.compliance.due import DEFAULT, WHY_DEFAULT_EN, WHY_DEFAULT_ZH, Reading

    return {
        "trigger": answer.trigger.isoformat(),
        "length": answer.length,
        "count": answer.count.value,
        "due": answer.under(DEFAULT).isoformat(),
        "default": DEFAULT.value,
        "reason_en": WHY_DEFAULT_EN,
        "reason_zh": WHY_DEFAULT_ZH,
        "readings": [
            {
                "reading": reading.value,
                "due": answer.under(reading).isoformat(),
                "provisional": reading in answer.provisional,
            }
            for reading in Reading
        ],
        "skipped_holidays": [_rest(rest) for rest in answer.skipped],
        "skipped_weekend_days": answer.weekend_days,
        "made_up_days_counted": [day.isoformat() for day in answer.made_up],
        "moved_past": [_rest(rest) for rest in answer.moved_past],
        "last_of_month": answer.shortened,
        "calendar_published_until": answer.published_until.isoformat(),
        "grade": "K",
    }


def _rest(rest: RestDay) -> dict[str, str]:
    return {"day": rest.day.isoformat(), "name_en": rest.name_en, "name_zh": rest.name_zh}


def _lines(answer: Due) -> list[str]:
    from traceability.compliance.due import DEFAULT, WHY_DEFAULT_EN, Count, Reading

    lines = [
        f"{answer.length} {answer.count.value} after {_day(answer.trigger)}; the day itself is not counted"
    ]
    for reading in Reading:
        said = ", provisional" if reading in answer.provisional else ""
        mark = "  (default)" if reading is DEFAULT else ""
        lines.append(f"  due {_day(answer.under(reading))}  {reading.value}{said}{mark}")
    if answer.shortened:
        lines.append("  the month has no such day: its last day stands for it (art. 202)")
    if answer.count is Count.WORKING_DAYS:
        lines.append(f"  not counted: {answer.weekend_days} weekend days, {len(answer.skipped)} holidays")
        lines += [f"    {_day(rest.day)}  {rest.name_en} {rest.name_zh}" for rest in answer.skipped]
        made_up = ", ".join(_day(day) for day in answer.made_up) or "none"
        lines.append(f"  weekend days that are worked, counted: {made_up}")
    if answer.moved_past:
        lines.append("  the last day as counted is a rest day; passed over (art. 203):")
        lines += [f"    {_day(rest.day)}  {rest.name_en} {rest.name_zh}" for rest in answer.moved_past]
    else:
        lines.append("  the last day is a working day: both readings agree")
    if answer.provisional:
        lines.append(
            f"  provisional: the calendar is published until {answer.published_until} only; "
            "later days: Monday to Friday less the holidays set by law"
        )
    else:
        lines.append(f"  not provisional: the calendar is published until {answer.published_until}")
    return [
        *lines,
        *textwrap.wrap(f"{WHY_DEFAULT_EN} (grade K)", 98, initial_indent="  ", subsequent_indent="  "),
    ]


def _day(day: date) -> str:
    # not strftime: the name of a day shall not depend on the machine's language
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return f"{day.isoformat()} {names[day.weekday()]}"
