"""What the Forecast page can do beside showing: publish, and forecast every value of a dimension in the background."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from layouts import labels
from services.forecasting.page import ForecastQuery, Show
from services.forecasting.requests import Asked
from services.jobs import JobInfo, JobState
from services.model import SalesModel

#: Milliseconds between two looks at a job.
TICK = 1_500


class Ids:
    """Component ids of the tools."""

    PUBLISH = "forecast-publish"
    START = "forecast-start"
    CANCEL = "forecast-cancel"
    SAID = "forecast-said"
    JOBS = "forecast-jobs"
    TICK = "forecast-tick"


def tools(
    asked: ForecastQuery, jobs: Sequence[JobInfo], model: SalesModel, more: Sequence[Component] = ()
) -> Component:
    """Return the buttons of what is on show and more, what came of the last one, and the viewer's last forecasts."""
    split = model.dimension(asked.split).plural.lower() if asked.split else ""
    running = under_way(jobs)
    return html.Div(
        [
            _button(Ids.PUBLISH, "Publish this forecast", hidden=asked.show is not Show.TOTAL),
            _button(Ids.START, f"Forecast all {split} in the background", hidden=asked.show is not Show.PARTS),
            _button(Ids.CANCEL, "Cancel", hidden=running is None),
            *more,
            html.Span(id=Ids.SAID, className="quiet", role="status"),
            html.Div(listed(jobs, model), id=Ids.JOBS, className="forecast-jobs"),
            dcc.Interval(id=Ids.TICK, interval=TICK, disabled=running is None),
        ],
        className="forecast-tools",
    )


def under_way(jobs: Sequence[JobInfo]) -> JobInfo | None:
    """Return the job that Cancel ends: the one asked for last of those that are not over."""
    return next((job for job in jobs if not job.over), None)


def listed(jobs: Sequence[JobInfo], model: SalesModel) -> list[Component]:
    """Return the viewer's last forecasts of many series: progress, what failed, and links to what is done."""
    return [html.Ul([html.Li(_job(job, model)) for job in jobs])] if jobs else []


def _job(job: JobInfo, model: SalesModel) -> list[Component | str]:
    name = _name(job, model)
    if not job.over:
        words = "cancelling" if job.cancelling else job.stage or "waits for its turn"
        bar = html.Progress(value=str(round(job.share, 3)), max="1", className="bar", **labels.aria(label=name))
        return [f"{name}: {words} ", bar]
    if job.state is not JobState.DONE:
        return [f"{name}: {job.state.value}. {job.error}"]
    result = job.result or {}
    link = html.A("CSV", href=f"/api/v1/forecast/{job.id}/result?format=csv", download="forecast.csv")
    return [f"{name}: {int(result['series']):,} series, {int(result['rows']):,} rows. Download ", link]


def _name(job: JobInfo, model: SalesModel) -> str:
    asked = Asked.model_validate(job.arguments["asked"])
    names = [*asked.query.measures[:1], *asked.query.dimensions]
    known = [
        (model.measures[name].label if name in model.measures else model.dimensions[name].label)
        if name in model.measures or name in model.dimensions
        else name
        for name in names
    ]
    return f"{' by '.join(known)}, {asked.horizon} {asked.query.grain}s ahead"


def _button(name: str, words: str, *, hidden: bool) -> Component:
    return html.Button(words, id=name, type="button", className="btn btn-outline-secondary btn-sm", hidden=hidden)
