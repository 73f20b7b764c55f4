"""Passwords: what is strong enough, and their hashes."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from services.errors import BusyError, UserError
from services.priority import Aside

MIN_PASSWORD = 12
MAX_PASSWORD = 256
#: Of zxcvbn's 0 to 4; 3 withstands 10^8 guesses.
MIN_SCORE = 3
#: Characters that are left when the words about the person are taken out.
OWN = 6
#: What zxcvbn looks at; its time grows with the square of the length.
JUDGED = 64
#: Hashes computed at once in a process, and how long others wait: people who sign in must not take all threads.
AT_ONCE, PATIENCE = 2, 2.0


class Passwords:
    """Hashes by argon2id, a few at a time, in threads that give way.

    Only the hashing does so: a request that gave way would keep the interpreter, and the database, from others.
    """

    def __init__(self) -> None:
        # Work and memory are those of RFC 9106's second choice, in one thread instead of four: many sign in at once.
        self._hasher = PasswordHasher(parallelism=1)
        self._turns, self._aside = threading.BoundedSemaphore(AT_ONCE), Aside(AT_ONCE)
        # Verified for unknown users, so that they take as long as known ones.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        """Return the hash to keep."""
        with self._turn():
            return self._aside.run(partial(self._hasher.hash, password))

    def verify(self, hashed: str | None, password: str) -> bool:
        """Tell whether the password is that of the hash; without a hash it takes as long and is wrong."""
        if len(password) > MAX_PASSWORD:
            return False
        try:
            with self._turn():
                right = self._aside.run(partial(self._hasher.verify, hashed or self._nobody, password))
                return right and hashed is not None
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=PATIENCE):
            raise BusyError("Many people sign in right now. Try again in a moment.")
        try:
            yield
        finally:
            self._turns.release()


def generated() -> str:
    """Return a password of 120 random bits."""
    return secrets.token_urlsafe(15)


def strong(password: str, about: Iterable[str] = ()) -> str:
    """Return the password when it is long enough and not easily guessed; raises UserError with what to do.

    `about` are words that are easily guessed for this person, such as the name.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UserError(f"The password has {len(password)} characters; allowed: {MIN_PASSWORD} to {MAX_PASSWORD}.")
    words = ["salescope", *(word for text in about for word in re.findall(r"\w+", text.lower()))]
    found = zxcvbn(password[:JUDGED], user_inputs=words)
    own = re.sub("|".join(re.escape(word) for word in words if len(word) > 2), "", password.lower())
    if found["score"] < MIN_SCORE or len(own) < OWN:
        warning = found["feedback"]["warning"] or "It is easily guessed."
        raise UserError(f"This password is too weak. {warning} Take four or more words that nobody would expect.")
    return password
