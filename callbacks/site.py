"""The Settings page: what is in force, without secrets."""

from __future__ import annotations

from callbacks.desk import Params, Show, register_desk, shown
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import admin, forms
from layouts.forms import Body, DeskIds
from services.access import Permission, Viewer
from services.administration import Administration

IDS = DeskIds("settings")
TITLE = "Settings"


def render(context: PageContext) -> Rendered:
    """Return the page."""
    body = shown(context.viewer, _show(context.services.people), {})
    return forms.page(IDS, TITLE, body, admin.entries(context.viewer))


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    register_desk(register, IDS, _show(services.people), {})


def _show(people: Administration) -> Show:
    def show(viewer: Viewer, _params: Params) -> Body:
        viewer.require(Permission.SETTINGS_READ)
        return admin.site(people.facts)

    return show
