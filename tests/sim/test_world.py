"""The measures of a log that was made by hand, and what holds for the log of any run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.inputs import Kind
from sim.measures import MEASURES, Value, measure
from sim.money import MONEY_MEASURES
from sim.run import simulate
from tests.sim.small import World, inputs, run, small
from traceability import codes, vin
from traceability.errors import StoreError
from traceability.events import NEVER, NULL, day_number
from traceability.registry import Registry
from traceability.store import open_store
from traceability.store.parquet import ParquetStore
from traceability.vocabulary import PROCESSING_PERMITS, Chemistry, Element, EventType, Level, Permit, Role

E = EventType

# --- eight packs by hand ---

MAKER, OEM, OWNER, YARD, OUTLET, RECYCLER, WORKSHOP, TRADER, REPAIRER = range(9)
ROLES = (
    Role.BATTERY_ENT, Role.OEM, Role.OWNER, Role.ELV, Role.OUTLET, Role.CU, Role.INFORMAL, Role.EXPORTER, Role.REPAIR,
)  # fmt: skip
SCALE = 1000
LFP_G, NCM_G, LFP_WH, NCM_WH = 400_000, 600_000, 50_000, 80_000
LAST = date(2028, 12, 31)
SOLD = date(2020, 5, 1)


def day(year: int, month: int, of_month: int) -> int:
    return day_number(date(year, month, of_month))


class Log:
    """A log of vehicles and their packs, one row at a time."""

    def __init__(self, store: ParquetStore) -> None:
        store.set_meta("scale", str(SCALE))
        store.set_meta("first_day", str(day_number(date(2016, 1, 1))))
        store.set_meta("last_day", str(day_number(LAST)))
        self.registry = Registry(store)
        self.registry.enrol_actors(
            {
                "actor": np.arange(len(ROLES)), "name": [role.name for role in ROLES], "credit_code": None,
                "role": np.array([int(role) for role in ROLES]), "province": 1, "maker_code": None, "stands_for": 1,
                "capacity_t_year": NULL,
            },
            len(ROLES),
        )  # fmt: skip

    def pack(self, chemistry: Chemistry, kind: Kind, *, told_after: int | None) -> tuple[int, int]:
        """A new vehicle sold on SOLD with its pack, everything reported so many days later, or never."""
        lfp = chemistry is Chemistry.LFP
        made = day_number(SOLD) - 20
        (unit,) = self.registry.commission(
            Level.PACK, coder=MAKER, chemistry=int(chemistry), made_day=made, energy_wh=LFP_WH if lfp else NCM_WH,
            mass_g=LFP_G if lfp else NCM_G, printed=None, rows=1,
        ).tolist()  # fmt: skip
        (vehicle,) = self.registry.enrol_vehicles(
            vin=[f"LGXB1000XLA{unit:06d}"], kind=int(kind), maker=OEM, province=1, swap=False, rows=1
        ).tolist()
        for event, actor, on, at in (
            (E.CODE, MAKER, made, NULL),
            (E.INSTALL, OEM, made + 5, vehicle),
            (E.CERTIFY, OEM, made + 6, vehicle),
            (E.SELL, OEM, day_number(SOLD), vehicle),
        ):
            self.add(event, unit, actor, on, told_after, vehicles=at)
        return unit, vehicle

    def add(
        self, event: EventType, unit: int, actor: int, on: int, told_after: int | None = None, **columns: Any
    ) -> None:
        told = NEVER if told_after is None else on + told_after
        self.registry.record_one(event, unit, actor=actor, event_day=on, record_day=told, **columns)


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Value]]:
    """Eight cars and buses sold in 2020; seven are gone by 2027, one has its pack replaced in 2028.

    A  dismounted, by an outlet to a recycler, processed; every event reported ten days later
    B  dismounted, straight to a recycler, remade; every event but the test reported twenty days later
    C  sold off by its owner, reported as shipped
    D  dismounted, brought to an outlet, sold off there
    E  exported      F  burnt with its car
    G  dismounted, still on its way      H  replaced, waits at the outlet
    """
    place = tmp_path_factory.mktemp("by hand") / "log"
    store = ParquetStore(place, create=True)
    log = Log(store)
    add = log.add
    lfp, ncm = Chemistry.LFP, Chemistry.NCM
    packs = {
        "A": log.pack(lfp, Kind.BEV_CAR, told_after=10), "B": log.pack(lfp, Kind.BUS, told_after=20),
        "C": log.pack(ncm, Kind.BEV_CAR, told_after=None), "D": log.pack(ncm, Kind.BEV_CAR, told_after=None),
        "E": log.pack(ncm, Kind.BEV_CAR, told_after=None), "F": log.pack(lfp, Kind.BEV_CAR, told_after=None),
        "G": log.pack(lfp, Kind.BEV_CAR, told_after=None), "H": log.pack(lfp, Kind.BEV_CAR, told_after=None),
    }  # fmt: skip
    a, b, c, d, e, f, _, h = (unit for unit, _ in packs.values())
    for name, arrived, waits, told in (
        ("A", day(2027, 3, 1), 8, 10), ("B", day(2027, 3, 1), 12, 20), ("D", day(2027, 3, 1), 10, None),
        ("G", day(2027, 12, 1), 10, None),
    ):  # fmt: skip
        unit, vehicle = packs[name]
        add(E.RECEIVE_VEHICLE, unit, YARD, arrived, told, vehicles=vehicle)
        add(E.DISMOUNT, unit, YARD, arrived + waits, told, vehicles=vehicle)
        add(E.SHIP, unit, YARD, arrived + waits + 2, told, receiver=RECYCLER if name == "B" else OUTLET)
    # A: three days under way, 20 at the outlet, two under way, five at the recycler
    add(E.COLLECT, a, OUTLET, day(2027, 3, 14), 10)
    add(E.SHIP, a, OUTLET, day(2027, 4, 3), 10, receiver=RECYCLER)
    add(E.RECEIVE, a, RECYCLER, day(2027, 4, 5), 10)
    add(E.TEST, a, RECYCLER, day(2027, 4, 10), 10)
    add(E.PROCESS, a, RECYCLER, day(2027, 4, 10), 10)
    # B: seven days under way, one at the recycler
    add(E.RECEIVE, b, RECYCLER, day(2027, 3, 22), 20)
    add(E.TEST, b, RECYCLER, day(2027, 3, 23))
    add(E.DISMANTLE, b, RECYCLER, day(2027, 3, 23), 20)
    # C: the truth is not told, the lie is; what did not happen counts nowhere
    add(E.SHIP, c, OWNER, day(2027, 6, 1), 3, receiver=OUTLET, happened=False)
    add(E.DIVERT, c, OWNER, day(2027, 6, 1), receiver=WORKSHOP, vehicles=packs["C"][1])
    # D: four days under way, then sold off
    add(E.COLLECT, d, OUTLET, day(2027, 3, 17))
    add(E.DIVERT, d, OUTLET, day(2027, 3, 30), receiver=WORKSHOP)
    add(E.EXPORT, e, TRADER, day(2027, 7, 1), vehicles=packs["E"][1])
    add(E.LOSE, f, OWNER, day(2027, 8, 1), vehicles=packs["F"][1])
    # H: in 2028; its car is still on the road
    add(E.REMOVE, h, REPAIRER, day(2028, 2, 1), vehicles=packs["H"][1])
    add(E.RETIRE, h, REPAIRER, day(2028, 2, 1))
    add(E.SHIP, h, REPAIRER, day(2028, 2, 10), receiver=OUTLET)
    add(E.COLLECT, h, OUTLET, day(2028, 2, 16))
    # two tonnes of factory scrap, and the materials of 2027, truly and as claimed
    (scrap,) = log.registry.commission(
        Level.LOT, coder=MAKER, chemistry=int(lfp), made_day=day(2027, 1, 10), energy_wh=300_000, mass_g=2_000_000,
        printed=None, rows=1,
    ).tolist()  # fmt: skip
    add(E.SCRAP, scrap, MAKER, day(2027, 1, 10))
    add(E.SHIP, scrap, MAKER, day(2027, 1, 20), receiver=RECYCLER)
    add(E.RECEIVE, scrap, RECYCLER, day(2027, 1, 23))
    add(E.PROCESS, scrap, RECYCLER, day(2027, 1, 25))
    for happened, lithium_g in ((True, 5_000), (False, 9_000)):
        log.registry.balance(
            2, lot=scrap, element=np.array([Element.MASS, Element.LI]), actor=RECYCLER, day=day(2027, 4, 10), year=2027,
            input_g=np.array([2_400_000, 10_000]), recovered_g=np.array([lithium_g, lithium_g]),
            residue_g=np.array([2_400_000 - lithium_g, 10_000 - lithium_g]), record_day=NEVER, happened=happened,
        )  # fmt: skip
    log.registry.finish()
    store.close()
    with ParquetStore(place, threads=1) as finished:
        yield measure(finished)


def of(values: list[Value], name: str) -> dict[tuple[int | None, str], float]:
    return {(v.year, v.key): v.value for v in values if v.measure == name}


def test_the_formal_share_leaves_out_exports_and_what_is_still_on_its_way(by_hand):
    """2027: A and B (0.8 t) of A, B, C, D and F (2.4 t); 2028: H."""
    assert of(by_hand, "formal_share") == {(2027, ""): pytest.approx(1 / 3), (2028, ""): 1.0}


def test_every_retired_pack_goes_through_one_channel(by_hand):
    assert of(by_hand, "retired_channel") == {
        (2027, "recycled"): pytest.approx(0.4), (2027, "reused"): pytest.approx(0.4),
        (2027, "informal"): pytest.approx(1.2), (2027, "exported"): pytest.approx(0.6),
        (2027, "missing"): pytest.approx(0.4), (2027, "waiting"): pytest.approx(0.4),
        (2028, "waiting"): pytest.approx(0.4),
    }  # fmt: skip


def test_retired_packs_and_masses_by_chemistry(by_hand):
    assert of(by_hand, "retired_packs") == {(2027, "LFP"): 4.0, (2027, "NCM"): 3.0, (2028, "LFP"): 1.0}
    assert of(by_hand, "retired_mass") == {
        (2027, "LFP"): pytest.approx(1.6), (2027, "NCM"): pytest.approx(1.8), (2028, "LFP"): pytest.approx(0.4),
    }  # fmt: skip


def test_the_stock_is_what_was_sold_less_what_left(by_hand):
    stock = of(by_hand, "stock_vehicles")
    assert stock[2020, "bev_car"] == pytest.approx(0.007)
    assert stock[2020, "bus"] == pytest.approx(0.001)
    assert stock[2027, "bev_car"] == pytest.approx(0.001)
    assert stock[2027, "bus"] == 0.0
    assert of(by_hand, "registrations") == {(2020, "bev_car"): 7.0, (2020, "bus"): 1.0}
    assert of(by_hand, "exits") == {(2027, "bev_car"): 6.0, (2027, "bus"): 1.0}


def test_a_replaced_pack_is_no_exit_of_its_car(by_hand):
    assert not [key for key in of(by_hand, "exits") if key[0] == 2028]


def test_installed_energy_by_chemistry(by_hand):
    assert of(by_hand, "installed_gwh") == {
        (2020, "LFP"): pytest.approx(5 * 50_000 * SCALE / 1e9),
        (2020, "NCM"): pytest.approx(3 * 80_000 * SCALE / 1e9),
    }


def test_waits_by_stage(by_hand):
    """A waits 8 days at the yard, B 12, D and G 10; only A waits at an outlet until it is shipped."""
    waits = of(by_hand, "wait_days")
    assert waits == {
        (2027, "dismantler"): 10.0,
        (2027, "outlet"): 20.0,
        (2027, "transit"): pytest.approx((3 + 2 + 7 + 4) / 4),
        (2027, "recycler"): pytest.approx((5 + 1) / 2),
        (2028, "transit"): 6.0,
    }


def test_a_chain_is_complete_where_every_event_is_on_record(by_hand):
    """Of A, B, C, D, F and G only A; B's test is missing."""
    assert of(by_hand, "complete_chain_share") == {(2027, ""): pytest.approx(1 / 6), (2028, ""): 0.0}


def test_reports_by_role(by_hand):
    """The yard reported 6 of 12 events, ten and twenty days later; the recycler 5 of 8."""
    shares, delays = of(by_hand, "reported_share"), of(by_hand, "report_delay_days")
    assert shares[2027, "ELV"] == 0.5
    assert delays[2027, "ELV"] == 15.0
    assert shares[2027, "CU"] == pytest.approx(5 / 8)
    assert delays[2027, "CU"] == pytest.approx((3 * 10 + 2 * 20) / 5)
    assert (2027, "INFORMAL") not in shares
    assert (2027, "OWNER") not in shares


def test_processed_and_recovered_count_what_happened(by_hand):
    assert of(by_hand, "processed") == {
        (2027, "vehicle_packs"): pytest.approx(0.8),
        (2027, "production_scrap"): pytest.approx(2.0),
    }
    assert of(by_hand, "recovered") == {(2027, "LI"): pytest.approx(5.0)}


def test_flows_from_station_to_station(by_hand):
    expected = {
        "scrapped vehicles>dismantlers": 1.8, "scrapped vehicles>informal trade": 0.6, "scrapped vehicles>export": 0.6,
        "scrapped vehicles>missing": 0.4, "replaced packs>repair firms": 0.4, "dismantlers>outlets": 1.0,
        "repair firms>outlets": 0.4, "dismantlers>recyclers": 0.4, "outlets>recyclers": 0.4,
        "outlets>informal trade": 0.6, "recyclers>reused": 0.4, "recyclers>recycled": 2.4,
        "production scrap>recyclers": 2.0,
    }  # fmt: skip
    assert of(by_hand, "flow") == {(None, key): pytest.approx(value) for key, value in expected.items()}


# --- any run ---


@pytest.fixture(scope="module")
def world() -> World:
    return run(
        small(
            scale=20_000,
            first=date(2016, 1, 1),
            until=date(2028, 12, 31),
            coding={"misprint_share": 0.05, "duplicate_share": 0.05},
            recycling={"lapsed_share": 0.5},
        )
    )


def test_every_measure_is_told_of_and_every_one_told_of_is_measured(world):
    # what an audit tells is not measured here
    told = {info.id for info in MEASURES if not info.id.startswith(("breaches", "detected_share"))}
    told -= {info.id for info in MONEY_MEASURES}
    # nobody need be struck off the list
    assert {value.measure for value in world.measures} | {"processed_unlisted"} == told
    assert all(np.isfinite(value.value) and value.value >= 0 for value in world.measures)


def test_the_channels_add_up_to_what_retired(world):
    for year in range(2018, 2029):
        channels = sum(v.value for v in world.measures if v.measure == "retired_channel" and v.year == year)
        masses = sum(v.value for v in world.measures if v.measure == "retired_mass" and v.year == year)
        assert channels == pytest.approx(masses)


def test_what_flows_into_a_station_is_what_is_told_to_have_come_there(world):
    """Over the whole horizon all that is received is what outlets, holders, workshops and factories sent."""
    flow = {v.key: v.value for v in world.measures if v.measure == "flow"}
    scale = world.scenario.scale
    ((received,),) = world.rows(
        f"""select sum(mass_g) * {scale} / 1e9 from unit where level in ({Level.PACK}, {Level.LOT}) and unit in
        (select unit from event where happened and event = {E.RECEIVE})"""
    )
    assert sum(value for key, value in flow.items() if key.endswith(">recyclers")) == pytest.approx(received)


def test_the_log_knows_its_scenario(world):
    meta = world.store.meta()
    scenario = world.scenario
    assert meta["truth"] == "yes"
    assert meta["state"] == "complete"
    assert (meta["scenario"], meta["scale"]) == (scenario.name, str(scenario.scale))
    assert (int(meta["first_day"]), int(meta["last_day"])) == (scenario.first_day(), scenario.last_day())


def test_the_calendar_reaches_beyond_every_deadline(world):
    ((first, last, days, distinct),) = world.rows(
        "select min(day), max(day), count(*), count(distinct day) from workday"
    )
    assert first <= min(world.rows("select min(event_day) from event")[0])
    assert last >= world.scenario.last_day() + 365
    assert days == distinct == last - first + 1


def test_vins_are_valid_and_no_two_vehicles_share_one(world):
    vins = [text for (text,) in world.rows("select vin from vehicle")]
    assert len(set(vins)) == len(vins)
    for text in vins[::97]:
        vin.parse(text)


def test_codes_are_what_the_registry_says_of_them(world):
    """A fault beside a code is one that a parser finds; no fault, none; packs from before 2018 carry none."""
    rows = world.rows(f"select code, code_fault, made_day, level from unit where level = {Level.PACK}")
    began = day_number(date(world.scenario.coding.began, 1, 1))
    assert {code is None for code, _, made, _ in rows if made < began} == {True}
    coded = [(code, fault) for code, fault, made, _ in rows if made >= began]
    assert all(code is not None for code, _ in coded)
    for code, fault in coded[::7]:
        assert codes.fault(code, Level.PACK) == fault
    faulty = sum(fault != 0 for _, fault in coded)
    twice = len(coded) - len({code for code, _ in coded})
    for found in (faulty, twice):
        assert abs(found - 0.05 * len(coded)) < 5 * np.sqrt(0.05 * len(coded))


def test_sound_codes_can_be_taken_apart_and_tell_the_day_and_the_maker(world):
    rows = world.rows(
        f"""select code, made_day, maker_code, chemistry from unit join actor on actor = coder
        where level = {Level.PACK} and code is not null and code_fault = 0 and code in
        (select code from unit where code is not null group by code having count(*) = 1) order by unit"""
    )
    assert len(rows) > 1000
    for code, made_day, maker, chemistry in rows[::29]:
        parts = codes.parse(code)
        assert (day_number(parts.made_on), parts.maker, parts.chemistry) == (made_day, maker, chemistry)


def test_every_recycler_holds_each_permit_and_the_lapsed_lack_one_for_a_year(world):
    recyclers = world.rows(f"select count(*) from actor where role = {Role.CU}")[0][0]
    spans: dict[tuple[int, int], list[tuple[int, int | None]]] = {}
    held_by = f"select p.* from permit p join actor a using (actor) where a.role = {Role.CU}"
    for actor, kind, since, until in world.rows(f"{held_by} order by actor, kind, valid_from"):
        spans.setdefault((actor, kind), []).append((since, until))
    assert len(spans) == recyclers * len(PROCESSING_PERMITS)
    lapsed = {actor for (actor, kind), held in spans.items() if kind == Permit.DISCHARGE and len(held) == 2}
    assert 0 < len(lapsed) < recyclers
    for (actor, kind), held in spans.items():
        if kind == Permit.DISCHARGE and actor in lapsed:
            (_, until), (since, after) = held
            assert until is not None
            assert since - until - 1 in (365, 366)
            assert after is None
        else:
            assert [until for _, until in held] == [None]


def test_every_carrier_holds_a_dangerous_goods_permit(world):
    carriers = {number for (number,) in world.rows(f"select actor from actor where role = {Role.CARRIER}")}
    held = world.rows(f"select actor from permit where kind = {Permit.DANGEROUS_GOODS} and valid_to is null")
    assert carriers
    assert {number for (number,) in held} == carriers


def test_progress_is_told_from_the_first_day_on(tmp_path):
    told: list[tuple[int, int]] = []
    scenario = small(scale=500_000, first=date(2027, 1, 1), until=date(2027, 6, 30))
    with open_store(f"parquet:{tmp_path / 'log'}", create=True) as store:
        simulate(scenario, inputs(), store, progress=lambda done, days: told.append((done, days)))
    assert [days for _, days in told] == [181] * len(told)
    done = [days for days, _ in told]
    assert done == sorted(done)
    assert done[0] == 0
    assert 150 <= done[-1] <= 181


def test_a_log_that_is_not_finished_is_not_there(tmp_path: Path):
    """A run that is stopped leaves a store that says so."""

    def stop(done: int, days: int) -> None:
        if done > 60:
            raise KeyboardInterrupt

    scenario = small(scale=500_000, first=date(2027, 1, 1), until=date(2027, 6, 30))
    with pytest.raises(KeyboardInterrupt), open_store(f"parquet:{tmp_path / 'log'}", create=True) as store:
        simulate(scenario, inputs(), store, progress=stop)
    with pytest.raises(StoreError):
        open_store(f"parquet:{tmp_path / 'log'}")


def test_firms_that_come_to_work_well_recover_more_from_that_day_on():
    """A share of firms is dated like any other figure: what changes on a day changes on that day."""
    worlds = [
        run(small(scale=20_000, until=date(2027, 12, 31), recycling={"poor_share": poor, "good_share": good}))
        for poor, good in (
            (1.0, 0.0),
            ({"2011-01-01": 1.0, "2026-01-01": 0.0}, {"2011-01-01": 0.0, "2026-01-01": 1.0}),
        )
    ]
    query = (
        f"select m.year, sum(recovered_g) / sum(input_g) from material m join actor a using (actor) "
        f"where happened and element = {Element.LI} and role = {Role.CU} group by m.year order by m.year"
    )
    before, after = (dict(world.rows(query)) for world in worlds)
    assert before[2025] == after[2025]
    assert before[2027] < after[2027]
