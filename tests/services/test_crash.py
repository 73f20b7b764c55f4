"""Loads that die: killed at any moment, at every step, on a full disk. Nothing is ever torn, lost or doubled."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import textwrap
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from services.duck_warehouse import DuckWarehouse
from services.ledger import loads
from services.warehouse import Warehouse
from tests.factories import load_again
from tests.services.loaders import folder_of, lines_of, start, stored

ROOT = Path(__file__).parents[2]


def require_whole(warehouse: Warehouse, folder: Path, numbers: range) -> None:
    """Load a folder again, twice, and find every load once and nothing else."""
    facts, ledger = stored(warehouse)
    assert facts == ledger
    for _ in range(2):
        load_again(warehouse.root, folder)
    digests = [entry.digest for entry in loads(warehouse)]
    assert len(digests) == len(set(digests)) == len(numbers)
    assert stored(warehouse) == (sum(map(lines_of, numbers)),) * 2
    assert not list(warehouse.root.glob(".build-*"))
    assert not list(warehouse.root.glob("loads/*.part"))
    assert [path.name for path in (warehouse.root / "scratch").iterdir()] == [".lock"]
    assert list((warehouse.root / "prepared").iterdir()) == []
    assert max(int(path.stem) for path in warehouse.root.glob("[0-9]*.duckdb")) == warehouse.live().version


def test_killed_at_any_moment(tmp_path: Path, forks: ForkServerContext, pytestconfig: pytest.Config) -> None:
    """Whatever moment a loading process dies at, the last good version is live, whole and loaded once."""
    chance, rounds = random.Random(20240101), pytestconfig.getoption("--rounds")
    warehouse = DuckWarehouse(tmp_path / "warehouse", threads=1)
    load_again(warehouse.root, folder_of(tmp_path, 0))
    started = time.monotonic()
    whole = start(forks, warehouse.root, folder_of(tmp_path, 1))
    whole.join()
    assert whole.exitcode == 0
    duration, killed = time.monotonic() - started, 0
    for number in range(2, rounds + 2):
        before = warehouse.live().version
        folder = folder_of(tmp_path, number)
        started, process = time.monotonic(), start(forks, warehouse.root, folder)
        process.join(chance.uniform(0, duration * 1.1))
        process.kill()
        process.join()
        if process.exitcode == 0:
            duration = min(duration, time.monotonic() - started)
        killed += process.exitcode != 0
        pointer = warehouse.verify()
        assert pointer is not None
        assert pointer.version in (before, before + 1)
        require_whole(warehouse, folder, range(number + 1))
    assert killed > rounds // 2


def die_at(step: int, root: Path, folder: Path) -> None:
    """Load, and end the process right before the call number `step` that makes something last on the disk."""
    left = [step]

    def counted(name: str) -> None:
        call = getattr(os, name)

        def wrapper(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)
            return call(*args, **kwargs)

        setattr(os, name, wrapper)

    for name in ("open", "fsync", "rename", "replace", "unlink", "rmdir", "mkdir"):
        counted(name)
    load_again(root, folder)


def test_dead_before_every_step(tmp_path: Path, forks: ForkServerContext, pytestconfig: pytest.Config) -> None:
    """The process dies before its first, second, third … call of the file system, until it gets through.

    Every third step in short runs, each of them with more `--rounds`.
    """
    stride = 1 if pytestconfig.getoption("--rounds") > 50 else 3
    warehouse = DuckWarehouse(tmp_path / "warehouse", threads=1)
    load_again(warehouse.root, folder_of(tmp_path, 0))
    code: int | None = 9
    number = step = 0
    while code == 9:
        number, step = number + 1, step + stride
        folder, before = folder_of(tmp_path, number), warehouse.live().version
        process = forks.Process(target=die_at, args=(step, warehouse.root, folder))
        process.start()
        process.join()
        code = process.exitcode
        assert code in (0, 9)
        assert warehouse.live().version in (before, before + 1)
        require_whole(warehouse, folder, range(number + 1))
    assert step > 15


def test_two_loads_at_once_are_done_one_after_the_other(tmp_path: Path, forks: ForkServerContext) -> None:
    warehouse = DuckWarehouse(tmp_path / "warehouse", threads=1)
    processes = [start(forks, warehouse.root, folder_of(tmp_path, number)) for number in range(4)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert warehouse.live().version == 4
    assert stored(warehouse) == (1 + 2 + 3 + 4,) * 2


def test_same_load_twice_at_once_is_done_once(tmp_path: Path, forks: ForkServerContext) -> None:
    warehouse, folder = DuckWarehouse(tmp_path / "warehouse", threads=1), folder_of(tmp_path, 3)
    processes = [start(forks, warehouse.root, folder) for _ in range(3)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 3
    assert (warehouse.live().version, stored(warehouse)) == (1, (4, 4))


FULL = """
import os, sys
from pathlib import Path
from services.errors import LoadError
from services.ledger import loads
from services.duck_warehouse import DuckWarehouse
from services.warehouse import Warehouse
from tests.factories import load_again, write_parquet
from tests.services.loaders import folder_of, stored

disk, files, room = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
warehouse = DuckWarehouse(disk / "warehouse", threads=1)
load_again(warehouse.root, folder_of(files, 6))
before = warehouse.verify()
filler = disk / "filler"
free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
filler.write_bytes(bytes(max(0, free - room)))
big = folder_of(files, 5)
write_parquet(big / "sales.parquet", (
    "SELECT TIMESTAMP '2024-03-01' + INTERVAL (i) SECOND AS sold_at, md5(i::VARCHAR) AS order_id, 'Chile' AS country, "
    "md5((i * 7)::VARCHAR) AS product_id, 'One' AS product_name, 1 AS quantity, 1::DECIMAL(18, 4) AS revenue "
    "FROM range(120000) AS t(i)"))
try:
    load_again(warehouse.root, big)
except LoadError as error:
    print("refused:", error)
except OSError as error:
    print("refused:", error.strerror)
else:
    print("loaded")
assert stored(warehouse) == (7, 7), stored(warehouse)
assert warehouse.verify() == before
assert [path.name for path in (warehouse.root / "scratch").iterdir()] == [".lock"]
assert not list((warehouse.root / "prepared").iterdir())
assert not list(warehouse.root.glob(".build-*")), list(warehouse.root.glob(".build-*"))
assert not list(warehouse.root.glob("loads/*.part"))
filler.unlink()
load_again(warehouse.root, big)
assert stored(warehouse) == (120007, 120007)
"""


@pytest.mark.parametrize("room", [200_000, 4_000_000, 16_000_000, 24_000_000, 34_000_000])
def test_full_disk(tmp_path: Path, room: int) -> None:
    """However much room is left, a load that does not fit changes nothing, and succeeds once there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    shell = f"mount -t tmpfs -o size=80m none {disk} && exec {sys.executable} - {disk} {tmp_path / 'files'} {room}"
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here (unshare -rm)")
    done = subprocess.run(
        [unshare, "-rm", "sh", "-c", shell],
        input=textwrap.dedent(FULL),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("refused:")


@pytest.mark.parametrize("offset", [0, 5000, 20_000, -1])
def test_damaged_snapshot_falls_back_and_heals(tmp_path: Path, offset: int) -> None:
    """With the live file damaged the version before is served; the next load builds everything again."""
    root = tmp_path / "warehouse"
    for number in (1, 2):
        load_again(root, folder_of(tmp_path, number))
    live = DuckWarehouse(root).live()
    path = root / live.file
    content = bytearray(path.read_bytes())
    content[offset] ^= 0xFF
    path.write_bytes(bytes(content))
    reader = DuckWarehouse(root, threads=1)
    assert reader.current().version == live.version - 1
    assert stored(reader) == (lines_of(1),) * 2
    load_again(root, folder_of(tmp_path, 3))
    assert DuckWarehouse(root).verify() is not None
    assert stored(reader) == (lines_of(1) + lines_of(2) + lines_of(3),) * 2
    assert [entry.number for entry in loads(reader)] == [0, 1, 2]
