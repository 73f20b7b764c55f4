"""The application that is served: built anew when the model in use changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import flask

from salescope import installation
from salescope.settings import Settings
from services.errors import AwayError, SalescopeError
from services.warehouse import Warehouse

log = logging.getLogger("salescope")
Build = Callable[[Settings, Warehouse], flask.Flask]
Stamp = tuple[str, int]


class Current:
    """A WSGI application that passes requests to the one built for the model in use.

    Menus, filters and callbacks are made from the model, so that other data, or an edited model file, need another
    application; people stay signed in. When it cannot be built the one before goes on serving.
    """

    def __init__(self, settings: Settings, build: Build) -> None:
        self._settings, self._build = settings, build
        self._store = installation.warehouse(settings)
        self._files = installation.model_files(settings, self._store)
        self._lock = threading.Lock()
        self._path: tuple[int, Path | None] | None = None
        self._seen: Stamp = ("", 0)
        self._seen = self._stamp()
        self._app = build(settings, self._store)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        if self._stamp() != self._seen:
            self._renew()
        return self._app(environ, start_response)

    def _renew(self) -> None:
        with self._lock:
            stamp = self._stamp()
            if stamp == self._seen:
                return
            try:
                self._app = self._build(self._settings, self._store)
            except SalescopeError:
                log.exception("The model in use cannot be served; the one before goes on")
            self._seen = stamp

    def _stamp(self) -> Stamp:
        """Return what tells one model from the next: its file and when that was written."""
        try:
            version = self._store.current().version
            if self._path is None or self._path[0] != version:
                self._path = (version, self._files.path_in_use())
            path = self._path[1]
            return (str(path), path.stat().st_mtime_ns) if path else ("", 0)
        except AwayError:
            return self._seen
        except (SalescopeError, OSError):
            return ("", 0)
