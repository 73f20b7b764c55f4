"""A pivot as a sheet of a file: rows, columns, subtotals and totals as on screen, numbers as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

from layouts.pivot_table import Look
from services.explore import Cells
from services.model import Format
from services.pivot import Path
from services.sheets import KINDS, Column, Kind, Sheet


def sheet(look: Look, title: str) -> Sheet:
    """Return the pivot as a sheet; its total, where it is shown, as the sheet's own."""
    fields, measured = look.table.pivot.rows, look.measured()
    places = list(product(look.columns(), measured))
    heads = [Column(look.field_name(name), Kind.TEXT) for name in fields] or [Column("", Kind.TEXT)]
    for column, (measure, cells, head) in places:
        name = look.name(look.table.pivot.columns, column) or ("Total" if look.table.pivot.columns else "")
        several = len(measured) > 1 or not name
        heads.append(Column(", ".join(filter(None, (name, head if several else ""))), _kind(look, measure, cells)))
    rows = [(*_names(look, row, len(heads) - len(places)), *_values(look, row, places)) for row in look.rows()]
    ends = bool(rows) and look.rows()[-1] == () and bool(fields)
    return Sheet(title, tuple(heads), rows[:-1] if ends else rows, rows[-1] if ends else ())


def _kind(look: Look, measure: str, cells: Cells) -> Kind:
    if cells is Cells.GROWTH:
        return Kind.CHANGE
    plain = cells in (Cells.VALUE, Cells.BEFORE, Cells.CHANGE)
    return KINDS[look.model.measure(measure).format if plain else Format.PERCENT]


def _names(look: Look, row: Path, count: int) -> list[str]:
    """Return the names of a row, one per row field; of a subtotal, what it is the total of."""
    fields = look.table.pivot.rows
    names = [look.called(field, value) for field, value in zip(fields, row, strict=False)]
    return [*names, *["Total"] * (len(names) < count), *[""] * (count - len(names) - 1)]


def _values(look: Look, row: Path, places: Sequence[tuple[Path, tuple[str, Cells, str]]]) -> list[Any]:
    values = (look.value(row, column, measure, cells) for column, (measure, cells, _) in places)
    return [None if math.isnan(value) else value for value in values]
