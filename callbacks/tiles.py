"""What a page's callback says about its tiles: the outputs, their values, and how one that fails is kept apart."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dash import Output, State, no_update, set_props
from werkzeug.exceptions import HTTPException

from layouts import tiles
from layouts.tiles import Drawn
from services.errors import AccessDeniedError, UserError
from services.model import SalesModel

log = logging.getLogger("salescope")


def attempt(title: str, make: Callable[[], Drawn]) -> Drawn:
    """Return what `make` draws, or a tile that says why it could not: one that fails never takes the page down."""
    try:
        return make()
    except (AccessDeniedError, HTTPException):
        raise
    except UserError as error:
        return Drawn(title, "", problem=str(error))
    except Exception as error:  # the page goes on without this tile; the log has the rest
        number = uuid.uuid4().hex[:8]
        log.error("Tile %s failed, error %s", title, number, exc_info=error)
        return Drawn(
            title, "", problem=f"This could not be shown (error {number}). Reload; if it stays, tell an admin."
        )


PARTS = ((tiles.graph_id, "figure"), (tiles.words_id, "children"), (tiles.foot_id, "children"))


def outputs(page: str, keys: Sequence[str]) -> list[Output]:
    """Return what `values` fills, for the tiles with these keys."""
    found = [Output(name(page, key), prop) for key in keys for name, prop in PARTS]
    return [Output(tiles.shown_id(page), "data"), *found]


def known(page: str) -> State:
    """Return the state in which the browser says which tiles it shows."""
    return State(tiles.shown_id(page), "data")


def values(page: str, drawn: Mapping[str, Drawn], keys: Sequence[str], model: SalesModel, shown: object) -> list[Any]:
    """Return the tiles' new contents in the order of `outputs`; nothing for those that the browser shows already."""
    digests = tiles.digests(page, drawn)
    before = shown if isinstance(shown, Mapping) else {}
    found: list[Any] = [digests]
    for key in keys:
        found += [no_update] * len(PARTS) if before.get(key) == digests[key] else _contents(page, key, drawn, model)
    return found


def set_changed(
    page: str, drawn: Mapping[str, Drawn], digests: Mapping[str, str], model: SalesModel, shown: object
) -> bool:
    """Give tiles on show that changed their new contents; False, and nothing done, where other tiles are on show."""
    before = shown if isinstance(shown, Mapping) else {}
    if list(before) != list(drawn):
        return False
    for key, digest in digests.items():
        if before[key] != digest:
            for (name, prop), value in zip(PARTS, _contents(page, key, drawn, model), strict=True):
                set_props(name(page, key), {prop: value})
    return True


def _contents(page: str, key: str, drawn: Mapping[str, Drawn], model: SalesModel) -> list[Any]:
    return [tiles.figure(drawn[key], model), tiles.words(page, key, drawn[key]), tiles.foot(drawn[key], model)]
