"""A log as tables in words says, cell by cell, what the log says, in CSV and in Parquet."""

from __future__ import annotations

import csv
import json
import re
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from sqlalchemy import func, select

from sim.cli import cli
from tests.exchange.lives import lives, write
from tests.sim import small
from traceability.errors import ExchangeError, UnknownName
from traceability.exchange.selecting import Selection
from traceability.exchange.tables import DICTIONARY, FORMS, export
from traceability.exchange.tables.columns import Holds
from traceability.store import open_store, schema

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "tables.md"
NULL_DAY = date(1970, 1, 1)
RUN = CliRunner()


def in_words(told, value):
    """The cell of a store as a person reads it, by another way than the exporter's."""
    if value is None:
        return None
    if told.words is not None:
        return told.words(value).name
    return NULL_DAY + timedelta(days=value) if told.holds is Holds.DAY else value


def of_the_log(store, table, columns):
    rows = store.rows(table.select())
    told = [(place, c) for place, c in enumerate(columns)]
    return sorted((tuple(in_words(c, row[place]) for place, c in told) for row in rows), key=str)


def of_parquet(folder, table, columns):
    with duckdb.connect() as base:
        return sorted(base.execute(f"FROM '{folder}/{table.name}.parquet'").fetchall(), key=str)


def of_csv(folder, table, columns):
    with (folder / f"{table.name}.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [c.column for c in columns]
    return sorted((tuple(map(from_text, columns, row)) for row in rows), key=str)


def from_text(told, text):
    if text == "":
        return None
    if told.holds is Holds.DAY:
        return date.fromisoformat(text)
    if told.holds is Holds.FLAG:
        return {"true": True, "false": False}[text]
    return int(text) if told.holds is Holds.NUMBER else text


READ = {"parquet": of_parquet, "csv": of_csv}


@pytest.mark.parametrize("form", FORMS)
@given(life=lives())
@settings(max_examples=15, deadline=None)
def test_every_cell_of_every_table_comes_back(tmp_path_factory, form, life):
    place = tmp_path_factory.mktemp("log")
    with open_store(f"parquet:{place / 'log'}", create=True) as store:
        write(store, life, with_truth=True)
        done = export(
            store, place / "tables", Selection(view="both"), form=form, with_vin=True, rows_at_once=3
        )
        for table in schema.TABLES:
            columns = [told for told in DICTIONARY if told.table == table.name]
            found = READ[form](place / "tables", table, columns)
            assert found == of_the_log(store, table, columns)
            assert done.rows[f"{table.name}.{form}"] == len(found)


def test_the_dictionary_has_every_column_of_every_table_in_order():
    known = [(table.name, column.name) for table in schema.TABLES for column in table.c]
    assert [(told.table, told.column) for told in DICTIONARY] == known


@pytest.fixture(scope="module")
def log():
    return str(small.run(small.small(scale=200_000, first=date(2025, 1, 1))).store.directory)


def events(folder):
    with duckdb.connect() as base:
        said = base.execute(f"SELECT * FROM '{folder}/event.parquet' ORDER BY event_id")
        return [name for name, *_ in said.description], said.fetchall()


def test_the_register_knows_neither_what_is_true_nor_what_was_never_told(log, tmp_path):
    with open_store(f"parquet:{log}") as store:
        export(store, tmp_path / "register", Selection(view="register"))
        names, rows = events(tmp_path / "register")
        e = schema.event.c
        [(told,)] = store.rows(
            select(func.count())
            .select_from(schema.event)
            .where(e.record_day <= int(store.meta()["last_day"]))
        )
    assert "happened" not in names
    assert len(rows) == told
    assert all(row[names.index("record_day")] is not None for row in rows)


def test_who_looks_back_from_a_day_sees_no_report_that_came_later(log, tmp_path):
    day = (date(2026, 6, 30) - NULL_DAY).days
    with open_store(f"parquet:{log}") as store:
        export(store, tmp_path / "then", Selection(view="both", as_of=day))
    names, rows = events(tmp_path / "then")
    told = [row[names.index("record_day")] for row in rows]
    assert None in told
    assert max(day for day in told if day) <= date(2026, 6, 30)
    assert max(row[names.index("event_day")] for row in rows) == date(2026, 6, 30)


def test_vins_are_told_only_where_they_are_asked_for(log, tmp_path):
    done = RUN.invoke(cli, ["export", "csv", log, "--out", str(tmp_path / "without"), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["hidden_vins"] == told["rows"]["vehicle.csv"] > 0
    columns = [c for c in DICTIONARY if c.table == "vehicle"]
    assert {row[1] for row in of_csv(tmp_path / "without", schema.vehicle, columns)} == {None}
    done = RUN.invoke(cli, ["export", "csv", log, "--out", str(tmp_path / "with"), "--with-vin"])
    assert "not in it" not in done.output
    assert all(row[1] for row in of_csv(tmp_path / "with", schema.vehicle, columns))


def test_no_cell_is_taken_for_a_formula(tmp_path):
    with open_store(f"parquet:{tmp_path / 'log'}", create=True) as store:
        store.set_meta("note", "=1+1")
        store.set_meta("truth", "yes")
        store.finish()
        export(store, tmp_path / "tables", form="csv")
    assert "note,'=1+1" in (tmp_path / "tables" / "meta.csv").read_text("utf-8-sig").splitlines()


def test_a_folder_that_holds_files_is_left_alone(log, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with open_store(f"parquet:{log}") as store, pytest.raises(ExchangeError, match="holds files"):
        export(store, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_folder_that_one_is_in_is_not_pulled_away(log, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = RUN.invoke(cli, ["export", "csv", log, "--out", "."])
    assert isinstance(done.exception, ExchangeError)
    assert "the folder that you are in" in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_form_or_view_names_those_there_are(log, tmp_path):
    with open_store(f"parquet:{log}") as store:
        with pytest.raises(UnknownName, match="parquet"):
            export(store, tmp_path / "x", form="parket")
        with pytest.raises(UnknownName, match="both"):
            export(store, tmp_path / "x", Selection(view="bosh"))
    assert list(tmp_path.iterdir()) == []


def test_the_page_says_what_the_code_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text("utf-8")
    code, shown = (re.search(rf"```{kind}\n(.*?)```", page, re.DOTALL)[1] for kind in ("python", "csv"))
    exec(compile(code, str(PAGE), "exec"), {})
    assert Path("tables/event.csv").read_text("utf-8-sig") == shown
    for table in schema.TABLES:
        assert f"`{table.name}`" in page
