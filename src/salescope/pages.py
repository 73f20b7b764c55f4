"""The pages, one row each. Router, menu, gate and tests are made from this table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import callbacks.data
import callbacks.explore
import callbacks.lines
import callbacks.overview
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts.tiles import Drawn
from services.access import Permission
from services.model import EMPTY, SalesModel
from services.query import SalesQuery


@dataclass(frozen=True)
class Page:
    """A page: where it is, what it is called, who may see it.

    `render` makes its first state for a URL; `register` adds its callbacks; `needs` returns why a model cannot fill
    it, or ""; `without_data` pages are there before the first load too; the addresses of pages with `filters` hold what
    others understand. `drawn` returns the tiles of the page in its order, for exports of it; `lines` the order lines.
    """

    key: str
    path: str
    title: str
    permission: Permission
    render: Callable[[PageContext], Rendered]
    register: Callable[[Register, Services], Any]
    needs: Callable[[SalesModel], str] = lambda _model: ""
    without_data: bool = False
    filters: bool = True
    drawn: Callable[[PageContext], Sequence[Drawn]] | None = None
    lines: Callable[[PageContext], SalesQuery] | None = None

    def missing(self, model: SalesModel) -> str:
        """Return why the page cannot be offered for these data, or ""."""
        if model is EMPTY and not self.without_data:
            return "There are no data yet. An analyst or admin can load some on the Data page."
        return self.needs(model)


PAGES: tuple[Page, ...] = (
    Page(
        "overview",
        "/",
        "Overview",
        Permission.DASHBOARDS_VIEW,
        callbacks.overview.render,
        callbacks.overview.register,
        drawn=callbacks.overview.drawn,
    ),
    Page(
        "explore",
        "/explore",
        "Explore",
        Permission.DASHBOARDS_VIEW,
        callbacks.explore.render,
        callbacks.explore.register,
        drawn=callbacks.explore.drawn,
    ),
    Page(
        "lines",
        "/lines",
        "Order lines",
        Permission.LINES_VIEW,
        callbacks.lines.render,
        callbacks.lines.register,
        callbacks.lines.needs,
        lines=callbacks.lines.asked,
    ),
    Page(
        "data",
        "/data",
        "Data",
        Permission.DATA_LOAD,
        callbacks.data.render,
        callbacks.data.register,
        without_data=True,
        filters=False,
    ),
)
