"""A store of Parquet files."""

from __future__ import annotations

import json
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from tests.store_contract import StoreContract, events, write
from traceability.errors import StoreError
from traceability.store import open_store
from traceability.store.parquet import ParquetStore
from traceability.store.schema import event, unit, vehicle


class TestParquet(StoreContract):
    @pytest.fixture
    def url(self, tmp_path):
        return f"parquet:{tmp_path}/it's a run"

    def pretend_newer(self, url):
        marker = Path(url.removeprefix("parquet:"), "store.json")
        marker.write_text(json.dumps(json.loads(marker.read_text()) | {"schema_version": 999}))


def sums(directory: Path, cuts: list[int], *, shared: bool = False) -> list[tuple[str, int, str]]:
    """Write 1,000 events and units, appended in parts that end at *cuts*; return the sums of the files."""
    with ParquetStore(directory, create=True, chunk_rows=256) as store:
        edges = sorted({0, 1000, *cuts})
        for start, stop in pairwise(edges):
            rows = stop - start
            actor = 5 if shared else np.full(rows, 5)
            store.append(event, rows, events(rows, start, actor=actor))
            codes = [f"C{n:08d}" if n % 3 else None for n in range(start, stop)]
            code = codes if shared else np.array([(c or "").encode() for c in codes], dtype="S24")
            number = np.arange(start, stop)
            store.append(
                unit,
                rows,
                {"unit": number, "code": code, "mass_g": number % 7}
                | dict.fromkeys(
                    ("code_fault", "level", "chemistry", "coder", "made_day", "energy_wh", "purpose"), 1
                ),
            )
        store.finish()
        return [(file.name, file.rows, file.sha256) for file in store.files]


@given(cuts=st.lists(st.integers(1, 999), max_size=12), shared=st.booleans())
@settings(max_examples=12, deadline=None)
def test_the_same_rows_give_the_same_bytes(cuts, shared):
    """However they were cut into appends, and whether a value stood once for all rows or once for each."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        assert sums(Path(one, "s"), []) == sums(Path(other, "s"), cuts, shared=shared)


def test_a_large_table_lies_in_chunks_of_equal_size(tmp_path):
    files = {name: rows for name, rows, _ in sums(tmp_path / "s", [300])}
    assert files == {
        "event/00000.parquet": 256,
        "event/00001.parquet": 256,
        "event/00002.parquet": 256,
        "event/00003.parquet": 232,
        "meta.parquet": 2,
        "unit/00000.parquet": 256,
        "unit/00001.parquet": 256,
        "unit/00002.parquet": 256,
        "unit/00003.parquet": 232,
    }
    there = (path for path in (tmp_path / "s").rglob("*") if path.is_file())
    on_disk = {str(path.relative_to(tmp_path / "s")) for path in there}
    assert on_disk == {*files, "store.json"}
    with open_store(str(tmp_path / "s")) as store:
        assert store.rows(select(func.count(), func.sum(event.c.event_id))) == [(1000, 499_500)]


def test_files_have_the_types_of_the_schema(tmp_path):
    write(str(tmp_path / "s"), appends=[events(10)], rows=10)
    with ParquetStore(tmp_path / "s") as store:
        types = store.connection.execute("SELECT column_type FROM (DESCRIBE event)").fetchall()
        empty = store.connection.execute("SELECT column_type FROM (DESCRIBE vehicle)").fetchall()
    assert [sql_type for (sql_type,) in types] == [
        "BIGINT", "SMALLINT", "BIGINT", "BIGINT", "INTEGER", "INTEGER", "INTEGER", "INTEGER", "INTEGER",
        "BOOLEAN", "BIGINT",
    ]  # fmt: skip
    assert [sql_type for (sql_type,) in empty] == [
        "BIGINT", "VARCHAR", "SMALLINT", "INTEGER", "SMALLINT", "INTEGER", "BOOLEAN",
    ]  # fmt: skip


def test_a_bare_path_is_a_parquet_store(tmp_path):
    with open_store(str(tmp_path / "s"), create=True) as store:
        assert isinstance(store, ParquetStore)
        assert store.url == f"parquet:{tmp_path / 's'}"


def test_a_half_written_store_can_never_be_read(tmp_path):
    with open_store(str(tmp_path / "s"), create=True) as store:
        store.append(event, 3, events(3))
        with pytest.raises(StoreError, match="still being written"):
            store.rows(select(event))
    with pytest.raises(StoreError, match="half written"):
        open_store(str(tmp_path / "s"), incomplete_ok=True)
    with pytest.raises(StoreError, match="there already"):
        open_store(str(tmp_path / "s"), create=True)


@pytest.mark.parametrize("name", ["notes.txt", "store.json"])
def test_a_foreign_directory_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text('{"hello": 1}')
    with pytest.raises(StoreError, match="not a battrace store"):
        open_store(str(tmp_path))
    if name == "notes.txt":
        with pytest.raises(StoreError, match="something is there already"):
            open_store(str(tmp_path), create=True)
    assert (tmp_path / name).read_text() == '{"hello": 1}'


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "run").write_text("hello")
    with pytest.raises(StoreError, match="not a battrace store"):
        open_store(str(tmp_path / "run"))
    with pytest.raises(StoreError, match="there already"):
        open_store(str(tmp_path / "run"), create=True)
    with pytest.raises(StoreError, match="cannot be made"):
        open_store(str(tmp_path / "run" / "below"), create=True)


def test_a_lost_or_cut_file_is_named(tmp_path):
    write(str(tmp_path / "s"), appends=[events(50)], rows=50)
    path = tmp_path / "s" / "event.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(StoreError, match=r"event\.parquet has another size"):
        open_store(str(tmp_path / "s"))
    path.unlink()
    with pytest.raises(StoreError, match=r"event\.parquet is missing"):
        open_store(str(tmp_path / "s"))
    path.write_bytes(whole)
    with ParquetStore(tmp_path / "s") as store:
        store.verify()
        path.write_bytes(bytes([whole[0], whole[1] ^ 1]) + whole[2:])
        with pytest.raises(StoreError, match=r"event\.parquet: changed"):
            store.verify()


def test_what_the_writer_meets_is_told_at_the_next_append_or_at_finish(tmp_path):
    store = ParquetStore(tmp_path / "s", create=True, chunk_rows=10)
    shutil.rmtree(tmp_path / "s")
    with store, pytest.raises(StoreError, match=r"00000\.parquet: cannot be written"):  # noqa: PT012
        for first in range(0, 100, 10):
            store.append(event, 10, events(10, first))
        store.finish()
    with pytest.raises(StoreError, match="there is no store"):
        open_store(str(tmp_path / "s"))


def test_bytes_of_any_length_come_back_as_they_went_in(tmp_path):
    vins = [b"a\nb", b"", b"c", b"WVWZZZ1JZXW000001"]
    columns = {"vehicle": np.arange(4), "vin": np.array(vins), "kind": 1, "maker": 1, "province": 1}
    with ParquetStore(tmp_path / "s", create=True) as store:
        store.append(vehicle, 4, columns | {"swap": np.array([True, False, True, True])})
        store.finish()
    with open_store(str(tmp_path / "s")) as store:
        found = store.rows(select(vehicle.c.vin, vehicle.c.swap).order_by(vehicle.c.vehicle))
    assert found == [("a\nb", True), (None, False), ("c", True), ("WVWZZZ1JZXW000001", True)]


def test_units_without_a_code_stand_among_those_with_one_as_if_each_had_been_written_out(tmp_path):
    """Codes of two lengths, then none for all of an append: the same rows, and the same bytes, as a list of texts."""
    long, short = b"04QPE1A7A1BC000001234567", b"ZZ9PBS1G410000042RP"
    plain = dict.fromkeys(
        ("code_fault", "level", "chemistry", "coder", "made_day", "energy_wh", "mass_g", "purpose"), 1
    )
    parts = (np.array([long, b""], dtype="S24"), None, np.array([short], dtype="S19"))
    spelt = [long.decode(), None, None, None, short.decode()]
    sums = []
    for name, appends in (("parts", zip((2, 2, 1), parts, strict=True)), ("list", [(5, spelt)])):
        with ParquetStore(tmp_path / name, create=True) as store:
            first = 0
            for rows, code in appends:
                store.append(unit, rows, plain | {"unit": np.arange(first, first + rows), "code": code})
                first += rows
            store.finish()
            assert [code for (code,) in store.rows(select(unit.c.code).order_by(unit.c.unit))] == spelt
            sums.append([file.sha256 for file in store.files if file.table == "unit"])
    assert sums[0] == sums[1]
