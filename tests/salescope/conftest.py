"""An installation and the application on it, in this process."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import flask
import pytest
from flask.testing import FlaskClient

from salescope.app import create_app
from tests.client import callback_body
from tests.serving import PASSWORDS, Installation, email_of

OPEN_PAGE = "..content.children...navigation.children...title.data.."
Visit = Callable[[str, str, str], str]


@pytest.fixture(scope="session")
def installation(prepared: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return prepared.copied_to(tmp_path_factory.mktemp("installation") / "instance")


@pytest.fixture(scope="session")
def app(installation: Installation) -> Iterator[flask.Flask]:
    made = create_app(installation.settings())
    yield made
    close(made)


def close(app: flask.Flask) -> None:
    """Close the data file an application has open."""
    app.extensions["salescope"]["sales"]._warehouse.current().engine.dispose()


@pytest.fixture(scope="session")
def signed_in(app: flask.Flask) -> dict[str, FlaskClient]:
    """One client per role."""
    clients = {}
    for role, password in PASSWORDS.items():
        clients[role] = app.test_client()
        answer = clients[role].post("/signin", data={"email": email_of(role), "password": password})
        assert answer.status_code == 302
    return clients


@pytest.fixture(scope="session")
def visit(signed_in: dict[str, FlaskClient]) -> Visit:
    """Return what opens a page as a role, by the callback the browser runs, and returns the answer's text."""

    def open_page(role: str, path: str, search: str) -> str:
        rows = signed_in[role].get("/_dash-dependencies").get_json()
        (specification,) = [row for row in rows if row["output"] == OPEN_PAGE]
        body = callback_body(specification, {"route.data": {"pathname": path, "search": search}})
        answer = signed_in[role].post("/_dash-update-component", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    return open_page


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
