"""One simulated log in Parquet, SQLite and PostgreSQL: the same rows, and the same findings of every rule."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import select

from sim import inputs
from sim.run import simulate
from sim.scenario import load
from traceability.compliance import audit, happened_and_visible, view_of
from traceability.store import open_store
from traceability.store.schema import TABLES


@pytest.fixture(scope="module")
def stores(tmp_path_factory, new_postgres_url):
    """The same small world, written through the same door into each kind of store."""
    folder = tmp_path_factory.mktemp("stores")
    path = folder / "small.toml"
    path.write_text(
        'extends = "baseline"\nname = "small"\nuntil = 2028-12-31\nscale = 100000\nseed = 5\n'
        # somebody is fined
        "[inspection.mot]\ninspected_share = 1.0\ndetected_share = 1.0\n"
    )
    scenario, figures = load(path), inputs.load()
    opened = []
    for url in (f"parquet:{folder / 'log'}", f"sqlite:///{folder / 'log.db'}", new_postgres_url()):
        store = open_store(url, create=True)
        simulate(scenario, figures, store)
        opened.append(store)
    yield opened
    for store in opened:
        store.close()


@pytest.mark.parametrize("table", [t for t in TABLES if t.name != "meta"], ids=lambda t: t.name)
def test_every_table_holds_the_same_rows(stores, table):
    parquet, *others = (sorted(map(repr, store.rows(select(table)))) for store in stores)
    assert parquet
    for other in others:
        assert other == parquet


@pytest.mark.parametrize("view", ["truth", "register"])
def test_every_rule_finds_the_same(stores, view):
    as_of = int(stores[0].meta()["last_day"])
    parquet, *others = (audit(store, view_of(view, as_of)) for store in stores)
    assert not parquet.broken
    assert len(parquet.findings) > 100
    for other in others:
        for name in ("rule", "limit", "event_id", "unit", "vehicle", "actor", "day", "measured"):
            assert np.array_equal(getattr(other.findings, name), getattr(parquet.findings, name)), name


def test_the_register_never_shows_more_of_a_reported_breach_than_happened(stores):
    """A late report or a forbidden buyer stands in the row itself: the register shows it only if it happened."""
    card = happened_and_visible(stores[0], int(stores[0].meta()["last_day"]))
    for score in card.scores:
        assert score.both <= min(score.happened, score.visible)
    by_rule = {score.rule.id: score for score in card.scores}
    for exact in ("R12", "R46", "R24"):
        assert by_rule[exact].visible == by_rule[exact].both, exact
        assert by_rule[exact].both < by_rule[exact].happened, exact
    assert by_rule["R12"].both > 0
