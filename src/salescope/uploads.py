"""Files in and out of the Data page: uploads streamed to the disk, reject reports and recipes as downloads."""

from __future__ import annotations

import errno
import functools
import logging
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import flask

from salescope.gate import viewer
from services.dataroom import DataRoom
from services.errors import AccessDeniedError, UserError
from services.prepared import write_rejects

log = logging.getLogger("salescope")
MEGABYTE = 1024 * 1024
View = Callable[..., flask.typing.ResponseReturnValue]


def install(server: flask.Flask, room: DataRoom, *, upload_mb: int, at_once: int) -> None:
    """Add the routes; the gate lets in whom salescope.policy.ROUTES allows.

    `upload_mb` is the size of the largest file, `at_once` how many may arrive in this process at the same time.
    """
    places = threading.BoundedSemaphore(at_once)

    @_explained
    def begin() -> flask.typing.ResponseReturnValue:
        return {"work": room.open(viewer())}, 201

    @_explained
    def receive(work: str) -> flask.typing.ResponseReturnValue:
        request = flask.request
        request.max_content_length = upload_mb * MEGABYTE
        if request.content_encoding:
            flask.abort(415, "Send the file without a Content-Encoding.")
        # A slow sender holds a thread of the server: enough of them must stay free for everybody else.
        if not places.acquire(blocking=False):
            flask.abort(503, "Other files are arriving right now. Try again in a moment.")
        try:
            # Werkzeug's stream ends at the limit with status 413, and at a lost connection with 400.
            stream = cast(BinaryIO, request.stream)
            room.receive(work, request.args.get("name", ""), stream, viewer(), size=request.content_length or 0)
        finally:
            places.release()
        return {"work": work}, 201

    def rejects_of_work(work: str) -> flask.typing.ResponseReturnValue:
        return _report(lambda: room.report_of_work(work, viewer()), "rejects.csv")

    def rejects_of_load(number: int) -> flask.typing.ResponseReturnValue:
        return _report(lambda: room.report(number, viewer()), f"rejects-of-load-{number}.csv")

    def recipe() -> flask.typing.ResponseReturnValue:
        try:
            text = room.recipe_text(viewer())
        except AccessDeniedError as error:
            flask.abort(403, str(error))
        except UserError as error:
            flask.abort(404, str(error))
        return _attached(flask.Response(text, mimetype="application/yaml"), "recipe.yaml")

    server.add_url_rule("/data/uploads", "data_uploads", begin, methods=["POST"])
    server.add_url_rule("/data/uploads/<work>", "data_upload", receive, methods=["PUT"])
    server.add_url_rule("/data/rejects/<work>.csv", "data_rejects", rejects_of_work)
    server.add_url_rule("/data/loads/<int:number>/rejects.csv", "data_load_rejects", rejects_of_load)
    server.add_url_rule("/data/recipe.yaml", "data_recipe", recipe)


def _explained(view: View) -> View:
    """Answer errors the sender can act on in words."""

    @functools.wraps(view)
    def wrapper(**arguments: str) -> flask.typing.ResponseReturnValue:
        try:
            return view(**arguments)
        except AccessDeniedError as error:
            return {"error": str(error)}, 403
        except UserError as error:
            return {"error": str(error)}, 400
        except OSError as error:
            log.exception("A file could not be kept")
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            reason = "its disk is full" if full else "its disk could not be written to"
            return {"error": f"The server could not keep the file: {reason}. Tell an admin."}, 507

    return wrapper


def _report(find: Callable[[], Path], name: str) -> flask.typing.ResponseReturnValue:
    """Return a reject report as CSV. It is written to the disk first: it may be longer than the memory."""
    try:
        path = find()
    except AccessDeniedError as error:
        flask.abort(403, str(error))
    except UserError as error:
        flask.abort(404, str(error))
    text = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115 - the response closes it
    write_rejects(path, text)
    text.seek(0)
    return _attached(flask.Response(iter(lambda: text.read(MEGABYTE), ""), mimetype="text/csv"), name, text.close)


def _attached(
    response: flask.Response, name: str, close: Callable[[], None] = lambda: None
) -> flask.typing.ResponseReturnValue:
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.call_on_close(close)
    return response
