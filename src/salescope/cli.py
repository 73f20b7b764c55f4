"""The command line: `salescope --help`."""

from __future__ import annotations

import atexit
import importlib
import os
import sys

import click

from salescope import __version__
from services.priority import lower_process

#: Where each command is made; a module is imported when its command is asked for.
COMMANDS = {
    "run": "salescope.commands.site",
    "init": "salescope.commands.site",
    "load": "salescope.commands.data",
    "undo": "salescope.commands.data",
    "connect": "salescope.commands.connect",
    "user": "salescope.commands.users",
    "token": "salescope.commands.tokens",
    "ask": "salescope.commands.ask",
    "forecast": "salescope.commands.analysis",
    "forecast-panel": "salescope.commands.panel",
    "explain": "salescope.commands.ask",
    "tune": "salescope.commands.tuning",
    "serve": "salescope.commands.site",
    "publish-inbox": "salescope.commands.inbox",
    "doctor": "salescope.commands.site",
    "job": "salescope.commands.jobs",
}
#: Commands that give way to those who look at pages meanwhile.
GIVING_WAY = ("load", "undo", "publish-inbox")


class Commands(click.Group):
    """A group that imports a command's module only when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Return the command, None for an unknown name."""
        module = COMMANDS.get(cmd_name)
        found: click.Command | None = None
        if module:
            found = getattr(importlib.import_module(module), cmd_name.replace("-", "_"))
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="salescope")
def main() -> None:
    """Salescope: self-hosted sales BI.

    `salescope run` does everything a first start needs. Settings come from SALESCOPE_… environment variables; README
    lists them.
    """


def entry() -> None:
    """Run the command line; what `salescope` and `python -m salescope` start."""
    atexit.register(close_stderr)
    # Databases and snapshots are for their owner only, whatever the folder they lie in allows.
    os.umask(0o077)
    if sys.argv[1:2] and sys.argv[1] in GIVING_WAY:
        lower_process()
    main()


def close_stderr() -> None:
    """Say nothing more on stderr; for the very end of a process."""
    # DuckDB's binding (nanobind) lists on stderr what the interpreter does not free at its end; that says nothing to
    # the person. Registered first, this runs last.
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
