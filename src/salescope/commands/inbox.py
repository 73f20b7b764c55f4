"""`salescope publish-inbox`: from orders taken to orders seen."""

from __future__ import annotations

import click

from salescope import installation
from salescope.settings import Settings
from salescope.terminal import explained, out
from services.inbox import Inbox


@click.command("publish-inbox")
@click.option("--waiting", type=int, hidden=True, help="Descriptor of the lock this process waits under.")
@explained
def publish_inbox(waiting: int | None) -> None:
    """Publish the orders the API has taken.

    The site starts this by itself after each batch. A cron job may too, for the case that the machine went down
    right after it took one.
    """
    settings = Settings.from_env()
    store = installation.warehouse(settings)
    files = installation.model_files(settings, store)
    for loaded in Inbox(store).publish_pending(files.in_use, waiting=waiting):
        out.print(f"Published {loaded.load.rows_kept:,} orders; version {loaded.version} is live.")
