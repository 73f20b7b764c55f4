"""What loads leave behind: modes, overlap, taking back; expected from plain lists of rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from salescope.cache import NoCache
from services.duck_warehouse import DuckWarehouse
from services.errors import LoadError, NotReadyError, UserError
from services.ledger import Mode, in_force, loads
from services.loading import Loaded, OverlapError, RejectedError, load, report_path, undo
from services.model import read_model
from services.recipe import read_recipe
from services.sales import Sales
from services.warehouse import rows_of

MODEL = """\
model: 1
name: till
title: Till
today: data
facts:
  time: day
  columns:
    line_id: {type: integer, label: Line}
    day: {type: time, label: Day}
    order_id: {type: text, label: Order}
    amount: {type: integer, label: Amount}
dimensions: {order: {label: Order, plural: Orders, column: order_id}}
measures: {amount: {label: Amount, expression: sum(amount)}}
overview: {measures: [amount]}
"""
RECIPE = """\
recipe: 1
name: till
model: model.yaml
sources: [{file: rows.csv}]
fields:
  day: {type: time, formats: ["%Y-%m-%d"]}
  order: {type: text}
  amount: {type: integer}
columns: {day: day, order_id: order, amount: amount}
key: [order_id]
"""
Row = tuple[str, str, str]


class Till:
    """A warehouse, and the rows that should be in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.warehouse = folder, DuckWarehouse(folder / "warehouse", threads=1)
        (folder / "model.yaml").write_text(MODEL, encoding="utf-8")
        (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
        self.model, self.recipe = read_model(folder / "model.yaml"), read_recipe(folder / "recipe.yaml")

    def load(self, rows: Sequence[Row], mode: Mode | None = None, *, keep_good: bool = False) -> Loaded:
        text = "\n".join(["day,order,amount", *(",".join(row) for row in rows), ""])
        (self.folder / "rows.csv").write_text(text, encoding="utf-8")
        return load(self.warehouse, self.model, self.recipe, self.folder, by="tests", mode=mode, keep_good=keep_good)

    def undo(self, number: int) -> Loaded:
        return undo(self.warehouse, lambda _name: self.model, number, by="tests")

    def rows(self) -> list[Row]:
        found = rows_of(self.warehouse.current(), sa.text("SELECT day, order_id, amount FROM facts ORDER BY ALL"))
        return [(f"{row['day']:%Y-%m-%d}", row["order_id"], str(row["amount"])) for row in found]


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till(tmp_path)


JANUARY: list[Row] = [
    ("2024-01-01", "A", "1"),
    ("2024-01-02", "B", "2"),
    ("2024-01-02", "B", "3"),
    ("2024-01-31", "C", "4"),
]
FEBRUARY: list[Row] = [("2024-02-01", "D", "5"), ("2024-02-02", "E", "6")]


def test_other_days_are_added(till: Till) -> None:
    till.load(JANUARY)
    done = till.load(FEBRUARY)
    assert (done.load.number, done.load.mode, done.overlap) == (1, Mode.APPEND, None)
    assert till.rows() == sorted(JANUARY + FEBRUARY)


def test_overlap_is_told_before_anything_is_published(till: Till) -> None:
    till.load(JANUARY)
    with pytest.raises(OverlapError) as caught:
        till.load([("2024-01-02", "B", "3"), ("2024-01-02", "B", "9"), ("2024-01-15", "X", "1")])
    overlap = caught.value.overlap
    assert (overlap.lines, overlap.identical, overlap.same_key) == (2, 1, 2)
    assert "Choose what to do with them: append, replace-key, replace-period, start-over" in str(caught.value)
    assert till.rows() == sorted(JANUARY)
    assert list((till.warehouse.root / "prepared").iterdir()) == []


def test_overlap_may_be_appended(till: Till) -> None:
    till.load(JANUARY)
    done = till.load([("2024-01-02", "B", "9")], Mode.APPEND)
    assert done.overlap is not None
    assert till.rows() == sorted([*JANUARY, ("2024-01-02", "B", "9")])


def test_repeated_lines_are_counted_one_for_one(till: Till) -> None:
    till.load([("2024-01-01", "A", "1"), ("2024-01-01", "A", "1")])
    with pytest.raises(OverlapError) as caught:
        till.load([("2024-01-01", "A", "1")] * 3)
    assert caught.value.overlap.identical == 2


def test_same_key_replaces(till: Till) -> None:
    till.load(JANUARY)
    till.load([("2024-01-03", "B", "7"), ("2024-02-01", "D", "8")], Mode.REPLACE_KEY)
    assert till.rows() == [
        ("2024-01-01", "A", "1"),
        ("2024-01-03", "B", "7"),
        ("2024-01-31", "C", "4"),
        ("2024-02-01", "D", "8"),
    ]


def test_period_replaces_whole_days(till: Till) -> None:
    till.load(JANUARY)
    till.load([("2024-01-02", "Z", "9"), ("2024-01-30", "Z", "9")], Mode.REPLACE_PERIOD)
    assert till.rows() == [
        ("2024-01-01", "A", "1"),
        ("2024-01-02", "Z", "9"),
        ("2024-01-30", "Z", "9"),
        ("2024-01-31", "C", "4"),
    ]


def test_same_content_again_changes_nothing_in_any_mode(till: Till) -> None:
    till.load(JANUARY)
    for mode in (None, Mode.APPEND, Mode.REPLACE_KEY, Mode.REPLACE_PERIOD):
        assert not till.load(JANUARY, mode).changed
    assert till.rows() == sorted(JANUARY)


def test_starting_over_and_taking_it_back(till: Till) -> None:
    till.load(JANUARY)
    till.load(FEBRUARY, Mode.START_OVER)
    assert till.rows() == sorted(FEBRUARY)
    till.undo(1)
    assert till.rows() == sorted(JANUARY)


def test_a_load_taken_back_stays_in_the_list_and_can_be_loaded_again(till: Till) -> None:
    till.load(JANUARY)
    till.load(FEBRUARY)
    till.undo(0)
    assert till.rows() == sorted(FEBRUARY)
    first, second = loads(till.warehouse)
    assert (first.active, first.undone_by, second.active) == (False, "tests", True)
    again = till.load(JANUARY)
    assert (again.changed, again.load.number) == (True, 2)
    assert till.rows() == sorted(JANUARY + FEBRUARY)


def test_the_only_load_taken_back_leaves_no_data(till: Till) -> None:
    till.load(JANUARY)
    till.undo(0)
    assert till.rows() == []
    with pytest.raises(NotReadyError, match="no data"):
        Sales(till.model, till.warehouse, NoCache()).coverage()
    till.load(JANUARY)
    assert till.rows() == sorted(JANUARY)


@pytest.mark.parametrize("number", [0, 7, -1])
def test_only_loads_in_the_list_can_be_taken_back(till: Till, number: int) -> None:
    till.load(JANUARY)
    till.undo(0)
    with pytest.raises(UserError, match=f"There is no load number {number} that could be taken back"):
        till.undo(number)


def test_all_or_nothing_unless_told_otherwise(till: Till) -> None:
    rows = [*JANUARY, ("2024-01-32", "X", "1"), ("2024-01-03", "Y", "one")]
    with pytest.raises(RejectedError, match="2 of 6 rows cannot be taken; nothing was published"):
        till.load(rows)
    assert till.warehouse.pointer() is None
    done = till.load(rows, keep_good=True).load
    assert (done.rows_read, done.rows_kept, done.rows_rejected) == (6, 4, 2)
    assert till.rows() == sorted(JANUARY)
    assert report_path(till.warehouse.root, done.digest).exists()


def test_nothing_good_is_nothing_loaded(till: Till) -> None:
    with pytest.raises(LoadError, match="None of the 1 rows can be taken"):
        till.load([("never", "X", "1")], keep_good=True)


def test_replacing_by_key_needs_a_key(till: Till) -> None:
    till.recipe = till.recipe.model_copy(update={"key": ()})
    till.load(JANUARY)
    with pytest.raises(LoadError, match="names no key"):
        till.load(FEBRUARY, Mode.REPLACE_KEY)


def test_a_column_the_model_got_later_is_empty_in_older_loads(till: Till) -> None:
    till.load(JANUARY)
    text = MODEL.replace(
        "    amount: {type: integer, label: Amount}\n",
        "    amount: {type: integer, label: Amount}\n    shop: {type: text, label: Shop}\n",
    )
    (till.folder / "model.yaml").write_text(text, encoding="utf-8")
    till.model = read_model(till.folder / "model.yaml")
    till.recipe = till.recipe.model_copy(update={"columns": {**till.recipe.columns, "shop": "'North'"}})
    till.load(FEBRUARY)
    found = rows_of(
        till.warehouse.current(), sa.text("SELECT shop, count(*) AS n FROM facts GROUP BY ALL ORDER BY ALL")
    )
    assert [(row["shop"], row["n"]) for row in found] == [("North", 2), (None, 4)]


def test_totals_are_those_of_the_rows(till: Till) -> None:
    entry = till.load(JANUARY).load
    assert dict(entry.totals) == {"amount": 10}
    assert (entry.first_time, entry.last_time) == (dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 31))
    assert entry.files == ("rows.csv",)
    assert loads(till.warehouse) == [entry]


ROWS = st.lists(
    st.tuples(
        st.dates(dt.date(2024, 1, 1), dt.date(2024, 1, 6)).map(str),
        st.sampled_from("ABCD"),
        st.integers(0, 9).map(str),
    ),
    min_size=1,
    max_size=6,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(list(Mode)), ROWS),
        st.tuples(st.just("undo"), st.integers(0, 4)),
    ),
    min_size=1,
    max_size=6,
)


def expected(history: list[tuple[Mode, list[Row], bool]]) -> list[Row]:
    """Return the rows after a history of loads, each of them with whether it still counts."""
    there: list[Row] = []
    for mode, rows, active in history:
        if not active:
            continue
        days, keys = [row[0] for row in rows], {row[1] for row in rows}
        if mode is Mode.START_OVER:
            there = []
        elif mode is Mode.REPLACE_KEY:
            there = [row for row in there if row[1] not in keys]
        elif mode is Mode.REPLACE_PERIOD:
            there = [row for row in there if not min(days) <= row[0] <= max(days)]
        there = there + rows
    return sorted(there)


@settings(max_examples=15)
@given(STEPS)
def test_any_history_gives_the_rows_it_should(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[object, object]]
) -> None:
    till = Till(tmp_path_factory.mktemp("till"))
    history: list[tuple[Mode, list[Row], bool]] = []
    for what, more in steps:
        if isinstance(what, Mode):
            assert isinstance(more, list)
            if till.load(more, what).changed:
                history.append((what, more, True))
        elif isinstance(more, int) and more < len(history) and history[more][2]:
            till.undo(more)
            history[more] = (*history[more][:2], False)
        if history:
            assert till.rows() == expected(history)
            force = in_force(loads(till.warehouse))
            assert sum(entry.rows_kept for entry in force) >= len(till.rows())
