"""The Account page: one's own password, second factor and sessions."""

from __future__ import annotations

from callbacks.desk import Done, Fields, Params, Show, register_desk, shown
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import account as layout
from layouts import forms
from layouts.forms import Body, DeskIds
from services import totp
from services.access import Viewer
from services.accounts import Accounts
from services.errors import UserError
from services.model import SalesModel

IDS = DeskIds("account")
TITLE = "Your account"


def render(context: PageContext) -> Rendered:
    """Return the page."""
    return forms.page(
        IDS, TITLE, shown(context.viewer, _show(context.services.people.accounts, context.sales.model), {})
    )


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    accounts = services.people.accounts

    def password(viewer: Viewer, said: Fields) -> Done:
        if said.raw("new") != said.raw("again"):
            raise UserError("The two new passwords differ. Type the same one twice.")
        accounts.change_password(viewer, said.raw("old"), said.raw("new"))
        return Done("Your password is changed; your other sessions have ended.")

    def set_up(viewer: Viewer, _said: Fields) -> Done:
        secret = totp.new_secret()
        address = totp.address(secret, viewer.email)
        return Done(layout.set_up(secret, address, totp.picture(address)), anew=False)

    def turn_on(viewer: Viewer, said: Fields) -> Done:
        codes = accounts.factors.turn_on(viewer, said.one("secret"), said.one("code"))
        accounts.record("second factor on", viewer.email)
        return Done(layout.recovery(codes))

    def turn_off(viewer: Viewer, said: Fields) -> Done:
        accounts.give_up_second_factor(viewer, said.one("code"))
        return Done("Signing in asks for the password only now.")

    def end(viewer: Viewer, said: Fields) -> Done:
        accounts.end_session(viewer, said.one("session"))
        return Done("That session is over.")

    def end_others(viewer: Viewer, _said: Fields) -> Done:
        accounts.end_other_sessions(viewer)
        return Done("You are signed in here only.")

    def write_as(viewer: Viewer, said: Fields) -> Done:
        accounts.write_as(viewer, said.one("locale"))
        return Done("Numbers and dates are written so from the next page on.")

    actions = {
        "locale": write_as,
        "password": password,
        "factor": set_up,
        "factor-on": turn_on,
        "factor-off": turn_off,
        "end": end,
        "end-others": end_others,
    }
    register_desk(register, IDS, _show(accounts, services.sales.model), actions)


def _show(accounts: Accounts, model: SalesModel) -> Show:
    def show(viewer: Viewer, _params: Params) -> Body:
        return layout.body(viewer, accounts.sessions(viewer), model, second_factor=accounts.factors.has(viewer))

    return show
