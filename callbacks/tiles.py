"""What a page's callback says about its tiles: the outputs, their values, and how one that fails is kept apart."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dash import Output
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


def outputs(page: str, keys: Sequence[str]) -> list[Output]:
    """Return what `values` fills, for the tiles with these keys."""
    parts = ((tiles.graph_id, "figure"), (tiles.words_id, "children"), (tiles.foot_id, "children"))
    return [Output(name(page, key), prop) for key in keys for name, prop in parts]


def values(page: str, drawn: Mapping[str, Drawn], keys: Sequence[str], model: SalesModel) -> list[Any]:
    """Return the tiles' new contents in the order of `outputs`."""
    return [
        value
        for key in keys
        for value in (
            tiles.figure(drawn[key]),
            tiles.words(page, key, drawn[key]),
            tiles.foot(drawn[key], model),
        )
    ]
