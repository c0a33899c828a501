"""What every store does: tests that each kind passes by supplying a `url`, and by `pretend_newer`.

Stands above the kinds; it knows none of them.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Integer, case, func, literal, select

from traceability.errors import StoreError
from traceability.events import NULL
from traceability.store import Column, open_store
from traceability.store.schema import (
    SCHEMA_VERSION,
    TABLES,
    actor,
    event,
    link,
    material,
    meta,
    unit,
    vehicle,
)

ROOT = Path(__file__).parents[1]

UNTIL_KILLED = """
import sys
import numpy as np
from traceability.store import open_store
from traceability.store.schema import event
store = open_store(sys.argv[1], create=True)
for first in range(0, 10**9, 1000):
    store.append(event, 1000, {"event_id": np.arange(first, first + 1000), "event": 1, "unit": 1, "actor": 1,
                               "event_day": 1, "happened": True})
    print(first, flush=True)
"""


def events(rows: int, first: int = 0, **changes: Column) -> dict[str, Column]:
    """Columns of *rows* events numbered from *first*, every fifth never recorded."""
    number = np.arange(first, first + rows, dtype=np.int64)
    columns: dict[str, Column] = {
        "event_id": number,
        "event": (number % 30 + 1).astype(np.int8),
        "unit": (number * 7 % 50).astype(np.uint32),
        "actor": (number % 3).astype(np.int16),
        "event_day": (20_000 + number).astype(np.int32),
        "record_day": np.where(number % 5 == 0, NULL, 20_001 + number),
        "happened": number % 4 != 0,
    }
    return columns | changes


def write(url: str, *, appends: list[Mapping[str, Column]], rows: int) -> None:
    """Make a finished store of events at *url*."""
    with open_store(url, create=True) as store:
        for columns in appends:
            store.append(event, rows, columns)
        store.finish()


class StoreContract:
    """Inherit, supply a fixture `url` where nothing is yet, and `pretend_newer`."""

    def pretend_newer(self, url: str) -> None:
        """Let the finished store at *url* say that it has schema version 999."""
        raise NotImplementedError

    # what goes in comes out

    def test_numbers_bools_and_nulls_are_read_back(self, url):
        columns = {
            "event_id": np.array([1, 2, 3]),
            "event": np.array([1, 2, 32], dtype=np.int8),
            "unit": np.array([5, NULL, 2**40]),
            "vehicle": np.array([NULL, 7, NULL], dtype=np.int32),
            "actor": np.array([0, 1, 65_535], dtype=np.uint16),
            "receiver": NULL,
            "event_day": 20_544,
            "record_day": np.array([-3, NULL, NULL], dtype=np.int64),
            "happened": np.array([True, False, True]),
        }
        with open_store(url, create=True) as store:
            store.append(event, 3, columns)
            store.finish()
        with open_store(url) as store:
            assert store.rows(select(event).order_by(event.c.event_id)) == [
                (1, 1, 5, None, 0, None, None, 20_544, -3, True, None),
                (2, 2, None, 7, 1, None, None, 20_544, None, False, None),
                (3, 32, 2**40, None, 65_535, None, None, 20_544, None, True, None),
            ]
            found = store.select(select(event).order_by(event.c.event_id))
        assert list(found) == [column.name for column in event.c]
        assert found["unit"].dtype == np.int64
        assert found["unit"].tolist() == [5, NULL, 2**40]
        assert found["carrier"].tolist() == [NULL] * 3
        assert found["happened"].dtype == np.bool_
        assert found["happened"].tolist() == [True, False, True]

    def test_text_is_read_back(self, url):
        """As bytes, where an empty one is null, as strings of any script, and as one string for all."""
        with open_store(url, create=True) as store:
            shared = {"code_fault": 0, "level": 1, "chemistry": 1, "coder": 1, "made_day": 1, "purpose": 0}
            codes = np.array([b"04QPE1A7A1BC000001", b"", b"x"], dtype="S24")
            sizes = {"energy_wh": 50_000, "mass_g": 400_000}
            store.append(unit, 3, {"unit": np.arange(3), "code": codes} | shared | sizes)
            store.append(unit, 2, {"unit": np.array([3, 4]), "code": ["码", None]} | shared | sizes)
            store.append(unit, 2, {"unit": np.array([5, 6]), "code": "same"} | shared | sizes)
            names = np.array(["宁德时代 'A' \\ 100%", "b", "c\td\ne"])
            people: dict[str, Column] = {"name": names, "role": 1, "province": 44, "stands_for": 1}
            store.append(actor, 3, {"actor": np.arange(3), "maker_code": ["04Q", "", None]} | people)
            store.finish()
        with open_store(url) as store:
            assert store.rows(select(unit.c.code).order_by(unit.c.unit)) == [
                ("04QPE1A7A1BC000001",), (None,), ("x",), ("码",), (None,), ("same",), ("same",),
            ]  # fmt: skip
            people_found = store.select(select(actor.c.name, actor.c.maker_code).order_by(actor.c.actor))
        assert people_found["name"].dtype == object
        assert people_found["name"].tolist() == ["宁德时代 'A' \\ 100%", "b", "c\td\ne"]
        assert people_found["maker_code"].tolist() == ["04Q", "", None]

    def test_appends_of_any_size_give_the_same_rows(self, url):
        sizes = [1, 0, 7, 100, 1, 391]
        with open_store(url, create=True) as store:
            first = 0
            for size in sizes:
                store.append(event, size, events(size, first))
                first += size
            assert store.count(event) == 500
            store.finish()
        whole = events(500)
        with open_store(url) as store:
            found = store.select(select(event).order_by(event.c.event_id))
            assert store.count(event) == 500
        for name, column in whole.items():
            np.testing.assert_array_equal(found[name], np.asarray(column), err_msg=name)

    def test_what_was_appended_may_change_afterwards(self, url):
        day, codes = np.array([1, 2]), np.array([b"a", b"b"])
        with open_store(url, create=True) as store:
            store.append(event, 2, events(2, event_day=day))
            units: dict[str, Column] = dict.fromkeys(
                ("code_fault", "level", "chemistry", "coder", "made_day", "energy_wh", "mass_g", "purpose"), 1
            )
            store.append(unit, 2, units | {"unit": np.arange(2), "code": codes})
            day[:], codes[:] = 99, b"z"
            store.finish()
        with open_store(url) as store:
            assert store.rows(select(event.c.event_day).order_by(event.c.event_id)) == [(1,), (2,)]
            assert store.rows(select(unit.c.code).order_by(unit.c.unit)) == [("a",), ("b",)]

    def test_a_table_without_rows_can_be_read(self, url):
        write(url, appends=[], rows=0)
        with open_store(url) as store:
            for table in TABLES:
                if table is not meta:
                    assert store.count(table) == 0
                    assert store.rows(select(table)) == []
            empty = store.select(select(vehicle.c.vehicle, vehicle.c.vin, vehicle.c.swap))
        assert [array.dtype for array in empty.values()] == [np.int64, object, np.bool_]

    # what does not fit is refused, and nothing of it is taken in

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"vehicles": 1}, "unknown column `vehicles` in table event; did you mean `vehicle`?"),
            ({"unit": np.arange(4)}, r"column unit: shape \(4,\), expected \(3,\)"),
            ({"unit": np.array([1.0, 2.0, 3.0])}, "column unit: an array of float64, expected integers"),
            ({"unit": "seven"}, "column unit: text 'seven', expected int"),
            ({"happened": 1}, "column happened: 1, expected bool"),
            ({"actor": True}, "column actor: True, expected int"),
            ({"actor": None}, "column actor: missing"),
            ({"actor": NULL}, "column actor: null"),
            ({"event_day": np.array([1, NULL, 3])}, "column event_day: null"),
            ({"actor": np.array([1, 2**40, 3])}, "column actor: 1099511627776 does not fit 32 bits"),
            ({"event": 40_000}, "column event: 40000 does not fit 16 bits"),
        ],
    )
    def test_a_column_that_does_not_fit_is_refused(self, url, changes, message):
        with open_store(url, create=True) as store:
            with pytest.raises(StoreError, match=message):
                store.append(event, 3, events(3, **changes))
            assert store.count(event) == 0

    @pytest.mark.parametrize(
        ("vin", "message"),
        [
            ("LSVNV4189N2183294X", "longer than 17"),
            (["short", "LSVNV4189N2183294X"], "longer than 17"),
            (np.array([b"short", b"LSVNV4189N2183294X"]), "longer than 17"),
            (np.array(["é".encode(), b"a"]), "not ASCII"),
            (["one"], "1 rows, expected 2"),
            (17, "17, expected text"),
        ],
    )
    def test_text_that_does_not_fit_is_refused(self, url, vin, message):
        columns = {"vehicle": np.arange(2), "vin": vin, "kind": 1, "maker": 1, "province": 1, "swap": False}
        with open_store(url, create=True) as store:
            with pytest.raises(StoreError, match=message):
                store.append(vehicle, 2, columns)
            assert store.count(vehicle) == 0

    def test_meta_is_kept_and_read(self, url):
        with open_store(url, create=True) as store:
            store.set_meta("truth", "no")
            store.set_meta("truth", "yes")
            store.set_meta("场景", "it's 100%")
            assert store.meta()["state"] == "open"
            with pytest.raises(StoreError, match="kept by the store itself"):
                store.set_meta("state", "complete")
            with pytest.raises(StoreError, match="set_meta"):
                store.append(meta, 1, {"key": "a", "value": "b"})
            store.finish()
        with open_store(url) as store:
            expected = {
                "truth": "yes",
                "场景": "it's 100%",
                "schema_version": str(SCHEMA_VERSION),
                "state": "complete",
            }
            assert store.meta() == expected
            assert dict(store.rows(select(meta.c.key, meta.c.value))) == expected

    # opening and closing

    def test_where_a_store_is_none_is_made(self, url):
        write(url, appends=[events(3)], rows=3)
        with pytest.raises(StoreError, match="there already"):
            open_store(url, create=True)
        with open_store(url) as store:
            assert store.count(event) == 3

    def test_where_none_is_none_is_opened(self, url):
        with pytest.raises(StoreError, match="there is no store"):
            open_store(url)

    def test_a_newer_store_asks_for_an_update(self, url):
        write(url, appends=[], rows=0)
        self.pretend_newer(url)
        with pytest.raises(StoreError, match=r"newer battrace \(schema 999, this program knows 2\)"):
            open_store(url)

    def test_a_store_that_was_not_finished_is_refused(self, url):
        with open_store(url, create=True) as store:
            store.append(event, 3, events(3))
        with pytest.raises(StoreError, match="half written"):
            open_store(url)

    def test_a_killed_writer_leaves_a_store_that_is_refused(self, url):
        writer = subprocess.Popen(
            [sys.executable, "-c", UNTIL_KILLED, url], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        with writer.stdout as lines:
            while lines.readline() != "3000\n":
                assert writer.poll() is None
            writer.send_signal(signal.SIGKILL)
            assert writer.wait() == -signal.SIGKILL
        with pytest.raises(StoreError, match="half written"):
            open_store(url)

    def test_a_finished_store_takes_no_more(self, url):
        with open_store(url, create=True) as store:
            store.finish()
            for _ in range(2):
                with pytest.raises(StoreError, match="read only"):
                    store.append(event, 1, events(1))
                with pytest.raises(StoreError, match="read only"):
                    store.set_meta("a", "b")
                with pytest.raises(StoreError, match="read only"):
                    store.finish()
            assert store.rows(select(func.count()).select_from(event)) == [(0,)]
        with open_store(url, incomplete_ok=True) as store, pytest.raises(StoreError, match="read only"):
            store.append(event, 1, events(1))

    def test_a_closed_store_says_so(self, url):
        write(url, appends=[], rows=0)
        store = open_store(url)
        store.close()
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.rows(select(event))

    # reading

    def test_a_query_that_does_not_run_is_one_message(self, url):
        write(url, appends=[], rows=0)
        with open_store(url) as store, pytest.raises(StoreError, match="the query does not run"):
            store.rows(select(func.no_such_function(event.c.unit)))

    def test_sums_of_large_numbers_are_exact(self, url):
        grams = 2**61 + 1
        with open_store(url, create=True) as store:
            zero = dict.fromkeys(("element", "actor", "day", "year", "recovered_g", "residue_g"), 0)
            store.append(material, 3, zero | {"lot": 1, "input_g": grams, "happened": True})
            store.finish()
        total = select(func.sum(material.c.input_g).label("total"), func.avg(material.c.year).label("mean"))
        with open_store(url) as store:
            assert store.rows(total) == [(3 * grams, 0.0)]
            assert store.select(total)["total"].tolist() == [3 * grams]
            assert store.select(total)["mean"].dtype == np.float64

    def test_text_in_a_query_is_taken_as_it_stands(self, url):
        write(url, appends=[], rows=0)
        said = "it's 100% \\ of :that; -- 电池"
        with open_store(url) as store:
            assert store.rows(select(literal(said).label("said"), literal(7) % 4)) == [(said, 3)]
            assert "100% \\" in store.sql(select(literal(said).label("said")))

    def test_an_absent_bool_or_number_is_told_from_false_and_zero(self, url):
        write(url, appends=[events(4)], rows=4)
        late = case((event.c.event_id > 1, event.c.happened)).label("late")
        none = literal(None, Integer).label("none")
        with open_store(url) as store:
            found = store.select(select(late, none).order_by(event.c.event_id))
        assert found["late"].tolist() == [None, None, True, True]
        assert found["none"].dtype == np.int64
        assert found["none"].tolist() == [NULL] * 4

    def test_links_without_an_end_are_read_back(self, url):
        columns = {"kind": 1, "parent": np.arange(2), "child": np.arange(2) + 10, "from_day": 5}
        with open_store(url, create=True) as store:
            store.append(link, 2, columns | {"to_day": np.array([NULL, 9])})
            store.finish()
        with open_store(url) as store:
            assert store.rows(select(link).order_by(link.c.parent)) == [
                (1, 0, 10, 5, None, None),
                (1, 1, 11, 5, 9, None),
            ]
