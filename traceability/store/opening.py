"""A URL -> the store behind it."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from traceability.errors import StoreError, UnknownName
from traceability.store.base import Store
from traceability.store.parquet import ParquetStore
from traceability.store.sql import SqlStore

KINDS = ("parquet:DIR", "sqlite:///FILE", "postgresql+psycopg://USER@HOST/DATABASE")
"""What a URL can look like; a bare path is a Parquet directory."""

_SQL = ("sqlite", "postgresql+psycopg")


def open_store(
    url: str, *, create: bool = False, incomplete_ok: bool = False, threads: int | None = None
) -> Store:
    """Return the store at *url*.

    Args:
        url: `parquet:DIR` or a bare path, `sqlite:///FILE`, `postgresql+psycopg://...`.
        create: make a new one; otherwise open one that is there.
        incomplete_ok: open a SQL store that is not finished too, to read it and to go on appending: a
            registry in use.  A Parquet store that is not finished can never be read.
        threads: of the DuckDB that reads a Parquet store; all cores where None.

    Raises:
        StoreError: with *create*, something is there already.  Otherwise nothing is there, something else, a
            store of another schema version, or one that was never finished.
    """
    scheme, colon, rest = url.partition(":")
    if not colon or len(scheme) == 1 or not re.fullmatch(r"[\w+]+", scheme):  # one letter is a drive
        return ParquetStore(_directory(url, url), create=create, threads=threads)
    if scheme == "parquet":
        return ParquetStore(_directory(rest.removeprefix("//"), url), create=create, threads=threads)
    if scheme in ("postgres", "postgresql"):
        raise StoreError(f"{scheme}:... names no driver; write postgresql+psycopg://USER@HOST/DATABASE")
    if scheme not in _SQL:
        unknown = UnknownName("kind of store", scheme, ("parquet", *_SQL))
        raise StoreError(f"{unknown}. A store is one of {', '.join(KINDS)}, or a path.")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"a {scheme} URL that cannot be read: {error}") from None
    return SqlStore(parsed, create=create, incomplete_ok=incomplete_ok)


def _directory(path: str, url: str) -> Path:
    if not path:
        raise StoreError(f"`{url}` names no directory; write parquet:DIR")
    return Path(path)
