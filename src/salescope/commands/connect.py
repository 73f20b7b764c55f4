"""`salescope connect`: a database whose tables are used where they are."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import sqlalchemy as sa

from salescope import installation
from salescope.commands.data import print_proposal
from salescope.settings import Settings
from salescope.terminal import escape, explained, out, progress
from services.addresses import read_address, shown
from services.errors import LoadError, UserError
from services.in_place import InPlace
from services.intake.catalogues import Catalogue, SourceTable
from services.intake.databases import catalogue, stage_table
from services.intake.models import model_of
from services.intake.proposal import Changes, Proposal
from services.intake.propose import propose
from services.intake.recipes import recipe_of
from services.intake.written import written_model
from services.model import SalesModel
from services.modelfiles import MODEL
from services.placing import place_of, placed
from services.recipe import Recipe
from services.warehouse import coverage_of, rows_of

#: How many rows of each table are looked at, and how many countries are named in a model.
SAMPLE_ROWS = 20_000
MOST_COUNTRIES = 1_000


@click.command()
@click.argument("url", required=False)
@click.option("--table", "tables", multiple=True, help="Table or view to use; those its keys name come with it.")
@click.option("--name", help="Name of the model; that of the database unless given.")
@click.option("--currency", help="Currency of the amounts, such as EUR.")
@click.option("--answer", multiple=True, metavar="QUESTION=OPTION", help="Answer a question about the tables.")
@click.option("--yes", is_flag=True, help="Do not ask whether the columns were understood.")
@click.option("--off", is_flag=True, help="Use the data of this installation again.")
@explained
def connect(
    url: str | None,
    *,
    tables: tuple[str, ...],
    name: str | None,
    currency: str | None,
    answer: tuple[str, ...],
    yes: bool,
    off: bool,
) -> None:
    """Use tables of the PostgreSQL database at URL where they are: nothing is copied, nothing is changed there."""
    settings = Settings.from_env()
    if off == (url is not None):
        raise click.UsageError("Name the URL of a database, or use --off.")
    if url is None:
        there = installation.disconnect(settings)
        out.print("The data of this installation are used again." if there else "No database was connected.")
        return
    address = read_address(url, ("postgresql",))
    answers = dict(_pair(each) for each in answer)
    changes = Changes(name=name, currency=currency, answers=answers)
    with progress() as step:
        step("Reading the catalogue", 0.1)
        known = catalogue(url)
        step("Looking at the tables", 0.3)
        proposal = _proposed(url, _chosen(known, tables), known, name or str(address.database), changes)
    print_proposal(proposal)
    if proposal.open_questions:
        asked = " ".join(
            f"{each.words} --answer {each.key}={'|'.join(option.key for option in each.options)}"
            for each in proposal.open_questions
        )
        raise UserError(asked)
    model = _model(settings, address, proposal, known)
    if not yes and sys.stdin.isatty() and not click.confirm("Use them like this?", default=True):
        return
    files = installation.model_files(settings)
    place = files.save(model.name, {MODEL: written_model(model, proposal)})
    installation.connect(settings, url, model.name)
    covered = coverage_of(installation.warehouse(settings).current())
    out.print(
        f"{covered['line_count']:,} lines from {covered['first_time']:%Y-%m-%d} to {covered['last_time']:%Y-%m-%d} in "
        f"{escape(shown(address))} are used where they are. What they mean is written in {place / MODEL}. "
        "Restart the site if it is running."
    )


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key or not value:
        raise UserError(f"--answer {text!r} is not understood; write it as QUESTION=OPTION.")
    return key, value


def _chosen(known: Catalogue, names: Sequence[str]) -> list[SourceTable]:
    """Return the tables named and those their foreign keys lead to; without names all tables, no views."""
    if not names:
        return [table for table in known.tables if not table.view]
    chosen = {name: known.table(name) for name in names}
    waiting = list(chosen)
    while waiting:
        here = waiting.pop()
        for key in known.keys:
            if key.table == here and key.other not in chosen:
                chosen[key.other] = known.table(key.other)
                waiting.append(key.other)
    return list(chosen.values())


def _proposed(url: str, tables: Sequence[SourceTable], known: Catalogue, name: str, changes: Changes) -> Proposal:
    if not tables:
        raise LoadError("The database has no tables. Name a view with --table.")
    with tempfile.TemporaryDirectory() as folder:
        staged = [stage_table(url, table.name, Path(folder), rows=SAMPLE_ROWS) for table in tables]
        return propose(staged, name=name, keys=known.keys, changes=changes)


def _model(settings: Settings, address: sa.URL, proposal: Proposal, known: Catalogue) -> SalesModel:
    """Return the model of the tables where they are, with the codes of the countries that stand in them."""
    recipe, model = recipe_of(proposal), model_of(proposal)
    without = placed(model, place_of(recipe, known, {}))
    store = InPlace(address, without, settings.warehouse, seconds=settings.query_seconds)
    if not coverage_of(store.current())["line_count"]:
        raise LoadError("The tables hold no dated lines.")
    return placed(model, place_of(recipe, known, _countries(store, without, recipe)))


def _countries(store: InPlace, model: SalesModel, recipe: Recipe) -> dict[str, tuple[str, ...]]:
    found = {}
    for of in set(recipe.country_codes.values()):
        column = model.table.c[of]
        asked = sa.select(column.label("country")).where(column.is_not(None)).distinct().limit(MOST_COUNTRIES)
        found[of] = tuple(sorted(row["country"] for row in rows_of(store.current(), asked)))
    return found
