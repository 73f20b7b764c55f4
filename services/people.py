"""People: who there is, with which role and row scope; the roles an admin puts together."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.access import EVERYTHING, NOTHING, ROLES, Permission, Role, RowScope, Viewer
from services.audit import Audit, one_line
from services.database import Base, CustomRole, RowLimit, SignedIn, User
from services.errors import UnknownNameError, UserError
from services.passwords import Passwords, generated, strong

#: What every role holds: the site would be of no use without. Which rows dashboards show is up to the row scope.
LEAST = frozenset({Permission.ACCOUNT_OWN, Permission.DASHBOARDS_VIEW})


class LastAdminError(UserError):
    """The change would leave nobody who may manage people."""


@dataclass(frozen=True)
class Account:
    """A user as lists show them; `seen_at` is when an open session was last used."""

    email: str
    name: str
    role: str
    active: bool
    scope: str
    second_factor: bool = False
    single_sign_on: bool = False
    seen_at: dt.datetime | None = None


class People(Audit):
    """The people of an installation."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        self._passwords = Passwords()

    def add(
        self, email: str, name: str, role_name: str, *, password: str | None = None, scope: RowScope = NOTHING
    ) -> str:
        """Create a user and return the password (a generated one unless given).

        Raises UserError for a malformed or taken address, an unknown role or a weak password.
        """
        address = plain_email(email)
        self.role(role_name)
        secret = strong(password, (address, name)) if password is not None else generated()
        hashed = self._passwords.hash(secret)
        with Session(self._engine) as session:
            if session.scalar(sa.select(User.id).where(User.email == address)) is not None:
                raise UserError(f"There is already a user {address!r}. Choose another address or reset the password.")
            user = User(
                email=address,
                name=one_line(name)[:200],
                role=role_name,
                password_hash=hashed,
                sees_everything=scope.everything,
                limits=_limits(scope),
            )
            session.add(user)
            session.commit()
        return secret

    def set_password(self, email: str, password: str | None = None) -> str:
        """Give a user a new password and end all their sessions; return the password."""
        secret = strong(password, (email,)) if password is not None else generated()
        hashed = self._passwords.hash(secret)
        with Session(self._engine) as session:
            user = find_user(session, email)
            user.password_hash = hashed
            end_sessions(session, user)
            session.commit()
        return secret

    def set_active(self, email: str, *, active: bool) -> None:
        """Enable or disable a user; disabling ends their sessions at once. The last admin stays."""
        with Session(self._engine) as session, self._an_admin_stays(session):
            user = find_user(session, email)
            user.active = active
            end_sessions(session, user)

    def set_role(self, email: str, role_name: str) -> None:
        """Give a user another role; open sessions act under it from their next request on."""
        self.role(role_name)
        with Session(self._engine) as session, self._an_admin_stays(session):
            find_user(session, email).role = role_name

    def set_scope(self, email: str, scope: RowScope) -> None:
        """Give a user another row scope; open sessions see by it from their next request on."""
        with Session(self._engine) as session:
            user = find_user(session, email)
            limits = _limits(scope)
            user.sees_everything, user.limits = scope.everything, []
            session.flush()
            user.limits = limits
            session.commit()

    def delete(self, email: str, heir: str = "") -> None:
        """Remove a user; what they made for themselves goes along, the rest to `heir`, or away without one.

        Raises UserError when the last admin would go or the heir is not there.
        """
        with Session(self._engine) as session, self._an_admin_stays(session):
            user = find_user(session, email)
            if heir:
                other = find_user(session, heir)
                if other.id == user.id:
                    raise UserError(f"{email!r} cannot inherit from themselves. Name somebody else, or nobody.")
                _hand_over(session, user, other)
            # An engine may give the number to the next person: nothing may refer to it any more.
            end_sessions(session, user)
            session.delete(user)

    def list(self) -> list[Account]:
        """Return all users by e-mail."""
        seen = sa.select(SignedIn.user_id, sa.func.max(SignedIn.seen_at).label("at")).group_by(SignedIn.user_id)
        latest = seen.subquery()
        asked = sa.select(User, latest.c.at).outerjoin(latest, latest.c.user_id == User.id).order_by(User.email)
        with Session(self._engine) as session:
            return [_account(user, at) for user, at in session.execute(asked)]

    def account(self, email: str) -> Account:
        """Return one user; raises UserError when there is none."""
        with Session(self._engine) as session:
            return _account(find_user(session, email), None)

    def scope(self, email: str) -> RowScope:
        """Return a user's row scope; raises UserError when there is no such user."""
        with Session(self._engine) as session:
            return scope_of(find_user(session, email))

    def as_viewer(self, email: str) -> Viewer:
        """Return a user as a viewer; raises UserError when there is no such active user."""
        with Session(self._engine) as session:
            user = find_user(session, email)
            if not user.active:
                raise UserError(f"{email!r} is disabled.")
            return self._viewer(session, user)

    def roles(self) -> dict[str, Role]:
        """Return all roles by name: the built-in ones and those an admin made."""
        with Session(self._engine) as session:
            return {**ROLES, **{each.name: _custom(each) for each in session.scalars(sa.select(CustomRole))}}

    def role(self, name: str) -> Role:
        """Return a role; raises UnknownNameError."""
        if name in ROLES:
            return ROLES[name]
        found = self.roles()
        if name not in found:
            raise UnknownNameError("role", name, found)
        return found[name]

    def save_role(self, label: str, permissions: Iterable[str]) -> str:
        """Make or change a role of one's own and return its name; whoever has it acts under it at once.

        Raises UserError for a built-in role's name, an unknown permission, or when no admin would be left.
        """
        name = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:40]
        if not name or name in ROLES:
            raise UserError(f"{label!r} cannot name a role: use letters or digits, and none of {', '.join(ROLES)}.")
        asked = {permission_of(each) for each in permissions} | LEAST
        with Session(self._engine) as session, self._an_admin_stays(session):
            found = session.get(CustomRole, name) or CustomRole(name=name)
            found.label, found.permissions = one_line(label.strip())[:100], sorted(asked)
            session.add(found)
        return name

    def delete_role(self, name: str) -> None:
        """Remove a role of one's own; raises UserError while somebody has it."""
        with Session(self._engine) as session:
            found = session.get(CustomRole, name)
            if found is None:
                raise UserError(f"There is no role {name!r} that could be removed; the built-in ones stay.")
            holders = session.scalars(sa.select(User.email).where(User.role == name).order_by(User.email)).all()
            if holders:
                raise UserError(f"{', '.join(holders)} still have the role {name!r}. Give them another one first.")
            session.delete(found)
            session.commit()

    def _viewer(self, session: Session, user: User) -> Viewer:
        return Viewer(user.id, user.email, user.role, permissions_of(session, user.role), scope_of(user))

    @contextmanager
    def _an_admin_stays(self, session: Session) -> Iterator[None]:
        """Commit what is done within unless it takes away the last active admin."""
        before = _admins(session)
        yield
        session.flush()
        if before and not _admins(session):
            raise LastAdminError(
                f"{' and '.join(before)} is the last who may manage people. Give somebody else that role first."
            )
        session.commit()


def _admins(session: Session) -> list[str]:
    """Return the active people who may manage people, locked until the transaction ends where the engine can."""
    custom = session.scalars(sa.select(CustomRole)).all()
    roles = {name: found.permissions for name, found in ROLES.items()} | {
        each.name: _custom(each).permissions for each in custom
    }
    managing = [name for name, permissions in roles.items() if Permission.USERS_MANAGE in permissions]
    asked = sa.select(User.email).where(User.active, User.role.in_(managing)).with_for_update()
    return list(session.scalars(asked))


def permissions_of(session: Session, role_name: str) -> frozenset[Permission]:
    """Return what a role may; one that is gone may nothing."""
    if role_name in ROLES:
        return ROLES[role_name].permissions
    found = session.get(CustomRole, role_name)
    return _custom(found).permissions if found else frozenset()


def _custom(found: CustomRole) -> Role:
    """Return a role of the database; a permission that this version does not know any more is left out."""
    known = {permission.value for permission in Permission}
    return Role(found.label, frozenset(Permission(each) for each in found.permissions if each in known))


def _hand_over(session: Session, user: User, heir: User) -> None:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            refers = any(key.column.table.name == User.__tablename__ for key in column.foreign_keys)
            if (refers or column.name == "user_id") and not table.info.get("personal"):
                session.execute(sa.update(table).where(column == user.id).values({column.name: heir.id}))


def end_sessions(session: Session, user: User) -> None:
    """End all sessions of a user."""
    session.execute(sa.delete(SignedIn).where(sa.or_(SignedIn.user_id == user.id, SignedIn.seen_as == user.id)))


def permission_of(text: str) -> Permission:
    """Return a permission by its text; raises UnknownNameError."""
    if text not in list(Permission):
        raise UnknownNameError("permission", text, Permission)
    return Permission(text)


def plain_email(text: str) -> str:
    """Return an e-mail address as it is kept; raises UserError when it is none."""
    address = text.strip().lower()
    if not re.fullmatch(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}", address) or not address.isprintable():
        raise UserError(f"{text!r} is not an e-mail address; write it like name@example.com.")
    return address


def find_user(session: Session, email: str) -> User:
    """Return a user by address; raises UserError when there is none."""
    user = session.scalar(sa.select(User).where(User.email == plain_email(email)))
    if user is None:
        raise UserError(f"There is no user {email!r}. `salescope user list` shows all.")
    return user


def scope_of(user: User) -> RowScope:
    """Return a user's row scope."""
    return make_scope([(limit.dimension, limit.value) for limit in user.limits], everything=user.sees_everything)


def make_scope(limits: Iterable[tuple[str, str]], *, everything: bool) -> RowScope:
    """Return the row scope of what the database says: dimensions with one value each."""
    if everything:
        return EVERYTHING
    values: dict[str, list[str]] = {}
    for dimension, value in limits:
        values.setdefault(dimension, []).append(value)
    return RowScope.of(values)


def _limits(scope: RowScope) -> list[RowLimit]:
    empty = [name for name, values in scope.limits if not values]
    if empty:
        raise UserError(f"The row scope lists no value for {', '.join(empty)}; name at least one or leave it out.")
    return [RowLimit(dimension=name, value=value) for name, values in scope.limits for value in values]


def _account(user: User, seen_at: dt.datetime | None) -> Account:
    factors = (user.totp_secret is not None, user.subject is not None)
    return Account(user.email, user.name, user.role, user.active, scope_of(user).describe(), *factors, seen_at)
