"""Who may do what, and on which rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.errors import AccessDeniedError, UnknownNameError


class Permission(StrEnum):
    """Something a role may do; alphabetical."""

    DASHBOARDS_VIEW = "dashboards:view"
    DATA_LOAD = "data:load"
    LINES_VIEW = "lines:view"


@dataclass(frozen=True)
class Role:
    """A named set of permissions."""

    label: str
    permissions: frozenset[Permission]


#: The built-in roles.
ROLES: Mapping[str, Role] = {
    "executive": Role("Executive", frozenset({Permission.DASHBOARDS_VIEW})),
    "manager": Role("Manager", frozenset({Permission.DASHBOARDS_VIEW, Permission.LINES_VIEW})),
    "analyst": Role("Analyst", frozenset({Permission.DASHBOARDS_VIEW, Permission.DATA_LOAD, Permission.LINES_VIEW})),
    "admin": Role("Admin", frozenset({Permission.DASHBOARDS_VIEW, Permission.DATA_LOAD, Permission.LINES_VIEW})),
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
    """The person a query is answered for; made anew from the database on every request."""

    user_id: int
    email: str
    role: str
    permissions: frozenset[Permission] = frozenset()
    scope: RowScope = NOTHING

    def may(self, permission: Permission) -> bool:
        """Tell whether the viewer holds the permission."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise AccessDeniedError unless the viewer holds the permission."""
        if not self.may(permission):
            raise AccessDeniedError(
                f"This needs the permission {permission.value!r}, which the role {self.role!r} does not have. "
                "An admin can change your role."
            )
