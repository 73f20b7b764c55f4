"""`salescope ask` and `salescope explain`: questions in plain English on the command line."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from layouts import labels
from salescope.commands.analysis import opened
from salescope.terminal import escape, explained, out, table
from services.access import Viewer
from services.errors import SalescopeError, UserError
from services.language import answering, batch, queries, wording
from services.language.asking import Reading, read
from services.language.index import Vocabularies, clock_of
from services.language.results import Result
from services.query import SalesQuery
from services.sales import Sales


@click.command()
@click.argument("question", nargs=-1)
@click.option("--as", "email", default=None, help="Answer as this user sees the data; all rows unless given.")
@click.option(
    "--batch", "files", nargs=2, type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="IN OUT"
)
@click.option("--dates", is_flag=True, help="With --batch: read one date per line instead of a question.")
@explained
def ask(question: tuple[str, ...], *, email: str | None, files: tuple[Path, Path] | None, dates: bool) -> None:
    """Answer a QUESTION in plain English, such as: revenue by country last month.

    With --batch, read the questions of IN (one JSON object with id and text per line) and write what each was taken
    to mean to OUT.
    """
    if files is None and not question:
        raise click.UsageError("Ask a QUESTION, or give --batch IN OUT.")
    sales, viewer = opened(email)
    if files is not None:
        _batch(sales, viewer, files, dates=dates)
        return
    reading = understood(" ".join(question), sales, viewer)
    out.print(escape(f"{wording.certainty(reading)} {wording.restated(reading.form, sales.model)}"))
    vocabulary = Vocabularies(sales).of(viewer)
    _print(sales, answering.answer(reading.form, sales, viewer, vocabulary.index))


@click.command()
@click.argument("question", nargs=-1, required=True)
@click.option("--as", "email", default=None, help="Explain for this user's rows; all rows unless given.")
@explained
def explain(question: tuple[str, ...], *, email: str | None) -> None:
    """Show which tables answer a QUESTION (or a query as JSON), why no smaller one could, and the SQL."""
    sales, viewer = opened(email)
    text = " ".join(question)
    if text.lstrip().startswith("{"):
        query = SalesQuery.from_json(text)
    else:
        index = Vocabularies(sales).of(viewer).index
        query = queries.to_query(understood(text, sales, viewer).form, sales.model, sales.coverage(), index)
    answer = sales.answer(query, viewer)
    out.print(f"Answered from: {escape(answer.trust.served)} in {answer.trust.milliseconds:.0f} ms")
    for name, reason in answer.trust.plan.misses if answer.trust.plan else ():
        out.print(f"Not from {escape(name)}: {escape(reason)}.")
    out.print(escape(answer.trust.statement))


def understood(text: str, sales: Sales, viewer: Viewer) -> Reading:
    """Return the reading of a question; raises UserError that says what is missing when it cannot be answered."""
    vocabulary = Vocabularies(sales).of(viewer)
    reading = read(text, vocabulary, clock_of(sales.model, sales))
    if not reading.answerable:
        raise UserError(wording.refused(reading, vocabulary))
    return reading


def _batch(sales: Sales, viewer: Viewer, files: tuple[Path, Path], *, dates: bool) -> None:
    source, target = files
    clock = clock_of(sales.model, sales)
    try:
        with source.open("rb") as lines, target.open("wb") as written:
            rows = batch.rows_of(lines)
            made = (
                batch.date_predictions(rows, clock)
                if dates
                else batch.predictions(rows, Vocabularies(sales).of(viewer), clock)
            )
            count = 0
            for count, row in enumerate(made, start=1):  # noqa: B007 - told below
                written.write(orjson.dumps(row) + b"\n")
    except OSError as error:
        raise SalescopeError(f"{error.filename}: {error.strerror}. Give a file to read and one to write.") from None
    out.print(f"{count:,} {'dates' if dates else 'questions'} read, predictions in {escape(str(target))}")


def _print(sales: Sales, result: Result) -> None:
    model = sales.model
    if result.total is not None:
        out.print(escape(wording.sentence(result, model)))
    answer, frame = result.answer, result.frame
    keys = result.keys
    added = {each.field: each for each in result.added}
    values = [name for name in (*answer.query.measures, *added) if name in frame]
    listed = table(*keys, *values, title=labels.range_of(answer.window.now, model))
    for index, record in enumerate(frame.to_dict("records")):
        words = [
            labels.bucket(record[key], answer.query.grain, model) if key == "time" else labels.of(frame, key)[index]
            for key in keys
        ]
        numbers = [wording.cell(record[value], value, added, model) for value in values]
        listed.add_row(*words, *numbers)
    out.print(listed if listed.row_count else "Nothing was found.")
    out.print(f"{answer.trust.rows:,} order lines, version {answer.trust.version}, {answer.trust.milliseconds:.0f} ms")
