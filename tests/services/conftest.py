"""Fixtures of the services' tests."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from salescope.cache import NoCache
from services.loading import load
from services.model import SalesModel
from services.recipe import Recipe
from services.sales import Sales
from services.warehouse import Warehouse
from tests.factories import House, shop, warehouse_of
from tests.serving import Installation


@pytest.fixture(scope="session")
def forks() -> ForkServerContext:
    """Return a context whose processes start at once: a server that has imported the product forks them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.factories"])
    first = context.Process(target=time.sleep, args=(0,))
    first.start()
    first.join()
    return context


# Every test of the services that asks the sample or the small shop does so on both engines.


@pytest.fixture(scope="session", params=["duckdb", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """Return the name of the engine."""
    return str(request.param)


@pytest.fixture(scope="session")
def new_url(engine: str, request: pytest.FixtureRequest) -> Callable[[], str | None]:
    """Return what makes the URL of a new, empty warehouse; None means a folder."""
    if engine == "duckdb":
        return lambda: None
    url: Callable[[], str] = request.getfixturevalue("cluster").new_url
    return url


@pytest.fixture(scope="session")
def sample_on(
    sample_folder: Path,
    sample_model: SalesModel,
    sample_recipe: Recipe,
    prepared: Installation,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Callable[[str], Warehouse]:
    """Return the warehouse with the sample on an engine; each is loaded once, however often tests change engines."""
    made: dict[str, Warehouse] = {}

    def on(engine: str) -> Warehouse:
        if engine not in made and engine == "duckdb":
            copy = prepared.copied_to(tmp_path_factory.mktemp("sample") / "instance")
            made[engine] = warehouse_of(copy.folder / "warehouse")
        elif engine not in made:
            url = request.getfixturevalue("cluster").new_url()
            made[engine] = warehouse_of(tmp_path_factory.mktemp("sample") / "warehouse", url)
            load(made[engine], sample_model, sample_recipe, sample_folder, by="tests")
            # The server may be gone by the time this ends.
            request.addfinalizer(made[engine].current().engine.dispose)
        return made[engine]

    return on


@pytest.fixture(scope="session")
def sample_warehouse(engine: str, sample_on: Callable[[str], Warehouse]) -> Warehouse:
    """Return a warehouse with the sample loaded by the product's own recipe; read it, never publish into it."""
    return sample_on(engine)


@pytest.fixture(scope="session")
def sales(sample_model: SalesModel, sample_warehouse: Warehouse) -> Sales:
    """Return the sales service on the sample, without a cache."""
    return Sales(sample_model, sample_warehouse, NoCache())


@pytest.fixture(scope="session")
def small_shop(tmp_path_factory: pytest.TempPathFactory, new_url: Callable[[], str | None]) -> Iterator[House]:
    """Return a small shop of 3,000 lines, loaded; read it, never publish into it."""
    house = shop(tmp_path_factory.mktemp("shop"), url=new_url())
    house.load()
    yield house
    house.warehouse.current().engine.dispose()
