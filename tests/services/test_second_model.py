"""A data set that shares no name with the sample: nothing of the sample is in the product's Python."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services import overview
from services.access import RowScope
from services.errors import UnknownNameError
from services.model import Role, SalesModel
from services.periods import Compare, Grain, Period
from services.query import Filter, SalesQuery, Sort
from services.sales import Sales
from tests.factories import House, house_of, viewer_of

MODEL = """\
model: 1
name: registrations
title: Machine registrations
currency: JPY
locale: de_DE
today: data
calendar: {week_start: sunday, fiscal_start: 4}
facts:
  table: registrations
  time: registered_on
  key: entry
  columns:
    entry: {type: integer, label: Eintrag}
    registered_on: {type: time, label: Tag}
    brand: {type: text, label: Marke}
    engine_class: {type: text, label: Klasse}
    count: {type: integer, label: Anzahl}
dimensions:
  brand: {label: Marke, plural: Marken, column: brand, role: product}
  engine: {label: Klasse, plural: Klassen, column: engine_class}
measures:
  machines: {label: Maschinen, expression: sum(count), format: integer}
  per_entry: {label: Je Eintrag, expression: machines / entries}
  entries: {label: Eintragungen, expression: count()}
filters: [brand]
lines: [registered_on, brand, count]
overview: {measures: [machines, entries], period: last_year, compare: prior}
"""
RECIPE = """\
recipe: 1
name: registry
model: model.yaml
sources: [{file: first.parquet}, {file: second.parquet, where: Stück != None}]
let: {kind: lower(trim(Typ))}
columns:
  registered_on: Datum
  brand: {value: column('Marke'), replace: {VW: Volkswagen}}
  engine_class: "'heavy' if kind in ['lkw', 'bus'] else 'light'"
  count: Stück
"""
FIRST = """SELECT * FROM (VALUES
    (DATE '2022-04-01', 'VW', ' LKW', 3), (DATE '2022-12-31', 'Opel', 'pkw', 5), (DATE '2023-03-31', 'VW', 'Bus', 7)
) AS t(Datum, "Marke ", Typ, "Stück")"""
SECOND = """SELECT * FROM (VALUES
    (DATE '2023-04-01', 'VW', 'pkw', 11), (DATE '2023-04-02', 'Opel', 'pkw', 13),
    (DATE '2023-12-31', 'Fiat', 'lkw', 17), (DATE '2024-02-29', NULL, 'pkw', 19), (DATE '2024-02-29', 'VW', 'pkw', NULL)
) AS t(Datum, "Marke ", Typ, "Stück")"""
VIEWER = viewer_of("analyst")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, new_url: Callable[[], str | None]) -> Iterator[House]:
    files = {"first.parquet": FIRST, "second.parquet": SECOND}
    house = house_of(tmp_path_factory.mktemp("registry"), MODEL, RECIPE, files, new_url())
    house.load()
    yield house
    house.warehouse.current().engine.dispose()


@pytest.fixture(scope="module")
def register(registry: House) -> Sales:
    return registry.sales()


def test_total(register: Sales) -> None:
    answer = register.answer(SalesQuery(measures=("machines", "entries", "per_entry")), VIEWER)
    assert [answer.value(name) for name in ("machines", "entries", "per_entry")] == [75, 7, pytest.approx(75 / 7)]


def test_breakdown(register: Sales) -> None:
    query = SalesQuery(
        measures=("machines",), dimensions=("brand", "engine"), sort=(Sort("machines", descending=True),), limit=3
    )
    frame = register.answer(query, VIEWER).frame
    found = [(row.engine, row.machines) for row in frame.itertuples()]
    assert found == [("light", 19), ("light", 18), ("heavy", 17)]
    assert list(frame["brand"])[1:] == ["Opel", "Fiat"]


def test_fiscal_years_compared(register: Sales) -> None:
    query = SalesQuery(measures=("machines",), period=Period("ytd"), compare=Compare.YEAR)
    answer = register.answer(query, VIEWER)
    # From 1 April 2023 to 29 February 2024, against 1 April 2022 to the end of February 2023.
    assert answer.window.now.start == dt.datetime(2023, 4, 1)
    assert (answer.value("machines"), answer.value("machines__before")) == (60, 8)
    assert answer.window.before is not None
    assert answer.window.before.end == dt.datetime(2023, 3, 1)
    assert answer.window.before_known


def test_weeks_begin_on_sunday(register: Sales) -> None:
    frame = register.answer(SalesQuery(measures=("machines",), grain=Grain.WEEK), VIEWER).frame
    assert {moment.isoweekday() for moment in frame["time"]} == {7}
    assert dt.datetime(2023, 12, 31) in list(frame["time"])


def test_row_scope(register: Sales) -> None:
    viewer = viewer_of("manager", RowScope.of({"brand": ["Volkswagen"]}))
    frame = register.answer(SalesQuery(measures=("machines",), dimensions=("engine",)), viewer).frame
    assert dict(zip(frame["engine"], frame["machines"], strict=True)) == {"heavy": 10, "light": 11}


def test_order_lines(register: Sales) -> None:
    query = SalesQuery(columns=register.model.lines, filters=(Filter("count", "ge", ("13",)),))
    frame = register.answer(query, VIEWER).frame
    assert list(frame["count"]) == [19, 17, 13]
    assert register.count_lines(query, VIEWER) == 3


def test_menu(register: Sales) -> None:
    assert [choice.key for choice in register.values("brand", VIEWER, search="vol")] == ["Volkswagen"]


def test_times_of_day_are_not_known(register: Sales) -> None:
    assert not register.coverage().has_hours
    assert register.today() == dt.date(2024, 2, 29)


def test_overview_has_only_what_the_data_can_fill(register: Sales) -> None:
    tiles = overview.offered(register.model)
    assert {tile.needs for tile in tiles} <= {None, Role.PRODUCT}
    base = overview.default_query(register.model)
    answers = overview.answers(register, tiles, base, VIEWER)
    assert answers.keys() == {tile.key for tile in tiles}
    # The fiscal year before the running one.
    assert answers["kpis"].window.asked.start == dt.datetime(2022, 4, 1)
    assert answers["kpis"].value("machines") == 15


def test_names_of_the_sample_mean_nothing(register: Sales) -> None:
    for query in (SalesQuery(measures=("revenue",)), SalesQuery(measures=("machines",), dimensions=("country",))):
        with pytest.raises(UnknownNameError):
            register.answer(query, VIEWER)


def test_python_names_nothing_of_the_sample(sample_folder: Path, sample_model: SalesModel) -> None:
    """No measure or column of the sample is a literal of the services."""
    names = {*sample_model.measures, *sample_model.facts.columns, *sample_model.segments}
    # What the product's own vocabulary happens to share with the sample.
    names -= {"line_id", "lines", "products", *Role}
    services = sample_folder.parent.parent / "services"
    quoted = re.compile(rf"""["']({"|".join(sorted(names))})["']""")
    core = ("sql", "sales", "overview", "query", "periods", "loading", "warehouse", "formats", "recipe", "model")
    found = {
        (name, match.group(1))
        for name in core
        for match in quoted.finditer((services / f"{name}.py").read_text(encoding="utf-8"))
    }
    assert found == set()
