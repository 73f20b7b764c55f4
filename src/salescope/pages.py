"""The pages, one row each. Router, menu, gate and tests are made from this table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import callbacks.account
import callbacks.ask
import callbacks.audit
import callbacks.countries
import callbacks.data
import callbacks.details
import callbacks.explore
import callbacks.forecast
import callbacks.lines
import callbacks.overview
import callbacks.people
import callbacks.plan
import callbacks.products
import callbacks.roles
import callbacks.site
import callbacks.teach
import callbacks.tokens
import callbacks.trends
import callbacks.usage
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
    Pages of one `section` share an entry of the menu; None keeps a page out of it. Entries `under` the same word stand
    in one drop-down. A page that is not there `at_once` needs scripts that the browser loads when it is opened.
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
    section: str | None = ""
    under: str = ""
    at_once: bool = True

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
        "trends",
        "/trends",
        "Trends",
        Permission.DASHBOARDS_VIEW,
        callbacks.trends.PAGE.render,
        callbacks.trends.PAGE.register,
        drawn=callbacks.trends.PAGE.drawn,
    ),
    Page(
        "countries",
        "/countries",
        "Countries",
        Permission.DASHBOARDS_VIEW,
        callbacks.countries.PAGE.render,
        callbacks.countries.PAGE.register,
        callbacks.countries.needs,
        drawn=callbacks.countries.PAGE.drawn,
    ),
    Page(
        "products",
        "/products",
        "Products",
        Permission.DASHBOARDS_VIEW,
        callbacks.products.PAGE.render,
        callbacks.products.PAGE.register,
        callbacks.products.needs,
        drawn=callbacks.products.PAGE.drawn,
    ),
    Page(
        "forecast",
        "/forecast",
        "Forecast",
        Permission.FORECAST_RUN,
        callbacks.forecast.render,
        callbacks.forecast.register,
        drawn=callbacks.forecast.drawn,
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
        "ask",
        "/ask",
        "Ask",
        Permission.DASHBOARDS_VIEW,
        callbacks.ask.render,
        callbacks.ask.register,
        filters=False,
        drawn=callbacks.ask.drawn,
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
        under="Orders",
        at_once=False,
    ),
    Page(
        "details",
        "/details",
        "Look up",
        Permission.LINES_VIEW,
        callbacks.details.PAGE.render,
        callbacks.details.PAGE.register,
        callbacks.details.needs,
        drawn=callbacks.details.PAGE.drawn,
        under="Orders",
    ),
    Page(
        "plan",
        "/plan",
        "Targets",
        Permission.PLANS_EDIT,
        callbacks.plan.render,
        callbacks.plan.register,
        filters=False,
        under="Manage",
        at_once=False,
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
        under="Manage",
    ),
    Page(
        "teach",
        "/teach",
        "Teach questions",
        Permission.DATA_LOAD,
        callbacks.teach.render,
        callbacks.teach.register,
        filters=False,
        section="Admin",
        under="Manage",
    ),
    Page(
        "people",
        "/people",
        "People",
        Permission.USERS_MANAGE,
        callbacks.people.render,
        callbacks.people.register,
        without_data=True,
        filters=False,
        section="Admin",
        under="Manage",
    ),
    Page(
        "roles",
        "/roles",
        "Roles",
        Permission.USERS_MANAGE,
        callbacks.roles.render,
        callbacks.roles.register,
        without_data=True,
        filters=False,
        section="Admin",
        under="Manage",
    ),
    Page(
        "tokens",
        "/tokens",
        "API tokens",
        Permission.USERS_MANAGE,
        callbacks.tokens.render,
        callbacks.tokens.register,
        without_data=True,
        filters=False,
        section="Admin",
        under="Manage",
    ),
    Page(
        "audit",
        "/audit",
        "Audit log",
        Permission.AUDIT_READ,
        callbacks.audit.render,
        callbacks.audit.register,
        without_data=True,
        filters=False,
        section="Admin",
        under="Manage",
    ),
    Page(
        "usage",
        "/usage",
        "Usage",
        Permission.AUDIT_READ,
        callbacks.usage.render,
        callbacks.usage.register,
        without_data=True,
        filters=False,
        section="Admin",
        under="Manage",
    ),
    Page(
        "settings",
        "/settings",
        "Settings",
        Permission.SETTINGS_READ,
        callbacks.site.render,
        callbacks.site.register,
        without_data=True,
        filters=False,
        section="Admin",
        under="Manage",
    ),
    Page(
        "account",
        "/account",
        "Your account",
        Permission.ACCOUNT_OWN,
        callbacks.account.render,
        callbacks.account.register,
        without_data=True,
        filters=False,
        section=None,
    ),
)
