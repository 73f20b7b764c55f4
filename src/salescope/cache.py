"""The result cache: signed bytes in files or Redis. A damaged, foreign or unreachable entry is a miss."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Callable
from typing import IO, Any

from flask_caching.backends import FileSystemCache, RedisCache
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from salescope.settings import Settings
from services.sales import ResultCache

log = logging.getLogger(__name__)
SIGNATURE = hashlib.sha256().digest_size
KEEP_SECONDS = 24 * 3600
#: After a failure the cache is not asked again for this long, so that a hung server costs its timeout once.
BREAK_SECONDS = 30.0
TIMEOUT_SECONDS = 0.5


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


class SignedCache:
    """A ResultCache over a flask-caching back end.

    Values are signed together with their key: an entry that was damaged, moved or written by somebody else
    does not verify and is a miss.
    """

    def __init__(self, backend: Any, key: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._backend, self._clock = backend, clock
        self._secret = hashlib.sha256(b"result cache" + key.encode()).digest()
        self._closed_until = -1.0

    def get(self, key: str) -> bytes | None:
        """Return the value, None for anything but an entry that verifies."""
        stored = self._try(lambda: self._backend.get(key))
        if not isinstance(stored, bytes) or len(stored) < SIGNATURE:
            return None
        signature, value = stored[:SIGNATURE], stored[SIGNATURE:]
        return value if hmac.compare_digest(signature, self._sign(key, value)) else None

    def set(self, key: str, value: bytes) -> None:
        """Keep a value for a day at most."""
        self._try(lambda: self._backend.set(key, self._sign(key, value) + value, timeout=KEEP_SECONDS))

    def _sign(self, key: str, value: bytes) -> bytes:
        return hmac.digest(self._secret, key.encode() + b"\0" + value, "sha256")

    def _try(self, action: Callable[[], Any]) -> Any:
        if self._clock() < self._closed_until:
            return None
        try:
            return action()
        except Exception:  # the back ends raise whatever a damaged entry or a lost server makes of them
            log.warning("The result cache failed; it is left alone for %s s.", BREAK_SECONDS, exc_info=True)
            self._closed_until = self._clock() + BREAK_SECONDS
            return None


class NoCache:
    """Keeps nothing."""

    def get(self, key: str) -> bytes | None:  # noqa: ARG002 - the protocol's
        """Return None."""
        return None

    def set(self, key: str, value: bytes) -> None:
        """Forget the value."""


class _Files(FileSystemCache):
    serializer = BytesSerializer()  # type: ignore[assignment]


class _Redis(RedisCache):
    serializer = BytesSerializer()  # type: ignore[assignment]


def make_cache(settings: Settings) -> ResultCache:
    """Return the cache the settings ask for."""
    if settings.cache_entries == 0:
        return NoCache()
    if settings.cache_url:
        client = Redis.from_url(
            settings.cache_url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        return SignedCache(_Redis(client, key_prefix="salescope:"), settings.secret_key)
    folder = settings.instance / "cache"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return SignedCache(_Files(str(folder), threshold=settings.cache_entries), settings.secret_key)
