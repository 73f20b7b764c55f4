"""What a page module gets from the application and gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dash.development.base_component import Component

from services.access import Viewer
from services.administration import Administration
from services.dataroom import DataRoom
from services.forecasting.record import TrackRecord
from services.forecasting.room import ForecastRoom
from services.forecasting.scenarios import Scenarios
from services.language.questions import Questions
from services.planning import Planning
from services.sales import Sales
from services.views import SavedViews


class Register(Protocol):
    """Registers a callback behind the gate: the function gets the Viewer first."""

    def __call__(self, *dependencies: Any, **options: Any) -> Callable[[Callable[..., Any]], None]:
        """Return the decorator that registers the function."""

    def client(self, function: str, *dependencies: Any, **options: Any) -> None:
        """Register a function of assets/salescope/app.js, which runs in the browser only."""


@dataclass(frozen=True)
class Services:
    """What the application does, for pages to call."""

    sales: Sales
    data: DataRoom
    people: Administration
    views: SavedViews
    planning: Planning
    questions: Questions
    forecasts: TrackRecord | None = None
    forecast_room: ForecastRoom | None = None
    scenarios: Scenarios | None = None


@dataclass(frozen=True)
class PageContext:
    """Who opens a page, with which URL parameters."""

    services: Services
    viewer: Viewer
    params: Sequence[tuple[str, str]]

    @property
    def sales(self) -> Sales:
        """The door to the data."""
        return self.services.sales


#: The content of a page in its first state.
Rendered = Component
