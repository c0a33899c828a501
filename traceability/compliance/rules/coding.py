"""Codes: R01 to R04, R08."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Select, and_, case, cast, distinct, func, or_, select

from traceability.codes import Fault
from traceability.compliance.law import (
    GB_T_34014,
    MEASURES_2018,
    Article,
    Basis,
    DatedLimit,
    Grade,
    cn_2018,
    count,
    none,
    order_73,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import NOTHING, code_faulty, finding, in_force, one_of
from traceability.compliance.views import View
from traceability.vocabulary import EventType, LinkKind, Role

_CODED = (EventType.CODE, EventType.REMAKE)

_CODING_DUTY = (
    cn_2018(none(), Article(MEASURES_2018), source="P6"),
    order_73(none(), grade=Grade.B, source="S6 S7 S8 S12"),
)


def _given_before(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each unit given a code that the log has seen on an earlier unit; measured: units that carry it."""
    e, unit = view.event, view.unit
    coded = e.join(unit, unit.c.unit == e.c.unit)
    given = and_(one_of(e.c.event, _CODED), unit.c.code.is_not(None))
    carriers = func.count(distinct(e.c.unit))
    twice = (
        select(unit.c.code, func.min(e.c.event_id).label("first"), carriers.label("carriers"))
        .select_from(coded)
        .where(given)
        .group_by(unit.c.code)
        .having(carriers > 1)
        .subquery("twice")
    )
    return (
        finding(e, twice.c.carriers)
        .select_from(coded.join(twice, twice.c.code == unit.c.code))
        .where(given, e.c.event_id != twice.c.first, in_force(limit, e.c.event_day))
    )


def _without_code_or_links(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each product remade without a code, under the code of a source, or without a link to any source."""
    e, link, product = view.event, view.link, view.unit.alias("product")
    source = view.unit.alias("source")
    known = (
        select(
            link.c.parent,
            cast(func.sum(case((source.c.code == product.c.code, 1), else_=0)), BigInteger).label(
                "same_code"
            ),
        )
        .select_from(
            link.join(source, source.c.unit == link.c.child).join(product, product.c.unit == link.c.parent)
        )
        .where(link.c.kind == int(LinkKind.MADE_FROM))
        .group_by(link.c.parent)
        .subquery("sources")
    )
    remade = e.join(product, product.c.unit == e.c.unit).outerjoin(known, known.c.parent == e.c.unit)
    return (
        finding(e)
        .select_from(remade)
        .where(
            e.c.event == int(EventType.REMAKE),
            in_force(limit, e.c.event_day),
            or_(product.c.code.is_(None), known.c.parent.is_(None), known.c.same_code > 0),
        )
    )


def _uncoded_or_unmapped(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each battery, or freed part of one, that has no code; each freed part that the log has in no whole.

    The one at fault is who should have given the code: the maker of the battery.
    """
    e, unit, link = view.event, view.unit, view.link
    part = select(link.c.child).where(link.c.kind == int(LinkKind.CONTAINS)).distinct().subquery("part")
    unmapped = and_(e.c.event == int(EventType.FREE), part.c.child.is_(None))
    return (
        select(e.c.event_id, e.c.unit, e.c.vehicle, unit.c.coder.label("actor"), e.c.event_day.label("day"))
        .add_columns(NOTHING.label("measured"))
        .select_from(e.join(unit, unit.c.unit == e.c.unit).outerjoin(part, part.c.child == e.c.unit))
        .where(
            one_of(e.c.event, (EventType.CODE, EventType.FREE)),
            in_force(limit, e.c.event_day),
            or_(unit.c.code.is_(None), unmapped),
        )
    )


CODE_SYNTAX_WRONG = Rule(
    id="R01",
    name="CODE_SYNTAX_WRONG",
    title_en="Code is not written as the standard asks",
    title_zh="编码格式错误",
    says_en="A battery bears a code with the form of GB/T 34014.",
    says_zh="动力电池应按GB/T 34014规定的格式编码。",
    binds=(Role.BATTERY_ENT,),
    kind=Kind.STRUCTURE,
    severity=Severity.CRITICAL,
    needs=_CODED,
    limits=_CODING_DUTY,
    violations=code_faulty(Fault.SYNTAX),
)

CODE_SENSE_WRONG = Rule(
    id="R02",
    name="CODE_SENSE_WRONG",
    title_en="Code says what cannot be",
    title_zh="编码含义错误",
    says_en="A code tells the level of its unit, a battery type that is known, a real day and a serial of at "
    "least 1.",
    says_zh="编码的产品类型、电池类型、日期和序号应真实有效。",
    binds=(Role.BATTERY_ENT,),
    kind=Kind.STRUCTURE,
    severity=Severity.MAJOR,
    needs=_CODED,
    limits=_CODING_DUTY,
    violations=code_faulty(Fault.SENSE),
)

CODE_USED_TWICE = Rule(
    id="R03",
    name="CODE_USED_TWICE",
    title_en="Code used twice",
    title_zh="编码重复",
    says_en="A code is given to {limit} battery and never again.",
    says_zh="编码具有唯一性，一个编码只对应{limit}个电池。",
    binds=(Role.BATTERY_ENT,),
    kind=Kind.HISTORY,
    severity=Severity.CRITICAL,
    needs=_CODED,
    limits=(order_73(count(1), grade=Grade.B, source="S6 S7 S8 S12"),),
    violations=_given_before,
)

NOT_CODED_OR_MAPPED = Rule(
    id="R04",
    name="NOT_CODED_OR_MAPPED",
    title_en="Battery or part without a code, or part of no known whole",
    title_zh="电池或部件未编码、未建立上下级对应关系",
    says_en="Every pack, module and cell bears a code, and each part is mapped to what it is a part of.",
    says_zh="电池包、模块和单体均应编码，并建立上下级对应关系。",
    binds=(Role.BATTERY_ENT,),
    kind=Kind.STRUCTURE,
    severity=Severity.MAJOR,
    needs=(EventType.CODE, EventType.FREE),
    limits=(
        cn_2018(none(), Article(GB_T_34014, "4.1"), source="N1", basis=Basis.STANDARD),
        order_73(none(), Article(GB_T_34014, "4.1"), grade=Grade.B, source="S6", basis=Basis.STANDARD),
    ),
    violations=_uncoded_or_unmapped,
)

REUSED_ITEM_NOT_CODED_ANEW = Rule(
    id="R08",
    name="REUSED_ITEM_NOT_CODED_ANEW",
    title_en="Reused item without a code of its own or without links to its sources",
    title_zh="再利用产品未重新编码或未关联原编码",
    says_en="A product made from used batteries gets its own code and keeps the links to all original codes.",
    says_zh="再利用产品应重新编码，并保留与原编码的关联。",
    binds=(Role.PRODUCT_MAKER,),
    kind=Kind.HISTORY,
    severity=Severity.CRITICAL,
    needs=(EventType.REMAKE,),
    limits=(
        cn_2018(none(), Article(GB_T_34014, "4.2"), source="N1", basis=Basis.STANDARD),
        order_73(none(), Article(GB_T_34014, "4.2"), grade=Grade.C, source="N1", basis=Basis.STANDARD),
    ),
    violations=_without_code_or_links,
)
