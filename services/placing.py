"""From the recipe of a proposal to a model whose facts stay in the database."""

from __future__ import annotations

from collections.abc import Mapping

from services.errors import LoadError
from services.geography import country_code
from services.intake.catalogues import Catalogue, SourceTable
from services.model import ColumnType, Joined, Place, SalesModel, Translated
from services.recipe import Recipe, Table, Typing


def place_of(recipe: Recipe, known: Catalogue, countries: Mapping[str, tuple[str, ...]]) -> Place:
    """Return where the tables of a recipe are in a database, and what is made of them.

    `countries` gives the names that stand in a facts column of countries. Raises LoadError for tables that stack and
    for texts that would have to be read as numbers or dates: those must be loaded.
    """
    facts = _source(recipe, known)
    columns: dict[str, str | Translated] = {
        name: rule if isinstance(rule, str) else Translated(value=rule.value, replace=rule.replace)
        for name, rule in recipe.columns.items()
    }
    columns |= {name: rule.value for name, rule in recipe.most_frequent.items()}
    for name, of in recipe.country_codes.items():
        codes = {country: code for country in countries.get(of, ()) if (code := country_code(country))}
        columns[name] = Translated(value=of, replace=codes, only=True)
    return Place(
        **_origin(facts, recipe),
        key=tuple(column.source for column in facts.columns if column.source in facts.key),
        joins={
            name: Joined(**_origin(_source(lookup, known), lookup), by=lookup.by)
            for name, lookup in recipe.lookups.items()
        },
        leave_out=recipe.leave_out,
        where=recipe.sources[0].where,
        let=recipe.let,
        columns=columns,
    )


def _source(table: Table, known: Catalogue) -> SourceTable:
    if len(table.sources) > 1:
        names = ", ".join(str(source.file or source.table) for source in table.sources)
        raise LoadError(f"{names} would have to be stacked. Make a view of them, or load them: salescope load URL")
    source = table.sources[0]
    return known.table(source.table or source.file or "")


def _origin(source: SourceTable, table: Table) -> dict[str, object]:
    typed = {column.name: column for column in source.columns}
    fields = {}
    for name, typing in table.fields.items():
        column = typed[name]
        if column.name != column.source:
            raise LoadError(f"The column {column.source!r} of {source.name} needs another name. Make a view of it.")
        fields[name] = _kind(source, name, column.type, typing)
    return {"table": source.source, "in_schema": source.schema or "public", "fields": fields}


def _kind(source: SourceTable, name: str, there: ColumnType, typing: Typing) -> ColumnType:
    numbers = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.MONEY)
    same = typing.type in (there, ColumnType.TEXT) or (there in numbers and typing.type in numbers)
    if not same or typing.percent:
        raise LoadError(
            f"{source.name}.{name} holds texts that would have to be read as {typing.type.value} values. "
            "Make a view that casts them, or load the tables: salescope load URL"
        )
    return typing.type


def placed(model: SalesModel, place: Place) -> SalesModel:
    """Return the model with its facts in their place."""
    content = model.model_dump(mode="json", exclude_defaults=True)
    content["facts"]["place"] = place.model_dump(mode="json")
    return SalesModel.model_validate({"model": 1, **content})
