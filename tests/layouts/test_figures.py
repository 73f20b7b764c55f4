"""Figures are plain dictionaries that say what the answer says."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from itertools import pairwise
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layouts import axes, changes, figures, overview
from layouts.tables import table
from services.access import RowScope, Viewer
from services.model import Format, SalesModel
from services.overview import TILES, answers, default_query, grain_of
from services.periods import Compare, Period
from services.query import SalesQuery
from services.sales import Answer, Sales
from tests.factories import viewer_of


def tiles(sales: Sales, viewer: Viewer, **changes: object) -> dict[str, Answer]:
    query: SalesQuery = replace(default_query(sales.model), **changes)  # type: ignore[arg-type]
    return answers(sales, TILES, query, viewer)


def test_trend_hatches_the_period_that_is_not_over(sales: Sales, everyone: Viewer) -> None:
    answer = tiles(sales, everyone)["trend"]
    now, before = figures.trend(answer, "revenue", sales.model)["data"]
    assert now["marker"]["pattern"]["shape"] == [""] * 11 + ["/"]
    assert sum(now["y"]) == pytest.approx(9831894.344)
    assert sum(before["y"]) == pytest.approx(9447639.034)
    assert now["x"][0] == "Jan 2011"


def test_trend_of_a_past_period_has_no_hatch(sales: Sales, everyone: Viewer) -> None:
    answer = tiles(sales, everyone, period=Period("last_month"))["trend"]
    assert set(figures.trend(answer, "revenue", sales.model)["data"][0]["marker"]["pattern"]["shape"]) == {""}


def test_changes_are_what_is_now_less_what_was(sales: Sales, everyone: Viewer) -> None:
    """No bar for what is unchanged, the largest rise first and the largest fall last; without a comparison, words."""
    query = SalesQuery(measures=("revenue",), dimensions=("country",), period=Period("ytd"), compare=Compare.YEAR)
    answer = sales.answer(query, everyone)
    drawn = changes.changes(answer, sales.model)
    assert drawn.figure is not None
    (bars,) = drawn.figure["data"]
    now, then = (answer.frame[name].fillna(0.0) for name in ("revenue", "revenue__before"))
    moved = dict(zip(answer.frame["country"], now - then, strict=True))
    assert bars["x"] == pytest.approx([moved[key] for _, key in bars["customdata"]])
    assert (bars["x"][0], bars["x"][-1]) == (pytest.approx(max(moved.values())), pytest.approx(min(moved.values())))
    assert [color == changes.GOOD for color in bars["marker"]["color"]] == [value > 0 for value in bars["x"]]
    alone = sales.answer(replace(query, compare=Compare.NONE), everyone)
    assert changes.changes(alone, sales.model).problem.startswith("Changes need a period to compare with")


def test_map_leaves_out_what_is_no_country(sales: Sales, everyone: Viewer) -> None:
    answer = tiles(sales, everyone, period=Period("all"))["places"]
    (trace,) = figures.world(answer, "country", "revenue", sales.model)["data"]
    assert {"IRL", "ZAF", "GBR"} <= set(trace["locations"])
    assert not any("Unspecified" in text for text in trace["text"])
    assert len(trace["locations"]) == len(trace["z"]) == len(trace["text"])
    drawn = overview.make_view(sales.model, tiles(sales, everyone, period=Period("all")), ())
    assert "Unspecified" in drawn.charts["map"].summary


def test_map_of_like_values_spans_a_decade(sales: Sales) -> None:
    manager = viewer_of("manager", RowScope.of({"country": ["France", "Germany"]}))
    drawn = figures.world(tiles(sales, manager)["places"], "country", "revenue", sales.model)
    (trace,) = drawn["data"]
    assert (drawn["layout"]["geo"]["fitbounds"], len(trace["locations"])) == ("locations", 2)
    assert trace["zmax"] - trace["zmin"] >= 1
    assert all(trace["zmin"] <= value <= trace["zmax"] for value in trace["z"])


def test_hours_cover_the_week(sales: Sales, everyone: Viewer) -> None:
    (trace,) = figures.hours(tiles(sales, everyone)["hours"], "revenue", sales.model)["data"]
    assert trace["y"] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert all(value is None for value in trace["z"][5])
    assert {len(row) for row in trace["z"]} == {len(trace["x"])}


@pytest.mark.parametrize("scope", [RowScope(), RowScope.of({"country": ["Malta"]})], ids=["no rows", "few rows"])
def test_page_is_drawn_for_any_rows(sales: Sales, scope: RowScope) -> None:
    for period in ("ytd", "mtd", "all"):
        found = tiles(sales, viewer_of("manager", scope), period=Period(period))
        view = overview.make_view(sales.model, found, ("a notice",))
        assert list(view.charts) == ["trend", "places", "map", "products", "hours"]
        for drawn in view.charts.values():
            json.dumps(drawn.figure, allow_nan=False)


def test_figures_are_fast(sales: Sales, everyone: Viewer) -> None:
    found = tiles(sales, everyone)
    started = time.perf_counter()
    for _ in range(10):
        overview.make_view(sales.model, found, ())
    assert (time.perf_counter() - started) / 10 < 0.5


def test_grain_follows_the_length(sales: Sales, everyone: Viewer) -> None:
    base = default_query(sales.model)
    grains = {name: grain_of(sales.window(replace(base, period=Period(name)))).value for name in ("mtd", "qtd", "ytd")}
    assert grains == {"mtd": "day", "qtd": "week", "ytd": "month"}


@pytest.mark.parametrize(
    ("values", "points"),
    [([], 0), ([1.0], 0), ([1.0, 2.0, float("nan"), 4.0], 3), ([5.0, 5.0], 2)],
    ids=["none", "one", "gap", "flat"],
)
def test_sparkline(values: list[float], points: int) -> None:
    drawn = unquote(figures.sparkline(values))
    assert (drawn.split("points='")[1].split("'")[0].count(",") if drawn else 0) == points


def test_table_names_rows_and_columns() -> None:
    made = table("Sales", ["Month", "Revenue"], [["May", "£1"], ["June", "£2"]])
    caption, _, body = (each["props"]["children"] for each in made["props"]["children"])
    assert caption == "Sales"
    assert [row["props"]["children"][0]["props"]["scope"] for row in body] == ["row", "row"]


def test_margins_have_room_for_the_labels_and_are_never_made_smaller() -> None:
    bars = {"type": "bar", "orientation": "h", "x": [1], "y": [0]}
    axis = {"automargin": True, "ticktext": ["A name of a product"]}
    drawn = {"data": [bars], "layout": figures.layout_of(xaxis={"automargin": True}, yaxis=axis)}
    wide = axes.with_room(drawn)["layout"]
    shorter = {"data": [bars], "layout": figures.layout_of(yaxis={**axis, "ticktext": ["A"]})}
    assert wide["margin"]["l"] > axes.with_room(shorter)["layout"]["margin"]["l"] > 8
    assert wide["margin"]["b"] > wide["margin"]["r"] == 8
    assert wide["yaxis"]["ticktext"] == axis["ticktext"]
    given = {"l": 500, "r": 0, "t": 0, "b": 500}
    assert axes.with_room({"data": [bars], "layout": wide | {"margin": given}})["layout"]["margin"] == given
    alone = {"data": [], "layout": figures.layout_of(geo={})}
    assert axes.with_room(alone) == alone


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-2, 1e10), most=st.integers(2, 8))
def test_numbers_along_an_axis_are_round_and_evenly_spaced(low: float, span: float, most: int) -> None:
    found = axes.round_numbers(low, low + span, most)
    steps = [b - a for a, b in pairwise(found)]
    assert len(found) <= most
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-3) if steps else found
    assert all(low - 1e-6 * span <= value <= low + span * (1 + 1e-6) for value in found)
    assert len(found) >= most // 3


@pytest.mark.parametrize(
    ("locale", "texts"),
    [
        ("en_GB", ["-£100K", "£0", "£100K", "£200K"]),
        ("de_DE", ["-100000\xa0£", "0\xa0£", "100000\xa0£", "200000\xa0£"]),
    ],
)
def test_numbers_along_an_axis_are_written_as_people_write_them(
    sample_model: SalesModel, locale: str, texts: list[str]
) -> None:
    """The sign comes before the currency, stacked bars are added up, and billions are no G."""
    model = sample_model.model_copy(update={"locale": locale})
    axis = axes.value_axis(model.measure("revenue"))
    bars = {"type": "bar", "x": ["a", "b"]}
    data = [{**bars, "y": [150_000.0, -60_000.0]}, {**bars, "y": [60_000.0, -70_000.0]}]
    drawn = {"data": data, "layout": figures.layout_of(yaxis=axis, barmode="relative")}
    assert axes.with_ticks(drawn, model)["layout"]["yaxis"]["ticktext"] == texts
    assert axes.written([2e9], Format.CURRENCY, sample_model)["ticktext"] == ["£2B"]


def test_mark_of_what_was_never_hides_a_number(sales: Sales, everyone: Viewer) -> None:
    answer = tiles(sales, everyone)["products"]
    bars, marks = figures.ranking(answer, "product", "revenue", sales.model, top=15)["data"]
    moved = {place: text for place, text in zip(marks["y"], marks["text"], strict=True) if text}
    assert moved
    assert all((bars["text"][place] == "") == (place in moved) for place in bars["y"])
    room = figures.CROSSED * max(bars["x"])
    for place, was in zip(marks["y"], marks["x"], strict=True):
        assert place in moved or not bars["x"][place] < was < bars["x"][place] + room
