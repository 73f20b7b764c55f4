"""The result cache: a damaged, moved, foreign or unreachable entry is a miss; nothing stored is ever executed."""

from __future__ import annotations

import pickle
import random
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from salescope.cache import BREAK_SECONDS, TIMEOUT_SECONDS, BytesSerializer, NoCache, SignedCache, make_cache
from salescope.settings import Settings

KEY, OTHER_KEY = "q8Vd-2Jr_71mXw0ZbTn5uLk3PsYc9hGe4AfRoMiE6tU", "Xv8Vd-2Jr_71mXw0ZbTn5uLk3PsYc9hGe4AfRoMiE6t"
VALUE = random.Random(1).randbytes(3_000)


class Ticking:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def cache_in(folder: Path, key: str = KEY, **given: str) -> SignedCache:
    settings = Settings.from_env({"SALESCOPE_INSTANCE": str(folder), "SALESCOPE_SECRET_KEY": key} | given)
    made = make_cache(settings)
    assert isinstance(made, SignedCache)
    made.fuse.clock = Ticking()
    return made


def tick(cache: SignedCache, seconds: float = BREAK_SECONDS + 1) -> None:
    assert isinstance(cache.fuse.clock, Ticking)
    cache.fuse.clock.now += seconds


def entry_of(folder: Path, cache: SignedCache, key: str, value: bytes = VALUE) -> Path:
    """Keep a value and return the file it lies in."""
    before = set((folder / "cache").iterdir())
    cache.set(key, value)
    (path,) = {path for path in (folder / "cache").iterdir() if path.stat().st_size > len(value)} - before
    return path


def mutated(data: bytes, chance: random.Random) -> bytes:
    found = bytearray(data)
    match chance.randrange(6):
        case 0:
            for _ in range(chance.randint(1, 8)):
                found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
        case 1:
            del found[chance.randrange(len(found)) :]
        case 2:
            start = chance.randrange(len(found))
            del found[start : start + chance.randint(1, 50)]
        case 3:
            start = chance.randrange(len(found))
            found[start:start] = chance.randbytes(chance.randint(1, 50))
        case 4:
            start = chance.randrange(40)
            found[start : start + 4] = chance.randbytes(4)
        case _:
            found = bytearray(chance.randbytes(chance.randint(0, 200)))
    return bytes(found)


def test_value_is_found_again_by_another_process(tmp_path: Path) -> None:
    cache_in(tmp_path).set("key", VALUE)
    assert cache_in(tmp_path).get("key") == VALUE
    assert cache_in(tmp_path).get("another key") is None


@pytest.mark.parametrize("value", [b"", b"\0", b"i5", b"b", b"\x80\x04." * 5], ids=repr)
def test_any_bytes_come_back_as_they_were(tmp_path: Path, value: bytes) -> None:
    cache = cache_in(tmp_path)
    cache.set("key", value)
    assert cache.get("key") == value


def test_damaged_entry_is_a_miss_and_never_another_value(tmp_path: Path) -> None:
    cache, chance = cache_in(tmp_path), random.Random(20091201)
    path = entry_of(tmp_path, cache, "key")
    whole = path.read_bytes()
    missed = 0
    for _ in range(3_000):
        path.write_bytes(mutated(whole, chance))
        found = cache.get("key")
        assert found in (None, VALUE)
        missed += found is None
        tick(cache)
    assert missed > 2_000
    cache.set("key", VALUE)
    assert cache.get("key") == VALUE


def test_damaged_count_file_costs_no_entry(tmp_path: Path) -> None:
    cache, chance = cache_in(tmp_path), random.Random(2)
    cache.set("first", VALUE)
    (counter,) = [path for path in (tmp_path / "cache").iterdir() if path.stat().st_size < 20]
    for number in range(200):
        counter.write_bytes(mutated(b"\0\0\0\0i5", chance))
        cache.set(f"key {number}", VALUE)
        cache.get(f"key {number}")
        tick(cache)
    counter.write_bytes(b"\0\0\0\0i5")
    cache.set("last", VALUE)
    assert cache.get("last") == VALUE


def test_entry_moved_under_another_key_is_a_miss(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    mine, theirs = entry_of(tmp_path, cache, "mine"), entry_of(tmp_path, cache, "theirs", VALUE + b"more")
    shutil.copyfile(theirs, mine)
    assert cache.get("mine") is None
    assert cache.get("theirs") == VALUE + b"more"


def test_entry_of_another_installation_is_a_miss(tmp_path: Path) -> None:
    cache_in(tmp_path, OTHER_KEY).set("key", VALUE)
    assert cache_in(tmp_path).get("key") is None


def test_key_and_value_cannot_be_shifted_against_each_other(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    assert cache._sign("a", b"bc") != cache._sign("ab", b"c")


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path, str]]:
        return Path.write_text, (self.path, "executed")


def test_planted_pickle_is_not_executed(tmp_path: Path) -> None:
    cache, proof = cache_in(tmp_path), tmp_path / "proof"
    path = entry_of(tmp_path, cache, "key")
    bomb = pickle.dumps(Bomb(proof))
    stored = path.read_bytes()
    for planted in (bomb, stored[:4] + bomb, stored[:4] + b"!" + bomb, stored[:4] + b"b" + bomb, stored[:37] + bomb):
        path.write_bytes(planted)
        assert cache.get("key") is None
        cache.set("other", VALUE)
        tick(cache)
    assert not proof.exists()
    pickle.loads(bomb)
    assert proof.exists()


@pytest.mark.parametrize("stored", [None, b"", b"x", b"!" + pickle.dumps(1), pickle.dumps(b"x"), b"B1"])
def test_what_is_not_ours_is_read_as_nothing(stored: bytes | None) -> None:
    assert BytesSerializer().loads(stored) is None


def test_folder_and_entries_are_private(tmp_path: Path) -> None:
    path = entry_of(tmp_path, cache_in(tmp_path), "key")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_number_of_entries_is_bounded(tmp_path: Path) -> None:
    cache = cache_in(tmp_path, SALESCOPE_CACHE_ENTRIES="20")
    for number in range(100):
        cache.set(f"key {number}", VALUE)
    assert len(list((tmp_path / "cache").iterdir())) <= 25


def test_deleted_folder_is_a_miss_and_raises_nothing(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    cache.set("key", VALUE)
    shutil.rmtree(tmp_path / "cache")
    assert cache.get("key") is None
    cache.set("key", VALUE)


def test_zero_entries_keep_nothing(tmp_path: Path) -> None:
    made = make_cache(Settings.from_env({"SALESCOPE_INSTANCE": str(tmp_path), "SALESCOPE_CACHE_ENTRIES": "0"}))
    assert isinstance(made, NoCache)
    made.set("key", VALUE)
    assert made.get("key") is None
    assert not (tmp_path / "cache").exists()


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        yield int(silent.getsockname()[1])


@pytest.mark.parametrize("where", ["closed_port", "black_hole"])
def test_lost_redis_costs_its_timeout_once_per_window(
    tmp_path: Path, where: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"redis://:pa55word@127.0.0.1:{request.getfixturevalue(where)}/0"
    cache = cache_in(tmp_path, SALESCOPE_CACHE_URL=url)
    for _ in range(2):
        started = time.perf_counter()
        assert cache.get("key") is None
        assert time.perf_counter() - started < TIMEOUT_SECONDS + 1
        started = time.perf_counter()
        for _ in range(100):
            assert cache.get("key") is None
            cache.set("key", VALUE)
        assert time.perf_counter() - started < TIMEOUT_SECONDS / 2
        tick(cache)
    assert len(caplog.records) == 2
    assert "pa55word" not in caplog.text


def test_redis_that_is_lost_while_writing_raises_nothing(tmp_path: Path, closed_port: int) -> None:
    cache = cache_in(tmp_path, SALESCOPE_CACHE_URL=f"redis://127.0.0.1:{closed_port}/0")
    cache.set("key", VALUE)
    assert cache.get("key") is None
