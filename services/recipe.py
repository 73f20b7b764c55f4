"""The loading recipe: how the columns of some files become the facts of a model. One YAML file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from services import expressions, yamlfile
from services.errors import ExpressionError
from services.model import Name
from services.warehouse import file_digest
from services.yamlfile import Definition, Location, Problem


class Source(Definition):
    """A file, relative to the recipe, and the rows of it that are wanted."""

    file: str
    where: str | None = None


class Mapped(Definition):
    """A column computed by `value`, some of whose values are then replaced."""

    value: str
    replace: dict[str, str]


class MostFrequent(Definition):
    """For each value of the column `per`: the most frequent `value` among rows that meet `where`.

    Ties go to the first in alphabetical order. Where no row qualifies, the column `otherwise` is taken.
    """

    value: Name
    per: Name
    where: str
    otherwise: Name


class Recipe(Definition):
    """How to load some files into a model's facts.

    `let` names helper expressions over the source columns; `columns` gives each facts column an expression over
    source columns, helpers and columns above it; `country_codes` fills ISO codes from country names.
    `scopes` proposes row scopes for the roles of a demonstration.
    """

    recipe: Literal[1]
    name: Name
    model: str
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    let: dict[Name, str] = {}
    columns: dict[Name, str | Mapped]
    most_frequent: dict[Name, MostFrequent] = {}
    country_codes: dict[Name, Name] = {}
    scopes: dict[str, dict[Name, tuple[str, ...]]] = {}

    def problems(self) -> Iterator[Problem]:
        """Yield expressions that are none, and columns that two sections define."""
        yield from self._expression_problems()
        sections = ("let", "columns", "most_frequent", "country_codes")
        seen: dict[str, str] = {}
        for section in sections:
            for name in getattr(self, section):
                if name in seen:
                    yield Problem((section, name), f"{name!r} is already defined under {seen[name]!r}.")
                seen[name] = section

    def _expression_problems(self) -> Iterator[Problem]:
        rules = {name: rule if isinstance(rule, str) else rule.value for name, rule in self.columns.items()}
        wheres = {number: source.where for number, source in enumerate(self.sources) if source.where}
        written: list[tuple[Location, str]] = [
            *((("sources", number, "where"), text) for number, text in wheres.items()),
            *((("let", name), text) for name, text in self.let.items()),
            *((("columns", name), text) for name, text in rules.items()),
            *((("most_frequent", name, "where"), rule.where) for name, rule in self.most_frequent.items()),
        ]
        for location, text in written:
            try:
                expressions.parse(text)
            except ExpressionError as error:
                yield Problem(location, str(error))


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in a YAML file; raises DefinitionError with file and line."""
    return yamlfile.read(path, Recipe)


def digest(recipe: Recipe, folder: Path) -> str:
    """Return a digest of the recipe and the content of its files: the identity of a load."""
    total = hashlib.sha256(recipe.model_dump_json().encode())
    for source in recipe.sources:
        total.update(file_digest(folder / source.file).encode())
    return total.hexdigest()
