"""What no answer to an error may hold."""

from __future__ import annotations

import re

from tests.client import Answer

INTERNALS = re.compile(
    r"Traceback|File \"|site-packages|\.py\b|/home/|/usr/|/tmp/|/work|sqlalchemy|sqlite|duckdb|werkzeug|SELECT |psycopg"
)


def leaked(answer: Answer) -> list[str]:
    """Return internals found in an answer."""
    return INTERNALS.findall(answer.text)
