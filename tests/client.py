"""A plain HTTP client with one cookie, for attacks: it sends exactly what it is told."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from tests.serving import PASSWORDS, email_of

PAGE = {"Accept": "text/html,application/xhtml+xml"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: tuple[str, ...]
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One browser: keeps the session cookie of the last answer that set one."""

    def __init__(self, port: int, host: str = "", cookie_name: str = "salescope") -> None:
        self.port, self.host, self.cookie_name = port, host or f"127.0.0.1:{port}", cookie_name
        self.cookie = ""
        self.dependencies: dict[str, dict[str, Any]] = {}

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=90)
        started = time.perf_counter()
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            sent = {"Host": self.host} | ({"Cookie": f"{self.cookie_name}={self.cookie}"} if self.cookie else {})
            sent |= {"Content-Length": str(len(body))} if body is not None else {}
            for name, value in (sent | dict(headers or {})).items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            cookies = tuple(answer.headers.get_all("Set-Cookie") or ())
            found = Answer(
                answer.status, dict(answer.getheaders()), answer.read(), cookies, time.perf_counter() - started
            )
        finally:
            connection.close()
        self._keep(found.cookies)
        return found

    def _keep(self, cookies: tuple[str, ...]) -> None:
        for line in cookies:
            morsel = SimpleCookie(line).get(self.cookie_name)
            if morsel is not None:
                self.cookie = morsel.value

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.send("GET", path, headers=headers)

    def page(self, path: str) -> Answer:
        return self.get(path, PAGE)

    def form(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        return self.send("POST", path, urlencode(fields).encode(), FORM | dict(headers or {}))

    def sign_in(self, email: str, password: str, **more: str) -> Answer:
        return self.form("/signin", {"email": email, "password": password} | more)

    def sign_in_as(self, role: str) -> Client:
        answer = self.sign_in(email_of(role), PASSWORDS[role])
        assert answer.status == 302, answer.text
        return self

    def sign_out(self) -> Answer:
        return self.form("/signout", {})

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", path, data, JSON | dict(headers or {}))

    def callbacks(self) -> dict[str, dict[str, Any]]:
        """Return what `/_dash-dependencies` says, by output, without the browser's own callbacks."""
        if not self.dependencies:
            rows = self.get("/_dash-dependencies").json()
            self.dependencies = {row["output"]: row for row in rows if not row["clientside_function"]}
        return self.dependencies

    def callback(self, output: str, values: Mapping[str, object] | None = None) -> Answer:
        """Run a callback as the browser does; `values` are those of inputs and states by `id.property`."""
        return self.post("/_dash-update-component", callback_body(self.callbacks()[output], values or {}))


def callback_body(specification: Mapping[str, Any], values: Mapping[str, object]) -> dict[str, Any]:
    """Return the body that Dash's renderer sends for a callback."""

    def filled(part: str) -> list[dict[str, object]]:
        return [
            {"id": item["id"], "property": item["property"], "value": values.get(f"{item['id']}.{item['property']}")}
            for item in specification[part]
        ]

    output = str(specification["output"])
    targets = [target(part) for part in output.strip(".").split("...")]
    return {
        "output": output,
        "outputs": targets if output.startswith("..") else targets[0],
        "inputs": filled("inputs"),
        "state": filled("state"),
        "changedPropIds": [f"{item['id']}.{item['property']}" for item in specification["inputs"][:1]],
    }


def target(text: str) -> dict[str, str]:
    """Return an output as the browser names it: `menu.options@digest` -> id and property."""
    identifier, _, name = text.rpartition(".")
    return {"id": identifier, "property": name}
