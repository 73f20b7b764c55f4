"""The commands that set up, fill, serve and check an installation."""

from __future__ import annotations

import os
import sys

import click

from salescope import doctor as checks
from salescope import installation
from salescope.commands import users
from salescope.commands.data import print_loaded
from salescope.settings import ROOT, Settings
from salescope.terminal import FAILED, OPERATOR, escape, explained, out, progress
from services.ledger import loads
from services.model import read_model
from services.recipe import read_recipe


@click.command()
@click.option("--no-serve", is_flag=True, help="Prepare everything, then stop.")
@explained
def run(*, no_serve: bool) -> None:
    """Prepare what is missing (database, sample data, users), then serve."""
    settings = Settings.from_env()
    accounts = installation.init(settings)
    if not loads(installation.warehouse(settings)):
        with progress() as step:
            print_loaded(installation.load_recipe(settings, installation.SAMPLE, by=OPERATOR, progress=step))
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
