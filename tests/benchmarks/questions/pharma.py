"""A wholesaler of medicines: depots, pharmacies and therapeutic areas."""

from __future__ import annotations

import datetime as dt
from typing import Any

from services.language.asking import Vocabulary
from services.language.lexicon import Lexicon
from services.language.values import Entry, ValueIndex
from services.model import SalesModel

TODAY = dt.date(2024, 5, 15)
MODEL: dict[str, Any] = {
    "model": 1,
    "name": "pharma",
    "title": "Pharma wholesale",
    "currency": "EUR",
    "facts": {
        "time": "delivered",
        "columns": {
            "line_id": {"type": "integer", "label": "Line"},
            "delivered": {"type": "time", "label": "Delivered"},
            "depot": {"type": "text", "label": "depot"},
            "pharmacy_id": {"type": "text", "label": "pharmacy_id"},
            "pharmacy": {"type": "text", "label": "pharmacy"},
            "article_no": {"type": "text", "label": "article_no"},
            "article": {"type": "text", "label": "article"},
            "therapy": {"type": "text", "label": "therapy"},
            "form": {"type": "text", "label": "form"},
            "maker": {"type": "text", "label": "maker"},
            "delivery_note": {"type": "text", "label": "delivery_note"},
            "route": {"type": "text", "label": "route"},
            "packs": {"type": "integer", "label": "Packs"},
            "net": {"type": "money", "label": "Net"},
            "bought": {"type": "money", "label": "Bought"},
            "unit_price": {"type": "money", "label": "Price"},
        },
    },
    "dimensions": {
        "depot": {"label": "Depot", "plural": "Depots", "column": "depot", "synonyms": ["warehouse"]},
        "pharmacy": {
            "label": "Pharmacy",
            "plural": "Pharmacies",
            "column": "pharmacy_id",
            "label_column": "pharmacy",
            "role": "customer",
            "synonyms": ["customer"],
        },
        "article": {
            "label": "Article",
            "plural": "Articles",
            "column": "article_no",
            "label_column": "article",
            "role": "product",
            "synonyms": ["drug", "medicine"],
        },
        "therapy": {
            "label": "Therapeutic area",
            "plural": "Therapeutic areas",
            "column": "therapy",
            "role": "product_type",
            "synonyms": ["indication"],
        },
        "form": {"label": "Dosage form", "plural": "Dosage forms", "column": "form"},
        "maker": {
            "label": "Manufacturer",
            "plural": "Manufacturers",
            "column": "maker",
            "synonyms": ["producer", "lab"],
        },
        "delivery": {"label": "Delivery", "plural": "Deliveries", "column": "delivery_note", "role": "order"},
        "unit_price": {"label": "Price", "plural": "Prices", "column": "unit_price", "synonyms": ["unit price"]},
    },
    "measures": {
        "net_revenue": {
            "label": "Net revenue",
            "expression": "sum(net)",
            "format": "currency",
            "synonyms": ["sales", "turnover", "revenue"],
        },
        "packs": {"label": "Packs", "expression": "sum(packs)", "format": "integer", "synonyms": ["boxes", "units"]},
        "gross_profit": {
            "label": "Gross profit",
            "expression": "sum(net - bought)",
            "format": "currency",
            "synonyms": ["profit"],
        },
        "margin": {
            "label": "Margin",
            "expression": "gross_profit / net_revenue",
            "format": "percent",
            "synonyms": ["profit margin"],
        },
        "deliveries": {
            "label": "Deliveries",
            "expression": "count_distinct(delivery_note)",
            "format": "integer",
            "synonyms": ["drops"],
        },
        "pharmacies": {
            "label": "Pharmacies supplied",
            "expression": "count_distinct(pharmacy_id)",
            "format": "integer",
            "synonyms": ["active pharmacies"],
        },
        "drop_size": {"label": "Drop size", "expression": "net_revenue / deliveries", "format": "currency"},
    },
    "overview": {"measures": ["net_revenue"]},
}
VALUES = {
    "depot": ["Lyon", "Paris Nord", "Marseille", "Bordeaux", "Lille"],
    "therapy": ["Cardiology", "Oncology", "Dermatology", "Pain Relief", "Allergy", "Vaccines", "Diabetes"],
    "form": ["Tablet", "Capsule", "Syrup", "Injection", "Cream", "Nasal Spray"],
    "maker": ["Novalis", "Bergmann Pharma", "Helix Bio", "Saint-Denis Labs", "Orion"],
}
#: Dimensions whose values have keys: key -> name.
NAMED = {
    "article": {
        "3400": "Paracetamol 500 mg",
        "3407": "Paracetamol 1000 mg",
        "3414": "Ibuprofen 400 mg",
        "3421": "Ibuprofen Gel",
        "3428": "Cetirizine 10 mg",
        "3435": "Insulin Glargine Pen",
        "3442": "Metformin 850 mg",
        "3449": "Atorvastatin 20 mg",
        "3456": "Atorvastatin 40 mg",
        "3463": "Flu Vaccine Adult",
        "3470": "Flu Vaccine Junior",
        "3477": "Hydrocortisone Cream 1%",
        "3484": "Cough Syrup Honey",
        "3491": "Aspirin Cardio 100",
        "3498": "Vitamin D Drops",
    },
    "pharmacy": {
        "PH100": "Pharmacie du Marché",
        "PH101": "Pharmacie de la Gare",
        "PH102": "Pharmacie Centrale",
        "PH103": "Pharmacie Saint-Michel",
        "PH104": "Pharmacie du Lac",
        "PH105": "Pharmacie des Alpes",
        "PH106": "Pharmacie Victor Hugo",
        "PH107": "Pharmacie de la Mairie",
        "PH108": "Pharmacie Pasteur",
        "PH109": "Pharmacie du Port",
    },
}


def vocabulary() -> Vocabulary:
    """Return what a question over this model can be read with."""
    model = SalesModel.model_validate(MODEL)
    entries = [Entry(name, value, value) for name, values in VALUES.items() for value in values]
    entries += [Entry(name, key, label) for name, found in NAMED.items() for key, label in found.items()]
    return Vocabulary(model, Lexicon(model), ValueIndex(model, entries), (dt.date(2021, 1, 1), dt.date(2024, 5, 15)))
