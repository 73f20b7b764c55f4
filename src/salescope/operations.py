"""What those who run the site need: health, metrics, request numbers and logs."""

from __future__ import annotations

import datetime as dt
import hmac
import logging
import os
import sys
import time
from collections.abc import Callable

import flask
import orjson
import sqlalchemy as sa
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from salescope.server import DRAINING
from services import circumstances
from services.errors import SalescopeError
from services.model import EMPTY
from services.sales import Sales

log = logging.getLogger("salescope")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
REQUESTS = Counter("salescope_requests", "Requests by endpoint and status.", ["endpoint", "status"])
SECONDS = Histogram("salescope_request_seconds", "Time to answer by endpoint.", ["endpoint"], buckets=BUCKETS)
#: Where the processes of a server keep their counts; gunicorn's settings name it.
SHARED = "PROMETHEUS_MULTIPROC_DIR"


def install(server: flask.Flask, engine: sa.Engine, sales: Sales, metrics_token: str) -> None:
    """Add health and metrics; `/metrics` is not there without a token."""

    def healthz() -> flask.typing.ResponseReturnValue:
        return {"status": "alive"}

    def readyz() -> flask.typing.ResponseReturnValue:
        if DRAINING[0]:
            return {"status": "ending"}, 503
        try:
            with engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
            if sales.model is not EMPTY:
                sales.coverage()
        except (SalescopeError, sa.exc.SQLAlchemyError, OSError) as error:
            log.warning("Not ready: %s", type(error).__name__)
            return {"status": "not ready"}, 503
        return {"status": "ready"}

    def metrics() -> flask.typing.ResponseReturnValue:
        scheme, _, given = flask.request.headers.get("Authorization", "").partition(" ")
        if not metrics_token:
            flask.abort(404)
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), metrics_token.encode()):
            return {"error": "Send the metrics token: Authorization: Bearer …"}, 401, {"WWW-Authenticate": "Bearer"}
        return flask.Response(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)

    server.add_url_rule("/healthz", "healthz", healthz)
    server.add_url_rule("/readyz", "readyz", readyz)
    server.add_url_rule("/metrics", "metrics", metrics)
    server.before_request(_start)
    server.after_request(_count)


def _registry() -> CollectorRegistry:
    if not os.environ.get(SHARED):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _start() -> None:
    flask.g.started = time.perf_counter()


def _count(response: flask.Response) -> flask.Response:
    endpoint = flask.request.endpoint or "none"
    REQUESTS.labels(endpoint, str(response.status_code)).inc()
    if "started" in flask.g:
        SECONDS.labels(endpoint).observe(time.perf_counter() - flask.g.started)
    response.headers["X-Request-Id"] = circumstances.now().request
    return response


class JsonLines(logging.Formatter):
    """One JSON object per line; a traceback is a text in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "request": circumstances.now().request,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextLines(logging.Formatter):
    """Lines for people, each with the request's number."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(request)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        record.request = circumstances.now().request or "-"
        return super().format(record)


#: Formats of log lines by their name in the settings.
FORMATS: dict[str, Callable[[], logging.Formatter]] = {"text": TextLines, "json": JsonLines}


def configure_logs(log_format: str) -> None:
    """Write the application's log to standard error in one of FORMATS; a second call changes nothing."""
    if log.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATS[log_format]())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
