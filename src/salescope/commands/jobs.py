"""What the application starts to run a job."""

from __future__ import annotations

import logging

import click

from salescope import installation
from salescope.dataloads import KINDS
from salescope.settings import Settings
from salescope.terminal import explained
from services.database import open_database
from services.joblimits import Limits


@click.command(hidden=True)
@click.argument("identity")
@click.option("--slot", type=int, help="Descriptor of the slot this process holds.")
@explained
def job(identity: str, slot: int | None) -> None:
    """Run one job in this process.

    The application starts this by itself; there is no use for it by hand.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings.from_env()
    limits = Limits(settings.load_memory_mb, settings.load_minutes * 60)
    installation.jobs(settings, open_database(settings.database_url)).run(identity, KINDS, limits, slot)
