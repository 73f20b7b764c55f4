"""Folders to work in that go away with the process, however it ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from services.errors import LoadError
from services.processes import is_held, locked, try_lock

LOCK = "lock"
#: Bytes a load needs on the disk, as a multiple of those it writes in the end.
ROOM = 2.5
MEGABYTE = 1024 * 1024


@contextlib.contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Make a folder below `parent` and remove it at the end, with those of processes that were killed.

    A block that moves the folder away keeps it.
    """
    folder = parent / uuid.uuid4().hex
    with locked(parent / ".lock"):
        sweep(parent)
        held = try_lock(folder / LOCK)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


def require_space(folder: Path, size: int) -> None:
    """Raise LoadError unless there is room for `size` bytes and what sorting and writing them takes beside."""
    needed, free = int(size * ROOM), shutil.disk_usage(folder).free
    if free < needed:
        raise LoadError(
            f"The disk has {free / MEGABYTE:,.0f} MB free; this load needs about {needed / MEGABYTE:,.0f} MB. "
            "Make room, or load fewer files at a time."
        )


def sweep(parent: Path) -> None:
    """Remove the folders no living process works in; the caller keeps others from making new ones."""
    for folder in parent.iterdir():
        if folder.is_dir() and not is_held(folder / LOCK):
            shutil.rmtree(folder, ignore_errors=True)
