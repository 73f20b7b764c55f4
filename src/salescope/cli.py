"""The command line: `salescope --help`."""

from __future__ import annotations

import atexit
import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from layouts import labels
from salescope import __version__, doctor, installation
from salescope.app import make_sales
from salescope.settings import ROOT, Settings
from services import forecasting, formats, questions
from services.access import EVERYTHING, ROLES, Viewer
from services.accounts import Accounts
from services.errors import SalescopeError
from services.forecasting import Forecast
from services.loading import loads
from services.model import read_model
from services.periods import Grain
from services.query import Filter, SalesQuery
from services.recipe import read_recipe
from services.sales import Answer, Sales

out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
OPERATOR = "command line"
FAILED = 1


def explained(function: Callable[..., Any]) -> Callable[..., Any]:
    """End with exit code 1 and one message for errors the person can act on."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except SalescopeError as error:
            err.print(f"[bold red]Error:[/] {_escape(str(error))}")
            sys.exit(FAILED)

    return wrapper


def _escape(text: str) -> str:
    return text.replace("[", r"\[")


def _table(*heads: str, title: str | None = None) -> Table:
    """Return a table that is never cut: a row scope, which can be long, folds."""
    table = Table(title=title)
    for head in heads:
        table.add_column(head, no_wrap=head != "Sees", overflow="fold")
    return table


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="salescope")
def main() -> None:
    """Salescope: self-hosted sales BI.

    `salescope run` does everything a first start needs. Settings come from SALESCOPE_… environment variables; README
    lists them.
    """


@main.command()
@click.option("--no-serve", is_flag=True, help="Prepare everything, then stop.")
@explained
def run(*, no_serve: bool) -> None:
    """Prepare what is missing (database, sample data, users), then serve."""
    settings = Settings.from_env()
    accounts = installation.init(settings)
    _load(settings, installation.SAMPLE, quiet=True)
    recipe = read_recipe(installation.SAMPLE)
    _print_users(installation.sample_users(accounts, recipe, read_model(installation.SAMPLE.parent / recipe.model)))
    if not no_serve:
        _serve(settings)


@main.command()
@explained
def init() -> None:
    """Create or migrate the application database."""
    settings = Settings.from_env()
    installation.init(settings)
    out.print("The application database is ready.")


@main.command()
@click.argument("recipe", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--sample", is_flag=True, help="Load the sample that comes with Salescope.")
@click.option("--list", "show", is_flag=True, help="Show what was loaded so far.")
@explained
def load(recipe: Path | None, *, sample: bool, show: bool) -> None:
    """Load data by a RECIPE (YAML) and publish them to the running site."""
    settings = Settings.from_env()
    if show:
        _print_loads(settings)
        return
    if sample == (recipe is not None):
        raise click.UsageError("Name a recipe file, or use --sample.")
    _load(settings, recipe or installation.SAMPLE, quiet=False)


def _load(settings: Settings, path: Path, *, quiet: bool) -> None:
    with _progress() as step:
        loaded = installation.load_recipe(settings, path, by=OPERATOR, progress=step)
    entry = loaded.load
    if loaded.changed:
        out.print(
            f"Loaded {entry.name}: {entry.rows_read:,} rows read, {entry.rows_kept:,} kept, "
            f"{entry.rows_left_out:,} left out by the recipe; "
            f"{entry.first_time:%Y-%m-%d} to {entry.last_time:%Y-%m-%d}; version {loaded.version} is live."
        )
    elif not quiet:
        out.print(f"{entry.name} is already loaded with this very content; nothing was changed.")


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("Loading", total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)


def _print_loads(settings: Settings) -> None:
    table = _table("Loaded (UTC)", "Name", "Rows read", "Kept", "Left out", "From", "To", "By")
    for entry in loads(installation.warehouse(settings)):
        table.add_row(
            f"{entry.loaded_at:%Y-%m-%d %H:%M}",
            entry.name,
            f"{entry.rows_read:,}",
            f"{entry.rows_kept:,}",
            f"{entry.rows_left_out:,}",
            f"{entry.first_time:%Y-%m-%d}",
            f"{entry.last_time:%Y-%m-%d}",
            entry.loaded_by,
        )
    out.print(table if table.row_count else "Nothing was loaded yet.")


@main.group()
def user() -> None:
    """Add, change and list people."""


def _accounts() -> Accounts:
    return installation.init(Settings.from_env())


@user.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice(list(ROLES)), required=True, help="What the person may do.")
@click.option("--name", default="", help="Name to show; the address unless given.")
@click.option("--everything", is_flag=True, help="The person may see all rows.")
@click.option("--scope", multiple=True, metavar="DIMENSION=VALUE", help="Rows the person may see; repeat as needed.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of generating one.")
@explained
def add_user(
    email: str, role: str, name: str, *, everything: bool, scope: tuple[str, ...], password_stdin: bool
) -> None:
    """Add a person. Without --everything or --scope they see no rows."""
    settings = Settings.from_env()
    accounts = installation.init(settings)
    rows = installation.parse_scope(scope, everything=everything)
    model = settings.instance / "model.yaml"
    if model.exists():
        installation.check_scope(rows, read_model(model))
    given = sys.stdin.readline().rstrip("\n") if password_stdin else None
    secret = accounts.add(email, name or email, role, password=given, scope=rows)
    accounts.record("user added", OPERATOR, "", f"{email} as {role}: {rows.describe()}")
    _print_users([installation.NewUser(email, role, "(as given)" if password_stdin else secret, rows.describe())])


@user.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of generating one.")
@explained
def reset_password(email: str, *, password_stdin: bool) -> None:
    """Give a person a new password and end their sessions."""
    accounts = _accounts()
    secret = accounts.set_password(email, sys.stdin.readline().rstrip("\n") if password_stdin else None)
    accounts.record("password reset", OPERATOR, "", email)
    out.print("The password was changed." if password_stdin else f"New password of {email}: {secret}")


@user.command("disable")
@click.argument("email")
@explained
def disable_user(email: str) -> None:
    """Keep a person out; their sessions end at once."""
    accounts = _accounts()
    accounts.set_active(email, active=False)
    accounts.record("user disabled", OPERATOR, "", email)
    out.print(f"{email} is disabled.")


@user.command("enable")
@click.argument("email")
@explained
def enable_user(email: str) -> None:
    """Let a disabled person in again."""
    accounts = _accounts()
    accounts.set_active(email, active=True)
    accounts.record("user enabled", OPERATOR, "", email)
    out.print(f"{email} is enabled.")


@user.command("list")
@explained
def list_users() -> None:
    """Show all people with role and row scope."""
    table = _table("E-mail", "Name", "Role", "State", "Sees")
    for account in _accounts().list():
        state = "active" if account.active else "disabled"
        table.add_row(account.email, account.name, account.role, state, account.scope)
    out.print(table if table.row_count else "There are no users yet. Add one: salescope user add …")


def _print_users(users: list[installation.NewUser]) -> None:
    if not users:
        return
    table = _table("E-mail", "Password", "Role", "Sees", title="New users. The passwords are shown this once.")
    for each in users:
        table.add_row(each.email, each.password, each.role, each.scope)
    out.print(table)


@main.command()
@click.argument("question", nargs=-1, required=True)
@click.option("--as", "email", default=None, help="Answer as this user sees the data; all rows unless given.")
@explained
def ask(question: tuple[str, ...], *, email: str | None) -> None:
    """Answer a QUESTION in plain English, such as: revenue by country last month."""
    sales, viewer = _sales(email)
    reading = questions.read(" ".join(question), sales, viewer)
    out.print("Read as: " + "; ".join(f"{words} → {part}" for words, part in reading.spans))
    _print_answer(sales, sales.answer(reading.query, viewer))


@main.command()
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


def _sales(email: str | None) -> tuple[Sales, Viewer]:
    settings = Settings.from_env()
    doctor.require_ready(settings)
    sales = make_sales(settings)
    if email is None:
        return sales, Viewer(0, OPERATOR, "admin", ROLES["admin"].permissions, EVERYTHING)
    return sales, installation.init(settings).as_viewer(email)


def _print_answer(sales: Sales, answer: Answer) -> None:
    model, query = sales.model, answer.query
    keys = [name for name in query.fields if name in ("time", *query.dimensions)]
    values = [name for name in query.fields if name not in keys]
    table = _table(*keys, *values, title=labels.range_of(answer.window.now, model))
    for index, record in enumerate(answer.frame.to_dict("records")):
        words = [
            labels.bucket(record[key], query.grain, model) if key == "time" else labels.of(answer.frame, key)[index]
            for key in keys
        ]
        numbers = [
            formats.exact(record[value], model.measure(value.removesuffix("__before")).format, model)
            for value in values
        ]
        table.add_row(*words, *numbers)
    out.print(table if table.row_count else "Nothing was found.")
    out.print(f"{answer.trust.rows:,} order lines, version {answer.trust.version}, {answer.trust.milliseconds:.0f} ms")


def _print_forecast(sales: Sales, name: str, found: Forecast) -> None:
    measure, bands = sales.model.measure(name), ("mean", "lo80", "hi80", "lo95", "hi95")
    title = f"{measure.label}, model {found.model}, {found.history} whole periods of history"
    table = _table("From", *bands, title=title)
    for row in found.frame.to_dict("records"):
        numbers = (formats.exact(row[band], measure.format, sales.model) for band in bands)
        table.add_row(f"{row['time']:%Y-%m-%d}", *numbers)
    out.print(table)
    scores = sorted(found.scores.items(), key=lambda item: item[1])
    words = ", ".join(f"{model} {score:.3f}" for model, score in scores)
    out.print(f"Backtest error (MASE, smaller is better): {words}")


@main.command()
@explained
def serve() -> None:
    """Serve the site with gunicorn."""
    _serve(Settings.from_env())


def _serve(settings: Settings) -> None:
    doctor.require_ready(settings)
    out.print(f"Salescope is at [bold]http://{settings.host}:{settings.port}[/]  (Ctrl+C stops it)")
    os.chdir(ROOT)
    os.execv(  # noqa: S606 - our own interpreter with fixed arguments
        sys.executable,
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "deploy/gunicorn.conf.py",
            "--pythonpath",
            "src,.",
            "salescope.wsgi:server",
        ],
    )


@main.command("doctor")
@explained
def check() -> None:
    """Check the installation and say what to do about each fault."""
    findings = doctor.examine()
    for finding in findings:
        mark = "[green]ok[/]   " if finding.ok else "[bold red]fault[/]"
        out.print(f"{mark} {finding.subject}: {_escape(finding.words)}")
    if not all(finding.ok for finding in findings):
        sys.exit(FAILED)


def entry() -> None:
    """Run the command line; what `salescope` and `python -m salescope` start."""
    atexit.register(_close_stderr)
    main()


def _close_stderr() -> None:
    # DuckDB's binding (nanobind) lists on stderr what the interpreter does not free at its end; that says nothing to
    # the person. Registered first, this runs last.
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
