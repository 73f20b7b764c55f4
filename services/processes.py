"""Processes of our own beside the web server, and file locks that end with the last process that holds them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

#: What a process of ours gets of the environment, beside SALESCOPE_… and the locale.
KEPT = ("HOME", "LANG", "LANGUAGE", "PATH", "TMPDIR", "TZ")
MAX_LOG = 1_000_000


def try_lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock on a file, None when another one does.

    A process that inherits the descriptor holds the lock too; it is free when the last copy is closed.
    """
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_held(path: Path) -> bool:
    """Tell whether somebody holds the lock on a file; a file that is not there (any more) is held by nobody."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on a file; waits until it is free."""
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a process of ours: our settings and the little that Python needs."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or name.startswith(("SALESCOPE_", "LC_", "COVERAGE_"))
    }
    # The server may have found its modules by an option of its own; Arrow's pool would reserve 1 GB of the limit.
    found = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "ARROW_DEFAULT_MEMORY_POOL": "system"}
    return kept | found | more


def spawn(command: Sequence[str], *, log: Path, locks: Sequence[int] = (), **more: str) -> int:
    """Start a process that outlives this one and return its id.

    It has no terminal, writes to the end of `log`, holds `locks` from its first moment on, and has nothing else of
    what is open here; `more` are environment variables.
    """
    if log.exists() and log.stat().st_size > MAX_LOG:
        log.unlink()
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter with arguments made here
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(**more),
            pass_fds=locks,
            start_new_session=True,
        )
    # Somebody must ask for the exit code, or the process stays in the table of processes.
    threading.Thread(target=process.wait, name=f"wait-{process.pid}", daemon=True).start()
    return process.pid
