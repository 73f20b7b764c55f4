"""Loads in processes of their own, which tests start beside one another and kill."""

from __future__ import annotations

from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import sqlalchemy as sa

from services.warehouse import Warehouse, rows_of
from tests.factories import SHOP_MODEL, SHOP_RECIPE, load_again, write_parquet


def month(number: int) -> str:
    """Return the rows of a load: `lines_of(number)` of them."""
    return f"""SELECT TIMESTAMP '2024-01-15 10:00:00' + INTERVAL {number} DAY AS sold_at, 'O{number}-' || i AS order_id,
               'Austria' AS country, 'P1' AS product_id, 'One' AS product_name, 1 AS quantity,
               1::DECIMAL(18, 4) AS revenue FROM range({lines_of(number)}) AS t(i)"""


def lines_of(number: int) -> int:
    """Return how many lines a load has."""
    return number % 7 + 1


def folder_of(root: Path, number: int) -> Path:
    """Write the files of a load."""
    folder = root / f"month{number}"
    write_parquet(folder / "sales.parquet", month(number))
    (folder / "model.yaml").write_text(SHOP_MODEL, encoding="utf-8")
    (folder / "recipe.yaml").write_text(SHOP_RECIPE, encoding="utf-8")
    return folder


def start(forks: ForkServerContext, root: Path, folder: Path) -> ForkServerProcess:
    """Start a load."""
    process = forks.Process(target=load_again, args=(root, folder))
    process.start()
    return process


def stored(warehouse: Warehouse) -> tuple[int, int]:
    """Return the number of rows in the live facts and in its ledger."""
    statement = "SELECT (SELECT count(*) FROM facts) AS facts, (SELECT sum(rows_kept)::BIGINT FROM loads) AS ledger"
    row = rows_of(warehouse.current(), sa.text(statement))[0]
    return row["facts"], row["ledger"]
