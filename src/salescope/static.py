"""Static files leave compressed, at a level worth doing once per file and process, or better where done before."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import flask
from dash.fingerprint import check_fingerprint

from salescope import bundle

ASSETS = "_dash_assets.static"
SUITES = "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>"
#: Best first. Brotli's levels above 9 take twenty times as long for a tenth of the size.
ENCODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: bytes(brotli.compress(body, quality=9)),
    "gzip": lambda body: gzip.compress(body, 9, mtime=0),
}
TEXTS = ("application/javascript", "application/json", "image/svg+xml", "text/")
MIN_BYTES = 500
#: Scripts of which a visit calls most functions: with this first line browsers compile them in one go beside the page,
#: instead of one by one at their first calls (explicit compile hints, since Chrome 136; others read a comment).
EAGER, HINT = ("dash/dash-renderer/", "dash/deps/"), b"//# allFunctionsCalledOnLoad\n"


class StaticFiles:
    """The compressed bodies of the files asked for so far.

    A file is known by its name and what tells its versions apart, so that one edited under a running server is
    compressed anew; only files that the server found are kept.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[str, bytes]] = {}

    def finish(self, response: flask.Response) -> flask.Response:
        """Replace the body of a static file by its compressed form, where the browser takes one."""
        name = _name()
        encoding = next((each for each in ENCODINGS if flask.request.accept_encodings[each] > 0), None)
        if name is None or encoding is None or response.status_code != 200 or not _worthwhile(response):
            return response
        version = response.get_etag()[0] or str(response.content_length)
        kept = self._kept.get((name, encoding))
        if kept is None or kept[0] != version:
            response.direct_passthrough = False
            body = _made_before(name) if encoding == "br" else None
            hint = HINT if name.startswith(EAGER) else b""
            kept = self._kept[name, encoding] = (version, body or ENCODINGS[encoding](hint + response.get_data()))
        response.close()
        response.direct_passthrough = False
        response.set_data(kept[1])
        response.headers["Content-Encoding"] = encoding
        response.set_etag(f"{version}:{encoding}")
        response.headers.pop("Accept-Ranges", None)
        response.make_conditional(flask.request)
        return response


def _made_before(name: str) -> bytes | None:
    """Return the best form of a large vendored file, which deploy/vendor.sh puts beside it."""
    folder = flask.current_app.blueprints[ASSETS.partition(".")[0]].static_folder
    path = Path(folder or "") / f"{name}.br"
    return path.read_bytes() if flask.request.endpoint == ASSETS and path.is_file() else None


def _name() -> str | None:
    """Return what file is asked for, without the fingerprint that anybody can make up; None when it is no file."""
    given = flask.request.view_args or {}
    if flask.request.endpoint == ASSETS:
        return str(given["filename"])
    if flask.request.endpoint == bundle.ENDPOINT:
        return f"all.{given['kind']}"
    if flask.request.endpoint == SUITES:
        path, _ = check_fingerprint(given["fingerprinted_path"])
        return f"{given['package_name']}/{path}"
    return None


def _worthwhile(response: flask.Response) -> bool:
    return (response.content_length or 0) >= MIN_BYTES and (response.mimetype or "").startswith(TEXTS)
