"""What can follow what: by hand, and for every state and event."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.errors import ImpossibleTransition
from traceability.lifecycle import (
    IMPOSSIBLE,
    NEXT,
    TERMINAL,
    TRANSITIONS,
    advance,
    level_of,
    standing,
    state_of,
)
from traceability.lifecycle_picture import picture, tables
from traceability.vocabulary import VEHICLE_EVENTS, EventType, Level, State

levels = st.sampled_from(list(TRANSITIONS))
events = st.sampled_from(list(EventType))
states = st.sampled_from(list(State))
standings = st.builds(standing, levels, states)


def one(level, state):
    return np.array([standing(level, state)], dtype=np.uint8)


def after(level, *happened):
    """The state of a new unit of *level* after all that happened."""
    now = one(level, State.UNREGISTERED)
    for event in happened:
        now = advance(now, event, np.array([0]))
    return State(int(state_of(now)[0]))


# by hand


def test_a_pack_goes_from_factory_to_vehicle_to_outlet_to_furnace():
    E = EventType
    life = [E.CODE, E.DELIVER, E.INSTALL, E.REMOVE, E.RETIRE, E.SHIP, E.COLLECT, E.SHIP, E.RECEIVE, E.PROCESS]
    states = [after(Level.PACK, *life[: n + 1]).name for n in range(len(life))]
    assert states == [
        "CODED",
        "IN_STOCK",
        "IN_VEHICLE",
        "REMOVED",
        "USED",
        "IN_TRANSIT",
        "AT_OUTLET",
        "IN_TRANSIT",
        "AT_RECYCLER",
        "PROCESSED",
    ]


def test_a_vehicle_is_certified_sold_received_and_scrapped():
    assert (
        after(
            Level.VEHICLE,
            EventType.CERTIFY,
            EventType.SELL,
            EventType.RECEIVE_VEHICLE,
            EventType.ISSUE_CERTIFICATE,
        )
        is State.SCRAPPED
    )


def test_a_module_begins_when_it_is_freed_and_a_pack_does_not():
    assert after(Level.MODULE, EventType.FREE) is State.FREED
    with pytest.raises(ImpossibleTransition, match="FREE cannot follow UNREGISTERED"):
        after(Level.PACK, EventType.FREE)


def test_the_message_says_what_failed_for_whom_and_what_still_holds():
    now = np.concatenate([one(Level.PACK, State.IN_VEHICLE), *[one(Level.PACK, State.PROCESSED)] * 2])
    with pytest.raises(ImpossibleTransition) as failure:
        advance(now, EventType.REMOVE, np.array([5, 6, 7]))
    assert str(failure.value) == (
        "REMOVE cannot follow PROCESSED (pack 6 and 1 more in a lot of 3). Nothing was recorded. "
        "lifecycle.TRANSITIONS lists what can follow."
    )
    assert failure.value.units.tolist() == [6, 7]
    assert failure.value.states.tolist() == [State.PROCESSED] * 2


def test_an_empty_lot_moves_nowhere():
    nobody = np.array([], dtype=np.uint8)
    assert advance(nobody, EventType.PROCESS, np.array([], dtype=np.int64)).size == 0


# for all


def test_the_look_up_says_what_the_table_says_for_every_standing_and_event():
    for level, table in TRANSITIONS.items():
        for event in EventType:
            for state in State:
                expected = table.get((state, event))
                found = NEXT[event][standing(level, state)]
                assert found == (IMPOSSIBLE if expected is None else standing(level, expected))


@given(levels, states)
def test_a_standing_is_one_byte_that_tells_level_and_state(level, state):
    now = one(level, state)
    assert now[0] != IMPOSSIBLE
    assert (level_of(now)[0], state_of(now)[0]) == (level, state)


@given(levels, st.sampled_from(sorted(TERMINAL)), events)
def test_nothing_leaves_a_terminal_state(level, state, event):
    with pytest.raises(ImpossibleTransition):
        advance(one(level, state), event, np.array([0]))


def test_a_state_that_nothing_leaves_is_called_terminal():
    """What is lost or diverted may be found; where a table ends in another way it says so."""
    left_open = {
        (level, state)
        for level, table in TRANSITIONS.items()
        for state in set(table.values()) - TERMINAL
        if not any(before == state for before, _ in table)
    }
    assert left_open == set()


def test_what_a_vehicle_does_no_battery_does_and_the_other_way_round():
    for level, table in TRANSITIONS.items():
        for _, event in table:
            assert (event in VEHICLE_EVENTS) == (level is Level.VEHICLE)


@given(st.lists(standings, min_size=1, max_size=30), events)
def test_a_lot_moves_as_its_units_would_one_by_one_or_not_at_all(lot, event):
    now = np.array(lot, dtype=np.uint8)
    before = now.copy()
    alone, stuck = [], []
    for n, unit in enumerate(lot):
        try:
            alone.append(int(advance(np.array([unit], dtype=np.uint8), event, np.array([n]))[0]))
        except ImpossibleTransition:
            stuck.append(n)
    if stuck:
        with pytest.raises(ImpossibleTransition) as failure:
            advance(now, event, np.arange(len(lot)))
        assert failure.value.units.tolist() == stuck
    else:
        assert advance(now, event, np.arange(len(lot))).tolist() == alone
    assert np.array_equal(now, before)


@given(standings, events)
def test_nothing_changes_its_level(now, event):
    unit = np.array([now], dtype=np.uint8)
    try:
        moved = advance(unit, event, np.array([0]))
    except ImpossibleTransition:
        return
    assert level_of(moved)[0] == level_of(unit)[0]


# the picture


def texts(svg, kind):
    root = ElementTree.fromstring(svg)
    return [e.text for e in root.iter("{http://www.w3.org/2000/svg}text") if e.get("class") == kind]


def test_levels_with_one_table_share_a_panel():
    found = [of for of, _ in tables()]
    assert (Level.MODULE, Level.CELL) in found
    assert sorted(level for of in found for level in of) == list(Level)
    assert texts(picture(), "title") == [", ".join(level.name.lower() for level in of) for of in found]


@pytest.mark.parametrize("level", list(Level))
def test_a_picture_shows_every_state_once_and_every_event(level):
    svg = picture([level])
    table = TRANSITIONS[level]
    states = {state.name for (before, _), after in table.items() for state in (before, after)}
    assert sorted(texts(svg, "name")) == sorted(states)
    assert set(", ".join(texts(svg, "event")).split(", ")) == {event.name for _, event in table}


def test_an_arrow_is_drawn_for_every_pair_of_states_or_a_list_stands_for_many():
    svg = picture([Level.PACK])
    table = TRANSITIONS[Level.PACK]
    listed = set(", ".join(texts(svg, "item")).replace("any of, ", "").split(", "))
    lost = {before.name for before, event in table if event is EventType.LOSE}
    diverted = {before.name for before, event in table if event is EventType.DIVERT}
    assert listed == lost | diverted
    arrows = svg.count('class="arrow"')
    assert arrows == len(table) - len(lost) - len(diverted) + 2


def test_boxes_of_one_panel_do_not_overlap():
    root = ElementTree.fromstring(picture([Level.PACK]))
    boxes = [
        [float(e.get(name)) for name in ("x", "y", "width", "height")]
        for e in root.iter("{http://www.w3.org/2000/svg}rect")
        if e.get("class")
    ]
    for n, (x, y, width, height) in enumerate(boxes):
        for to_x, to_y, to_width, to_height in boxes[n + 1 :]:
            apart = x + width < to_x or to_x + to_width < x or y + height < to_y or to_y + to_height < y
            assert apart


def test_the_same_table_gives_the_same_picture():
    assert picture() == picture()
