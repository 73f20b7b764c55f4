"""The page's Cancel: what the data are still asked for the viewer is stopped, not only waited for no longer."""

from __future__ import annotations

import flask

from salescope.gate import viewer
from services.sales import Sales


def install(server: flask.Flask, sales: Sales) -> None:
    """Add the route; the gate lets in who is signed in."""

    def stop_queries() -> flask.typing.ResponseReturnValue:
        who = viewer()
        # An admin who looks at the site as somebody changes nothing of theirs.
        if not who.looked_at_by:
            sales.cancel(who)
        return "", 204

    server.add_url_rule("/queries/stop", "stop_queries", stop_queries, methods=["POST"])
