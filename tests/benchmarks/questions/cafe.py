"""A model and values of coffee bars in several countries: other words for much the same."""

from __future__ import annotations

import datetime as dt

from services.language.asking import Vocabulary
from services.language.lexicon import Lexicon
from services.language.values import Entry, ValueIndex
from services.model import SalesModel

TEXTS = ("land", "town", "drink_no", "drink", "size", "guest", "till", "receipt")
MODEL = {
    "model": 1,
    "name": "cafe",
    "title": "Coffee bars",
    "currency": "EUR",
    "facts": {
        "time": "at",
        "columns": {
            "line_id": {"type": "integer", "label": "Line"},
            "at": {"type": "time", "label": "Time"},
            **{name: {"type": "text", "label": name} for name in TEXTS},
            "cups": {"type": "integer", "label": "Cups"},
            "takings": {"type": "money", "label": "Takings"},
            "tip": {"type": "money", "label": "Tip"},
        },
    },
    "dimensions": {
        "country": {"label": "Country", "plural": "Countries", "column": "land", "role": "country"},
        "town": {"label": "Town", "plural": "Towns", "column": "town", "synonyms": ["city"]},
        "drink": {
            "label": "Drink",
            "plural": "Drinks",
            "column": "drink_no",
            "label_column": "drink",
            "role": "product",
            "synonyms": ["beverage"],
        },
        "size": {"label": "Cup size", "plural": "Cup sizes", "column": "size"},
        "guest": {"label": "Guest", "plural": "Guests", "column": "guest", "role": "customer", "synonyms": ["visitor"]},
        "receipt": {
            "label": "Receipt",
            "plural": "Receipts",
            "column": "receipt",
            "role": "order",
            "synonyms": ["bill"],
        },
    },
    "measures": {
        "takings": {
            "label": "Takings",
            "expression": "sum(takings)",
            "format": "currency",
            "synonyms": ["income", "sales"],
        },
        "cups": {"label": "Cups", "expression": "sum(cups)", "format": "integer", "synonyms": ["cups sold"]},
        "tips": {"label": "Tips", "expression": "sum(tip)", "format": "currency", "synonyms": ["gratuities"]},
        "receipts": {
            "label": "Receipts",
            "expression": "count_distinct(receipt)",
            "format": "integer",
            "synonyms": ["bills"],
        },
        "guests": {
            "label": "Guests",
            "expression": "count_distinct(guest)",
            "format": "integer",
            "synonyms": ["visitors"],
        },
        "average_bill": {"label": "Average bill", "expression": "takings / receipts", "format": "currency"},
        "tip_rate": {"label": "Tip rate", "expression": "tips / takings", "format": "percent"},
    },
    "overview": {"measures": ["takings"]},
}
VALUES = {
    "country": ["Austria", "Italy", "Portugal", "Greece", "Ireland", "United Kingdom", "Czechia", "Norway"],
    "town": [
        "Vienna",
        "Graz",
        "Salzburg",
        "Rome",
        "Turin",
        "Lisbon",
        "Porto",
        "Athens",
        "Dublin",
        "Cork",
        "Bath",
        "Oslo",
    ],
    "size": ["Small", "Regular", "Large", "To go"],
    "guest": [f"G{number:04d}" for number in range(150)],
}
BASES = ["Espresso", "Cappuccino", "Flat White", "Caffe Latte", "Cold Brew", "Mocha", "Chai Latte", "Hot Chocolate"]
KINDS = ["", "Decaf", "Oat Milk", "Double", "Iced", "Vanilla"]


def vocabulary() -> Vocabulary:
    """Return what a question over this model can be read with."""
    model = SalesModel.model_validate(MODEL)
    found = [Entry(name, value, value) for name, values in VALUES.items() for value in values]
    drinks = [f"{kind} {base}".strip() for base in BASES for kind in KINDS]
    found += [Entry("drink", f"D{number + 1}", name) for number, name in enumerate(drinks)]
    return Vocabulary(model, Lexicon(model), ValueIndex(model, found), (dt.date(2001, 1, 1), dt.date(2011, 12, 9)))
