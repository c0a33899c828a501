"""Who tells the platform what, and when: habits of reporting, hidden sales and their corrections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.cast import Cast, assemble
from sim.chance import Chance
from sim.habits import Falsehood, Reporting
from sim.ledger import Ledger
from tests.sim.small import baseline, inputs, small
from traceability.events import NEVER, NULL, day_number
from traceability.registry import Registry
from traceability.store import open_store
from traceability.vocabulary import EventType, Level, Role, State

E = EventType
DAY = day_number(date(2026, 5, 6))
QUARTER_ENDS = [day_number(date(year, month, 1)) - 1 for year in range(2026, 2060) for month in (1, 4, 7, 10)]
ALL_AT_ONCE = {
    "never_share": 0.0,
    "omitted_share": 0.0,
    "delay_days": 0.0,
    "bulk_share": 0.0,
    "automatic_share": 0.0,
}
TRUTHFUL = {"hidden_sale_share": 0.0, "corrected_share": 0.0, "correction_days": 60, "flattered_share": 0.0}


@pytest.fixture(scope="module")
def cast() -> Cast:
    return assemble(small(scale=1_000_000), inputs())


class Desk:
    """A ledger over an empty registry, and what came of it."""

    def __init__(self, place: Path, cast: Cast, *, seed: int, last_day: int, **figures: Any) -> None:
        raw = baseline()
        habits = {name: ALL_AT_ONCE[name] for name in ALL_AT_ONCE} | {
            k: v for k, v in figures.items() if k in ALL_AT_ONCE
        }
        lies = TRUTHFUL | {k: v for k, v in figures.items() if k in TRUTHFUL}
        self.cast = cast
        self.place = place
        self.store = open_store(f"parquet:{place}", create=True)
        self.registry = Registry(self.store)
        self.ledger = Ledger(
            self.registry,
            Chance(seed),
            {"dismantlers": Reporting(sources=raw["reporting"]["dismantlers"]["sources"], **habits)},
            Falsehood(sources=raw["falsehood"]["sources"], **lies),
            cast,
            last_day,
        )

    def used_packs(self, rows: int) -> np.ndarray:
        """Packs that stand USED at their holders, told to nobody."""
        packs = self.registry.commission(
            Level.PACK,
            coder=0,
            chemistry=1,
            made_day=DAY - 900,
            energy_wh=50_000,
            mass_g=400_000,
            printed=None,
            rows=rows,
        )
        for event in (E.CODE, E.INSTALL, E.DISMOUNT):
            self.ledger.write(
                event, packs, packs.astype(np.uint64), actor=np.zeros(rows, dtype=np.int64),
                day=np.full(rows, DAY - 30), reporter=None,
            )  # fmt: skip
        return packs

    def at(self, role: Role, rows: int) -> np.ndarray:
        """Actors of one role, one after the other and over again."""
        firms = np.flatnonzero(self.cast.role == role)
        return firms[np.arange(rows) % firms.size]

    def log(self, *events: EventType) -> dict[str, np.ndarray]:
        """The rows of some events, in the order of the log."""
        self.registry.finish()
        with open_store(f"parquet:{self.place}", threads=1) as store:
            wanted = ", ".join(str(int(e)) for e in events)
            found = store.connection.execute(  # type: ignore[attr-defined]
                f"select * from event where event in ({wanted}) order by event_id"
            ).fetchnumpy()
        return {
            name: np.asarray(column.filled(NULL) if isinstance(column, np.ma.MaskedArray) else column)
            for name, column in found.items()
        }


@pytest.fixture
def desk(tmp_path: Path, cast: Cast) -> Callable[..., Desk]:
    def sit(*, seed: int = 1, last_day: int = DAY + 1000, **figures: Any) -> Desk:
        return Desk(
            tmp_path / f"{len(list(tmp_path.iterdir()))}", cast, seed=seed, last_day=last_day, **figures
        )

    return sit


def shipped(desk: Desk, rows: int = 400, day: int = DAY) -> dict[str, np.ndarray]:
    packs = desk.used_packs(rows)
    days = day + np.arange(rows) % 90
    desk.ledger.write(
        E.SHIP,
        packs,
        packs.astype(np.uint64),
        actor=desk.at(Role.ELV, rows),
        day=days,
        reporter="dismantlers",
    )
    return desk.log(E.SHIP)


# --- habits ---


def test_a_firm_without_bad_habits_reports_all_on_the_day(desk):
    log = shipped(desk())
    assert log["event_day"].size == 400
    assert (log["record_day"] == log["event_day"]).all()


def test_firms_that_never_report_leave_nothing_on_record(desk):
    assert (shipped(desk(never_share=1.0))["record_day"] == NEVER).all()


def test_what_is_left_out_every_time_is_never_on_record(desk):
    assert (shipped(desk(omitted_share=1.0))["record_day"] == NEVER).all()


def test_what_nobody_tells_is_never_on_record(desk):
    one = desk()
    packs = one.used_packs(10)
    one.ledger.write(
        E.EXPORT,
        packs,
        packs.astype(np.uint64),
        actor=one.at(Role.EXPORTER, 10),
        day=np.full(10, DAY),
        reporter=None,
    )
    assert (one.log(E.EXPORT)["record_day"] == NEVER).all()


def test_who_uploads_in_bulk_does_so_on_the_last_day_of_the_quarter(desk):
    log = shipped(desk(bulk_share=1.0))
    ends = [day_number(d) for d in (date(2026, 6, 30), date(2026, 9, 30))]
    assert set(log["record_day"].tolist()) == set(ends)
    assert (log["record_day"] >= log["event_day"]).all()
    assert (log["record_day"] - log["event_day"] <= 91).all()


def test_a_delay_that_runs_into_the_next_quarter_is_uploaded_at_its_end(desk):
    log = shipped(desk(bulk_share=1.0, delay_days=200))
    assert np.isin(log["record_day"], QUARTER_ENDS).all()
    assert np.unique(log["record_day"]).size > 4


def test_delays_have_their_mean(desk):
    """Geometric with mean 12: the mean of 4,000 lies within four standard errors of it."""
    log = shipped(desk(delay_days=12), rows=4000)
    delay = log["record_day"] - log["event_day"]
    assert delay.min() == 0
    assert abs(delay.mean() - 12) < 4 * np.sqrt(12 * 13 / 4000)


def test_to_leave_out_is_the_luck_of_a_battery_and_never_to_report_the_habit_of_a_firm(desk):
    left_out = shipped(desk(omitted_share=0.3), rows=4000)["record_day"] == NEVER
    assert abs(left_out.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 4000)
    log = shipped(desk(never_share=0.5), rows=4000)
    silent: dict[int, set[bool]] = {}
    for firm, never in zip(log["actor"].tolist(), (log["record_day"] == NEVER).tolist(), strict=True):
        silent.setdefault(firm, set()).add(never)
    assert all(len(ways) == 1 for ways in silent.values())
    assert 0.4 < np.mean([True in ways for ways in silent.values()]) < 0.6


def test_habits_change_on_their_day(desk):
    """Nothing before the platform began on 2026-06-01, everything from then on, within one batch."""
    log = shipped(desk(omitted_share={date(2011, 1, 1).isoformat(): 1.0, date(2026, 6, 1).isoformat(): 0.0}))
    began = day_number(date(2026, 6, 1))
    assert ((log["record_day"] == NEVER) == (log["event_day"] < began)).all()


def test_who_reports_more_reports_what_he_reported_before(desk):
    """The luck of a report does not depend on the share: fewer omissions only add records."""
    some, more = (shipped(desk(omitted_share=share, delay_days=5)) for share in (0.6, 0.2))
    told = some["record_day"] != NEVER
    assert 0 < told.sum() < (more["record_day"] != NEVER).sum()
    assert (some["record_day"][told] == more["record_day"][told]).all()


# --- the horizon ---


def test_what_lies_beyond_the_horizon_is_not_written(desk):
    one = desk(last_day=DAY + 4)
    packs = one.used_packs(10)
    written = one.ledger.write(
        E.SHIP, packs, packs.astype(np.uint64), actor=one.at(Role.ELV, 10), receiver=one.at(Role.OUTLET, 10),
        day=DAY + np.arange(10), reporter="dismantlers",
    )  # fmt: skip
    assert written is not None
    assert written.tolist() == [True] * 5 + [False] * 5
    assert (one.registry.states(packs) == [State.IN_TRANSIT] * 5 + [State.USED] * 5).all()
    log = one.log(E.SHIP)
    assert log["event_day"].tolist() == list(range(DAY, DAY + 5))
    assert log["receiver"].tolist() == one.at(Role.OUTLET, 5).tolist()


def test_a_report_may_come_after_the_horizon(desk):
    one = desk(last_day=DAY + 89, delay_days=400)
    log = shipped(one)
    assert (log["record_day"] > DAY + 89).any()


def test_a_batch_within_the_horizon_is_written_whole_and_says_so(desk):
    one = desk()
    packs = one.used_packs(3)
    assert one.ledger.write(
        E.SHIP, packs, packs.astype(np.uint64), actor=one.at(Role.ELV, 3), day=np.full(3, DAY), reporter="dismantlers"
    ) is None  # fmt: skip


def test_a_hidden_sale_beyond_the_horizon_is_not_written_and_not_lied_about(desk):
    one = desk(last_day=DAY - 1, hidden_sale_share=1.0)
    written = sold(one, rows=5)
    assert written is not None
    assert not written.any()
    assert one.log(E.SHIP, E.DIVERT)["event"].size == 0


# --- hidden sales ---


def sold(one: Desk, rows: int = 500, reporter: str | None = "dismantlers") -> np.ndarray | None:
    packs = one.used_packs(rows)
    return one.ledger.write_hidden_sale(
        packs, packs.astype(np.uint64), actor=one.at(Role.ELV, rows), buyer=one.at(Role.INFORMAL, rows),
        claimed=one.at(Role.OUTLET, rows), day=np.full(rows, DAY), reporter=reporter,
    )  # fmt: skip


def test_an_honest_seller_reports_nothing_and_lies_about_nothing(desk):
    one = desk()
    sold(one)
    log = one.log(E.SHIP, E.DIVERT)
    assert set(log["event"].tolist()) == {E.DIVERT}
    assert log["happened"].all()
    assert (log["record_day"] == NEVER).all()
    assert (log["corrects"] == NULL).all()


def test_a_hidden_sale_is_a_false_record_beside_an_unrecorded_truth(desk):
    one = desk(hidden_sale_share=1.0, delay_days=9)
    sold(one)
    log = one.log(E.SHIP, E.DIVERT)
    false, true = log["event"] == E.SHIP, log["event"] == E.DIVERT
    assert false.sum() == true.sum() == 500
    assert not log["happened"][false].any()
    assert log["happened"][true].all()
    assert (log["record_day"][false] >= DAY).all()
    assert (log["record_day"][true] == NEVER).all()
    assert log["receiver"][false].tolist() == one.at(Role.OUTLET, 500).tolist()
    assert log["receiver"][true].tolist() == one.at(Role.INFORMAL, 500).tolist()
    for name in ("unit", "actor", "event_day"):
        assert log[name][false].tolist() == log[name][true].tolist()
    assert (one.registry.states(np.arange(500)) == State.DIVERTED).all()


def test_a_corrected_lie_names_the_record_that_it_replaces_and_comes_later(desk):
    one = desk(hidden_sale_share=1.0, corrected_share=1.0, correction_days=60)
    sold(one)
    log = one.log(E.SHIP, E.DIVERT)
    lie_of = dict(
        zip(log["unit"][log["event"] == E.SHIP], log["event_id"][log["event"] == E.SHIP], strict=True)
    )
    told_of = dict(
        zip(log["unit"][log["event"] == E.SHIP], log["record_day"][log["event"] == E.SHIP], strict=True)
    )
    true = log["event"] == E.DIVERT
    assert log["corrects"][true].tolist() == [lie_of[unit] for unit in log["unit"][true]]
    assert all(
        day > told_of[unit] for unit, day in zip(log["unit"][true], log["record_day"][true], strict=True)
    )
    waited = log["record_day"][true] - DAY - 1
    assert abs(waited.mean() - 60) < 4 * np.sqrt(60 * 61 / 500)


@given(
    seed=st.integers(0, 2**62),
    lied=st.sampled_from([0.0, 0.3, 1.0]),
    corrected=st.sampled_from([0.0, 0.4, 1.0]),
    omitted=st.sampled_from([0.0, 0.5, 1.0]),
    bulk=st.sampled_from([0.0, 1.0]),
)
@settings(max_examples=15, deadline=None)
def test_whatever_is_said_the_truth_is_written_once(
    tmp_path_factory, cast, seed, lied, corrected, omitted, bulk
):
    """One true sale a pack; at most one lie, recorded; a correction only of one's own lie, and later."""
    one = Desk(
        tmp_path_factory.mktemp("desk") / "log", cast, seed=seed, last_day=DAY + 1000,
        hidden_sale_share=lied, corrected_share=corrected, omitted_share=omitted, bulk_share=bulk, delay_days=3,
    )  # fmt: skip
    sold(one, rows=60)
    log = one.log(E.SHIP, E.DIVERT)
    true = log["happened"]
    assert sorted(log["unit"][true].tolist()) == list(range(60))
    lies = {
        int(i): (int(u), int(d))
        for i, u, d in zip(*(log[k][~true] for k in ("event_id", "unit", "record_day")), strict=True)
    }
    assert len({unit for unit, _ in lies.values()}) == len(lies)
    assert all(day >= DAY for _, day in lies.values())
    for unit, corrects, told in zip(
        *(log[k][true].tolist() for k in ("unit", "corrects", "record_day")), strict=True
    ):
        if corrects == NULL:
            assert told == NEVER
        else:
            assert lies[corrects][0] == unit
            assert told > lies[corrects][1]


def test_who_tells_nobody_of_his_shipments_does_not_lie_about_them_either(desk):
    one = desk(hidden_sale_share=1.0)
    sold(one, reporter=None)
    log = one.log(E.SHIP, E.DIVERT)
    assert set(log["event"].tolist()) == {E.DIVERT}


# --- notes ---


def test_what_is_noted_day_by_day_is_written_in_one_batch_as_far_as_the_horizon_goes(desk):
    one = desk(last_day=DAY + 20)
    packs = one.used_packs(4)
    keys = packs.astype(np.uint64)
    recyclers = one.at(Role.CU, 4)
    one.ledger.write(
        E.SHIP, packs, keys, actor=one.at(Role.ELV, 4), receiver=recyclers, day=np.full(4, DAY), reporter=None
    )
    one.ledger.note(E.RECEIVE, packs[:2], actor=recyclers[:2], day=DAY + 9, reporter="dismantlers")
    one.ledger.note(E.RECEIVE, packs[2:3], actor=recyclers[2:3], day=DAY + 10, reporter="dismantlers")
    one.ledger.note(E.RECEIVE, packs[3:], actor=recyclers[3:], day=DAY + 21, reporter="dismantlers")
    one.ledger.write_notes(keys)
    one.ledger.write_notes(keys)  # what is written is forgotten
    assert one.registry.states(packs).tolist() == [State.AT_RECYCLER] * 3 + [State.IN_TRANSIT]
    log = one.log(E.RECEIVE)
    found = list(zip(*(log[name].tolist() for name in ("unit", "event_day", "actor")), strict=True))
    assert found == [(unit, DAY + 9 + (unit == 2), recyclers[unit]) for unit in range(3)]
