"""Gunicorn settings. Names starting with SALESCOPE_ are rows of the application's settings table."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.http import wsgi  # type: ignore[import-untyped]


def _setting(name: str, default: str) -> str:
    return os.environ.get(name) or default


def _address(host: str, port: str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class AccessLogger(Logger):  # type: ignore[misc]
    """Writes the path percent-encoded."""

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> dict[str, Any]:
        """Return the values of a log line."""
        values: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        # PATH_INFO is percent-decoded: a path with %0A in it would start a second, forged line.
        # A request that gunicorn itself refuses has none.
        values["U"] = quote(environ.get("PATH_INFO") or "-", encoding="latin-1")
        values["B"] = values.get("B") or 0
        return values


def on_starting(server: Any) -> None:
    """Refuse to preload, keep new files private and import the code once, before any worker starts."""
    if server.cfg.preload_app:
        # Processes forked with an open DuckDB file share it without locks: acknowledged writes are lost.
        raise RuntimeError("Salescope cannot run with --preload; leave the option out.")
    # Gunicorn's own umask setting covers its sockets and heartbeat files only, not what workers write.
    os.umask(0o077)
    if server.app.app_uri.startswith("salescope."):
        # Workers are forked with the modules in memory: each starts seconds sooner and shares their pages.
        # An import opens nothing. It happens here, for --pythonpath counts only after this file was read.
        importlib.import_module("salescope.app")
        importlib.import_module("salescope.server").settle()


# PORT is what platforms that run a Procfile set.
bind = _address(_setting("SALESCOPE_HOST", "127.0.0.1"), _setting("SALESCOPE_PORT", _setting("PORT", "8050")))
workers = int(_setting("SALESCOPE_WORKERS", "2"))
threads = int(_setting("SALESCOPE_THREADS", "4"))
# gthread with a bounded queue.
worker_class = "salescope.server.Worker"
preload_app = False

# A gthread worker sends its heartbeat from the main thread: this bounds start-up and a frozen process,
# not a request.
timeout = 60
# Requests that run longer than this after SIGTERM are cut; the container's stop_grace_period must be longer.
graceful_timeout = 30
# Longer than the 60 s nginx keeps an idle upstream connection: nginx must not send into one just closed.
keepalive = 75
# Returns the memory that native libraries hold on to; the jitter keeps workers from restarting together.
max_requests = 10_000
max_requests_jitter = 1_000
# The heartbeat file blocks the worker when it lies on a slow disk.
_MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108
worker_tmp_dir = str(_MEMORY) if _MEMORY.is_dir() else None

# The state of a page is in its URL; 8190 is the most that gunicorn counts.
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

# SALESCOPE_PROXY_HOPS alone decides what the application believes of a proxy. By default gunicorn also takes,
# from a peer on loopback, the scheme, and the path from headers named SCRIPT_NAME and PATH_INFO.
forwarded_allow_ips = "127.0.0.1,::1"
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""

# Gunicorn opens a control socket in the home directory by default.
control_socket_disable = True
# The Server header is a constant of this module; there is no setting for it.
wsgi.SERVER = "salescope"

# A query string can hold filters, which are business data: no %(r)s, %(q)s or %(f)s in the format.
accesslog = "-" if _setting("SALESCOPE_ACCESS_LOG", "0") == "1" else None
_FORMATS = {
    "text": '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(B)s %(M)sms',
    "json": '{"time": "%(t)s", "logger": "access", "address": "%(h)s", "method": "%(m)s", "path": "%(U)s", '
    '"status": %(s)s, "bytes": %(B)s, "milliseconds": %(M)s, "request": "%({x-request-id}o)s"}',
}
access_log_format = _FORMATS[_setting("SALESCOPE_LOG_FORMAT", "text")]
logger_class = AccessLogger

# Where the workers keep the counts that /metrics adds up; without a token there are no metrics.
if _setting("SALESCOPE_METRICS_TOKEN", _setting("SALESCOPE_METRICS_TOKEN_FILE", "")):
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="salescope-metrics-"))


def when_ready(server: Any) -> None:
    """Let load balancers know before the end."""
    seconds = int(_setting("SALESCOPE_DRAIN_SECONDS", "0"))
    if seconds:
        # Imported here, for --pythonpath counts only after this file was read.
        importlib.import_module("salescope.server").drain_first(server, seconds)


def child_exit(_server: Any, worker: Any) -> None:
    """Forget what a worker that is gone measured at the moment."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        # Imported here, for the library looks at the environment when it is imported.
        multiprocess = importlib.import_module("prometheus_client.multiprocess")
        multiprocess.mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    """Remove the counts with the server."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
