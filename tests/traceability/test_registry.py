"""The one door: what can happen is recorded, what cannot is refused whole and leaves no trace."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from traceability.codes import Fault
from traceability.compliance.views import register, truth
from traceability.errors import BatchError, ImpossibleTransition, StoreError
from traceability.events import NULL, EventBatch
from traceability.lifecycle import TRANSITIONS
from traceability.registry import Registry
from traceability.store import Store, open_store, schema
from traceability.vocabulary import (
    VEHICLE_EVENTS,
    Chemistry,
    Detail,
    EventType,
    Level,
    LinkKind,
    Permit,
    State,
)

GOOD = "ZZ9PB1AA0B1234G410000042"
DAY = 20_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'log.db'}", create=True) as opened:
        yield opened


@pytest.fixture
def registry(store: Store) -> Registry:
    return Registry(store)


def commission(registry, rows, level=Level.PACK, printed=None, **columns):
    return registry.commission(
        level,
        coder=0,
        chemistry=int(Chemistry.LFP),
        made_day=DAY,
        energy_wh=50_000,
        mass_g=400_000,
        printed=printed,
        rows=rows,
        **columns,
    )


def vehicles(registry, rows):
    vins = [f"LZZTEST1{n:09d}" for n in range(rows)]
    return registry.enrol_vehicles(vin=vins, kind=0, maker=1, province=1, swap=False, rows=rows)


def record(registry, event, units, day=DAY, **columns):
    return registry.record(EventBatch.of(event, np.asarray(units), actor=0, event_day=day, **columns))


def log(store, *names):
    """The rows of the event table, in order, as tuples of the columns *names* (all where none is named)."""
    columns = [schema.event.c[name] for name in names] or list(schema.event.c)
    return store.rows(select(*columns).order_by(schema.event.c.event_id))


def state_names(registry, units):
    return [State(int(state)).name for state in registry.states(np.asarray(units))]


# by hand


def test_units_are_numbered_from_nought_and_begin_unregistered(registry):
    assert commission(registry, 2).tolist() == [0, 1]
    assert commission(registry, 1, Level.LOT).tolist() == [2]
    assert state_names(registry, [0, 1, 2]) == ["UNREGISTERED"] * 3
    assert vehicles(registry, 2).tolist() == [0, 1]


def test_a_batch_moves_all_its_units_and_writes_a_row_for_each(registry, store):
    units = commission(registry, 3)
    assert record(registry, EventType.CODE, units, record_day=DAY + 3) == 0
    assert record(registry, EventType.DELIVER, units[1:], DAY + 1, receiver=7) == 3
    assert state_names(registry, units) == ["CODED", "IN_STOCK", "IN_STOCK"]
    assert registry.events == 5
    assert log(store, "event_id", "event", "unit", "receiver", "event_day", "record_day") == [
        (0, 1, 0, None, DAY, DAY + 3),
        (1, 1, 1, None, DAY, DAY + 3),
        (2, 1, 2, None, DAY, DAY + 3),
        (3, 2, 1, 7, DAY + 1, None),
        (4, 2, 2, 7, DAY + 1, None),
    ]


def test_an_event_of_a_vehicle_moves_the_vehicle_and_not_the_pack_in_it(registry):
    unit, vehicle = commission(registry, 1), vehicles(registry, 1)
    record(registry, EventType.CODE, unit)
    record(registry, EventType.INSTALL, unit, vehicles=vehicle)
    record(registry, EventType.CERTIFY, unit, vehicles=vehicle)
    assert state_names(registry, unit) == ["IN_VEHICLE"]
    assert registry.census()[Level.VEHICLE] == {State.CERTIFIED: 1}


def test_a_vehicle_can_come_without_its_battery(registry, store):
    vehicle = vehicles(registry, 1)
    for event in (EventType.CERTIFY, EventType.SELL, EventType.RECEIVE_VEHICLE):
        record(registry, event, [NULL], vehicles=vehicle)
    assert registry.census()[Level.VEHICLE] == {State.DELIVERED_FOR_SCRAP: 1}
    assert log(store, "unit", "vehicle") == [(None, 0)] * 3


def test_a_batch_of_which_one_cannot_move_is_refused_whole(registry, store):
    units = commission(registry, 3)
    record(registry, EventType.CODE, units[:2])
    before = log(store)
    with pytest.raises(
        ImpossibleTransition, match=r"DELIVER cannot follow UNREGISTERED \(pack 2 in a lot of 3\)"
    ):
        record(registry, EventType.DELIVER, units)
    assert state_names(registry, units) == ["CODED", "CODED", "UNREGISTERED"]
    assert log(store) == before
    assert record(registry, EventType.DELIVER, units[:2]) == 2


def test_a_unit_twice_in_a_batch_is_refused_in_any_order(registry, store):
    units = commission(registry, 4)
    for lot in ([1, 1], [0, 1, 2, 1], [3, 2, 3]):
        with pytest.raises(
            BatchError, match=rf"CODE: number {lot[-1]} stands twice in a batch of {len(lot)}"
        ):
            record(registry, EventType.CODE, lot)
    assert state_names(registry, units) == ["UNREGISTERED"] * 4
    assert log(store) == []


def test_units_in_falling_order_are_no_repeats(registry):
    units = commission(registry, 5)
    record(registry, EventType.CODE, units[::-1])
    assert state_names(registry, units) == ["CODED"] * 5


def test_a_stranger_is_refused_and_said_to_be_one(registry, store):
    commission(registry, 2)
    with pytest.raises(BatchError, match=r"CODE: number 2 was never commissioned \(0 to 1 were\)"):
        record(registry, EventType.CODE, [0, 1, 2])
    with pytest.raises(BatchError, match="number 0 was never commissioned"):
        record(registry, EventType.CERTIFY, [NULL], vehicles=0)
    assert state_names(registry, [0, 1]) == ["UNREGISTERED"] * 2
    assert log(store) == []


def test_what_the_store_refuses_moves_nobody(registry, store):
    units = commission(registry, 1)
    with pytest.raises(StoreError, match="column actor: 1099511627776 does not fit 32 bits"):
        registry.record(EventBatch.of(EventType.CODE, units, actor=2**40, event_day=DAY))
    assert (state_names(registry, units), registry.events, log(store)) == (["UNREGISTERED"], 0, [])


def test_an_empty_batch_is_no_event(registry, store):
    assert record(registry, EventType.CODE, np.array([], dtype=np.int64)) == 0
    assert (registry.events, log(store)) == (0, [])


def test_a_false_report_is_written_and_moves_nobody(registry, store):
    units = commission(registry, 1)
    record(registry, EventType.SHIP, units, record_day=DAY + 1, happened=False)
    assert state_names(registry, units) == ["UNREGISTERED"]
    assert log(store, "event", "happened") == [(int(EventType.SHIP), False)]


def test_a_correction_leaves_both_rows_and_the_register_shows_the_new_one(registry, store):
    units = commission(registry, 2)
    record(registry, EventType.CODE, units, record_day=DAY)
    lie = record(registry, EventType.DELIVER, units, record_day=DAY, happened=False, receiver=5)
    truly = EventBatch.of(EventType.LOSE, units, actor=0, event_day=DAY, record_day=DAY + 9)
    assert registry.correct(truly, np.array([lie, lie + 1])) == 4
    assert state_names(registry, units) == ["MISSING"] * 2
    assert log(store, "event_id", "corrects")[2:] == [(2, None), (3, None), (4, 2), (5, 3)]
    shown = {
        day: [row[0] for row in store.rows(select(view.event.c.event_id).order_by(view.event.c.event_id))]
        for day, view in ((DAY + 8, register(DAY + 8)), (DAY + 9, register(DAY + 9)))
    }
    assert shown == {DAY + 8: [0, 1, 2, 3], DAY + 9: [0, 1, 4, 5]}
    happened = store.rows(select(truth(DAY).event.c.event_id).order_by(truth(DAY).event.c.event_id))
    assert [row[0] for row in happened] == [0, 1, 4, 5]


def test_a_correction_must_name_as_many_records_as_it_has_rows(registry, store):
    units = commission(registry, 2)
    batch = EventBatch.of(EventType.CODE, units, actor=0, event_day=DAY)
    with pytest.raises(BatchError, match="column corrects has 1 rows, units has 2"):
        registry.correct(batch, np.array([0]))
    assert (state_names(registry, units), log(store)) == (["UNREGISTERED"] * 2, [])


def test_the_verdict_on_a_code_is_written_beside_it(registry, store):
    commission(registry, 3, printed=[GOOD, "nonsense", None])
    commission(registry, 1, printed=np.array([GOOD], dtype="S24"), code_fault=0)
    rows = store.rows(select(schema.unit.c.code, schema.unit.c.code_fault).order_by(schema.unit.c.unit))
    assert [code for code, _ in rows] == [GOOD, "nonsense", None, GOOD]
    assert [rows[0][1], rows[3][1]] == [0, 0]
    assert int(str(rows[1][1])) & Fault.SYNTAX


def test_links_actors_permits_and_balances_are_written_as_given(registry, store):
    registry.enrol_actors(
        {"actor": np.arange(2), "name": ["A", "B"], "role": 1, "province": 0, "stands_for": 1}, 2
    )
    registry.grant_permits(actor=np.array([1]), kind=int(Permit.EIA), valid_from=DAY)
    parent, children = commission(registry, 1), commission(registry, 2, Level.MODULE)
    registry.link(LinkKind.CONTAINS, parent=int(parent[0]), child=children, from_day=DAY, to_day=DAY + 5)
    registry.balance(1, lot=0, element=1, actor=1, day=DAY, year=2024, input_g=10, recovered_g=9, residue_g=1,
                     happened=True)  # fmt: skip
    assert store.rows(select(schema.actor.c.name, schema.actor.c.role)) == [("A", 1), ("B", 1)]
    assert store.rows(select(schema.permit)) == [(1, int(Permit.EIA), DAY, None)]
    assert store.rows(select(schema.link)) == [(1, 0, 1, DAY, DAY + 5, None), (1, 0, 2, DAY, DAY + 5, None)]
    assert store.rows(select(schema.material.c.input_g, schema.material.c.record_day)) == [(10, None)]


def test_a_registry_goes_on_where_the_log_stopped(tmp_path):
    url = f"sqlite:///{tmp_path / 'log.db'}"
    with open_store(url, create=True) as store:
        first = Registry(store)
        record(first, EventType.CODE, commission(first, 2))
        vehicles(first, 1)
    with open_store(url, incomplete_ok=True) as store:
        second = Registry.resume(store)
        assert (second.events, second.census()) == (2, first.census())
        assert commission(second, 1, Level.MODULE).tolist() == [2]
        assert record(second, EventType.INSTALL, [0], vehicles=0) == 2
        assert state_names(second, [0, 1, 2]) == ["IN_VEHICLE", "CODED", "UNREGISTERED"]
        with pytest.raises(ImpossibleTransition):
            record(second, EventType.CODE, [1])


def test_an_empty_log_resumes_to_an_empty_registry(store):
    again = Registry.resume(store)
    assert (again.events, again.census()) == (0, {})


def test_the_same_door_leads_to_a_parquet_store(tmp_path):
    path = tmp_path / "log"
    with open_store(str(path), create=True) as store:
        registry = Registry(store)
        units = commission(registry, 3)
        record(registry, EventType.CODE, units)
        with pytest.raises(ImpossibleTransition):
            record(registry, EventType.REMOVE, units)
        registry.finish()
        assert log(store, "event_id", "event", "unit") == [(0, 1, 0), (1, 1, 1), (2, 1, 2)]
    with open_store(str(path)) as store:
        again = Registry.resume(store)
        assert (again.events, again.census()) == (3, {Level.PACK: {State.CODED: 3}})


# for all histories

UNITS = [Level.PACK] * 4 + [Level.MODULE] * 2 + [Level.PRODUCT, Level.LOT]
VEHICLES = 3

steps = st.lists(
    st.tuples(
        st.integers(0, 99),
        st.lists(st.integers(0, len(UNITS)), min_size=1, max_size=5),
        st.sampled_from([True, True, True, False]),
    ),
    max_size=25,
)


def peopled(store):
    registry = Registry(store)
    for level in UNITS:
        commission(registry, 1, level)
    vehicles(registry, VEHICLES)
    return registry


def batch_of(registry, choice, numbers, happened):
    """A batch that makes sense for the first of *numbers*, or (each fifth) any; they may be strangers or twice."""
    first = numbers[0]
    level = UNITS[first] if first < len(UNITS) else Level.PACK
    events = sorted(set(EventType) - VEHICLE_EVENTS)
    if choice % 5 and first < len(UNITS):
        state = State(int(registry.states(np.array([first]))[0]))
        events = [event for before, event in TRANSITIONS[level] if before == state] or events
    event = events[choice % len(events)]
    if choice % 7 == 3:
        event = sorted(VEHICLE_EVENTS)[choice % 4]
        return EventBatch.of(
            event, np.full(len(numbers), NULL), vehicles=np.array(numbers) % (VEHICLES + 1), actor=0,
            event_day=DAY, happened=happened,
        )  # fmt: skip
    return EventBatch.of(
        event, np.array(numbers), actor=choice, event_day=DAY, record_day=DAY + choice, happened=happened
    )


def played(
    store: Store, program: Any, door: Callable[[Registry, EventBatch], Any]
) -> tuple[Registry, list[bool]]:
    registry, taken = peopled(store), []
    for choice, numbers, happened in program:
        batch = batch_of(registry, choice, numbers, happened or max(numbers) >= len(UNITS))
        standing, rows = whole(registry), registry.events
        try:
            door(registry, batch)
        except (ImpossibleTransition, BatchError):
            taken.append(False)
            assert (whole(registry), registry.events) == (standing, rows)
        else:
            taken.append(True)
    return registry, taken


def whole(registry):
    return registry.states(np.arange(len(UNITS))).tolist(), registry.census()


def new_store(folder: str, name: str) -> Store:
    return open_store(f"sqlite:///{Path(folder) / name}", create=True)


@settings(max_examples=25, deadline=None)
@given(steps)
def test_the_log_has_what_was_taken_and_replays_to_the_same_standings(program):
    with tempfile.TemporaryDirectory() as folder, new_store(folder, "log.db") as store:
        registry, taken = played(store, program, Registry.record)
        rows = sum(len(numbers) for (_, numbers, _), did in zip(program, taken, strict=True) if did)
        assert [row[0] for row in log(store, "event_id")] == list(range(rows))
        again = Registry.resume(store)
        assert whole(again) == whole(registry)
        assert again.events == registry.events == rows


@settings(max_examples=25, deadline=None)
@given(steps)
def test_the_census_counts_every_unit_and_vehicle_once(program):
    with tempfile.TemporaryDirectory() as folder, new_store(folder, "log.db") as store:
        registry, _ = played(store, program, Registry.record)
        counted = {level: sum(states.values()) for level, states in registry.census().items()}
        assert counted == {Level.VEHICLE: VEHICLES} | {level: UNITS.count(level) for level in set(UNITS)}
        states = registry.states(np.arange(len(UNITS)))
        for level, found in registry.census().items():
            if level is not Level.VEHICLE:
                own = [State(int(s)) for s, of in zip(states, UNITS, strict=True) if of is level]
                assert found == {state: own.count(state) for state in set(own)}


def one_by_one(registry: Registry, batch: EventBatch) -> None:
    """The same through the by-one door; only for batches that the lot door takes."""
    for n, unit in enumerate(batch.units.tolist()):
        vehicle = batch.vehicles if isinstance(batch.vehicles, int) else int(batch.vehicles[n])
        registry.record_one(
            batch.event, unit, actor=int(batch.actor), event_day=int(batch.event_day),
            record_day=int(batch.record_day), vehicles=vehicle, happened=batch.happened,
        )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(steps)
def test_a_lot_through_the_one_door_is_its_units_through_it_one_by_one(program):
    with (
        tempfile.TemporaryDirectory() as folder,
        new_store(folder, "a.db") as a,
        new_store(folder, "b.db") as b,
    ):
        alone = peopled(b)

        def both(registry: Registry, batch: EventBatch) -> None:
            registry.record(batch)
            one_by_one(alone, batch)

        together, _ = played(a, program, both)
        assert whole(together) == whole(alone)
        assert log(a) == log(b)


def test_a_correction_of_a_record_that_is_not_there_is_refused(registry, store):
    units = commission(registry, 1)
    record(registry, EventType.CODE, units, record_day=DAY)
    slip = EventBatch.of(EventType.CODE, units, actor=3, event_day=DAY, record_day=DAY, happened=False)
    with pytest.raises(BatchError, match="a record that is not in the log"):
        registry.correct(slip, np.array([1]))
    assert registry.correct(slip, np.array([0])) == 1
    assert state_names(registry, units) == ["CODED"]


class TestRemarks:
    """Events that move nothing: about a unit, a vehicle, a firm."""

    def test_a_remark_about_a_unit_leaves_it_where_it_stands(self, registry):
        pack = registry.commission(
            Level.PACK, coder=0, chemistry=Chemistry.LFP, made_day=DAY, energy_wh=1, mass_g=1, printed=None, rows=1
        )  # fmt: skip
        registry.record_one(EventType.LABEL, int(pack[0]), actor=0, event_day=DAY)
        assert State(int(registry.states(pack)[0])) is State.UNREGISTERED
        assert registry.events == 1

    def test_a_remark_may_be_about_a_firm_alone(self, registry, store):
        fined = EventBatch.of(EventType.PENALISE, NULL, actor=9, receiver=3, event_day=DAY, record_day=DAY)
        first = registry.record(fined)
        registry.detail(np.array([first]), Detail.FINE_YUAN, 20_000)
        registry.finish()
        assert store.rows(select(schema.event.c.unit, schema.event.c.receiver)) == [(None, 3)]
        assert store.rows(select(schema.detail)) == [(0, int(Detail.FINE_YUAN), 20_000)]

    def test_a_remark_about_a_stranger_is_refused(self, registry):
        with pytest.raises(BatchError, match="number 4 was never commissioned"):
            registry.record_one(EventType.LABEL, 4, actor=0, event_day=DAY)
        assert registry.events == 0

    def test_a_number_is_attached_to_an_event_of_the_log_only(self, registry):
        with pytest.raises(BatchError, match="not in the log"):
            registry.detail(np.array([0]), Detail.MASS_G, 1)

    def test_an_event_that_moves_a_unit_still_needs_one(self):
        with pytest.raises(BatchError, match="names none"):
            EventBatch.of(EventType.SHIP, NULL, actor=0, event_day=DAY)
