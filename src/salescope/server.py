"""The worker process under gunicorn: it takes in what it can answer soon and turns the rest away at once.

Gunicorn's own gthread worker queues without end, so that under too many requests everybody waits until they give up.
This one answers 503 with Retry-After from its event loop, before it reads or parses a request, and lets health checks
pass by the queue. Connections wait in the event loop until the head of a request has come whole, so that silent ones
and slow ones hold no thread.
"""

from __future__ import annotations

import gc
import logging
import mmap
import re
import selectors
import signal
import socket
import sys
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

log = logging.getLogger("salescope")
#: Requests of a worker that wait, per thread, before further ones are turned away, and how long one would wait at most,
#: going by what requests took lately.
QUEUED_PER_THREAD, WAIT_SECONDS = 8, 3.0
#: How long one may have waited when its turn comes, which is longer than people do before they ask again.
LATE_SECONDS = 6.0
#: What a request is believed to take before any was answered; how much the last one counts in what they took lately.
FIRST_SECONDS, LATELY = 1.0, 0.2
RETRY_SECONDS = 3
#: Threads hand the interpreter over after this many seconds; health checks wait for it several times.
SWITCH_SECONDS = 0.001
LOOKED_AT = 8192
#: How long a connection that was turned away may still send, so that it reads the answer instead of a reset.
LINGER_SECONDS = 2.0
SAID_EVERY = 10.0
#: Its byte is 1 from the signal to end until the end. All workers see it: they are forked after it was made.
DRAINING = mmap.mmap(-1, 1)
WORDS = f"The site is very busy right now. Try again in {RETRY_SECONDS} seconds."
PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Salescope is busy</title>'
    f'<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="{RETRY_SECONDS}"></head>'
    f"<body><main><h1>Very busy</h1><p>{WORDS} This page does so by itself.</p></main></body></html>"
)


def settle() -> None:
    """Take what is in memory now for what stays: collections pass it by, and forked processes go on sharing it."""
    gc.collect()
    gc.freeze()


def drain_first(arbiter: Any, seconds: int) -> None:
    """Let SIGTERM first turn readiness false and end the server `seconds` later, a second one at once.

    Load balancers learn from /readyz that no more is to come here, while what still comes is answered.
    """

    def drain(number: int, frame: Any) -> None:
        if DRAINING[0]:
            arbiter.signal(number, frame)
            return
        DRAINING[0] = 1
        timer = threading.Timer(seconds, arbiter.signal, (number, frame))
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGTERM, drain)


def _answer(kind: str, body: str) -> bytes:
    lines = {
        "Content-Type": kind,
        "Content-Length": str(len(body.encode())),
        "Retry-After": str(RETRY_SECONDS),
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Server": "salescope",
        "Connection": "close",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 503 Service Unavailable\r\n{head}\r\n{body}".encode()


@dataclass
class Lane:
    """Requests with threads of their own beside the queue: how they begin, and how many wait.

    Those that find no room queue with everybody else where they `overflow`, and are turned away elsewhere.
    """

    begins: re.Pattern[bytes]
    threads: int
    queued: int
    overflow: bool

    def __post_init__(self) -> None:
        self.inside, self.pool = 0, ThreadPoolExecutor(self.threads)

    @property
    def full(self) -> bool:
        """Whether one more would find no room."""
        return self.inside >= self.threads + self.queued


def lanes() -> tuple[Lane, ...]:
    """Return the lanes of a worker.

    Health checks must have come whole, for they have few threads. Hashes of passwords take long on purpose: people who
    sign in wait for each other, not those who work.
    """
    return (
        Lane(re.compile(rb"GET /(healthz|readyz|metrics)[ ?][^\x00]*?\r\n\r\n"), 2, 32, overflow=True),
        Lane(re.compile(rb"POST /signin[ ?]"), 2, 16, overflow=False),
    )


BUSY_PAGE = _answer("text/html; charset=utf-8", PAGE)
BUSY = _answer("application/json", f'{{"error": "{WORDS}"}}')


class Worker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker with a bounded queue; everything but `_in_turn` runs in its event loop."""

    def init_process(self) -> None:
        """Prepare what the event loop needs and run it."""
        self._took = FIRST_SECONDS
        self._inside, self._refused, self._say_at = 0, 0, 0.0
        self._leaving: deque[TConn] = deque()
        self._lanes = lanes()
        sys.setswitchinterval(SWITCH_SECONDS)
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application and leave it out of what the garbage collector looks at.

        A whole collection waits until a quarter of all objects are new: beside the application's 300,000 the garbage of
        thousands of requests would be kept, and each collection would hold everybody up for a tenth of a second.
        """
        super().load_wsgi()
        settle()

    def enqueue_req(self, conn: TConn) -> None:
        """Give a connection with a request to a thread, or turn it away."""
        if not (conn.initialized or conn.data_ready):
            self._await_data(conn)
            return
        first = self._first_bytes(conn)
        if self._comes_still(conn, first):
            self._await_data(conn)
            return
        lane = next((each for each in self._lanes if each.begins.match(first)), None)
        if lane and not lane.full:
            lane.inside += 1
            future = lane.pool.submit(self.handle, conn)
            future.add_done_callback(lambda done: self.method_queue.defer(self._told, lane, conn, done))
        elif (lane and not lane.overflow) or self._full():
            self._turn_away(conn, first)
        else:
            self._inside, conn.took = self._inside + 1, 0.0
            future = self.tpool.submit(self._in_turn, conn, time.monotonic() + LATE_SECONDS, first)
            future.add_done_callback(lambda done: self.method_queue.defer(self._left, conn, done))

    def _full(self) -> bool:
        """Tell whether one more request would wait for too long."""
        threads = self.cfg.threads
        waiting = max(0, self._inside + 1 - threads)
        return bool(waiting > threads * QUEUED_PER_THREAD or waiting * self._took > threads * WAIT_SECONDS)

    def _comes_still(self, conn: TConn, first: bytes) -> bool:
        """Tell whether the rest of a request's head is to be waited for; the loop then wakes when there is more."""
        seen, conn.seen = getattr(conn, "seen", 0), len(first)
        whole = b"\r\n\r\n" in first or len(first) >= LOOKED_AT
        # What does not grow any more was cut short: a thread finds out.
        half = not whole and len(first) > seen and not (conn.parser and conn.parser.unreader.buf.getvalue())
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(first) + 1 if half else 1)
        conn.seen = conn.seen if half else 0
        return half

    def _await_data(self, conn: TConn) -> None:
        """Wait for a connection in the event loop, at most as long as one is kept open without use."""
        conn.timeout = conn.timeout or time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _first_bytes(self, conn: TConn) -> bytes:
        """Return what a request begins with, without taking it from the connection."""
        read_ahead: bytes = conn.parser.unreader.buf.getvalue() if conn.parser else b""
        if read_ahead:
            return read_ahead[:LOOKED_AT]
        try:
            conn.sock.setblocking(False)
            found: bytes = conn.sock.recv(LOOKED_AT, socket.MSG_PEEK)
        except OSError:
            return b""
        return found

    def _in_turn(self, conn: TConn, deadline: float, first: bytes) -> Any:
        """Answer a request in a thread, unless it has waited for too long; return None for that."""
        started = time.monotonic()
        if started > deadline and first:
            return None
        try:
            return self.handle(conn)
        finally:
            conn.took = time.monotonic() - started

    def _told(self, lane: Lane, conn: TConn, done: Future[Any]) -> None:
        lane.inside -= 1
        self.finish_request(conn, done)

    def _left(self, conn: TConn, done: Future[Any]) -> None:
        self._inside -= 1
        if not done.cancelled() and done.exception() is None and done.result() is None:
            self._turn_away(conn, self._first_bytes(conn))
        else:
            self._took += LATELY * (conn.took - self._took)
            self.finish_request(conn, done)

    def _turn_away(self, conn: TConn, first: bytes) -> None:
        """Answer that the site is busy, without reading the request."""
        self._refused += 1
        try:
            conn.sock.setblocking(False)
            conn.sock.send(BUSY_PAGE if b"text/html" in first else BUSY)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))
        except (OSError, KeyError, ValueError):
            self._forget(conn)
            return
        conn.timeout = time.monotonic() + LINGER_SECONDS
        self._leaving.append(conn)

    def _drain(self, conn: TConn, client: socket.socket) -> None:
        try:
            if client.recv(LOOKED_AT):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._leaving.remove(conn)
        self.poller.unregister(client)
        self._forget(conn)

    def _forget(self, conn: TConn) -> None:
        self.nr_conns -= 1
        util.close(conn.sock)

    def murder_pending(self) -> None:
        """Close connections whose time is over; say now and then how many were turned away."""
        super().murder_pending()
        now = time.monotonic()
        while self._leaving and self._leaving[0].timeout < now:
            conn = self._leaving.popleft()
            self.poller.unregister(conn.sock)
            self._forget(conn)
        if self._refused and now > self._say_at:
            log.warning("Too busy: %s requests were turned away.", self._refused)
            self._refused, self._say_at = 0, now + SAID_EVERY

    def _cap_keepalive(self, deadline: float) -> None:
        """Let connections that never sent anything not hold up the end."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)
