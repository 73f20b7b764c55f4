"""What the commands share: how they print, show progress and explain errors."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from services.errors import SalescopeError

out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
#: Who the audit log and the ledger name for what is done here.
OPERATOR = "command line"
FAILED = 1


def explained(function: Callable[..., Any]) -> Callable[..., Any]:
    """End with exit code 1 and one message for errors the person can act on."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except SalescopeError as error:
            problem = str(error)
        except SQLAlchemyError as error:
            problem = f"The database cannot be used ({type(error).__name__}). Check SALESCOPE_DATABASE_URL."
        err.print(f"[bold red]Error:[/] {escape(problem)}")
        return sys.exit(FAILED)

    return wrapper


def escape(text: str) -> str:
    """Return the text with nothing in it that rich would take for markup."""
    return text.replace("[", r"\[")


def table(*heads: str, title: str | None = None) -> Table:
    """Return a table that is never cut: a row scope, which can be long, folds."""
    made = Table(title=title)
    for head in heads:
        made.add_column(head, no_wrap=head != "Sees", overflow="fold")
    return made


@contextmanager
def progress() -> Iterator[Callable[[str, float], None]]:
    """Show a bar while the block runs; give it a function that takes the stage and the share done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("Loading", total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)
