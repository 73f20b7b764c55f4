"""Checks of an installation: each finding says what is wrong and what to do."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import shutil
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from packaging.requirements import Requirement

from salescope import installation
from salescope.settings import ROOT, Settings
from salescope.tally import totals
from services.accounts import Accounts
from services.database import is_current, open_database
from services.errors import NotReadyError, SalescopeError
from services.flights import Outcome
from services.model import EMPTY
from services.warehouse import coverage_of

FREE_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    subject: str
    ok: bool
    words: str


def examine() -> list[Finding]:
    """Run every check and return the findings; a check that cannot run is a fault with its reason."""
    findings = [_check("Python", _python), _check("Packages", _packages)]
    try:
        settings = Settings.from_env()
    except SalescopeError as error:
        return [*findings, Finding("Settings", False, str(error))]
    findings.append(Finding("Settings", True, f"{settings.env}, instance folder {settings.instance}"))
    return findings + [_check(subject, functools.partial(check, settings)) for subject, check in _CHECKS]


def _check(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, check())
    except (SalescopeError, sa.exc.SQLAlchemyError, OSError) as error:
        return Finding(subject, False, str(error))


def _python() -> str:
    return sys.version.split(maxsplit=1)[0]


def _packages() -> str:
    """Compare what is installed with the versions the lock file names."""
    wrong = []
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if "==" not in line or line.startswith((" ", "#")):
            continue
        wanted = Requirement(line.rstrip(" \\"))
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        try:
            found = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            found = "missing"
        if found not in wanted.specifier:
            wrong.append(f"{wanted.name} is {found}, locked{wanted.specifier}")
    if wrong:
        raise SalescopeError(f"{'; '.join(wrong)}. Run: make install")
    return "all as locked"


def _instance(settings: Settings) -> str:
    mode = stat.S_IMODE(settings.instance.stat().st_mode)
    if mode & 0o077:
        raise SalescopeError(
            f"{settings.instance} is open to others (mode {mode:o}). Run: chmod 700 {settings.instance}"
        )
    if not os.access(settings.instance, os.W_OK):
        raise SalescopeError(f"{settings.instance} cannot be written.")
    free = shutil.disk_usage(settings.instance).free
    if free < FREE_BYTES:
        raise SalescopeError(f"Only {free / 1024**3:.1f} GB are free; a load needs 2 GB.")
    return f"writable, private, {free / 1024**3:.0f} GB free"


def _database(settings: Settings) -> str:
    engine = open_database(settings.database_url)
    if not is_current(engine):
        raise NotReadyError("The application database is missing or of another version. Run: salescope init")
    people = Accounts(engine).list()
    if not any(each.role == "admin" and each.active for each in people):
        raise NotReadyError("There is no active admin. Run: salescope user add … --role admin --everything")
    return f"{engine.dialect.name}, {len(people)} users"


def _model(settings: Settings) -> str:
    model = installation.model_files(settings).in_use()
    if model is EMPTY:
        return "none, there are no data yet"
    return f"{model.title}: {len(model.measures)} measures, {len(model.dimensions)} dimensions"


def _data(settings: Settings) -> str:
    warehouse = installation.warehouse(settings)
    pointer = warehouse.verify()
    if installation.model_files(settings, warehouse).name_in_use() is None:
        return "none yet; load some on the Data page, or with: salescope load FILE"
    covered = coverage_of(warehouse.current())
    where = f"version {pointer.version}, checksum right" if pointer else "used where they are, in a database"
    return (
        f"{where}, {covered['line_count']:,} lines, {covered['first_time']:%Y-%m-%d} to {covered['last_time']:%Y-%m-%d}"
    )


def _answers(settings: Settings) -> str:
    counts = totals(settings.instance / "answers")
    if not counts:
        return "none counted in the last day"
    kept, shared, memory = counts[Outcome.KEPT], counts[Outcome.SHARED], counts[Outcome.MEMORY]
    share = (kept + shared + memory) / counts.total()
    return (
        f"{counts.total():,} in the last day, {share:.0%} without a statement: {memory:,} from memory, "
        f"{kept:,} from the result cache, {shared:,} asked for by several at the same moment"
    )


_CHECKS: tuple[tuple[str, Callable[[Settings], str]], ...] = (
    ("Instance folder", _instance),
    ("Application database", _database),
    ("Model", _model),
    ("Data", _data),
    ("Answers", _answers),
)


def require_ready(settings: Settings) -> None:
    """Raise NotReadyError, naming the command to run, unless database, model and data are there."""
    for check in (_database, _model, _data):
        try:
            check(settings)
        except FileNotFoundError as error:
            raise NotReadyError(f"{error.filename} is missing. Run: salescope run") from None
