"""Admin pages: roles, audit log, usage, API tokens, settings; layouts/people.py has people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from layouts import forms, labels
from layouts.forms import Body, Entry
from services.access import ROLES, Permission, Role, Viewer
from services.audit import Line, Wanted
from services.database import SlowAnswer
from services.model import SalesModel
from services.people import LEAST
from services.periods import Compare
from services.query import SalesQuery
from services.querylog import Counted
from services.tokens import Token
from services.usage import Used

#: The pages of the section: path, title, and what they need; salescope.pages has a row for each.
SECTION: Mapping[str, tuple[str, Permission]] = {
    "/teach": ("Teach questions", Permission.DATA_LOAD),
    "/people": ("People", Permission.USERS_MANAGE),
    "/roles": ("Roles", Permission.USERS_MANAGE),
    "/tokens": ("API tokens", Permission.USERS_MANAGE),
    "/audit": ("Audit log", Permission.AUDIT_READ),
    "/usage": ("Usage", Permission.AUDIT_READ),
    "/settings": ("Settings", Permission.SETTINGS_READ),
}
#: What a permission lets people do.
WORDS: Mapping[str, str] = {
    Permission.ACCOUNT_OWN: "Keep an account of their own",
    Permission.AUDIT_READ: "Read the audit log and usage",
    Permission.DASHBOARDS_VIEW: "See dashboards",
    Permission.DATA_LOAD: "Load data",
    Permission.FORECAST_RUN: "Forecast",
    Permission.LINES_EXPORT: "Export order lines",
    Permission.LINES_VIEW: "See order lines",
    Permission.PLANS_EDIT: "Write targets and notes",
    Permission.SETTINGS_READ: "See the settings",
    Permission.USERS_MANAGE: "Manage people, roles and tokens",
    Permission.VIEWS_SHARE: "Share views",
}


def entries(viewer: Viewer) -> list[Entry]:
    """Return the links to the pages of the section that the viewer may see."""
    return [Entry(path, title) for path, (title, needs) in SECTION.items() if viewer.may(needs)]


def moment(at: dt.datetime | None) -> str:
    """Return a time of the application database in words, UTC."""
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def permission_words(permission: Permission) -> str:
    """Return what a permission lets people do, with its name."""
    return f"{WORDS.get(permission, permission.value.replace(':', ': '))} ({permission.value})"


def facts(rows: Mapping[str, Any]) -> Component:
    """Return names and values."""
    return html.Dl(
        [part for name, value in rows.items() for part in (html.Dt(name), html.Dd(value))], className="facts"
    )


# Roles


def role_list(roles: Mapping[str, Role], holders: Mapping[str, int]) -> Body:
    """Return all roles with what they may, and the form for one's own."""
    rows = [
        (role.label, _kind(name), ", ".join(sorted(role.permissions)), str(holders.get(name, 0)), _away(name))
        for name, role in roles.items()
    ]
    own = {name: role for name, role in roles.items() if name not in ROLES}
    options = {each.value: permission_words(each) for each in Permission if each not in LEAST}
    changed = [
        forms.behind(
            f"Change {role.label}…",
            forms.form(
                "save",
                forms.checks("May", f"may-{name}", options, role.permissions),
                forms.submit("Save"),
                label=role.label,
                field=f"may-{name}",
            ),
        )
        for name, role in own.items()
    ]
    return [
        forms.card("Roles", forms.listing("Roles", ["Role", "Kind", "May", "People", "Remove"], rows), *changed),
        forms.card(
            "A role of your own",
            forms.form(
                "save",
                forms.field("Name", "label", required=True, maxlength=40),
                forms.checks("May, besides seeing dashboards", "may", options, ()),
                forms.submit("Make the role"),
                field="may",
            ),
        ),
    ]


def _kind(name: str) -> str:
    return "built in" if name in ROLES else "own"


def _away(name: str) -> Component | str:
    return "" if name in ROLES else forms.form("delete", forms.submit("Remove", "outline-secondary"), role=name)


# Audit log


def audit(lines: Sequence[Line], wanted: Wanted, actions: Sequence[str], older: str, params: Mapping[str, str]) -> Body:
    """Return the audit log, narrowed; `older` is the address of what comes after the last line, or ""."""
    rows = [
        (
            f"{each.at:%Y-%m-%d %H:%M:%S}",
            each.action,
            f"{each.actor} as {each.seen_as}" if each.seen_as else each.actor,
            each.address,
            each.detail,
            each.request,
        )
        for each in lines
    ]
    kinds = {"": "everything", **{name: name for name in actions}}
    finder = forms.form(
        "find",
        forms.choice("What", "action", kinds, wanted.action),
        forms.field("Who", "actor", wanted.actor),
        forms.field("Text", "text", wanted.text),
        forms.field("From", "since", str(wanted.since or ""), kind="date"),
        forms.field("To", "until", str(wanted.until or ""), kind="date"),
        forms.submit("Show"),
    )
    away = html.A(
        "Download as CSV", href=f"/audit.csv?{urlencode(params)}", className="btn btn-sm btn-outline-secondary"
    )
    listed = forms.listing("Audit log", ["Time (UTC)", "What", "Who", "From", "Detail", "Request"], rows)
    more = forms.link("Older lines", older) if older else None
    return [
        forms.card("Audit log", finder, listed if rows else html.P("Nothing is like that."), html.P([more, " ", away]))
    ]


# Usage


def usage(
    used: Sequence[Used],
    who: Sequence[Any],
    queries: Sequence[tuple[SalesQuery, Counted]],
    slow: Sequence[SlowAnswer],
    model: SalesModel,
    days: int,
) -> Body:
    """Return who uses which page, what is asked for, and slow answers."""
    pages = [(u.what, _names(u.people), f"{u.times:,}", f"{u.mean:,.0f}", f"{u.slowest:,.0f}") for u in used]
    persons = [(email, str(active), f"{times:,}", str(last)) for email, active, times, last in who]
    asked = [(_query(q, model), f"{c.answers:,}", f"{c.milliseconds / c.answers:,.1f}") for q, c in queries]
    lines = [(moment(s.at), s.email, s.what, f"{s.milliseconds:,.0f}", labels.cut(s.detail, 300)) for s in slow]
    heads = ["Page", "Who, the busiest first", "Answers", "Mean ms", "Slowest ms"]
    return [
        forms.card(f"Pages, the last {days} days", forms.listing("Pages", heads, pages)),
        forms.card("Queries", forms.listing("Queries", ["What is asked for", "Answers", "Mean ms"], asked)),
        forms.card("People", forms.listing("People", ["Who", "Days", "Times", "Last day"], persons)),
        forms.card("Slow answers", forms.listing("Slow answers", ["Time (UTC)", "Who", "Page", "ms", "Address"], lines))
        if lines
        else forms.card("Slow answers", html.P("None took two seconds or longer.")),
    ]


def _names(people: Sequence[str], most: int = 3) -> str:
    more = f" and {len(people) - most} more" if len(people) > most else ""
    return ", ".join(people[:most]) + more


def _query(query: SalesQuery, model: SalesModel) -> str:
    """Return a kind of query in words; names that the model no longer has stand as they are."""
    names = {name: each.label for known in (model.measures, model.dimensions) for name, each in known.items()}

    def listed(words: Iterable[str]) -> str:
        return ", ".join(names.get(word, word) for word in words)

    by = [*query.dimensions, *([query.grain.value] if query.grain else [])]
    parts = [
        listed(query.measures) or "Order lines",
        f"by {listed(by)}" if by else "",
        f"where {listed(sorted({each.field for each in query.filters}))}" if query.filters else "",
        f"in {listed(query.segments)}" if query.segments else "",
        "against a period before" if query.compare is not Compare.NONE else "",
    ]
    return " ".join(part for part in parts if part)


# API tokens


def tokens(found: Sequence[Token], people_: Sequence[str]) -> Body:
    """Return all API tokens and the form for a new one."""
    rows = [
        (
            each.name,
            each.email,
            ", ".join(each.permissions),
            moment(each.expires_at)[:10],
            moment(each.last_used_at),
            each.state,
            forms.form("revoke", forms.submit("Revoke", "outline-secondary"), token=str(each.id))
            if each.state == "active"
            else "",
        )
        for each in found
    ]
    heads = ["Name", "Acts as", "May", "Expires", "Last used (UTC)", "State", "End"]
    options = {each.value: permission_words(each) for each in Permission if each is not Permission.ACCOUNT_OWN}
    return [
        forms.card("Tokens", forms.listing("Tokens", heads, rows) if rows else html.P("There are none yet.")),
        forms.card(
            "A new token",
            html.P("A program with it acts as the person, sees the rows the person sees, and may what is ticked."),
            forms.form(
                "make",
                forms.field("What it is for", "name", required=True, maxlength=100),
                forms.choice("Acts as", "email", {each: each for each in people_}, people_[0] if people_ else ""),
                forms.field("Days until it expires", "days", "90", kind="number", min=1, max=366),
                forms.checks("May", "may", options, [Permission.DASHBOARDS_VIEW.value]),
                forms.submit("Make the token"),
            ),
        ),
    ]


# Settings


def site(rows: Sequence[tuple[str, str, str]]) -> Body:
    """Return the settings in force; secrets are said to be set, never shown."""
    return [
        forms.card(
            "Settings",
            html.P("They are environment variables; a change takes a restart. Secrets are not shown."),
            forms.listing("Settings", ["Setting", "Value", "Meaning"], rows),
        )
    ]
