"""The Data page: the address says which work or job is shown; what buttons ask for comes as one JSON value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import dash_bootstrap_components as dbc
from dash import Input, Output, State, no_update, set_props
from dash.development.base_component import Component
from pydantic import ValidationError

from callbacks.filters import parse_search
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import data as layout
from layouts import data_check, data_loads
from layouts.shell import Ids as Shell
from services.access import Viewer
from services.dataroom import LOAD, LOOK, UNDO, DataRoom
from services.errors import UserError
from services.intake.editing import Edit, edited
from services.jobs import JobInfo, JobState
from services.ledger import Mode, in_force
from services.model import EMPTY
from services.prepared import rejects
from services.workbench import Decision
from services.yamlfile import Definition

Ids = layout.Ids
Body = list[Component]


class Asked(Definition):
    """What a button of the page asks for; `at` tells one press from the next."""

    do: str
    at: int = 0
    work: str = ""
    job: str = ""
    number: int = -1
    mode: Mode | None = None
    keep_good: bool = False
    afresh: bool = False
    edits: tuple[Edit, ...] = ()
    text: str = ""


def render(context: PageContext) -> Rendered:
    """Return the page in the state its URL asks for."""
    return layout.page(_state(context.services.data, context.viewer, dict(context.params)))


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    room = services.data
    register.client("bodyChanged", Output(Ids.SHOWN, "data"), Input(Ids.BODY, "children"), prevent_initial_call=True)
    register.client("jobOver", Output(Ids.GONE, "data"), Input(Ids.OVER, "data"), prevent_initial_call=True)

    @register(Output(Ids.BODY, "children"), Input(Ids.SEARCH, "data"), prevent_initial_call=True)
    def show(viewer: Viewer, change: object) -> Any:
        found = change if isinstance(change, Mapping) else {}
        set_props(Ids.SAID, {"children": None})
        return _state(room, viewer, dict(parse_search(found.get("search"))))

    @register(
        Output(Ids.PROGRESS, "children"),
        Output(Ids.OVER, "data"),
        Input(Ids.TICK, "n_intervals"),
        State(Shell.URL, "search"),
        prevent_initial_call=True,
    )
    def look_at_job(viewer: Viewer, _ticks: object, search: object) -> Any:
        job = room.job(str(dict(parse_search(search)).get("job", "")), viewer)
        if not job.over:
            return layout.progress(job), no_update
        # Other data may need another application: the browser gets it by loading the page anew.
        anew = search if job.kind != LOOK and job.state is JobState.DONE else None
        return no_update, {"anew": anew, "job": job.id}

    @register(Output(Shell.URL, "search", allow_duplicate=True), Input(Ids.ASKED, "data"), prevent_initial_call=True)
    def act(viewer: Viewer, asked: object) -> Any:
        if asked is None:  # what Dash sends when the page appears
            return no_update
        try:
            wanted = _read(asked)
            return ACTIONS[wanted.do](room, viewer, wanted)
        except UserError as error:
            set_props(Ids.SAID, {"children": dbc.Alert(str(error), color="danger", dismissable=True)})
            return no_update


def _read(asked: object) -> Asked:
    try:
        wanted = Asked.model_validate(asked)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        place = ".".join(map(str, wrong["loc"]))
        raise UserError(f"What the page asked for is not understood: {place}: {wrong['msg']}.") from None
    if wanted.do not in ACTIONS:
        raise UserError(f"The page cannot {wanted.do[:40]!r}. Allowed: {', '.join(ACTIONS)}.")
    return wanted


def _address(**params: str) -> str:
    return f"?{urlencode(params)}"


def _look(room: DataRoom, viewer: Viewer, asked: Asked) -> str:
    changes = None
    if asked.edits:
        looked = room.bench(asked.work, viewer).looked
        if looked is None or looked.proposal is None:
            raise UserError("These files were looked at anew in the meantime. Load the page again.")
        changes = edited(looked.proposal, looked.changes, asked.edits)
    return _address(work=asked.work, job=room.look(asked.work, viewer, changes, afresh=asked.afresh))


def _load(room: DataRoom, viewer: Viewer, asked: Asked) -> str:
    job = room.load(asked.work, viewer, asked.mode, keep_good=asked.keep_good)
    return _address(work=asked.work, job=job)


def _undo(room: DataRoom, viewer: Viewer, asked: Asked) -> str:
    return _address(job=room.undo(asked.number, viewer))


def _cancel(room: DataRoom, viewer: Viewer, asked: Asked) -> Any:
    room.cancel(asked.job, viewer)
    return no_update


def _discard(room: DataRoom, viewer: Viewer, asked: Asked) -> str:
    room.discard(asked.work, viewer)
    return _address(thrown=asked.work)


def _save_model(room: DataRoom, viewer: Viewer, asked: Asked) -> Any:
    room.save_model(asked.text, viewer)
    set_props(Ids.OVER, {"data": {"anew": _address(saved="model"), "at": asked.at}})
    return no_update


#: What buttons ask for; each returns the search part of the address that shows what came of it.
ACTIONS: Mapping[str, Callable[[DataRoom, Viewer, Asked], Any]] = {
    "look": _look,
    "load": _load,
    "undo": _undo,
    "cancel": _cancel,
    "discard": _discard,
    "model": _save_model,
}


def _state(room: DataRoom, viewer: Viewer, params: Mapping[str, str]) -> Body:
    """Return what the page shows for an address."""
    try:
        if "job" in params:
            return _of_job(room, viewer, room.job(params["job"], viewer))
        if "work" in params:
            return _of_work(room, viewer, params["work"])
    except UserError as error:
        return layout.gone(str(error))
    return _start(room, viewer, params)


def _start(room: DataRoom, viewer: Viewer, params: Mapping[str, str]) -> Body:
    model = room.model(viewer)
    text = data_loads.model_section(model, room.model_text(viewer), saved=params.get("saved") == "model")
    begun = layout.unfinished(room.unfinished(viewer), room.running(viewer))
    listed = data_loads.ledger(room.loads(viewer), model)
    return [layout.chooser(), *begun, listed, *([text] if text else [])]


def _of_job(room: DataRoom, viewer: Viewer, job: JobInfo) -> Body:
    if not job.over:
        return layout.running(job)
    if job.state is not JobState.DONE:
        return layout.stopped(job, work_is_there=_is_there(room, viewer, job))
    return RESULTS[job.kind](room, viewer, job, job.result or {})


def _looked(room: DataRoom, viewer: Viewer, _job: JobInfo, result: Mapping[str, Any]) -> Body:
    return _of_work(room, viewer, str(result["work"]))


def _taken_back(_room: DataRoom, _viewer: Viewer, _job: JobInfo, result: Mapping[str, Any]) -> Body:
    return data_loads.taken_back(int(result["undone"]))


def _loaded(room: DataRoom, viewer: Viewer, job: JobInfo, result: Mapping[str, Any]) -> Body:
    if "decision" in result:
        return _decision(room, viewer, job, Decision.model_validate(result["decision"]))
    entry = next((each for each in room.loads(viewer) if each.number == result["load"]), None)
    if entry is None:
        return layout.gone(f"Load {result['load']} is not in the list of loads any more.")
    return data_loads.loaded(
        entry, room.model(viewer), changed=bool(result["changed"]), overlap=str(result.get("overlap", ""))
    )


#: What is shown when a job of a kind is done.
RESULTS: Mapping[str, Callable[[DataRoom, Viewer, JobInfo, Mapping[str, Any]], Body]] = {
    LOOK: _looked,
    LOAD: _loaded,
    UNDO: _taken_back,
}


def _is_there(room: DataRoom, viewer: Viewer, job: JobInfo) -> bool:
    try:
        room.bench(str(job.arguments.get("work", "")), viewer)
    except UserError:
        return False
    return True


def _of_work(room: DataRoom, viewer: Viewer, work: str) -> Body:
    bench = room.bench(work, viewer)
    looked = bench.looked
    if looked is None:
        return layout.unfinished([each for each in room.unfinished(viewer) if each.work == work], [])
    return data_check.check(looked, work, [file.name for file in bench.work.files], _present(room, viewer))


def _decision(room: DataRoom, viewer: Viewer, job: JobInfo, decision: Decision) -> Body:
    room.bench(str(job.arguments["work"]), viewer)
    report = decision.prepared.report
    rejected = rejects(report, data_loads.REJECTS_SHOWN) if decision.about == "rejects" and report.exists() else []
    return data_loads.decide(decision, job, rejected, _present(room, viewer))


def _present(room: DataRoom, viewer: Viewer) -> data_check.Present | None:
    """Return what is there, None when there are no data."""
    model = room.model(viewer)
    if model is EMPTY:
        return None
    lines = sum(entry.rows_kept for entry in in_force(room.loads(viewer)[::-1]))
    recipe = room.recipe(viewer)
    return data_check.Present(model.title, lines, key=bool(recipe and recipe.key))
