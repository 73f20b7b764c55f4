from __future__ import annotations

import datetime as dt
import resource
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from services.errors import LoadError, UnknownNameError, UserError
from services.intake.databases import catalogue, stage_table
from services.intake.staged import ROW, DeclaredKey, Staged
from services.model import ColumnType
from tests.mariadb import MariaDb, running_mariadb
from tests.postgres import Cluster

ROOT = Path(__file__).resolve().parents[3]
NORTHWIND = ROOT.parent / "shared" / "data" / "northwind" / "northwind_postgres.sql"


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    with running_mariadb() as server:
        yield server


def rows(staged: Staged, columns: str = "*") -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT {columns} FROM ({staged.relation()}) ORDER BY {ROW}").fetchall()


def types(staged: Staged) -> dict[str, str]:
    return {name: kind.value for name, kind in staged.columns.items()}


# Northwind in PostgreSQL


@pytest.fixture(scope="module")
def northwind(cluster: Cluster) -> str:
    if not NORTHWIND.exists():
        pytest.skip(f"needs the Northwind database as SQL in {NORTHWIND.parent.name}")
    database = cluster.database()
    cluster.psql(database, NORTHWIND)
    return cluster.url(database)


def test_northwind_counts_of_all_tables(northwind: str, tmp_path: Path) -> None:
    staged = {table.name: stage_table(northwind, table.name, tmp_path) for table in catalogue(northwind).tables}
    counts = {name: each.rows for name, each in staged.items()}
    with psycopg.connect(northwind.replace("+psycopg", "")) as connection:
        counted = {
            name: connection.execute(f'SELECT count(*) FROM "{name}"'.encode()).fetchall()[0][0] for name in counts
        }
    assert counts == counted
    assert (counts["orders"], counts["order_details"], counts["customers"], len(counts)) == (830, 2155, 91, 14)
    assert {name: len(rows(each)) for name, each in staged.items()} == counts
    assert {each.refused_rows for each in staged.values()} == {0}


def test_northwind_revenue(northwind: str, tmp_path: Path) -> None:
    lines = stage_table(northwind, "order_details", tmp_path)
    with duckdb.connect() as connection:
        sums = "sum((unit_price * quantity * (1 - discount))::DECIMAL(18, 4)), sum(quantity)"
        ((revenue, units),) = connection.execute(f"SELECT {sums} FROM ({lines.relation()})").fetchall()
    assert (round(revenue, 2), units) == (Decimal("1265793.04"), 51317)


def test_northwind_keys(northwind: str) -> None:
    found = catalogue(northwind)
    assert found.table("order_details").key == ("order_id", "product_id")
    assert DeclaredKey("order_details", ("order_id",), "orders", ("order_id",)) in found.keys
    assert DeclaredKey("orders", ("ship_via",), "shippers", ("shipper_id",)) in found.keys
    assert len(found.keys) == 13
    assert found.table("customers").rows in (91, None)


# Types


@pytest.fixture(scope="module")
def everything(cluster: Cluster) -> str:
    """Return a database with a column of most types PostgreSQL has, in names that need quoting."""
    url = cluster.new_url()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute('CREATE SCHEMA "odd ""schema"')
        connection.execute(
            'CREATE TABLE "odd ""schema"."Order %s" (id bigint PRIMARY KEY, "Name" text, name text, '
            '"a b" numeric(12, 2), '
            "rate numeric(10, 6), loose numeric, share double precision, small real, day date, at timestamp, "
            "zoned timestamptz, flag boolean, doc jsonb, tags text[], picture bytea, spent interval, what uuid)"
        )
        connection.execute(
            'INSERT INTO "odd ""schema"."Order %s" VALUES '
            "(2, 'b', NULL, -0.01, 0.123456, 1e3, 0.1, 0.15, '2024-02-29', '2024-02-29 10:00:00.5', "
            "'2024-02-29 10:00+00', true, '{\"a\": [1]}', '{x,y}', '\\x00', '1 day', "
            "'00000000-0000-0000-0000-000000000001'), (1, 'É', '', 9999999999.99, NULL, NULL, NULL, NULL, NULL, NULL, "
            "NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
        )
        connection.execute("CREATE VIEW seen AS SELECT 1 AS one")
        connection.execute("CREATE MATERIALIZED VIEW kept AS SELECT 2 AS two")
        connection.execute("CREATE TABLE parted (at date, n int) PARTITION BY RANGE (at)")
        connection.execute("CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')")
        connection.execute("INSERT INTO parted VALUES ('2024-05-05', 1)")
    return url


def test_types_and_names(everything: str, tmp_path: Path) -> None:
    staged = stage_table(everything, 'odd "schema.Order %s', tmp_path)
    assert types(staged) == {
        "id": "integer",
        "Name": "text",
        "name (2)": "text",
        "a b": "money",
        "rate": "number",
        "loose": "number",
        "share": "number",
        "small": "number",
        "day": "time",
        "at": "time",
        "zoned": "time",
        "flag": "text",
        "doc": "text",
        "tags": "text",
        "spent": "text",
        "what": "text",
    }
    first, second = rows(staged)
    assert first[:5] == (1, 1, "É", None, Decimal("9999999999.9900"))
    assert second[:11] == (
        2,
        2,
        "b",
        None,
        Decimal("-0.0100"),
        0.123456,
        1000.0,
        0.1,
        0.15,
        dt.datetime(2024, 2, 29),
        dt.datetime(2024, 2, 29, 10, 0, 0, 500000),
    )
    assert second[12:] == ("true", '{"a":[1]}', '["x","y"]', "1 day, 0:00:00", "00000000-0000-0000-0000-000000000001")


def test_views_and_partitions(everything: str, tmp_path: Path) -> None:
    found = {table.name: table.view for table in catalogue(everything).tables}
    assert found == {"kept": True, "parted": False, "seen": True, 'odd "schema.Order %s': False}
    assert rows(stage_table(everything, "kept", tmp_path)) == [(1, 2)]
    assert stage_table(everything, "parted", tmp_path).rows == 1


def test_first_rows_only(everything: str, tmp_path: Path) -> None:
    assert stage_table(everything, 'odd "schema.Order %s', tmp_path, rows=1).rows == 1


def test_same_table_has_the_same_digest(everything: str, tmp_path: Path) -> None:
    first, second = (stage_table(everything, 'odd "schema.Order %s', tmp_path / name).digest for name in "ab")
    assert first == second


def test_unknown_table(everything: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"There is no table or view 'sen'\. Did you mean 'seen'"):
        stage_table(everything, "sen", tmp_path)


def test_large_table_is_streamed(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.new_url()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE wide AS SELECT i, repeat(md5(i::text), 60) AS words FROM generate_series(1, 150000) i"
        )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    staged = stage_table(url, "wide", tmp_path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert staged.rows == 150_000
    # The texts alone are 288 MB.
    assert grown < 200_000


# Messages


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql://me:{}@127.0.0.1:1/db", id="closed port"),
        pytest.param("mysql://me:{}@127.0.0.1:1/db", id="closed port of mysql"),
        pytest.param("postgresql://me:{}@127.0.0.1:port/db", id="no number"),
        pytest.param("oracle://me:{}@host/db", id="unknown kind"),
        pytest.param("me:{}@host", id="no url"),
        pytest.param("sqlite:////no/such/file.db?password={}", id="no file"),
        pytest.param("duckdb:////no/such/file.duckdb?password={}", id="no duckdb file"),
        pytest.param("sqlite://?password={}", id="no path"),
    ],
)
def test_password_is_in_no_message(url: str, tmp_path: Path) -> None:
    secret = "hunter2hunter2"
    for ask in (catalogue, lambda text: stage_table(text, "t", tmp_path)):
        with pytest.raises(UserError) as caught:
            ask(url.format(secret))
        error: BaseException | None = caught.value
        while error is not None:
            assert secret not in str(error)
            error = error.__cause__


def test_wrong_password_is_not_repeated(cluster: Cluster) -> None:
    url = cluster.new_url().replace("forty-two", "hunter2")
    with pytest.raises(
        LoadError, match=r"postgresql\+psycopg://salescope:\*\*\*@127.0.0.1:\d+/t\w+ cannot be read: .*password"
    ) as caught:
        catalogue(url)
    assert "hunter2" not in str(caught.value)


def test_session_is_read_only(cluster: Cluster, tmp_path: Path) -> None:
    """A view that writes is refused by the server."""
    url = cluster.new_url()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE log (n int)")
        connection.execute(
            "CREATE FUNCTION write() RETURNS int LANGUAGE sql AS 'INSERT INTO log VALUES (1) RETURNING n'"
        )
        connection.execute("CREATE VIEW trap AS SELECT write() AS n")
        with pytest.raises(LoadError, match="read-only transaction"):
            stage_table(url, "trap", tmp_path)
        assert connection.execute("SELECT count(*) FROM log").fetchall() == [(0,)]


# MariaDB


def test_mariadb(mariadb: MariaDb, tmp_path: Path) -> None:
    mariadb.run("CREATE DATABASE shop")
    mariadb.run(
        "CREATE TABLE clients (id INT PRIMARY KEY, name VARCHAR(50) CHARACTER SET utf8mb4)",
        "CREATE TABLE orders (id BIGINT PRIMARY KEY, client INT, total DECIMAL(10, 2), at DATETIME(3), rate DOUBLE, "
        "day DATE, big BIGINT UNSIGNED, flag BOOLEAN, spent TIME, pic BLOB, "
        "FOREIGN KEY (client) REFERENCES clients (id))",
        "CREATE VIEW latest AS SELECT max(at) AS at FROM orders",
        "INSERT INTO clients VALUES (1, 'Zoë \U0001f600')",
        "INSERT INTO orders VALUES (7, 1, 12.50, '2024-03-01 10:11:12.125', 0.1, '2024-03-01', 18446744073709551615, "
        "1, '10:00:00', 'x'), (8, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        database="shop",
    )
    url = mariadb.url("shop")
    found = catalogue(url)
    assert {table.name: table.view for table in found.tables} == {"clients": False, "latest": True, "orders": False}
    assert found.keys == (DeclaredKey("orders", ("client",), "clients", ("id",)),)
    orders = stage_table(url, "orders", tmp_path)
    assert orders.rows == 2
    assert rows(orders)[0] == (
        1,
        7,
        1,
        Decimal("12.5000"),
        dt.datetime(2024, 3, 1, 10, 11, 12, 125000),
        0.1,
        dt.datetime(2024, 3, 1),
        "18446744073709551615",
        1,
        "10:00:00",
    )
    assert rows(stage_table(url, "clients", tmp_path)) == [(1, 1, "Zoë \U0001f600")]
    assert rows(stage_table(url.replace("mysql", "mariadb"), "latest", tmp_path), '"at"') == [
        (dt.datetime(2024, 3, 1, 10, 11, 12, 125000),)
    ]


def test_zero_dates_of_mysql_are_refused_by_row(mariadb: MariaDb, tmp_path: Path) -> None:
    mariadb.run("CREATE DATABASE zero")
    mariadb.run(
        "SET sql_mode = ''",
        "CREATE TABLE t (id INT PRIMARY KEY, day DATE)",
        "INSERT INTO t VALUES (1, '2024-01-01'), (2, '0000-00-00'), (3, NULL)",
        database="zero",
    )
    staged = stage_table(mariadb.url("zero"), "t", tmp_path)
    assert (staged.rows, staged.refused_rows) == (3, 1)
    assert [row[:2] for row in rows(staged)] == [(1, 1), (3, 3)]
    assert staged.refused is not None
    assert duckdb.read_parquet(str(staged.refused)).fetchall() == [
        (2, "day", "0000-00-00", "not a time value as the table declares")
    ]


# SQLite


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    path = tmp_path / "it's 100%.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """
            CREATE TABLE shops (code TEXT PRIMARY KEY, city TEXT);
            CREATE TABLE "sales lines" (id INTEGER PRIMARY KEY, shop TEXT REFERENCES shops (code), day DATE,
                amount DECIMAL(10, 2), mixed INTEGER, empty INTEGER, picture BLOB);
            INSERT INTO shops VALUES ('A', 'Köln');
            INSERT INTO "sales lines" VALUES (1, 'A', '2024-01-02', 12.5, 1, NULL, x'00'),
                (2, 'A', '02.01.2024', 3, 'two', NULL, x'01');
            CREATE VIEW totals AS SELECT sum(amount) AS total FROM "sales lines";
            """
        )
    connection.close()
    return path


def test_sqlite(sqlite_file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{str(sqlite_file).replace('%', '%25')}"
    found = catalogue(url)
    assert {table.name: table.view for table in found.tables} == {"sales lines": False, "shops": False, "totals": True}
    assert found.keys == (DeclaredKey("sales lines", ("shop",), "shops", ("code",)),)
    lines = stage_table(url, "sales lines", tmp_path)
    assert types(lines) == {
        "id": "integer",
        "shop": "text",
        "day": "text",
        "amount": "number",
        "mixed": "text",
        "empty": "text",
    }
    assert rows(lines) == [
        (1, 1, "A", "2024-01-02", 12.5, "1", None),
        (2, 2, "A", "02.01.2024", 3.0, "two", None),
    ]
    assert rows(stage_table(url, "totals", tmp_path)) == [(1, 15.5)]


def test_sqlite_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="unable to open database file"):
        catalogue(f"sqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == []


def test_rubbish_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "rubbish"
    path.write_bytes(b"rubbish" * 1000)
    for kind in ("sqlite", "duckdb"):
        with pytest.raises(LoadError, match="cannot be read"):
            catalogue(f"{kind}:///{path}")


# DuckDB


def test_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA old; CREATE TABLE shops (code VARCHAR PRIMARY KEY)")
        connection.execute(
            'CREATE TABLE old."the lines" (n INTEGER, big HUGEINT, price DECIMAL(9, 2), fine DECIMAL(18, 9), d DATE, '
            "moment TIMESTAMP, share FLOAT, ok BOOLEAN, raw BLOB, tags VARCHAR[])"
        )
        connection.execute("CREATE TABLE sold (shop VARCHAR REFERENCES shops (code), n INTEGER)")
        connection.execute(
            "INSERT INTO old.\"the lines\" SELECT i, 1, 1.25, 0.5, DATE '2024-01-01', TIMESTAMP '2024-01-01 10:00', "
            "0.5, true, 'x'::BLOB, ['a'] FROM range(12000) AS t(i)"
        )
        connection.execute('CREATE VIEW seen AS SELECT count(*) AS lines FROM old."the lines"')
    url = f"duckdb:///{path}"
    found = catalogue(url)
    assert {table.name: (table.view, table.rows) for table in found.tables} == {
        "old.the lines": (False, 12000),
        "shops": (False, 0),
        "sold": (False, 0),
        "seen": (True, None),
    }
    assert found.keys == (DeclaredKey("sold", ("shop",), "shops", ("code",)),)
    staged = stage_table(url, "old.the lines", tmp_path)
    assert staged.rows == 12000
    assert staged.columns["price"] is ColumnType.MONEY
    assert rows(staged)[0] == (
        1,
        0,
        "1",
        Decimal("1.2500"),
        0.5,
        dt.datetime(2024, 1, 1),
        dt.datetime(2024, 1, 1, 10),
        0.5,
        "true",
        "[a]",
    )
    assert rows(stage_table(url, "seen", tmp_path), "lines") == [(12000,)]


def test_view_of_a_duckdb_file_reads_no_other_file(tmp_path: Path) -> None:
    path, other = tmp_path / "trap.duckdb", tmp_path / "secret.csv"
    other.write_text("a\n1\n", encoding="ascii")
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE VIEW trap AS SELECT * FROM read_csv('{other}')")
    with pytest.raises(LoadError, match="cannot be read"):
        stage_table(f"duckdb:///{path}", "trap", tmp_path)
