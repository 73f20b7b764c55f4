"""One person's queries wait for each other and leave the rest of a worker to everybody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from services.errors import BusyError
from services.fairness import CROWDED_SECONDS, Fairness, InOrder
from services.query import SalesQuery
from services.sales import Sales
from tests.factories import House, MemoryCache, shop, viewer_of

HEAVY, OTHER = 1, 2


def hold(fairness: Fairness, user_id: int, until: threading.Event) -> threading.Thread:
    """Let somebody take a turn in another thread and keep it."""
    inside = threading.Event()

    def keep() -> None:
        with fairness.turn(user_id):
            inside.set()
            until.wait(20)

    thread = threading.Thread(target=keep)
    thread.start()
    assert inside.wait(5)
    return thread


def test_no_more_than_the_limit_run_at_once() -> None:
    fairness, lock, running, most = Fairness(running=2, present=20), threading.Lock(), [0], [0]

    def work() -> None:
        with fairness.turn(HEAVY):
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.02)
            with lock:
                running[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [2]


def in_a_row(in_order: InOrder, work: Sequence[Callable[[], object]]) -> list[threading.Thread]:
    """Start threads that ask for a turn one after another, and wait until all have asked."""
    threads = []
    for asked, each in enumerate(work, start=1):

        def take(each: Callable[[], object] = each) -> None:
            with in_order.turn():
                each()

        threads.append(threading.Thread(target=take))
        threads[-1].start()
        while len(in_order._line) < asked:
            time.sleep(0.001)
    return threads


def test_turns_come_in_the_order_they_were_asked_for_and_one_at_a_time() -> None:
    in_order, go, told = InOrder(60), threading.Event(), list[str]()

    def work(number: int) -> None:
        go.wait(20)
        told.append(f"{number} begins")
        time.sleep(0.001)
        told.append(f"{number} ends")

    threads = in_a_row(in_order, [partial(work, number) for number in range(6)])
    go.set()
    for thread in threads:
        thread.join(20)
    assert told == [f"{number} {what}" for number in range(6) for what in ("begins", "ends")]


def test_who_takes_longer_than_a_turn_goes_on_beside_the_others() -> None:
    in_order, until = InOrder(0.02), threading.Event()
    (long,) = in_a_row(in_order, [lambda: until.wait(20)])
    with in_order.turn():
        assert long.is_alive()
        until.set()
        long.join(10)
        assert len(in_order._line) == 1


def test_who_waits_too_long_is_told_why_and_others_are_not_touched() -> None:
    fairness, until = Fairness(running=2, present=10, seconds=0.1), threading.Event()
    threads = [hold(fairness, HEAVY, until) for _ in range(2)]
    with (
        pytest.raises(BusyError, match="You have 2 queries running already"),
        fairness.turn(HEAVY),
    ):
        raise AssertionError
    started = time.perf_counter()
    with fairness.turn(OTHER):
        assert time.perf_counter() - started < CROWDED_SECONDS
    until.set()
    for thread in threads:
        thread.join()
    with fairness.turn(HEAVY):
        pass


def test_a_crowd_of_one_person_is_refused_soon() -> None:
    fairness, until = Fairness(running=1, present=1, seconds=20), threading.Event()
    thread = hold(fairness, HEAVY, until)
    started = time.perf_counter()
    with pytest.raises(BusyError), fairness.turn(HEAVY):
        raise AssertionError
    assert CROWDED_SECONDS <= time.perf_counter() - started < 5
    until.set()
    thread.join()


def test_error_inside_gives_the_turn_back() -> None:
    fairness = Fairness(running=1, present=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), fairness.turn(HEAVY):
            raise ZeroDivisionError


QUERY = SalesQuery(measures=("revenue",), dimensions=("country",))


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = shop(tmp_path)
    made.load()
    return made


def test_answer_from_the_cache_takes_no_turn(house: House) -> None:
    fairness, until = Fairness(running=1, present=1, seconds=0.1), threading.Event()
    sales = Sales(house.model, house.warehouse, MemoryCache(), fairness=fairness)
    analyst = viewer_of("analyst")
    sales.answer(QUERY, analyst)
    thread = hold(fairness, analyst.user_id, until)
    assert sales.answer(QUERY, analyst).trust.cached
    for ask in (lambda: sales.answer(replace(QUERY, limit=3), analyst), lambda: sales.count_lines(LINES, analyst)):
        with pytest.raises(BusyError):
            ask()
    other = replace(analyst, user_id=OTHER)
    assert not sales.answer(replace(QUERY, limit=3), other).trust.cached
    until.set()
    thread.join()


LINES = SalesQuery(columns=("line_id", "revenue"), limit=10)
