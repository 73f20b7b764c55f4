"""Database URLs as people write them, and how they are shown: without what is secret in them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from services.errors import UserError

#: What the part before `://` may be, and the driver it means.
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mariadb+pymysql": "mysql+pymysql",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
}
EXAMPLES = {
    "postgresql": "postgresql://user:password@host:5432/database",
    "mysql": "mysql://user:password@host:3306/database",
    "sqlite": "sqlite:////folder/file.db",
    "duckdb": "duckdb:////folder/file.duckdb",
}


def read_address(text: str, kinds: Collection[str] = tuple(EXAMPLES)) -> sa.URL:
    """Return a database URL with its driver; `kinds` are those of EXAMPLES that are wanted.

    Raises UserError, which never repeats the text: a password may stand in it.
    """
    allowed = " or ".join(EXAMPLES[kind] for kind in EXAMPLES if kind in kinds)
    try:
        url = sa.make_url(text.strip())
    except (sa.exc.ArgumentError, ValueError):
        raise UserError(
            f"This is not a database URL; write it like {allowed}. "
            "In a password, write @ as %40, : as %3A and / as %2F."
        ) from None
    driver = DRIVERS.get(url.drivername, "")
    if driver.partition("+")[0] not in kinds:
        raise UserError(f"A URL that begins with {url.drivername}:// cannot be used here; write it like {allowed}.")
    if not url.database and driver in ("sqlite", "duckdb"):
        raise UserError(f"The URL names no file; write it like {allowed}.")
    return url.set(drivername=driver)


def shown(url: sa.URL) -> str:
    """Return a URL for people: no password, no options."""
    return url.set(query={}, password=None).render_as_string(hide_password=True)


def without_secrets(text: str, url: sa.URL) -> str:
    """Return a driver's message on one line, with the password of the URL blotted out."""
    line = " ".join(text.split())
    return line.replace(str(url.password), "***") if url.password else line
