"""Uploads by senders that break off, lie or belong to others, on a running server."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from services.workbench import Workbench
from tests.client import Client
from tests.serving import Installation, Server, until


@pytest.fixture
def work(people: dict[str, Client]) -> str:
    return str(people["analyst"].post("/data/uploads", {}).json()["work"])


def folder(installation: Installation, work: str) -> Path:
    return installation.folder / "uploads" / work


def send(client: Client, path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Send a request that may be cut short, end the sending side, and return the first line of the answer."""
    sent = {"Host": client.host, "Cookie": f"salescope={client.cookie}", "Connection": "close"} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection(("127.0.0.1", client.port), timeout=30) as line:
        line.sendall(f"PUT {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        line.shutdown(socket.SHUT_WR)
        return line.makefile("rb").readline()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Length": "1000"}, b"a,b\n1,2\n"),
        ({"Transfer-Encoding": "chunked"}, b"8\r\na,b\n1,2\n\r\n"),
        ({"Transfer-Encoding": "chunked"}, b"100\r\na,b\n1,2\n"),
    ],
    ids=["length", "between chunks", "within a chunk"],
)
def test_an_upload_that_breaks_off_is_no_file(
    installation: Installation, people: dict[str, Client], work: str, headers: dict[str, str], body: bytes
) -> None:
    answer = send(people["analyst"], f"/data/uploads/{work}?name=a.csv", headers, body)
    assert b" 201 " not in answer
    assert until(lambda: not list((folder(installation, work) / "files").glob("*")), 60)
    assert Workbench(folder(installation, work)).work.files == ()


def test_a_whole_upload_in_chunks_is_a_file(installation: Installation, people: dict[str, Client], work: str) -> None:
    body = b"8\r\na,b\n1,2\n\r\n0\r\n\r\n"
    answer = send(people["analyst"], f"/data/uploads/{work}?name=a.csv", {"Transfer-Encoding": "chunked"}, body)
    assert b" 201 " in answer
    (file,) = Workbench(folder(installation, work)).work.files
    assert file.path.read_bytes() == b"a,b\n1,2\n"


@pytest.mark.parametrize("role", ["executive", "manager", "admin"])
def test_nobody_else_adds_to_a_work(
    installation: Installation, people: dict[str, Client], work: str, role: str
) -> None:
    answer = send(people[role], f"/data/uploads/{work}?name=a.csv", {"Content-Length": "2"}, b"ab")
    assert b" 400 " in answer if role == "admin" else b" 403 " in answer
    assert Workbench(folder(installation, work)).work.files == ()


def test_more_than_the_limit_is_refused_unread(people: dict[str, Client], work: str, server: Server) -> None:
    size = 3 * 1024**3
    answer = send(people["analyst"], f"/data/uploads/{work}?name=a.csv", {"Content-Length": str(size)}, b"a,b\n")
    assert b" 413 " in answer
