"""Stores in SQLite and PostgreSQL, and the URLs of all kinds."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import create_engine, func, inspect, select, text

from tests.store_contract import StoreContract, events, write
from traceability.errors import StoreError
from traceability.store import open_store
from traceability.store.schema import event


def execute(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


class SqlContract(StoreContract):
    def pretend_newer(self, url):
        execute(url, "UPDATE meta SET value = '999' WHERE key = 'schema_version'")

    def test_a_registry_in_use_is_read_and_gone_on_with(self, url):
        with open_store(url, create=True) as store:
            store.append(event, 3, events(3))
            assert store.rows(select(func.count()).select_from(event)) == [(3,)]
        with open_store(url, incomplete_ok=True) as store:
            assert store.meta()["state"] == "open"
            store.append(event, 2, events(2, 3))
            assert store.rows(select(event.c.event_id).order_by(event.c.event_id)) == [(i,) for i in range(5)]

    def test_indexes_are_there_when_they_are_needed(self, url):
        def indexes() -> set[str]:
            engine = create_engine(url)
            names = {str(index["name"]) for index in inspect(engine).get_indexes("event")}
            engine.dispose()
            return names

        with open_store(url, create=True):
            assert indexes() == set()
        with open_store(url, incomplete_ok=True) as store:
            assert indexes() == {"battrace_event_unit", "battrace_event_vehicle", "battrace_event_event"}
            store.finish()

    def test_an_append_is_taken_in_whole_or_not_at_all(self, url):
        """Number 4 is there already: neither it nor 3, which came before it, is taken in."""
        with open_store(url, create=True) as store:
            store.append(event, 2, events(2, 4))
            with pytest.raises(StoreError, match="table event: nothing was appended: "):
                store.append(event, 2, events(2, 3))
            assert store.count(event) == 2

    def test_a_database_with_other_tables_is_not_opened(self, url):
        execute(url, "CREATE TABLE other (x INTEGER)")
        with pytest.raises(StoreError, match="not a battrace store"):
            open_store(url)

    @pytest.mark.parametrize("columns", ["other INTEGER", "key VARCHAR, value VARCHAR"])
    def test_a_foreign_table_meta_is_not_taken_for_ours(self, url, columns):
        execute(url, f"CREATE TABLE meta ({columns})")
        with pytest.raises(StoreError, match="not a battrace store"):
            open_store(url)

    def test_a_table_that_is_gone_is_named(self, url):
        write(url, appends=[], rows=0)
        execute(url, "DROP TABLE workday")
        with pytest.raises(StoreError, match="table workday is gone"):
            open_store(url)


class TestSqlite(SqlContract):
    @pytest.fixture
    def url(self, tmp_path):
        return f"sqlite:///{tmp_path / 'log.db'}"


class TestPostgres(SqlContract):
    @pytest.fixture
    def url(self, postgres_url):
        return postgres_url


def test_several_may_write_to_postgresql_at_once(postgres_url):
    def add(first: int) -> None:
        with open_store(postgres_url, incomplete_ok=True) as store:
            for start in range(first, first + 100, 20):
                store.append(event, 20, events(20, start))

    open_store(postgres_url, create=True).close()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(0, 400, 100)))
    with open_store(postgres_url, incomplete_ok=True) as store:
        assert store.rows(select(func.count(), func.max(event.c.event_id))) == [(400, 399)]


def test_other_tables_of_a_postgresql_database_stand_beside_ours(postgres_url):
    execute(postgres_url, "CREATE TABLE other (x INTEGER)")
    write(postgres_url, appends=[events(3)], rows=3)
    with open_store(postgres_url) as store:
        assert store.count(event) == 3


def test_a_postgresql_database_with_a_table_of_our_name_is_left_alone(postgres_url):
    execute(postgres_url, "CREATE TABLE event (x INTEGER)")
    with pytest.raises(StoreError, match="a table event is there already"):
        open_store(postgres_url, create=True)


def test_a_finished_sqlite_store_is_one_file(tmp_path):
    write(f"sqlite:///{tmp_path / 'log.db'}", appends=[events(3)], rows=3)
    assert [path.name for path in tmp_path.iterdir()] == ["log.db"]
    with sqlite3.connect(tmp_path / "log.db") as connection:
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (3,)
    connection.close()


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    file = tmp_path / "log.db"
    file.write_text("this is a diary, and no database" * 100)
    with pytest.raises(StoreError, match="not a SQLite database"):
        open_store(f"sqlite:///{file}")
    with pytest.raises(StoreError, match="there already"):
        open_store(f"sqlite:///{file}", create=True)
    assert file.read_text().startswith("this is a diary")


def test_a_server_that_does_not_answer_is_one_message_without_the_password(tmp_path):
    url = f"postgresql+psycopg://me:secret@/log?host={tmp_path}"
    with pytest.raises(StoreError, match="the database refuses") as refused:
        open_store(url)
    assert "secret" not in str(refused.value)
    assert isinstance(refused.value.__cause__.__cause__, psycopg.OperationalError)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlit:///log.db", "unknown kind of store `sqlit`; did you mean `sqlite`?"),
        ("duckdb:log", r"unknown kind of store `duckdb`.* parquet:DIR, sqlite:///FILE"),
        ("postgresql://host/db", r"names no driver; write postgresql\+psycopg://"),
        ("sqlite://", "names no file"),
        ("sqlite:///missing/directory/log.db", "there is no directory"),
        ("sqlite:nonsense", "cannot be read"),
        ("parquet:", "names no directory"),
        ("", "names no directory"),
    ],
)
def test_a_url_that_names_no_store_says_what_one_looks_like(url, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=message):
        open_store(url, create=True)
    assert list(tmp_path.iterdir()) == []
