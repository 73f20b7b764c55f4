"""Sign-in, second factor, one-time links and sign-out: plain pages in front of the application."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import flask
import flask_login

from salescope.single_sign_on import SignOnError, SingleSignOn
from services.access import Viewer
from services.accounts import Accounts, ThrottledError
from services.errors import BusyError, UserError
from services.links import RESET, Links
from services.mail import Mail
from services.outside import Outside
from services.sitepaths import is_local

Shown = flask.typing.ResponseReturnValue
PENDING, TARGET = "pending", "target"
ASKED = "If there is an active account of this address, a mail with a link is on its way. It works for two hours."


class SignedInUser(flask_login.UserMixin):  # type: ignore[misc]
    """What Flask-Login holds of a session: its token and who it belongs to."""

    def __init__(self, token: str, viewer: Viewer) -> None:
        self.token, self.viewer = token, viewer

    def get_id(self) -> str:
        """Return the session token; the cookie holds nothing else of the person."""
        return self.token


@dataclass(frozen=True)
class Door:
    """What the pages in front of the application work with."""

    accounts: Accounts
    links: Links
    mail: Mail
    outside: Outside
    provider: SingleSignOn

    def signin(self) -> Shown:
        """Answer the sign-in page and what is typed into it."""
        target = local_path(flask.request.values.get("next", "/"))
        if flask.request.method == "GET":
            flask.session.pop(PENDING, None)
            return self._form(target)
        if "code" in flask.request.form:
            return self._second_factor(target)
        email, password = (flask.request.form.get(name, "") for name in ("email", "password"))
        try:
            token = self.accounts.sign_in(email, password, address=_address(), agent=str(flask.request.user_agent))
        except UserError as error:
            return self._form(target, email=email[:254], problem=str(error)), _status(error)
        if self.accounts.viewer(token) is None:
            flask.session.clear()
            flask.session[PENDING] = token
            return flask.render_template("code.html", next=target, problem="")
        return self._in(token, target)

    def _second_factor(self, target: str) -> Shown:
        token = str(flask.session.get(PENDING, ""))
        try:
            self.accounts.second_factor(token, flask.request.form["code"][:40], address=_address())
        except UserError as error:
            return flask.render_template("code.html", next=target, problem=str(error)), _status(error)
        return self._in(token, target)

    def _in(self, token: str, target: str) -> Shown:
        who = self.accounts.viewer(token)
        if who is None:
            return self._form(target, problem="The session ended before it began. Sign in again."), 401
        flask.session.clear()
        flask_login.login_user(SignedInUser(token, who))
        return flask.redirect(target)

    def _form(self, target: str, email: str = "", problem: str = "") -> str:
        return flask.render_template(
            "signin.html",
            next=target,
            email=email,
            problem=problem,
            single_sign_on=bool(self.provider),
            mail=bool(self.mail),
        )

    def signout(self) -> Shown:
        """End the session."""
        self.accounts.sign_out(flask_login.current_user.token)
        flask_login.logout_user()
        flask.session.clear()
        return flask.redirect(flask.url_for("signin"))

    def stop_looking(self) -> Shown:
        """Give an admin who looks as somebody else their own eyes back."""
        who = flask_login.current_user.viewer
        if who.looked_at_by:
            self.accounts.stop_looking(who)
        return flask.redirect("/people")

    def password(self) -> Shown:
        """Answer the page of a one-time link and the password chosen there."""
        token = flask.request.values.get("token", "")
        try:
            invited = self.links.look(token)
        except UserError as error:
            return flask.render_template("error.html", code=410, title="This link is of no use", words=str(error)), 410
        if flask.request.method == "GET":
            return flask.render_template("password.html", invited=invited, token=token, problem="")
        password, again = (flask.request.form.get(name, "") for name in ("password", "again"))
        try:
            if password != again:
                raise UserError("The two passwords differ. Type the same one twice.")
            self.links.use(token, password)
        except UserError as error:
            return flask.render_template("password.html", invited=invited, token=token, problem=str(error)), 400
        return flask.redirect(flask.url_for("signin"))

    def forgot(self) -> Shown:
        """Answer the page that has a reset link mailed; it says the same whether the account exists or not."""
        if not self.mail:
            flask.abort(404)
        if flask.request.method == "GET":
            return flask.render_template("forgot.html", said="", problem="")
        email = flask.request.form.get("email", "")[:254].strip().lower()
        try:
            self.accounts.throttle.note_reset(email, _address())
            token = self.links.make(email, RESET)
        except ThrottledError as error:
            return flask.render_template("forgot.html", said="", problem=str(error)), 429
        except UserError:
            return flask.render_template("forgot.html", said=ASKED, problem="")
        link = flask.url_for("password", token=token, _external=True)
        self.mail.send(email, "Your password", f"Choose a new password within two hours: {link}\n")
        return flask.render_template("forgot.html", said=ASKED, problem="")

    def leave(self) -> Shown:
        """Send the person to the single sign-on provider."""
        flask.session[TARGET] = local_path(flask.request.args.get("next", "/"))
        try:
            found: Shown = self.provider.leave(flask.url_for("oidc_back", _external=True))
        except SignOnError as error:
            return self._form("/", problem=str(error)), 503
        return found

    def come_back(self) -> Shown:
        """Let in whom the provider recognised."""
        target = local_path(str(flask.session.pop(TARGET, "/")))
        try:
            who = self.provider.come_back()
            email = self.outside.admit(who)
            agent = str(flask.request.user_agent)
            token = self.accounts.sign_in_outside(email, address=_address(), agent=agent, how="single sign-on")
        except (SignOnError, UserError) as error:
            return self._form(target, problem=str(error)), 403
        return self._in(token, target)


def install(server: flask.Flask, door: Door, background: Collection[str]) -> None:
    """Add the pages and the session loader to the server.

    Requests to the endpoints in `background` do not keep a session from running out.
    """
    # Templates know nobody: a page that says the database is away must not ask it who is there.
    manager = flask_login.LoginManager(server, add_context_processor=False)

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(token: str) -> SignedInUser | None:
        who = door.accounts.viewer(str(token), in_use=flask.request.endpoint not in background)
        return SignedInUser(token, who) if who else None

    both = ["GET", "POST"]
    server.add_url_rule("/signin", "signin", door.signin, methods=both)
    server.add_url_rule("/signin/password", "password", door.password, methods=both)
    server.add_url_rule("/signin/forgot", "forgot", door.forgot, methods=both)
    server.add_url_rule("/signin/oidc", "oidc", door.leave)
    server.add_url_rule("/signin/oidc/back", "oidc_back", door.come_back)
    server.add_url_rule("/signout", "signout", door.signout, methods=["POST"])
    server.add_url_rule("/people/stop-looking", "stop_looking", door.stop_looking, methods=["POST"])


def _address() -> str:
    return flask.request.remote_addr or ""


def _status(error: UserError) -> int:
    return 429 if isinstance(error, ThrottledError) else 503 if isinstance(error, BusyError) else 401


def local_path(target: str) -> str:
    """Return the target when it is a path of this site, else the first page."""
    return target if is_local(target) else "/"
