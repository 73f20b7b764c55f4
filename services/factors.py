"""Second factors: codes of an authenticator app, and recovery codes for when it is lost."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services import totp
from services.access import Viewer
from services.database import RecoveryCode, User
from services.errors import UserError
from services.sealing import MARK, Seal, SealError

log = logging.getLogger("salescope")
RECOVERY_CODES = 10


class Factors:
    """The second factors of people; `clock` gives seconds since 1970, `seal` closes what the database keeps."""

    def __init__(self, engine: sa.Engine, seal: Seal, clock: Callable[[], float] = time.time) -> None:
        self._engine, self._seal, self._clock = engine, seal, clock

    def has(self, viewer: Viewer) -> bool:
        """Tell whether the viewer has a second factor."""
        with Session(self._engine) as session:
            return session.scalar(sa.select(User.totp_secret).where(User.id == viewer.user_id)) is not None

    def turn_on(self, viewer: Viewer, secret: str, code: str) -> tuple[str, ...]:
        """Ask for codes of this secret from now on; return new recovery codes, shown this once.

        Raises UserError when the code is not one of the secret: the app was not set up.
        """
        step = totp.matching_step(secret, code, self._clock(), None)
        if step is None:
            raise UserError("The code does not fit. Scan the picture again, and type the code the app shows now.")
        codes = tuple("-".join(secrets.token_hex(3) for _ in range(3)) for _ in range(RECOVERY_CODES))
        sealed = self._seal.close(secret, _about(viewer.user_id))
        with Session(self._engine) as session:
            session.execute(sa.update(User).where(User.id == viewer.user_id).values(totp_secret=sealed, totp_used=step))
            session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == viewer.user_id))
            session.add_all(RecoveryCode(user_id=viewer.user_id, code_hash=_hash(each)) for each in codes)
            session.commit()
        return codes

    def turn_off(self, user_id: int) -> None:
        """Ask for no second factor any more."""
        with Session(self._engine) as session:
            session.execute(sa.update(User).where(User.id == user_id).values(totp_secret=None, totp_used=None))
            session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
            session.commit()

    def check(self, user_id: int, code: str) -> bool:
        """Tell whether a code of the app or a recovery code is right; each is so once."""
        with Session(self._engine) as session:
            user = session.get(User, user_id)
            if user is None or user.totp_secret is None:
                return False
            secret = self._opened(user)
            step = totp.matching_step(secret, code, self._clock(), user.totp_used) if secret else None
            used = _use_recovery(user_id, code) if step is None else _use_step(user_id, step)
            right: bool = session.execute(used).rowcount == 1  # type: ignore[attr-defined]
            session.commit()
            return right

    def renew(self) -> None:
        """Seal anew what was sealed under a former key, or kept open by an earlier version; call it at the start."""
        with Session(self._engine) as session:
            for user in session.scalars(sa.select(User).where(User.totp_secret.is_not(None))):
                kept = user.totp_secret or ""
                if self._seal.is_current(kept, _about(user.id)):
                    continue
                secret = self._opened(user) if kept.startswith(MARK) else kept
                if secret:
                    user.totp_secret = self._seal.close(secret, _about(user.id))
            session.commit()

    def _opened(self, user: User) -> str | None:
        """Return a person's secret; None when no key opens it, so that recovery codes alone count."""
        try:
            return self._seal.open(user.totp_secret or "", _about(user.id))
        except SealError:
            log.warning("The second factor of user %s cannot be opened: is a former key missing?", user.id)
            return None


def _about(user_id: int) -> str:
    return f"second factor of user {user_id}"


def _use_step(user_id: int, step: int) -> sa.Update:
    newer = sa.or_(User.totp_used.is_(None), User.totp_used < step)
    return sa.update(User).where(User.id == user_id, newer).values(totp_used=step)


def _use_recovery(user_id: int, code: str) -> sa.Delete:
    return sa.delete(RecoveryCode).where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == _hash(code))


def _hash(code: str) -> str:
    plain = "".join(each for each in code.lower() if each.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()
