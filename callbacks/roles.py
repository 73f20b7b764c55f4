"""The Roles page: what each role may, and roles of one's own."""

from __future__ import annotations

from collections import Counter

from callbacks.desk import Done, Fields, Params, Show, register_desk, shown
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import admin, forms
from layouts.forms import Body, DeskIds
from services.access import Viewer
from services.administration import Administration

IDS = DeskIds("roles")
TITLE = "Roles"


def render(context: PageContext) -> Rendered:
    """Return the page."""
    body = shown(context.viewer, _show(context.services.people), {})
    return forms.page(IDS, TITLE, body, admin.entries(context.viewer))


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    people = services.people

    def save(viewer: Viewer, said: Fields) -> Done:
        name = people.save_role(viewer, said.one("label"), said.many(said.one("field")))
        return Done(f"The role {name} is saved and in force.")

    def delete(viewer: Viewer, said: Fields) -> Done:
        people.delete_role(viewer, said.one("role"))
        return Done(f"The role {said.one('role')} is removed.")

    register_desk(register, IDS, _show(people), {"save": save, "delete": delete})


def _show(people: Administration) -> Show:
    def show(viewer: Viewer, _params: Params) -> Body:
        holders = Counter(each.role for each in people.people(viewer))
        return admin.role_list(people.accounts.roles(), holders)

    return show
