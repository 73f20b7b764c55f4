"""Forecasts as programs ask for them and get them: JSON."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.errors import QueryError
from services.forecasting.sales import MOST_PARTS, Outlook
from services.query import SalesQuery


class Asked(BaseModel):
    """What a program asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: SalesQuery
    horizon: int = Field(ge=1, le=370)
    parts: int = Field(default=10, ge=1, le=MOST_PARTS)


def read(text: bytes) -> Asked:
    """Return what a JSON text asks for; raises QueryError that names the place of a mistake."""
    try:
        return Asked.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise QueryError(f"This is not a forecast: {place}: {first['msg']}, found {first['input']!r:.200}.") from None


def write(found: Outlook) -> bytes:
    """Return a forecast as JSON; what is not known is null."""
    rows = found.frame.to_dict("records")
    return orjson.dumps(
        {
            "rows": [{**row, "time": f"{row['time']:%Y-%m-%d}"} for row in rows],
            "models": [asdict(score) for score in found.scores],
            "origins": found.origins,
            "coverage": dict(zip(("80", "95"), found.coverage, strict=True)),
            "notes": found.notes,
            "version": found.version,
        },
        default=lambda value: value.item() if isinstance(value, np.generic) else str(value),
    )
