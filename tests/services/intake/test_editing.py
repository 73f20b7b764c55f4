"""Edits of a proposal, one control at a time, become the changes that the next look takes."""

from __future__ import annotations

import datetime as dt

import pytest

from services.errors import UserError
from services.intake.editing import DATE_STYLES, NUMBER_STYLES, Edit, edited, number_style
from services.intake.proposal import Changes, FieldRole, Proposal, ProposedColumn, ProposedTable
from services.model import ColumnType
from services.recipe import Typing


def column(source: str, typing: Typing, raw: tuple[str, ...] = ()) -> ProposedColumn:
    return ProposedColumn(
        table="sales",
        source=source,
        staged=ColumnType.TEXT,
        target=None,
        label=source,
        typing=typing,
        role=FieldRole.DIMENSION,
        confidence=0.5,
        reasons=(),
        raw=raw,
        parsed=raw,
        filled=len(raw),
        missing=0,
        unparseable=0,
        distinct=len(raw),
        low=None,
        high=None,
    )


PRICE = Typing(type=ColumnType.MONEY, decimal=",", missing=("n/a",))
PROPOSAL = Proposal(
    name="sales",
    title="Sales",
    currency="EUR",
    currency_reason="",
    tables=(ProposedTable(name="sales", sources=("sales.csv",), rows=3, use="facts", reason=""),),
    columns=(
        column("price", PRICE),
        column("day", Typing(), ("31.12.2023", "01.02.2024")),
        column("note", Typing(), ("late", "")),
    ),
)


def of(field: str, value: str, source: str = "price") -> Edit:
    return Edit(field=field, value=value, table="sales", column=source)


def after(*edits: Edit, before: Changes | None = None) -> Changes:
    return edited(PROPOSAL, before or Changes(), edits)


def test_edits_of_one_column_stand_together() -> None:
    change = after(of("role", "revenue"), of("label", " Net "), of("number", "1,234.56")).columns["sales"]["price"]
    assert (change.role, change.label) == (FieldRole.REVENUE, "Net")
    assert change.typing == PRICE.model_copy(update={"decimal": ".", "thousands": ","})


def test_earlier_changes_stay() -> None:
    before = after(of("number", "1'234.56"), Edit(field="answer", key="order", value="a"))
    made = after(of("type", "number"), Edit(field="answer", key="totals", value="b"), before=before)
    typing = made.columns["sales"]["price"].typing
    assert typing is not None
    assert (typing.type, typing.thousands, typing.missing) == (ColumnType.NUMBER, "'", ("n/a",))
    assert made.answers == {"order": "a", "totals": "b"}


def test_general_edits() -> None:
    made = after(
        Edit(field="title", value="Shop"),
        Edit(field="name", value="shop"),
        Edit(field="currency", value=" chf "),
        Edit(field="leave_out", key="totals", value="false"),
    )
    assert (made.title, made.name, made.currency, made.leave_out) == ("Shop", "shop", "CHF", {"totals": False})


def test_a_text_becomes_a_date_in_the_format_all_examples_fit() -> None:
    typing = after(of("type", "time", "day")).columns["sales"]["day"].typing
    assert typing is not None
    assert (typing.type, typing.formats) == (ColumnType.TIME, ("%d.%m.%Y",))


def test_chosen_formats_are_taken_as_they_are() -> None:
    typing = after(of("formats", "%m/%d/%Y\n%Y", "note")).columns["sales"]["note"].typing
    assert typing is not None
    assert typing.formats == ("%m/%d/%Y", "%Y")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (of("type", "time", "note"), "no date format fits"),
        (of("role", "boss"), "'boss' cannot be used"),
        (of("type", "picture"), "'picture' cannot be used"),
        (of("number", "12"), "no way to write numbers"),
        (of("role", "revenue", "nope"), "no column 'nope'"),
        (Edit(field="name", value="Not A Name"), "'Not A Name' cannot be used"),
        (Edit(field="currency", value="euro"), "'euro' cannot be used"),
        (Edit(field="wheres", value="x"), "no field 'wheres'"),
    ],
    ids=lambda value: f"{value.field}={value.value}" if isinstance(value, Edit) else "",
)
def test_impossible_edits_say_why(edit: Edit, words: str) -> None:
    with pytest.raises(UserError, match=words):
        after(edit)


def test_number_styles_and_their_examples_agree() -> None:
    for example, (decimal, thousands) in NUMBER_STYLES.items():
        assert example.replace(thousands or "_", "").replace(decimal, ".") == "1234.56"
        assert number_style(Typing.model_validate({"decimal": decimal, "thousands": thousands})) == example
    assert number_style(Typing(decimal=",", thousands="'")) is None


def test_date_styles_are_formats_that_parse_their_examples() -> None:
    for form, example in DATE_STYLES.items():
        if form.startswith("%"):
            assert dt.datetime.strptime(example.split(" (")[0], form)
