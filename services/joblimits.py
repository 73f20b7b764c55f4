"""What the process of a job may use, and what its owner is told when that was not enough."""

from __future__ import annotations

import logging
import os
import resource
import uuid
from dataclasses import dataclass
from pathlib import Path

import duckdb

from services.errors import SalescopeError
from services.priority import lower_process

log = logging.getLogger("salescope")
MEGABYTE = 1024 * 1024
#: What makes a job smaller, by its kind; the others load files.
SMALLER = {"forecast": "Forecast fewer parts at a time, or longer periods"}
FEWER_FILES = "Load fewer or smaller files at a time"


@dataclass(frozen=True)
class Limits:
    """What one job may use. The memory is what the process asks for; the time is counted from its start."""

    memory_mb: int = 3000
    seconds: int = 3600


def restrict(limits: Limits) -> None:
    """Limit this process before it meets anything from outside."""
    lower_process()
    # The address space is no measure: DuckDB and Arrow reserve much more of it than they use.
    _limit(resource.RLIMIT_DATA, limits.memory_mb * MEGABYTE)
    _limit(resource.RLIMIT_CPU, limits.seconds * (os.cpu_count() or 1), spare=300)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(kind: int, wanted: int, *, spare: int = 0) -> None:
    allowed = resource.getrlimit(kind)[1]
    hard = wanted + spare if allowed == resource.RLIM_INFINITY else min(wanted + spare, allowed)
    resource.setrlimit(kind, (min(wanted, hard), hard))


def words_of(error: Exception, kind: str, limits: Limits) -> str:
    """Return what the owner is told; what only we can mend goes to the log under a number."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError | duckdb.OutOfMemoryException):
            log.error("Out of memory", exc_info=error)
            return _out_of_memory(f"the {limits.memory_mb} MB", kind)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, SalescopeError):
        return str(error)
    number = uuid.uuid4().hex[:8]
    log.error("Job failed, error %s", number, exc_info=error)
    return f"Something went wrong on our side (error {number}); nothing was changed. Tell an admin the number."


def smaller(kind: str) -> str:
    """Return how people make a job of a kind smaller."""
    return SMALLER.get(kind, FEWER_FILES)


def _out_of_memory(limit: str, kind: str) -> str:
    return (
        f"It needs more memory than {limit} a job may use; nothing was changed. {smaller(kind)}, "
        "or raise SALESCOPE_LOAD_MEMORY_MB."
    )


#: What native libraries write before they end the process for want of memory.
LAST_WORDS = (b"memory allocation", b"bad_alloc", b"out of memory", b"cannot allocate memory")


def cause_of_death(kind: str, path: Path, *, published: bool) -> str:
    """Return what is known of a process that ended without a word, or with some in its log at `path`."""
    if published:
        return "The process ended while it published. The list of loads says whether the data are there."
    tail = path.read_bytes()[-4000:].lower() if path.exists() else b""
    if any(words in tail for words in LAST_WORDS):
        return _out_of_memory("what", kind)
    return (
        "The process ended unexpectedly; nothing was changed. Start it again; if it stays, the server may lack memory."
    )
