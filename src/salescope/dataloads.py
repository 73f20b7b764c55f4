"""The jobs of the Data page and of forecasts; each runs in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from salescope import installation
from salescope.settings import Settings
from services.accounts import Accounts
from services.database import open_database
from services.dataroom import LOAD, LOOK, UNDO
from services.forecasting.room import KIND as FORECAST
from services.forecasting.room import ForecastRoom
from services.intake.proposal import Changes
from services.jobs import JobContext, Kind
from services.ledger import Load, Mode
from services.loading import undo as take_back
from services.workbench import Decision, Workbench


def _look(context: JobContext) -> Mapping[str, Any]:
    """Look at files: what they are, or what a recipe of theirs would be."""
    settings = Settings.from_env()
    said = context.arguments.get("changes")
    changes = None if said is None else Changes.model_validate(said)
    bench = _bench(settings, context)
    looked = bench.look(
        installation.model_files(settings),
        changes,
        afresh=bool(context.arguments.get("afresh")),
        progress=context.progress,
    )
    return {"work": context.arguments["work"], "fits": looked.fits}


def _load(context: JobContext) -> Mapping[str, Any]:
    """Prepare and publish what was looked at; ends undone when somebody has to decide first."""
    settings = Settings.from_env()
    store = installation.warehouse(settings)
    mode = context.arguments.get("mode")
    outcome = _bench(settings, context).load(
        store,
        installation.model_files(settings, store),
        mode=Mode(mode) if mode else None,
        keep_good=bool(context.arguments.get("keep_good")),
        progress=context.progress,
        commit=context.commit_point,
    )
    if isinstance(outcome, Decision):
        decision = outcome.model_dump(mode="json")
        return {"work": context.arguments["work"], "decision": decision}
    _record(settings, "data loaded", context, outcome.load)
    overlap = outcome.overlap.describe() if outcome.overlap else ""
    return {"load": outcome.load.number, "version": outcome.version, "changed": outcome.changed, "overlap": overlap}


def _undo(context: JobContext) -> Mapping[str, Any]:
    """Take a load back."""
    settings = Settings.from_env()
    store = installation.warehouse(settings)
    files = installation.model_files(settings, store)
    context.progress("Building the snapshot", 0.5)
    context.commit_point()
    outcome = take_back(store, files.called, int(context.arguments["number"]), by=context.owner)
    _record(settings, "load taken back", context, outcome.load)
    return {"undone": outcome.load.number, "version": outcome.version}


def _bench(settings: Settings, context: JobContext) -> Workbench:
    return Workbench(settings.instance / "uploads" / str(context.arguments["work"]))


def _record(settings: Settings, action: str, context: JobContext, load: Load) -> None:
    accounts = Accounts(open_database(settings.database_url))
    accounts.record(action, context.owner, "", f"load {load.number}, {load.name}: {load.rows_kept} rows")


def _forecast(context: JobContext) -> Mapping[str, Any]:
    """Forecast many series for the rows their owner may see now."""
    settings = Settings.from_env()
    engine = open_database(settings.database_url)
    room = ForecastRoom(settings.instance, installation.jobs(settings, engine))
    return room.make(context, installation.make_sales(settings), Accounts(engine).as_viewer(context.owner))


KINDS: Mapping[str, Kind] = {LOOK: _look, LOAD: _load, UNDO: _undo, FORECAST: _forecast}
