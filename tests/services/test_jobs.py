"""Jobs in real processes: how they start, end, die, are cancelled, and who may know of them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

import tests.job_runner
from services import jobs as module
from services.access import Viewer
from services.accounts import Accounts
from services.database import Job, User, migrate, open_database, utc_now
from services.errors import UserError
from services.joblimits import Limits
from services.jobs import JobInfo, Jobs, JobState, NoSuchJobError
from services.processes import is_held
from tests.factories import viewer_of

MEMORY = 700
#: A process imports DuckDB, Arrow and SQLAlchemy before it begins.
SOON = 30.0


class Office:
    """An application database with three people, and jobs run by tests/job_runner.py."""

    def __init__(self, folder: Path, *, slots: int = 1, seconds: int = 600, memory: int = MEMORY) -> None:
        self.folder, self.url = folder / "jobs", f"sqlite:///{folder}/app.db"
        self.engine = open_database(self.url)
        migrate(self.engine)
        with Session(self.engine) as session:
            for number, name in enumerate(("analyst", "admin", "manager"), start=1):
                session.add(User(id=number, email=f"{name}@example.com", name=name, role=name, password_hash="-"))
            session.commit()
        command = (sys.executable, tests.job_runner.__file__, self.url, str(self.folder), str(memory), str(seconds))
        self.jobs = Jobs(self.engine, self.folder, slots=slots, command=command)
        self.flags = folder

    def flag(self, name: str) -> Path:
        return self.flags / name

    def start(self, kind: str, viewer: Viewer | None = None, **arguments: Any) -> str:
        return self.jobs.start(kind, arguments, viewer or ANALYST)

    def get(self, identity: str) -> JobInfo:
        return self.jobs.get(identity, ANALYST)

    def until(self, identity: str, condition: Callable[[JobInfo], bool], limit: float = SOON) -> JobInfo:
        deadline = time.monotonic() + limit
        while not condition(found := self.get(identity)):
            assert time.monotonic() < deadline, (found, self.log(identity))
            time.sleep(0.05)
        return found

    def end_of(self, identity: str, limit: float = SOON) -> JobInfo:
        return self.until(identity, lambda job: job.over, limit)

    def running(self, identity: str, stage: str) -> JobInfo:
        return self.until(identity, lambda job: job.stage == stage or job.over)

    def row(self, identity: str) -> Job:
        with Session(self.engine) as session:
            found = session.get(Job, identity)
            assert found is not None
            return found

    def pid(self, identity: str) -> int:
        found = self.row(identity).pid
        assert found is not None
        return found

    def claimed(self, identity: str) -> None:
        """Wait until the job's process has begun."""
        self.until(identity, lambda job: self.row(identity).pid is not None or job.over)

    def log(self, identity: str) -> str:
        path = self.folder / identity / "log"
        return path.read_text("utf-8") if path.exists() else ""

    def gone(self, identity: str) -> bool:
        return until(lambda: not is_held(self.folder / identity / "lock"))

    def close(self) -> None:
        with Session(self.engine) as session:
            alive = session.scalars(sa.select(Job).where(Job.state.in_(module.OPEN))).all()
        for job in alive:
            if job.pid and is_held(self.folder / job.id / "lock"):
                os.kill(job.pid, signal.SIGKILL)
        self.engine.dispose()


ANALYST = replace(viewer_of("analyst"), user_id=1)
ADMIN = replace(viewer_of("admin"), user_id=2)
MANAGER = replace(viewer_of("manager"), user_id=3)


def until(condition: Callable[[], bool], limit: float = 10.0) -> bool:
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing for a parser")
    made = Office(tmp_path)
    yield made
    made.close()


@pytest.fixture
def two_slots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("SALESCOPE_JOBS", "2")
    made = Office(tmp_path, slots=2)
    yield made
    made.close()


def test_job_runs_in_a_process_of_its_own_and_brings_its_result(office: Office) -> None:
    identity = office.start("echo", files=["a.csv"], day="2024-01-31")
    job = office.end_of(identity)
    assert (job.state, job.error, job.share) == (JobState.DONE, "", 1.0), office.log(identity)
    assert job.result is not None
    assert job.result["arguments"] == {"files": ["a.csv"], "day": "2024-01-31"}
    assert job.result["owner"] == job.owner == "analyst@example.com"
    assert job.result["pid"] != os.getpid()
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.created_at <= job.started_at <= job.finished_at


def test_process_gets_no_environment_but_settings_and_the_locale(office: Office) -> None:
    job = office.end_of(office.start("echo"))
    assert job.result is not None
    allowed = {"HOME", "LANG", "LANGUAGE", "PATH", "TMPDIR", "TZ", "PYTHONPATH", "ARROW_DEFAULT_MEMORY_POOL"}
    assert [name for name in job.result["environment"] if name not in allowed and "SALESCOPE_" not in name] == []
    assert "TMPDIR" in job.result["environment"]


def test_temporary_files_go_and_the_log_stays(office: Office) -> None:
    identity = office.start("echo")
    office.end_of(identity)
    assert office.gone(identity)
    assert sorted(path.name for path in (office.folder / identity).iterdir()) == ["lock", "log"]


def test_progress_is_told_and_not_at_every_step(office: Office) -> None:
    with office.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE written (stage TEXT)")
        connection.exec_driver_sql(
            "CREATE TRIGGER noted AFTER UPDATE OF stage ON jobs WHEN NEW.stage LIKE 'Step%' "
            "BEGIN INSERT INTO written VALUES (NEW.stage); END"
        )
    identity = office.start("steps", until=str(office.flag("go")))
    job = office.until(identity, lambda each: each.stage == "Step 1999" or each.over)
    assert job.state == JobState.RUNNING
    assert job.share == pytest.approx(1999 / 2000)
    office.flag("go").touch()
    assert office.end_of(identity).state == JobState.DONE
    with office.engine.connect() as connection:
        assert 1 <= connection.exec_driver_sql("SELECT count(*) FROM written").scalar_one() < 10


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        pytest.param("refuse", "The file has no rows.", id="a mistake in the data"),
        pytest.param("nonsense", "no jobs of the kind 'nonsense'", id="unknown kind"),
        pytest.param("python_bomb", f"needs more memory than the {MEMORY} MB a job may use", id="memory in Python"),
        pytest.param("engine_bomb", f"needs more memory than the {MEMORY} MB a job may use", id="memory in DuckDB"),
        pytest.param("native_bomb", "what a job may use; nothing was changed. Load fewer", id="memory in native code"),
        pytest.param("forecast", "nothing was changed. Forecast fewer parts", id="memory of a forecast"),
    ],
)
def test_failure_says_what_to_do(office: Office, kind: str, words: str) -> None:
    identity = office.start(kind)
    job = office.end_of(identity)
    assert job.state == JobState.FAILED
    assert words in job.error
    assert not (office.folder / identity / "tmp").exists()


@pytest.mark.parametrize("kind", ["stumble", "unspeakable"])
def test_fault_of_ours_is_a_number_for_the_owner_and_a_traceback_in_the_log(office: Office, kind: str) -> None:
    identity = office.start(kind)
    job = office.end_of(identity)
    assert job.state == JobState.FAILED
    assert "Something went wrong on our side (error " in job.error
    assert "secret" not in job.error
    assert job.error.split("(error ")[1][:8] in office.log(identity)
    assert "Traceback" in office.log(identity)


@pytest.mark.parametrize("kind", ["burn", "hold"], ids=["computing", "waiting"])
def test_job_over_its_time_is_stopped(tmp_path: Path, kind: str) -> None:
    office = Office(tmp_path, seconds=3)
    identity = office.start(kind, until=str(office.flag("never")))
    job = office.end_of(identity)
    assert job.state == JobState.FAILED
    assert "took longer than the 0.05 minutes a job may take" in job.error
    assert office.gone(identity)
    office.close()


def test_computing_time_ends_a_job_that_lets_no_thread_run(tmp_path: Path) -> None:
    """The kernel counts; the watcher is told by the signal, whatever the rest of the process does."""
    office = Office(tmp_path, seconds=600)
    identity = office.start("burn")
    office.claimed(identity)
    time.sleep(1)
    os.kill(office.pid(identity), signal.SIGXCPU)
    job = office.end_of(identity, 5)
    assert (job.state, "took longer" in job.error) == (JobState.FAILED, True)
    office.close()


def test_killed_process_is_found_at_the_next_look(office: Office) -> None:
    identity = office.start("hold", until=str(office.flag("never")))
    office.running(identity, "Holding")
    os.kill(office.pid(identity), signal.SIGKILL)
    assert office.gone(identity)
    assert office.row(identity).state == JobState.RUNNING
    job = office.get(identity)
    assert job.state == JobState.FAILED
    assert "The process ended unexpectedly; nothing was changed" in job.error
    assert not (office.folder / identity / "tmp").exists()


def test_process_killed_while_publishing_does_not_claim_that_nothing_changed(office: Office) -> None:
    office.flag("begin").touch()
    identity = office.start("publish", begin=str(office.flag("begin")), until=str(office.flag("never")))
    office.running(identity, "Publishing")
    os.kill(office.pid(identity), signal.SIGKILL)
    assert office.gone(identity)
    assert "The list of loads says whether the data are there" in office.get(identity).error


def test_next_job_starts_when_one_was_killed(office: Office) -> None:
    first = office.start("hold", until=str(office.flag("never")))
    second = office.start("echo")
    office.running(first, "Holding")
    assert office.get(second).state == JobState.QUEUED
    os.kill(office.pid(first), signal.SIGKILL)
    assert office.end_of(second).state == JobState.DONE


def test_cancel_ends_the_process_and_leaves_nothing(office: Office) -> None:
    identity = office.start("hold", until=str(office.flag("never")))
    office.running(identity, "Holding")
    office.jobs.cancel(identity, ANALYST)
    job = office.end_of(identity, 15)
    assert (job.state, job.error) == (JobState.CANCELLED, "")
    assert office.gone(identity)
    assert not (office.folder / identity / "tmp").exists()
    with pytest.raises(UserError, match="is cancelled already; there is nothing to cancel"):
        office.jobs.cancel(identity, ANALYST)


def test_cancel_of_a_queued_job_never_starts_it(office: Office) -> None:
    first = office.start("hold", until=str(office.flag("go")))
    second = office.start("echo")
    office.jobs.cancel(second, ANALYST)
    office.flag("go").touch()
    assert office.end_of(first).state == JobState.DONE
    assert office.get(second).state == JobState.CANCELLED
    assert office.get(second).started_at is None


def test_cancel_kills_a_process_that_does_not_listen(office: Office) -> None:
    identity = office.start("deaf")
    office.running(identity, "Deaf")
    time.sleep(1)
    office.jobs.cancel(identity, ANALYST)
    assert office.get(identity).cancelling
    assert office.end_of(identity, 10).state == JobState.CANCELLED


def test_cancel_is_refused_once_the_job_publishes(office: Office) -> None:
    office.flag("begin").touch()
    identity = office.start("publish", begin=str(office.flag("begin")), until=str(office.flag("go")))
    office.running(identity, "Publishing")
    with pytest.raises(UserError, match="publishing, which cannot be stopped halfway"):
        office.jobs.cancel(identity, ANALYST)
    office.flag("go").touch()
    job = office.end_of(identity)
    assert (job.state, job.result) == (JobState.DONE, {"published": True})


def test_job_cancelled_before_it_publishes_does_not(office: Office) -> None:
    """The cancel is written; the job comes to its point of no return before its watcher has looked."""
    for _ in range(3):
        office.flag("begin").unlink(missing_ok=True)
        identity = office.start("publish", begin=str(office.flag("begin")), until=str(office.flag("never")))
        office.claimed(identity)
        office.jobs.cancel(identity, ANALYST)
        office.flag("begin").touch()
        assert office.end_of(identity, 5).state == JobState.CANCELLED
        assert office.row(identity).committed is False


def test_time_does_not_end_a_job_that_publishes(tmp_path: Path) -> None:
    office = Office(tmp_path, seconds=3)
    office.flag("begin").touch()
    identity = office.start("publish", begin=str(office.flag("begin")), until=str(office.flag("go")))
    office.running(identity, "Publishing")
    time.sleep(4)
    assert office.get(identity).state == JobState.RUNNING
    office.flag("go").touch()
    assert office.end_of(identity).state == JobState.DONE
    office.close()


def test_waiting_is_shown(office: Office) -> None:
    identity = office.start("wait", until=str(office.flag("go")))
    job = office.until(identity, lambda each: each.state is not JobState.QUEUED and each.stage.startswith("Waiting"))
    assert job.state == JobState.WAITING
    office.flag("go").touch()
    assert office.running(identity, "Going on").state == JobState.RUNNING
    office.flag("go2").touch()
    assert office.end_of(identity).state == JobState.DONE


def test_one_at_a_time_in_the_order_they_were_asked_for(office: Office) -> None:
    office.flag("go").touch()
    started = [office.start("hold", until=str(office.flag("go"))) for _ in range(3)]
    ended = [office.end_of(identity) for identity in started]
    spans = [(job.result["began"], job.result["ended"]) for job in ended if job.result]
    assert len(spans) == 3
    assert spans == sorted(spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_as_many_at_once_as_there_are_slots(two_slots: Office) -> None:
    started = [two_slots.start("hold", until=str(two_slots.flag("go"))) for _ in range(3)]
    for identity in started[:2]:
        assert two_slots.running(identity, "Holding").state == JobState.RUNNING
    assert two_slots.get(started[2]).state == JobState.QUEUED
    two_slots.flag("go").touch()
    assert [two_slots.end_of(identity).state for identity in started] == [JobState.DONE] * 3


def test_job_outlives_the_application_that_started_it(office: Office) -> None:
    """Another process of the application, or the same one restarted, sees it through."""
    identity, queued = (office.start("hold", until=str(office.flag("go"))) for _ in range(2))
    office.running(identity, "Holding")
    restarted = Jobs(open_database(office.url), office.folder, command=office.jobs._command)
    office.flag("go").touch()
    assert until(lambda: restarted.get(identity, ANALYST).state == JobState.DONE)
    assert until(lambda: restarted.get(queued, ANALYST).state == JobState.DONE, SOON)
    restarted._engine.dispose()


def test_queued_job_starts_without_anybody_looking(office: Office) -> None:
    office.flag("go").touch()
    office.start("hold", until=str(office.flag("go")))
    second = office.start("echo")
    assert until(lambda: office.row(second).state == JobState.DONE, SOON)


def test_job_of_somebody_else_does_not_exist(office: Office) -> None:
    identity = office.start("hold", until=str(office.flag("go")))
    for asked in (identity, "nonsense", "", "../" * 20):
        with pytest.raises(NoSuchJobError, match="There is no job"):
            office.jobs.get(asked, MANAGER)
        with pytest.raises(NoSuchJobError, match="There is no job"):
            office.jobs.cancel(asked, MANAGER)
    assert office.jobs.list(MANAGER) == []
    assert [job.id for job in office.jobs.list(ANALYST)] == [identity]
    assert [job.id for job in office.jobs.list(ADMIN)] == [identity]
    assert office.jobs.get(identity, ADMIN).owner == "analyst@example.com"
    office.jobs.cancel(identity, ADMIN)
    assert office.end_of(identity).state == JobState.CANCELLED


def test_job_of_a_disabled_person_does_not_run(office: Office) -> None:
    first = office.start("hold", until=str(office.flag("go")))
    second = office.start("echo")
    office.running(first, "Holding")
    Accounts(office.engine).set_active("analyst@example.com", active=False)
    office.flag("go").touch()
    assert office.end_of(first).state == JobState.DONE
    assert "was disabled" in office.end_of(second).error


def test_job_is_run_by_one_process_only(office: Office) -> None:
    identity = office.start("hold", until=str(office.flag("go")))
    office.running(identity, "Holding")
    for asked in (identity, "nonsense"):
        with pytest.raises(UserError, match="does not wait for a process"):
            office.jobs.run(asked, tests.job_runner.KINDS, Limits())


def test_old_jobs_are_forgotten_with_their_folders(office: Office) -> None:
    old, fresh = office.start("echo"), office.start("echo")
    office.end_of(old)
    office.end_of(fresh)
    with office.engine.begin() as connection:
        past = utc_now() - module.KEEP * 2
        connection.execute(sa.update(Job).where(Job.id == old).values(created_at=past))
    office.end_of(office.start("echo"))
    assert old not in [job.id for job in office.jobs.list(ANALYST)]
    assert not (office.folder / old).exists()
    assert (office.folder / fresh).exists()
