"""Accounts: how people sign in, their sessions, and looking at the site as somebody else."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services import circumstances
from services.access import Permission, Viewer
from services.audit import one_line
from services.database import RowLimit, SignedIn, User, utc_now
from services.errors import UserError
from services.factors import Factors
from services.formats import LOCALES, OF_MODEL
from services.passwords import MAX_PASSWORD, MIN_PASSWORD, strong
from services.people import (
    Account,
    LastAdminError,
    People,
    end_sessions,
    find_user,
    make_scope,
    permissions_of,
)
from services.sealing import Seal
from services.throttle import (
    FAILED,
    FAILURES_PER_ACCOUNT,
    FAILURES_PER_ADDRESS,
    THROTTLE,
    SignInError,
    Throttle,
    ThrottledError,
)

__all__ = [
    "FAILURES_PER_ACCOUNT",
    "FAILURES_PER_ADDRESS",
    "MAX_PASSWORD",
    "MIN_PASSWORD",
    "THROTTLE",
    "Account",
    "Accounts",
    "LastAdminError",
    "Lifetimes",
    "SignInError",
    "ThrottledError",
]

SEEN_EVERY = dt.timedelta(minutes=1)
#: How long a session waits for its second factor.
PENDING = dt.timedelta(minutes=5)
_SESSIONS, _USERS, _LIMITS = (each.__table__.c for each in (SignedIn, User, RowLimit))


def _alive(born: Any, used: Any, ahead: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """Return what holds of a session that began and was used after these moments, but not in the future."""
    return _SESSIONS.created_at > born, _SESSIONS.seen_at > used, _SESSIONS.seen_at < ahead


#: Who a session belongs to, a row per value of their row scope; made once and without the mapper, for speed.
ALIVE = (
    sa.select(
        _SESSIONS.seen_at,
        _SESSIONS.seen_as,
        _USERS.id,
        _USERS.email,
        _USERS.role,
        _USERS.sees_everything,
        _USERS.locale,
        _LIMITS.dimension,
        _LIMITS.value,
    )
    .select_from(
        SignedIn.__table__.join(User.__table__, _USERS.id == _SESSIONS.user_id).outerjoin(
            RowLimit.__table__, _LIMITS.user_id == _USERS.id
        )
    )
    .where(
        _SESSIONS.token_hash == sa.bindparam("token"),
        _USERS.active,
        ~_SESSIONS.pending,
        *_alive(*map(sa.bindparam, ("born", "used", "ahead"))),
    )
)
WRONG = "This e-mail and password do not match an active account. Check both and try again."


@dataclass(frozen=True)
class Lifetimes:
    """How long a session lives without use, and at most."""

    idle: dt.timedelta = dt.timedelta(minutes=30)
    absolute: dt.timedelta = dt.timedelta(hours=12)


@dataclass(frozen=True)
class OpenSession:
    """A session as its owner sees it; `id` names it and opens nothing."""

    id: str
    created_at: dt.datetime
    seen_at: dt.datetime
    address: str
    agent: str


class Accounts(People):
    """Sessions of the people in the application database; without a `seal` nobody gets a second factor."""

    def __init__(self, engine: sa.Engine, lifetimes: Lifetimes | None = None, seal: Seal | None = None) -> None:
        super().__init__(engine)
        self._lifetimes = lifetimes or Lifetimes()
        self.factors, self.throttle = Factors(engine, seal or Seal()), Throttle(engine)

    def sign_in(self, email: str, password: str, *, address: str, agent: str) -> str:
        """Return the token of a new session; it opens nothing until `second_factor`, where the person has one.

        Raises SignInError with one message for every wrong combination, ThrottledError after too many.
        """
        wanted = one_line(email.strip().lower())[:254]
        attempt = self.throttle.attempt(wanted, address)
        with Session(self._engine) as session:
            user = session.scalar(sa.select(User).where(User.email == wanted))
            hashed, active = (user.password_hash, user.active) if user else (None, False)
        try:
            right = self._passwords.verify(hashed, password)
        except UserError:
            self.throttle.settle(attempt, None)
            raise
        if user is None or not right or not active:
            raise SignInError(WRONG)
        return self._open(user, address, agent, attempt)

    def sign_in_outside(self, email: str, *, address: str, agent: str, how: str) -> str:
        """Return the token of a new session for somebody whom another service has recognised; `how` is logged."""
        with Session(self._engine) as session:
            user = find_user(session, email)
        if not user.active:
            self.record(FAILED, user.email, address, how)
            raise SignInError(WRONG)
        self.record("sign-in", user.email, address, how)
        return self._open(user, address, agent, None, trusted=True)

    def second_factor(self, token: str, code: str, *, address: str) -> None:
        """Open a session that waits for it, with a code of an app or a recovery code; raises SignInError."""
        with Session(self._engine) as session:
            waiting = self._waiting(session, token)
            if waiting is None:
                raise SignInError("This sign-in took too long. Start again with e-mail and password.")
            email, user_id = waiting.email, waiting.id
        attempt = self.throttle.attempt(email, address)
        if not self.factors.check(user_id, code):
            raise SignInError("The code is wrong or was used already. Wait for the next one and try again.")
        with Session(self._engine) as session:
            session.execute(sa.update(SignedIn).where(SignedIn.token_hash == hashed(token)).values(pending=False))
            session.commit()
        self.throttle.settle(attempt, "sign-in")

    def sign_out(self, token: str) -> None:
        """End a session; its cookie is worthless from now on."""
        with circumstances.bookkeeping(), Session(self._engine) as session:
            session.execute(sa.delete(SignedIn).where(SignedIn.token_hash == hashed(token)))
            session.commit()

    def viewer(self, token: str, *, in_use: bool = True) -> Viewer | None:
        """Return who a session belongs to, with today's role and scope; None when it is over or not open yet.

        A session that is not `in_use`, but only asked by an open page on its own, does not last longer for it.
        """
        now = utc_now()
        with circumstances.bookkeeping(), Session(self._engine) as session:
            asked = {"token": hashed(token), **self._bounds(now)}
            rows = session.connection().execute(ALIVE, asked).all()
            if not rows:
                return None
            found = rows[0]
            limits = [(row.dimension, row.value) for row in rows if row.dimension is not None]
            scope = make_scope(limits, everything=found.sees_everything)
            permissions = permissions_of(session, found.role)
            viewer = Viewer(
                found.id, found.email, found.role, permissions, scope, asked["token"], locale=found.locale or ""
            )
            if found.seen_as is not None:
                viewer = self._looking(session, viewer, found.seen_as)
            if in_use and now - found.seen_at > SEEN_EVERY:
                session.execute(sa.update(SignedIn).where(SignedIn.token_hash == viewer.session).values(seen_at=now))
                session.commit()
            return viewer

    def signed_in(self) -> Sequence[Viewer]:
        """Return everybody with a session that is not over, who used it last first."""
        alive = (
            sa.select(SignedIn.user_id, sa.func.max(SignedIn.seen_at).label("seen"))
            .where(~SignedIn.pending, *self._in_time(utc_now()))
            .group_by(SignedIn.user_id)
            .subquery()
        )
        users = sa.select(User).join(alive, alive.c.user_id == User.id).where(User.active)
        with Session(self._engine) as session:
            return [self._viewer(session, user) for user in session.scalars(users.order_by(alive.c.seen.desc()))]

    def sessions(self, viewer: Viewer) -> list[OpenSession]:
        """Return the viewer's own open sessions, the last used first."""
        asked = sa.select(SignedIn).where(
            SignedIn.user_id == viewer.user_id, ~SignedIn.pending, *self._in_time(utc_now())
        )
        with Session(self._engine) as session:
            return [
                OpenSession(each.token_hash, each.created_at, each.seen_at, each.address, each.agent)
                for each in session.scalars(asked.order_by(SignedIn.seen_at.desc()))
            ]

    def end_session(self, viewer: Viewer, identity: str) -> None:
        """End one of the viewer's own sessions."""
        self._end(SignedIn.user_id == viewer.user_id, SignedIn.token_hash == identity)

    def end_other_sessions(self, viewer: Viewer) -> None:
        """End the viewer's sessions but the one that asks."""
        self._end(SignedIn.user_id == viewer.user_id, SignedIn.token_hash != viewer.session)

    def end_all_sessions(self, email: str) -> None:
        """End every session of a user."""
        with Session(self._engine) as session:
            end_sessions(session, find_user(session, email))
            session.commit()

    def change_password(self, viewer: Viewer, old: str, new: str) -> None:
        """Give the viewer another password; their other sessions end. Raises UserError when the old one is wrong."""
        attempt = self.throttle.attempt(viewer.email, circumstances.now().address)
        with Session(self._engine) as session:
            kept = session.scalar(sa.select(User.password_hash).where(User.id == viewer.user_id))
        if not self._passwords.verify(kept, old):
            raise UserError("The password you have now is not right. Type it again.")
        self.throttle.settle(attempt, None)
        fresh = self._passwords.hash(strong(new, (viewer.email,)))
        with Session(self._engine) as session:
            session.execute(sa.update(User).where(User.id == viewer.user_id).values(password_hash=fresh))
            session.commit()
        self.end_other_sessions(viewer)
        self.record("password changed", viewer.email)

    def write_as(self, viewer: Viewer, locale: str) -> None:
        """Write numbers and dates for the viewer as in this locale, or as the model has it; UserError for others."""
        if locale not in (OF_MODEL, *LOCALES):
            raise UserError(f"There is no way of writing {locale[:40]!r}. Choose one of {', '.join(LOCALES)}.")
        with Session(self._engine) as session:
            session.execute(
                sa.update(User).where(User.id == viewer.user_id).values(locale=None if locale == OF_MODEL else locale)
            )
            session.commit()

    def give_up_second_factor(self, viewer: Viewer, code: str) -> None:
        """Turn the viewer's own second factor off, with a code of it; raises UserError for a wrong one."""
        attempt = self.throttle.attempt(viewer.email, circumstances.now().address)
        if not self.factors.check(viewer.user_id, code):
            raise UserError("The code is wrong or was used already. Wait for the next one and try again.")
        self.throttle.settle(attempt, None)
        self.factors.turn_off(viewer.user_id)
        self.record("second factor off", viewer.email)

    def look_as(self, viewer: Viewer, email: str) -> None:
        """Let the viewer's session see the site as another person, for reading only."""
        viewer.require(Permission.USERS_MANAGE)
        with Session(self._engine) as session:
            other = find_user(session, email)
            if not other.active or other.id == viewer.user_id:
                raise UserError(f"{email!r} is disabled or yourself; choose somebody else.")
            self._see_as(session, viewer, other.id)
        self.record("look as", viewer.email, "", email)

    def stop_looking(self, viewer: Viewer) -> None:
        """Give the viewer's session its own eyes back."""
        with circumstances.bookkeeping(), Session(self._engine) as session:
            self._see_as(session, viewer, None)
        self.record("look as ended", viewer.actor, "", viewer.email)

    def _looking(self, session: Session, viewer: Viewer, other_id: int) -> Viewer:
        """Return the viewer with another person's eyes, while both may: an admin no more an admin has their own."""
        other = session.get(User, other_id)
        if other is None or not other.active or not viewer.may(Permission.USERS_MANAGE):
            return viewer
        return viewer.through_the_eyes_of(self._viewer(session, other))

    def _see_as(self, session: Session, viewer: Viewer, other: int | None) -> None:
        session.execute(sa.update(SignedIn).where(SignedIn.token_hash == viewer.session).values(seen_as=other))
        session.commit()

    def _in_time(self, now: dt.datetime) -> tuple[sa.ColumnElement[bool], ...]:
        return _alive(**self._bounds(now))

    def _bounds(self, now: dt.datetime) -> dict[str, Any]:
        # A clock set back must not make sessions last longer.
        return {"born": now - self._lifetimes.absolute, "used": now - self._lifetimes.idle, "ahead": now + SEEN_EVERY}

    def _waiting(self, session: Session, token: str) -> User | None:
        started = utc_now() - PENDING
        asked = sa.select(User).join(SignedIn, SignedIn.user_id == User.id)
        return session.scalar(
            asked.where(
                SignedIn.token_hash == hashed(token), SignedIn.pending, SignedIn.created_at > started, User.active
            )
        )

    def _open(self, user: User, address: str, agent: str, attempt: int | None, *, trusted: bool = False) -> str:
        token, now = secrets.token_urlsafe(32), utc_now()
        pending = user.totp_secret is not None and not trusted
        with Session(self._engine) as session:
            # What is over goes for good: a clock set back later must not bring it to life again.
            over = (SignedIn.created_at < now - self._lifetimes.absolute, SignedIn.seen_at < now - self._lifetimes.idle)
            session.execute(sa.delete(SignedIn).where(sa.or_(*over)))
            session.add(
                SignedIn(
                    token_hash=hashed(token),
                    user_id=user.id,
                    created_at=now,
                    seen_at=now,
                    address=address[:60],
                    agent=one_line(agent)[:300],
                    pending=pending,
                )
            )
            session.commit()
        if attempt is not None:
            self.throttle.settle(attempt, None if pending else "sign-in")
        return token

    def _end(self, *which: sa.ColumnElement[bool]) -> None:
        with Session(self._engine) as session:
            session.execute(sa.delete(SignedIn).where(*which))
            session.commit()


def hashed(token: str) -> str:
    """Return the SHA-256 of a token, which is what the database keeps."""
    return hashlib.sha256(token.encode()).hexdigest()
