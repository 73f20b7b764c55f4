"""A model and values of a bike retailer, for questions that were written before the parser saw them."""

from __future__ import annotations

import datetime as dt
import itertools

from services.language.asking import Vocabulary
from services.language.lexicon import Lexicon
from services.language.values import Entry, ValueIndex
from services.model import SalesModel

TODAY = dt.date(2025, 6, 18)
TEXTS = (
    "region",
    "store",
    "brand",
    "category",
    "product_id",
    "product_name",
    "channel",
    "customer_no",
    "rep",
    "order_no",
)
MODEL = {
    "model": 1,
    "name": "bikes",
    "title": "Bikes",
    "currency": "EUR",
    "facts": {
        "time": "sold_at",
        "columns": {
            "line_id": {"type": "integer", "label": "Line"},
            "sold_at": {"type": "time", "label": "Sold"},
            **{name: {"type": "text", "label": name} for name in TEXTS},
            "pieces": {"type": "integer", "label": "Pieces"},
            "amount": {"type": "money", "label": "Amount"},
            "cost": {"type": "money", "label": "Cost"},
        },
    },
    "dimensions": {
        "region": {"label": "Region", "plural": "Regions", "column": "region", "synonyms": ["territory"]},
        "store": {"label": "Store", "plural": "Stores", "column": "store", "synonyms": ["shop", "branch"]},
        "brand": {"label": "Brand", "plural": "Brands", "column": "brand"},
        "category": {
            "label": "Category",
            "plural": "Categories",
            "column": "category",
            "role": "product_type",
            "synonyms": ["product group"],
        },
        "product": {
            "label": "Product",
            "plural": "Products",
            "column": "product_id",
            "label_column": "product_name",
            "role": "product",
        },
        "channel": {
            "label": "Channel",
            "plural": "Channels",
            "column": "channel",
            "role": "channel",
            "synonyms": ["sales channel"],
        },
        "customer": {"label": "Customer", "plural": "Customers", "column": "customer_no", "role": "customer"},
        "salesperson": {"label": "Sales rep", "plural": "Sales reps", "column": "rep", "synonyms": ["salesperson"]},
        "order": {"label": "Order", "plural": "Orders", "column": "order_no", "role": "order"},
    },
    "measures": {
        "net_sales": {
            "label": "Net sales",
            "expression": "sum(amount)",
            "format": "currency",
            "synonyms": ["sales", "revenue", "turnover"],
        },
        "gross_margin": {
            "label": "Gross margin",
            "expression": "sum(amount - cost)",
            "format": "currency",
            "synonyms": ["margin", "profit"],
        },
        "margin_rate": {"label": "Margin rate", "expression": "gross_margin / net_sales", "format": "percent"},
        "quantity": {
            "label": "Quantity",
            "expression": "sum(pieces)",
            "format": "integer",
            "synonyms": ["units", "pieces"],
        },
        "orders": {"label": "Orders", "expression": "count_distinct(order_no)", "format": "integer"},
        "customers": {"label": "Customers", "expression": "count_distinct(customer_no)", "format": "integer"},
        "stores": {"label": "Active stores", "expression": "count_distinct(store)", "format": "integer"},
        "avg_basket": {
            "label": "Average basket",
            "expression": "net_sales / orders",
            "format": "currency",
            "synonyms": ["aov", "average order value"],
        },
    },
    "overview": {"measures": ["net_sales", "orders"]},
}
VALUES = {
    "region": ["North", "South", "East", "West", "Central Europe"],
    "store": ["Berlin Mitte", "Hamburg Altona", "München Ost", "Köln Dom", "Leipzig City", "Wien Nord", "Zürich West"],
    "brand": ["Alpina", "Ridgeline", "Blue Fox", "Nordwind", "Kestrel"],
    "category": ["Road bikes", "Mountain bikes", "E-bikes", "Helmets", "Lights", "Clothing", "Spare parts"],
    "channel": ["Online", "Store", "Wholesale"],
    "salesperson": ["Anna Schmidt", "Peter Novak", "Maria Rossi", "John Miller"],
    "customer": [f"C{1000 + number}" for number in range(300)],
}
GOODS = ["Carbon Road 3", "Trail 29", "City E-Bike 500", "Kids Bike 20", "Trail Helmet Red", "Trail Helmet Black"]
GOODS += ["Rain Jacket", "LED Front Light", "Inner Tube 28", "Disc Brake Pads"]


def entries() -> list[Entry]:
    """Return the values of the data."""
    found = [Entry(name, value, value) for name, values in VALUES.items() for value in values]
    goods = sorted(itertools.product(VALUES["brand"], GOODS))
    names = [f"{brand} {good}" for brand, good in goods]
    names.insert(4, names.pop(names.index("Alpina Trail Helmet Red")))
    return found + [Entry("product", f"P{1000 + number}", name) for number, name in enumerate(names)]


def vocabulary() -> Vocabulary:
    """Return what a question over this model can be read with."""
    model = SalesModel.model_validate(MODEL)
    index = ValueIndex(model, entries())
    return Vocabulary(model, Lexicon(model), index, (dt.date(2022, 1, 1), dt.date(2025, 6, 17)))
