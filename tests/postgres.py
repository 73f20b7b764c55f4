"""A PostgreSQL cluster of the tests' own, from the programs installed on this machine."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

PASSWORD = "forty-two/gift boxes"


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL programs, None when there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return found[-1] if found and (found[-1] / "initdb").exists() else None


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def servant(*names: str) -> dict[str, int]:
    """Return what `subprocess` takes to run as one of these users; a database server refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in (*names, "nobody") if name in known)
    return {"user": entry.pw_uid, "group": entry.pw_gid}


@contextlib.contextmanager
def server_folder(who: dict[str, int]) -> Iterator[Path]:
    """Return a folder that a server's user may use; short, because a socket's path has 107 characters at most."""
    folder = Path(tempfile.mkdtemp(prefix="salescope-", dir="/tmp"))
    try:
        if who:
            os.chown(folder, who["user"], who["group"])
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stop(process: subprocess.Popen[bytes], by: signal.Signals = signal.SIGTERM) -> None:
    process.send_signal(by)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass
class Cluster:
    """A running server; `process` is its first process."""

    bin: Path
    folder: Path
    port: int
    who: dict[str, int]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [self.bin / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-h", "127.0.0.1"]
        options = ["-k", str(self.folder), "-F", "-c", "shared_buffers=128MB", "-c", "max_connections=60"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self.who,  # type: ignore[call-overload]
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.dsn("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            # The fast way: clients that are still there do not hold it up.
            stop(self.process, signal.SIGINT)
            self.process = None

    def dsn(self, database: str) -> str:
        return psycopg.conninfo.make_conninfo(
            host="127.0.0.1", port=self.port, dbname=database, user="salescope", password=PASSWORD
        )

    def url(self, database: str) -> str:
        """Return the URL of a database as a person would write it."""
        return f"postgresql+psycopg://salescope:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"

    def database(self, collation: str = "C.UTF-8") -> str:
        """Make a new database and return its name."""
        name = f"t{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE template0 LC_COLLATE '{collation}' LC_CTYPE '{collation}'".encode()
            )
        return name

    def new_url(self) -> str:
        """Return the URL of a new, empty database."""
        return self.url(self.database())

    def psql(self, database: str, script: Path) -> None:
        """Run a file of SQL."""
        subprocess.run(
            [self.bin / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(database), "-f", script],
            check=True,
            stdout=subprocess.DEVNULL,
        )


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Run a cluster with one role, `salescope`, that signs in by PASSWORD."""
    found = programs()
    if found is None:
        pytest.skip("needs the programs of a PostgreSQL server (apt-get install postgresql)")
    who = servant("postgres")
    with server_folder(who) as folder:
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="ascii")
        secret.chmod(0o644)
        command = [found / "initdb", "-D", folder / "data", "-U", "salescope", "-A", "scram-sha-256", "--no-sync"]
        subprocess.run(
            [*command, f"--pwfile={secret}", "--locale=C.UTF-8", "-E", "UTF8"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **who,  # type: ignore[call-overload]
        )
        cluster = Cluster(found, folder, free_port(), who)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
