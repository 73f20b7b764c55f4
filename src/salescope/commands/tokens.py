"""`salescope token …`: keys for programs that use the API."""

from __future__ import annotations

import click

from salescope import installation
from salescope.settings import Settings
from salescope.terminal import OPERATOR, escape, explained, out, table
from services.access import Permission
from services.tokens import Tokens


@click.group()
def token() -> None:
    """Make, list and revoke keys for programs that use the API."""


def _tokens() -> Tokens:
    return installation.tokens(Settings.from_env())


@token.command("add")
@click.argument("email")
@click.option("--name", required=True, help="What the token is for, such as web shop.")
@click.option(
    "--may",
    multiple=True,
    required=True,
    type=click.Choice([permission.value for permission in Permission]),
    help="What the program may do, out of what the person may; repeat as needed.",
)
@click.option("--days", default=90, show_default=True, help="Days until the token expires.")
@explained
def add_token(email: str, name: str, may: tuple[str, ...], days: int) -> None:
    """Make a token by which a program acts as the person EMAIL. It sees the rows that the person sees."""
    made = _tokens().create(email, name, may, days, by=OPERATOR)
    out.print("The token is shown this once. Programs send it in the header: Authorization: Bearer …")
    out.print(made)


@token.command("list")
@explained
def list_tokens() -> None:
    """Show all tokens, without the keys."""
    listed = table("No.", "Person", "Name", "May", "Expires (UTC)", "Last used (UTC)", "State")
    for each in _tokens().list():
        used = f"{each.last_used_at:%Y-%m-%d %H:%M}" if each.last_used_at else ""
        may = ", ".join(each.permissions)
        expires = f"{each.expires_at:%Y-%m-%d}"
        listed.add_row(str(each.id), each.email, escape(each.name), may, expires, used, each.state)
    out.print(listed if listed.row_count else "There are no tokens. Make one: salescope token add …")


@token.command("revoke")
@click.argument("number", type=int)
@explained
def revoke_token(number: int) -> None:
    """Make token NUMBER worthless at once."""
    _tokens().revoke(number, by=OPERATOR)
    out.print(f"Token {number} is revoked.")
