"""Our own style sheets and scripts as one file each: a first visit asks for two files instead of twelve."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

import flask

from salescope.settings import ROOT

ENDPOINT = "bundle"
ASSETS = ROOT / "assets"
#: Files of the bundles, in their order; our own follow by name.
FIRST = {"css": ("vendor/bootstrap.min.css",), "js": ("salescope/app.js",)}
#: Loaded on its own, before anything is painted.
ALONE = ("head.js",)
TYPES = {"css": "text/css", "js": "application/javascript"}


def head() -> str:
    """Return the script that runs before anything is painted, to stand in the page itself."""
    return (ASSETS / "salescope" / ALONE[0]).read_text(encoding="utf-8")


def head_hash() -> str:
    """Return what the content security policy allows that script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(head().encode()).digest()).decode()}'"


def files(kind: str) -> Sequence[Path]:
    """Return the files of a bundle in their order."""
    own = [path for path in sorted((ASSETS / "salescope").glob(f"*.{kind}")) if path.name not in ALONE]
    first = [ASSETS / name for name in FIRST[kind]]
    return [*first, *(path for path in own if path not in first)]


def install(server: flask.Flask) -> dict[str, str]:
    """Add the route; returns the address of each bundle by its kind, another one when what is in it changed."""
    bodies = {kind: b"\n".join(path.read_bytes() for path in files(kind)) for kind in TYPES}
    tags = {kind: hashlib.sha256(body).hexdigest()[:12] for kind, body in bodies.items()}

    def bundle(kind: str) -> flask.Response:
        if kind not in bodies:
            flask.abort(404)
        response = flask.Response(bodies[kind], mimetype=TYPES[kind])
        response.set_etag(tags[kind])
        return response

    server.add_url_rule("/assets/all.<kind>", ENDPOINT, bundle)
    return {kind: f"/assets/all.{kind}?v={tag}" for kind, tag in tags.items()}
