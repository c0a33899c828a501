"""What the queries of several rules share, against plain arithmetic."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, cast, create_engine, literal, select

from traceability.compliance.shapes import whole_percent
from traceability.store.base import POSTGRESQL


def query(part: int, whole: int):
    return select(whole_percent(cast(literal(part), BigInteger), cast(literal(whole), BigInteger)))


def asked(part: int, whole: int) -> set[int]:
    """What SQLite and DuckDB answer."""
    compiled = query(part, whole).compile(dialect=POSTGRESQL, compile_kwargs={"literal_binds": True})
    with create_engine("sqlite://").connect() as sqlite, duckdb.connect() as duck:
        return {sqlite.scalar(query(part, whole)), duck.execute(compiled.string).fetchone()[0]}


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [(0, 7, 0), (1, 3, 33), (2, 3, 66), (99, 100, 99), (999, 1000, 99), (5, 5, 100), (9, 5, 100), (-1, 5, 0)],
)
def test_percent_are_whole_from_0_to_100(part, whole, percent):
    assert asked(part, whole) == {percent}


@given(part=st.integers(0, 10**13), whole=st.integers(1, 10**13))
def test_percent_are_those_of_a_division(part, whole):
    assert asked(part, whole) == {min(100 * part // whole, 100)}


def test_of_nothing_everything_is_there():
    assert asked(0, 0) == {100}
