"""Sign-in and sign-out: plain pages in front of the application, and the session behind them."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

import flask
import flask_login

from services.access import Viewer
from services.accounts import Accounts, SignInError, ThrottledError


class SignedInUser(flask_login.UserMixin):  # type: ignore[misc]
    """What Flask-Login holds of a session: its token and who it belongs to."""

    def __init__(self, token: str, viewer: Viewer) -> None:
        self.token, self.viewer = token, viewer

    def get_id(self) -> str:
        """Return the session token; the cookie holds nothing else of the person."""
        return self.token


def install(server: flask.Flask, accounts: Accounts, background: Collection[str]) -> None:
    """Add sign-in, sign-out and the session loader to the server.

    Requests to the endpoints in `background` do not keep a session from running out.
    """
    manager = flask_login.LoginManager(server)

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(token: str) -> SignedInUser | None:
        who = accounts.viewer(str(token), in_use=flask.request.endpoint not in background)
        return SignedInUser(token, who) if who else None

    def signin() -> flask.typing.ResponseReturnValue:
        target = local_path(flask.request.values.get("next", "/"))
        if flask.request.method == "GET":
            return flask.render_template("signin.html", next=target, email="", problem="")
        email, password = (flask.request.form.get(name, "") for name in ("email", "password"))
        try:
            token = accounts.sign_in(
                email, password, address=flask.request.remote_addr or "", agent=str(flask.request.user_agent)
            )
        except SignInError as error:
            status = 429 if isinstance(error, ThrottledError) else 401
            return flask.render_template("signin.html", next=target, email=email[:254], problem=str(error)), status
        who = accounts.viewer(token)
        flask.session.clear()
        flask_login.login_user(SignedInUser(token, who))  # type: ignore[arg-type]
        return flask.redirect(target)

    def signout() -> flask.typing.ResponseReturnValue:
        accounts.sign_out(flask_login.current_user.token)
        flask_login.logout_user()
        flask.session.clear()
        return flask.redirect(flask.url_for("signin"))

    server.add_url_rule("/signin", "signin", signin, methods=["GET", "POST"])
    server.add_url_rule("/signout", "signout", signout, methods=["POST"])


def local_path(target: str) -> str:
    """Return the target when it is a path of this site, else the first page."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    outside = parts.scheme or parts.netloc or not target.startswith("/") or target[1:2] in ("/", "\\")
    if outside or any(character < " " or character == "\\" for character in target):
        return "/"
    return target
