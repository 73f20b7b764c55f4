"""The Usage page: who uses what, and which answers are slow."""

from __future__ import annotations

from callbacks.desk import Params, Show, register_desk, shown
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import admin, forms
from layouts.forms import Body, DeskIds
from services.access import Permission, Viewer

IDS = DeskIds("usage")
TITLE = "Usage"
DAYS = 30


def render(context: PageContext) -> Rendered:
    """Return the page."""
    body = shown(context.viewer, _show(context.services), {})
    return forms.page(IDS, TITLE, body, admin.entries(context.viewer))


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    register_desk(register, IDS, _show(services), {})


def _show(services: Services) -> Show:
    usage = services.people.usage

    def show(viewer: Viewer, _params: Params) -> Body:
        viewer.require(Permission.AUDIT_READ)
        usage.write()
        model = services.sales.model
        return admin.usage(usage.used(DAYS), usage.people(DAYS), usage.queries(), usage.slow(), model, DAYS)

    return show
