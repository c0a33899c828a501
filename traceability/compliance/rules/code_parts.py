"""What a code says of who made the battery, and when: R05, R09."""

from __future__ import annotations

import calendar
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from traceability.codes import DAY, FIRST_YEAR, MONTH, YEAR, Fault, Form, place_of
from traceability.compliance.law import (
    CODING_NOTICE_2018,
    GB_T_34014,
    Article,
    Basis,
    DatedLimit,
    Grade,
    cn_2018,
    day_of,
    days,
    none,
    order_73,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import finding, in_force, one_of
from traceability.compliance.views import View
from traceability.events import day_number
from traceability.store import schema
from traceability.vocabulary import EventType, Role

_CODED = (EventType.CODE, EventType.REMAKE)


def _letters(code: ColumnElement[str], place: slice) -> ColumnElement[str]:
    return func.substr(code, place.start + 1, place.stop - place.start)


def _date_letters(code: ColumnElement[str]) -> ColumnElement[str]:
    """Return the letters of year, month and day; the reuse mark tells the short form from the others."""
    start = {form: place_of("year", form).start for form in Form}
    again = _letters(code, place_of("reuse mark", Form.REUSED)) == "R"
    short, usual = (_letters(code, slice(start[form], start[form] + 3)) for form in (Form.REUSED, Form.NEW))
    return case((again, short), else_=usual)


def _day_told(written: ColumnElement[str]) -> ColumnElement[int]:
    """Return the day that the letters of year, month and day mean; null where a letter means none."""
    year, month, day = (func.substr(written, n, 1) for n in (1, 2, 3))
    years = {letter: FIRST_YEAR + n for n, letter in enumerate(YEAR)}
    new_year = {letter: day_number(date(number, 1, 1)) for letter, number in years.items()}
    # a common year: days before the month
    before = {letter: day_of(2019, n, 1) - day_of(2019, 1, 1) for n, letter in enumerate(MONTH, 1)}
    leap = and_(
        year.in_([letter for letter, number in years.items() if calendar.isleap(number)]),
        month.not_in(list(MONTH[:2])),
    )
    days_of_month = {letter: n for n, letter in enumerate(DAY)}
    return (
        case(new_year, value=year)
        + case(before, value=month)
        + case((leap, 1), else_=0)
        + case(days_of_month, value=day)
    )


def _date_differs(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each unit whose code tells another day of production than the log; measured: days between them."""
    e, unit = view.event, view.unit
    coded = (
        select(e.c.event_id, e.c.unit, e.c.vehicle, e.c.actor, e.c.event_day, unit.c.made_day)
        .add_columns(_date_letters(unit.c.code).label("written"))
        .select_from(e.join(unit, unit.c.unit == e.c.unit))
        .where(
            one_of(e.c.event, _CODED),
            in_force(limit, e.c.event_day),
            # what cannot be read is R01's and R02's business
            unit.c.code_fault.bitwise_and(Fault.SYNTAX | Fault.SENSE) == 0,
        )
        .subquery("coded")
    )
    off = func.abs(_day_told(coded.c.written) - coded.c.made_day)
    return finding(coded, off).where(off > limit.value)


def _by_another_maker(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each unit whose code begins with a maker code that is not registered for who gave it."""
    e, unit, coder = view.event, view.unit, view.actor
    rows = e.join(unit, unit.c.unit == e.c.unit).join(coder, coder.c.actor == e.c.actor)
    return (
        finding(e)
        .select_from(rows)
        .where(
            one_of(e.c.event, _CODED),
            in_force(limit, e.c.event_day),
            unit.c.code_fault.bitwise_and(int(Fault.SYNTAX)) == 0,
            # null, where there is no code, is no breach: R04's business
            _letters(unit.c.code, place_of("maker", Form.NEW)) != func.coalesce(coder.c.maker_code, ""),
        )
    )


CODE_DATE_DIFFERS = Rule(
    id="R05",
    name="CODE_DATE_DIFFERS",
    title_en="Code tells another day than that of production",
    title_zh="编码日期与生产日期不符",
    says_en="The day that a code tells is the day of production, within {limit}.",
    says_zh="编码中的日期应与生产日期一致，相差不超过{limit}。",
    binds=(Role.BATTERY_ENT, Role.PRODUCT_MAKER),
    kind=Kind.STRUCTURE,
    severity=Severity.MINOR,
    needs=_CODED,
    limits=(
        cn_2018(days(1), Article(GB_T_34014), source="N1", basis=Basis.STANDARD, assumed=True),
        order_73(
            days(1), Article(GB_T_34014), grade=Grade.C, source="N1", basis=Basis.STANDARD, assumed=True
        ),
    ),
    violations=_date_differs,
)

MAKER_CODE_NOT_ITS_OWN = Rule(
    id="R09",
    name="MAKER_CODE_NOT_ITS_OWN",
    title_en="Maker code is not registered for who gave the code",
    title_zh="厂商代码未备案或非本企业所有",
    says_en="A code begins with the manufacturer code that is registered for the firm that gives it.",
    says_zh="编码前三位应为赋码企业备案的厂商代码。",
    binds=(Role.BATTERY_ENT, Role.PRODUCT_MAKER),
    kind=Kind.EVENT,
    severity=Severity.MAJOR,
    needs=_CODED,
    limits=(
        cn_2018(none(), Article(CODING_NOTICE_2018), source="N2 N6"),
        order_73(none(), Article(CODING_NOTICE_2018), grade=Grade.C, source="N2 N6", basis=Basis.PREDECESSOR),
    ),
    violations=_by_another_maker,
    columns=(schema.actor.c.maker_code,),
)
