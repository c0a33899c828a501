"""The lot engine against plain SimPy with a process per vehicle, and against itself, battery by battery."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sqlalchemy import select

from tests.benchmarks.kept import Kept
from tests.benchmarks.reference import one_by_one, rows, run
from tests.benchmarks.twin import Twin
from tests.benchmarks.world import FIRST_OUTLET, FIRST_RECYCLER, World
from traceability.events import NULL
from traceability.store import open_store, schema
from traceability.vocabulary import EventType

COLUMNS = ("event", "unit", "vehicle", "actor", "receiver", "event_day", "record_day")
LAST_STEPS = (EventType.TEST, EventType.USE_IN_PRODUCT, EventType.PROCESS)


def events_of(twin: Twin) -> dict[str, np.ndarray]:
    table = [
        (
            e.event,
            e.unit,
            *(NULL if n is None else n for n in (e.vehicle, e.actor, e.receiver)),
            e.event_day,
            e.record_day,
        )
        for e in twin.log.events
    ]
    return dict(zip(COLUMNS, np.array(table, dtype=np.int64).T, strict=True))


@pytest.fixture(
    scope="module", params=[(3000, 1), (2000, 2), (5000, 3)], ids=lambda p: f"{p[0]} vehicles, seed {p[1]}"
)
def pair(request):
    """One world in both engines: (outcome, events) of each."""
    world = World(request.param[0], seed=request.param[1])
    store, twin = Kept(), Twin(world)
    return (run(world, store), store.events()), (twin.run(), events_of(twin))


def test_events_lots_and_waits_are_those_of_a_process_per_vehicle(pair):
    """The draws belong to the battery, so even the days that were waited agree, each of them."""
    (lots, _), (twin, _) = pair
    assert lots == twin
    assert lots.lots > 100
    assert lots.recycler_wait > 20  # a real queue


def test_every_event_up_to_the_receipt_is_the_same_row(pair):
    (_, lots), (_, twin) = pair
    early = [
        {n: c[~np.isin(e["event"], LAST_STEPS)] for n, c in e.items() if n in COLUMNS} for e in (lots, twin)
    ]
    assert np.array_equal(rows(early[0], *COLUMNS), rows(early[1], *COLUMNS))


def test_every_recycler_tests_as_many_on_every_day(pair):
    """Who of those that came on one day goes first is open; how many go is not."""
    counts = []
    for _, events in pair:
        late = np.isin(events["event"], LAST_STEPS)
        kind = np.where(events["event"][late] == EventType.TEST, "tested", "treated").tolist()
        counts.append(
            Counter(
                zip(kind, events["actor"][late].tolist(), events["event_day"][late].tolist(), strict=True)
            )
        )
    assert counts[0] == counts[1]


def test_a_pack_has_some_ten_events(pair):
    (lots, events), _ = pair
    packs = np.unique(events["unit"]).size
    assert 9 < lots.events / packs < 11
    assert len(np.unique(events["event"])) == 13


def test_no_outlet_keeps_a_pack_longer_than_it_may(pair):
    (_, events), _ = pair
    at = np.isin(events["event"], (EventType.COLLECT, EventType.SHIP)) & (events["actor"] >= FIRST_OUTLET)
    came, left = (
        dict(zip(events["unit"][at & of].tolist(), events["event_day"][at & of].tolist(), strict=True))
        for of in (events["event"] == EventType.COLLECT, events["event"] == EventType.SHIP)
    )
    stays = np.array([left[unit] - came[unit] for unit in left])
    assert stays.min() >= 0
    assert stays.max() == World(1).longest_days


def test_no_recycler_works_beyond_its_capacity(pair):
    (_, events), (twin, _) = pair
    tested = events["event"] == EventType.TEST
    capacity = World(np.unique(events["unit"]).size).capacity
    day = events["event_day"][tested]
    for recycler in np.unique(events["actor"][tested]):
        assert recycler >= FIRST_RECYCLER
        per_day = np.bincount(day[events["actor"][tested] == recycler])
        # over any stretch of days; a pack begun on the day before may end in it
        for stretch in (1, 7, 30, 365):
            assert np.convolve(per_day, np.ones(stretch)).max() <= stretch * capacity + 1
    assert twin.tested == tested.sum()


def test_with_luck_of_their_own_the_waits_agree_within_the_interval():
    """Means over ten replications of each engine, no draw in common: Welch's 95 % interval holds zero."""
    of_lots = [run(World(2000, replication=r), Kept()) for r in range(10)]
    of_twin = [Twin(World(2000, replication=100 + r)).run() for r in range(10)]
    for measure in ("events", "lots", "outlet_wait", "recycler_wait"):
        a, b = (
            np.array([getattr(o, measure) for o in outcomes], dtype=float) for outcomes in (of_lots, of_twin)
        )
        assert a.std() > 0
        interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
        assert interval.low <= 0 <= interval.high, measure
        assert interval.high - interval.low < 0.3 * b.mean(), measure  # an interval that says something


@st.composite
def small_worlds(draw) -> World:
    return World(
        draw(st.integers(1, 120)),
        seed=draw(st.integers(0, 2**32)),
        making_days=draw(st.integers(1, 90)),
        last_day=draw(st.integers(170, 500)),  # all are sold by day 164
        life_years=draw(st.floats(0.05, 0.8)),
        outlets=draw(st.integers(1, 4)),
        recyclers=draw(st.integers(1, 3)),
        full_lot=draw(st.integers(1, 8)),
        longest_days=draw(st.integers(1, 40)),
        diverted=draw(st.sampled_from([0.0, 0.08, 0.5])),
        load=draw(st.sampled_from([0.2, 0.9, 3.0])),
    )


@settings(max_examples=40, deadline=None)
@given(small_worlds())
def test_a_lot_moves_as_its_batteries_would_one_by_one(world):
    whole, single = Kept(), Kept()
    assert run(world, whole) == run(world, single, pieces=one_by_one)
    assert np.array_equal(rows(whole.events(), *COLUMNS), rows(single.events(), *COLUMNS))


@settings(max_examples=25, deadline=None)
@given(small_worlds())
def test_a_small_world_is_that_of_a_process_per_vehicle(world):
    assert run(world, Kept()) == Twin(world).run()


def test_the_same_rows_come_back_from_a_parquet_store(tmp_path):
    world, kept = World(500), Kept()
    run(world, kept)
    with open_store(str(tmp_path / "log"), create=True) as store:
        run(world, store)
    with open_store(str(tmp_path / "log")) as store:
        found = store.select(select(schema.event))
    assert np.array_equal(rows(found, "event_id", *COLUMNS), rows(kept.events(), "event_id", *COLUMNS))
