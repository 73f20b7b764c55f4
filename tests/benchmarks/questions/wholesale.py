"""An electrical wholesaler in Canada: branches, contractors and vendors."""

from __future__ import annotations

import datetime as dt
from typing import Any

from services.language.asking import Vocabulary
from services.language.lexicon import Lexicon
from services.language.values import Entry, ValueIndex
from services.model import SalesModel

TODAY = dt.date(2023, 3, 31)
MODEL: dict[str, Any] = {
    "model": 1,
    "name": "wholesale",
    "title": "Electrical wholesale",
    "currency": "CAD",
    "facts": {
        "time": "invoiced_on",
        "columns": {
            "line_id": {"type": "integer", "label": "Line"},
            "invoiced_on": {"type": "time", "label": "Invoiced"},
            "province": {"type": "text", "label": "province"},
            "branch": {"type": "text", "label": "branch"},
            "cust": {"type": "text", "label": "cust"},
            "cust_name": {"type": "text", "label": "cust_name"},
            "sku": {"type": "text", "label": "sku"},
            "sku_name": {"type": "text", "label": "sku_name"},
            "family": {"type": "text", "label": "family"},
            "vendor": {"type": "text", "label": "vendor"},
            "doc": {"type": "text", "label": "doc"},
            "status": {"type": "text", "label": "status"},
            "terms": {"type": "text", "label": "terms"},
            "qty": {"type": "integer", "label": "Qty"},
            "net": {"type": "money", "label": "Net"},
            "cost": {"type": "money", "label": "Cost"},
            "freight": {"type": "money", "label": "Freight"},
            "weight": {"type": "number", "label": "Weight"},
        },
    },
    "dimensions": {
        "province": {"label": "Province", "plural": "Provinces", "column": "province", "synonyms": ["state"]},
        "branch": {"label": "Branch", "plural": "Branches", "column": "branch", "synonyms": ["location", "depot"]},
        "contractor": {
            "label": "Contractor",
            "plural": "Contractors",
            "column": "cust",
            "label_column": "cust_name",
            "role": "customer",
            "synonyms": ["account", "customer"],
        },
        "item": {
            "label": "Item",
            "plural": "Items",
            "column": "sku",
            "label_column": "sku_name",
            "role": "product",
            "synonyms": ["product", "part"],
        },
        "family": {
            "label": "Product family",
            "plural": "Product families",
            "column": "family",
            "role": "product_type",
            "synonyms": ["family", "product line"],
        },
        "vendor": {"label": "Vendor", "plural": "Vendors", "column": "vendor", "synonyms": ["supplier", "brand"]},
        "document": {
            "label": "Invoice",
            "plural": "Invoices",
            "column": "doc",
            "role": "order",
            "synonyms": ["document"],
        },
        "terms": {"label": "Payment terms", "plural": "Payment terms", "column": "terms", "synonyms": ["terms"]},
    },
    "measures": {
        "invoiced": {
            "label": "Invoiced sales",
            "expression": "sum(net)",
            "format": "currency",
            "synonyms": ["sales", "revenue", "net sales"],
        },
        "cogs": {
            "label": "Cost of goods",
            "expression": "sum(cost)",
            "format": "currency",
            "synonyms": ["cogs", "cost"],
        },
        "gp": {
            "label": "Gross profit",
            "expression": "invoiced - cogs",
            "format": "currency",
            "synonyms": ["gp", "margin dollars"],
        },
        "gp_pct": {
            "label": "Gross profit %",
            "expression": "gp / invoiced",
            "format": "percent",
            "synonyms": ["margin percentage", "gp percent", "margin"],
        },
        "quantity": {
            "label": "Quantity",
            "expression": "sum(qty)",
            "format": "integer",
            "synonyms": ["units", "pieces", "volume"],
        },
        "freight": {
            "label": "Freight",
            "expression": "sum(freight)",
            "format": "currency",
            "synonyms": ["shipping cost", "freight cost"],
        },
        "invoices": {
            "label": "Invoices",
            "expression": "count_distinct(doc)",
            "format": "integer",
            "synonyms": ["number of invoices"],
        },
        "contractors": {
            "label": "Active contractors",
            "expression": "count_distinct(cust)",
            "format": "integer",
            "synonyms": ["active accounts"],
        },
        "items": {
            "label": "Items sold",
            "expression": "count_distinct(sku)",
            "format": "integer",
            "synonyms": ["distinct items"],
        },
        "invoice_value": {
            "label": "Average invoice value",
            "expression": "invoiced / invoices",
            "format": "currency",
            "synonyms": ["average invoice"],
        },
    },
    "overview": {"measures": ["invoiced", "gp"]},
}
VALUES = {
    "province": ["Ontario", "Quebec", "British Columbia", "Alberta", "Manitoba", "Nova Scotia"],
    "branch": [
        "Toronto East",
        "Toronto West",
        "Montreal",
        "Laval",
        "Vancouver",
        "Calgary",
        "Edmonton",
        "Winnipeg",
        "Halifax",
    ],
    "family": ["Wire & Cable", "Lighting", "Breakers", "Conduit", "Tools", "Switches & Outlets", "Solar"],
    "vendor": ["Voltex", "Amphora", "Nordlux", "Brightway", "Ironclad", "Pacific Wire"],
    "terms": ["Net 30", "Net 60", "Cash", "Prepaid"],
}
#: Dimensions whose values have keys: key -> name.
NAMED = {
    "item": {
        "IT7000": "14/2 Copper Cable 75m",
        "IT7003": "14/2 Copper Cable 150m",
        "IT7006": "14/2 Armoured Cable",
        "IT7009": "12/2 Copper Cable 75m",
        "IT7012": "12/2 Copper Cable 150m",
        "IT7015": "12/2 Armoured Cable",
        "IT7018": "10/3 Copper Cable 75m",
        "IT7021": "10/3 Copper Cable 150m",
        "IT7024": "10/3 Armoured Cable",
        "IT7027": "LED Panel 2x4",
        "IT7030": "LED High Bay 150W",
        "IT7033": "Emergency Exit Sign",
        "IT7036": "20A Breaker",
        "IT7039": "40A Breaker",
        "IT7042": "100A Panel",
        "IT7045": "EMT Conduit 1/2",
        "IT7048": "EMT Conduit 3/4",
        "IT7051": "PVC Elbow",
        "IT7054": "Cordless Drill 18V",
        "IT7057": "Wire Stripper",
        "IT7060": "Duplex Outlet White",
        "IT7063": "Dimmer Switch",
        "IT7066": "GFCI Outlet",
        "IT7069": "Solar Panel 400W",
        "IT7072": "Micro Inverter",
    },
    "contractor": {
        "K500": "Northern Electric",
        "K501": "Northern Mechanical",
        "K502": "Northern Builders",
        "K503": "Northern Solar Group",
        "K504": "Bluewater Electric",
        "K505": "Bluewater Mechanical",
        "K506": "Bluewater Builders",
        "K507": "Bluewater Solar Group",
        "K508": "Summit Electric",
        "K509": "Summit Mechanical",
        "K510": "Summit Builders",
        "K511": "Summit Solar Group",
        "K512": "Redline Electric",
        "K513": "Redline Mechanical",
        "K514": "Redline Builders",
        "K515": "Redline Solar Group",
        "K516": "Harbour Electric",
        "K517": "Harbour Mechanical",
        "K518": "Harbour Builders",
        "K519": "Harbour Solar Group",
        "K520": "Maple Electric",
        "K521": "Maple Mechanical",
        "K522": "Maple Builders",
        "K523": "Maple Solar Group",
        "K524": "Prairie Electric",
        "K525": "Prairie Mechanical",
        "K526": "Prairie Builders",
        "K527": "Prairie Solar Group",
        "K528": "Granite Electric",
        "K529": "Granite Mechanical",
        "K530": "Granite Builders",
        "K531": "Granite Solar Group",
    },
}


def vocabulary() -> Vocabulary:
    """Return what a question over this model can be read with."""
    model = SalesModel.model_validate(MODEL)
    entries = [Entry(name, value, value) for name, values in VALUES.items() for value in values]
    entries += [Entry(name, key, label) for name, found in NAMED.items() for key, label in found.items()]
    return Vocabulary(model, Lexicon(model), ValueIndex(model, entries), (dt.date(2020, 1, 1), dt.date(2023, 3, 31)))
