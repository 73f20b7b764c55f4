"""The gunicorn settings: as gunicorn reads them, and as a started server shows them."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import pytest
from gunicorn.app.wsgiapp import WSGIApplication  # type: ignore[import-untyped]

from salescope.server import FIRST_SECONDS, LATE_SECONDS, WAIT_SECONDS, Worker, lanes

ROOT = Path(__file__).resolve().parents[2]
START = ["gunicorn", "--config", "deploy/gunicorn.conf.py", "--pythonpath", "src,.", "salescope.wsgi:server"]
HOST = "sales.example.com"
SLOW_SECONDS = 1.5
PROBE = f"""
import json, os, time
from pathlib import Path

def server(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/slow":
        Path(__file__).with_name("started").touch()
        time.sleep({SLOW_SECONDS})
    if path in ("/hold", "/signin"):
        while not Path(__file__).with_name("release").exists():
            time.sleep(0.02)
    if path == "/write":
        Path(__file__).with_name("written").touch()
    foreign = path == "/healthz" and environ["HTTP_HOST"] != {HOST!r}
    start_response("400 Bad Request" if foreign else "200 OK", [("Content-Type", "application/json")])
    names = ("PATH_INFO", "SCRIPT_NAME", "REMOTE_ADDR", "wsgi.url_scheme")
    return [json.dumps({{name: environ[name] for name in names}}).encode()]
"""


class Server(NamedTuple):
    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], dict[str, str]]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": HOST, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), json.loads(answer.read())
        finally:
            connection.close()

    def status_of(self, request: bytes) -> int:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            return int(connection.recv(4096).split(b" ", 2)[1])

    def output(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def until(condition: Callable[[], bool], limit: float = 15.0) -> bool:
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def command(folder: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", *START[:-2], f"{folder},src,.", *options, "probe:server"]


def environment(folder: Path, port: int, **extra: str) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("SALESCOPE_", "GUNICORN_"))}
    here = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "SALESCOPE_PORT": str(port), "SALESCOPE_WORKERS": "1"}
    return inherited | here | extra


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=5)


@contextmanager
def running(folder: Path, **extra: str) -> Iterator[Server]:
    (folder / "probe.py").write_text(PROBE, encoding="utf-8")
    port = free_port()
    with (
        (folder / "output").open("wb") as output,
        subprocess.Popen(
            command(folder),
            cwd=ROOT,
            env=environment(folder, port, **extra),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        server = Server(process, port, folder)
        try:
            assert until(lambda: process.poll() is not None or accepts(port)), server.output()
            assert process.poll() is None, server.output()
            yield server
        finally:
            end(process)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("gunicorn"), SALESCOPE_ACCESS_LOG="1") as started:
        yield started


@pytest.fixture
def read_config(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    for name in [name for name in os.environ if name.startswith(("SALESCOPE_", "GUNICORN_"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "__config__", ModuleType("__config__"))
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", START)

    def read(**given: str) -> Any:
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        return WSGIApplication(prog="gunicorn").cfg

    return read


def test_procfile_starts_what_is_tested_here() -> None:
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines())
    assert shlex.split(lines["web"]) == START


def test_defaults_listen_on_loopback_with_two_workers_of_four_threads(read_config: Callable[..., Any]) -> None:
    cfg = read_config()
    assert cfg.address == [("127.0.0.1", 8050)]
    assert (cfg.workers, cfg.threads, cfg.worker_class_str) == (2, 4, "salescope.server.Worker")
    assert cfg.pythonpath == "src,."
    assert cfg.accesslog is None


def test_environment_sets_address_workers_threads_and_access_log(read_config: Callable[..., Any]) -> None:
    cfg = read_config(
        SALESCOPE_HOST="0.0.0.0",
        SALESCOPE_PORT="9000",
        SALESCOPE_WORKERS="5",
        SALESCOPE_THREADS="7",
        SALESCOPE_ACCESS_LOG="1",
        WEB_CONCURRENCY="3",
    )
    assert cfg.address == [("0.0.0.0", 9000)]
    assert (cfg.workers, cfg.threads, cfg.accesslog) == (5, 7, "-")


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"SALESCOPE_HOST": "::1"}, ("::1", 8050)),
        ({"PORT": "5000"}, ("127.0.0.1", 5000)),
        ({"PORT": "5000", "SALESCOPE_PORT": "9000"}, ("127.0.0.1", 9000)),
        ({"SALESCOPE_HOST": "", "SALESCOPE_PORT": ""}, ("127.0.0.1", 8050)),
    ],
    ids=["IPv6", "port of the platform", "own port before that of the platform", "empty means default"],
)
def test_address(read_config: Callable[..., Any], given: dict[str, str], address: tuple[str, int]) -> None:
    assert read_config(**given).address == [address]


@pytest.mark.parametrize("name", ["SALESCOPE_WORKERS", "SALESCOPE_THREADS"])
def test_number_that_is_none_stops_the_start(
    read_config: Callable[..., Any], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        read_config(**{name: "many"})
    assert "Failed to read config file" in capsys.readouterr().err


def test_nothing_is_preloaded_or_reloaded(read_config: Callable[..., Any]) -> None:
    cfg = read_config()
    assert not cfg.preload_app
    assert not cfg.reload


def test_no_control_socket_is_opened(read_config: Callable[..., Any], tmp_path: Path) -> None:
    assert read_config().control_socket_disable
    with running(tmp_path) as server:
        assert server.get("/")[0] == 200
    # The socket is opened by a thread of its own; its line is in the log when the server has ended.
    assert "Control socket" not in server.output()


def test_limits_are_finite_and_workers_are_renewed_at_different_times(read_config: Callable[..., Any]) -> None:
    cfg = read_config()
    assert 0 < cfg.graceful_timeout < cfg.timeout <= 120
    assert 0 < cfg.max_requests_jitter < cfg.max_requests
    assert 4094 <= cfg.limit_request_line <= 8190
    assert 32 <= cfg.limit_request_fields <= 100
    assert 0 < cfg.limit_request_field_size <= 8190


def test_no_proxy_header_is_believed_by_gunicorn_itself(read_config: Callable[..., Any]) -> None:
    cfg = read_config(FORWARDED_ALLOW_IPS="*")
    assert cfg.forwarded_allow_ips == ["127.0.0.1", "::1"]
    assert (cfg.secure_scheme_headers, cfg.forwarder_headers, cfg.header_map) == ({}, [], "drop")


def test_access_log_format_holds_no_query_referer_or_header(read_config: Callable[..., Any]) -> None:
    assert set(re.findall(r"%\(([^)]+)\)", read_config().access_log_format)) <= set("htmUHsBM")


def test_heartbeat_is_kept_in_memory_where_the_system_has_such_a_folder(read_config: Callable[..., Any]) -> None:
    assert read_config().worker_tmp_dir == ("/dev/shm" if Path("/dev/shm").is_dir() else None)


def test_preloading_is_refused(tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(PROBE, encoding="utf-8")
    tried = subprocess.run(
        command(tmp_path, "--preload"),
        cwd=ROOT,
        env=environment(tmp_path, free_port()),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert tried.returncode == 1
    assert "cannot run with --preload" in tried.stderr


def test_answer_does_not_name_the_server_software(server: Server) -> None:
    status, headers, _ = server.get("/")
    assert status == 200
    assert headers["Server"] == "salescope"
    assert "gunicorn" not in str(headers).lower()


def test_forged_path_scheme_and_address_headers_change_nothing(server: Server) -> None:
    forged = {
        "PATH_INFO": "/admin",
        "SCRIPT_NAME": "/elsewhere",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "203.0.113.9",
    }
    _, _, seen = server.get("/plain", forged)
    assert seen == {"PATH_INFO": "/plain", "SCRIPT_NAME": "", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http"}


@pytest.mark.parametrize(
    "request_text",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Folded: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    ],
    ids=["length and chunked", "chunked not last", "unknown coding", "two lengths", "sign", "folded", "space in name"],
)
def test_request_that_could_be_read_in_two_ways_is_refused(server: Server, request_text: bytes) -> None:
    assert server.status_of(request_text) in {400, 501}


def test_requests_larger_than_the_limits_are_refused(server: Server) -> None:
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(65))
    assert server.status_of(b"GET / HTTP/1.1\r\n" + many + b"\r\n") in {400, 431}
    assert server.status_of(b"GET / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n") in {400, 431}
    assert server.status_of(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n") in {400, 414}


def test_url_with_much_state_is_served(server: Server) -> None:
    assert server.get("/?q=" + "a" * 8000)[0] == 200


def test_access_log_has_neither_query_nor_forged_lines(server: Server) -> None:
    server.get("/page%0aFORGED%20%c3%a9?country=Germany", {"Referer": "http://sales.example.com/?country=Austria"})
    assert until(lambda: "FORGED" in server.output())
    line = next(line for line in server.output().splitlines() if "FORGED" in line)
    assert '"GET /page%0AFORGED%20%C3%A9 HTTP/1.1" 200 ' in line
    assert not re.search(r"country|Germany|Austria", server.output())


def test_refused_request_is_in_the_access_log_without_a_path(server: Server) -> None:
    server.status_of(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
    assert until(lambda: '"POST - HTTP/1.1" 400 ' in server.output())


def test_files_that_workers_write_are_private(server: Server) -> None:
    server.get("/write")
    assert stat.S_IMODE((server.folder / "written").stat().st_mode) == 0o600


def test_more_than_can_be_answered_soon_is_turned_away_at_once_and_health_is_told(tmp_path: Path) -> None:
    inside, more = 1 + int(WAIT_SECONDS / FIRST_SECONDS), 4
    with running(tmp_path, SALESCOPE_THREADS="1") as server, ThreadPoolExecutor(inside + more) as pool:
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        started = time.monotonic()
        asked = [pool.submit(server.get, "/hold", {"Cookie": "x" * 5_000}) for _ in range(inside + more)]
        assert until(lambda: sum(each.done() for each in asked) == more)
        for status, headers, said in (each.result() for each in asked if each.done()):
            assert (status, headers["Retry-After"], headers["Cache-Control"]) == (503, "3", "no-store")
            assert said == {"error": "The site is very busy right now. Try again in 3 seconds."}
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as person:
            person.sendall(b"POST / HTTP/1.1\r\nAccept: text/html\r\nContent-Length: 90000\r\n\r\n" + b"x" * 90_000)
            shown = person.makefile("rb").read()
        assert shown.startswith(b"HTTP/1.1 503 ")
        assert b"<h1>Very busy</h1>" in shown
        assert server.get("/healthz")[0] == 200
        soon = time.monotonic() - started < LATE_SECONDS / 2
        (tmp_path / "release").touch()
        answered = sum(each.result()[0] == 200 for each in asked)
        assert answered == inside or not soon
        assert until(lambda: server.get("/")[0] == 200)
        assert "requests were turned away" in server.output()
        for each in silent:
            each.close()


def test_people_who_sign_in_wait_for_each_other_only(tmp_path: Path) -> None:
    signing_in = next(lane for lane in lanes() if lane.begins.match(b"POST /signin HTTP/1.1"))
    inside, more = signing_in.threads + signing_in.queued, 3
    with running(tmp_path, SALESCOPE_THREADS="1") as server, ThreadPoolExecutor(inside + more) as pool:
        head = f"POST /signin HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\n\r\n".encode()
        asked = [pool.submit(server.status_of, head) for _ in range(inside + more)]
        assert until(lambda: sum(each.done() for each in asked) == more)
        assert {each.result() for each in asked if each.done()} == {503}
        assert server.get("/")[0] == 200
        (tmp_path / "release").touch()
        assert sorted(each.result() for each in asked) == [200] * inside + [503] * more


def test_connections_that_send_half_a_request_hold_no_thread(tmp_path: Path) -> None:
    with running(tmp_path, SALESCOPE_THREADS="1") as server:
        halves = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(3)]
        for number, half in enumerate(halves):
            half.sendall(b"GET /healthz HTTP/1.1\r\nHost: " + HOST.encode()[:number])
        assert server.get("/")[0] == 200
        slow, cut, _ = halves
        for part in (HOST.encode(), b"\r\nX-A: 1\r", b"\n\r\n"):
            slow.sendall(part)
            assert server.get("/")[0] == 200
        assert slow.recv(4096).startswith(b"HTTP/1.1 200 ")
        cut.shutdown(socket.SHUT_WR)
        assert cut.recv(4096) == b""
        for half in halves:
            half.close()


def test_request_that_waited_longer_than_a_person_does_is_not_begun() -> None:
    answered = object()
    worker: Any = SimpleNamespace(handle=lambda _conn: answered)
    conn = SimpleNamespace()
    assert Worker._in_turn(worker, conn, time.monotonic() - 1, b"GET /") is None
    assert Worker._in_turn(worker, conn, time.monotonic() + 60, b"GET /") is answered
    assert 0 <= conn.took < 60


@pytest.mark.parametrize(
    ("inside", "took", "full"),
    [
        (0, 99.0, False),
        (3, 99.0, False),
        (4, 13.0, True),
        (15, 1.0, False),
        (16, 1.0, True),
        (35, 0, False),
        (36, 0, True),
    ],
)
def test_queue_is_as_long_as_requests_are_quick(inside: int, took: float, full: bool) -> None:
    worker: Any = SimpleNamespace(cfg=SimpleNamespace(threads=4), _inside=inside, _took=took)
    assert Worker._full(worker) == full


def test_access_log_is_off_by_default_and_sigterm_lets_a_running_request_finish(tmp_path: Path) -> None:
    with running(tmp_path) as server, ThreadPoolExecutor(1) as pool:
        # A browser that has only connected must not hold up the end.
        silent = socket.create_connection(("127.0.0.1", server.port))
        running_request = pool.submit(server.get, "/slow")
        assert until((tmp_path / "started").exists)
        server.process.send_signal(signal.SIGTERM)
        status, _, seen = running_request.result(timeout=SLOW_SECONDS + 8)
        assert (status, seen["PATH_INFO"]) == (200, "/slow")
        assert server.process.wait(timeout=8) == 0
        assert not accepts(server.port)
        assert "/slow" not in server.output()
        silent.close()


@pytest.fixture
def healthcheck(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("SALESCOPE_TRUSTED_HOSTS", f"{HOST},other.example.com")
    spec = importlib.util.spec_from_file_location("healthcheck", ROOT / "deploy" / "healthcheck.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_health_check_asks_by_a_trusted_host_name(
    healthcheck: ModuleType, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESCOPE_PORT", str(server.port))
    assert healthcheck.answers("/healthz")
    monkeypatch.setenv("SALESCOPE_TRUSTED_HOSTS", "")
    assert not healthcheck.answers("/healthz")


def test_health_check_fails_when_nobody_answers(healthcheck: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESCOPE_PORT", str(free_port()))
    assert not healthcheck.answers("/healthz")


@pytest.mark.parametrize(
    ("trusted", "host"),
    [("", "127.0.0.1"), (" a.example , b.example", "a.example"), (".example.com", "example.com")],
)
def test_health_check_takes_the_first_trusted_host(
    healthcheck: ModuleType, monkeypatch: pytest.MonkeyPatch, trusted: str, host: str
) -> None:
    monkeypatch.setenv("SALESCOPE_TRUSTED_HOSTS", trusted)
    assert healthcheck.site_host() == host
