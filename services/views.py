"""Saved views: addresses with a name; one's own or shared, one of them home, one whose filters follow everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.access import Permission, Viewer
from services.database import ViewRow, utc_now
from services.errors import QueryError
from services.model import SalesModel
from services.sitepaths import is_local

MAX_NAME = 80
MAX_ADDRESS = 8_000
MAX_VIEWS = 200


@dataclass(frozen=True)
class SavedView:
    """A view: its address, whose it is (`owner`), whether all see it, and what it is to the viewer."""

    number: int
    name: str
    address: str
    owner: str
    mine: bool
    shared: bool
    home: bool
    follows: bool


class SavedViews:
    """The views of people, in the application database. A shared one shows everybody the rows of their own role."""

    def __init__(self, engine: sa.Engine, model: SalesModel) -> None:
        self._engine, self._model = engine, model

    def all(self, viewer: Viewer) -> list[SavedView]:
        """Return one's own views and those that others share, one's own first."""
        visible = sa.or_(ViewRow.user_id == viewer.user_id, ViewRow.shared)
        with Session(self._engine) as session:
            rows = session.scalars(
                sa.select(ViewRow).where(ViewRow.model == self._model.name, visible).order_by(ViewRow.name)
            ).all()
            found = [_seen(row, viewer) for row in rows]
        return sorted(found, key=lambda view: not view.mine)

    def save(
        self,
        name: str,
        address: str,
        viewer: Viewer,
        *,
        shared: bool = False,
        home: bool = False,
        follows: bool = False,
    ) -> None:
        """Keep an address of this site under a name; one of the same name is replaced.

        There is one home and one view whose filters follow. Raises AccessDeniedError for sharing without permission.
        """
        name = " ".join(name.split())
        if not name or len(name) > MAX_NAME:
            raise QueryError(f"The name has {len(name)} characters; allowed: 1 to {MAX_NAME}.")
        if not is_local(address) or len(address) > MAX_ADDRESS:
            raise QueryError("Only pages of this site can be kept.")
        if shared:
            viewer.require(Permission.VIEWS_SHARE)
        mine = sa.and_(ViewRow.user_id == viewer.user_id, ViewRow.model == self._model.name)
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(ViewRow).where(mine, ViewRow.name == name))
            if (session.scalar(sa.select(sa.func.count()).select_from(ViewRow).where(mine)) or 0) >= MAX_VIEWS:
                raise QueryError(f"You have {MAX_VIEWS} views; remove one first.")
            for flag, column in ((home, ViewRow.home), (follows, ViewRow.follows)):
                if flag:
                    session.execute(sa.update(ViewRow).where(mine).values({column: False}))
            session.add(
                ViewRow(
                    model=self._model.name,
                    user_id=viewer.user_id,
                    owner=viewer.email,
                    name=name,
                    address=address,
                    shared=shared,
                    home=home,
                    follows=follows,
                    made_at=utc_now(),
                )
            )

    def remove(self, number: int, viewer: Viewer) -> None:
        """Take away one of one's own views; nothing happens when it is not one."""
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(ViewRow).where(ViewRow.id == number, ViewRow.user_id == viewer.user_id))

    def start(self, path: str, viewer: Viewer) -> str:
        """Return where somebody who opens a bare path is taken: their home from `/`, else the filters that follow.

        Empty where the path stays as it is.
        """
        mine = [view for view in self.all(viewer) if view.mine]
        home = next((view for view in mine if view.home), None)
        if path == "/" and home is not None and home.address != "/":
            return home.address
        follows = next((view for view in mine if view.follows), None)
        found = self.following(follows.address) if follows else []
        return f"{path}?{urlencode(found)}" if found else ""

    def following(self, address: str) -> list[tuple[str, str]]:
        """Return the filters of an address that mean the same on every page: those on dimensions, by their name."""
        pairs = parse_qsl(address.partition("?")[2], keep_blank_values=True)
        return [(key, value) for key, value in pairs if key.split(".")[0] in self._model.dimensions]


def _seen(row: ViewRow, viewer: Viewer) -> SavedView:
    mine = row.user_id == viewer.user_id
    return SavedView(
        row.id, row.name, row.address, row.owner, mine, row.shared, mine and row.home, mine and row.follows
    )


def names(views: Sequence[SavedView]) -> list[str]:
    """Return what the views are called, with the owner of those that others share."""
    return [view.name if view.mine else f"{view.name} ({view.owner})" for view in views]
