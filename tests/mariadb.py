"""A MariaDB server of the tests' own, from the programs installed on this machine."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pymysql
import pytest

from tests.postgres import PASSWORD, free_port, servant, server_folder, stop


@dataclass(frozen=True)
class MariaDb:
    """A running server."""

    socket: Path
    port: int

    def url(self, database: str) -> str:
        """Return the URL of a database as a person would write it."""
        return f"mysql://salescope:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str, database: str | None = None) -> None:
        with contextlib.closing(
            pymysql.connect(unix_socket=str(self.socket), user="root", database=database, charset="utf8mb4")
        ) as connection:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            connection.commit()


@contextlib.contextmanager
def running_mariadb() -> Iterator[MariaDb]:
    """Run a server with the user `salescope`, who signs in by PASSWORD and may read everything."""
    server, install = shutil.which("mariadbd", path="/usr/sbin:/usr/bin"), shutil.which("mariadb-install-db")
    if server is None or install is None:
        pytest.skip("needs the programs of a MariaDB server (apt-get install mariadb-server)")
    who = servant("mysql")
    with server_folder(who) as folder:
        place = ["--no-defaults", f"--datadir={folder / 'data'}"]
        options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run([install, *place, *options], check=True, stdout=subprocess.DEVNULL, cwd=folder, **who)  # type: ignore[call-overload]
        database = MariaDb(folder / "socket", free_port())
        listening = [f"--port={database.port}", "--bind-address=127.0.0.1", f"--socket={database.socket}"]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [server, *place, *listening, f"--pid-file={folder / 'pid'}", "--innodb-buffer-pool-size=64M"],
                stdout=log,
                stderr=log,
                cwd=folder,
                **who,  # type: ignore[call-overload]
            )
        try:
            _wait(database, process)
            user = "'salescope'@'127.0.0.1'"
            database.run(f"CREATE USER {user} IDENTIFIED BY '{PASSWORD}'", f"GRANT SELECT, SHOW VIEW ON *.* TO {user}")
            yield database
        finally:
            stop(process)


def _wait(database: MariaDb, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with socket.create_connection(("127.0.0.1", database.port), timeout=2):
                return
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.1)
