"""A log held in memory says what its files say."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from tests.store_contract import events, write
from traceability.store.held import hold
from traceability.store.parquet import ParquetStore
from traceability.store.schema import TABLES, event


@pytest.fixture
def log(tmp_path):
    url = f"parquet:{tmp_path}/log"
    write(url, appends=[events(500), events(500, first=500)], rows=500)
    return tmp_path / "log"


def test_every_table_says_the_same(log):
    with ParquetStore(log) as plain, ParquetStore(log) as held:
        assert hold(held)
        for table in TABLES:
            assert held.rows(select(table)) == plain.rows(select(table))
        assert held.meta() == plain.meta()


def test_a_held_log_does_not_read_its_files_again(log):
    with ParquetStore(log) as held:
        assert hold(held)
        rows = held.count(event)
        for file in held.files:
            (log / file.name).unlink()
        assert held.rows(select(func.count()).select_from(event)) == [(rows,)]


def test_a_log_of_too_many_events_is_left_where_it_is(log):
    with ParquetStore(log) as store:
        assert not hold(store, most_rows=store.count(event) - 1)
        assert store.connection.execute("select count(*) from duckdb_tables()").fetchall() == [(0,)]
