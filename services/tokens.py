"""API tokens: keys by which programs act as a user, with part of what the user may do."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.access import Viewer
from services.accounts import Accounts, hashed
from services.database import ApiToken, User, utc_now
from services.errors import UserError
from services.people import permission_of

PREFIX = "sst_"
MAX_DAYS = 366
MAX_NAME = 100
#: Uses and refusals are noted at most this often, so that a busy program does not fill the database.
NOTED_EVERY = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class Token:
    """A token as lists show it; the key itself is known only to whoever made it."""

    id: int
    email: str
    name: str
    permissions: tuple[str, ...]
    created_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime | None
    revoked_at: dt.datetime | None

    @property
    def state(self) -> str:
        """Return "active", "expired" or "revoked"."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.expires_at > utc_now() else "expired"


class Tokens:
    """The tokens of an installation."""

    def __init__(self, engine: sa.Engine, accounts: Accounts) -> None:
        self._engine, self._accounts = engine, accounts

    def create(self, email: str, name: str, permissions: Iterable[str], days: int, *, by: str) -> str:
        """Make a token for a user and return it; it is shown this once.

        Raises UserError for an unknown or disabled user, a permission the user does not have, a lifetime or name
        that is out of range.
        """
        who = self._accounts.as_viewer(email)
        asked = sorted({permission_of(each) for each in permissions})
        for permission in asked:
            who.require(permission)
        label = "".join(each for each in name.strip() if each.isprintable())
        if not asked or not 1 <= days <= MAX_DAYS or not 1 <= len(label) <= MAX_NAME:
            raise UserError(
                f"A token needs at least one permission, a name of 1 to {MAX_NAME} characters and a lifetime of 1 to "
                f"{MAX_DAYS} days; received {len(asked)} permissions, {len(label)} characters, {days} days."
            )
        token, now = PREFIX + secrets.token_urlsafe(32), utc_now()
        with Session(self._engine) as session:
            session.add(
                ApiToken(
                    user_id=who.user_id,
                    name=label,
                    token_hash=hashed(token),
                    permissions=[each.value for each in asked],
                    created_at=now,
                    expires_at=now + dt.timedelta(days=days),
                )
            )
            session.commit()
        self._accounts.record("token created", by, "", f"{label} for {who.email}: {', '.join(asked)}, {days} days")
        return token

    def viewer(self, token: str, address: str) -> Viewer | None:
        """Return whom a token acts as, with today's role and scope and no more than the token's permissions.

        None for a token that is unknown, expired or revoked, or whose user is disabled.
        """
        if not token.startswith(PREFIX):
            return None
        now = utc_now()
        with Session(self._engine) as session:
            found = session.scalar(sa.select(ApiToken).where(ApiToken.token_hash == hashed(token)))
            if found is None:
                return None
            user = session.get(User, found.user_id)
            if user is None or not user.active or found.revoked_at is not None or found.expires_at <= now:
                self._note_refusal(session, found, address)
                return None
            email, kept = user.email, frozenset(found.permissions)
            if found.last_used_at is None or now - found.last_used_at > NOTED_EVERY:
                found.last_used_at = now
                session.commit()
        who = self._accounts.as_viewer(email)
        return replace(who, permissions=frozenset(each for each in who.permissions if each.value in kept))

    def _note_refusal(self, session: Session, token: ApiToken, address: str) -> None:
        now = utc_now()
        if token.refused_at is None or now - token.refused_at > NOTED_EVERY:
            name, token.refused_at = token.name, now
            session.commit()
            self._accounts.record("token refused", name, address, f"token {token.id}")

    def list(self) -> list[Token]:
        """Return all tokens, the newest first."""
        asked = sa.select(ApiToken, User.email).join(User, User.id == ApiToken.user_id).order_by(ApiToken.id.desc())
        with Session(self._engine) as session:
            return [
                Token(
                    id=each.id,
                    email=email,
                    name=each.name,
                    permissions=tuple(each.permissions),
                    created_at=each.created_at,
                    expires_at=each.expires_at,
                    last_used_at=each.last_used_at,
                    revoked_at=each.revoked_at,
                )
                for each, email in session.execute(asked)
            ]

    def revoke(self, identity: int, *, by: str) -> None:
        """Make a token worthless from now on; raises UserError when there is no such token in force."""
        with Session(self._engine) as session:
            found = session.get(ApiToken, identity)
            if found is None or found.revoked_at is not None:
                raise UserError(f"There is no token {identity} in force. `salescope token list` shows all.")
            found.revoked_at = utc_now()
            name = found.name
            session.commit()
        self._accounts.record("token revoked", by, "", f"{name}, token {identity}")
