"""The API tokens page: which there are, new ones shown once, revoking."""

from __future__ import annotations

from callbacks.desk import Done, Fields, Params, Show, register_desk, shown
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import admin, forms
from layouts.forms import Body, DeskIds
from services.access import Viewer
from services.administration import Administration

IDS = DeskIds("tokens")
TITLE = "API tokens"
ONCE = "The token, shown only now. Programs send it in the header Authorization: Bearer …"


def render(context: PageContext) -> Rendered:
    """Return the page."""
    body = shown(context.viewer, _show(context.services.people), {})
    return forms.page(IDS, TITLE, body, admin.entries(context.viewer))


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    people = services.people

    def make(viewer: Viewer, said: Fields) -> Done:
        email, name = said.one("email"), said.one("name")
        return Done(
            forms.note(forms.secret(ONCE, people.make_token(viewer, email, name, said.many("may"), said.whole("days"))))
        )

    def revoke(viewer: Viewer, said: Fields) -> Done:
        people.revoke_token(viewer, said.whole("token"))
        return Done("The token is worthless from now on.")

    register_desk(register, IDS, _show(people), {"make": make, "revoke": revoke})


def _show(people: Administration) -> Show:
    def show(viewer: Viewer, _params: Params) -> Body:
        return admin.tokens(people.tokens(viewer), [each.email for each in people.people(viewer) if each.active])

    return show
