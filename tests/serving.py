"""A whole installation made by the product's own commands, and the real gunicorn serving it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path

from salescope import installation
from salescope.settings import Settings
from services.access import EVERYTHING, ROLES, RowScope
from services.accounts import Accounts
from services.database import open_database

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = ("France", "Germany")
MANAGER_SCOPE = RowScope.of({"country": ALLOWED})
PASSWORDS = {role: f"{role}: forty-two gift boxes" for role in ROLES}


def email_of(role: str) -> str:
    return f"{role}@example.com"


@dataclass(frozen=True)
class Installation:
    """An instance folder with the sample in it and one user per role; `extra` are further settings."""

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {"SALESCOPE_INSTANCE": str(self.folder)} | self.extra

    def settings(self, **more: str) -> Settings:
        return Settings.from_env(self.environment | more)

    def accounts(self) -> Accounts:
        settings = self.settings()
        return Accounts(open_database(settings.database_url), seal=installation.seal(settings))

    def with_new_database(self, path: Path) -> Installation:
        """Return an installation with the same data and people, but a database of its own."""
        other = self.with_database(path)
        add_people(installation.init(other.settings()))
        return other

    def with_database(self, path: Path) -> Installation:
        """Return an installation with the same data and the database in this file."""
        return replace(self, extra=self.extra | {"SALESCOPE_DATABASE_URL": f"sqlite:///{path}"})

    def copied_to(self, folder: Path) -> Installation:
        """Return a copy to break something in. Its data files are links: replace them, never write into them."""
        shutil.copytree(self.folder, folder, copy_function=_link_data)
        folder.chmod(0o700)
        return Installation(folder)


def _link_data(source: str, target: str) -> str:
    if Path(source).suffix in {".duckdb", ".npy", ".parquet"}:
        Path(target).hardlink_to(source)
        return target
    return shutil.copy2(source, target)


def add_people(accounts: Accounts) -> None:
    for role, password in PASSWORDS.items():
        scope = MANAGER_SCOPE if role == "manager" else EVERYTHING
        accounts.add(email_of(role), role.title(), role, password=password, scope=scope)


def make_installation(folder: Path) -> Installation:
    """Return a new installation in `folder`, made by what `salescope run` calls."""
    made = Installation(folder)
    settings = made.settings()
    accounts = installation.init(settings)
    installation.load_recipe(settings, installation.SAMPLE, by="tests", progress=lambda stage, share: None)
    add_people(accounts)
    return made


def outside(**more: str) -> dict[str, str]:
    """Return this process's environment without settings, and `more` in it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SALESCOPE_", "GUNICORN_", "DASH_"))}
    return kept | more


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def until(condition: Callable[[], bool], limit: float) -> bool:
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@dataclass(frozen=True)
class Server:
    """A started server: where it listens, and everything it wrote."""

    port: int
    output: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def alive(self, host: str = "127.0.0.1") -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz", headers={"Host": host})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def log(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")


@contextmanager
def running_server(instance: Installation, output: Path, *, host: str = "127.0.0.1", **env: str) -> Iterator[Server]:
    """Start gunicorn as the Procfile does, wait until it answers, stop it at the end.

    `host` is a name it trusts, `env` are further environment variables, `output` the file for what it writes.
    """
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "--pythonpath", "src,."]
    given = instance.environment | {"SALESCOPE_PORT": str(port), "SALESCOPE_ACCESS_LOG": "1"} | env
    with (
        output.open("wb") as stream,
        subprocess.Popen(
            [*command, "salescope.wsgi:server"],
            cwd=ROOT,
            env=outside(**given),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        server = Server(port, output, process)
        try:
            ready = until(lambda: process.poll() is not None or server.alive(host), 60)
            if not ready or process.poll() is not None:
                raise RuntimeError(f"The server did not start:\n{server.log()}")
            yield server
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=5)
