"""The Data page: its frame, where files are chosen, and what a running job says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from layouts import labels
from services.dataroom import LOAD, LOOK, UNDO, Unfinished
from services.jobs import JobInfo, JobState

#: Milliseconds between two looks at a running job.
TICK = 1000
TITLES = {LOOK: "Looking at the files", LOAD: "Loading", UNDO: "Taking a load back"}
FORMATS = "CSV, Excel, Parquet or JSON lines, also in gzip or zip; several files that belong together at once."


class Ids:
    """Component ids of the Data page; assets/salescope/data.js knows those of what it draws into and listens to."""

    SEARCH = "data-search"
    BODY = "data-body"
    ASKED = "data-asked"
    SAID = "data-said"
    OVER = "data-over"
    GONE = "data-gone"
    SHOWN = "data-shown"
    TICK = "data-tick"
    PROGRESS = "data-progress"
    DROP = "data-drop"
    FILES = "data-files"
    CONFIRM = "data-confirm"
    CONFIRM_WORDS = "data-confirm-words"
    CONFIRM_YES = "data-confirm-yes"


def page(body: Sequence[Component]) -> Component:
    """Return the frame around one state of the page."""
    return html.Div(
        [
            html.H1("Data"),
            html.Div(body, id=Ids.BODY, className="data-body", tabIndex=-1),
            html.Div(id=Ids.SAID, className="said", role="alert"),
            _confirm(),
            *(dcc.Store(id=name) for name in (Ids.SEARCH, Ids.ASKED, Ids.OVER, Ids.GONE, Ids.SHOWN)),
        ],
        className="page data",
    )


def _confirm() -> Component:
    return html.Dialog(
        [
            html.P(id=Ids.CONFIRM_WORDS),
            html.Div(
                [button("Yes", "confirmed", id=Ids.CONFIRM_YES), button("No", "refused", kind="outline-secondary")],
                className="actions",
            ),
        ],
        id=Ids.CONFIRM,
        className="confirm",
        **labels.aria(labelledby=Ids.CONFIRM_WORDS),
    )


def button(words: str, do: str, *, kind: str = "primary", **data: Any) -> Component:
    """Return a button that asks the server to do something; `data` go along.

    `confirm` is a question that has to be answered first; `id`, `disabled` and `title` are those of the button.
    """
    own = {name: data.pop(name) for name in ("id", "disabled", "title") if name in data}
    sent = {name: str(value) for name, value in data.items() if value not in (None, "")}
    return html.Button(words, type="button", className=f"btn btn-{kind}", **labels.data(do=do, **sent), **own)


def link(words: str, href: str, kind: str = "outline-secondary") -> Component:
    """Return a link of the page that looks like a button."""
    made: Component = dcc.Link(words, href=href, className=f"btn btn-{kind}")
    return made


def card(title: str, *children: Any, name: str = "") -> Component:
    """Return a section with a heading."""
    return html.Section([html.H2(title), *children], className=f"card {name}".strip())


def chooser() -> Component:
    """Return where files are dropped or chosen; the browser fills the list of what arrives."""
    return html.Section(
        [
            html.H2("Bring your own data"),
            html.Div(
                [
                    button("Choose files", "choose"),
                    html.P(["or drop them here. ", html.Span(FORMATS, className="quiet")]),
                ],
                id=Ids.DROP,
                className="drop",
            ),
            html.Ul(id=Ids.FILES, className="files", **labels.aria(label="Files that arrive")),
        ],
        className="card",
    )


def unfinished(works: Sequence[Unfinished], jobs: Sequence[JobInfo]) -> list[Component]:
    """Return what was begun and not ended: running jobs, and files that are not loaded."""
    if not works and not jobs:
        return []
    running = {str(job.arguments.get("work")): job for job in jobs}
    rows = [_running(job) for job in jobs] + [_waiting(work) for work in works if work.work not in running]
    return [card("Not finished", html.Ul(rows, className="begun"))]


def _running(job: JobInfo) -> Component:
    words = f"{TITLES[job.kind]}: {job.stage or 'waits for its turn'} ({job.share:.0%})"
    return html.Li([html.Span(words), link("Show", f"/data?job={job.id}")])


def _waiting(work: Unfinished) -> Component:
    shown, more = ", ".join(work.files[:3]), len(work.files) - 3
    name = f"{shown} and {more} more" if more > 0 else shown
    go = (
        link("Go on", f"/data?work={work.work}")
        if work.looked
        else button("Go on", "look", kind="outline-secondary", work=work.work)
    )
    away = button(
        "Throw away",
        "discard",
        kind="outline-secondary",
        work=work.work,
        confirm=f"Throw away {labels.cut(name, 200)}? Nothing of it was loaded.",
    )
    return html.Li([html.Span(name, className="name"), go, away])


def running(job: JobInfo) -> list[Component]:
    """Return what is shown while a job runs."""
    return [
        html.Section(
            [
                html.H2(TITLES[job.kind]),
                html.Div(progress(job), id=Ids.PROGRESS, role="status"),
                html.Div(
                    [
                        button("Cancel", "cancel", kind="outline-secondary", job=job.id),
                        html.Span("It goes on when you close this page; come back here to see it.", className="quiet"),
                    ],
                    className="actions",
                ),
                dcc.Interval(id=Ids.TICK, interval=TICK),
            ],
            className="card",
        )
    ]


def progress(job: JobInfo) -> list[Component]:
    """Return the words and the bar of a job that is not over."""
    words = "Cancelling" if job.cancelling else job.stage or "Waiting for its turn"
    if job.state is JobState.WAITING:
        words = f"Waiting: {words}"
    return [
        html.P(words, className="stage"),
        html.Progress(value=str(round(job.share, 3)), max="1", className="bar", **labels.aria(label="Done so far")),
    ]


def stopped(job: JobInfo, *, work_is_there: bool) -> list[Component]:
    """Return what is said about a job that failed or was cancelled, and what can be done."""
    work = str(job.arguments.get("work") or "")
    cancelled = job.state is JobState.CANCELLED
    title = "Cancelled; nothing was changed." if cancelled else f"{TITLES[job.kind]} did not work."
    again = button("Try again", "look", work=work) if work_is_there else None
    away = button("Throw the files away", "discard", kind="outline-secondary", work=work) if work_is_there else None
    return [
        html.Section(
            [
                html.H2(title),
                html.P(job.error, className="failure", role="alert") if job.error else None,
                html.Div([again, away, link("All loads", "/data")], className="actions"),
            ],
            className="card",
        )
    ]


def gone(words: str) -> list[Component]:
    """Return what is said when the address names something that is not there."""
    return [card("This is not there", html.P(words), html.Div(link("All loads", "/data"), className="actions"))]
