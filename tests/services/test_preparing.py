from __future__ import annotations

import datetime as dt
import io
import os
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from services import yamlfile
from services.errors import LoadError
from services.intake.files import find, stage
from services.intake.staged import Staged
from services.model import SalesModel
from services.prepared import Prepared, read_prepared, rejects, write_rejects
from services.preparing import identity, prepare
from services.recipe import Recipe

MODEL = """\
model: 1
name: orders
title: Orders
facts:
  time: sold_at
  columns:
    line_id: {type: integer, label: Line}
    sold_at: {type: time, label: Day}
    order_id: {type: text, label: Order}
    country: {type: text, label: Country}
    category: {type: text, label: Category}
    quantity: {type: integer, label: Quantity}
    revenue: {type: money, label: Amount}
dimensions:
  country: {label: Country, plural: Countries, column: country}
measures:
  revenue: {label: Revenue, expression: sum(revenue)}
overview: {measures: [revenue]}
"""
RECIPE = """\
recipe: 1
name: orders
model: model.yaml
sources: [{file: orders.csv}]
read: {format: csv, delimiter: ";"}
fields:
  Nr: {type: text}
  Datum: {type: time, formats: ["%d.%m.%Y"]}
  Land: {type: text}
  Artikel: {type: text}
  Menge: {type: integer, thousands: "."}
  Betrag: {type: money, decimal: ",", thousands: "."}
lookups:
  products:
    sources: [{file: products.csv}]
    fields: {Artikel: {type: text}, Gruppe: {type: text}}
    by: {Artikel: Artikel}
leave_out:
  total row: Land == 'Gesamt'
columns:
  sold_at: Datum
  order_id: Nr
  country: Land
  category: products.Gruppe
  quantity: Menge
  revenue: Betrag
key: [order_id]
"""
ORDERS = """\
Nr;Datum;Land;Artikel;Menge;Betrag
1;01.02.2024;Österreich;A1;2;1.234,50
2;13.02.2024;Schweiz;A2;1;9,99
3;14.02.2024;Schweiz;A9;3;0,01
;;Gesamt;;6;1.244,50
"""
PRODUCTS = "Artikel;Gruppe\nA1;Bücher\nA2;Spiele\n"


def recipe_of(text: str = RECIPE) -> Recipe:
    return yamlfile.parse(text, Recipe, Path("recipe.yaml"))


def model_of(text: str = MODEL) -> SalesModel:
    return yamlfile.parse(text, SalesModel, Path("model.yaml"))


def staged(folder: Path, name: str, text: str) -> Staged:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    (part,) = find(path)
    return stage(part, folder / f"staged-{name}")


def prepared(folder: Path, orders: str = ORDERS, products: str = PRODUCTS, recipe: str = RECIPE) -> Prepared:
    bound = {"": [staged(folder, "orders.csv", orders)], "products": [staged(folder, "products.csv", products)]}
    return prepare(folder / "warehouse", model_of(), recipe_of(recipe), bound)


def lines(made: Prepared) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT * FROM read_parquet('{made.facts}') ORDER BY line_id").fetchall()


def test_texts_become_typed_joined_lines(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    assert lines(made) == [
        (2, dt.datetime(2024, 2, 1), "1", "Österreich", "Bücher", 2, Decimal("1234.5000")),
        (3, dt.datetime(2024, 2, 13), "2", "Schweiz", "Spiele", 1, Decimal("9.9900")),
        (4, dt.datetime(2024, 2, 14), "3", "Schweiz", None, 3, Decimal("0.0100")),
    ]


def test_rows_and_totals_add_up(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    assert (made.rows_read, made.rows_kept, made.rows_left_out, made.rows_rejected) == (4, 3, 1, 0)
    assert made.totals == {"quantity": 6, "revenue": Decimal("1244.5000")}
    assert (made.first_time, made.last_time) == (dt.datetime(2024, 2, 1), dt.datetime(2024, 2, 14))
    assert made.unmatched == {"products": 1}
    assert rejects(made.report, 10) == [("orders.csv", 5, None, None, "total row")]


def test_what_cannot_be_read_is_reported_by_row(tmp_path: Path) -> None:
    bad = ORDERS.replace("13.02.2024", "31.02.2024").replace("0,01", "viel")
    made = prepared(tmp_path, bad + "5;15.02.2024;Schweiz;A1;1;3,00\n6;15.02.2024;Schweiz;A1;1;4,00\n")
    assert (made.rows_read, made.rows_kept, made.rows_left_out, made.rows_rejected) == (6, 3, 1, 2)
    assert [row[:4] for row in rejects(made.report, 10)] == [
        ("orders.csv", 3, "Datum", "31.02.2024"),
        ("orders.csv", 4, "Betrag", "viel"),
        ("orders.csv", 5, None, None),
    ]
    assert [line[2] for line in lines(made)] == ["1", "5", "6"]


def test_a_row_without_its_day_is_rejected(tmp_path: Path) -> None:
    made = prepared(tmp_path, ORDERS.replace("13.02.2024", ""))
    assert (made.rows_kept, made.rows_rejected) == (2, 1)
    assert rejects(made.report, 1) == [("orders.csv", 3, "sold_at", None, "there is no value")]


def test_a_row_with_two_mistakes_counts_once(tmp_path: Path) -> None:
    made = prepared(tmp_path, ORDERS.replace("2;13.02.2024;Schweiz;A2;1;9,99", "2;heute;Schweiz;A2;1;viel"))
    assert (made.rows_kept, made.rows_rejected) == (2, 1)
    assert [row[2] for row in rejects(made.report, 2)] == ["Datum", "Betrag"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("Menge;Betrag", "Menge;Betrage", "'Betrag' is missing, 'Betrage' may be its", id="renamed"),
        pytest.param("Nr;Datum", "Nr;Zeit", "'Datum' is missing; 'Zeit' is new", id="other"),
        pytest.param(";", ";x;", "'x' is new", id="new"),
    ],
)
def test_other_columns_are_refused_with_a_diff(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(LoadError, match=said):
        prepared(tmp_path, "\n".join(line.replace(old, new, 1) for line in ORDERS.splitlines()))
    assert list((tmp_path / "warehouse" / "prepared").iterdir()) == []


def test_a_column_that_changed_its_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"'Betrag' are not a number .*The column seems to have changed"):
        prepared(tmp_path, ORDERS.replace("1.234,50", "viel").replace("9,99", "wenig").replace("0,01", "nichts"))


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="products has 2 rows with Artikel = A1"):
        prepared(tmp_path, products=PRODUCTS + "A1;Filme\n")


def test_what_is_prepared_can_be_read_again(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    assert read_prepared(made.folder) == made
    made.discard()
    with pytest.raises(LoadError, match="no longer there"):
        read_prepared(made.folder)


def test_what_a_killed_process_left_goes_with_the_next_one(tmp_path: Path) -> None:
    orphan = tmp_path / "warehouse" / "scratch" / "orphan"
    orphan.mkdir(parents=True)
    (orphan / "lock").touch()
    prepared(tmp_path)
    assert [path.name for path in orphan.parent.iterdir()] == [".lock"]


def test_what_nobody_published_for_a_week_goes(tmp_path: Path) -> None:
    old = prepared(tmp_path)
    os.utime(old.folder, (0, 0))
    new = prepared(tmp_path)
    assert list(new.folder.parent.iterdir()) == [new.folder]


def test_identity_is_of_recipe_and_content(tmp_path: Path) -> None:
    one, two = (
        staged(tmp_path, "one.csv", ORDERS),
        staged(tmp_path, "two.csv", ORDERS + "9;01.03.2024;Schweiz;A1;1;1\n"),
    )
    first = identity(recipe_of(), {"": [one]})
    assert identity(recipe_of(), {"": [one]}) == first
    assert identity(recipe_of(), {"": [two]}) != first
    assert identity(recipe_of(), {"": [one, two]}) == identity(recipe_of(), {"": [two, one]})
    assert identity(recipe_of(RECIPE.replace("quantity: Menge", "quantity: Menge * 2")), {"": [one]}) != first


def test_reject_report_as_csv_starts_no_formula(tmp_path: Path) -> None:
    made = prepared(tmp_path, ORDERS.replace("0,01", "=1+1"))
    stream = io.StringIO()
    write_rejects(made.report, stream)
    head, first, *_ = stream.getvalue().splitlines()
    assert head == "source,row,column,value,reason"
    assert first.startswith("orders.csv,4,Betrag,'=1+1,")
