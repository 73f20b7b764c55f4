"""The audit log: who did what, when, from where, and with whose eyes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services import circumstances
from services.database import AuditEvent, utc_now

COLUMNS = (
    AuditEvent.id,
    AuditEvent.at,
    AuditEvent.action,
    AuditEvent.actor,
    AuditEvent.address,
    AuditEvent.detail,
    AuditEvent.seen_as,
    AuditEvent.request,
)
Asked = sa.Select[int, dt.datetime, str, str, str, str, str, str]
Line = sa.Row[int, dt.datetime, str, str, str, str, str, str]


@dataclass(frozen=True)
class Wanted:
    """Which lines of the audit log; what is empty does not narrow. `since` and `until` are days, both included."""

    actor: str = ""
    action: str = ""
    text: str = ""
    since: dt.date | None = None
    until: dt.date | None = None


def one_line(text: str) -> str:
    """Return the text with a blank for every character that does not print, so that it stays one line anywhere."""
    return "".join(character if character.isprintable() else " " for character in text)


class Audit:
    """The audit log in the application database. Lines are added, never changed or removed by the application."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def record(self, action: str, actor: str, address: str = "", detail: str = "") -> None:
        """Add a line; control characters are taken out.

        While an admin looks at the site as somebody else the line names both, whoever the caller names.
        """
        with circumstances.bookkeeping(), Session(self._engine) as session:
            session.add(event(action, actor, address, detail))
            session.commit()

    def events(self, wanted: Wanted | None = None, *, limit: int = 100, before: int | None = None) -> Sequence[Line]:
        """Return lines, the newest first; `before` is the id of the last one already seen."""
        asked = sa.select(*COLUMNS).order_by(AuditEvent.id.desc()).limit(limit)
        if before is not None:
            asked = asked.where(AuditEvent.id < before)
        with Session(self._engine) as session:
            return session.execute(_narrowed(asked, wanted or Wanted())).all()

    def actions(self) -> list[str]:
        """Return the kinds of lines there are."""
        with Session(self._engine) as session:
            return list(session.scalars(sa.select(AuditEvent.action).distinct().order_by(AuditEvent.action)))


def event(action: str, actor: str, address: str, detail: str) -> AuditEvent:
    """Return a line of the log, cut to its columns."""
    now = circumstances.now()
    who = now.by if now.looking_as else actor
    return AuditEvent(
        at=utc_now(),
        action=action,
        actor=one_line(who[:254]),
        address=one_line((address or now.address)[:60]),
        detail=one_line(detail[:1000]),
        seen_as=one_line(now.looking_as[:254]),
        request=now.request[:32],
    )


def _narrowed(asked: Asked, wanted: Wanted) -> Asked:
    for column, value in ((AuditEvent.actor, wanted.actor), (AuditEvent.action, wanted.action)):
        if value:
            asked = asked.where(column == value.strip().lower() if column is AuditEvent.actor else column == value)
    if wanted.text:
        asked = asked.where(
            sa.or_(
                *(
                    each.icontains(wanted.text, autoescape=True)
                    for each in (AuditEvent.detail, AuditEvent.actor, AuditEvent.address, AuditEvent.seen_as)
                )
            )
        )
    if wanted.since is not None:
        asked = asked.where(AuditEvent.at >= dt.datetime.combine(wanted.since, dt.time()))
    if wanted.until is not None:
        asked = asked.where(AuditEvent.at < dt.datetime.combine(wanted.until, dt.time()) + dt.timedelta(days=1))
    return asked
