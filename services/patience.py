"""PostgreSQL connections that give up on a server which has stopped answering.

A stopped server, such as one whose machine hangs, still acknowledges what it is sent: neither TCP's timeouts nor the
server's own statement_timeout end the wait, so that the client has to.
"""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg import errors
from psycopg.abc import PQGen

RV = TypeVar("RV")
#: How often a waiting thread looks up, as psycopg does.
LOOK_UP_SECONDS = 0.1


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection whose server has `ping_seconds` for a ping and `seconds` for anything else."""

    ping_seconds, seconds = 1.0, 12.0

    def wait(self, gen: PQGen[RV], interval: float = LOOK_UP_SECONDS, timeout: float | None = None) -> RV:
        """Wait for the server; raises OperationalError and closes the connection when it takes too long."""
        # SQLAlchemy asks whether a pooled connection is alive in autocommit mode, which nothing else here uses.
        patience = self.ping_seconds if self.autocommit else self.seconds
        try:
            return super().wait(gen, interval, patience if timeout is None else timeout)
        except errors._WaitTimeout:
            self.close()
            raise psycopg.OperationalError(f"The database did not answer within {patience:g} seconds.") from None


def give_up_in_time(engine: sa.Engine) -> None:
    """Make the engine's connections impatient."""

    def connect(_dialect: object, _record: object, arguments: Any, named: Any) -> Any:
        return ImpatientConnection.connect(*arguments, **named)

    sa.event.listen(engine, "do_connect", connect)
