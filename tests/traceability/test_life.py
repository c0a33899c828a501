"""A life is read from a store as it was written: by hand, and for units of a simulated log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import numpy as np
import pytest
from sqlalchemy import select

from sim.inputs import load as load_inputs
from sim.run import simulate
from sim.scenario import load as load_scenario
from traceability.compliance.audit import happened_and_visible
from traceability.compliance.findings import YES
from traceability.compliance.rules import RULES
from traceability.errors import UnknownName
from traceability.events import NULL, EventBatch, day_number
from traceability.life import Subject, describe, find, iso, last_day, read_life
from traceability.registry import Registry
from traceability.store import Store, open_store, schema
from traceability.vocabulary import Chemistry, EventType, Level, LinkKind, Role, State

PACK, MODULE, SPARE = "ZZ9PB1AA0B1234G410000042", "ZZ9MB1AA0B1234G410000007", "ZZ9PB1AA0B1234G410000099"
VIN = "LZZTEST19SA000042"
DAY = day_number(date(2026, 4, 1))

ACTORS = [
    ("Maker", Role.BATTERY_ENT),
    ("Carworks", Role.OEM),
    ("Owner", Role.OWNER),
    ("Garage", Role.REPAIR),
    ("Depot", Role.OUTLET),
    ("Truck", Role.CARRIER),
    ("Workshop", Role.INFORMAL),
    ("Smelter", Role.CU),
]
MAKER, CARWORKS, OWNER, GARAGE, DEPOT, TRUCK, WORKSHOP, SMELTER = range(len(ACTORS))
E = EventType


def commission(registry, level, code):
    return registry.commission(
        level,
        coder=MAKER,
        chemistry=int(Chemistry.LFP),
        made_day=DAY,
        energy_wh=50_000,
        mass_g=400_000,
        printed=[code],
        rows=1,
    )


def happens(registry, event, unit, day, actor, **columns):
    told = columns.pop("record_day", DAY + day + 3)
    return registry.record(
        EventBatch.of(
            event, np.atleast_1d(unit), actor=actor, event_day=DAY + day, record_day=told, **columns
        )
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Pack 0 (with module 1 in it) is sold to Carworks, repaired out of vehicle 0 and sold off behind a lie;
    pack 2 is a spare that went to the garage, 3 bears the same code as 2; lot 4 was made of the module.
    """
    url = f"sqlite:///{tmp_path_factory.mktemp('life') / 'log.db'}"
    with open_store(url, create=True) as store:
        registry = Registry(store)
        roles = np.array([int(role) for _, role in ACTORS])
        names = [name for name, _ in ACTORS]
        own = {"actor": np.arange(len(ACTORS)), "stands_for": 1, "province": 1}
        registry.enrol_actors({"name": names, "role": roles, **own}, len(ACTORS))
        for level, code in (
            (Level.PACK, PACK),
            (Level.MODULE, MODULE),
            (Level.PACK, SPARE),
            (Level.PACK, SPARE),
        ):
            commission(registry, level, code)
        commission(registry, Level.LOT, None)
        registry.enrol_vehicles(vin=[VIN], kind=0, maker=CARWORKS, province=1, swap=False, rows=1)
        happens(registry, E.CODE, 0, 0, MAKER)
        happens(registry, E.DELIVER, 0, 2, MAKER, receiver=CARWORKS)
        happens(registry, E.INSTALL, 0, 5, CARWORKS, vehicles=0)
        happens(registry, E.CERTIFY, 0, 6, CARWORKS, vehicles=0)
        happens(registry, E.SELL, 0, 9, CARWORKS, vehicles=0, receiver=OWNER)
        happens(registry, E.REMOVE, 0, 100, GARAGE, vehicles=0, record_day=NULL)
        happens(registry, E.CODE, [2, 3], 1, MAKER)
        happens(registry, E.DELIVER, 2, 90, MAKER, receiver=GARAGE)
        happens(registry, E.INSTALL, 2, 101, GARAGE, vehicles=0)
        happens(registry, E.RETIRE, 0, 102, GARAGE)
        lie = happens(registry, E.SHIP, 0, 103, GARAGE, receiver=DEPOT, carrier=TRUCK, happened=False)
        truly = EventBatch.of(
            E.DIVERT,
            np.array([0]),
            actor=GARAGE,
            receiver=WORKSHOP,
            event_day=DAY + 103,
            record_day=DAY + 150,
        )
        registry.correct(truly, np.array([lie]))
        happens(registry, E.DISMANTLE, 0, 120, WORKSHOP, record_day=NULL)
        happens(registry, E.FREE, 1, 120, WORKSHOP, record_day=NULL)
        happens(registry, E.PROCESS, 1, 121, SMELTER)
        happens(registry, E.RECOVER, 4, 122, SMELTER)
        registry.link(LinkKind.CONTAINS, parent=0, child=np.array([1]), from_day=DAY, to_day=DAY + 120)
        registry.link(
            LinkKind.MADE_FROM, parent=4, child=np.array([1]), from_day=DAY + 122, record_day=DAY + 130
        )
        store.set_meta("truth", "yes")
        store.set_meta("last_day", str(DAY + 400))
        registry.finish()
        yield store


def life_of(store, name, rules=()):
    return read_life(store, find(store, name), rules=rules)


# finding


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        (PACK, Subject(False, 0)),
        (PACK.lower(), Subject(False, 0)),
        (f" {PACK[:8]} {PACK[8:]}\n", Subject(False, 0)),
        (VIN, Subject(True, 0)),
        ("unit:4", Subject(False, 4)),
        ("Vehicle:0", Subject(True, 0)),
        (SPARE, Subject(False, 2, (3,))),
    ],
)
def test_a_code_a_vin_or_a_number_finds_what_it_names(small, text, subject):
    assert find(small, text) == subject


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("ZZ9PB1AA0B1234G410000O42", PACK),  # a character mistaken
        ("ZZ9PB1AA0B1234G4100042", PACK),  # two left out
        ("ZZ9PB1AA0B12134G410000042", PACK),  # one too many
        ("ZZ9PBIAAOB1234G410000042", PACK),  # two mistaken
        ("zz9mb1aa0b1234g410000008", MODULE),
        ("LZZTEST19SA00042", VIN),
        ("LZZTESTI9SA000042", VIN),
    ],
)
def test_a_slip_is_answered_with_the_closest_there_is(small, slip, meant):
    with pytest.raises(UnknownName) as unknown:
        find(small, slip)
    assert unknown.value.closest[0] == meant
    assert f"did you mean `{meant}`" in str(unknown.value)


@pytest.mark.parametrize(
    "text", ["", "x", "%%%%%%%%%", "'; drop table unit", "日本語の電池コード", "unit:", "unit:99"]
)
def test_what_is_like_nothing_is_answered_without_a_guess(small, text):
    with pytest.raises(UnknownName) as unknown:
        find(small, text)
    assert unknown.value.closest == []
    assert "did you mean" not in str(unknown.value)


def test_a_number_beyond_the_log_is_told_how_many_there_are(small):
    with pytest.raises(UnknownName, match="unknown vehicle number `7` in this log of 5 units and 1 vehicles"):
        find(small, "vehicle:7")


# one life, by hand


def test_the_identity_is_decoded_or_it_is_said_why_not(small):
    pack, lot = life_of(small, PACK), life_of(small, "unit:4")
    assert (pack.name, pack.level, pack.chemistry, pack.maker.name) == (
        PACK,
        Level.PACK,
        Chemistry.LFP,
        "Maker",
    )
    assert (pack.energy_wh, pack.mass_g, pack.made_day) == (50_000, 400_000, DAY)
    assert pack.decoded is not None
    assert pack.decoded.serial == 42
    assert (lot.name, lot.decoded, lot.undecoded) == (None, None, "it bears none")
    vehicle = life_of(small, VIN)
    assert (vehicle.level, vehicle.maker.name, vehicle.decoded.model_year) == (
        Level.VEHICLE,
        "Carworks",
        2025,
    )


def test_events_come_in_order_with_what_happened_and_what_was_reported(small):
    told = [
        (
            e.event.name,
            e.day - DAY,
            e.days_until_told,
            e.happened,
            e.actor.name,
            e.receiver and e.receiver.name,
        )
        for e in life_of(small, PACK).events
    ]
    assert told == [
        ("CODE", 0, 3, True, "Maker", None),
        ("DELIVER", 2, 3, True, "Maker", "Carworks"),
        ("INSTALL", 5, 3, True, "Carworks", None),
        ("CERTIFY", 6, 3, True, "Carworks", None),
        ("SELL", 9, 3, True, "Carworks", "Owner"),
        ("REMOVE", 100, None, True, "Garage", None),
        ("RETIRE", 102, 3, True, "Garage", None),
        ("SHIP", 103, 3, False, "Garage", "Depot"),
        ("DIVERT", 103, 47, True, "Garage", "Workshop"),
        ("DISMANTLE", 120, None, True, "Workshop", None),
    ]


def test_a_lie_and_the_truth_that_replaced_it_name_each_other(small):
    lie, truly = life_of(small, PACK).events[7:9]
    assert (lie.corrected_by, lie.corrects) == (truly.event_id, None)
    assert (truly.corrects, truly.corrected_by) == (lie.event_id, None)
    assert lie.carrier is not None
    assert lie.carrier.role is Role.CARRIER


def test_holders_follow_what_happened_and_not_the_lie(small):
    held = [(h.holder and h.holder.name, h.by.name, h.from_day - DAY) for h in life_of(small, PACK).holders]
    assert held == [
        ("Maker", "CODE", 0),
        ("Carworks", "DELIVER", 2),
        ("Owner", "SELL", 9),
        ("Garage", "REMOVE", 100),
        ("Workshop", "DIVERT", 103),
        (None, "DISMANTLE", 120),
    ]


def test_what_is_put_into_a_sold_vehicle_is_in_its_owners_hands(small):
    assert [h.holder and h.holder.name for h in life_of(small, SPARE).holders] == ["Maker", "Garage", "Owner"]


def test_holders_follow_each_other_without_a_gap(small):
    held = life_of(small, PACK).holders
    assert [h.to_day for h in held[:-1]] == [h.from_day for h in held[1:]]
    assert held[-1].to_day is None


def test_the_state_is_the_one_a_registry_knows(small):
    assert life_of(small, PACK).state is State.DISMANTLED
    assert life_of(small, SPARE).state is State.IN_VEHICLE
    assert life_of(small, VIN).state is State.ON_THE_ROAD


def test_a_pack_knows_its_vehicle_and_a_vehicle_its_packs(small):
    [stay] = life_of(small, PACK).stays
    assert (stay.vin, stay.from_day - DAY, stay.to_day - DAY) == (VIN, 5, 100)
    assert (stay.put_in_by, stay.taken_out_by) == (E.INSTALL, E.REMOVE)
    stays = [(stay.code, stay.from_day - DAY, stay.to_day) for stay in life_of(small, VIN).stays]
    assert stays == [(PACK, 5, DAY + 100), (SPARE, 101, None)]


def test_parents_and_children_are_told_with_their_days(small):
    [module] = life_of(small, PACK).children
    assert (module.kind, module.code, module.to_day) == (LinkKind.CONTAINS, MODULE, DAY + 120)
    ties = [(tie.kind.name, tie.unit, tie.from_day - DAY) for tie in life_of(small, MODULE).parents]
    assert ties == [("CONTAINS", 0, 0), ("MADE_FROM", 4, 122)]
    [source] = life_of(small, "unit:4").children
    assert (source.code, source.record_day) == (MODULE, DAY + 130)


def test_a_vehicle_maker_answers_for_what_it_was_first_sold(small):
    answer = life_of(small, PACK).responsible
    assert (answer.party.name, answer.grade) == ("Carworks", "B")
    assert answer.article == "Order 73, article unknown"
    assert "first delivered to Carworks" in answer.reason


def test_the_coder_answers_for_a_spare_and_for_what_was_never_sold(small):
    spare, unsold = life_of(small, SPARE).responsible, life_of(small, "unit:3").responsible
    assert spare.party.name == unsold.party.name == "Maker"
    assert "Garage (REPAIR)" in spare.reason
    assert "no vehicle maker" in unsold.reason


def test_a_module_is_answered_for_with_its_pack_and_a_lot_by_nobody(small):
    module = life_of(small, MODULE).responsible
    assert module.party.name == "Carworks"
    assert module.reason.startswith("unit:0, of which it was a part,")
    assert life_of(small, "unit:4").responsible is None
    assert life_of(small, VIN).responsible is None


def test_the_sale_behind_a_lie_is_a_breach_that_the_register_saw_in_the_end(small):
    breaches = {breach.rule: breach for breach in life_of(small, PACK, RULES).findings}
    assert (breaches["R24"].happened, breaches["R24"].visible) == (True, True)
    assert breaches["R24"].day == DAY + 103


def test_a_registry_that_does_not_know_the_truth_is_asked_for_the_register_alone(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'log.db'}", create=True) as store:
        registry = Registry(store)
        own = {"actor": np.arange(2), "stands_for": 1, "province": 1}
        registry.enrol_actors({"name": ["Garage", "Workshop"], "role": np.array([5, 12]), **own}, 2)
        commission(registry, Level.PACK, PACK)
        for event in (E.CODE, E.SCRAP):
            happens(registry, event, 0, 0, 0)
        happens(registry, E.DIVERT, 0, 5, 0, receiver=1)
        registry.finish()
        life = life_of(store, PACK, RULES)
        assert last_day(store) == life.as_of == DAY + 8
        assert {(b.rule, b.happened, b.visible) for b in life.findings} >= {("R24", None, True)}


def test_a_log_that_cannot_have_been_is_read_without_a_state(tmp_path):
    """An export of somebody's own: written past the registry."""
    with open_store(f"sqlite:///{tmp_path / 'log.db'}", create=True) as store:
        commission(Registry(store), Level.PACK, PACK)
        row = {
            "event_id": 0,
            "event": int(E.PROCESS),
            "unit": 0,
            "actor": 5,
            "event_day": DAY,
            "happened": True,
        }
        store.append(schema.event, 1, row)
        store.finish()
        life = life_of(store, PACK)
        assert (life.state, life.events[0].actor.name, life.events[0].actor.role) == (None, "actor:5", None)


def test_a_life_is_told_in_json_with_names_and_dates(small):
    told = json.loads(json.dumps(describe(life_of(small, PACK, RULES)), ensure_ascii=False))
    assert (told["subject"], told["level"], told["state"], told["made_day"]) == (
        "unit:0",
        "PACK",
        "DISMANTLED",
        "2026-04-01",
    )
    assert told["decoded"]["serial"] == 42
    assert told["events"][5]["record_day"] is None
    assert told["events"][8]["day"] == iso(DAY + 103)
    assert told["responsible"]["party"] == {"actor": CARWORKS, "name": "Carworks", "role": "OEM"}
    assert {finding["rule"] for finding in told["findings"]} >= {"R24"}


# lives of a simulated log


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    directory = tmp_path_factory.mktemp("simulated") / "log"
    with open_store(str(directory), create=True) as store:
        simulate(load_scenario("baseline", scale=100_000, until="2027-12-31"), load_inputs(), store)
    with open_store(str(directory)) as store:
        yield store


def some(store, column, *where):
    rows = store.rows(select(column).where(*where).group_by(column).order_by(column))
    return [row[0] for row in rows[:: max(1, len(rows) // 4)]]


def test_states_agree_with_a_registry_that_replays_the_log(simulated):
    registry = Registry.resume(simulated)
    u = schema.unit
    for level in (Level.PACK, Level.MODULE, Level.PRODUCT, Level.LOT):
        for number in some(simulated, u.c.unit, u.c.level == int(level)):
            life = read_life(simulated, Subject(False, number), rules=())
            assert life.level is level
            assert life.state == registry.states(np.array([number]))[0]


def test_findings_of_a_life_are_those_of_the_audit_that_name_it(simulated):
    found = happened_and_visible(simulated, last_day(simulated)).findings
    subjects = [Subject(False, n) for n in np.unique(found.unit[found.unit != NULL])[::400].tolist()][:4]
    subjects += [Subject(True, n) for n in np.unique(found.vehicle[found.vehicle != NULL])[::200].tolist()][
        :2
    ]
    assert len(subjects) >= 4
    for subject in subjects:
        own = found[(found.vehicle if subject.is_vehicle else found.unit) == subject.number]
        expected = sorted(
            (RULES[rule].id, None if day == NULL else day, happened == YES, visible == YES)
            for rule, day, happened, visible in zip(
                own.rule.tolist(), own.day.tolist(), own.happened.tolist(), own.visible.tolist(), strict=True
            )
        )
        breaches = read_life(simulated, subject).findings
        assert sorted((b.rule, b.day, b.happened, b.visible) for b in breaches) == expected


def test_whoever_is_found_by_code_bears_it(simulated):
    u = schema.unit
    for code in some(simulated, u.c.code, u.c.code.is_not(None)):
        life = life_of(simulated, code)
        assert life.name == code
        with pytest.raises(UnknownName) as unknown:
            find(simulated, code[:10] + "!" + code[11:])
        assert code in unknown.value.closest


def test_a_vehicle_and_its_pack_tell_the_same_stay(simulated):
    e = schema.event
    for vehicle in some(simulated, e.c.vehicle, e.c.event == int(E.SWAP_IN)):
        stays = read_life(simulated, Subject(True, vehicle), rules=()).stays
        assert stays
        for stay in stays:
            assert stay in read_life(simulated, Subject(False, stay.unit), rules=()).stays
