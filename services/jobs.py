"""Jobs: long work in processes of its own, with progress, cancel and an owner.

A job is a row of the application database and a folder `<id>` with `lock`, `log` and `tmp`:

    queued -> running <-> waiting -> done | failed | cancelled

The process holds `lock` as long as it lives, however it ends: a job that runs and whose lock is free has died. It
holds one of the files `slot-N` as well, so that only so many run at once. Both locks are inherited from whoever starts
the process: there is no moment between the two. `sweep` finds the dead and starts the queued; every look at the jobs
and every end of one does it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import select
import shutil
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.access import Permission, Viewer
from services.database import Job, User, utc_now
from services.errors import SalescopeError, UserError
from services.joblimits import Limits, cause_of_death, restrict, smaller, words_of
from services.processes import is_held, locked, spawn, try_lock

COMMAND = (sys.executable, "-m", "salescope", "job")
#: How often a running job writes its progress and looks whether it was cancelled.
TICK = 0.25
#: A job that was cancelled and does not end by itself is killed after this.
PATIENCE = dt.timedelta(seconds=3)
KEEP = dt.timedelta(days=30)


class JobState(StrEnum):
    """Where a job is; a waiting one runs, but waits for another."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ALIVE = (JobState.RUNNING, JobState.WAITING)
OPEN = (JobState.QUEUED, *ALIVE)


class NoSuchJobError(UserError):
    """There is no such job, or it is somebody else's; nobody is told which."""


class CancelledError(SalescopeError):
    """The job was cancelled before its point of no return; it ends without a trace."""


@dataclass(frozen=True)
class JobInfo:
    """A job as its owner sees it. `result` is what its kind returned, `error` why it failed, both for people."""

    id: str
    kind: str
    owner: str
    state: JobState
    stage: str
    share: float
    arguments: Mapping[str, Any]
    result: Mapping[str, Any] | None
    error: str
    created_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    cancelling: bool

    @property
    def over(self) -> bool:
        """True when nothing about the job will change any more."""
        return self.state not in OPEN


class Jobs:
    """The jobs of an installation; `folder` is theirs alone, `slots` of them run at once."""

    def __init__(self, engine: sa.Engine, folder: Path, *, slots: int = 1, command: Sequence[str] = COMMAND) -> None:
        self._engine, self._folder, self._slots, self._command = engine, folder, slots, tuple(command)

    def start(self, kind: str, arguments: Mapping[str, Any], viewer: Viewer) -> str:
        """Queue a job for the viewer, start it when there is room, and return its id.

        Whether the viewer may do this is asked before, by whoever offers it.
        """
        identity = str(uuid.uuid4())
        (self._folder_of(identity) / "tmp").mkdir(parents=True, mode=0o700)
        with Session(self._engine) as session:
            session.add(
                Job(
                    id=identity,
                    kind=kind,
                    user_id=viewer.user_id,
                    owner=viewer.email,
                    state=JobState.QUEUED,
                    arguments=orjson.loads(orjson.dumps(arguments)),
                    created_at=utc_now(),
                )
            )
            session.commit()
        self.sweep()
        return identity

    def get(self, identity: str, viewer: Viewer) -> JobInfo:
        """Return a job of the viewer (of anybody, for who manages people); raises NoSuchJobError."""
        self.sweep()
        return self._info(identity, viewer)

    def list(self, viewer: Viewer, *, limit: int = 50) -> list[JobInfo]:
        """Return the viewer's jobs (everybody's, for who manages people), newest first."""
        self.sweep()
        asked = sa.select(Job).order_by(Job.created_at.desc(), Job.id).limit(limit)
        if not viewer.may(Permission.USERS_MANAGE):
            asked = asked.where(Job.user_id == viewer.user_id)
        with Session(self._engine) as session:
            return [_info(job) for job in session.scalars(asked)]

    def cancel(self, identity: str, viewer: Viewer) -> None:
        """Ask a job to end; it does within moments and leaves nothing behind.

        Raises NoSuchJobError, and UserError when it is over or past its point of no return.
        """
        job = self._info(identity, viewer)
        if self._change(identity, (JobState.QUEUED,), state=JobState.CANCELLED, finished_at=utc_now()):
            self._tidy(identity)
            return
        with self._engine.begin() as connection:
            asked = connection.execute(
                sa.update(Job)
                .where(Job.id == identity, Job.state.in_(ALIVE), ~Job.committed)
                .values(cancel_requested_at=sa.func.coalesce(Job.cancel_requested_at, utc_now()))
            )
        if asked.rowcount == 0:
            job = self._info(identity, viewer)
            if job.over:
                raise UserError(f"The job is {job.state} already; there is nothing to cancel.")
            raise UserError("The job is publishing, which cannot be stopped halfway. Wait for it, then undo the load.")
        self.sweep()

    def sweep(self) -> None:
        """Fail the jobs whose process has died, kill those that ignore a cancel, start queued ones."""
        with Session(self._engine) as session:
            if session.scalar(sa.select(Job.id).where(Job.state.in_(OPEN)).limit(1)) is None:
                return
        with locked(self._folder / "LOCK"):
            with Session(self._engine) as session:
                found = session.scalars(sa.select(Job).where(Job.state.in_(OPEN)).order_by(Job.created_at)).all()
            for job in found:
                if job.state in ALIVE:
                    self._look_after(job)
            for job in found:
                if job.state == JobState.QUEUED and not self._start_process(job.id):
                    break
            self._forget()

    def _look_after(self, job: Job) -> None:
        if not is_held(self._folder_of(job.id) / "lock"):
            self._bury(job)
        elif job.cancel_requested_at and utc_now() - job.cancel_requested_at > PATIENCE and job.pid:
            # The lock is held: the process lives, so the number is still its own.
            with contextlib.suppress(ProcessLookupError):
                os.kill(job.pid, signal.SIGKILL)

    def _bury(self, job: Job) -> None:
        cancelled = job.cancel_requested_at is not None and not job.committed
        state = JobState.CANCELLED if cancelled else JobState.FAILED
        error = "" if cancelled else cause_of_death(job.kind, self._folder_of(job.id) / "log", published=job.committed)
        if self._change(job.id, ALIVE, state=state, error=error, finished_at=utc_now()):
            self._tidy(job.id)

    def _start_process(self, identity: str) -> bool:
        """Start a queued job's process; False when no slot is free."""
        slot = next((slot for number in range(self._slots) if (slot := self._slot(number)) is not None), None)
        if slot is None:
            return False
        folder = self._folder_of(identity)
        lock = try_lock(folder / "lock")
        try:
            begun = {"state": JobState.RUNNING, "started_at": utc_now(), "stage": "Starting"}
            if lock is not None and self._change(identity, (JobState.QUEUED,), **begun):
                command = [*self._command, identity, "--slot", str(slot)]
                spawn(command, log=folder / "log", locks=(lock, slot), TMPDIR=str(folder / "tmp"))
        finally:
            os.close(slot)
            if lock is not None:
                os.close(lock)
        return True

    def _slot(self, number: int) -> int | None:
        return try_lock(self._folder / f"slot-{number}")

    def _forget(self) -> None:
        """Remove jobs that were over long ago, with their logs."""
        old = sa.select(Job.id).where(Job.state.not_in(OPEN), Job.created_at < utc_now() - KEEP)
        with self._engine.begin() as connection:
            for identity in connection.scalars(old).all():
                shutil.rmtree(self._folder_of(identity), ignore_errors=True)
                connection.execute(sa.delete(Job).where(Job.id == identity))

    def _folder_of(self, identity: str) -> Path:
        return self._folder / identity

    def _tidy(self, identity: str) -> None:
        shutil.rmtree(self._folder / identity / "tmp", ignore_errors=True)

    def _change(self, identity: str, states: Sequence[JobState], *more: sa.ColumnElement[bool], **values: Any) -> bool:
        """Set values of a job that is in one of the states; False when it is not."""
        with self._engine.begin() as connection:
            changed = connection.execute(
                sa.update(Job).where(Job.id == identity, Job.state.in_(states), *more).values(values)
            )
        return changed.rowcount == 1

    def _info(self, identity: str, viewer: Viewer) -> JobInfo:
        with Session(self._engine) as session:
            job = session.get(Job, identity[:36])
            if job is None or (job.user_id != viewer.user_id and not viewer.may(Permission.USERS_MANAGE)):
                raise NoSuchJobError(f"There is no job {identity[:36]!r}.")
            return _info(job)

    def run(self, identity: str, kinds: Mapping[str, Kind], limits: Limits, slot: int | None = None) -> None:
        """Do a job in this process, which was started for it, and start the next one.

        Raises UserError when the job does not wait for a process; everything else goes into the job's row.
        """
        job = self._claim(identity)
        restrict(limits)
        watcher = _Watcher(self, job, limits, slot)
        context = JobContext(self, job, self._folder_of(identity) / "tmp", watcher)
        watcher.start()
        try:
            outcome: dict[str, Any] = {"state": JobState.DONE, "share": 1.0, "result": _done(kinds, context)}
        except CancelledError:
            outcome = {"state": JobState.CANCELLED}
        except Exception as error:
            outcome = {"state": JobState.FAILED, "error": words_of(error, context.kind, limits)}
        watcher.stop()
        self._end(identity, slot, **outcome)

    def _claim(self, identity: str) -> Job:
        unclaimed = self._change(identity, (JobState.RUNNING,), Job.pid.is_(None), pid=os.getpid())
        with Session(self._engine) as session:
            job = session.get(Job, identity)
        if not unclaimed or job is None:
            raise UserError(f"The job {identity!r} does not wait for a process. Jobs are started by the application.")
        return job

    def _end(self, identity: str, slot: int | None, **values: Any) -> bool:
        """Write how a job ended, tidy up and let the next one start; False when it had ended already."""
        ended = self._change(identity, ALIVE, finished_at=utc_now(), **values)
        if ended:
            self._tidy(identity)
        if slot is not None:
            os.close(slot)
            self.sweep()
        return ended

    def _active(self, job: Job) -> bool:
        with Session(self._engine) as session:
            return bool(session.scalar(sa.select(User.active).where(User.id == job.user_id)))


class JobContext:
    """What the function of a job's kind gets: arguments, owner, a folder of its own that goes with the job."""

    def __init__(self, jobs: Jobs, job: Job, folder: Path, watcher: _Watcher) -> None:
        self._jobs, self._job, self._watcher = jobs, job, watcher
        self.id, self.kind, self.folder = job.id, job.kind, folder
        self.arguments: Mapping[str, Any] = job.arguments
        self.owner, self.user_id = job.owner, job.user_id

    @property
    def owner_is_active(self) -> bool:
        """False when the owner was disabled since the job was asked for."""
        return self._jobs._active(self._job)

    def progress(self, stage: str, share: float) -> None:
        """Say what is being done and how much of the whole is; as often as one likes."""
        self._watcher.said = (stage[:200], min(max(share, 0.0), 1.0))

    @contextlib.contextmanager
    def waiting(self, stage: str) -> Iterator[None]:
        """Show the job as waiting while the block runs."""
        self._jobs._change(self.id, ALIVE, state=JobState.WAITING, stage=stage[:200])
        try:
            yield
        finally:
            self._jobs._change(self.id, ALIVE, state=JobState.RUNNING)

    def commit_point(self) -> None:
        """Pass the point of no return: from here on the job cannot be cancelled and its time is not up.

        Call it right before a publish. Raises CancelledError when the owner was faster.
        """
        if not self._jobs._change(self.id, ALIVE, Job.cancel_requested_at.is_(None), committed=True):
            raise CancelledError("The job was cancelled.")


#: What a kind of job does; it returns what the owner gets to see, plain values that JSON knows.
Kind = Callable[[JobContext], Mapping[str, Any]]


def _done(kinds: Mapping[str, Kind], context: JobContext) -> Any:
    if context.kind not in kinds:
        raise UserError(f"This version of Salescope has no jobs of the kind {context.kind!r}. Start the work again.")
    if not context.owner_is_active:
        raise UserError("The account that asked for this was disabled.")
    return orjson.loads(orjson.dumps(kinds[context.kind](context)))


class _Watcher(threading.Thread):
    """Writes the progress of the running job, and ends the process when it is cancelled or over its time.

    Ending at any moment is safe: what is half done lies in temporary files, what is done was published whole.
    """

    def __init__(self, jobs: Jobs, job: Job, limits: Limits, slot: int | None) -> None:
        super().__init__(name="watcher", daemon=True)
        self._jobs, self._identity, self._kind, self._limits, self._slot = jobs, job.id, job.kind, limits, slot
        self.said: tuple[str, float] | None = None
        self._over = False
        self._began = time.monotonic()
        # Python runs its signal handlers between two of its own steps; a long native call would keep the signal from
        # it. The descriptor gets it at once.
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGXCPU, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def run(self) -> None:
        """Look every TICK, or at once when told something."""
        told = b""
        while not self._over:
            with contextlib.suppress(sa.exc.OperationalError):
                self._look(out_of_time=signal.SIGXCPU in told or time.monotonic() - self._began > self._limits.seconds)
            ready, _, _ = select.select([self._read], [], [], TICK)
            told += os.read(self._read, 64) if ready else b""

    def stop(self) -> None:
        """Stop watching; the job ends by itself."""
        self._over = True
        os.write(self._write, b"\0")
        self.join()
        signal.set_wakeup_fd(-1)
        os.close(self._read)
        os.close(self._write)

    def _look(self, *, out_of_time: bool) -> None:
        said, self.said = self.said, None
        if said is not None:
            self._jobs._change(self._identity, ALIVE, stage=said[0], share=said[1])
        if out_of_time:
            minutes = f"{self._limits.seconds / 60:g}"
            words = f"It took longer than the {minutes} minutes a job may take and was stopped; nothing was changed. "
            self._leave(JobState.FAILED, words + f"{smaller(self._kind)}, or raise SALESCOPE_LOAD_MINUTES.")
        with Session(self._jobs._engine) as session:
            asked = session.scalar(sa.select(Job.cancel_requested_at).where(Job.id == self._identity))
        if asked is not None:
            self._leave(JobState.CANCELLED, "")

    def _leave(self, state: JobState, error: str) -> None:
        """End the process, unless the job is past its point of no return."""
        if self._jobs._change(self._identity, ALIVE, ~Job.committed, state=state, error=error, finished_at=utc_now()):
            with contextlib.suppress(Exception):
                self._jobs._tidy(self._identity)
                self._jobs._end(self._identity, self._slot)
            os._exit(1)


def _info(job: Job) -> JobInfo:
    return JobInfo(
        id=job.id,
        kind=job.kind,
        owner=job.owner,
        state=JobState(job.state),
        stage=job.stage,
        share=job.share,
        arguments=job.arguments,
        result=job.result,
        error=job.error,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        cancelling=job.cancel_requested_at is not None and job.state in ALIVE,
    )
