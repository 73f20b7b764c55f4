"""README.md against the code: settings, commands, pages and files that it names."""

from __future__ import annotations

import re

import click
import pytest

from salescope.cli import COMMANDS, main
from salescope.settings import SECRETS, SETTINGS, Setting
from tests.serving import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows() -> dict[str, tuple[str, str]]:
    """Return setting -> default and meaning, as README's table says."""
    found = re.findall(r"^\| `(SALESCOPE_\w+)` \| (.*?) \| (.*?) \|$", README, re.M)
    return {name: (default.strip().strip("`"), meaning) for name, default, meaning in found}


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.env)
def test_setting_is_in_the_table_with_its_default_and_meaning(row: Setting) -> None:
    assert row.env in rows(), f"README has no row for {row.env}"
    assert rows()[row.env] == (row.default, row.help)


def test_table_names_no_setting_that_does_not_exist() -> None:
    assert list(rows()) == [row.env for row in SETTINGS]
    known = {row.env for row in SETTINGS} | {f"{name}_FILE" for name in SECRETS}
    assert set(re.findall(r"SALESCOPE_[A-Z][A-Z_]*[A-Z]", README)) <= known


@pytest.mark.parametrize("name", SECRETS)
def test_secret_that_may_stand_in_a_file_is_named(name: str) -> None:
    assert f"`{name}`" in README.replace("\n", " ")
    assert "_FILE" in README


def test_every_command_is_named() -> None:
    context = click.Context(main)
    shown = [name for name in COMMANDS if (found := main.get_command(context, name)) and not found.hidden]
    assert [name for name in shown if f"`salescope {name}" not in README] == []
    group = main.get_command(click.Context(main), "user")
    assert isinstance(group, click.Group)
    (line,) = [line for line in README.splitlines() if line.startswith("| `salescope user")]
    assert [name for name in group.commands if name not in line] == []


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"`?make ([a-z]+)", README)) <= targets | {"sure"}


def test_every_file_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:src|deploy|data|services|layouts|assets|tests)/[\w./-]+)`", README))
    named |= set(re.findall(r"\b((?:services|src|data|deploy)/[\w/]+\.(?:py|yaml|md))", README))
    assert named
    assert [path for path in named if not (ROOT / path).exists() and path not in {"layouts/x.py"}] == []
