"""The three kinds of store give the same answers: one statement, three databases."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import and_, case, cast, exists, func, or_, select, union_all
from sqlalchemy.types import BigInteger

from traceability.events import NULL
from traceability.store import Store, open_store
from traceability.store.base import Query
from traceability.store.schema import actor, event, link, unit

DAYS = st.one_of(st.just(NULL), st.integers(0, 40))


@st.composite
def logs(draw: st.DrawFn) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of some tables: few units, actors and days, so that they meet."""
    units = draw(st.integers(1, 6))
    some = st.integers(0, units - 1)
    happened = st.tuples(
        st.integers(1, 4),
        st.one_of(st.just(NULL), some),
        st.integers(0, 2),
        st.integers(0, 40),
        DAYS,
        st.booleans(),
    )
    code = st.one_of(st.just(""), st.sampled_from(["A1", "B2", "A1'%"]))
    return {
        "event": draw(st.lists(happened, max_size=40)),
        "unit": [(n, draw(code), draw(st.integers(1, 3)), draw(st.integers(0, 2**40))) for n in range(units)],
        "link": draw(st.lists(st.tuples(some, some, st.integers(0, 40), DAYS), max_size=8)),
    }


def columns(rows: list[tuple[Any, ...]], names: str) -> dict[str, Any]:
    values = list(zip(*rows, strict=True)) or [()] * len(names.split())
    return {name: np.array(column) for name, column in zip(names.split(), values, strict=True)}


def fill(store: Store, log: dict[str, list[tuple[Any, ...]]]) -> None:
    if rows := log["event"]:
        happened = columns(rows, "event unit actor event_day record_day happened")
        store.append(event, len(rows), happened | {"event_id": np.arange(len(rows))})
    packs = columns(log["unit"], "unit code level mass_g")
    packs["code"] = packs["code"].astype("S")
    same = dict.fromkeys(("code_fault", "chemistry", "coder", "made_day", "energy_wh", "purpose"), 1)
    store.append(unit, len(log["unit"]), packs | same)
    if rows := log["link"]:
        store.append(link, len(rows), columns(rows, "parent child from_day to_day") | {"kind": 1})
    roles = {"role": np.arange(2), "province": 44, "stands_for": 1}
    store.append(actor, 2, {"actor": np.arange(2), "name": ["甲", "乙"]} | roles)
    store.finish()


def queries() -> dict[str, Query]:
    e, later = event, event.alias("later")
    before = func.lag(e.c.event).over(partition_by=e.c.unit, order_by=(e.c.event_day, e.c.event_id))
    after = func.lead(e.c.event_day).over(partition_by=e.c.unit, order_by=(e.c.event_day, e.c.event_id))
    history = select(e.c.event_id, e.c.unit, before.label("before"), after.label("after")).cte("history")
    nobody_later = ~exists().where(
        and_(later.c.unit == e.c.unit, later.c.event == 2, later.c.event_day >= e.c.event_day)
    )
    late = e.c.record_day - e.c.event_day
    named = e.outerjoin(actor, actor.c.actor == e.c.actor).outerjoin(unit, unit.c.unit == e.c.unit)
    return {
        "join": select(e.c.event_id, unit.c.code, actor.c.name, actor.c.role).select_from(named),
        "window": select(history).where(or_(history.c.before.is_(None), history.c.before != 3)),
        "absence": select(e.c.event_id, e.c.unit).where(e.c.event == 1, nobody_later),
        "groups": select(unit.c.code, func.count().label("n"), func.sum(unit.c.mass_g).label("mass"))
        .group_by(unit.c.code)
        .having(func.count() > 1),
        "case": select(
            e.c.event_id,
            case((late > 30, "late"), (e.c.record_day.is_(None), "never"), else_="in time").label("verdict"),
            func.coalesce(late, -1).label("days"),
            e.c.happened.label("happened"),
        ),
        "union": union_all(
            select(e.c.unit.label("who"), e.c.event_day.label("day")).where(e.c.happened),
            select(link.c.child, link.c.to_day).where(link.c.parent != link.c.child),
            select(unit.c.unit, cast(None, BigInteger)).where(unit.c.code.in_(["A1", "A1'%"])),
        ),
        "like": select(unit.c.unit).where(unit.c.code.like("A%")),
        "products": select(
            unit.c.unit, (unit.c.mass_g * 95 > func.sum(unit.c.mass_g).over() * 10).label("heavy")
        ),
        "totals": select(
            func.sum(e.c.event_day).label("days"),
            func.max(e.c.record_day).label("last"),
            func.count(e.c.record_day).label("told"),
            func.count(e.c.unit.distinct()).label("units"),
        ),
    }


def in_order(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return sorted(rows, key=lambda row: tuple((value is not None, value) for value in row))


@given(log=logs())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_all_stores_give_the_same_answers(log: dict[str, Any], new_postgres_url: Callable[[], str]) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        urls = (f"parquet:{folder}/log", f"sqlite:///{folder}/log.db", new_postgres_url())
        stores = [stack.enter_context(open_store(url, create=True)) for url in urls]
        for store in stores:
            fill(store, log)
        for name, query in {**queries(), **{t.name: select(t) for t in (event, unit, link, actor)}}.items():
            parquet, sqlite, postgres = (in_order(store.rows(query)) for store in stores)
            assert parquet == sqlite == postgres, name
            assert [tuple(map(type, row)) for row in parquet] == [
                tuple(map(type, row)) for row in postgres
            ], name
            for store in stores:
                arrays = store.select(query)
                assert {array.size for array in arrays.values()} == {len(parquet)}
                back = zip(*(map(as_python, array) for array in arrays.values()), strict=True)
                assert in_order(list(back)) == parquet, name


def as_python(value: object) -> object:
    plain = value.item() if isinstance(value, np.generic) else value
    return None if plain == NULL else plain


@pytest.mark.parametrize("name", list(queries()))
def test_every_query_finds_something(name, tmp_path):
    """Otherwise the stores would agree on nothing at all."""
    log = {
        "event": [
            (1, 0, 0, 5, 40, True),
            (3, 0, 1, 6, NULL, False),
            (1, 0, 2, 9, 9, True),
            (2, NULL, 0, 3, 3, True),
        ],
        "unit": [(0, "A1", 1, 2**40), (1, "A1", 1, 5), (2, "", 1, 5)],
        "link": [(0, 1, 3, NULL)],
    }
    with open_store(str(tmp_path / "log"), create=True) as store:
        fill(store, log)
        assert store.rows(queries()[name])
