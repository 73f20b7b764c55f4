"""Fixtures of all tests: the sample, loaded once, and a clean environment."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from salescope.cache import NoCache
from salescope.cli import close_stderr
from services.access import Viewer
from services.duck_warehouse import DuckWarehouse
from services.model import SalesModel, read_model
from services.recipe import Recipe, read_recipe
from services.sales import Sales
from services.warehouse import Warehouse
from tests.factories import House, shop, viewer_of
from tests.postgres import Cluster, running_cluster
from tests.serving import Installation, make_installation

ROOT = Path(__file__).parent.parent

# The same examples on every run; `--hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile("same", deadline=None, database=None, derandomize=True, max_examples=60)
hypothesis.settings.register_profile("search", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("same")


atexit.register(close_stderr)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case of raw bytes by its argument: archives hold the time, and each worker must collect the same names."""
    return argname if isinstance(val, bytes) else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--no-skips`, which CI uses: there nothing may be missing; `--pictures`; `--rounds` for long crash tests."""
    parser.addoption("--no-skips", action="store_true", help="fail when a test was skipped")
    parser.addoption("--pictures", action="store_true", help="keep pictures of pages in tests/output")
    parser.addoption("--rounds", type=int, default=16, help="how many loads are killed")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run under `--no-skips` when a test was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("Failed by --no-skips: tests were skipped.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take SALESCOPE_* out of the environment, so that a developer's settings change no test."""
    for name in [name for name in os.environ if name.startswith("SALESCOPE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def sample_folder() -> Path:
    """Return the folder of the sample: its model, its recipe and its two Parquet files."""
    return ROOT / "data" / "online_retail_ii"


@pytest.fixture(scope="session")
def sample_model(sample_folder: Path) -> SalesModel:
    """Return the sample's model."""
    return read_model(sample_folder / "model.yaml")


@pytest.fixture(scope="session")
def sample_recipe(sample_folder: Path) -> Recipe:
    """Return the sample's recipe."""
    return read_recipe(sample_folder / "recipe.yaml")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Return an installation with the sample, made once for all processes of a run: copy it, never write into it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, ready = shared / "prepared", shared / "prepared.ready"
    with (shared / "prepared.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make_installation(folder)
            ready.touch()
    return Installation(folder)


@pytest.fixture(scope="session")
def sample_warehouse(prepared: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Return a warehouse with the sample loaded by the product's own recipe.

    It is shared by the whole session: read it, never publish into it.
    """
    warehouse = DuckWarehouse(prepared.copied_to(tmp_path_factory.mktemp("sample") / "instance").folder / "warehouse")
    yield warehouse
    warehouse.current().engine.dispose()


@pytest.fixture(scope="session")
def sales(sample_model: SalesModel, sample_warehouse: Warehouse) -> Sales:
    """Return the sales service on the sample, without a cache."""
    return Sales(sample_model, sample_warehouse, NoCache())


@pytest.fixture(scope="session")
def everyone() -> Viewer:
    """Return an analyst who sees all rows."""
    return viewer_of("analyst")


@pytest.fixture(scope="session")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Return a small shop of 3,000 lines, loaded; answers take milliseconds.

    It is shared by the whole session: read it, never publish into it.
    """
    house = shop(tmp_path_factory.mktemp("shop"))
    house.load()
    yield house
    house.warehouse.current().engine.dispose()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a running PostgreSQL; skips where its programs are missing."""
    with running_cluster() as running:
        yield running
