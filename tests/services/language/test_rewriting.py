"""An endpoint that rewords questions, over loopback: what it is sent, what its words become, and its faults."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest

from salescope.settings import Settings, SettingsError
from services.database import migrate, open_database
from services.language.questions import REWORDED, Questions
from services.language.rewriting import Rewriter
from services.sales import Sales
from tests.factories import viewer_of

pytestmark = [
    pytest.mark.parametrize("engine", ["duckdb"], indirect=True, scope="session"),
    pytest.mark.usefixtures("engine"),
]
ANALYST = viewer_of("analyst")


@dataclass
class Endpoint:
    """A chat endpoint on loopback that says what the test wants, and what it was asked."""

    port: int = 0
    status: int = 200
    says: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def rewriter(self) -> Rewriter:
        return Rewriter(f"http://127.0.0.1:{self.port}/v1", "small", "key of the site")


@pytest.fixture(scope="module")
def questions(endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory, sales: Sales) -> Iterator[Questions]:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('rewriting')}/app.db")
    migrate(database)
    yield Questions(database, sales, endpoint.rewriter)
    database.dispose()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    state = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.asked.append(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            state.keys.append(self.headers["Authorization"])
            body = orjson.dumps({"choices": [{"message": {"role": "assistant", "content": state.says}}]})
            self.send_response(state.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Write nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_unread_question_is_reworded_and_read_like_any_other(
    endpoint: Endpoint, sales: Sales, questions: Questions
) -> None:
    endpoint.says = "revenue by country\n"
    reading = questions.read("moolah per land, kindly", ANALYST)
    assert reading.answerable
    assert reading.confidence <= REWORDED
    assert (reading.text, reading.reworded) == ("moolah per land, kindly", "revenue by country")
    assert (reading.form.measures, reading.form.dimensions) == (("revenue",), ("country",))
    questions.read("moolah per land, kindly", ANALYST)
    questions.read("revenue by country", ANALYST)
    questions.read("why did revenue fall", ANALYST)
    assert len(endpoint.asked) == 1
    assert endpoint.keys == ["Bearer key of the site"]
    sent = orjson.dumps(endpoint.asked).decode()
    assert "moolah per land, kindly" in sent
    assert not [each.label for each in sales.values("country", ANALYST, limit=50) if each.label in sent]


@pytest.mark.parametrize(
    ("status", "says"),
    [(200, "CANNOT"), (200, ""), (200, "x" * 501), (200, "moolah of zorblax"), (500, "revenue"), (302, "revenue")],
)
def test_what_cannot_be_reworded_stays_unread(endpoint: Endpoint, questions: Questions, status: int, says: str) -> None:
    endpoint.status, endpoint.says = status, says
    reading = questions.read(f"moolah per land {status} {len(says)}", ANALYST)
    assert not reading.answerable
    assert reading.reworded == ""


def test_an_endpoint_that_is_not_there_gives_no_words(sales: Sales) -> None:
    assert Rewriter("http://127.0.0.1:9/v1", "small").rewrite("moolah", sales.model) is None
    assert "key" not in repr(Rewriter("http://127.0.0.1:9", "small", "key"))


def test_the_endpoint_needs_a_model() -> None:
    with pytest.raises(SettingsError, match="SALESCOPE_REWRITE_MODEL"):
        Settings.from_env({"SALESCOPE_REWRITE_URL": "https://host/v1"})
