"""What surrounds every page: navigation, theme switch, who is signed in, the place for notices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from layouts import labels, panel, view_menu


class Ids:
    """Component ids of the shell."""

    URL = "url"
    ROUTE = "route"
    CONTENT = "content"
    NAVIGATION = "navigation"
    THEME = "theme"
    TITLE = "title"
    TITLED = "titled"
    ASK = "top-ask"
    PROBLEMS = "problems"
    NEWS = "news"
    NEWS_BOX = "news-box"
    NEWS_CLOSE = "news-close"


class Link(NamedTuple):
    """An entry of the navigation; `reason` says why it is not offered for these data, or is "".

    Those `under` the same word stand in one drop-down.
    """

    path: str
    title: str
    reason: str = ""
    under: str = ""


class First(NamedTuple):
    """The page that a first visit begins with: its address, what it shows, the title of the window."""

    path: str
    search: str
    content: Component
    title: str


def shell(
    email: str,
    role: str,
    title: str,
    links: Sequence[Component],
    *,
    looked_at_by: str = "",
    first: First | None = None,
) -> Component:
    """Return the frame of the application for one person; `looked_at_by` is who borrows their eyes.

    `links` is what `navigation` makes; without a `first` page the browser asks for it.
    """
    route = {"pathname": first.path, "search": first.search} if first else None
    return html.Div(
        [
            _looking(email, looked_at_by) if looked_at_by else None,
            html.A("Skip to the content", href=f"#{Ids.CONTENT}", className="skip"),
            dcc.Location(id=Ids.URL, refresh=False),
            dcc.Store(id=Ids.ROUTE, data=route),
            dcc.Store(id=Ids.TITLE, data=first.title if first else None),
            dcc.Store(id=Ids.TITLED),
            _header(email, role, title, links),
            html.Div(id=Ids.PROBLEMS, **labels.aria(live="assertive")),
            # What assets/salescope/app.js says when newer data came in while the page was open.
            html.Div(
                [
                    html.Span(id=Ids.NEWS, role="status"),
                    html.Button(id=Ids.NEWS_CLOSE, className="btn-close", **labels.aria(label="Dismiss")),
                ],
                id=Ids.NEWS_BOX,
                className="news",
            ),
            html.Main(first.content if first else skeleton(), id=Ids.CONTENT, tabIndex=-1),
            panel.container(),
        ],
        className="shell",
    )


def _header(email: str, role: str, title: str, links: Sequence[Component]) -> Component:
    """Return the bar above every page."""
    header: Component = html.Header(
        [
            dcc.Link([html.Span(className="mark"), "Salescope"], href="/", className="brand"),
            html.Span(title, className="dataset"),
            html.Nav(links, id=Ids.NAVIGATION, **labels.aria(label="Pages")),
            html.Div(
                [
                    _ask(),
                    view_menu.menu(),
                    dbc.Button("Theme", id=Ids.THEME, color="link", size="sm", title="Light or dark"),
                    html.Span(
                        [
                            dcc.Link(email, href="/account", title="Your account"),
                            html.Span(role, className="role"),
                        ],
                        className="who",
                    ),
                    html.Form(
                        dbc.Button("Sign out", type="submit", color="secondary", outline=True, size="sm"),
                        action="/signout",
                        method="post",
                    ),
                ],
                className="session",
            ),
        ],
        className="top",
    )
    return header


def _ask() -> Component:
    """Return the box for a question on every page; the slash key leads to it (assets/salescope/ask.js)."""
    box = dcc.Input(
        id=Ids.ASK,
        name="ask-q",
        type="search",
        maxLength=500,
        placeholder="Ask…",
        autoComplete="off",
        className="form-control form-control-sm",
    )
    label = html.Label("Ask about your sales", htmlFor=Ids.ASK, className="visually-hidden")
    return html.Form([label, box], action="/ask", method="get", role="search", className="top-ask", title="Key /")


def _looking(email: str, by: str) -> Component:
    """Return the banner over a site that is seen with another person's eyes."""
    words = f"{by}, you see the site as {email} does. Nothing can be changed."
    back = dbc.Button("Back to your own eyes", type="submit", color="dark", size="sm")
    return html.Div(
        [html.Span(words), html.Form(back, action="/people/stop-looking", method="post")],
        className="looking",
        role="status",
    )


def navigation(links: Sequence[Link], current: str, search: str = "") -> list[Component]:
    """Return the links, the current page marked; the filters go along in `search`.

    Their ids are what assets/salescope/app.js keeps up to date while filters change.
    """
    made: list[Component] = []
    for under, group in groupby(links, key=lambda link: link.under):
        found = list(group)
        entries = [_entry(link, current, search) for link in found]
        made += [_drop_down(under, entries, found, current)] if under and len(entries) > 1 else entries
    return made


def _entry(link: Link, current: str, search: str) -> Component:
    if link.reason:
        return html.Span(link.title, className="nav-off", title=link.reason)
    here = labels.aria(current="page") if link.path == current else {}
    to = dcc.Link(link.title, href=link.path + search, id=f"go-to-{link.path}")
    return html.Span(to, className="nav-on", **here)


def _drop_down(word: str, entries: Sequence[Component], links: Sequence[Link], current: str) -> Component:
    """Return entries behind one word, which names the page in view where it is one of them."""
    here = next((link.title for link in links if link.path == current), "")
    summary = html.Summary([word, html.Span(f": {here}", className="nav-here") if here else None])
    return html.Details(
        [summary, html.Div(entries, className="menu")], className=f"export nav-more{' nav-on-it' if here else ''}"
    )


def skeleton() -> Component:
    """Return grey boxes where a page will be."""
    boxes = [html.Div(className="bone") for _ in range(6)]
    return html.Div(boxes, className="bones", **labels.aria(hidden="true"))


def notice(title: str, lines: Sequence[str], color: str = "warning") -> Component:
    """Return a message to the person."""
    words = [html.Strong(title), html.Ul([html.Li(line) for line in lines])]
    alert: Component = dbc.Alert(words, color=color, className="notice")
    return alert


TO_OVERVIEW = Link("/", "Go to the Overview")


def message(title: str, text: str, link: Link | None = TO_OVERVIEW) -> Component:
    """Return a page that only says something, such as that it does not exist, and where to go from there."""
    go = dcc.Link(link.title, href=link.path, className="btn btn-primary") if link else None
    return html.Div([html.H1(title), html.P(text), go], className="message")
