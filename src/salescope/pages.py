"""The pages, one row each. Router, menu, gate and tests are made from this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import callbacks.lines
import callbacks.overview
from callbacks.wiring import PageContext, Register, Rendered
from services.access import Permission
from services.model import SalesModel
from services.sales import Sales


@dataclass(frozen=True)
class Page:
    """A page: where it is, what it is called, who may see it.

    `render` makes its first state for a URL; `register` adds its callbacks; `needs` returns why the data at hand
    cannot fill it, or "".
    """

    key: str
    path: str
    title: str
    permission: Permission
    render: Callable[[PageContext], Rendered]
    register: Callable[[Register, Sales], Any]
    needs: Callable[[SalesModel], str] = lambda _model: ""


PAGES: tuple[Page, ...] = (
    Page(
        "overview",
        "/",
        "Overview",
        Permission.DASHBOARDS_VIEW,
        callbacks.overview.render,
        callbacks.overview.register,
    ),
    Page(
        "lines",
        "/lines",
        "Order lines",
        Permission.LINES_VIEW,
        callbacks.lines.render,
        callbacks.lines.register,
        callbacks.lines.needs,
    ),
)
