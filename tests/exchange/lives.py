"""Small made-up logs, and two logs compared by what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from traceability.events import NEVER, NULL, EventBatch
from traceability.lifecycle import TRANSITIONS
from traceability.registry import Registry
from traceability.store import open_store, schema
from traceability.vocabulary import REMARKS, VEHICLE_EVENTS, Detail, Element, Level, LinkKind, Role, State
from traceability.vocabulary import EventType as E

FIRST_DAY = 20_000
CODE = "ZZ9PB1AA0B1234G410000042"


@st.composite
def lives(draw):
    """Units with a lawful way through the states each, told or not, numbers attached, links and corrections."""
    plans = []
    for number in range(draw(st.integers(1, 5))):
        level = draw(st.sampled_from([Level.PACK, Level.MODULE, Level.CELL, Level.PRODUCT, Level.LOT]))
        code = draw(st.sampled_from([None, CODE, f"X{number}", "spaced code", "中文", f"a/b?{number}"]))
        state, steps, day = State.UNREGISTERED, [], FIRST_DAY
        for _ in range(draw(st.integers(0, 7))):
            table = TRANSITIONS[level]
            following = sorted(event for before, event in table if before is state)
            if not following:
                break
            event = draw(st.sampled_from([*following, draw(st.sampled_from(sorted(REMARKS)))]))
            state = table.get((state, event), state)
            day += draw(st.integers(0, 30))
            steps.append(
                {
                    "event": event,
                    "day": day,
                    "told": draw(st.sampled_from([NEVER, day, day + 17])),
                    "receiver": draw(st.sampled_from([NULL, 0, 1])),
                    "carrier": draw(st.sampled_from([NULL, 2])),
                    "vehicle": draw(st.sampled_from([NULL, 0])),
                    "details": draw(
                        st.lists(
                            st.tuples(
                                st.sampled_from(Detail),
                                st.integers(-(2**40), 2**40).filter(lambda n: n != NULL)
                                | st.integers(2**60, 2**62),
                            ),
                            max_size=2,
                        )
                    ),
                    "corrected": draw(st.booleans()) and event not in REMARKS,
                }
            )
        plans.append((level, code, draw(st.integers(0, 10**9)), steps))
    pairs = st.tuples(st.integers(0, len(plans) - 1), st.integers(0, len(plans) - 1)).filter(
        lambda p: p[0] < p[1]
    )
    ties = draw(
        st.lists(
            st.tuples(
                st.sampled_from(LinkKind), pairs, st.integers(0, 60), st.sampled_from([NULL, 90]), st.sampled_from([NEVER, 95])
            ),
            max_size=6,
        )
    ) if len(plans) > 1 else []  # fmt: skip
    return plans, ties


def write(store, life, *, with_truth: bool) -> None:
    """Write *life* into *store* and finish it."""
    plans, ties = life
    registry = Registry(store)
    registry.enrol_actors(
        {
            "actor": np.arange(3), "name": ["电池厂 A", "B", "C"], "credit_code": [None, "91110000100000000X", None],
            "role": np.array([Role.BATTERY_ENT, Role.CU, Role.CARRIER]), "province": np.array([0, 11, 44]),
            "prefecture": np.array([NULL, 1101, NULL]), "maker_code": ["ZZ9", None, None],
            "stands_for": 1, "capacity_t_year": np.array([NULL, 5000, NULL]),
        }, 3,
    )  # fmt: skip
    registry.grant_permits(actor=np.array([1]), kind=2, valid_from=FIRST_DAY)
    registry.enrol_vehicles(
        vin=np.array([b"LZZTESTAA00000001"]),
        kind=1,
        maker=0,
        province=11,
        swap=False,
        rows=1,
        prefecture=1101,
    )
    for level, code, mass, _ in plans:
        registry.commission(
            level, coder=0, chemistry=1, made_day=FIRST_DAY, energy_wh=1000, mass_g=mass,
            printed=None if code is None else [code], rows=1,
        )  # fmt: skip
    for number, (_, _, _, steps) in enumerate(plans):
        for step in steps:
            _step(registry, number, step, with_truth=with_truth)
    for kind, (child, parent), after, until, told in ties:
        registry.link(
            kind, parent=parent, child=np.array([child]), from_day=FIRST_DAY + after,
            to_day=NULL if until == NULL else FIRST_DAY + until, record_day=NEVER if told == NEVER else FIRST_DAY + told,
        )  # fmt: skip
    for number, (level, *_, steps) in enumerate(plans):
        if level is Level.LOT and any(step["event"] is E.RECOVER for step in steps):
            registry.balance(
                2, lot=number, element=np.array([Element.MASS, Element.LI]), actor=1, day=FIRST_DAY + 3, year=2024,
                input_g=np.array([900, 90]), recovered_g=np.array([700, 80]), residue_g=np.array([200, 10]),
                record_day=FIRST_DAY + 40, happened=True,
            )  # fmt: skip
    if with_truth:
        store.set_meta("truth", "yes")
    store.finish()


def _step(registry, unit, step, *, with_truth) -> None:
    event = step["event"]
    columns = {
        "vehicles": step["vehicle"], "actor": 1, "receiver": step["receiver"], "carrier": step["carrier"],
        "event_day": step["day"], "record_day": step["told"],
    }  # fmt: skip
    first = registry.record(EventBatch.of(event, unit, **columns))
    for what, value in step["details"]:
        registry.detail(np.array([first]), what, value)
    if step["corrected"] and step["told"] != NEVER and event not in VEHICLE_EVENTS:
        slip = EventBatch.of(
            event, unit, **columns | {"actor": 2, "record_day": step["told"] + 3, "happened": False}
        )
        registry.correct(slip, np.array([first]))


def said(store, *, view: str) -> dict[str, list[tuple]]:
    """What *store* says in *view*, by names that do not depend on the numbers of records and units."""
    last = 10**6
    rows = {table.name: store.rows(table.select()) for table in (schema.event, schema.unit, schema.detail)}
    units = {row[0]: row[1:] for row in rows["unit"]}
    details: dict[int, list] = {}
    for event_id, what, value in rows["detail"]:
        details.setdefault(event_id, []).append((what, value))
    kept, by_id = {}, {}
    unsaid = {E.OPEN_OUTLET, E.PUBLISH_OUTLET, E.INSPECT, E.PENALISE, E.LIST, E.DELIST}
    for row in rows["event"]:
        event_id, event, unit, vehicle, actor, receiver, carrier, day, told, happened, corrects = row
        by_id[event_id] = row
        wanted = happened if view == "truth" else told is not None
        if wanted and event not in unsaid:
            first = by_id.get(corrects)
            kept[event_id] = (
                event, units.get(unit), vehicle, actor, receiver, carrier, day, told,
                None if first is None else (first[1], units.get(first[2]), *first[3:9]), tuple(sorted(details.get(event_id, ()))),
            )  # fmt: skip
    links = [
        (kind, units[parent], units[child], start, end, told)
        for kind, parent, child, start, end, told in store.rows(schema.link.select())
        if (view == "truth" or told is not None) and start <= last
    ]
    balances = [(units[row[0]], *row[1:]) for row in store.rows(schema.material.select())]
    return {"events": _sorted(kept.values()), "links": _sorted(links), "balances": _sorted(balances)}


def _sorted(rows) -> list[tuple]:
    return sorted(rows, key=str)


def through(folder: Path, life, *, view: str):
    """Write *life*, export it, import it again; return both stores as `said`, the document and both reports."""
    from traceability.exchange.epcis import export, import_document
    from traceability.exchange.selecting import Selection

    with open_store(f"parquet:{folder / 'before'}", create=True) as store:
        write(store, life, with_truth=True)
        document = folder / "log.jsonld"
        exported = export(store, document, Selection(view=view), with_vin=True)
        before = said(store, view=view)
    imported = import_document(document, str(folder / "after"))
    with open_store(f"parquet:{folder / 'after'}") as store:
        after = said(store, view=view)
    return before, after, document, exported, imported
