"""Who may do what, and on which rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from services.errors import AccessDeniedError, UnknownNameError


class Permission(StrEnum):
    """Something a role may do; alphabetical. What ends in a word of READING changes nothing for anybody."""

    ACCOUNT_OWN = "account:own"
    AUDIT_READ = "audit:read"
    DASHBOARDS_VIEW = "dashboards:view"
    DATA_LOAD = "data:load"
    FORECAST_RUN = "forecast:run"
    LINES_EXPORT = "lines:export"
    LINES_VIEW = "lines:view"
    PLANS_EDIT = "plans:edit"
    SETTINGS_READ = "settings:read"
    USERS_MANAGE = "users:manage"
    VIEWS_SHARE = "views:share"

    @property
    def reading(self) -> bool:
        """True when holding it changes nothing; only such permissions work while looking as somebody else."""
        return self.value.rpartition(":")[2] in READING


#: What a permission's last word is when it only lets people see.
READING = frozenset({"export", "read", "use", "view"})


@dataclass(frozen=True)
class Role:
    """A named set of permissions."""

    label: str
    permissions: frozenset[Permission]


_EVERYBODY = frozenset({Permission.ACCOUNT_OWN, Permission.DASHBOARDS_VIEW, Permission.FORECAST_RUN})
_MANAGER = _EVERYBODY | {Permission.LINES_VIEW}
_ANALYST = _MANAGER | {Permission.DATA_LOAD, Permission.LINES_EXPORT, Permission.PLANS_EDIT, Permission.VIEWS_SHARE}
_ADMIN = _ANALYST | {Permission.AUDIT_READ, Permission.SETTINGS_READ, Permission.USERS_MANAGE}

#: The built-in roles.
ROLES: Mapping[str, Role] = {
    "executive": Role("Executive", _EVERYBODY),
    "manager": Role("Manager", _MANAGER),
    "analyst": Role("Analyst", _ANALYST),
    "admin": Role("Admin", _ADMIN),
}


def role(name: str) -> Role:
    """Return a built-in role; raises UnknownNameError."""
    if name not in ROLES:
        raise UnknownNameError("role", name, ROLES)
    return ROLES[name]


@dataclass(frozen=True)
class RowScope:
    """The rows a viewer may see.

    `everything` must be said; otherwise only rows whose dimension values are listed for *every* listed
    dimension. No list at all means no rows.
    """

    everything: bool = False
    limits: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, limits: Mapping[str, Iterable[str]]) -> RowScope:
        """Return a scope limited to the given values per dimension."""
        return cls(limits=tuple(sorted((name, tuple(sorted(set(values)))) for name, values in limits.items())))

    @property
    def fingerprint(self) -> str:
        """A digest equal for equal scopes only; part of every cache key."""
        return hashlib.sha256(json.dumps([self.everything, self.limits]).encode()).hexdigest()[:16]

    def describe(self) -> str:
        """Return the scope in words."""
        if self.everything:
            return "all rows"
        if not self.limits:
            return "no rows"
        return "; ".join(f"{name}: {', '.join(values)}" for name, values in self.limits)


EVERYTHING, NOTHING = RowScope(everything=True), RowScope()


@dataclass(frozen=True)
class Viewer:
    """The person a query is answered for; made anew from the database on every request.

    `session` names the session, "" for programs and the command line. `looked_at_by` is who really asks, when an admin
    looks at the site as this person; then there are only permissions for reading. Numbers and dates are written as in
    `locale`, "" for that of the data.
    """

    user_id: int
    email: str
    role: str
    permissions: frozenset[Permission] = frozenset()
    scope: RowScope = NOTHING
    session: str = ""
    looked_at_by: str = ""
    locale: str = ""

    @property
    def actor(self) -> str:
        """Who really asks."""
        return self.looked_at_by or self.email

    def through_the_eyes_of(self, other: Viewer) -> Viewer:
        """Return what this viewer is while looking as another person: that person, for reading only."""
        reading = frozenset(permission for permission in other.permissions if permission.reading)
        return replace(other, permissions=reading, session=self.session, looked_at_by=self.email)

    def may(self, permission: Permission) -> bool:
        """Tell whether the viewer holds the permission."""
        return permission in self.permissions

    def require_all_rows(self, what: str) -> None:
        """Raise AccessDeniedError unless the viewer sees everything; `what` is what concerns all rows."""
        if not self.scope.everything:
            raise AccessDeniedError(
                f"{what} concerns all rows, and yours are {self.scope.describe()}. An admin can change your row scope."
            )

    def require(self, permission: Permission) -> None:
        """Raise AccessDeniedError unless the viewer holds the permission."""
        if not self.may(permission):
            raise AccessDeniedError(self.lacks(permission))

    def lacks(self, permission: Permission, what: str = "This") -> str:
        """Return why somebody without a permission is refused, and who can help."""
        if self.looked_at_by:
            return f"{what} is off while you look as {self.email}: it changes something, or they may not see it."
        words = f"{what} needs the permission {permission.value!r}, which the role {self.role!r} does not have."
        return f"{words} An admin can change your role."
