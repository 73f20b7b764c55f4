"""Servers to attack: one as a person starts it at home, one in production with a hostile environment."""

from __future__ import annotations

from collections.abc import Iterator

import flask
import pytest

from salescope.app import create_app
from salescope.gate import Gate
from tests.client import Client
from tests.serving import PASSWORDS, Installation, Server, running_server

SITE = "sales.example.com"
COOKIE = "__Host-salescope"
KEY = "q8Vd-2Jr_71mXw0ZbTn5uLk3PsYc9hGe4AfRoMiE6tU"
#: What somebody who controls the environment, but not our settings, would switch on.
HOSTILE = {"DASH_MCP_ENABLED": "true", "DASH_DEBUG": "true", "DASH_HOT_RELOAD": "true", "FLASK_DEBUG": "1"}


@pytest.fixture(scope="session")
def installation(prepared: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return prepared.copied_to(tmp_path_factory.mktemp("installation") / "instance")


@pytest.fixture(scope="session")
def server(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(installation, tmp_path_factory.mktemp("server") / "output") as started:
        yield started


@pytest.fixture(scope="session")
def server_url(server: Server) -> str:
    return server.url


@pytest.fixture(scope="session")
def production_installation(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return installation.with_new_database(tmp_path_factory.mktemp("production") / "salescope.db")


@pytest.fixture(scope="session")
def production(production_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"SALESCOPE_ENV": "production", "SALESCOPE_SECRET_KEY": KEY, "SALESCOPE_TRUSTED_HOSTS": SITE}
    output = tmp_path_factory.mktemp("production_server") / "output"
    with running_server(production_installation, output, host=SITE, **settings, **HOSTILE) as started:
        yield started


@pytest.fixture(scope="session")
def app(installation: Installation) -> flask.Flask:
    """The application in this process, to read its routes and policy from; it answers no request."""
    return create_app(installation.settings())


@pytest.fixture(scope="session")
def gate(app: flask.Flask) -> Gate:
    found: Gate = app.extensions["salescope"]["gate"]
    return found


@pytest.fixture(scope="session")
def people(server: Server) -> dict[str, Client]:
    """One signed-in client per role; tests that end sessions make their own."""
    return {role: Client(server.port).sign_in_as(role) for role in PASSWORDS}


@pytest.fixture
def anonymous(server: Server) -> Client:
    return Client(server.port)
