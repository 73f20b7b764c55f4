"""Answers that several ask for at the same moment are computed once, by threads and by worker processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

#: How long a process sleeps between two looks whether another one has finished.
FIRST_NAP, LONGEST_NAP = 0.002, 0.05
GiveBack = Callable[[], None]
T = TypeVar("T")


class ResultCache(Protocol):
    """Keeps answers as bytes; may forget anything at any time, and never raises."""

    def get(self, key: str) -> bytes | None:
        """Return what was kept under the key, or None."""

    def set(self, key: str, value: bytes) -> None:
        """Keep a value."""


class Turns(Protocol):
    """Says which of several processes computes an answer; never raises, and gives a turn when in doubt."""

    def take(self, key: str) -> GiveBack | None:
        """Return what ends the turn, None while another process has it."""


class AlwaysOurTurn:
    """For one process, or where processes share no cache."""

    def take(self, key: str) -> GiveBack | None:  # noqa: ARG002 - the protocol's
        """Return an end of the turn at which nothing happens."""
        return nothing


class Outcome(StrEnum):
    """How a request for an answer ended."""

    KEPT = "kept"
    SHARED = "shared"
    COMPUTED = "computed"
    #: From columns in memory, which is as fast as the cache.
    MEMORY = "memory"


@dataclass(frozen=True)
class Form(Generic[T]):
    """How a value becomes bytes and back; `unpack` returns None for bytes that are damaged."""

    pack: Callable[[T], bytes]
    unpack: Callable[[bytes], T | None]


class _Flight:
    """A computation under way in this process; `packed` is None when it failed."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.packed: bytes | None = None


class Flights(Generic[T]):
    """A cache in front of computations: what is under way is waited for, not begun again.

    An error reaches the one who computed; one of those who waited computes next. Nobody waits longer than `seconds`:
    then, or when processes cannot tell each other, an answer is computed twice.
    """

    def __init__(
        self, cache: ResultCache, turns: Turns, form: Form[T], seconds: float, tell: Callable[[Outcome], None]
    ) -> None:
        self._cache, self._turns, self._form, self._seconds, self._tell = cache, turns, form, seconds, tell
        self._lock = threading.Lock()
        self._flying: dict[str, _Flight] = {}

    def kept(self, key: str) -> T | None:
        """Return what the cache keeps under a key, None for nothing or something damaged."""
        found = self._kept(key)
        if found is not None:
            self._tell(Outcome.KEPT)
        return found

    def value(self, key: str, compute: Callable[[], T]) -> tuple[T, Outcome]:
        """Return the value of a key, computed here or by whoever began first, and which of these it was."""
        deadline = time.monotonic() + self._seconds
        while (flight := self._join(key)) is not None:
            flight.landed.wait(max(0.0, deadline - time.monotonic()))
            shared = self._form.unpack(flight.packed) if flight.packed is not None else None
            if shared is not None:
                return self._told(shared, Outcome.SHARED)
            if time.monotonic() >= deadline:
                return self._told(compute(), Outcome.COMPUTED)
        try:
            return self._told(*self._among_processes(key, compute, deadline))
        finally:
            with self._lock:
                self._flying.pop(key).landed.set()

    def _join(self, key: str) -> _Flight | None:
        """Return the flight under way for a key; None when it is ours, begun by this call."""
        with self._lock:
            under_way = self._flying.get(key)
            if under_way is None:
                self._flying[key] = _Flight()
            return under_way

    def _among_processes(self, key: str, compute: Callable[[], T], deadline: float) -> tuple[T, Outcome]:
        with self._turn(key, deadline) as waited:
            # Since the first look into the cache another thread or process may have finished.
            found = self._kept(key)
            if found is not None:
                return found, Outcome.SHARED if waited else Outcome.KEPT
            value = compute()
            packed = self._flying[key].packed = self._form.pack(value)
            self._cache.set(key, packed)
            return value, Outcome.COMPUTED

    @contextmanager
    def _turn(self, key: str, deadline: float) -> Iterator[bool]:
        """Wait for this process's turn, until the deadline at most; tells whether there was a wait."""
        give_back, nap, waited = self._turns.take(key), FIRST_NAP, False
        while give_back is None and time.monotonic() < deadline:
            waited = True
            time.sleep(nap)
            give_back, nap = self._turns.take(key), min(2 * nap, LONGEST_NAP)
        try:
            yield waited
        finally:
            (give_back or nothing)()

    def _kept(self, key: str) -> T | None:
        packed = self._cache.get(key)
        return self._form.unpack(packed) if packed is not None else None

    def _told(self, value: T, outcome: Outcome) -> tuple[T, Outcome]:
        self._tell(outcome)
        return value, outcome


def nothing() -> None:
    """Do nothing."""
