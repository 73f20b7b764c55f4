"""An OpenID Connect provider on loopback, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from tests.serving import free_port, outside, until


@dataclass(frozen=True)
class Provider:
    """A running provider; everybody it is told of can sign in."""

    port: int

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def knows(self, subject: str, **claims: object) -> None:
        """Tell the provider about a person."""
        status, _ = self._ask("PUT", f"/users/{subject}", json.dumps(claims), "application/json")
        assert status == 204

    def authorize(self, location: str, subject: str) -> str:
        """Do what the person's browser does there: agree, and return where the provider sends it."""
        parts = urlsplit(location)
        form = urlencode({"sub": subject})
        status, headers = self._ask("POST", f"{parts.path}?{parts.query}", form, "application/x-www-form-urlencoded")
        assert status == 302, status
        return headers["Location"]

    def alive(self) -> bool:
        try:
            return self._ask("GET", "/.well-known/openid-configuration")[0] == 200
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: str | None = None, kind: str = "") -> tuple[int, dict[str, str]]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if kind else {})
            answer = connection.getresponse()
            answer.read()
            return answer.status, dict(answer.getheaders())
        finally:
            connection.close()


@contextmanager
def running_provider() -> Iterator[Provider]:
    provider = Provider(free_port())
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(provider.port)]
    with subprocess.Popen(command, env=outside(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            assert until(lambda: process.poll() is not None or provider.alive(), 60)
            assert process.poll() is None
            yield provider
        finally:
            process.terminate()
