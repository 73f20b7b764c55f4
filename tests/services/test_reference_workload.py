"""The reference workload of ../shared/bench, 100,000 lines: every answer beside raw SQL over the same files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pytest

from salescope.cache import NoCache
from services.access import RowScope
from services.sales import Sales
from tests.benchmarks import reference
from tests.benchmarks.reference_queries import DASHBOARD, Reference, drill
from tests.factories import viewer_of, warehouse_of

pytestmark = pytest.mark.skipif(not reference.available(), reason=reference.MISSING)
RANDOM = 5
DEEP = 40_000
STATES = [*(reference.scenarios() if reference.available() else ()), *(f"random {n}" for n in range(1, RANDOM + 1))]
QUERIES = [*DASHBOARD, *drill(0)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    reference.generate("100k", folder)
    return folder


@pytest.fixture(scope="module")
def raw(files: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with reference.load_bare(files, "100k", ":memory:") as connection:
        yield connection


@pytest.fixture(scope="module")
def workload_sales(
    files: Path, tmp_path_factory: pytest.TempPathFactory, new_url: Callable[[], str | None]
) -> Iterator[Sales]:
    warehouse = warehouse_of(tmp_path_factory.mktemp("published"), new_url())
    assert reference.load_in(files, warehouse) == 100_000
    yield Sales(reference.model_in(files), warehouse, NoCache())
    warehouse.current().engine.dispose()


@pytest.fixture(scope="module")
def states() -> dict[str, Any]:
    return dict(reference.checked_states(RANDOM))


@pytest.fixture(scope="module")
def asked(workload_sales: Sales, raw: duckdb.DuckDBPyConnection) -> Reference:
    return Reference(workload_sales, viewer_of("analyst"), raw, DEEP)


@pytest.mark.parametrize("state", STATES)
def test_state(asked: Reference, states: dict[str, Any], state: str) -> None:
    """Dashboard, drill and order lines give the rows of the SQL, in its order: money to the cent, counts exactly."""
    wrong = {name: found for name in QUERIES if (found := asked.both(name, states[state]).difference)}
    assert wrong == {}


@pytest.mark.parametrize("state", STATES)
def test_period_of_equal_length(asked: Reference, states: dict[str, Any], state: str) -> None:
    assert asked.same_length(states[state]).difference == ""


def test_row_scope_is_a_filter(workload_sales: Sales, raw: duckdb.DuckDBPyConnection, states: dict[str, Any]) -> None:
    """What a scope leaves is what the same values as filters leave, counts of customers and orders included."""
    limited = [each for each in states.values() if each.countries]
    assert len(limited) >= 5
    for state in limited:
        scope = RowScope.of({"country": state.countries})
        scoped = Reference(workload_sales, viewer_of("manager", scope), raw, DEEP)
        free = replace(state, countries=())
        wrong = {name: found for name in QUERIES if (found := scoped.both(name, state, free).difference)}
        assert wrong == {}, scope.describe()


@pytest.mark.parametrize("offset", [0, 100, DEEP, 99_950, 100_000])
def test_pages_of_lines(asked: Reference, offset: int) -> None:
    both = asked.page(offset)
    assert len(both.raw) == min(100, 100_000 - offset)
    assert both.difference == ""


def test_the_workload_asks_for_something(asked: Reference, states: dict[str, Any]) -> None:
    """The comparison compares rows: the whole period fills every query, a period before it included."""
    first = next(iter(states.values()))
    assert all(asked.both(name, first).raw for name in QUERIES)
    year = states["s2_year"]
    current, previous = asked.both("q1_kpis", year).raw
    assert current > previous > (0,)


def test_every_query_of_the_workload_is_asked() -> None:
    assert set(QUERIES) == set(reference.bench_module("workload").QUERIES)


def test_a_difference_is_found(asked: Reference, states: dict[str, Any]) -> None:
    """One line more in the facts of bare DuckDB shows in every query of its state."""
    state = next(islice(states.values(), 1))
    asked.raw.execute("BEGIN")
    try:
        asked.raw.execute("INSERT INTO sales SELECT * REPLACE (revenue + 0.01 AS revenue) FROM sales LIMIT 1")
        assert all(asked.both(name, state).difference for name in DASHBOARD if name != "q4_top_products")
    finally:
        asked.raw.execute("ROLLBACK")
