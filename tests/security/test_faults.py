"""Faults while people work: workers killed, servers renewed, the application database gone, memory too small."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path

import duckdb
import pytest

from salescope import installation as product
from services.duck_warehouse import DuckWarehouse
from services.warehouse import Build
from tests.client import Client
from tests.postgres import Cluster
from tests.serving import ROOT, Installation, Server, add_people, outside, running_server, until

PEOPLE = 6


def workers(server: Server) -> list[int]:
    pid = server.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def at_work(server: Server, cookie: str) -> Iterator[Counter[str]]:
    """Let people ask all the time; count statuses and broken connections."""
    seen: Counter[str] = Counter()
    stop = threading.Event()

    def work() -> None:
        client = Client(server.port)
        client.cookie = cookie
        while not stop.is_set():
            try:
                seen[str(client.get("/_dash-layout").status)] += 1
            except (OSError, HTTPException):
                seen["broken"] += 1
                time.sleep(0.05)

    threads = [threading.Thread(target=work) for _ in range(PEOPLE)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.fixture(scope="module")
def small(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("faults")
    own = installation.with_new_database(folder / "salescope.db")
    settings = {"SALESCOPE_WORKERS": "2", "SALESCOPE_DRAIN_SECONDS": "2"}
    with running_server(own, folder / "output", **settings) as server:
        yield server


def test_killed_worker_costs_the_requests_in_flight_and_comes_back(small: Server) -> None:
    cookie = Client(small.port).sign_in_as("analyst").cookie
    with at_work(small, cookie) as seen:
        time.sleep(1)
        before = set(workers(small))
        os.kill(min(before), signal.SIGKILL)
        assert until(lambda: len(set(workers(small)) - before) > 0, 90)
        time.sleep(1)
    assert set(seen) <= {"200", "broken"}
    assert seen["broken"] <= PEOPLE
    assert seen["200"] > 20
    assert until(lambda: len(workers(small)) == 2, 90)


def test_renewing_the_workers_loses_no_request(small: Server) -> None:
    cookie = Client(small.port).sign_in_as("analyst").cookie
    before = set(workers(small))
    with at_work(small, cookie) as seen:
        time.sleep(0.5)
        small.process.send_signal(signal.SIGHUP)
        renewed = until(lambda: not before & set(workers(small)) and len(workers(small)) == 2, 90)
        time.sleep(1)
    assert renewed
    assert set(seen) == {"200"}


def test_end_is_told_by_readiness_first_and_loses_no_request(small: Server) -> None:
    """Ends the server of the tests above."""
    anonymous, cookie = Client(small.port), Client(small.port).sign_in_as("analyst").cookie
    assert anonymous.get("/readyz").status == 200
    with at_work(small, cookie) as seen:
        small.process.terminate()
        assert until(lambda: anonymous.get("/readyz").status == 503, 30)
        asked = seen.total()
        assert until(lambda: seen.total() > asked + PEOPLE or small.process.poll() is not None, 30)
        assert (anonymous.get("/healthz").status, set(seen)) == (200, {"200"})
    assert small.process.wait(60) == 0
    assert set(seen) <= {"200", "broken"}


@pytest.fixture
def on_postgres(installation: Installation, cluster: Cluster, tmp_path: Path) -> Iterator[Server]:
    made = replace(installation, extra={"SALESCOPE_DATABASE_URL": cluster.new_url(), "SALESCOPE_WORKERS": "1"})
    accounts = product.init(made.settings())
    add_people(accounts)
    accounts._engine.dispose()
    with running_server(made, tmp_path / "output") as server:
        yield server


@contextmanager
def hung(cluster: Cluster) -> Iterator[None]:
    """Stop all processes of the database, which then neither answer nor refuse."""
    assert cluster.process
    first = cluster.process.pid
    pids = [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_site_says_that_its_database_is_away_and_recovers_alone(on_postgres: Server, cluster: Cluster) -> None:
    client, anonymous = Client(on_postgres.port).sign_in_as("analyst"), Client(on_postgres.port)
    assert client.get("/_dash-layout").status == 200
    with hung(cluster):
        for answer in (client.get("/_dash-layout"), client.get("/_dash-layout"), anonymous.get("/readyz")):
            assert (answer.status, answer.seconds < 10) == (503, True)
        assert anonymous.get("/healthz").status == 200
        assert "The database does not answer" in client.page("/").text
    assert until(lambda: client.get("/_dash-layout").status == 200, 30)
    cluster.stop()
    try:
        for answer in (client.get("/_dash-layout"), client.sign_in("a@example.com", "x")):
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert answer.seconds < 10
        assert "psycopg" not in answer.text
        assert (anonymous.get("/healthz").status, anonymous.get("/readyz").status) == (200, 503)
        assert "does not answer" in client.page("/").text
    finally:
        cluster.start()
    assert until(lambda: client.get("/_dash-layout").status == 200, 30)
    assert anonymous.get("/readyz").status == 200


SPILL = r"""
import sys
import sqlalchemy as sa
from pathlib import Path
from services.duck_warehouse import DuckWarehouse
from services.warehouse import rows_of
snapshot = DuckWarehouse(Path(sys.argv[1]), memory="90MB", threads=1).current()
placed = "SELECT code, row_number() OVER (ORDER BY text) AS place FROM t"
sorted_ = f"SELECT sum(place * (code % 97)) AS found FROM ({placed})"
print("\n=>", rows_of(snapshot, sa.text(sorted_), 120)[0]["found"])
try:
    rows_of(snapshot, sa.text("SELECT count(DISTINCT list) FROM (SELECT array_agg(text) AS list FROM t)"), 120)
    print("\n=>", "answered")
except Exception as error:
    print("\n=>", "refused" if "memory" in str(error).lower() else error)
print("\n=>", rows_of(snapshot, sa.text("SELECT count(*) AS found FROM t"))[0]["found"])
"""


def making(query: str) -> Build:
    def build(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(f"CREATE TABLE t AS {query}")

    return build


def test_processes_that_spill_at_once_do_not_meet_and_too_much_memory_is_an_error(tmp_path: Path) -> None:
    store = DuckWarehouse(tmp_path / "warehouse")
    with store.writing():
        store.publish(making("SELECT range AS code, md5(range::VARCHAR) AS text FROM range(800000)"), "2026-01-01")
    command = [sys.executable, "-c", SPILL, str(store.root)]
    environment = outside(PYTHONPATH=str(ROOT))
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = [
        [line[2:].strip() for line in each.communicate(timeout=300)[0].splitlines() if line.startswith("=>")]
        for each in running
    ]
    assert [each.returncode for each in running] == [0, 0, 0]
    assert len({each[0] for each in found}) == 1
    assert {each[1] for each in found} <= {"refused", "answered"}
    assert {each[2] for each in found} == {"800000"}
    assert list(store.root.glob("spill-*")) == []


def test_spill_of_a_process_that_crashed_goes_away(tmp_path: Path) -> None:
    root = tmp_path / "warehouse"
    (root / "spill-1-x").mkdir(parents=True)
    (root / "spill-1-x" / "part").write_text("left behind")
    (root / "spill-2-x").mkdir()
    os.utime(root / "spill-1-x", (1, 1))
    with (store := DuckWarehouse(root)).writing():
        store.publish(making("SELECT 1 AS a"), "2026-01-01")
    store.current().engine.dispose()
    assert sorted(path.name for path in root.glob("spill-*")) == ["spill-2-x"]
