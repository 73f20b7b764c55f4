"""Orders by API, from the moment they are accepted to the snapshot: each counts once, whatever happens between."""

from __future__ import annotations

import datetime as dt
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services import batches
from services.batches import Batch
from services.errors import LoadError, NotReadyError
from services.inbox import Inbox, KeyReusedError
from services.ledger import Mode, loads
from services.loading import load, undo
from services.model import EMPTY, read_model
from services.orders import RefusedOrdersError
from services.processes import is_held, try_lock
from services.warehouse import rows_of
from tests.factories import House, shop, warehouse_of

FEW = """SELECT TIMESTAMP '2023-03-01' + INTERVAL (i) HOUR AS sold_at, 'O' || i AS order_id, 'France' AS country,
'P1' AS product_id, 'Red box' AS product_name, 1 AS quantity, 1.5 AS revenue FROM range(10) AS t(i)"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = shop(tmp_path, FEW)
    made.load()
    yield made
    made.warehouse.current().engine.dispose()


@pytest.fixture
def inbox(house: House) -> Inbox:
    return Inbox(house.warehouse)


def orders(*names: str, **changed: Any) -> list[tuple[int, dict[str, Any]]]:
    record = {"sold_at": "2024-01-31T12:00:00", "country": "Chile", "quantity": 1, "revenue": 2.5} | changed
    return [(row, record | {"order_id": name}) for row, name in enumerate(names, start=1)]


def accept(inbox: Inbox, house: House, *names: str, key: str, user: int = 1, **changed: Any) -> tuple[Batch, bool]:
    return inbox.accept(house.model, orders(*names, **changed), user_id=user, by=f"user{user}@example.com", key=key)


def publish(inbox: Inbox, house: House) -> list[int]:
    return [loaded.load.rows_kept for loaded in inbox.publish_pending(lambda: house.model)]


def sent_orders(house: House) -> Counter[str]:
    asked = sa.text("SELECT order_id, line_id FROM facts WHERE country = 'Chile'")
    rows = rows_of(house.warehouse.current(), asked)
    assert len({row["line_id"] for row in rows}) == len(rows)
    return Counter(row["order_id"] for row in rows)


def left(inbox: Inbox) -> set[str]:
    return {path.name for path in inbox.folder.iterdir()} - {"WAITING", "PUBLISHER", "log"}


def test_accepted_orders_are_published_once_with_an_entry_in_the_ledger(house: House, inbox: Inbox) -> None:
    batch, fresh = accept(inbox, house, "A", "B", key="one")
    accept(inbox, house, "C", key="one", user=2)
    assert (fresh, batch.rows, batch.load) == (True, 2, "")
    assert sent_orders(house) == Counter()
    assert publish(inbox, house) == [3]
    assert publish(inbox, house) == []
    assert sent_orders(house) == Counter("ABC")
    entry = loads(house.warehouse)[-1]
    assert (entry.name, entry.loaded_by) == ("orders by API", "user1@example.com, user2@example.com")
    assert (entry.rows_read, entry.rows_kept, entry.rows_left_out, entry.rows_rejected) == (3, 3, 0, 0)
    assert entry.first_time == dt.datetime(2024, 1, 31, 12)
    assert {each.load for each in batches.published(house.warehouse)} == {entry.digest}
    assert left(inbox) == set()


def test_values_come_through_as_they_were_sent(house: House, inbox: Inbox) -> None:
    accept(inbox, house, "A", key="one", revenue="12345678901234.5678", quantity=-3, product_name="=1+1 \u2028'\"")
    publish(inbox, house)
    (row,) = rows_of(house.warehouse.current(), sa.text("SELECT * FROM facts WHERE order_id = 'A'"))
    assert str(row["revenue"]) == "12345678901234.5678"
    assert (row["quantity"], row["product_name"], row["product_id"]) == (-3, "=1+1 \u2028'\"", None)


def test_same_key_and_orders_are_one_batch_before_and_after_publishing(house: House, inbox: Inbox) -> None:
    first, _ = accept(inbox, house, "A", key="one")
    again, fresh = accept(inbox, house, "A", key="one")
    assert (again, fresh) == (replace(first), False)
    publish(inbox, house)
    late, fresh = accept(inbox, house, "A", key="one")
    assert (late.batch, late.rows, late.content, fresh) == (first.batch, 1, first.content, False)
    assert late.load == loads(house.warehouse)[-1].digest
    assert left(inbox) == set()
    assert publish(inbox, house) == []
    assert sent_orders(house) == Counter("A")


def test_same_key_with_other_orders_is_refused_before_and_after_publishing(house: House, inbox: Inbox) -> None:
    accept(inbox, house, "A", key="one")
    for _ in range(2):
        for changed in ({"quantity": 2}, {"sold_at": "2024-01-31T12:00:01"}, {"country": None}):
            with pytest.raises(KeyReusedError, match="was used for other orders"):
                accept(inbox, house, "A", key="one", **changed)
        with pytest.raises(KeyReusedError):
            accept(inbox, house, "A", "A", key="one")
        publish(inbox, house)
    assert sent_orders(house) == Counter("A")


def test_other_people_and_other_keys_are_other_batches(house: House, inbox: Inbox) -> None:
    pairs = [(key, user) for key in ("1", "11", "1 1") for user in (1, 11)]
    found = {accept(inbox, house, "A", key=key, user=user)[0].batch for key, user in pairs}
    assert len(found) == 6
    publish(inbox, house)
    assert sent_orders(house) == Counter({"A": 6})


def test_batches_are_remembered_through_other_loads_and_undone_ones(house: House, inbox: Inbox, tmp_path: Path) -> None:
    accept(inbox, house, "A", key="one")
    publish(inbox, house)
    number = loads(house.warehouse)[-1].number
    more = shop(tmp_path / "more", FEW.replace("2023-03-01", "2024-06-01"))
    load(house.warehouse, more.model, more.recipe, more.folder, by="tests", mode=Mode.APPEND)
    assert accept(inbox, house, "A", key="one")[1] is False
    undo(house.warehouse, lambda _name: house.model, number, by="tests")
    assert sent_orders(house) == Counter()
    assert accept(inbox, house, "A", key="one")[1] is False
    assert publish(inbox, house) == []
    assert sent_orders(house) == Counter()


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "a\tb", "a\x00", "\u202e"])
def test_keys_that_are_refused(house: House, inbox: Inbox, key: str) -> None:
    with pytest.raises(LoadError, match="1 to 200 printable characters"):
        accept(inbox, house, "A", key=key)


def test_refused_orders_leave_nothing(house: House, inbox: Inbox) -> None:
    with pytest.raises(RefusedOrdersError):
        inbox.accept(house.model, [*orders("A"), (2, "is not JSON")], user_id=1, by="x", key="one")
    with pytest.raises(LoadError, match="no order in it"):
        inbox.accept(house.model, [], user_id=1, by="x", key="one")
    with pytest.raises(NotReadyError, match="no data yet"):
        inbox.accept(EMPTY, orders("A"), user_id=1, by="x", key="one")
    assert left(inbox) == set()
    assert accept(inbox, house, "A", key="one")[1]


def test_lost_connection_leaves_nothing(house: House, inbox: Inbox) -> None:
    def cut() -> Iterator[tuple[int, dict[str, Any]]]:
        yield from orders("A")
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        inbox.accept(house.model, cut(), user_id=1, by="x", key="one")
    assert left(inbox) == set()


def test_batches_of_another_model_wait_and_are_said(house: House, inbox: Inbox) -> None:
    accept(inbox, house, "A", key="one")
    other = house.model.model_copy(update={"name": "other"})
    with pytest.raises(LoadError, match=r"1 batches of orders wait .* accepted for the model 'shop'"):
        list(inbox.publish_pending(lambda: other))
    assert len(left(inbox)) == 1
    assert publish(inbox, house) == [1]
    assert sent_orders(house) == Counter("A")


def test_batch_published_but_not_removed_is_not_doubled(house: House, inbox: Inbox) -> None:
    """What a publisher leaves that dies between the two steps."""
    batch, _ = accept(inbox, house, "A", key="one")
    path = inbox.folder / f"{batch.batch}.parquet"
    kept = path.with_suffix(".kept")
    shutil.copyfile(path, kept)
    publish(inbox, house)
    kept.rename(path)
    accept(inbox, house, "B", key="two")
    assert publish(inbox, house) == [1]
    assert sent_orders(house) == Counter("AB")
    assert left(inbox) == set()


def test_unfinished_files_go_after_a_while(house: House, inbox: Inbox) -> None:
    old, young = inbox.temporary(), inbox.temporary()
    os.utime(old, (0, 0))
    publish(inbox, house)
    assert left(inbox) == {young.name}


def test_who_finds_somebody_waiting_leaves_it_to_them(house: House, inbox: Inbox) -> None:
    accept(inbox, house, "A", key="one")
    waiting = try_lock(inbox.folder / "WAITING")
    assert waiting is not None
    assert publish(inbox, house) == []
    assert sent_orders(house) == Counter()
    assert list(inbox.publish_pending(lambda: house.model, waiting=waiting))
    assert not is_held(inbox.folder / "WAITING")
    assert sent_orders(house) == Counter("A")


def test_many_at_once_are_taken_once_each(house: House, inbox: Inbox) -> None:
    """Eight threads send, each key twice at the same time, while another publishes."""

    def send(number: int) -> bool:
        return accept(inbox, house, f"N{number // 2}", key=f"key {number // 2}")[1]

    with ThreadPoolExecutor(9) as threads:
        sent = [threads.submit(send, number) for number in range(80)]
        while not all(each.done() for each in sent):
            publish(inbox, house)
        assert sum(each.result() for each in sent) == 40
    publish(inbox, house)
    assert sent_orders(house) == Counter(f"N{number}" for number in range(40))


def publish_in(root: Path, model: Path) -> None:
    """Publish as `salescope publish-inbox` does: what a test kills."""
    list(Inbox(warehouse_of(root, None)).publish_pending(lambda: read_model(model)))


def test_publisher_killed_at_any_moment_loses_and_doubles_nothing(
    house: House, inbox: Inbox, forks: ForkServerContext, pytestconfig: pytest.Config
) -> None:
    chance, rounds = random.Random(20240131), max(10, pytestconfig.getoption("--rounds") // 3)
    root, model = house.warehouse.root, house.folder / "model.yaml"
    accept(inbox, house, "first", key="first")
    began = time.monotonic()
    whole = forks.Process(target=publish_in, args=(root, model))
    whole.start()
    whole.join()
    assert whole.exitcode == 0
    duration, killed, wanted = time.monotonic() - began, 0, Counter(["first"])
    for number in range(rounds):
        accept(inbox, house, f"R{number}", key=f"round {number}")
        wanted[f"R{number}"] += 1
        process = forks.Process(target=publish_in, args=(root, model))
        process.start()
        process.join(chance.uniform(duration * 0.2, duration * 1.1))
        process.kill()
        process.join()
        killed += process.exitcode != 0
        assert accept(inbox, house, f"R{number}", key=f"round {number}")[1] is False
        assert sent_orders(house) <= wanted
    publish(inbox, house)
    assert sent_orders(house) == wanted
    assert killed > rounds // 3
    assert left(inbox) <= {path.name for path in inbox.folder.glob(".*")}
