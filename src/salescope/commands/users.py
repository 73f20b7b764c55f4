"""`salescope user …`: people, roles and row scopes."""

from __future__ import annotations

import sys

import click

from salescope import installation
from salescope.settings import Settings
from salescope.terminal import OPERATOR, explained, out, table
from services.access import ROLES
from services.accounts import Accounts
from services.model import EMPTY


@click.group()
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
    model = installation.model_files(settings).in_use()
    if model is not EMPTY:
        installation.check_scope(rows, model)
    given = sys.stdin.readline().rstrip("\n") if password_stdin else None
    secret = accounts.add(email, name or email, role, password=given, scope=rows)
    accounts.record("user added", OPERATOR, "", f"{email} as {role}: {rows.describe()}")
    print_users([installation.NewUser(email, role, "(as given)" if password_stdin else secret, rows.describe())])


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
    _switch(email, active=False)


@user.command("enable")
@click.argument("email")
@explained
def enable_user(email: str) -> None:
    """Let a disabled person in again."""
    _switch(email, active=True)


def _switch(email: str, *, active: bool) -> None:
    state, accounts = "enabled" if active else "disabled", _accounts()
    accounts.set_active(email, active=active)
    accounts.record(f"user {state}", OPERATOR, "", email)
    out.print(f"{email} is {state}.")


@user.command("list")
@explained
def list_users() -> None:
    """Show all people with role and row scope."""
    listed = table("E-mail", "Name", "Role", "State", "Sees")
    for account in _accounts().list():
        state = "active" if account.active else "disabled"
        listed.add_row(account.email, account.name, account.role, state, account.scope)
    out.print(listed if listed.row_count else "There are no users yet. Add one: salescope user add …")


def print_users(users: list[installation.NewUser]) -> None:
    """Print users just made with their passwords; nothing for none."""
    if not users:
        return
    listed = table("E-mail", "Password", "Role", "Sees", title="New users. The passwords are shown this once.")
    for each in users:
        listed.add_row(each.email, each.password, each.role, each.scope)
    out.print(listed)
