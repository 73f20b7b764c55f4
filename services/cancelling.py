"""Cancelling: who asked for their running queries to be stopped, told to all processes of an installation by files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


class Cancelling:
    """A file per person in a folder; its time says when the person last cancelled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def cancel(self, user_id: int) -> None:
        """Have everything stopped that runs for a person now, here and in other processes."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark = self._file(user_id)
        before = self._mark(user_id)
        mark.touch(mode=0o600)
        if self._mark(user_id) == before:
            # Within one tick of the file system's clock: any other content is a change too.
            mark.write_bytes(mark.read_bytes() + b".")

    def watch(self, user_id: int) -> Callable[[], bool]:
        """Return what tells whether the person has cancelled since now."""
        before = self._mark(user_id)
        return lambda: self._mark(user_id) != before

    def _file(self, user_id: int) -> Path:
        return self._folder / str(int(user_id))

    def _mark(self, user_id: int) -> tuple[int, int]:
        try:
            found = self._file(user_id).stat()
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_size
