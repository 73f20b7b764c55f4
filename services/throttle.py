"""How many tries somebody gets: failed sign-ins and asked resets, counted in the audit log."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services import circumstances
from services.audit import event, one_line
from services.database import AuditEvent, utc_now
from services.errors import UserError

#: Failed sign-ins per account, and per address, in the last 15 minutes before further ones are refused.
FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS = 10, 50
RESETS_PER_ACCOUNT, RESETS_PER_ADDRESS = 3, 20
THROTTLE = dt.timedelta(minutes=15)
FAILED, RESET_ASKED = "sign-in failed", "reset asked"


class SignInError(UserError):
    """The sign-in was refused; the same words whether the account exists or not."""


class ThrottledError(SignInError):
    """Too many tries."""


class Throttle:
    """Notes tries before they are made."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def attempt(self, email: str, address: str) -> int:
        """Note a try as failed before it is made, and return its number; raises ThrottledError after too many.

        All who try at the same moment see one another's notes, so that together they get no more tries than one.
        """
        with circumstances.bookkeeping(), Session(self._engine) as session:
            mine = event(FAILED, email, address, "")
            session.add(mine)
            session.commit()
            attempt = mine.id
            by_account, by_address = _recent(session, FAILED, email, address, but=attempt)
        if by_account >= FAILURES_PER_ACCOUNT or by_address >= FAILURES_PER_ADDRESS:
            self.settle(attempt, None)
            raise ThrottledError("Too many failed sign-ins. Wait 15 minutes, or ask an admin to reset the password.")
        return attempt

    def settle(self, attempt: int, action: str | None) -> None:
        """Make another line of a noted try, or none."""
        which = AuditEvent.id == attempt
        with circumstances.bookkeeping(), Session(self._engine) as session:
            if action is None:
                session.execute(sa.delete(AuditEvent).where(which))
            else:
                session.execute(sa.update(AuditEvent).where(which).values(action=action))
            session.commit()

    def note_reset(self, email: str, address: str) -> None:
        """Note that somebody asked for a link to a new password; raises ThrottledError after too many."""
        with circumstances.bookkeeping(), Session(self._engine) as session:
            by_account, by_address = _recent(session, RESET_ASKED, one_line(email), address)
            if by_account >= RESETS_PER_ACCOUNT or by_address >= RESETS_PER_ADDRESS:
                raise ThrottledError("Too many requests for a new password. Wait 15 minutes, or ask an admin.")
            session.add(event(RESET_ASKED, email, address, ""))
            session.commit()


def _recent(session: Session, action: str, actor: str, address: str, but: int = 0) -> tuple[int, int]:
    """Return how often something was noted of a person and from an address lately, without the line `but`."""
    counted = sa.select(sa.func.count()).where(
        AuditEvent.action == action, AuditEvent.at > utc_now() - THROTTLE, AuditEvent.id != but
    )
    by_account = session.scalar(counted.where(AuditEvent.actor == actor)) or 0
    return by_account, session.scalar(counted.where(AuditEvent.address == address[:60])) or 0
