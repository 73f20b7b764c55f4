"""`salescope forecast`: forecasts on the command line."""

from __future__ import annotations

import click

from salescope import doctor, installation
from salescope.settings import Settings
from salescope.terminal import OPERATOR, explained, out, table
from services import forecasting, formats
from services.access import EVERYTHING, ROLES, Viewer
from services.forecasting import Forecast
from services.periods import Grain
from services.query import Filter, SalesQuery
from services.sales import Sales


@click.command()
@click.option("--measure", default=None, help="Measure to forecast; the model's first unless given.")
@click.option("--by", "grain", type=click.Choice([each.value for each in forecasting.SEASONS]), default="week")
@click.option("--horizon", type=click.IntRange(1, 156), default=8, show_default=True, help="How many periods ahead.")
@click.option("--where", multiple=True, metavar="DIMENSION=VALUE", help="Rows to forecast; repeat as needed.")
@click.option("--as", "email", default=None, help="Forecast what this user sees; all rows unless given.")
@explained
def forecast(measure: str | None, grain: str, horizon: int, *, where: tuple[str, ...], email: str | None) -> None:
    """Forecast a measure and show how the models did on the past."""
    sales, viewer = opened(email)
    name = measure or sales.model.overview.measures[0]
    limits = installation.parse_scope(where, everything=False).limits
    conditions = tuple(Filter(dimension, "is", values) for dimension, values in limits)
    query = SalesQuery(measures=(name,), grain=Grain(grain), filters=conditions).check(sales.model)
    _print_forecast(sales, name, forecasting.forecast(sales, query, viewer, horizon))


def opened(email: str | None) -> tuple[Sales, Viewer]:
    """Return the data and who looks at them: a user by e-mail, else the operator."""
    settings = Settings.from_env()
    doctor.require_ready(settings)
    sales = installation.make_sales(settings)
    if email is None:
        return sales, Viewer(0, OPERATOR, "admin", ROLES["admin"].permissions, EVERYTHING)
    return sales, installation.init(settings).as_viewer(email)


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
