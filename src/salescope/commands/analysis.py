"""`salescope forecast`: forecasts on the command line."""

from __future__ import annotations

from pathlib import Path

import click
import pandas as pd

from salescope import doctor, installation
from salescope.settings import Settings
from salescope.terminal import OPERATOR, escape, explained, out, progress, table
from services import formats
from services.access import EVERYTHING, ROLES, Viewer
from services.database import open_database
from services.forecasting import sales as forecasting
from services.forecasting.intervals import BANDS
from services.forecasting.leaders import leaders
from services.forecasting.record import TrackRecord
from services.forecasting.run import Run
from services.forecasting.sales import MOST_PARTS, Outlook
from services.forecasting.shelf import Shelf
from services.periods import Grain
from services.query import Filter, SalesQuery
from services.sales import Sales


@click.command()
@click.option("--measure", default=None, help="Measure to forecast; the model's first unless given.")
@click.option("--by", "grain", type=click.Choice([each.value for each in forecasting.HORIZONS]), default="week")
@click.option("--horizon", type=click.IntRange(1, 370), default=8, show_default=True, help="How many periods ahead.")
@click.option("--where", multiple=True, metavar="DIMENSION=VALUE", help="Rows to forecast; repeat as needed.")
@click.option("--per", "dimensions", multiple=True, help="Break down by a dimension; two list who will lead where.")
@click.option("--parts", type=click.IntRange(1, MOST_PARTS), default=10, show_default=True, help="Of how many values.")
@click.option("--out", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write CSV or Parquet instead.")
@click.option("--publish", is_flag=True, help="Keep it, to be scored when the periods are over.")
@click.option("--as", "email", default=None, help="Forecast what this user sees; all rows unless given.")
@explained
def forecast(
    measure: str | None,
    grain: str,
    horizon: int,
    *,
    where: tuple[str, ...],
    dimensions: tuple[str, ...],
    parts: int,
    target: Path | None,
    publish: bool,
    email: str | None,
) -> None:
    """Forecast a measure and show how the models did on the past."""
    sales, viewer = opened(email)
    name = measure or sales.model.overview.measures[0]
    limits = installation.parse_scope(where, everything=False).limits
    conditions = tuple(Filter(dimension, "is", values) for dimension, values in limits)
    query = SalesQuery(measures=(name,), dimensions=dimensions, grain=Grain(grain), filters=conditions)
    query = query.check(sales.model)
    if len(dimensions) > 1:
        listed = leaders(sales, query, viewer, horizon)
        _write(listed, target) if target else _print_leaders(sales, query, listed)
        return
    how = Run(rows=forecasting.ROWS, expected=True, shelf=Shelf.of(Settings.from_env().instance))
    with progress() as bar:
        found = forecasting.forecast(sales, query, viewer, horizon, how=how, parts=parts, progress=bar)
    if publish:
        record = TrackRecord(open_database(Settings.from_env().database_url), sales.model)
        out.print(f"Published as number {record.publish(found, viewer)}; the Forecast page shows how it does.")
    _write(found.frame, target) if target else _print_forecast(sales, name, found)


def opened(email: str | None) -> tuple[Sales, Viewer]:
    """Return the data and who looks at them: a user by e-mail, else the operator."""
    settings = Settings.from_env()
    doctor.require_ready(settings)
    sales = installation.make_sales(settings)
    if email is None:
        return sales, Viewer(0, OPERATOR, "admin", ROLES["admin"].permissions, EVERYTHING)
    return sales, installation.init(settings).as_viewer(email)


def _write(frame: pd.DataFrame, target: Path) -> None:
    if target.suffix == ".parquet":
        frame.to_parquet(target, index=False)
    else:
        frame.to_csv(target, index=False)
    out.print(f"{len(frame):,} rows in {escape(str(target))}")


def _print_forecast(sales: Sales, name: str, found: Outlook) -> None:
    measure = sales.model.measure(name)
    listed = table("Of", "From", *BANDS, title=f"{measure.label}: {found.model}")
    for row in found.frame.to_dict("records"):
        numbers = (formats.exact(row[band], measure.format, sales.model) for band in BANDS)
        listed.add_row(escape(str(row["label"])), f"{row['time']:%Y-%m-%d}", *numbers)
    out.print(listed)
    scores = table("Model", "Weight", "WAPE", "MASE", "Bias", title=f"Backtest of the total, {found.origins} origins")
    for score in found.scores:
        scores.add_row(
            score.model, f"{score.weight:.0%}", f"{score.wape:.1%}", f"{score.mase:.3f}", f"{score.bias:+.1%}"
        )
    out.print(scores)
    shares = zip(found.coverage, (80, 95), strict=True)
    held = ", ".join(f"{share:.0%} within the {level} % interval" for share, level in shares)
    out.print(f"Of the backtest's periods: {held}." if found.coverage[0] == found.coverage[0] else "No interval.")
    for note in found.notes:
        out.print(escape(note))


def _print_leaders(sales: Sales, query: SalesQuery, listed: pd.DataFrame) -> None:
    measure = sales.model.measure(query.measures[0])
    shown = table("Where", "Rank", "What", "mean", "lo80", "hi80", "before", "chance", title=measure.label)
    for row in listed.to_dict("records"):
        numbers = [formats.exact(row[name], measure.format, sales.model) for name in ("mean", "lo80", "hi80", "before")]
        place, label = escape(str(row["place_label"])), escape(str(row["label"]))
        shown.add_row(place, str(row["rank"]), label, *numbers, f"{row['chance']:.0%}")
    out.print(shown)
