"""The tables of a log store, one definition for Parquet, SQLite and PostgreSQL.

Days are whole numbers since 1970-01-01, masses whole grams, so that a rule needs no division and no float.
`detail` attaches numbers to an event: what was weighed, whether a check was passed.  A prefecture is its
four digits of GB/T 2260, null where nobody says; a month of `workday` is year * 12 + month - 1.
Numbers of rows (`event_id`) are given by the registry, never by a database sequence.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, SmallInteger, String, Table

SCHEMA_VERSION = 2

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", String, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("event", SmallInteger, nullable=False),
    Column("unit", BigInteger),
    Column("vehicle", BigInteger),
    Column("actor", Integer, nullable=False),
    Column("receiver", Integer),
    Column("carrier", Integer),
    Column("event_day", Integer, nullable=False),
    Column("record_day", Integer),
    Column("happened", Boolean, nullable=False),
    Column("corrects", BigInteger),
)

detail = Table(
    "detail",
    metadata,
    Column("event_id", BigInteger, nullable=False),
    Column("what", SmallInteger, nullable=False),
    Column("value", BigInteger, nullable=False),
)

unit = Table(
    "unit",
    metadata,
    Column("unit", BigInteger, primary_key=True, autoincrement=False),
    Column("code", String(32)),
    Column("code_fault", SmallInteger, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("chemistry", SmallInteger, nullable=False),
    Column("coder", Integer, nullable=False),
    Column("made_day", Integer, nullable=False),
    Column("energy_wh", BigInteger, nullable=False),
    Column("mass_g", BigInteger, nullable=False),
    Column("purpose", SmallInteger, nullable=False),
)

link = Table(
    "link",
    metadata,
    Column("kind", SmallInteger, nullable=False),
    Column("parent", BigInteger, nullable=False),
    Column("child", BigInteger, nullable=False),
    Column("from_day", Integer, nullable=False),
    Column("to_day", Integer),
    Column("record_day", Integer),
)

vehicle = Table(
    "vehicle",
    metadata,
    Column("vehicle", BigInteger, primary_key=True, autoincrement=False),
    Column("vin", String(17)),
    Column("kind", SmallInteger, nullable=False),
    Column("maker", Integer, nullable=False),
    Column("province", SmallInteger, nullable=False),
    Column("prefecture", Integer),
    Column("swap", Boolean, nullable=False),
)

actor = Table(
    "actor",
    metadata,
    Column("actor", Integer, primary_key=True, autoincrement=False),
    Column("name", String(128), nullable=False),
    Column("credit_code", String(18)),
    Column("role", SmallInteger, nullable=False),
    Column("province", SmallInteger, nullable=False),
    Column("prefecture", Integer),
    Column("maker_code", String(3)),
    Column("stands_for", Integer, nullable=False),
    Column("capacity_t_year", Integer),
)

permit = Table(
    "permit",
    metadata,
    Column("actor", Integer, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("valid_from", Integer, nullable=False),
    Column("valid_to", Integer),
)

material = Table(
    "material",
    metadata,
    Column("lot", BigInteger, nullable=False),
    Column("element", SmallInteger, nullable=False),
    Column("actor", Integer, nullable=False),
    Column("day", Integer, nullable=False),
    Column("year", Integer, nullable=False),
    Column("input_g", BigInteger, nullable=False),
    Column("recovered_g", BigInteger, nullable=False),
    Column("residue_g", BigInteger, nullable=False),
    Column("record_day", Integer),
    Column("happened", Boolean, nullable=False),
)

workday = Table(
    "workday",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, nullable=False),
    Column("month", Integer, nullable=False),
    Column("day_of_month", SmallInteger, nullable=False),
    Column("published", Boolean, nullable=False),
)

TABLES: tuple[Table, ...] = (meta, event, detail, unit, link, vehicle, actor, permit, material, workday)
"""Every table of a store."""
