"""`salescope ask` and `salescope forecast`: answers on the command line."""

from __future__ import annotations

import click

from layouts import labels
from salescope import doctor, installation
from salescope.settings import Settings
from salescope.terminal import OPERATOR, escape, explained, out, table
from services import formats, questions
from services.access import EVERYTHING, ROLES, Viewer
from services.forecasting import single as forecasting
from services.forecasting.single import Forecast
from services.periods import Grain
from services.query import Filter, SalesQuery
from services.sales import Answer, Sales


@click.command()
@click.argument("question", nargs=-1, required=True)
@click.option("--as", "email", default=None, help="Answer as this user sees the data; all rows unless given.")
@explained
def ask(question: tuple[str, ...], *, email: str | None) -> None:
    """Answer a QUESTION in plain English, such as: revenue by country last month."""
    sales, viewer = _sales(email)
    reading = questions.read(" ".join(question), sales, viewer)
    out.print("Read as: " + "; ".join(f"{words} → {part}" for words, part in reading.spans))
    _print_answer(sales, sales.answer(reading.query, viewer))


@click.command()
@click.option("--measure", default=None, help="Measure to forecast; the model's first unless given.")
@click.option("--by", "grain", type=click.Choice([each.value for each in forecasting.SEASONS]), default="week")
@click.option("--horizon", type=click.IntRange(1, 156), default=8, show_default=True, help="How many periods ahead.")
@click.option("--where", multiple=True, metavar="DIMENSION=VALUE", help="Rows to forecast; repeat as needed.")
@click.option("--as", "email", default=None, help="Forecast what this user sees; all rows unless given.")
@explained
def forecast(measure: str | None, grain: str, horizon: int, *, where: tuple[str, ...], email: str | None) -> None:
    """Forecast a measure and show how the models did on the past."""
    sales, viewer = _sales(email)
    name = measure or sales.model.overview.measures[0]
    limits = installation.parse_scope(where, everything=False).limits
    conditions = tuple(Filter(dimension, "is", values) for dimension, values in limits)
    query = SalesQuery(measures=(name,), grain=Grain(grain), filters=conditions).check(sales.model)
    _print_forecast(sales, name, forecasting.forecast(sales, query, viewer, horizon))


@click.command()
@click.argument("question", nargs=-1, required=True)
@click.option("--as", "email", default=None, help="Explain for this user's rows; all rows unless given.")
@explained
def explain(question: tuple[str, ...], *, email: str | None) -> None:
    """Show which tables answer a QUESTION (or a query as JSON), why no smaller one could, and the SQL."""
    sales, viewer = _sales(email)
    text = " ".join(question)
    query = SalesQuery.from_json(text) if text.lstrip().startswith("{") else questions.read(text, sales, viewer).query
    answer = sales.answer(query, viewer)
    out.print(f"Answered from: {escape(answer.trust.served)} in {answer.trust.milliseconds:.0f} ms")
    for name, reason in answer.trust.plan.misses if answer.trust.plan else ():
        out.print(f"Not from {escape(name)}: {escape(reason)}.")
    out.print(escape(answer.trust.statement))


def _sales(email: str | None) -> tuple[Sales, Viewer]:
    settings = Settings.from_env()
    doctor.require_ready(settings)
    sales = installation.make_sales(settings)
    if email is None:
        return sales, Viewer(0, OPERATOR, "admin", ROLES["admin"].permissions, EVERYTHING)
    return sales, installation.init(settings).as_viewer(email)


def _print_answer(sales: Sales, answer: Answer) -> None:
    model, query = sales.model, answer.query
    keys = [name for name in query.fields if name in ("time", *query.dimensions)]
    values = [name for name in query.fields if name not in keys]
    listed = table(*keys, *values, title=labels.range_of(answer.window.now, model))
    for index, record in enumerate(answer.frame.to_dict("records")):
        words = [
            labels.bucket(record[key], query.grain, model) if key == "time" else labels.of(answer.frame, key)[index]
            for key in keys
        ]
        numbers = [
            formats.exact(record[value], model.measure(value.removesuffix("__before")).format, model)
            for value in values
        ]
        listed.add_row(*words, *numbers)
    out.print(listed if listed.row_count else "Nothing was found.")
    out.print(f"{answer.trust.rows:,} order lines, version {answer.trust.version}, {answer.trust.milliseconds:.0f} ms")


def _print_forecast(sales: Sales, name: str, found: Forecast) -> None:
    measure, bands = sales.model.measure(name), ("mean", "lo80", "hi80", "lo95", "hi95")
    title = f"{measure.label}, model {found.model}, {found.history} whole periods of history"
    listed = table("From", *bands, title=title)
    for row in found.frame.to_dict("records"):
        numbers = (formats.exact(row[band], measure.format, sales.model) for band in bands)
        listed.add_row(f"{row['time']:%Y-%m-%d}", *numbers)
    out.print(listed)
    scores = sorted(found.scores.items(), key=lambda item: item[1])
    words = ", ".join(f"{model} {score:.3f}" for model, score in scores)
    out.print(f"Backtest error (MASE, smaller is better): {words}")
