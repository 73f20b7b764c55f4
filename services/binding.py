"""The files of a load and the tables of its recipe: which belongs to which."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from services.errors import LoadError
from services.intake.files import find, stage
from services.intake.staged import Staged
from services.preparing import Bound, Progress
from services.recipe import Recipe, Source, Table
from services.scratch import scratch

#: A staged table belongs to a table of a recipe when they share at least this part of their columns.
RECOGNISED = 0.5


@contextlib.contextmanager
def staged_sources(root: Path, recipe: Recipe, folder: Path, progress: Progress) -> Iterator[Bound]:
    """Stage the files a recipe names; the staged copies are gone afterwards."""
    with scratch(root / "scratch") as space:
        bound: dict[str, list[Staged]] = {name: [] for name in recipe.tables}
        for name, table in recipe.tables.items():
            for number, source in enumerate(table.sources):
                progress(f"Reading {source.file}", 0.02)
                bound[name] += _stage_source(recipe, table, source, folder, space / f"{name}-{number}")
        yield bound


def _stage_source(recipe: Recipe, table: Table, source: Source, folder: Path, space: Path) -> Iterator[Staged]:
    if source.file is None:
        raise LoadError(f"The recipe {recipe.name!r} reads the table {source.table!r}; name the URL of its database.")
    paths = sorted(folder.glob(source.file)) if not Path(source.file).is_absolute() else [Path(source.file)]
    paths = [path for path in paths if path.is_file()]
    if not paths:
        raise LoadError(f"The file {folder / source.file} named by the recipe {recipe.name!r} does not exist.")
    for number, path in enumerate(paths):
        for count, part in enumerate(find(path)):
            if table.read.sheet in (None, part.sheet):
                yield stage(part, space / f"{number}-{count}", table.read)


def bind(recipe: Recipe, tables: Sequence[Staged]) -> Bound:
    """Give each staged table to the table of the recipe whose columns it has.

    Raises LoadError when a table of the recipe gets none, and for one that belongs to none of them.
    """
    bound: dict[str, list[Staged]] = {name: [] for name in recipe.tables}
    for staged in tables:
        scores = {name: _likeness(table, staged) for name, table in recipe.tables.items()}
        best = max(scores, key=lambda name: scores[name])
        if len(bound) > 1 and scores[best] < RECOGNISED:
            raise LoadError(
                f"{staged.name} ({', '.join(list(staged.columns)[:12])}) looks like no table of the recipe "
                f"{recipe.name!r}. Leave it out, or look at the files again on the Data page to make a new recipe."
            )
        bound[best].append(staged)
    missing = [name or "the order lines" for name, found in bound.items() if not found]
    if missing:
        raise LoadError(f"The recipe {recipe.name!r} needs a file for {', '.join(missing)} too; load them together.")
    return bound


def _likeness(table: Table, staged: Staged) -> float:
    """Return the share of columns that a table of a recipe and a staged one have in common."""
    both = set(table.fields) & set(staged.columns)
    return len(both) / len(set(table.fields) | set(staged.columns))
