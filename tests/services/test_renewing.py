"""A version brought up to date day by day answers as one built from nothing: what is late or replaced included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, event, given, settings

from salescope.cache import NoCache
from services import imaging, loading, surveying
from services.access import EVERYTHING, RowScope
from services.ledger import Mode, facts_select
from services.loading import load, loads
from services.periods import Period
from services.query import SalesQuery
from services.sales import Sales
from tests.factories import shop, write_parquet
from tests.services.test_planner import IN_MEMORY, MODEL, RECIPE, ROWS, SCOPES, Store, queries, same

#: What each load brings: all but some days, the next days, late lines, days that replace others with some new values.
LATE, REPLACED = "DATE '2023-06-10' AND DATE '2023-06-12'", "DATE '2023-08-05' AND DATE '2023-08-09'"
NEW = "* REPLACE ('P9' || product_id AS product_id, 'D' || customer_id AS customer_id, revenue + 0.25 AS revenue)"
FIRST = f"SELECT * FROM ({ROWS}) WHERE sold_at < '2024-04-01' AND sold_at::DATE NOT BETWEEN {LATE}"
THEN = (
    (Mode.APPEND, f"SELECT * FROM ({ROWS}) WHERE sold_at >= '2024-04-01' AND sold_at < '2024-04-02'"),
    (Mode.APPEND, f"SELECT * FROM ({ROWS}) WHERE sold_at >= '2024-04-02'"),
    (Mode.APPEND, f"SELECT * FROM ({ROWS}) WHERE sold_at::DATE BETWEEN {LATE}"),
    (Mode.REPLACE_PERIOD, f"SELECT {NEW} FROM ({ROWS}) WHERE sold_at::DATE BETWEEN {REPLACED} AND quantity % 2 = 0"),
)


def refuse(*_: object) -> None:
    raise AssertionError("The version was built from nothing.")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surveying, "WORTHWHILE", 0)
        patch.setattr(surveying, "FEW", 10)
        patch.setattr(imaging, "SMALL", 1)
        house = shop(tmp_path_factory.mktemp("renewed"), FIRST, MODEL, RECIPE)
        house.load()
        patch.setattr(loading, "build", refuse)
        for mode, rows in THEN:
            write_parquet(house.folder / "sales.parquet", rows)
            load(house.warehouse, house.model, house.recipe, house.folder, by="tests", mode=mode)
    yield Store(house, Sales(house.model, house.warehouse, NoCache()))
    house.warehouse.current().engine.dispose()


def test_the_facts_are_those_of_the_loads(store: Store) -> None:
    house = store.house
    pointer = house.warehouse.pointer()
    assert pointer is not None
    assert pointer.version == 1 + len(THEN)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{house.warehouse.root / pointer.file}' AS live (READ_ONLY)")
        expected = facts_select(connection, house.warehouse.root, house.model, loads(house.warehouse))
        for left, right in ((expected, "SELECT * FROM live.facts"), ("SELECT * FROM live.facts", expected)):
            assert connection.execute(
                f"SELECT count(*) FROM (SELECT * FROM ({left}) EXCEPT ALL SELECT * FROM ({right}))"
            ).fetchall() == [(0,)]


def test_what_cannot_be_renewed_is_built_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An order that goes on another day adds up no longer; a new value has no place in the sets of values."""
    monkeypatch.setattr(surveying, "WORTHWHILE", 0)
    monkeypatch.setattr(surveying, "FEW", 10)
    monkeypatch.setattr(imaging, "SMALL", 1)
    caplog.set_level("INFO", "salescope")
    house = shop(tmp_path, ROWS, MODEL, RECIPE)
    house.load()
    asked = SalesQuery(measures=("orders", "revenue"), dimensions=("category",), period=Period("all"))
    for number, change in enumerate(("sold_at + INTERVAL 3 DAY AS sold_at", "'new' AS category"), 1):
        rows = f"SELECT * REPLACE ({change}) FROM ({ROWS}) WHERE sold_at >= '2024-04-10'"
        write_parquet(house.folder / "sales.parquet", rows)
        load(house.warehouse, house.model, house.recipe, house.folder, by="tests")
        assert caplog.text.count("built from nothing") == number
        found, plain, _ = Store(house, house.sales()).both(asked, EVERYTHING)
        same(found, plain)
    house.warehouse.current().engine.dispose()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=queries(), scope=SCOPES)
def test_what_was_renewed_answers_as_the_facts_do(store: Store, query: SalesQuery, scope: RowScope) -> None:
    found, plain, served = store.both(query, scope)
    event("from memory" if IN_MEMORY in served else "by SQL")
    same(found, plain)
