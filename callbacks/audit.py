"""The Audit log page: what happened, narrowed by the address, and as a CSV file."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from callbacks.desk import Done, Fields, Params, Show, register_desk, shown
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import admin, forms
from layouts.forms import Body, DeskIds
from services.access import Permission, Viewer
from services.accounts import Accounts
from services.audit import Wanted
from services.errors import UserError
from services.exports import safe_cell

IDS = DeskIds("audit")
TITLE = "Audit log"
SHOWN, IN_A_FILE = 100, 5_000
NAMES = ("action", "actor", "text", "since", "until")
HEADS = ("time", "action", "actor", "seen_as", "address", "detail", "request")


def render(context: PageContext) -> Rendered:
    """Return the page in the state its URL asks for."""
    body = shown(context.viewer, _show(context.services.people.accounts), dict(context.params))
    return forms.page(IDS, TITLE, body, admin.entries(context.viewer))


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""

    def find(_viewer: Viewer, said: Fields) -> Done:
        asked = {name: said.one(name) for name in NAMES if said.one(name)}
        return Done("", go=f"?{urlencode(asked)}")

    register_desk(register, IDS, _show(services.people.accounts), {"find": find})


def wanted(params: Mapping[str, str]) -> Wanted:
    """Return which lines an address asks for; raises UserError for a day that is none."""
    return Wanted(
        params.get("actor", ""),
        params.get("action", ""),
        params.get("text", ""),
        _day(params.get("since", "")),
        _day(params.get("until", "")),
    )


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise UserError(f"{text[:40]!r} is not a day; write it like 2026-01-31.") from None


def _show(accounts: Accounts) -> Show:
    def show(viewer: Viewer, params: Params) -> Body:
        viewer.require(Permission.AUDIT_READ)
        asked = wanted(params)
        before = int(params["before"]) if params.get("before", "").isdecimal() else None
        lines = accounts.events(asked, limit=SHOWN, before=before)
        kept = {name: params[name] for name in NAMES if params.get(name)}
        older = f"/audit?{urlencode({**kept, 'before': lines[-1].id})}" if len(lines) == SHOWN else ""
        return admin.audit(lines, asked, accounts.actions(), older, kept)

    return show


def written(accounts: Accounts, viewer: Viewer, params: Mapping[str, str]) -> Iterator[str]:
    """Yield the log as CSV for spreadsheets, the newest line first, with no text in it that one would run."""
    viewer.require(Permission.AUDIT_READ)
    asked, before = wanted(params), None
    yield _csv(HEADS)
    while lines := accounts.events(asked, limit=IN_A_FILE, before=before):
        for each in lines:
            seen = (each.action, each.actor, each.seen_as, each.address, each.detail, each.request)
            yield _csv((each.at.isoformat(timespec="seconds"), *map(safe_cell, seen)))
        before = lines[-1].id


def _csv(row: tuple[object, ...]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(row)
    return text.getvalue()
