"""`salescope connect`: Northwind used where it is, against plain SQL over its tables."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from salescope import installation
from salescope.cli import main
from salescope.settings import Settings
from services.access import RowScope
from services.errors import DefinitionError, UserError
from services.in_place import InPlace
from services.model import read_model
from services.periods import Compare, Grain, Period
from services.query import Filter, SalesQuery, Sort
from services.sales import Sales
from tests.factories import viewer_of
from tests.postgres import PASSWORD, Cluster

NORTHWIND = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "northwind" / "northwind_postgres.sql"
ANALYST = viewer_of("analyst")
LINES = """
SELECT o.order_date, o.ship_country, p.product_name, d.quantity,
       CAST(CAST(d.unit_price AS numeric(18, 4)) * d.quantity * (1 - CAST(d.discount AS float8)) AS numeric(18, 4)) AS r
FROM order_details d JOIN orders o USING (order_id) JOIN products p USING (product_id)
"""


@pytest.fixture(scope="module")
def northwind(cluster: Cluster) -> str:
    if not NORTHWIND.exists():
        pytest.skip(f"needs the Northwind database as SQL in {NORTHWIND.parent.name}")
    database = cluster.database("C.UTF-8")
    cluster.psql(database, NORTHWIND)
    return cluster.url(database)


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["connect", *arguments], env={"SALESCOPE_INSTANCE": str(folder)})


def settings_of(folder: Path) -> Settings:
    return Settings.from_env({"SALESCOPE_INSTANCE": str(folder)})


@pytest.fixture(scope="module")
def folder(northwind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("instance")
    result = run(made, northwind, "--table", "order_details", "--name", "northwind", "--currency", "EUR", "--yes")
    assert result.exit_code == 0, result.output
    assert "2,155 lines from 1996-07-04 to 1998-05-06" in result.output
    assert PASSWORD not in result.output
    return made


@pytest.fixture(scope="module")
def sales(folder: Path) -> Iterator[Sales]:
    made = installation.make_sales(settings_of(folder))
    yield made
    made._warehouse.current().engine.dispose()


def asked(northwind: str, select: str) -> list[tuple[object, ...]]:
    with psycopg.connect(northwind.replace("+psycopg", "")) as connection:
        return connection.execute(f"WITH l AS ({LINES}) {select}".encode()).fetchall()


def test_totals(sales: Sales, northwind: str) -> None:
    answer = sales.answer(SalesQuery(measures=("revenue", "units", "orders", "lines")), ANALYST)
    ((revenue, units),) = asked(northwind, "SELECT sum(r)::float8, sum(quantity)::int FROM l")
    assert answer.value("revenue") == pytest.approx(revenue, abs=0.005)
    assert (answer.value("units"), answer.value("orders"), answer.value("lines")) == (units, 830, 2155)
    assert round(answer.value("revenue"), 2) == 1265793.04


def test_breakdown_with_comparison_and_order(sales: Sales, northwind: str) -> None:
    query = SalesQuery(
        measures=("revenue",),
        dimensions=("country",),
        period=Period("ytd"),
        compare=Compare.YEAR,
        sort=(Sort("revenue", descending=True),),
        limit=3,
    )
    frame = sales.answer(query, ANALYST).frame
    expected = asked(
        northwind,
        "SELECT ship_country, sum(r) FILTER (WHERE order_date >= '1998-01-01')::float8, "
        "sum(r) FILTER (WHERE order_date BETWEEN '1997-01-01' AND '1997-05-06')::float8 "
        "FROM l GROUP BY 1 ORDER BY 2 DESC NULLS LAST LIMIT 3",
    )
    assert list(frame["country"]) == [row[0] for row in expected]
    assert list(frame["country__code"]) == ["USA", "DEU", "AUT"]
    assert list(frame["revenue"]) == pytest.approx([row[1] for row in expected], abs=0.005)
    assert list(frame["revenue__before"]) == pytest.approx([row[2] for row in expected], abs=0.005)


def test_months(sales: Sales, northwind: str) -> None:
    frame = sales.answer(SalesQuery(measures=("revenue",), grain=Grain.MONTH), ANALYST).frame
    expected = asked(
        northwind, "SELECT date_trunc('month', order_date)::timestamp, sum(r)::float8 FROM l GROUP BY 1 ORDER BY 1"
    )
    assert [moment.to_pydatetime() for moment in frame["time"]] == [row[0] for row in expected]
    assert list(frame["revenue"]) == pytest.approx([row[1] for row in expected], abs=0.005)


def test_row_scope_and_filters_hold(sales: Sales, northwind: str) -> None:
    query = SalesQuery(measures=("revenue",), filters=(Filter("product", "contains", ("CHEF anton",)),))
    ((expected,),) = asked(
        northwind, "SELECT sum(r)::float8 FROM l WHERE ship_country = 'Germany' AND product_name ILIKE '%chef anton%'"
    )
    viewer = viewer_of("manager", RowScope.of({"country": ["Germany"]}))
    assert sales.answer(query, viewer).value("revenue") == pytest.approx(expected, abs=0.005)
    lines = sales.answer(SalesQuery(columns=("line_id", "country"), limit=1000), viewer).frame
    assert set(lines["country"]) == {"Germany"}
    assert sales.answer(SalesQuery(measures=("lines",)), viewer_of("analyst", RowScope.of({}))).value("lines") == 0


def test_order_lines_page_by_page(sales: Sales) -> None:
    query = SalesQuery(columns=("line_id", "order_time", "order_id"), limit=100)
    pages = [sales.answer(SalesQuery(**{**vars(query), "offset": offset}), ANALYST).frame for offset in (0, 100)]
    everything = sales.answer(SalesQuery(**{**vars(query), "limit": 200}), ANALYST).frame
    assert len(set(everything["line_id"])) == 200
    assert [*pages[0]["line_id"], *pages[1]["line_id"]] == list(everything["line_id"])


def test_nothing_can_be_changed(sales: Sales, folder: Path) -> None:
    store = installation.warehouse(settings_of(folder))
    assert isinstance(store, InPlace)
    with pytest.raises(UserError, match="nothing can be loaded"), store.writing():
        pass
    with sales._warehouse.current().engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="read-only"):
        connection.exec_driver_sql("DELETE FROM public.order_details")
    result = CliRunner().invoke(main, ["load", "--sample"], env={"SALESCOPE_INSTANCE": str(folder)})
    assert result.exit_code == 1
    assert "nothing can be loaded beside them" in " ".join(result.output.split())


def test_url_is_for_its_owner_only(folder: Path) -> None:
    assert stat.S_IMODE((folder / "connected.json").stat().st_mode) == 0o600
    found = installation.connected(settings_of(folder))
    assert found is not None
    assert "forty" not in repr(found) + (folder / "models" / "northwind" / "model.yaml").read_text(encoding="utf-8")


def test_model_with_a_broken_place_is_refused(folder: Path, tmp_path: Path) -> None:
    text = (folder / "models" / "northwind" / "model.yaml").read_text(encoding="utf-8")
    broken = tmp_path / "model.yaml"
    broken.write_text(text.replace("orders.order_date", "orders.order_dat"), encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"place: .*'orders\.order_dat'.*Did you mean 'orders\.order_date'"):
        read_model(broken)


def test_new_rows_are_another_version(northwind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = installation.warehouse(settings_of(folder))
    before = store.current()
    assert store.current() is before
    with psycopg.connect(northwind.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("INSERT INTO order_details VALUES (10248, 1, 1, 1, 0)")
        try:
            monkeypatch.setattr("services.in_place.LOOK_EVERY", 0.0)
            after = store.current()
        finally:
            connection.execute("DELETE FROM order_details WHERE order_id = 10248 AND product_id = 1")
    assert after.version != before.version
    assert (before.coverage or {})["line_count"] + 1 == (after.coverage or {})["line_count"]
    assert store.current().version == before.version
    before.engine.dispose()


def test_off(northwind: str, tmp_path: Path) -> None:
    assert run(tmp_path, northwind, "--table", "order_details", "--yes").exit_code == 0
    assert "used again" in run(tmp_path, "--off").output
    assert not isinstance(installation.warehouse(settings_of(tmp_path)), InPlace)
    assert "No database" in run(tmp_path, "--off").output


def test_odd_names_are_quoted(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.new_url()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute('CREATE SCHEMA "My ""Shop"')
        connection.execute(
            'CREATE TABLE "My ""Shop"."Select %s" ("Order No" bigint PRIMARY KEY, "Date" timestamp, "Country" text, '
            '"Total Amount" numeric(12, 2))'
        )
        connection.execute(
            """INSERT INTO "My ""Shop"."Select %s" SELECT i, timestamp '2024-01-01' + i * interval '5 hours',
            (ARRAY['Österreich', 'France', 'Italy'])[i % 3 + 1], i * 1.5 FROM generate_series(1, 300) i"""
        )
    result = run(tmp_path, url, "--name", "odd", "--yes")
    assert result.exit_code == 0, result.output
    made = installation.make_sales(settings_of(tmp_path))
    frame = made.answer(SalesQuery(measures=("revenue",), dimensions=("country",)), ANALYST).frame
    assert frame["revenue"].sum() == pytest.approx(1.5 * 300 * 301 / 2)
    assert list(frame["country"]) == ["France", "Italy", "Österreich"]
    made._warehouse.current().engine.dispose()


@pytest.mark.parametrize("url", ["mysql://a:hunter2@h/d", "sqlite:////hunter2"])
def test_other_databases_are_refused(tmp_path: Path, url: str) -> None:
    result = run(tmp_path, url)
    assert result.exit_code == 1
    assert "postgresql://user:password@host" in " ".join(result.output.split())
    assert "hunter2" not in result.output
