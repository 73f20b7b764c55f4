"""Plain HTML tables: what a chart shows, for eyes, keyboards and screen readers alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import orjson

from layouts import labels, marks
from layouts.markup import element
from services import formats
from services.model import SalesModel
from services.sales import Answer

#: Letters from which on a text is no number.
LONG = 32


def table(
    caption: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    marks: Sequence[Sequence[Any]] = (),
    meta: Mapping[str, Any] | None = None,
    total: Sequence[str] = (),
    words: Collection[int] = (),
) -> Any:
    """Return a table whose first column names the rows.

    With `marks` (layouts/marks.py: `rows`, `meta`) the rows open the drill menu; `total` is a last row. The columns
    with these indices hold `words`: they begin at the left and break, as numbers do not; long texts do so anywhere.
    """
    names = [_name(row[0], mark, number) for number, (row, mark) in enumerate(zip_longest(rows, marks))]
    body = [element("Tr", [name, *_cells(row[1:], words)]) for name, row in zip(names, rows, strict=True)]
    if total:
        body.append(element("Tr", [element("Th", total[0], scope="row"), *_cells(total[1:], words)], className="total"))
    content = [
        element("Caption", caption, className="visually-hidden"),
        element("Thead", element("Tr", [_head(head, place in words) for place, head in enumerate(heads)])),
        element("Tbody", body),
    ]
    described = labels.data(meta=orjson.dumps(meta).decode()) if meta else {}
    return element("Table", content, className="table table-sm numbers", **described)


def _name(text: str, mark: Sequence[Any] | None, number: int) -> Any:
    """Return a row's name; that of a mark is a button, of which Tab meets the first and the arrow keys the others."""
    if not mark:
        return element("Th", text, scope="row")
    button = element(
        "Button",
        text,
        type="button",
        className="mark-button",
        tabIndex=0 if number == 0 else -1,
        **labels.data(mark=orjson.dumps(mark).decode()),
        **labels.aria(haspopup="dialog"),
    )
    return element("Th", button, scope="row")


def _head(text: str, worded: bool) -> Any:  # noqa: FBT001
    return element("Th", text, scope="col", **({"className": "words"} if worded else {}))


def _cells(texts: Iterable[str], words: Collection[int]) -> Iterable[Any]:
    for place, text in enumerate(texts, start=1):
        worded = place in words or (isinstance(text, str) and len(text) > LONG)
        yield element("Td", text, className="words") if worded else element("Td", text)


def answer_table(answer: Answer, title: str, head: str, names: Sequence[str], measure: str, model: SalesModel) -> Any:
    """Return a measure per row with, where compared, the value before and the change."""
    found, frame = model.measure(measure), answer.frame
    before = f"{measure}__before"
    compared = before in frame and answer.window.before is not None
    heads = [head, found.label, *(("Before", "Change") if compared else ())]
    now = frame[measure].tolist()
    rows = [[name, formats.exact(value, found.format, model)] for name, value in zip(names, now, strict=False)]
    if compared:
        for row, value, then in zip(rows, now, frame[before].tolist(), strict=False):
            share = formats.change(value, then) if answer.window.before_known else float("nan")
            row += [formats.exact(then, found.format, model), formats.change_text(share, model)]
    return table(title, heads, rows, marks=marks.rows(answer, names), meta=marks.meta(answer, measure))
