"""Under what circumstances code runs: from where, for which request, and whether it may change anything.

The web application sets them at the beginning of every request; elsewhere, as on the command line, the defaults hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Circumstances:
    """Where a request comes from, its number, and the site that was asked, such as https://sales.example.com.

    `looking_as` is whose eyes `by` borrows, which is for reading only. `locale` is how whoever asks wants numbers and
    dates written, "" for the way of the data.
    """

    address: str = ""
    request: str = ""
    looking_as: str = ""
    by: str = ""
    site: str = ""
    bookkeeping: bool = False
    locale: str = ""

    @property
    def read_only(self) -> bool:
        """True when the application database refuses to be changed."""
        return bool(self.looking_as) and not self.bookkeeping


_NOW: ContextVar[Circumstances] = ContextVar("circumstances", default=Circumstances())  # noqa: B039 - it is frozen


def now() -> Circumstances:
    """Return the circumstances of the code that asks."""
    return _NOW.get()


def begin(circumstances: Circumstances) -> None:
    """Set the circumstances of this thread's request."""
    _NOW.set(circumstances)


@contextmanager
def bookkeeping() -> Iterator[None]:
    """Let the application note what happens, such as in the audit log, also while somebody only looks."""
    token = _NOW.set(replace(_NOW.get(), bookkeeping=True))
    try:
        yield
    finally:
        _NOW.reset(token)
