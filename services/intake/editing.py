"""What a person edits of a proposal, one control at a time, and the `Changes` that come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from pydantic import ValidationError

from services.errors import UnknownNameError, UserError
from services.intake.dates import dated
from services.intake.proposal import Changes, ColumnChange, Proposal, ProposedColumn
from services.model import ColumnType
from services.recipe import Typing
from services.yamlfile import Definition

#: How numbers can be written: an example and its decimal and thousands marks.
NUMBER_STYLES: Mapping[str, tuple[str, str]] = {
    "1234.56": (".", ""),
    "1,234.56": (".", ","),
    "1 234.56": (".", " "),
    "1'234.56": (".", "'"),
    "1234,56": (",", ""),
    "1.234,56": (",", "."),
    "1 234,56": (",", " "),
}
#: Formats of a time that are offered beside those found: format and an example.
DATE_STYLES: Mapping[str, str] = {
    "%Y-%m-%d": "2024-12-31",
    "%Y-%m-%d %H:%M:%S": "2024-12-31 23:59:00",
    "%Y-%m-%dT%H:%M:%S": "2024-12-31T23:59:00",
    "%d.%m.%Y": "31.12.2024",
    "%d.%m.%Y %H:%M": "31.12.2024 23:59",
    "%d/%m/%Y": "31/12/2024 (day first)",
    "%d/%m/%Y %H:%M": "31/12/2024 23:59 (day first)",
    "%m/%d/%Y": "12/31/2024 (month first)",
    "%m/%d/%Y %H:%M": "12/31/2024 23:59 (month first)",
    "%d.%m.%y": "31.12.24",
    "%d/%m/%y": "31/12/24 (day first)",
    "%m/%d/%y": "12/31/24 (month first)",
    "%d-%b-%Y": "31-Dec-2024",
    "%b-%Y": "Dec-2024",
    "%Y%m%d": "20241231",
    "%Y-%m": "2024-12",
    "year": "2024",
    "quarter": "2024-Q4",
    "week": "2024-W52",
    "excel": "45657 (spreadsheet)",
}
#: Stands between several formats of one control.
SEPARATOR = "\n"


class Edit(Definition):
    """One control and what it says now.

    `field` is one of FIELDS; those of a column name it by `table` and `column`, answers and rules by `key`.
    """

    field: str
    value: str
    table: str = ""
    column: str = ""
    key: str = ""


def edited(proposal: Proposal, changes: Changes, edits: Sequence[Edit]) -> Changes:
    """Return the changes made so far with the edits in them.

    Raises UserError for an edit that says something impossible.
    """
    return reduce(lambda made, edit: _edited(proposal, made, edit), edits, changes)


def number_style(typing: Typing) -> str | None:
    """Return the key of NUMBER_STYLES that a typing follows, or None."""
    marks = (typing.decimal, typing.thousands)
    return next((example for example, each in NUMBER_STYLES.items() if each == marks), None)


def _edited(proposal: Proposal, changes: Changes, edit: Edit) -> Changes:
    if edit.field not in FIELDS:
        raise UnknownNameError("field", edit.field, FIELDS)
    try:
        return Changes.model_validate(changes.model_dump() | dict(FIELDS[edit.field](proposal, changes, edit)))
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        raise UserError(f"{edit.field}: {edit.value[:80]!r} cannot be used. {wrong['msg']}.") from None


def _general(_proposal: Proposal, _changes: Changes, edit: Edit) -> Mapping[str, Any]:
    return {edit.field: edit.value.strip() or None}


def _answer(_proposal: Proposal, changes: Changes, edit: Edit) -> Mapping[str, Any]:
    return {"answers": changes.answers | {edit.key: edit.value}}


def _leave_out(_proposal: Proposal, changes: Changes, edit: Edit) -> Mapping[str, Any]:
    return {"leave_out": changes.leave_out | {edit.key: edit.value == "true"}}


def _of_column(change: Callable[[ProposedColumn, str], Mapping[str, Any]]) -> Callable[..., Mapping[str, Any]]:
    def apply(proposal: Proposal, changes: Changes, edit: Edit) -> Mapping[str, Any]:
        column = _column(proposal, changes, edit)
        columns: dict[str, dict[str, Any]] = {name: dict(table) for name, table in changes.columns.items()}
        table = columns.setdefault(edit.table, {})
        table[edit.column] = table.get(edit.column, ColumnChange()).model_dump() | dict(change(column, edit.value))
        return {"columns": columns}

    return apply


def _column(proposal: Proposal, changes: Changes, edit: Edit) -> ProposedColumn:
    """Return the column of an edit, as read after the changes made so far."""
    found = next((each for each in proposal.columns_of(edit.table) if each.source == edit.column), None)
    if found is None:
        raise UnknownNameError("column", edit.column, [each.source for each in proposal.columns_of(edit.table)])
    typing = changes.columns.get(edit.table, {}).get(edit.column, ColumnChange()).typing
    return found if typing is None else found.model_copy(update={"typing": typing})


def _type(column: ProposedColumn, value: str) -> Mapping[str, Any]:
    typing = column.typing.model_dump() | {"type": value}
    if value == ColumnType.TIME and not column.typing.formats:
        typing["formats"] = _formats_of(column)
    return {"typing": typing}


def _formats_of(column: ProposedColumn) -> list[str]:
    """Return the formats all examples of a column fit."""
    sets = [[each.format for each in dated(text.strip())] for text in column.raw if text.strip()]
    fitting = [form for form in sets[0] if all(form in others for others in sets[1:])] if sets else []
    if not fitting:
        raise UserError(f"{column.source}: no date format fits its values. Choose how the dates are written.")
    return fitting[:1]


def _formats(column: ProposedColumn, value: str) -> Mapping[str, Any]:
    formats = [form for form in value.split(SEPARATOR) if form]
    return {"typing": column.typing.model_dump() | {"type": ColumnType.TIME, "formats": formats}}


def _number(column: ProposedColumn, value: str) -> Mapping[str, Any]:
    if value not in NUMBER_STYLES:
        raise UnknownNameError("way to write numbers", value, NUMBER_STYLES)
    decimal, thousands = NUMBER_STYLES[value]
    return {"typing": column.typing.model_dump() | {"decimal": decimal, "thousands": thousands}}


#: What can be edited, and the part of `Changes` it becomes.
FIELDS: Mapping[str, Callable[[Proposal, Changes, Edit], Mapping[str, Any]]] = {
    "title": _general,
    "name": _general,
    "currency": lambda _proposal, _changes, edit: {"currency": edit.value.strip().upper() or None},
    "answer": _answer,
    "leave_out": _leave_out,
    "role": _of_column(lambda _column, value: {"role": value}),
    "label": _of_column(lambda _column, value: {"label": value.strip()[:80] or None}),
    # Before those that say how its values are written.
    "type": _of_column(_type),
    "formats": _of_column(_formats),
    "number": _of_column(_number),
}
