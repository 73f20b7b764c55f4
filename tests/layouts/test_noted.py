"""Notes stand at the bucket they begin in, on charts over time only."""

from __future__ import annotations

import datetime as dt

import pytest

from layouts import noted
from layouts.tiles import Drawn
from services.model import SalesModel
from services.planning import Note


def over_time(*days: str, kind: str = "category") -> Drawn:
    trace = {"meta": {"measure": "revenue", "fields": ["time"]}, "customdata": [[day, day] for day in days]}
    return Drawn("Trend", "Up.", {"data": [trace], "layout": {"xaxis": {"type": kind}}})


def note(first: str, last: str = "") -> Note:
    return Note(1, dt.date.fromisoformat(first), dt.date.fromisoformat(last or first), "Strike", "somebody")


@pytest.mark.parametrize(
    ("found", "index"),
    [
        (note("2011-02-01"), 1),
        (note("2011-02-28"), 1),
        (note("2010-12-30", "2011-01-02"), 0),
        (note("2010-12-30"), None),
        (note("2011-05-01"), None),
        (note("2011-03-20"), 2),
    ],
    ids=str,
)
def test_note_stands_at_its_bucket(sample_model: SalesModel, found: Note, index: int | None) -> None:
    drawn = noted.add(over_time("2011-01-01", "2011-02-01", "2011-03-01"), [found], sample_model)
    assert drawn.figure is not None
    assert [shape["x0"] for shape in drawn.figure["layout"].get("shapes", [])] == ([] if index is None else [index])
    assert ("Strike" in drawn.summary) == (index is not None)


def test_note_stands_at_its_day_among_dates_and_at_its_place_among_places(sample_model: SalesModel) -> None:
    days = ("2011-01-01", "2011-02-01", "2011-03-01")
    dated = over_time(*days, kind="date")
    odd = over_time("2011-02-01", kind="date")
    assert dated.figure is not None
    assert odd.figure is not None
    both = Drawn("Days", "", {**dated.figure, "data": [*dated.figure["data"], *odd.figure["data"]]})
    placed = Drawn("Rows", "", {**dated.figure, "layout": {"xaxis": {"tickmode": "array"}}})
    for drawn, place in ((both, "2011-02-10"), (placed, 1)):
        made = noted.add(drawn, [note("2011-02-10")], sample_model)
        assert made.figure is not None
        assert [shape["x0"] for shape in made.figure["layout"]["shapes"]] == [place]


def test_charts_of_something_else_stay_as_they_are(sample_model: SalesModel) -> None:
    years = over_time("2010-01-01", "2010-02-01")
    assert years.figure is not None
    other = over_time("2011-01-01", "2011-02-01")
    assert other.figure is not None
    both = Drawn("Years", "", {**years.figure, "data": [*years.figure["data"], *other.figure["data"]]})
    for drawn in (both, over_time("2010-01-01", kind="linear"), Drawn("None", ""), Drawn("Bad", "", problem="no")):
        assert noted.add(drawn, [note("2010-01-05")], sample_model) is drawn
