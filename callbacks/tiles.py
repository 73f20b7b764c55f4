"""What a page's callback says about its tiles: the outputs, their values, and how one that fails is kept apart."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dash import Output, State, no_update, set_props
from werkzeug.exceptions import HTTPException

from layouts import tiles
from layouts.markup import TREE
from layouts.tiles import Contents, Drawn
from services.errors import AccessDeniedError, UserError

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


#: What callbacks fill of a tile, and the part of its contents that goes there.
PARTS = ((tiles.graph_id, "figure", "figure"), (tiles.words_id, TREE, "words"), (tiles.foot_id, TREE, "foot"))


def outputs(page: str, keys: Sequence[str]) -> list[Output]:
    """Return what `values` fills, for the tiles with these keys."""
    found = [Output(name(page, key), prop) for key in keys for name, prop, _ in PARTS]
    return [Output(tiles.shown_id(page), "data"), *found]


def known(page: str) -> State:
    """Return the state in which the browser says which tiles it shows."""
    return State(tiles.shown_id(page), "data")


def values(made: Mapping[str, Contents], keys: Sequence[str], shown: object) -> list[Any]:
    """Return the tiles' new contents in the order of `outputs`; nothing for those that the browser shows already."""
    before = shown if isinstance(shown, Mapping) else {}
    found: list[Any] = [tiles.digests(made)]
    for key in keys:
        same = before.get(key) == made[key].digest
        found += [no_update if same else getattr(made[key], part) for _, _, part in PARTS]
    return found


def set_changed(page: str, made: Mapping[str, Contents], shown: object) -> bool:
    """Give tiles on show that changed their new contents; False, and nothing done, where other tiles are on show."""
    before = shown if isinstance(shown, Mapping) else {}
    if list(before) != list(made):
        return False
    for key, each in made.items():
        if before[key] != each.digest:
            for name, prop, part in PARTS:
                set_props(name(page, key), {prop: getattr(each, part)})
    return True
