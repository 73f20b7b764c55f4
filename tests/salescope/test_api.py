"""API v1 on the real gunicorn: answers in the caller's scope, orders that are on the dashboards within seconds."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.compute
import pytest
import sqlalchemy as sa

from salescope import installation as product
from services.ledger import loads
from services.processes import try_lock
from services.warehouse import rows_of
from tests.client import Answer, Client
from tests.serving import ALLOWED, ROOT, Installation, Server, email_of, outside, running_server, until

QUERY, ORDERS = "/api/v1/query", "/api/v1/orders"
REVENUE = {"measures": ["revenue"], "period": {"preset": "all"}}
ORDER = {
    "order_id": "LIVE",
    "order_time": "2011-12-09T12:50:00",
    "line_kind": "sale",
    "product_id": "85123A",
    "country": "France",
    "country_code": "FRA",
    "quantity": 4,
    "unit_price": "250.25",
    "revenue": "1001.00",
}
ARROW = "application/vnd.apache.arrow.stream"


class Program:
    """A program with a token."""

    def __init__(self, server: Server, token: str) -> None:
        self._client, self._token = Client(server.port), token

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        sent = {"Authorization": f"Bearer {self._token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return self._client.send(method, path, body, sent)

    def ask(self, query: Mapping[str, Any], **more: str) -> Answer:
        return self.send("GET", f"{QUERY}?{urlencode({'q': json.dumps(query)} | more)}")

    def value(self, query: Mapping[str, Any], field: str = "revenue") -> Any:
        answer = self.ask(query)
        assert answer.status == 200, answer.text
        return answer.json()["rows"][0][field]

    def order(self, *records: object, key: str, **headers: str) -> Answer:
        body = b"".join(json.dumps(record).encode() + b"\n" for record in records)
        return self.send("POST", ORDERS, body, Content_Type="application/x-ndjson", Idempotency_Key=key, **headers)


@pytest.fixture(scope="module")
def own(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation to publish into."""
    return installation.copied_to(tmp_path_factory.mktemp("api") / "instance")


@pytest.fixture(scope="module")
def server(own: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(own, tmp_path_factory.mktemp("api-log") / "log", SALESCOPE_API_BODY_MB="1") as started:
        yield started


@pytest.fixture(scope="module")
def program(own: Installation, server: Server) -> Program:
    may = ["data:load", "dashboards:view", "lines:view"]
    return Program(server, product.tokens(own.settings()).create(email_of("analyst"), "shop", may, 1, by="tests"))


@pytest.fixture(scope="module")
def manager(own: Installation, server: Server) -> Program:
    may = ["dashboards:view", "lines:view"]
    return Program(server, product.tokens(own.settings()).create(email_of("manager"), "sheet", may, 1, by="tests"))


def facts(own: Installation, select: str) -> Any:
    store = product.warehouse(own.settings())
    found = rows_of(store.current(), sa.text(f"SELECT {select} AS found FROM facts"))[0]["found"]
    store.current().engine.dispose()
    return found


IN_SCOPE = "sum(revenue) FILTER (WHERE line_kind = 'sale' AND country IN ('France', 'Germany'))"


def test_answer_is_that_of_plain_sql_in_the_scope_of_the_caller(
    own: Installation, program: Program, manager: Program
) -> None:
    everything = facts(own, "sum(revenue) FILTER (WHERE line_kind = 'sale')")
    assert program.value(REVENUE) == pytest.approx(float(everything))
    assert manager.value(REVENUE) == pytest.approx(float(facts(own, IN_SCOPE)))
    countries = manager.ask(REVENUE | {"dimensions": ["country"]}).json()["rows"]
    assert {row["country"] for row in countries} == set(ALLOWED)


def test_answer_says_where_it_comes_from(program: Program) -> None:
    answer = program.ask(REVENUE | {"grain": "month", "compare": "year", "dimensions": ["country"]})
    body = answer.json()
    assert body["fields"][:2] == ["time", "country"]
    assert body["rows"][0]["time"] == "2009-12-01T00:00:00"
    assert any(row["revenue__before"] is None for row in body["rows"])
    assert body["provenance"]["version"] == int(answer.headers["Salescope-Version"]) >= 1
    assert body["provenance"]["data_until"] == "2011-12-09T12:50:00"
    assert "SELECT" in body["provenance"]["statement"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_query_in_a_body_is_the_same_query(program: Program) -> None:
    posted = program.send("POST", QUERY, json.dumps(REVENUE).encode(), Content_Type="application/json")
    assert posted.json()["rows"] == program.ask(REVENUE).json()["rows"]
    assert program.send("POST", QUERY, b"{}", Content_Type="text/plain").status == 415


LINES = {
    "columns": ["order_id", "product_name", "revenue", "order_time"],
    "period": {"preset": "all"},
    "filters": [{"field": "order_id", "operator": "is", "values": ["FORMULA"]}],
}


def test_formats_say_the_same(program: Program, own: Installation) -> None:
    query = REVENUE | {"dimensions": ["country"], "grain": "year", "sort": [{"field": "revenue", "descending": True}]}
    rows = program.ask(query).json()["rows"]
    path = f"{QUERY}?{urlencode({'q': json.dumps(query)})}"
    for answer in (program.send("GET", f"{path}&format=csv"), program.send("GET", path, Accept="text/csv")):
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        found = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["country"] for row in found] == [row["country"] or "" for row in rows]
        assert [float(row["revenue"] or "nan") for row in found] == pytest.approx(
            [float("nan") if row["revenue"] is None else row["revenue"] for row in rows], nan_ok=True
        )
        assert found[0]["time"] == rows[0]["time"]
    answer = program.send("GET", path, Accept=ARROW)
    with pa.ipc.open_stream(answer.body) as reader:
        table = reader.read_all()
    assert pa.compute.sum(table["revenue"]).as_py() == pytest.approx(sum(row["revenue"] or 0 for row in rows))
    assert table.schema.field("revenue").type == pa.float64()


def test_csv_holds_nothing_a_spreadsheet_would_run(program: Program) -> None:
    names = ["=1+1", "+cmd", "-2-3", "@sum", "\tx", "=1+1", "-5", "plain"]
    sent = [ORDER | {"order_id": "FORMULA", "product_name": name} for name in names]
    assert program.order(*sent, key="formulas").status == 202
    query = LINES | {"sort": [{"field": "product_name"}]}
    assert until(lambda: len(program.ask(query).json()["rows"]) == len(names), 90)
    answer = program.ask(query, format="csv")
    found = sorted(row["product_name"] for row in csv.DictReader(io.StringIO(answer.text, newline="")))
    assert found == sorted(["'=1+1", "'+cmd", "'-2-3", "'@sum", "'\tx", "'=1+1", "-5", "plain"])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("q=x", "This is not a query"),
        ("", "The parameter q is missing"),
        ("q={}", "measures or for columns"),
        ('q={"measures":["revenu"]}', "Did you mean 'revenue'"),
        ('q={"measures":["revenue"],"sql":"DROP TABLE facts"}', "This is not a query"),
        ('q={"measures":["revenue"],"limit":100001}', "allowed: 1 to 100000"),
        ('q={"measures":["revenue"]}&format=xlsx', "There is no format 'xlsx'. Allowed: json, csv, arrow"),
        (f"q={'[' * 3000}", "This is not a query"),
    ],
)
def test_mistakes_are_said(program: Program, query: str, said: str) -> None:
    answer = program.send("GET", f"{QUERY}?{query.replace(' ', '%20').replace(chr(34), '%22')}")
    assert answer.status == 400
    assert said in answer.json()["error"]


def test_order_is_seen_within_seconds_by_whoever_may(own: Installation, program: Program, manager: Program) -> None:
    before, mine = program.value(REVENUE), manager.value(REVENUE)
    sent = time.monotonic()
    answer = program.order(ORDER | {"order_id": "SEEN"}, key="seen")
    assert (answer.status, answer.json()["accepted"]) == (202, 1)
    assert until(lambda: program.value(REVENUE) == pytest.approx(before + 1001), 60)
    assert time.monotonic() - sent < 60
    assert until(lambda: manager.value(REVENUE) == pytest.approx(mine + 1001), 30)
    again = program.order(ORDER | {"order_id": "SEEN"}, key="seen")
    assert (again.status, again.json()) == (200, answer.json())
    other = program.order(ORDER | {"order_id": "OTHER"}, key="seen")
    assert other.status == 409
    assert "was used for other orders" in other.json()["error"]
    entry = next(each for each in loads(product.warehouse(own.settings())) if each.name == "orders by API")
    assert entry.loaded_by == email_of("analyst")


def test_stream_of_batches_counts_each_once(own: Installation, program: Program) -> None:
    for number in range(15):
        record = ORDER | {"order_id": "STREAM", "revenue": "1.00"}
        assert program.order(record, key=f"stream {number}").status == 202
        assert program.order(record, key=f"stream {number}").status == 200
    assert until(lambda: facts(own, "count(*) FILTER (WHERE order_id = 'STREAM')") == 15, 180)
    published = [each for each in loads(product.warehouse(own.settings())) if each.name == "orders by API"]
    assert len(published) < 15, "each batch had a snapshot of its own"


def test_arrow_orders_are_taken(own: Installation, program: Program) -> None:
    table = pa.table({name: [value] for name, value in (ORDER | {"order_id": "ARROW"}).items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    body = sink.getvalue().to_pybytes()
    answer = program.send("POST", ORDERS, body, Content_Type=ARROW, Idempotency_Key="arrow")
    assert answer.status == 202, answer.text
    assert program.order(ORDER | {"order_id": "ARROW"}, key="arrow").status == 200, "the same orders in another form"
    assert until(lambda: facts(own, "count(*) FILTER (WHERE order_id = 'ARROW')") == 1, 90)
    broken = program.send("POST", ORDERS, body[:-40], Content_Type=ARROW, Idempotency_Key="broken")
    assert broken.status == 400


def test_one_bad_order_refuses_all(own: Installation, program: Program) -> None:
    answer = program.order(ORDER, ORDER | {"quantity": "4", "colour": "red"}, {}, key="bad")
    assert answer.status == 422
    found = [(row["row"], row["column"]) for row in answer.json()["rows"]]
    assert found == [
        (2, "colour"),
        (2, "quantity"),
        (3, "order_time"),
        (3, "quantity"),
        (3, "unit_price"),
        (3, "revenue"),
    ]
    assert all(row["reason"] for row in answer.json()["rows"])
    assert program.order(ORDER | {"order_id": "GOOD"}, key="bad").status == 202, "the key was used up"


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"Content_Type": "application/x-ndjson"}, 400, "Idempotency-Key is missing"),
        ({"Content_Type": "application/json", "Idempotency_Key": "x"}, 415, "application/x-ndjson"),
        ({"Content_Type": "application/x-ndjson", "Idempotency_Key": "x" * 201}, 400, "1 to 200"),
        (
            {"Content_Type": "application/x-ndjson", "Idempotency_Key": "x", "Content_Encoding": "gzip"},
            415,
            "without a Content-Encoding",
        ),
    ],
)
def test_requests_that_are_refused(program: Program, headers: dict[str, str], status: int, said: str) -> None:
    answer = program.send("POST", ORDERS, json.dumps(ORDER).encode(), **headers)
    assert answer.status == status
    assert said in answer.json()["error"]


def raw(server: Server, program: Program, head: str, body: bytes) -> bytes:
    """Send bytes as they are, then close this side."""
    lines = [
        f"POST {ORDERS} HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        f"Authorization: Bearer {program._token}",
        "Content-Type: application/x-ndjson",
        f"Idempotency-Key: {head}",
        "Connection: close",
        head,
    ]
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def test_body_over_the_limit_is_refused_before_it_is_read(server: Server, program: Program) -> None:
    assert b" 413 " in raw(server, program, f"Content-Length: {1024 * 1024 + 1}", b"").split(b"\r\n")[0]


def test_chunked_body_over_the_limit_is_refused(server: Server, program: Program) -> None:
    line = json.dumps(ORDER).encode() + b"\n"
    block = line * (300_000 // len(line))
    chunks = (b"%x\r\n%s\r\n" % (len(block), block)) * 4 + b"0\r\n\r\n"
    assert b" 413 " in raw(server, program, "Transfer-Encoding: chunked", chunks).split(b"\r\n")[0]


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_body_that_ends_early_is_not_taken(server: Server, program: Program, own: Installation, how: str) -> None:
    """Whole lines came, then the connection broke: who sent them does not know what was taken, so nothing is."""
    line = json.dumps(ORDER | {"order_id": f"CUT {how}"}).encode() + b"\n"
    if how == "length":
        answer = raw(server, program, f"Content-Length: {len(line) * 2}", line)
    else:
        answer = raw(server, program, "Transfer-Encoding: chunked", b"%x\r\n%s\r\n" % (len(line), line))
    assert b" 202 " not in answer.split(b"\r\n")[0]
    assert program.order(ORDER | {"order_id": f"WHOLE {how}"}, key=how).status == 202
    assert until(lambda: facts(own, f"count(*) FILTER (WHERE order_id = 'WHOLE {how}')") == 1, 90)
    assert facts(own, f"count(*) FILTER (WHERE order_id = 'CUT {how}')") == 0


@pytest.mark.parametrize("then", ["command", "start"])
def test_orders_survive_the_machine(installation: Installation, tmp_path: Path, then: str) -> None:
    """Everything is killed right after orders were accepted; the command publishes them, or the next start does."""
    copy = installation.copied_to(tmp_path / "instance")
    token = product.tokens(copy.settings()).create(email_of("admin"), "x", ["data:load"], 1, by="tests")
    # Who finds somebody waiting starts no publisher: as if the machine went down before it could start.
    waiting = try_lock(copy.folder / "warehouse" / "inbox" / "WAITING")
    assert waiting is not None
    with running_server(copy, tmp_path / "log", SALESCOPE_WORKERS="1") as server:
        assert Program(server, token).order(ORDER | {"order_id": "KEPT"}, key="kept").status == 202
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(timeout=10)
    os.close(waiting)
    kept = "count(*) FILTER (WHERE order_id = 'KEPT')"
    assert facts(copy, kept) == 0
    if then == "command":
        done = salescope("publish-inbox", at=copy)
        assert done.returncode == 0, done.stderr
        assert "Published 1 orders; version" in done.stdout
    else:
        with running_server(copy, tmp_path / "log", SALESCOPE_WORKERS="1"):
            assert until(lambda: facts(copy, kept) == 1, 90)
    assert facts(copy, kept) == 1


def salescope(*words: str, at: Installation) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "salescope", *words],
        cwd=ROOT,
        env=outside(**at.environment, COLUMNS="200"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_tokens_by_command(own: Installation, server: Server) -> None:
    made = salescope("token", "add", email_of("executive"), "--name", "web shop", "--may", "dashboards:view", at=own)
    assert made.returncode == 0, made.stderr
    token = made.stdout.splitlines()[-1]
    assert Program(server, token).ask(REVENUE).status == 200
    listed = salescope("token", "list", at=own).stdout
    assert token not in listed
    (row,) = [line for line in listed.splitlines() if "web shop" in line]
    assert all(word in row for word in ("executive@example.com", "dashboards:view", "active"))
    number = row.strip("│ ").split(" ")[0]
    assert salescope("token", "revoke", number, at=own).returncode == 0
    assert Program(server, token).ask(REVENUE).status == 401
    refused = salescope("token", "add", email_of("executive"), "--name", "x", "--may", "data:load", at=own)
    assert (refused.returncode, "'data:load'" in refused.stderr) == (1, True)


def test_version_is_told_to_open_pages(server: Server, own: Installation) -> None:
    client = Client(server.port).sign_in_as("executive")
    answer = client.get("/data/version")
    assert answer.headers["Cache-Control"] == "no-store"
    pointer = product.warehouse(own.settings()).live()
    assert answer.json()["version"] == pointer.version
    assert set(answer.json()) == {"version", "published_at", "model"}
    assert len(answer.body) < 200
