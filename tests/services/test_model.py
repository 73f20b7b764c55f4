from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from services import yamlfile
from services.errors import DefinitionError, UnknownNameError
from services.measures import MeasurePlan
from services.model import RESERVED, TIME_PARTS, Role, SalesModel, read_model
from tests.factories import SHOP_MODEL

PATH = Path("model.yaml")


def model_of(text: str = SHOP_MODEL) -> SalesModel:
    return yamlfile.parse(text, SalesModel, PATH)


def changed(old: str, new: str) -> str:
    assert old in SHOP_MODEL, f"the shop's model has no {old!r}"
    return SHOP_MODEL.replace(old, new, 1)


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


def refused(text: str) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        model_of(text)
    assert caught.value.path == PATH
    assert str(caught.value) == f"{PATH}, line {caught.value.line}: {caught.value.problem}"
    return caught.value


#: What is changed, into what, and what the message says; the line must be that of the change.
BROKEN = [
    pytest.param("name: shop", "name: My Shop", ("name:", "found 'My Shop'"), id="malformed name"),
    pytest.param("model: 1", "model: 2", ("model: found 2", "should be 1"), id="version of the format"),
    pytest.param("EUR", "euro", ("currency: found 'euro'",), id="currency"),
    pytest.param(
        "today: data", "today: today", ("today: found 'today'", "'data' or 'clock'"), id="choice of two words"
    ),
    pytest.param(
        "type: money", "type: mony", ("facts.columns.revenue.type: found 'mony'", "'money'"), id="column type"
    ),
    pytest.param(
        "time: sold_at", "time: sold_on", ("facts.time: There is no column 'sold_on'", "'sold_at'"), id="time column"
    ),
    pytest.param(
        "time: sold_at", "time: country", ("found column 'country' of type text; it must be time",), id="time of a text"
    ),
    pytest.param(
        "label_column: product_name",
        "label_colum: product_name",
        ("dimensions.product.label_colum: this key is not known. Did you mean 'label_column'?", "code_column"),
        id="unknown key",
    ),
    pytest.param(
        "column: country,",
        "column: contry,",
        ("dimensions.country.column: There is no column 'contry'. Did you mean 'country'?", "Allowed: line_id"),
        id="unknown column of a dimension",
    ),
    pytest.param(
        "label_column: product_name",
        "label_column: product",
        ("dimensions.product.label_column: There is no column 'product'. Did you mean 'product_id'",),
        id="unknown label column",
    ),
    pytest.param(
        "role: country}",
        "role: contry}",
        ("dimensions.country.role: found 'contry'", "'customer', 'product'"),
        id="unknown role",
    ),
    pytest.param(
        "role: country}",
        "role: country, rank_within: bigg}",
        ("dimensions.country.rank_within: There is no segment 'bigg'. Did you mean 'big'?",),
        id="unknown segment of a dimension",
    ),
    pytest.param(
        "quantity >= 6",
        "quantty >= 6",
        ("segments.big.condition", "There is no column 'quantty'. Did you mean 'quantity'"),
        id="unknown column of a segment",
    ),
    pytest.param(
        "quantity >= 6", "quantity >=", ("segments.big.condition", "is not an expression"), id="half a condition"
    ),
    pytest.param(
        "where: big", "where: bigg", ("measures.big_revenue.where: There is no segment 'bigg'",), id="unknown where"
    ),
    pytest.param(
        "sum(quantity)",
        "sum(quantty)",
        ("measures.units.expression", "There is no column 'quantty'. Did you mean 'quantity'"),
        id="unknown column of a measure",
    ),
    pytest.param(
        "revenue / orders",
        "revenu / orders",
        ("measures.average.expression", "There is no measure 'revenu'. Did you mean 'revenue'", "Allowed: revenue,"),
        id="unknown measure of a measure",
    ),
    pytest.param(
        "expression: sum(quantity)",
        "expression: quantity",
        ("measures.units.expression", "There is no measure 'quantity'"),
        id="no aggregate",
    ),
    pytest.param(
        "sum(quantity)",
        "sum(sum(quantity))",
        ("measures.units.expression", "There is no function 'sum'"),
        id="aggregate of an aggregate",
    ),
    pytest.param(
        "revenue / orders", "average / orders", ("measures.average.expression", "average > average"), id="own circle"
    ),
    pytest.param(
        "format: integer}",
        "format: whole}",
        ("measures.units.format: found 'whole'", "'currency', 'integer', 'number' or 'percent'"),
        id="unknown format",
    ),
    pytest.param("label: Units", "label: 5", ("measures.units.label: found 5", "string"), id="number for a text"),
    pytest.param(
        "label: Units",
        "synonyms: pieces, label: Units",
        ("measures.units.synonyms: found 'pieces'",),
        id="text for a list",
    ),
    pytest.param(
        "lines: [line_id", "lines: [lineid", ("lines: ", "'lineid'. Did you mean 'line_id'?"), id="unknown line column"
    ),
    pytest.param(
        "[revenue, orders]}",
        "[revenue, ordrs]}",
        ("overview.measures: There is no measure 'ordrs'. Did you mean 'orders'",),
        id="unknown measure of the overview",
    ),
    pytest.param("[revenue, orders]}", "[]}", ("overview.measures: found []", "at least 1"), id="empty overview"),
]


@pytest.mark.parametrize(("old", "new", "said"), BROKEN)
def test_broken_model(old: str, new: str, said: tuple[str, ...]) -> None:
    text = changed(old, new)
    error = refused(text)
    assert [part for part in said if part not in error.problem] == []
    assert error.line == line_of(text, new)


@pytest.mark.parametrize("name", sorted(RESERVED | TIME_PARTS.keys()))
def test_reserved_name_of_a_dimension(name: str) -> None:
    text = changed("  order: {label", f"  {name}: {{label")
    error = refused(text)
    assert error.problem == f"dimensions.{name}: the name {name!r} is taken by Salescope itself; choose another."
    assert error.line == line_of(text, f"  {name}: {{label")


def test_longer_circle_is_drawn() -> None:
    text = changed("max(revenue)", "average * 2").replace("revenue / orders", "largest / orders")
    assert "largest > average > largest" in refused(text).problem


def test_circle_is_said_plainly() -> None:
    assert "Allowed: none" not in refused(changed("revenue / orders", "average / orders")).problem


def test_misspelt_required_key_is_named() -> None:
    error = refused(changed("expression: sum(quantity)", "expresion: sum(quantity)"))
    assert "expresion" in error.problem
    assert "Did you mean 'expression'?" in error.problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("title: Shop", "title: Shop\ntitle: Two", id="top key"),
        pytest.param("  units: {", "  revenue: {", id="measure"),
    ],
)
def test_key_given_twice(old: str, new: str) -> None:
    assert "twice" in refused(changed(old, new)).problem


def test_near_match_of_a_word_of_a_list() -> None:
    assert "Did you mean 'integer'?" in refused(changed("format: integer}", "format: intger}")).problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("[revenue, orders]}", "[revenue], period: ydt}", id="period of the overview"),
        pytest.param("[revenue, orders]}", "[revenue], compare: yaer}", id="comparison of the overview"),
        pytest.param("currency: EUR", "currency: EUR\nlocale: xx_YY", id="locale"),
        pytest.param("  units: {", "  country: {", id="measure named like a dimension"),
        pytest.param("  units: {", "  rows: {", id="measure named like a column of every answer"),
        pytest.param("  order: {label", "  time: {label", id="dimension named like the time of an answer"),
        pytest.param("  order: {label", "  a0: {label", id="dimension named like an inner aggregate"),
        pytest.param("facts:", "facts:\n  table: loads", id="facts named like the ledger"),
        pytest.param("quantity >= 6", "quantity", id="segment that is no condition"),
    ],
)
def test_accepted_too_early(old: str, new: str) -> None:
    refused(changed(old, new))


def test_calendar_bounds() -> None:
    assert "found 13" in refused(f"{SHOP_MODEL}calendar: {{fiscal_start: 13}}\n").problem
    assert "found 0" in refused(f"{SHOP_MODEL}calendar: {{fiscal_start: 0}}\n").problem
    assert model_of(f"{SHOP_MODEL}calendar: {{fiscal_start: 4, week_start: sunday}}\n").calendar.fiscal_start == 4


def test_sample_model_is_read(sample_folder: Path) -> None:
    model = read_model(sample_folder / "model.yaml")
    assert (model.name, model.currency, model.facts.time) == ("online_retail_ii", "GBP", "order_time")


def test_version_changes_with_the_content() -> None:
    assert model_of().version == model_of().version
    assert model_of().version != model_of(changed("sum(quantity)", "sum(quantity) * 2")).version


def test_by_role() -> None:
    model = model_of()
    assert (model.by_role(Role.COUNTRY), model.by_role(Role.ORDER)) == ("country", "order")
    assert model.by_role(Role.CUSTOMER) is None


@pytest.mark.parametrize("kind", ["measure", "dimension"])
def test_unknown_name_carries_near_matches(sample_model: SalesModel, kind: str) -> None:
    find, wrong, right = {
        "measure": (sample_model.measure, "revenu", "revenue"),
        "dimension": (sample_model.dimension, "contry", "country"),
    }[kind]
    with pytest.raises(UnknownNameError, match=f"There is no {kind} '{wrong}'") as caught:
        find(wrong)
    assert caught.value.near[0] == right
    assert right in caught.value.allowed


def test_same_aggregate_is_computed_once(sample_model: SalesModel) -> None:
    plan = MeasurePlan(sample_model, ("revenue", "orders", "average_order_value", "return_rate", "return_value"))
    assert len(plan.aggregates) == 3


def test_formulas_read_given_columns() -> None:
    plan = MeasurePlan(model_of(), ("average",))
    parts = sa.table("parts", *(sa.column(name, sa.Double()) for name in plan.aggregates))
    formula = plan.formulas(dict(parts.c))["average"]
    assert "parts.a0" in str(formula)
    assert "parts.a1" in str(formula)
