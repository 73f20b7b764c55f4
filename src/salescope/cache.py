"""The result cache: signed bytes in files or Redis. A damaged, foreign or unreachable entry is a miss.

Beside it stands whose turn it is to compute what several worker processes ask for.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import logging
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from flask_caching.backends import FileSystemCache, RedisCache
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import LockError
from redis.lock import Lock
from redis.retry import Retry

from salescope.settings import Settings
from services.dialects import GRACE
from services.flights import AlwaysOurTurn, GiveBack, ResultCache, Turns

log = logging.getLogger(__name__)
SIGNATURE = hashlib.sha256().digest_size
KEEP_SECONDS = 24 * 3600
#: After a failure the cache is not asked again for this long, so that a hung server costs its timeout once.
BREAK_SECONDS = 30.0
TIMEOUT_SECONDS = 0.5
T = TypeVar("T")


class BytesSerializer:
    """Stores bytes and counters as they are; the libraries' own serializers would unpickle what they read."""

    def dumps(self, value: bytes | int) -> bytes:
        """Return what is stored for a value."""
        return b"b" + value if isinstance(value, bytes) else b"i" + str(value).encode()

    def loads(self, stored: bytes | None) -> bytes | int | None:
        """Return the value behind what was stored, None when it is not ours."""
        if not stored or stored[:1] not in (b"b", b"i"):
            return None
        return stored[1:] if stored[:1] == b"b" else int(stored[1:])

    def dump(self, value: bytes | int, stream: IO[bytes]) -> None:
        """Write a value to a stream."""
        stream.write(self.dumps(value))

    def load(self, stream: IO[bytes]) -> bytes | int | None:
        """Read a value from a stream."""
        return self.loads(stream.read())


class Fuse:
    """Runs what may fail; after a failure nothing is tried for a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._closed_until = -1.0

    def run(self, action: Callable[[], T], otherwise: T) -> T:
        """Return what the action returns, `otherwise` when it fails or is not tried."""
        if self.clock() < self._closed_until:
            return otherwise
        try:
            return action()
        except Exception:  # the back ends raise whatever a damaged entry or a lost server makes of them
            log.warning("The result cache failed; it is left alone for %s s.", BREAK_SECONDS, exc_info=True)
            self._closed_until = self.clock() + BREAK_SECONDS
            return otherwise


class SignedCache:
    """A ResultCache over a flask-caching back end.

    Values are signed together with their key: an entry that was damaged, moved or written by somebody else
    does not verify and is a miss.
    """

    def __init__(self, backend: Any, key: str, fuse: Fuse | None = None) -> None:
        self._backend, self.fuse = backend, fuse or Fuse()
        self._secret = hashlib.sha256(b"result cache" + key.encode()).digest()

    def get(self, key: str) -> bytes | None:
        """Return the value, None for anything but an entry that verifies."""
        stored = self.fuse.run(lambda: self._backend.get(key), None)
        if not isinstance(stored, bytes) or len(stored) < SIGNATURE:
            return None
        signature, value = stored[:SIGNATURE], stored[SIGNATURE:]
        return value if hmac.compare_digest(signature, self._sign(key, value)) else None

    def set(self, key: str, value: bytes) -> None:
        """Keep a value for a day at most."""
        signed = self._sign(key, value) + value
        self.fuse.run(lambda: self._backend.set(key, signed, timeout=KEEP_SECONDS), None)

    def _sign(self, key: str, value: bytes) -> bytes:
        return hmac.digest(self._secret, key.encode() + b"\0" + value, "sha256")


class NoCache:
    """Keeps nothing."""

    def get(self, key: str) -> bytes | None:  # noqa: ARG002 - the protocol's
        """Return None."""
        return None

    def set(self, key: str, value: bytes) -> None:
        """Forget the value."""


class FileTurns:
    """Turns among the processes of one machine: a lock on one byte of a file for each key.

    The system ends the lock when the process ends, however it ends; the file stays empty.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._fuse = Fuse()
        weakref.finalize(self, os.close, self._file)

    def take(self, key: str) -> GiveBack | None:
        """Return what ends the turn, None while another process has it."""
        place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:7])
        if not self._fuse.run(lambda: self._locked(place), otherwise=True):
            return None
        return lambda: self._fuse.run(lambda: fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place), None)

    def _locked(self, place: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except (BlockingIOError, PermissionError):  # systems differ in how they say that another process holds it
            return False
        return True


class RedisTurns:
    """Turns among the processes of several machines; that of a process that died ends after `seconds`."""

    def __init__(self, client: Redis, seconds: float) -> None:
        self._client, self._seconds, self._fuse = client, seconds, Fuse()

    def take(self, key: str) -> GiveBack | None:
        """Return what ends the turn, None while another process has it."""
        lock = self._client.lock(f"salescope:turn:{key}", timeout=self._seconds, raise_on_release_error=False)
        if not self._fuse.run(lambda: lock.acquire(blocking=False), otherwise=True):
            return None
        return lambda: self._fuse.run(lambda: _release(lock), None)


def _release(lock: Lock) -> None:
    with contextlib.suppress(LockError):  # it was not ours any more, or never
        lock.release()


class _Files(FileSystemCache):
    serializer = BytesSerializer()  # type: ignore[assignment]


class _Redis(RedisCache):
    serializer = BytesSerializer()  # type: ignore[assignment]


def make_cache(settings: Settings) -> ResultCache:
    """Return the cache the settings ask for."""
    if settings.cache_entries == 0:
        return NoCache()
    if settings.cache_url:
        return SignedCache(_Redis(_client(settings), key_prefix="salescope:"), settings.secret_key)
    folder = settings.instance / "cache"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return SignedCache(_Files(str(folder), threshold=settings.cache_entries), settings.secret_key)


def make_turns(settings: Settings) -> Turns:
    """Return the turns that go with the cache the settings ask for."""
    if settings.cache_entries == 0:
        return AlwaysOurTurn()
    if settings.cache_url:
        return RedisTurns(_client(settings), settings.query_seconds + GRACE)
    return FileTurns(settings.instance / "cache.turns")


def _client(settings: Settings) -> Redis:
    return Redis.from_url(
        settings.cache_url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
