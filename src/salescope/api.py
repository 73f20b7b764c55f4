"""API v1: answers to queries for programs, and orders from them. docs/api.md describes it."""

from __future__ import annotations

import csv
import functools
import io
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any, NamedTuple, ParamSpec

import flask
import orjson
import pandas as pd
from werkzeug.exceptions import ClientDisconnected

from salescope.gate import viewer
from services import orders
from services.errors import (
    AccessDeniedError,
    BusyError,
    LoadError,
    NotReadyError,
    QueryError,
    SalescopeError,
    UserError,
)
from services.exports import safe_cell
from services.forecasting import requests
from services.forecasting import sales as forecasting
from services.forecasting.room import ForecastRoom
from services.frames import arrow_stream
from services.inbox import Inbox, KeyReusedError
from services.jobs import NoSuchJobError
from services.orders import RefusedOrdersError
from services.query import MAX_LIMIT, SalesQuery
from services.sales import Answer, Sales

log = logging.getLogger("salescope")
MEGABYTE = 1024 * 1024
P = ParamSpec("P")
NDJSON, ARROW = "application/x-ndjson", "application/vnd.apache.arrow.stream"


class Format(NamedTuple):
    """A form an answer can take."""

    mimetype: str
    write: Callable[[Answer], bytes]


def install(server: flask.Flask, sales: Sales, inbox: Inbox, room: ForecastRoom, body_mb: int) -> None:
    """Add the routes; the gate lets in whom salescope.policy.API allows."""

    @_explained
    def query() -> flask.typing.ResponseReturnValue:
        asked = _read_query()
        form = _format()
        answer = sales.answer(asked if asked.limit else replace(asked, limit=MAX_LIMIT), viewer())
        response = flask.Response(form.write(answer), mimetype=form.mimetype)
        response.headers["Salescope-Version"] = str(answer.trust.version)
        return response

    @_explained
    def take_orders() -> flask.typing.ResponseReturnValue:
        flask.request.max_content_length = body_mb * MEGABYTE
        key = flask.request.headers.get("Idempotency-Key")
        if key is None:
            raise LoadError("The header Idempotency-Key is missing. Send one of your own for each batch of orders.")
        who = viewer()
        with _records(inbox, body_mb * MEGABYTE) as records:
            batch, fresh = inbox.accept(sales.model, records, user_id=who.user_id, by=who.email, key=key)
        if not batch.load:
            _wake(inbox)
        return {"accepted": batch.rows, "batch": batch.batch}, 202 if fresh else 200

    @_explained
    def forecast() -> flask.typing.ResponseReturnValue:
        if not flask.request.is_json:
            flask.abort(415, "Send what to forecast as application/json.")
        asked = requests.read(flask.request.get_data())
        if asked.many:
            job = room.job(room.start(_checked(sales, asked), viewer()), viewer())
            address = _address_of(job.id)
            return requests.told(job, address), 202, {"Location": address}
        found = forecasting.forecast(sales, asked.query, viewer(), asked.horizon)
        return flask.Response(requests.write(found), mimetype="application/json")

    @_explained
    def forecast_job(identity: str) -> flask.typing.ResponseReturnValue:
        if flask.request.method == "DELETE":
            room.cancel(identity, viewer())
        return requests.told(room.job(identity, viewer()), _address_of(identity))

    @_explained
    def forecast_result(identity: str) -> flask.typing.ResponseReturnValue:
        path = room.result(identity, viewer())
        kind = flask.request.args.get("format", "json")
        if kind not in RESULTS:
            raise QueryError(f"There is no format {kind[:40]!r}. Allowed: {', '.join(RESULTS)}.")
        mimetype, rows = RESULTS[kind]
        headers = {"Content-Disposition": f"attachment; filename=forecast.{kind}"} if kind == "csv" else {}
        return flask.Response(rows(path), mimetype=mimetype, headers=headers)

    server.add_url_rule("/api/v1/forecast", "api_forecast", forecast, methods=["POST"])
    server.add_url_rule("/api/v1/forecast/<identity>", "api_forecast_job", forecast_job, methods=["GET", "DELETE"])
    server.add_url_rule("/api/v1/forecast/<identity>/result", "api_forecast_result", forecast_result, methods=["GET"])
    server.add_url_rule("/api/v1/query", "api_query", query, methods=["GET", "POST"])
    server.add_url_rule("/api/v1/orders", "api_orders", take_orders, methods=["POST"])


def _checked(sales: Sales, asked: requests.Asked) -> requests.Asked:
    """Return what is asked for, refused at once rather than by its job where the model has no such thing."""
    asked.query.check(sales.model)
    forecasting.checked(asked.query, asked.horizon)
    return asked


def _address_of(identity: str) -> str:
    return f"/api/v1/forecast/{identity}"


#: Forms of the rows of a forecast of many series by their name in `?format=`.
RESULTS: dict[str, tuple[str, Callable[[Path], Iterator[bytes]]]] = {
    "json": ("application/json", requests.json_of),
    "csv": ("text/csv", requests.csv_of),
}


def _explained(
    view: Callable[P, flask.typing.ResponseReturnValue],
) -> Callable[P, flask.typing.ResponseReturnValue]:
    """Answer errors the caller can act on as JSON."""

    @functools.wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> flask.typing.ResponseReturnValue:
        try:
            return view(*args, **kwargs)
        except RefusedOrdersError as error:
            return {"error": str(error), "rows": [asdict(fault) for fault in error.faults]}, 422
        except (UserError, NotReadyError) as error:
            code = next(code for kind, code in _STATUS if isinstance(error, kind))
            return {"error": str(error)}, code, {"Retry-After": "1"} if code == 429 else {}
        except OSError:
            log.exception("Orders could not be kept")
            words = "The server could not write to its disk. Nothing was taken; send the same again later."
            return {"error": words}, 503, {"Retry-After": "60"}

    return wrapper


#: Errors and the status they are answered with; the first that fits.
_STATUS: tuple[tuple[type[SalescopeError], int], ...] = (
    (AccessDeniedError, 403),
    (BusyError, 429),
    (KeyReusedError, 409),
    (NoSuchJobError, 404),
    (NotReadyError, 503),
    (UserError, 400),
)


def _read_query() -> SalesQuery:
    if flask.request.method == "POST":
        if not flask.request.is_json:
            flask.abort(415, "Send the query as application/json.")
        return SalesQuery.from_json(flask.request.get_data())
    text = flask.request.args.get("q")
    if text is None:
        raise QueryError('The parameter q is missing. Send a query as JSON, such as q={"measures":["revenue"]}.')
    return SalesQuery.from_json(text)


def _format() -> Format:
    """Return the form that was asked for, by ?format= or by the Accept header."""
    named = flask.request.args.get("format")
    if named is None:
        best = flask.request.accept_mimetypes.best_match([each.mimetype for each in FORMATS.values()])
        return next((each for each in FORMATS.values() if each.mimetype == best), FORMATS["json"])
    if named not in FORMATS:
        raise QueryError(f"There is no format {named[:40]!r}. Allowed: {', '.join(FORMATS)}.")
    return FORMATS[named]


def _json(answer: Answer) -> bytes:
    frame, trust = answer.frame, answer.trust
    columns = [_values(frame[name]) for name in frame]
    return orjson.dumps(
        {
            "fields": list(frame.columns),
            "rows": [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)],
            "provenance": {
                "version": trust.version,
                "published_at": trust.published_at,
                "from": answer.window.now.start,
                "to": answer.window.now.end,
                "data_until": trust.data_until,
                "order_lines": trust.rows,
                "limit": answer.query.limit,
                "milliseconds": round(trust.milliseconds, 1),
                "cached": trust.cached,
                "statement": trust.statement,
            },
        }
    )


def _csv(answer: Answer) -> bytes:
    """Return the rows for spreadsheets, with no text in them that one would run."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(answer.frame.columns)
    columns = [_values(answer.frame[name]) for name in answer.frame]
    writer.writerows([safe_cell(value) for value in row] for row in zip(*columns, strict=True))
    return text.getvalue().encode()


def _arrow(answer: Answer) -> bytes:
    return arrow_stream(answer.frame)


#: Forms of an answer by their name in `?format=`.
FORMATS: dict[str, Format] = {
    "json": Format("application/json", _json),
    "csv": Format("text/csv", _csv),
    "arrow": Format(ARROW, _arrow),
}


def _values(column: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if pd.isna(value) else value.isoformat() for value in column]
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]


class _Body(io.RawIOBase):
    """The body of the request, which must be as long as the request says.

    Behind a server that ends the stream itself, as gunicorn does, Werkzeug takes a lost connection for the end.
    """

    def __init__(self, stream: IO[bytes], length: int | None) -> None:
        self._stream, self._left = stream, length

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some bytes; raises ClientDisconnected when the end comes early."""
        found = self._stream.read(len(buffer))
        buffer[: len(found)] = found
        if self._left is not None:
            self._left -= len(found)
            if not found and self._left:
                raise ClientDisconnected
        return len(found)


@contextmanager
def _records(inbox: Inbox, limit: int) -> Iterator[Iterator[orders.Record]]:
    """Give the records of the request's body as they come in."""
    if flask.request.content_encoding:
        flask.abort(415, "Send the orders without a Content-Encoding.")
    stream = io.BufferedReader(_Body(flask.request.stream, flask.request.content_length))
    if flask.request.mimetype == NDJSON:
        yield orders.ndjson(stream)
    elif flask.request.mimetype == ARROW:
        received = inbox.temporary()
        try:
            with received.open("wb") as kept:
                shutil.copyfileobj(stream, kept)
            yield orders.arrow(received, limit)
        finally:
            received.unlink()
    else:
        flask.abort(415, f"Send the orders as {NDJSON} or {ARROW}.")


def _wake(inbox: Inbox) -> None:
    # The orders are safe on the disk: a publisher that cannot be started now is no fault of theirs.
    try:
        inbox.wake()
    except OSError:
        log.exception("The publisher of orders could not be started")
