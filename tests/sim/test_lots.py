"""Agendas, queues and stocks: by hand, then against plain loops over plain queues."""

from collections import defaultdict, deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.lots import Agenda, Workload, by_tick
from sim.processes.collection import Store


def ints(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int32)


# --- Agenda ---


def test_rows_come_out_when_they_are_due_in_the_order_they_were_put_in():
    agenda = Agenda(2)
    agenda.add(ints(5, 3, 5), ints(10, 11, 12), ints(0, 1, 2))
    agenda.add(ints(5), ints(13), ints(3))
    assert agenda.take(2) is None
    assert [column.tolist() for column in agenda.take(3)] == [[11], [1]]
    assert [column.tolist() for column in agenda.take(5)] == [[10, 12, 13], [0, 2, 3]]
    assert agenda.take(5) is None


def test_what_is_put_in_may_change_afterwards():
    agenda, units = Agenda(1), ints(1, 2, 3)
    agenda.add(ints(1, 1, 1), units)
    units[:] = 0
    assert agenda.take(1)[0].tolist() == [1, 2, 3]


def test_what_was_never_taken_is_told_in_order():
    agenda = Agenda(1)
    agenda.add(ints(9, 4), ints(1, 2))
    agenda.add(ints(9), ints(3))
    agenda.take(4)
    assert [(tick, column.tolist()) for tick, (column,) in agenda.rest()] == [(9, [1]), (9, [3])]


def test_rows_with_another_number_of_columns_are_refused():
    with pytest.raises(ValueError, match="an agenda of 2 columns was given 1"):
        Agenda(2).add(ints(1), ints(1))


def test_rows_that_come_too_late_are_refused():
    agenda = Agenda(1)
    agenda.take(7)
    with pytest.raises(ValueError, match="due at tick 7, but tick 7 has been taken already"):
        agenda.add(ints(8, 7), ints(1, 2))
    agenda.add(ints(8), ints(1))
    assert agenda.take(8)[0].tolist() == [1]


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers()), max_size=12), max_size=6))
def test_an_agenda_is_a_list_for_each_tick(additions):
    agenda, lists = Agenda(1), defaultdict(list)
    for rows in additions:
        ticks, values = (
            np.array([t for t, _ in rows], dtype=np.int64),
            np.array([v for _, v in rows], dtype=object),
        )
        agenda.add(ticks, values)
        for tick, value in rows:
            lists[tick].append(value)
    for tick in range(10):
        taken = agenda.take(tick)
        assert ([] if taken is None else taken[0].tolist()) == lists[tick]


@pytest.mark.parametrize("size", [10, 5000])
@pytest.mark.parametrize("low", [-3, 0, 65_530])
def test_many_ticks_are_sorted_as_few_are(size, low):
    """Large arrays of small numbers are sorted by another method."""
    ticks = low + np.random.default_rng(1).integers(0, 50, size)
    parts = list(by_tick(ticks, np.arange(size), ticks))
    assert [tick for tick, _ in parts] == sorted(set(ticks.tolist()))
    for tick, (rows, same) in parts:
        assert rows.tolist() == np.flatnonzero(ticks == tick).tolist()
        assert set(same.tolist()) == {tick}


# --- Workload ---


def test_the_first_in_the_queue_are_served_up_to_the_capacity_of_each_day():
    """Five pieces at two a day are served today, today, tomorrow, tomorrow, and the day after."""
    work = Workload(np.array([2.0]))
    assert work.accept(0, ints(0, 0, 0, 0, 0), np.ones(5)).tolist() == [0, 0, 1, 1, 2]
    # one of five is left on day 2, where there is room for one more
    assert work.accept(2, ints(0, 0), np.ones(2)).tolist() == [0, 1]


def test_capacity_that_nobody_needed_is_not_kept_for_later():
    work = Workload(np.array([1.0]))
    work.accept(0, ints(0), np.ones(1))
    assert work.accept(50, ints(0, 0), np.ones(2)).tolist() == [0, 1]


def test_a_heavy_piece_keeps_those_behind_it_waiting():
    """Its turn comes at once, and what follows waits until it is done."""
    work = Workload(np.array([10.0]))
    assert work.accept(0, ints(0, 0, 0), np.array([35.0, 1.0, 5.0])).tolist() == [0, 3, 3]
    assert work.waiting().tolist() == [41.0]


def test_facilities_do_not_wait_for_each_other():
    work = Workload(np.array([1.0, 4.0]))
    assert work.accept(0, ints(1, 0, 1, 0, 1), np.ones(5)).tolist() == [0, 0, 0, 1, 0]
    assert work.waiting().tolist() == [2.0, 3.0]


def test_a_facility_of_half_a_piece_a_day_serves_every_other_day():
    assert Workload(np.array([0.5])).accept(3, ints(0, 0, 0), np.ones(3)).tolist() == [0, 2, 4]


Arrivals = list[list[tuple[int, int]]]
capacities = st.lists(st.integers(1, 6), min_size=1, max_size=3)


@st.composite
def arrivals(draw, facilities: int, most: int) -> Arrivals:
    """For each day, (facility, work) in the order of arrival."""
    piece = st.tuples(st.integers(0, facilities - 1), st.integers(1, most))
    return draw(st.lists(st.lists(piece, max_size=10), min_size=1, max_size=15))


def turns(capacity: list[int], days: Arrivals, *, split: bool) -> list[tuple[int, int, int]]:
    """(facility, day of arrival, day of turn) of each piece, in the order of arrival."""
    work, found = Workload(np.array(capacity, dtype=float)), []
    for today, pieces in enumerate(days):
        for part in [[piece] for piece in pieces] if split else [pieces]:
            place = np.array([p for p, _ in part], dtype=np.int64)
            waits = work.accept(today, place, np.array([w for _, w in part], dtype=float))
            found += [(p, today, today + int(wait)) for (p, _), wait in zip(part, waits, strict=True)]
    return found


@given(st.data(), capacities)
def test_pieces_of_one_are_served_as_in_a_plain_queue(data, capacity):
    days = data.draw(arrivals(len(capacity), 1))
    served: dict[int, list[int]] = {place: [] for place in range(len(capacity))}
    queues = [deque() for _ in capacity]
    today = 0
    while today < len(days) or any(queues):
        for place, _ in days[today] if today < len(days) else []:
            queues[place].append(today)
        for place, queue in enumerate(queues):
            for _ in range(min(capacity[place], len(queue))):
                queue.popleft()
                served[place].append(today)
        today += 1
    found = turns(capacity, days, split=False)
    assert {place: [turn for p, _, turn in found if p == place] for place in served} == served


@given(st.data(), capacities)
def test_a_piece_has_its_turn_when_all_before_it_are_done(data, capacity):
    """A loop that works off unit by unit: the turn of a piece is the day of its first unit."""
    days = data.draw(arrivals(len(capacity), 9))
    expected, queues, today = {}, [deque() for _ in capacity], 0
    number = 0
    while today < len(days) or any(queues):
        for place, work in days[today] if today < len(days) else []:
            queues[place].extend([number] * work)
            number += 1
        for place, queue in enumerate(queues):
            for _ in range(min(capacity[place], len(queue))):
                expected.setdefault(queue.popleft(), today)
        today += 1
    assert [turn for _, _, turn in turns(capacity, days, split=False)] == [expected[n] for n in range(number)]


@given(st.data(), capacities)
def test_a_facility_is_fair_and_keeps_to_its_capacity(data, capacity):
    days = data.draw(arrivals(len(capacity), 1))
    found = turns(capacity, days, split=False)
    for place, most in enumerate(capacity):
        mine = [(came, turn) for p, came, turn in found if p == place]
        assert all(turn >= came for came, turn in mine)
        assert [turn for _, turn in mine] == sorted(turn for _, turn in mine)  # first come, first served
        if mine:
            assert np.bincount([turn for _, turn in mine]).max() <= most


@given(st.data(), capacities)
def test_a_lot_waits_as_its_pieces_would_one_by_one(data, capacity):
    days = data.draw(arrivals(len(capacity), 9))
    assert turns(capacity, days, split=False) == turns(capacity, days, split=True)


@given(st.data(), capacities)
def test_work_is_neither_lost_nor_done_twice(data, capacity):
    """What waits after each day's arrivals is what a facility that is never idle for nothing has left."""
    days = data.draw(arrivals(len(capacity), 9))
    work, left = Workload(np.array(capacity, dtype=float)), [0] * len(capacity)
    for today, pieces in enumerate(days):
        for place, amount in pieces:
            left[place] += amount
        work.accept(
            today, np.array([p for p, _ in pieces], dtype=int), np.array([float(w) for _, w in pieces])
        )
        assert work.waiting().tolist() == left
        left = [max(0, rest - c) for rest, c in zip(left, capacity, strict=True)]


# --- Store ---


def sent(store: Store, day: int) -> list[tuple[int, int]]:
    leaving = store.send(day)
    return [] if leaving is None else list(zip(leaving[0].tolist(), leaving[1].tolist(), strict=True))


def test_a_full_facility_sends_off_all_it_holds():
    store = Store(np.array([3.0, 3.0]), 30)
    store.put(0, ints(1, 2, 3), ints(0, 1, 0), np.ones(3))
    assert sent(store, 0) == []
    store.put(1, ints(4, 5), ints(0, 0), np.ones(2))
    assert sent(store, 1) == [(1, 0), (3, 0), (4, 0), (5, 0)]
    assert sent(store, 2) == []


def test_the_oldest_waits_no_longer_than_it_may():
    store = Store(np.array([100.0]), 30)
    store.put(4, ints(1), ints(0), np.ones(1))
    store.put(20, ints(2), ints(0), np.ones(1))
    assert sent(store, 33) == []
    assert sent(store, 34) == [(1, 0), (2, 0)]
    store.put(40, ints(3), ints(0), np.ones(1))
    assert sent(store, 69) == []
    assert sent(store, 70) == [(3, 0)]


def test_the_limit_is_of_amount_not_of_number():
    store = Store(np.array([1000.0]), 30)
    store.put(0, ints(1), ints(0), np.array([999.0]))
    assert sent(store, 0) == []
    store.put(0, ints(2), ints(0), np.array([1.0]))
    assert sent(store, 0) == [(1, 0), (2, 0)]


@given(st.data(), st.lists(st.integers(1, 12), min_size=1, max_size=3), st.integers(1, 6))
def test_a_store_is_a_list_at_each_facility(data, limits, longest):
    days = data.draw(arrivals(len(limits), 5))
    store, held = Store(np.array(limits, dtype=float), longest), [[] for _ in limits]
    number = 0
    for today, pieces in enumerate(days):
        units = np.arange(number, number + len(pieces))
        if pieces:
            places, amounts = np.array([p for p, _ in pieces]), np.array([float(w) for _, w in pieces])
            store.put(today, units, places, amounts)
        for unit, (place, amount) in zip(units.tolist(), pieces, strict=True):
            held[place].append((unit, today, amount))
        number += len(pieces)
        expected = []
        for place, there in enumerate(held):
            full = sum(amount for _, _, amount in there) >= limits[place]
            if there and (full or today - there[0][1] >= longest):
                expected += [(unit, place) for unit, _, _ in there]
                there.clear()
        assert sent(store, today) == expected
