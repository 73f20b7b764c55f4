"""The sample: a wholesaler of gifts. Its questions were written by people who had not seen the parser."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import duckdb

from services.language.asking import Vocabulary
from services.language.lexicon import Lexicon
from services.language.values import Entry, ValueIndex
from services.model import read_model

TODAY = dt.date(2011, 12, 9)
SAMPLE = Path(__file__).parents[3] / "data" / "online_retail_ii"
#: Names of products by code as the recipe makes them, then the other values, in few words of SQL.
VALUES = """
with lines as (
    select upper(trim("StockCode")) code, trim("Description") name, "Country" country, "Customer ID" customer,
        "Quantity" > 0 and "Price" > 0 and not starts_with("Invoice", 'A') and not starts_with("Invoice", 'C') sale
    from read_parquet(?)
),
names as (select code, mode(name) filter (sale) name from lines group by code)
select 'product', code, coalesce(name, code) from names
union all select 'stock_code', code, code from names
union all select distinct 'country', country, country from lines
union all select distinct 'customer', customer::text, customer::text from lines where customer is not null
union all select * from (values ('line_kind', 'sale', 'sale'), ('line_kind', 'return', 'return'),
    ('product_type', 'Merchandise', 'Merchandise'), ('product_type', 'Service and other', 'Service and other'))
"""
RENAMED = {"EIRE": "Ireland", "RSA": "South Africa", "USA": "United States"}


@cache
def vocabulary() -> Vocabulary:
    """Return the words of the sample's model and of its data."""
    model = read_model(SAMPLE / "model.yaml")
    files = [str(each) for each in sorted(SAMPLE.glob("*.parquet"))]
    with duckdb.connect() as connection:
        rows = connection.execute(VALUES, [files]).fetchall()
    entries = [Entry(name, RENAMED.get(key, key), RENAMED.get(label, label)) for name, key, label in rows]
    return Vocabulary(model, Lexicon(model), ValueIndex(model, entries), (dt.date(2009, 12, 1), TODAY))
