"""Questions a model suggests by itself, each with the form it must be read as."""

from __future__ import annotations

from collections.abc import Iterator

from services.language.asking import Vocabulary
from services.language.forms import Form
from services.model import Role


def templates(vocabulary: Vocabulary, leaders: dict[str, str]) -> Iterator[tuple[str, Form]]:
    """Yield questions with the parts of the form they must be read as."""
    model = vocabulary.model
    main = model.overview.measures[0]
    named = {name: measure.label.lower() for name, measure in model.measures.items()}
    yield f"{named[main]} by month this year", Form((main,), grain="month")
    for role in (Role.COUNTRY, Role.PRODUCT, Role.CUSTOMER, Role.CHANNEL):
        name = model.by_role(role)
        if name:
            plural = model.dimension(name).plural.lower()
            yield f"top 10 {plural} by {named[main]} last quarter", Form((main,), (name,), limit=10)
    for name, label in leaders.items():
        yield f"{named[main]} in {label} last 12 months by month", Form((main,), grain="month")
        yield f"share of {named[main]} by {model.dimension(name).label.lower()} this year", Form((main,), (name,))
    for measure in model.overview.measures[1:4]:
        yield f"{named[measure]} last month vs previous month", Form((measure,))
        yield f"{named[measure]} by weekday", Form((measure,), grain="day_of_week")


def same(found: Form, wanted: Form) -> bool:
    """Tell whether a suggestion is read back as it was meant; times and values follow from its words."""
    return (found.measures, found.dimensions, found.grain, found.limit) == (
        wanted.measures,
        wanted.dimensions,
        wanted.grain,
        wanted.limit,
    )
