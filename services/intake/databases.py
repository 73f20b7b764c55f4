"""Databases as sources: their catalogue, and their tables staged a batch at a time.

Nothing is ever written to them: sessions are read-only, files are opened read-only. Tables outside the default schema
are called `schema.table`. Columns of bytes are left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import sqlalchemy as sa

from services.addresses import read_address, shown, without_secrets
from services.errors import LoadError
from services.intake.catalogues import Catalogue, Source
from services.intake.duckdb_files import duckdb_source
from services.intake.sql_databases import sql_source
from services.intake.staged import Staged


def catalogue(url: str) -> Catalogue:
    """Return what is in a database; raises LoadError when it cannot be reached or read."""
    address = read_address(url)
    with _explained(address), _opened(address) as source:
        return source.catalogue()


def stage_table(url: str, table: str, folder: Path, *, rows: int | None = None) -> Staged:
    """Copy a table or view, or its first `rows` rows, into a Parquet file below `folder`, a batch at a time.

    Raises UnknownNameError for one that is not there, LoadError when it cannot be read.
    """
    address = read_address(url)
    with _explained(address), _opened(address) as source:
        found = source.catalogue().table(table)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark = hashlib.sha256(f"{shown(address)} {table}".encode()).hexdigest()[:8]
        path = folder / f"{re.sub(r'[^A-Za-z0-9]', '_', table)[:60]}-{mark}.parquet"
        return source.stage(found, path, rows)


@contextlib.contextmanager
def _explained(address: sa.URL) -> Iterator[None]:
    try:
        yield
    except (sa.exc.SQLAlchemyError, duckdb.Error, sqlite3.Error, OSError) as error:
        said = without_secrets(str(getattr(error, "orig", None) or error), address)
        raise LoadError(f"{shown(address)} cannot be read: {said[:300]}") from None


def _opened(address: sa.URL) -> contextlib.AbstractContextManager[Source]:
    if address.get_backend_name() == "duckdb":
        return duckdb_source(address)
    return sql_source(address)
