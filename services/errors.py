"""Errors split by who can act.

SalescopeError
├── UserError              shown as it is: what was received, what is allowed, what to do
│   ├── UnknownNameError   a name that is not in a closed list; carries near matches
│   ├── QueryError         a query that the model or the limits refuse
│   │   └── CancelledError one that the person who asked it no longer wants
│   ├── BusyError          too many queries of one person at once
│   ├── ExpressionError    a model or recipe expression that does not compile
│   ├── DefinitionError    a model or recipe file that is wrong; carries file and line
│   ├── LoadError          data that cannot be loaded
│   └── AccessDeniedError  the viewer may not do this
└── NotReadyError          the installation is not complete (no data, no database)
    └── AwayError          a server that the installation needs does not answer
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class SalescopeError(Exception):
    """Base of every error Salescope raises on purpose."""


class UserError(SalescopeError):
    """A message that is ready to be shown to the person who can act on it."""


class UnknownNameError(UserError):
    """A name outside a closed list.

    `near` holds the closest allowed names, best first.
    """

    def __init__(self, kind: str, name: str, allowed: Iterable[str]) -> None:
        self.kind, self.name, self.allowed = kind, name, tuple(map(str, allowed))
        self.near = tuple(get_close_matches(name, self.allowed, n=3, cutoff=0.5))
        hint = f" Did you mean {' or '.join(map(repr, self.near))}?" if self.near else ""
        super().__init__(f"There is no {kind} {name!r}.{hint} Allowed: {', '.join(self.allowed) or 'none'}.")


class QueryError(UserError):
    """A query that cannot be answered as asked."""


class CancelledError(QueryError):
    """A query that the person who asked it no longer wants."""

    def __init__(self) -> None:
        super().__init__("The query was stopped because you cancelled it. Ask again whenever you like.")


class BusyError(UserError):
    """Too many queries of one person at once; the same one is answered a moment later."""


class ExpressionError(UserError):
    """An expression of a model or recipe that does not compile."""


class LoadError(UserError):
    """Data that cannot be loaded; nothing was changed."""


class AccessDeniedError(UserError):
    """The viewer lacks a permission."""


class DefinitionError(UserError):
    """A model or recipe file that is wrong, with the place to mend."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        self.path, self.line, self.problem = path, line, message
        super().__init__(f"{path}, line {line}: {message}")


class NotReadyError(SalescopeError):
    """Something the installation needs is missing; the message says which command makes it."""


class AwayError(NotReadyError):
    """A database server does not answer; nothing has to be mended in Salescope, and it recovers alone."""

    def __init__(self, message: str = "The server of the data does not answer. Try again in a moment.") -> None:
        super().__init__(message)


class RebuildError(SalescopeError):
    """A version cannot be brought up to date from the one before; it is built from nothing instead."""
