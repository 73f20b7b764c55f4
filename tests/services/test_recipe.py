from __future__ import annotations

from pathlib import Path

import pytest

from services import yamlfile
from services.errors import DefinitionError
from services.recipe import Mapped, MostFrequent, Recipe, read_recipe
from tests.factories import SHOP_RECIPE

PATH = Path("recipe.yaml")
FREQUENT = (
    "most_frequent: {country: {value: product_name, per: product_id, where: quantity > 0, otherwise: order_id}}\n"
)


def recipe_of(text: str) -> Recipe:
    return yamlfile.parse(text, Recipe, PATH)


def changed(old: str, new: str) -> str:
    assert old in SHOP_RECIPE
    return SHOP_RECIPE.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        pytest.param(changed("recipe: 1", "recipe: 3"), 1, "recipe: found 3", id="version of the format"),
        pytest.param(changed("name: shop", "name: The Shop"), 2, "name: found 'The Shop'", id="malformed name"),
        pytest.param(changed("[{file: sales.parquet}]", "[]"), 4, "sources: found []", id="no source"),
        pytest.param(changed("sales.parquet}", "1}"), 4, "sources.0.file: found 1", id="file that is a number"),
        pytest.param(
            changed("sales.parquet}", "sales.parquet, were: a > 1}"),
            4,
            "sources.0.were: this key is not known. Did you mean 'where'? Allowed here: file, table, where.",
            id="unknown key of a source",
        ),
        pytest.param(changed("  quantity:", "  Quantity:"), 11, "columns.Quantity", id="malformed column"),
        pytest.param(
            SHOP_RECIPE + "let: {country: trim(country)}\n",
            8,
            "columns.country: 'country' is already defined under 'let'.",
            id="column and helper",
        ),
        pytest.param(
            SHOP_RECIPE + FREQUENT,
            13,
            "most_frequent.country: 'country' is already defined under 'columns'.",
            id="column and most frequent",
        ),
        pytest.param(
            SHOP_RECIPE + "country_codes: {country: country}\n",
            13,
            "country_codes.country: 'country' is already defined under 'columns'.",
            id="column and code",
        ),
        pytest.param(
            SHOP_RECIPE + FREQUENT.replace("country:", "nation:").replace("per:", "by: x, per:"),
            13,
            "most_frequent.nation.by: this key is not known. Allowed here: otherwise, per, value, where.",
            id="unknown key of most frequent",
        ),
        pytest.param(
            SHOP_RECIPE + "scopes: {manager: {country: Germany}}\n",
            13,
            "scopes.manager.country: found 'Germany'",
            id="scope that is no list",
        ),
        pytest.param(SHOP_RECIPE + "colums: {}\n", 13, "Did you mean 'columns'?", id="unknown section"),
    ],
)
def test_broken_recipe(text: str, line: int, said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        recipe_of(text)
    assert said in caught.value.problem
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        pytest.param("{value: country, replce: {}}", "Did you mean 'replace'?", id="misspelt key"),
        pytest.param("{value: country}", "replace: this key is required and missing", id="missing key"),
    ],
)
def test_broken_replacement(rule: str, said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        recipe_of(changed("country: country", f"country: {rule}"))
    assert said in caught.value.problem


def test_half_an_expression() -> None:
    with pytest.raises(DefinitionError, match=r"line 11: columns\.quantity"):
        recipe_of(changed("quantity: quantity", "quantity: quantity +"))


def test_sample_recipe(sample_folder: Path) -> None:
    recipe = read_recipe(sample_folder / "recipe.yaml")
    assert [source.file for source in recipe.sources] == ["year_2009_2010.parquet", "year_2010_2011.parquet"]
    assert isinstance(recipe.columns["country"], Mapped)
    assert isinstance(recipe.most_frequent["product_name"], MostFrequent)
    assert recipe.scopes == {"manager": {"country": ("Germany", "France", "Netherlands")}}
