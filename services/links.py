"""One-time links by which people set a password: invitations, and resets for those who lost theirs."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.accounts import Accounts, hashed
from services.database import Link, User, utc_now
from services.errors import UserError
from services.passwords import strong
from services.people import find_user

INVITE, RESET = "invite", "reset"
LIFETIMES = {INVITE: dt.timedelta(days=7), RESET: dt.timedelta(hours=2)}
GONE = "This link was used already or is too old. Ask an admin for a new one."


@dataclass(frozen=True)
class Invited:
    """Whom a link is for."""

    email: str
    name: str
    purpose: str


class Links:
    """The links that are out."""

    def __init__(self, engine: sa.Engine, accounts: Accounts) -> None:
        self._engine, self._accounts = engine, accounts

    def make(self, email: str, purpose: str) -> str:
        """Return the token of a new link for a user; earlier ones stop working. It is known only here."""
        token, now = secrets.token_urlsafe(32), utc_now()
        with Session(self._engine) as session:
            user = find_user(session, email)
            if not user.active:
                raise UserError(f"{email!r} is disabled. Enable the account first.")
            session.execute(sa.delete(Link).where(sa.or_(Link.user_id == user.id, Link.expires_at < now)))
            session.add(
                Link(
                    token_hash=hashed(token),
                    user_id=user.id,
                    purpose=purpose,
                    created_at=now,
                    expires_at=now + LIFETIMES[purpose],
                )
            )
            session.commit()
        return token

    def look(self, token: str) -> Invited:
        """Return whom a link is for; raises UserError for one that is used, too old or made up."""
        with Session(self._engine) as session:
            return self._found(session, token)

    def use(self, token: str, password: str) -> str:
        """Set the password of whom the link is for and return the address; the link works no more.

        A weak password raises UserError and leaves the link as it is. All sessions of the person end.
        """
        with Session(self._engine) as session:
            invited = self._found(session, token)
            strong(password, (invited.email, invited.name))
            taken = session.execute(sa.delete(Link).where(Link.token_hash == hashed(token)))
            if taken.rowcount != 1:  # type: ignore[attr-defined]
                raise UserError(GONE)
            session.commit()
        self._accounts.set_password(invited.email, password)
        self._accounts.record("password set", invited.email, "", f"by a link to {invited.purpose}")
        return invited.email

    def _found(self, session: Session, token: str) -> Invited:
        asked = sa.select(User.email, User.name, Link.purpose).join(Link, Link.user_id == User.id)
        found = session.execute(
            asked.where(Link.token_hash == hashed(token), Link.expires_at > utc_now(), User.active)
        ).one_or_none()
        if found is None:
            raise UserError(GONE)
        return Invited(*found)
