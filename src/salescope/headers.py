"""Response headers: what browsers may load, keep and tell."""

from __future__ import annotations

import dash
import flask

from salescope import bundle
from salescope.static import ASSETS, SUITES

FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
HEAD = bundle.head_hash()
YEAR = 365 * 24 * 3600


def install(server: flask.Flask, app: dash.Dash, *, https: bool) -> None:
    """Set the headers on every response; `https` adds strict transport security."""

    @server.after_request
    def finish(response: flask.Response) -> flask.Response:
        response.headers.update(FIXED)
        response.headers["Content-Security-Policy"] = policy(app)
        if https:
            response.headers["Strict-Transport-Security"] = f"max-age={YEAR}; includeSubDomains"
        _cache(response)
        return response


def policy(app: dash.Dash) -> str:
    """Return the content security policy; inline scripts are Dash's own and ours, allowed by their hashes."""
    scripts = " ".join(["'self'", *app.csp_hashes(), HEAD])
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            # Plotly and AG Grid place what they draw by style attributes.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _cache(response: flask.Response) -> None:
    endpoint = flask.request.endpoint or ""
    fingerprinted = endpoint in (ASSETS, bundle.ENDPOINT) and ("m" in flask.request.args or "v" in flask.request.args)
    suite = endpoint == SUITES and response.cache_control.max_age
    if response.status_code in (200, 304) and (fingerprinted or suite):
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    elif endpoint in (ASSETS, SUITES, bundle.ENDPOINT):
        response.headers["Cache-Control"] = "no-cache"
    else:
        response.headers["Cache-Control"] = "no-store"
