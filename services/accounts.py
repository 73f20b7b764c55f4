"""Accounts: people, their passwords and sessions, and what each of them did."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from services.access import EVERYTHING, NOTHING, RowScope, Viewer, role
from services.database import AuditEvent, RowLimit, SignedIn, User, utc_now
from services.errors import UserError

MIN_PASSWORD = 12
MAX_PASSWORD = 256
#: Failed sign-ins per account, and per address, in the last 15 minutes before further ones are refused.
FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS = 10, 50
THROTTLE = dt.timedelta(minutes=15)
SEEN_EVERY = dt.timedelta(minutes=1)


class SignInError(UserError):
    """The sign-in was refused; the same words whether the account exists or not."""


class ThrottledError(SignInError):
    """Too many failed sign-ins."""


@dataclass(frozen=True)
class Lifetimes:
    """How long a session lives without use, and at most."""

    idle: dt.timedelta = dt.timedelta(minutes=30)
    absolute: dt.timedelta = dt.timedelta(hours=12)


@dataclass(frozen=True)
class Account:
    """A user as lists show them."""

    email: str
    name: str
    role: str
    active: bool
    scope: str


class Accounts:
    """People in the application database."""

    def __init__(self, engine: sa.Engine, lifetimes: Lifetimes | None = None) -> None:
        self._engine = engine
        self._lifetimes = lifetimes or Lifetimes()
        self._hasher = PasswordHasher()
        # Verified for unknown users, so that they take as long as known ones.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def add(
        self, email: str, name: str, role_name: str, *, password: str | None = None, scope: RowScope = NOTHING
    ) -> str:
        """Create a user and return the password (a generated one unless given).

        Raises UserError for a malformed or taken address, an unknown role or a weak password.
        """
        address = _email(email)
        role(role_name)
        secret = _strong(password) if password is not None else secrets.token_urlsafe(15)
        with Session(self._engine) as session:
            if session.scalar(sa.select(User.id).where(User.email == address)) is not None:
                raise UserError(f"There is already a user {address!r}. Choose another address or reset the password.")
            user = User(
                email=address,
                name=_one_line(name)[:200],
                role=role_name,
                password_hash=self._hasher.hash(secret),
                sees_everything=scope.everything,
                limits=_limits(scope),
            )
            session.add(user)
            session.commit()
        return secret

    def set_password(self, email: str, password: str | None = None) -> str:
        """Give a user a new password and end all their sessions; return the password."""
        secret = _strong(password) if password is not None else secrets.token_urlsafe(15)
        self._change(email, password_hash=self._hasher.hash(secret))
        return secret

    def set_active(self, email: str, *, active: bool) -> None:
        """Enable or disable a user; disabling ends their sessions at once."""
        self._change(email, active=active)

    def set_role(self, email: str, role_name: str) -> None:
        """Give a user another role; open sessions act under it from their next request on."""
        role(role_name)
        self._change(email, role=role_name, end_sessions=False)

    def set_scope(self, email: str, scope: RowScope) -> None:
        """Give a user another row scope; open sessions see by it from their next request on."""
        with Session(self._engine) as session:
            user = _user(session, email)
            limits = _limits(scope)
            user.sees_everything, user.limits = scope.everything, []
            session.flush()
            user.limits = limits
            session.commit()

    def list(self) -> list[Account]:
        """Return all users by e-mail."""
        with Session(self._engine) as session:
            users = session.scalars(sa.select(User).order_by(User.email)).all()
            return [Account(u.email, u.name, u.role, u.active, _scope(u).describe()) for u in users]

    def sign_in(self, email: str, password: str, *, address: str, agent: str) -> str:
        """Return the token of a new session.

        Raises SignInError with one message for every wrong combination, ThrottledError after too many.
        """
        wanted = _one_line(email.strip().lower())[:254]
        self._throttle(wanted, address)
        with Session(self._engine) as session:
            user = session.scalar(sa.select(User).where(User.email == wanted))
            right = self._verify(user.password_hash if user else self._nobody, password)
            if user is None or not right or not user.active:
                self.record("sign-in failed", wanted, address)
                raise SignInError("This e-mail and password do not match an active account. Check both and try again.")
            token = secrets.token_urlsafe(32)
            now = utc_now()
            session.execute(sa.delete(SignedIn).where(SignedIn.created_at < now - self._lifetimes.absolute))
            session.add(
                SignedIn(
                    token_hash=_hash(token),
                    user_id=user.id,
                    created_at=now,
                    seen_at=now,
                    address=address[:60],
                    agent=_one_line(agent)[:300],
                )
            )
            session.commit()
        self.record("sign-in", wanted, address)
        return token

    def sign_out(self, token: str) -> None:
        """End a session; its cookie is worthless from now on."""
        with Session(self._engine) as session:
            session.execute(sa.delete(SignedIn).where(SignedIn.token_hash == _hash(token)))
            session.commit()

    def viewer(self, token: str, *, in_use: bool = True) -> Viewer | None:
        """Return who a session belongs to, with today's role and scope; None when it is over.

        A session that is not `in_use`, but only asked by an open page on its own, does not last longer for it.
        """
        now = utc_now()
        with Session(self._engine) as session:
            found = session.execute(
                sa.select(SignedIn, User)
                .join(User, User.id == SignedIn.user_id)
                .where(
                    SignedIn.token_hash == _hash(token),
                    User.active,
                    SignedIn.created_at > now - self._lifetimes.absolute,
                    SignedIn.seen_at > now - self._lifetimes.idle,
                )
            ).one_or_none()
            if found is None:
                return None
            signed_in, user = found
            viewer = _viewer(user)
            if in_use and now - signed_in.seen_at > SEEN_EVERY:
                signed_in.seen_at = now
                session.commit()
            return viewer

    def signed_in(self) -> Sequence[Viewer]:
        """Return everybody with a session that is not over, who used it last first."""
        now = utc_now()
        alive = (
            sa.select(SignedIn.user_id, sa.func.max(SignedIn.seen_at).label("seen"))
            .where(SignedIn.created_at > now - self._lifetimes.absolute, SignedIn.seen_at > now - self._lifetimes.idle)
            .group_by(SignedIn.user_id)
            .subquery()
        )
        users = sa.select(User).join(alive, alive.c.user_id == User.id).where(User.active)
        with Session(self._engine) as session:
            return [_viewer(user) for user in session.scalars(users.order_by(alive.c.seen.desc()))]

    def as_viewer(self, email: str) -> Viewer:
        """Return a user as a viewer, for the command line; raises UserError when there is no such active user."""
        with Session(self._engine) as session:
            user = _user(session, email)
            if not user.active:
                raise UserError(f"{email!r} is disabled.")
            return _viewer(user)

    def record(self, action: str, actor: str, address: str, detail: str = "") -> None:
        """Add a line to the audit log; control characters are taken out."""
        clean = [_one_line(text) for text in (actor[:254], address[:60], detail[:1000])]
        with Session(self._engine) as session:
            session.add(AuditEvent(at=utc_now(), action=action, actor=clean[0], address=clean[1], detail=clean[2]))
            session.commit()

    def events(self, *, limit: int = 100) -> Sequence[sa.Row[dt.datetime, str, str, str, str]]:
        """Return the newest audit lines: time, action, actor, address, detail."""
        columns = (AuditEvent.at, AuditEvent.action, AuditEvent.actor, AuditEvent.address, AuditEvent.detail)
        with Session(self._engine) as session:
            return session.execute(sa.select(*columns).order_by(AuditEvent.id.desc()).limit(limit)).all()

    def _throttle(self, email: str, address: str) -> None:
        since = utc_now() - THROTTLE
        failures = sa.select(sa.func.count()).where(AuditEvent.action == "sign-in failed", AuditEvent.at > since)
        with Session(self._engine) as session:
            by_account = session.scalar(failures.where(AuditEvent.actor == email)) or 0
            by_address = session.scalar(failures.where(AuditEvent.address == address[:60])) or 0
        if by_account >= FAILURES_PER_ACCOUNT or by_address >= FAILURES_PER_ADDRESS:
            raise ThrottledError("Too many failed sign-ins. Wait 15 minutes, or ask an admin to reset the password.")

    def _verify(self, hashed: str, password: str) -> bool:
        if len(password) > MAX_PASSWORD:
            return False
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False

    def _change(self, email: str, *, end_sessions: bool = True, **values: object) -> None:
        with Session(self._engine) as session:
            user = _user(session, email)
            for name, value in values.items():
                setattr(user, name, value)
            if end_sessions:
                session.execute(sa.delete(SignedIn).where(SignedIn.user_id == user.id))
            session.commit()


def _one_line(text: str) -> str:
    """Return the text with a blank for every character that does not print, so that it stays one line anywhere."""
    return "".join(character if character.isprintable() else " " for character in text)


def _email(text: str) -> str:
    address = text.strip().lower()
    if not re.fullmatch(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}", address) or not address.isprintable():
        raise UserError(f"{text!r} is not an e-mail address; write it like name@example.com.")
    return address


def _strong(password: str) -> str:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UserError(f"The password has {len(password)} characters; allowed: {MIN_PASSWORD} to {MAX_PASSWORD}.")
    return password


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _limits(scope: RowScope) -> list[RowLimit]:
    empty = [name for name, values in scope.limits if not values]
    if empty:
        raise UserError(f"The row scope lists no value for {', '.join(empty)}; name at least one or leave it out.")
    return [RowLimit(dimension=name, value=value) for name, values in scope.limits for value in values]


def _viewer(user: User) -> Viewer:
    return Viewer(user.id, user.email, user.role, role(user.role).permissions, _scope(user))


def _scope(user: User) -> RowScope:
    if user.sees_everything:
        return EVERYTHING
    limits: Mapping[str, list[str]] = {limit.dimension: [] for limit in user.limits}
    for limit in user.limits:
        limits[limit.dimension].append(limit.value)
    return RowScope.of(limits)


def _user(session: Session, email: str) -> User:
    user = session.scalar(sa.select(User).where(User.email == _email(email)))
    if user is None:
        raise UserError(f"There is no user {email!r}. `salescope user list` shows all.")
    return user
