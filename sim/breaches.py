"""Breaches counted: those that happened and those that the register shows, weighted with what each stands for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from sim import quarters
from sim.inputs import FIRST_YEAR
from sim.measures import Value
from traceability.compliance.audit import Scorecard, grouped
from traceability.compliance.findings import YES
from traceability.events import NULL
from traceability.store import Store, schema
from traceability.vocabulary import Level, Role

Int64s = npt.NDArray[np.int64]


def count(card: Scorecard, store: Store) -> list[Value]:
    """Return measures `breaches_happened`, `breaches_visible` and `detected_share` by year and rule.

    A breach about a simulated unit or vehicle stands for as many real ones as the unit does; one about a firm,
    or about a material lot that a firm makes, for as many as the firm does.
    """
    findings = card.findings
    if not len(findings):
        return []
    weight = _weights(store, findings.unit, findings.vehicle, findings.actor)
    year = quarters.of_days(findings.day) // 4 + FIRST_YEAR
    values = []
    for name, flag in (("breaches_happened", findings.happened), ("breaches_visible", findings.visible)):
        rows = np.flatnonzero(flag == YES)
        if not rows.size:
            continue
        # two breaches of one duty by one unit are one
        rows = rows[_first_of_each(findings.keys()[:, rows])]
        group = findings.rule[rows] * 10_000 + year[rows]
        for key in np.unique(group).tolist():
            total = float(weight[rows[group == key]].sum())
            values.append(Value(name, key % 10_000, findings.rules[key // 10_000].id, total))
    return values + _detected(card, weight, year)


def _detected(card: Scorecard, weight: Int64s, year: npt.NDArray[np.integer]) -> list[Value]:
    """Return the share of the breaches that happened which the register shows too: by year, and by year and rule."""
    findings = card.findings
    rows = np.flatnonzero(findings.happened == YES)
    if not rows.size:
        return []
    rows = rows[_first_of_each(findings.keys()[:, rows])]
    seen = weight[rows] * (findings.visible[rows] == YES)
    values = []
    for rule in (-1, *np.unique(findings.rule[rows]).tolist()):
        of_rule = np.ones(rows.size, dtype=bool) if rule < 0 else findings.rule[rows] == rule
        for at in np.unique(year[rows][of_rule]).tolist():
            chosen = of_rule & (year[rows] == at)
            share = float(seen[chosen].sum() / weight[rows][chosen].sum())
            values.append(Value("detected_share", at, "" if rule < 0 else findings.rules[rule].id, share))
    return values


def _first_of_each(keys: Int64s) -> npt.NDArray[np.integer]:
    """Return int64[k], the place of the first of each of the k different columns of int64[3, n] *keys*."""
    numbers, _ = grouped(keys)
    return np.unique(numbers, return_index=True)[1]


def _weights(store: Store, unit: Int64s, vehicle: Int64s, actor: Int64s) -> Int64s:
    scale = int(store.meta()["scale"])
    actors = store.select(select(schema.actor.c.actor, schema.actor.c.stands_for, schema.actor.c.role))
    size = int(actors["actor"].max()) + 1
    stands_for, role = np.ones(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    stands_for[actors["actor"]], role[actors["actor"]] = actors["stands_for"], actors["role"]
    u = schema.unit
    lots = store.select(select(u.c.unit, u.c.coder).where(u.c.level == int(Level.LOT)))
    made_by_firm = lots["unit"][np.isin(role[lots["coder"]], (Role.CU, Role.INFORMAL))]
    of_firm = ((unit == NULL) & (vehicle == NULL)) | np.isin(unit, made_by_firm)
    return np.where(of_firm & (actor != NULL), stands_for[np.clip(actor, 0, size - 1)], scale)
