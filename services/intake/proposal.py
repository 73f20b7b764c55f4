"""What intake proposes for some tables, and what a person changes of it.

`propose(tables, changes=…)` is called again with every change; pages and the command line only collect `Changes`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from services.model import ColumnType, Name
from services.recipe import Reading, Typing
from services.yamlfile import Definition


class FieldRole(StrEnum):
    """What a source column is to sales."""

    ORDER = "order"
    LINE = "line"
    TIME = "time"
    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    CLOCK = "clock"
    CUSTOMER = "customer"
    CUSTOMER_NAME = "customer_name"
    PRODUCT = "product"
    PRODUCT_NAME = "product_name"
    CATEGORY = "category"
    COUNTRY = "country"
    REGION = "region"
    CITY = "city"
    CHANNEL = "channel"
    STATUS = "status"
    CURRENCY = "currency"
    QUANTITY = "quantity"
    UNIT_PRICE = "unit_price"
    DISCOUNT_SHARE = "discount_share"
    DISCOUNT = "discount"
    REVENUE = "revenue"
    UNIT_COST = "unit_cost"
    COST = "cost"
    TAX = "tax"
    MEASURE = "measure"
    AVERAGE = "average"
    DIMENSION = "dimension"
    IGNORE = "ignore"


#: What each role is called in a list of choices.
ROLE_LABELS: dict[FieldRole, str] = {
    FieldRole.ORDER: "Order number",
    FieldRole.LINE: "Line number",
    FieldRole.TIME: "Date or time",
    FieldRole.YEAR: "Year (date is split)",
    FieldRole.MONTH: "Month (date is split)",
    FieldRole.DAY: "Day (date is split)",
    FieldRole.CLOCK: "Time of day",
    FieldRole.CUSTOMER: "Customer",
    FieldRole.CUSTOMER_NAME: "Customer name",
    FieldRole.PRODUCT: "Product",
    FieldRole.PRODUCT_NAME: "Product name",
    FieldRole.CATEGORY: "Category",
    FieldRole.COUNTRY: "Country",
    FieldRole.REGION: "Region or state",
    FieldRole.CITY: "City",
    FieldRole.CHANNEL: "Sales channel",
    FieldRole.STATUS: "Status (cancelled, returned)",
    FieldRole.CURRENCY: "Currency",
    FieldRole.QUANTITY: "Quantity",
    FieldRole.UNIT_PRICE: "Price per unit",
    FieldRole.DISCOUNT_SHARE: "Discount (share)",
    FieldRole.DISCOUNT: "Discount (amount)",
    FieldRole.REVENUE: "Revenue",
    FieldRole.UNIT_COST: "Cost per unit",
    FieldRole.COST: "Cost",
    FieldRole.TAX: "Tax",
    FieldRole.MEASURE: "Number to add up",
    FieldRole.AVERAGE: "Number to average",
    FieldRole.DIMENSION: "Other dimension",
    FieldRole.IGNORE: "Leave out",
}


class ProposedColumn(Definition):
    """A column of a source and what is made of it.

    `target` names the facts column it becomes; None when it becomes none of its own. `raw` holds examples as they
    stand, `parsed` the values read from them ("" where one cannot be read). Counts are over all rows of the table.
    """

    table: str
    source: str
    staged: ColumnType
    target: Name | None
    label: str
    typing: Typing
    role: FieldRole
    confidence: Annotated[float, Field(ge=0, le=1)]
    reasons: tuple[str, ...]
    raw: tuple[str, ...]
    parsed: tuple[str, ...]
    filled: int
    missing: int
    unparseable: int
    distinct: int
    low: str | None
    high: str | None

    @property
    def unparseable_share(self) -> float:
        """The share of the filled values that cannot be read."""
        return self.unparseable / self.filled if self.filled else 0.0


class ProposedTable(Definition):
    """Sources with the same columns, stacked, and what they are used as.

    `sources` are names of staged tables; `use` says what becomes of the table and `reason` why.
    """

    name: Name
    sources: tuple[str, ...]
    rows: int
    use: Literal["facts", "lookup", "unused"]
    reason: str
    reading: Reading = Reading()


class ProposedJoin(Definition):
    """A lookup and how its rows are found.

    `on` gives each key column of the lookup the expression over the facts; `coverage` is the share of the facts'
    rows with a key that find one.
    """

    table: Name
    on: dict[str, str]
    coverage: Annotated[float, Field(ge=0, le=1)]
    reason: str


class LeaveOut(Definition):
    """Rows that would be left out, and the proof that they should."""

    reason: str
    condition: str
    rows: int
    proof: str
    active: bool = True


class Derived(Definition):
    """A facts column that no source column gives as it stands."""

    target: Name
    type: ColumnType
    label: str
    expression: str
    reason: str


class Notice(Definition):
    """Something a person should know before loading."""

    table: str
    words: str


class Option(Definition):
    """One possible answer."""

    key: str
    words: str


class Question(Definition):
    """Something that cannot be decided from the data.

    `chosen` is the person's answer, else the safe default, else None: then nothing can be loaded before it is
    answered.
    """

    key: str
    words: str
    options: tuple[Option, ...]
    chosen: str | None = None


class ColumnChange(Definition):
    """What a person says of one column; what is None stays as proposed."""

    role: FieldRole | None = None
    typing: Typing | None = None
    target: Name | None = None
    label: str | None = None


class Changes(Definition):
    """What a person changed: columns by table and source column, answers by question.

    `leave_out` switches proposed reasons on and off.
    """

    columns: dict[str, dict[str, ColumnChange]] = {}
    answers: dict[str, str] = {}
    leave_out: dict[str, bool] = {}
    name: Name | None = None
    title: str | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None


class Proposal(Definition):
    """A recipe and a model to be, with the reasons."""

    name: Name
    title: str
    currency: str
    currency_reason: str
    tables: tuple[ProposedTable, ...]
    columns: tuple[ProposedColumn, ...]
    joins: tuple[ProposedJoin, ...] = ()
    leave_out: tuple[LeaveOut, ...] = ()
    derived: tuple[Derived, ...] = ()
    wheres: dict[str, str] = {}
    notices: tuple[Notice, ...] = ()
    questions: tuple[Question, ...] = ()
    first: str | None = None
    last: str | None = None
    facts_rows: int = 0

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """The questions to be answered before anything can be loaded."""
        return tuple(question for question in self.questions if question.chosen is None)

    def columns_of(self, table: str) -> tuple[ProposedColumn, ...]:
        """Return the columns of one table."""
        return tuple(column for column in self.columns if column.table == table)

    def by_role(self, role: FieldRole) -> ProposedColumn | None:
        """Return the first column with a role in a table that is used, those of the facts first."""
        used = sorted((table for table in self.tables if table.use != "unused"), key=lambda each: each.use)
        found = (column for table in used for column in self.columns_of(table.name) if column.role is role)
        return next(found, None)

    def to_json(self) -> str:
        """Return the proposal as JSON; `from_json` gives it back."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> Proposal:
        """Return the proposal written by `to_json`."""
        return cls.model_validate_json(text)
