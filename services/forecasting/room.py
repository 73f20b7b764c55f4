"""Forecasts of many series: jobs of the person who asks, and what they found, until it is forgotten.

A result is a Parquet file that only a job that is done knows the digest of: what a process left that died, was
cancelled or was given up is never shown, and a damaged file is refused before it is read.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from services.access import Permission, Viewer
from services.errors import BusyError, UserError
from services.forecasting.requests import Asked
from services.forecasting.run import Run
from services.forecasting.sales import ROWS, forecast
from services.forecasting.shelf import FOLDER, Shelf
from services.jobs import KEEP, JobContext, JobInfo, Jobs, JobState, NoSuchJobError
from services.sales import Sales
from services.warehouse import file_digest

#: The kind of these jobs.
KIND = "forecast"
#: Forecasts one person may have under way.
AT_ONCE = 3
SHOWN = 5


class ForecastRoom:
    """Everything here asks for the permission to run forecasts, and shows people their own only."""

    def __init__(self, instance: Path, jobs: Jobs) -> None:
        self._root, self._shelf, self._jobs = instance / FOLDER, Shelf.of(instance), jobs

    def start(self, asked: Asked, viewer: Viewer) -> str:
        """Queue a forecast and return the job's id; BusyError when the viewer has too many under way."""
        viewer.require(Permission.FORECAST_RUN)
        waiting = [job for job in self._jobs.list(viewer) if self._is_own(job, viewer) and not job.over]
        if len(waiting) >= AT_ONCE:
            raise BusyError(f"You have {len(waiting)} forecasts under way; allowed: {AT_ONCE}. Wait, or cancel one.")
        arguments = {"asked": orjson.loads(asked.model_dump_json()), "scope": viewer.scope.fingerprint}
        return self._jobs.start(KIND, arguments, viewer)

    def job(self, identity: str, viewer: Viewer) -> JobInfo:
        """Return a forecast of the viewer; NoSuchJobError for anybody else's, admins included."""
        viewer.require(Permission.FORECAST_RUN)
        job = self._jobs.get(identity, viewer)
        if not self._is_own(job, viewer):
            raise NoSuchJobError(f"There is no forecast {identity[:36]!r}.")
        return job

    def latest(self, viewer: Viewer) -> list[JobInfo]:
        """Return the viewer's last forecasts, newest first."""
        viewer.require(Permission.FORECAST_RUN)
        return [job for job in self._jobs.list(viewer) if self._is_own(job, viewer)][:SHOWN]

    def cancel(self, identity: str, viewer: Viewer) -> None:
        """Ask a forecast to end; it leaves nothing behind."""
        self._jobs.cancel(self.job(identity, viewer).id, viewer)

    def result(self, identity: str, viewer: Viewer) -> Path:
        """Return the file of a forecast that is done.

        Raises UserError when it is not, when its file is damaged or gone, and when the viewer's rows are others now.
        """
        job = self.job(identity, viewer)
        if job.state is not JobState.DONE:
            raise UserError(f"The forecast is {job.state.value}; only one that is done has a result.")
        if job.arguments.get("scope") != viewer.scope.fingerprint:
            raise UserError("The rows you may see have changed since this forecast was made. Make it again.")
        path = self._path(job.id)
        if not path.is_file() or file_digest(path) != (job.result or {}).get("sha256"):
            raise UserError("The result of this forecast is gone or damaged. Make it again.")
        return path

    def make(self, context: JobContext, sales: Sales, viewer: Viewer) -> Mapping[str, Any]:
        """Do a job; what it returns says how many series there are and which file is the right one."""
        viewer.require(Permission.FORECAST_RUN)
        if context.arguments["scope"] != viewer.scope.fingerprint:
            raise UserError("The rows you may see have changed since this was asked for. Ask again.")
        asked = Asked.model_validate_json(orjson.dumps(context.arguments["asked"]))
        how = Run(rows=ROWS, expected=True, shelf=self._shelf)
        found = forecast(
            sales, asked.query, viewer, asked.horizon, how=how, parts=asked.parts, progress=context.progress
        )
        written = context.folder / "forecast.parquet"
        found.frame.to_parquet(written, index=False)
        digest = file_digest(written)
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._forget()
        written.replace(self._path(context.id))
        return {
            "series": int(found.frame["key"].nunique()),
            "rows": len(found.frame),
            "models": found.model,
            "coverage": found.coverage if found.coverage[0] == found.coverage[0] else None,
            "notes": found.notes,
            "version": found.version,
            "sha256": digest,
        }

    def _path(self, identity: str) -> Path:
        return self._root / f"{identity}.parquet"

    def _forget(self) -> None:
        """Remove results of jobs that are forgotten too."""
        for path in self._root.glob("*.parquet"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > KEEP.total_seconds():
                    path.unlink()

    @staticmethod
    def _is_own(job: JobInfo, viewer: Viewer) -> bool:
        return job.kind == KIND and job.owner == viewer.email
