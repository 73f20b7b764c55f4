"""The command line: `salescope --help`."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path

import click

from salescope import __version__, doctor, installation
from salescope.commands import analysis, users
from salescope.settings import ROOT, Settings
from salescope.terminal import FAILED, OPERATOR, escape, explained, out, progress, table
from services.loading import loads
from services.model import read_model
from services.recipe import read_recipe


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="salescope")
def main() -> None:
    """Salescope: self-hosted sales BI.

    `salescope run` does everything a first start needs. Settings come from SALESCOPE_… environment variables; README
    lists them.
    """


main.add_command(users.user)
main.add_command(analysis.ask)
main.add_command(analysis.forecast)


@main.command()
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
        out.print(f"{mark} {finding.subject}: {escape(finding.words)}")
    if not all(finding.ok for finding in findings):
        sys.exit(FAILED)


def entry() -> None:
    """Run the command line; what `salescope` and `python -m salescope` start."""
    atexit.register(_close_stderr)
    # Databases and snapshots are for their owner only, whatever the folder they lie in allows.
    os.umask(0o077)
    main()


def _close_stderr() -> None:
    # DuckDB's binding (nanobind) lists on stderr what the interpreter does not free at its end; that says nothing to
    # the person. Registered first, this runs last.
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
