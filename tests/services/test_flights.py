"""What several ask for at the same moment is computed once, and no failure of one costs another the answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from services.errors import QueryError
from services.flights import AlwaysOurTurn, Flights, Form, GiveBack, Outcome, Turns
from tests.factories import MemoryCache

TEXT = Form[str](pack=str.encode, unpack=lambda packed: packed.decode() if packed.isascii() else None)


class Slow:
    """A computation that takes a while, counts its runs and fails where told to."""

    def __init__(self, seconds: float = 0.1, fail: int = 0) -> None:
        self.runs, self._seconds, self._fail, self._lock = 0, seconds, fail, threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            self.runs += 1
            run = self.runs
        time.sleep(self._seconds)
        if run <= self._fail:
            raise QueryError(f"run {run} failed")
        return "answer"


def flights(
    cache: MemoryCache | None = None,
    turns: Turns | None = None,
    seconds: float = 5.0,
    tell: Callable[[Outcome], None] = lambda outcome: None,
) -> Flights[str]:
    return Flights(cache or MemoryCache(), turns or AlwaysOurTurn(), TEXT, seconds, tell)


def together(count: int, ask: Callable[[], object]) -> list[object]:
    """Ask from many threads at the same moment and return what each got, its value or its error."""
    found: list[object] = []
    start = threading.Barrier(count)

    def one() -> None:
        start.wait()
        try:
            found.append(ask())
        except QueryError as error:
            found.append(error)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    return found


def test_twenty_threads_compute_once() -> None:
    slow, told = Slow(), list[Outcome]()
    shared = flights(tell=told.append)
    found = together(20, lambda: shared.value("key", slow)[0])
    assert (found, slow.runs) == (["answer"] * 20, 1)
    assert sorted(told) == [Outcome.COMPUTED] + [Outcome.SHARED] * 19


def test_other_keys_do_not_wait() -> None:
    both = threading.Barrier(2, timeout=10)

    def meet() -> str:
        both.wait()
        return "met"

    shared, keys = flights(), iter(("one", "two"))
    assert together(2, lambda: shared.value(next(keys), meet)[0]) == ["met", "met"]


def test_error_reaches_its_own_caller_only() -> None:
    slow = Slow(fail=2)
    shared = flights()
    found = together(10, lambda: shared.value("key", slow)[0])
    assert found.count("answer") == 8
    assert sorted(str(each) for each in found if isinstance(each, QueryError)) == ["run 1 failed", "run 2 failed"]
    assert slow.runs == 3


def test_waiting_ends_at_the_limit() -> None:
    release, shared = threading.Event(), flights(seconds=0.2)

    def hang() -> str:
        release.wait(10)
        return "late"

    leader = threading.Thread(target=lambda: shared.value("key", hang))
    leader.start()
    started = time.perf_counter()
    found = shared.value("key", lambda: "own")
    waited = time.perf_counter() - started
    release.set()
    leader.join()
    assert found == ("own", Outcome.COMPUTED)
    assert 0.15 < waited < 2


def test_next_request_computes_again_where_nothing_is_kept() -> None:
    cache, slow = MemoryCache(), Slow(0)
    shared = flights(cache)
    assert [shared.value("key", slow)[1], shared.value("key", slow)[1]] == [Outcome.COMPUTED, Outcome.KEPT]
    cache.kept.clear()
    assert (shared.kept("key"), shared.value("key", slow)[1]) == (None, Outcome.COMPUTED)
    assert slow.runs == 2


def test_damaged_entry_is_computed_anew() -> None:
    cache = MemoryCache()
    cache.kept["key"] = b"\xff"
    assert flights(cache).kept("key") is None
    assert flights(cache).value("key", lambda: "whole") == ("whole", Outcome.COMPUTED)
    assert cache.kept["key"] == b"whole"


class TakenUntil:
    """Turns of a process that finishes, or dies, at the given look."""

    def __init__(self, look: int, at_end: Callable[[], None]) -> None:
        self.looks, self._look, self._at_end, self.given_back = 0, look, at_end, 0

    def take(self, key: str) -> GiveBack | None:  # noqa: ARG002 - the protocol's
        self.looks += 1
        if self.looks < self._look:
            return None
        self._at_end()
        return self._give_back

    def _give_back(self) -> None:
        self.given_back += 1


def test_answer_of_another_process_is_taken_over() -> None:
    cache = MemoryCache()
    turns = TakenUntil(4, lambda: cache.set("key", b"theirs"))
    assert flights(cache, turns).value("key", lambda: "ours") == ("theirs", Outcome.SHARED)
    assert (turns.looks, turns.given_back) == (4, 1)


def test_turn_of_a_process_that_died_is_taken_over() -> None:
    turns = TakenUntil(4, lambda: None)
    assert flights(turns=turns).value("key", lambda: "ours") == ("ours", Outcome.COMPUTED)
    assert turns.given_back == 1


def test_process_that_never_finishes_is_not_waited_for_longer_than_the_limit() -> None:
    turns = TakenUntil(1_000_000, lambda: None)
    assert flights(turns=turns, seconds=0.1).value("key", lambda: "ours") == ("ours", Outcome.COMPUTED)
    assert turns.looks > 2


def test_turn_ends_with_an_error() -> None:
    turns = TakenUntil(1, lambda: None)
    shared = flights(turns=turns)
    with pytest.raises(QueryError):
        shared.value("key", Slow(0, fail=1))
    assert turns.given_back == 1
    assert shared.value("key", lambda: "again") == ("again", Outcome.COMPUTED)
