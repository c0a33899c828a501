"""What each view shows of a log, row by row; and that rules agree with plain programs on random logs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from traceability.compliance.audit import audit
from traceability.compliance.law import ORDER_73_FROM, day_of
from traceability.compliance.rules import RULES
from traceability.compliance.views import View, register, truth
from traceability.events import NEVER, NULL
from traceability.store import Store, open_store, schema
from traceability.vocabulary import EventType, Role
from traceability.workdays import ordinals, working_days_between

BY_ID = {rule.id: rule for rule in RULES}
OEM, CU, OUTLET = 0, 1, 2
ROLES = (Role.OEM, Role.CU, Role.OUTLET)
START = ORDER_73_FROM - 60


class Row(NamedTuple):
    event: EventType
    day: int
    told: int = NEVER
    unit: int = 0
    vehicle: int = NULL
    actor: int = CU
    receiver: int = NULL
    happened: bool = True
    corrects: int = NULL


def log(directory: str, rows: Sequence[Row]) -> Store:
    """A store with *rows*, their place being their number."""
    store = open_store(f"sqlite:///{Path(directory) / 'log.sqlite'}", create=True)
    columns = {name: np.array([getattr(row, name) for row in rows]) for name in Row._fields}
    columns["event_day"], columns["record_day"] = columns.pop("day"), columns.pop("told")
    store.append(schema.event, len(rows), columns | {"event_id": np.arange(len(rows))})
    store.append(
        schema.actor,
        len(ROLES),
        {
            "actor": np.arange(3),
            "name": "a",
            "role": np.array([int(role) for role in ROLES]),
            "province": 0,
            "stands_for": 1,
        },
    )
    vehicles = {"vehicle": np.arange(3), "kind": 0, "maker": 0, "province": 0}
    store.append(schema.vehicle, 3, vehicles | {"swap": np.array([False, False, True])})
    calendar = ordinals(START - 1, START + 400)
    store.append(schema.workday, calendar.day.size, calendar.columns())
    return store


def seen(store: Store, view: View) -> list[tuple[object, ...]]:
    e = view.event
    return store.rows(select(e.c.event_id, e.c.record_day).order_by(e.c.event_id))


D = day_of(2026, 5, 1)
LATE, NEVER_TOLD, INVENTED, CORRECTION, TOMORROW = range(5)
ROWS = (
    Row(EventType.RECEIVE, D, D + 10),
    Row(EventType.RECEIVE, D),
    Row(EventType.RECEIVE, D, D + 1, happened=False),
    Row(EventType.RECEIVE, D, D + 5, happened=False, corrects=INVENTED),
    Row(EventType.RECEIVE, D + 1, D + 1),
)


def test_the_truth_is_what_happened_and_a_report_to_come_is_not_seen(tmp_path):
    with log(str(tmp_path), ROWS) as store:
        assert seen(store, truth(D)) == [(LATE, None), (NEVER_TOLD, None)]
        assert seen(store, truth(D + 10)) == [(LATE, D + 10), (NEVER_TOLD, None), (TOMORROW, D + 1)]
        assert seen(store, truth(D - 1)) == []


def test_the_register_is_what_was_told_less_what_was_replaced(tmp_path):
    with log(str(tmp_path), ROWS) as store:
        assert seen(store, register(D)) == []
        assert seen(store, register(D + 4)) == [(INVENTED, D + 1), (TOMORROW, D + 1)]
        assert seen(store, register(D + 5)) == [(CORRECTION, D + 5), (TOMORROW, D + 1)]
        assert seen(store, register(D + 10)) == [(LATE, D + 10), (CORRECTION, D + 5), (TOMORROW, D + 1)]


def test_links_and_balances_are_seen_like_events(tmp_path):
    with log(str(tmp_path), ROWS) as store:
        links = {"kind": 1, "parent": 1, "child": np.arange(3), "from_day": np.array([D, D, D + 9])}
        store.append(
            schema.link,
            3,
            links | {"to_day": np.array([D + 9, NULL, NULL]), "record_day": np.array([NULL, D + 2, D + 9])},
        )
        same = {
            "element": 0,
            "actor": CU,
            "day": D,
            "year": 2026,
            "input_g": 1,
            "recovered_g": 1,
            "residue_g": 0,
        }
        told = {"record_day": np.array([NULL, D + 2]), "happened": np.array([True, False])}
        store.append(schema.material, 2, same | {"lot": np.arange(2)} | told)

        def children(view: View) -> list[tuple[object, ...]]:
            k = view.link
            return store.rows(select(k.c.child, k.c.to_day).order_by(k.c.child))

        def lots(view: View) -> list[tuple[object, ...]]:
            return store.rows(select(view.material.c.lot).order_by(view.material.c.lot))

        assert children(truth(D)) == [(0, None), (1, None)]
        assert children(truth(D + 9)) == [(0, D + 9), (1, None), (2, None)]
        assert children(register(D + 2)) == [(1, None)]
        assert (lots(truth(D)), lots(register(D))) == ([(0,)], [])
        assert (lots(truth(D + 2)), lots(register(D + 2))) == ([(0,)], [(1,)])


FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def receipts(draw: st.DrawFn) -> Row:
    day = draw(st.integers(START, START + 120))
    told = draw(st.one_of(st.just(NEVER), st.integers(day, day + 60)))
    return Row(EventType.RECEIVE, day, told, actor=draw(st.sampled_from([CU, OUTLET])))


@FEW
@given(st.lists(receipts(), min_size=1, max_size=20), st.integers(START + 20, START + 200))
def test_late_receipts_are_those_that_a_plain_program_finds(rows, as_of):
    expected = []
    for number, row in enumerate(rows):
        told = as_of if row.told == NEVER or row.told > as_of else row.told
        if row.actor != CU or row.day > as_of:
            continue
        waited = told - row.day if row.day >= ORDER_73_FROM else working_days_between(row.day, told)
        if waited > 30:
            expected.append((number, waited))
    with tempfile.TemporaryDirectory() as directory, log(directory, rows) as store:
        found = audit(store, truth(as_of), (BY_ID["R46"],)).findings
    assert sorted(zip(found.event_id.tolist(), found.measured.tolist(), strict=True)) == expected


@st.composite
def bindings(draw: st.DrawFn) -> Row:
    event = draw(st.sampled_from([EventType.INSTALL, EventType.INSTALL, EventType.SWAP_IN, EventType.REMOVE]))
    day = draw(st.integers(ORDER_73_FROM - 3, ORDER_73_FROM + 6))
    return Row(event, day, day, unit=draw(st.integers(0, 2)), vehicle=draw(st.integers(0, 2)), actor=OEM)


def badly_bound(rows: Sequence[Row], as_of: int) -> list[int]:
    """The numbers of the rows of R13, by intervals: a stay lasts until the pack's next row."""
    order = sorted(range(len(rows)), key=lambda n: (rows[n].day, n))
    puts = {EventType.INSTALL, EventType.SWAP_IN}
    stays, wrong = [], []
    for place, n in enumerate(order):
        row = rows[n]
        if row.event not in puts:
            continue
        before = [rows[m].event for m in order[:place] if rows[m].unit == row.unit]
        after = [rows[m].day for m in order[place + 1 :] if rows[m].unit == row.unit]
        crowded = row.vehicle != 2 and any(v == row.vehicle and end > row.day for v, end in stays)
        if row.day >= ORDER_73_FROM and (crowded or (before and before[-1] in puts)):
            wrong.append(n)
        stays.append((row.vehicle, after[0] if after else as_of + 1))
    return sorted(wrong)


@FEW
@given(st.lists(bindings(), min_size=1, max_size=12))
def test_bad_bindings_are_those_that_a_plain_program_finds(rows):
    as_of = ORDER_73_FROM + 10
    with tempfile.TemporaryDirectory() as directory, log(directory, rows) as store:
        found = [audit(store, view(as_of), (BY_ID["R13"],)).findings for view in (truth, register)]
    assert sorted(found[0].event_id.tolist()) == badly_bound(rows, as_of)
    assert found[1].event_id.tolist() == found[0].event_id.tolist()


@st.composite
def movements(draw: st.DrawFn) -> Row:
    event = draw(st.sampled_from([EventType.SHIP, EventType.SHIP, EventType.COLLECT, EventType.RECEIVE]))
    day = draw(st.integers(ORDER_73_FROM - 3, ORDER_73_FROM + 40))
    actor = draw(st.integers(0, 2))
    receiver = draw(st.integers(0, 2)) if event is EventType.SHIP else NULL
    return Row(event, day, day, unit=draw(st.integers(0, 1)), actor=actor, receiver=receiver)


def badly_moved(rows: Sequence[Row], as_of: int) -> list[int]:
    """The numbers of the rows of R25: each shipment with the pack's row before and the one after."""
    order = sorted(range(len(rows)), key=lambda n: (rows[n].day, n))
    wrong = []
    for place, n in enumerate(order):
        row = rows[n]
        if row.event is not EventType.SHIP or row.day < ORDER_73_FROM:
            continue
        before = [rows[m] for m in order[:place] if rows[m].unit == row.unit][-1:]
        after = [rows[m] for m in order[place + 1 :] if rows[m].unit == row.unit][:1]
        late = (after[0].day if after else as_of) - row.day > 15
        elsewhere = any(r.event is EventType.SHIP or r.actor != row.receiver for r in after)
        stranger = any(r.event is not EventType.SHIP and r.actor != row.actor for r in before)
        if late or elsewhere or stranger:
            wrong.append(n)
    return sorted(wrong)


@FEW
@given(st.lists(movements(), min_size=1, max_size=12), st.integers(40, 70))
def test_open_chains_are_those_that_a_plain_program_finds(rows, wait):
    as_of = ORDER_73_FROM + wait
    with tempfile.TemporaryDirectory() as directory, log(directory, rows) as store:
        found = audit(store, truth(as_of), (BY_ID["R25"],)).findings
    assert sorted(found.event_id.tolist()) == badly_moved(rows, as_of)
