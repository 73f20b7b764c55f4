"""The People page: who there is, inviting, importing, changing one person, looking with their eyes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from callbacks.desk import Act, Done, Fields, Params, register_desk, shown
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import admin, forms
from layouts import people as layout
from layouts.forms import Body, DeskIds
from services.access import EVERYTHING, NOTHING, RowScope, Viewer
from services.administration import Administration
from services.model import EMPTY
from services.sales import Sales
from services.scopes import Offered, chosen_scope, offered, preview

IDS = DeskIds("people")
TITLE = "People"


def render(context: PageContext) -> Rendered:
    """Return the page in the state its URL asks for."""
    desk = Desk(context.services.people, context.sales)
    return forms.page(IDS, TITLE, shown(context.viewer, desk.show, dict(context.params)), admin.entries(context.viewer))


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    desk = Desk(services.people, services.sales)
    register_desk(register, IDS, desk.show, desk.actions())


class Desk:
    """What the page shows and does."""

    def __init__(self, people: Administration, sales: Sales) -> None:
        self._people, self._sales = people, sales

    def show(self, viewer: Viewer, params: Params) -> Body:
        """Return the list of people, or one of them."""
        accounts, roles = self._people.accounts, self._people.accounts.roles()
        listed = self._people.people(viewer, params.get("find", ""), params.get("sort", "email"))
        if "person" not in params:
            return layout.people(
                listed, params.get("find", ""), params.get("sort", "email"), roles, self._offered(NOTHING, viewer)
            )
        email = params["person"]
        heirs = [each.email for each in self._people.people(viewer) if each.email != email and each.active]
        scope = accounts.scope(email)
        return layout.person(accounts.account(email), scope, roles, heirs, self._offered(scope, viewer))

    def _offered(self, scope: RowScope, viewer: Viewer) -> tuple[Offered, ...]:
        return () if self._sales.model is EMPTY else offered(self._sales, scope, viewer)

    def actions(self) -> Mapping[str, Act]:
        """Return what the page's forms ask for."""
        changes: Mapping[str, tuple[Callable[[Viewer, str], None], str]] = {
            "enable": (lambda viewer, who: self._people.set_active(viewer, who, active=True), "{} may sign in again."),
            "disable": (
                lambda viewer, who: self._people.set_active(viewer, who, active=False),
                "{} is signed out and kept out.",
            ),
            "sign-out": (self._people.end_sessions, "{} is signed out everywhere."),
            "no-factor": (self._people.drop_second_factor, "{} signs in without a second factor now."),
        }
        return {
            "find": self._find,
            "invite": self._invite,
            "read": lambda viewer, said: Done(
                layout.import_preview(self._people.read_list(viewer, said.raw("list"))), anew=False
            ),
            "import": lambda viewer, said: Done(layout.handed(self._people.add_list(viewer, said.raw("list")))),
            "preview": self._preview,
            "role": self._role,
            "scope": self._scope,
            "reset": lambda viewer, said: Done(
                layout.handed([self._people.reset(viewer, said.one("person"))]), anew=False
            ),
            "look": self._look,
            "delete": self._delete,
            **{name: _changed(change, words) for name, (change, words) in changes.items()},
        }

    def _find(self, _viewer: Viewer, said: Fields) -> Done:
        return Done("", go=f"?{urlencode({'find': said.one('find'), 'sort': said.one('sort')})}")

    def _invite(self, viewer: Viewer, said: Fields) -> Done:
        made = self._people.invite(viewer, said.one("email"), said.one("name"), said.one("role"), _scope(said))
        return Done(layout.handed([made]))

    def _preview(self, viewer: Viewer, said: Fields) -> Done:
        scope = _scope(said)
        if self._sales.model is EMPTY:
            return Done("There are no data yet to show rows of.", anew=False)
        return Done(layout.scope_preview(preview(self._sales, scope, viewer), scope), anew=False)

    def _role(self, viewer: Viewer, said: Fields) -> Done:
        self._people.set_role(viewer, said.one("person"), said.one("role"))
        return Done(f"{said.one('person')} has the role {said.one('role')} from the next click on.")

    def _scope(self, viewer: Viewer, said: Fields) -> Done:
        scope = _scope(said)
        self._people.set_scope(viewer, said.one("person"), scope)
        return Done(f"{said.one('person')} sees {scope.describe()} from the next click on.")

    def _look(self, viewer: Viewer, said: Fields) -> Done:
        self._people.look_as(viewer, said.one("person"))
        return Done(layout.leaving("/"), anew=False)

    def _delete(self, viewer: Viewer, said: Fields) -> Done:
        self._people.delete(viewer, said.one("person"), said.one("heir"))
        return Done(f"{said.one('person')} is deleted.", go="?")


def _changed(change: Callable[[Viewer, str], None], words: str) -> Act:
    def act(viewer: Viewer, said: Fields) -> Done:
        change(viewer, said.one("person"))
        return Done(words.format(said.one("person")))

    return act


def _scope(said: Fields) -> RowScope:
    if said.one("sees") == layout.EVERYTHING:
        return EVERYTHING
    ticked = {name: said.many(name) for name in said.values if name.startswith(layout.TICKED)}
    return chosen_scope(
        {name.removeprefix(layout.TICKED): values for name, values in ticked.items()}, said.raw("rules")
    )
