"""What answers a question: rows, where they come from, and the columns computed on top of them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from services.language.forms import Form
from services.sales import Answer

#: Columns that a calculation adds.
SHARE, RUNNING, MOVING, CHANGE, BEFORE = "share", "running", "moving", "change", "before"
#: Columns of the answer that no model has: months without their year, and whether customers are new.
MONTH, NEWNESS = "month_of_year", "customers_are"


@dataclass(frozen=True)
class Added:
    """A column computed on top of an answer: its field, what it is called, and the measure whose format it has."""

    field: str
    label: str
    measure: str | None = None


@dataclass(frozen=True)
class Result:
    """The rows that answer a question, the answer they were made from, and the columns added to it.

    `frame` has the columns of `answer.frame` and of `added`; `total` is the one number of a question for one.
    """

    form: Form
    answer: Answer
    frame: pd.DataFrame
    added: tuple[Added, ...] = ()
    total: float | None = None

    @property
    def keys(self) -> list[str]:
        """The columns that tell the rows apart."""
        computed = ("time", MONTH, NEWNESS)
        return [name for name in (*computed, *self.answer.query.dimensions) if name in self.frame]
