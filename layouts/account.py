"""The Account page: one's own password, second factor and sessions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from layouts import admin, forms
from layouts.forms import Body
from services import formats
from services.access import Viewer
from services.accounts import OpenSession
from services.model import SalesModel


def body(viewer: Viewer, sessions: Sequence[OpenSession], model: SalesModel, *, second_factor: bool) -> Body:
    """Return the page."""
    return [
        forms.card(
            "You", admin.facts({"E-mail": viewer.email, "Role": viewer.role, "You see": viewer.scope.describe()})
        ),
        forms.card(
            "Password",
            forms.form(
                "password",
                forms.field("The one you have", "old", kind="password", autocomplete="current-password", required=True),
                forms.field("A new one", "new", kind="password", autocomplete="new-password", required=True),
                forms.field("The same again", "again", kind="password", autocomplete="new-password", required=True),
                forms.submit("Change the password"),
            ),
            html.P("Your other sessions end.", className="quiet"),
        ),
        _locale(viewer, model),
        _factor(second_factor=second_factor),
        _sessions(viewer, sessions),
    ]


def _locale(viewer: Viewer, model: SalesModel) -> Component:
    """Return the choice of how numbers and dates are written, each with an example."""
    ways = {formats.OF_MODEL: f"As the data have it ({formats.example(model.locale, model)})"}
    ways |= {each: formats.example(each, model) for each in formats.LOCALES}
    return forms.card(
        "Numbers and dates",
        forms.form(
            "locale",
            forms.choice("Written as in", "locale", ways, viewer.locale or formats.OF_MODEL),
            forms.submit("Keep"),
        ),
    )


def _factor(*, second_factor: bool) -> Component:
    if second_factor:
        return forms.card(
            "Second factor",
            html.P("Signing in asks for a code of your authenticator app."),
            forms.form(
                "factor-off",
                forms.field("A code, to turn it off", "code", autocomplete="one-time-code", required=True),
                forms.submit("Turn it off", "outline-secondary"),
            ),
        )
    return forms.card(
        "Second factor",
        html.P("With one, a stolen password is not enough to sign in as you. You need an authenticator app."),
        forms.form("factor", forms.submit("Set one up")),
    )


def set_up(secret: str, address: str, picture: str) -> Component:
    """Return what an authenticator app reads, and the form that proves it worked; `picture` is the QR code."""
    return forms.note(
        [
            html.P(
                [
                    "Scan this with your authenticator app, ",
                    html.A("open it on this device", href=address),
                    ", or type the key below into the app.",
                ]
            ),
            html.Img(src=picture, alt="QR code of the key below", className="qr"),
            forms.secret("Key", secret),
            forms.form(
                "factor-on",
                forms.field("The code the app shows now", "code", autocomplete="one-time-code", required=True),
                forms.submit("Turn it on"),
                secret=secret,
            ),
        ],
        "info",
    )


def recovery(codes: Sequence[str]) -> Component:
    """Return recovery codes, shown this once."""
    words = html.P("It is on. Keep these codes where you find them without the phone; each works once, shown only now.")
    return forms.note([words, html.Ul([html.Li(html.Code(each)) for each in codes])])


#: What browsers and systems call themselves in their user agents, the more special name first, and their names.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Version": "Safari"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


def _browser(agent: str) -> str:
    """Return browser and system of a user agent as people call them, or what it begins with."""
    found = {name: re.search(rf"{mark}/(\d+)", agent) for mark, name in BROWSERS.items()}
    browser = next((f"{name} {match[1]}" for name, match in found.items() if match), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in agent), "")
    return ", ".join(filter(None, (browser, system))) or agent[:60]


def _sessions(viewer: Viewer, sessions: Sequence[OpenSession]) -> Component:
    rows = [
        (
            admin.moment(each.created_at),
            admin.moment(each.seen_at),
            each.address,
            html.Span(_browser(each.agent), title=each.agent),
            "this one"
            if each.id == viewer.session
            else forms.form("end", forms.submit("Sign out", "outline-secondary"), session=each.id),
        )
        for each in sessions
    ]
    return forms.card(
        "Where you are signed in",
        forms.listing("Sessions", ["Since (UTC)", "Last used (UTC)", "From", "Browser", "End"], rows),
        forms.form("end-others", forms.submit("Sign out everywhere else", "outline-secondary")),
    )
