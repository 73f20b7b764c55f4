"""The commands that set up, fill, serve and check an installation."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from salescope import doctor as checks
from salescope import installation
from salescope.commands import users
from salescope.settings import ROOT, Settings
from salescope.terminal import FAILED, OPERATOR, escape, explained, out, progress, table
from services.loading import loads
from services.model import read_model
from services.recipe import read_recipe


@click.command()
@click.option("--no-serve", is_flag=True, help="Prepare everything, then stop.")
@explained
def run(*, no_serve: bool) -> None:
    """Prepare what is missing (database, sample data, users), then serve."""
    settings = Settings.from_env()
    accounts = installation.init(settings)
    _load(settings, installation.SAMPLE, quiet=True)
    recipe = read_recipe(installation.SAMPLE)
    model = read_model(installation.SAMPLE.parent / recipe.model)
    users.print_users(installation.sample_users(accounts, recipe, model))
    if not no_serve:
        _serve(settings)


@click.command()
@explained
def init() -> None:
    """Create or migrate the application database."""
    settings = Settings.from_env()
    installation.init(settings)
    out.print("The application database is ready.")


@click.command()
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
    with progress() as step:
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


def _print_loads(settings: Settings) -> None:
    listed = table("Loaded (UTC)", "Name", "Rows read", "Kept", "Left out", "From", "To", "By")
    for entry in loads(installation.warehouse(settings)):
        listed.add_row(
            f"{entry.loaded_at:%Y-%m-%d %H:%M}",
            entry.name,
            f"{entry.rows_read:,}",
            f"{entry.rows_kept:,}",
            f"{entry.rows_left_out:,}",
            f"{entry.first_time:%Y-%m-%d}",
            f"{entry.last_time:%Y-%m-%d}",
            entry.loaded_by,
        )
    out.print(listed if listed.row_count else "Nothing was loaded yet.")


@click.command()
@explained
def serve() -> None:
    """Serve the site with gunicorn."""
    _serve(Settings.from_env())


def _serve(settings: Settings) -> None:
    checks.require_ready(settings)
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


@click.command()
@explained
def doctor() -> None:
    """Check the installation and say what to do about each fault."""
    findings = checks.examine()
    for finding in findings:
        mark = "[green]ok[/]   " if finding.ok else "[bold red]fault[/]"
        out.print(f"{mark} {finding.subject}: {escape(finding.words)}")
    if not all(finding.ok for finding in findings):
        sys.exit(FAILED)
