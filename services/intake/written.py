"""Recipe and model as YAML that people read and edit, with the reasons as comments."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import yaml

from services.intake.models import model_of
from services.intake.proposal import Proposal
from services.intake.recipes import recipe_of
from services.model import SalesModel
from services.recipe import Recipe, Source

WIDTH = 110
FIRST = ("recipe", "name", "model", "sources", "read", "fields")
RECIPE_ORDER = (*FIRST, *(name for name in Recipe.model_fields if name not in FIRST))


def recipe_yaml(proposal: Proposal, sources: Mapping[str, Source] | None = None) -> str:
    """Return the recipe as YAML; it reads back to the value `recipe_of` returns."""
    return written_recipe(recipe_of(proposal, sources), proposal)


def model_yaml(proposal: Proposal) -> str:
    """Return the model as YAML; it reads back to the value `model_of` returns."""
    return written_model(model_of(proposal), proposal)


def written_recipe(recipe: Recipe, proposal: Proposal) -> str:
    """Return a recipe as YAML with the reasons of the proposal."""
    said: dict[str | None, str] = {
        column.target: "; ".join(column.reasons) for column in proposal.columns if column.target
    }
    said |= {each.target: each.reason for each in proposal.derived}
    proofs: dict[str | None, str] = {each.reason: each.proof for each in proposal.leave_out}
    heads = {
        "sources": "Files or tables with the same columns; `where` keeps some rows of one.",
        "fields": "How the texts of each source column are read.",
        "lookups": "Tables with one row per key, found `by` expressions over the rows above.",
        "leave_out": "Rows that are none of the sales; conditions see the texts as they stand.",
        "key": "A load that replaces takes out older lines with the same values here.",
        "let": "Helpers.",
        "columns": "What each column of the model is made of.",
        "most_frequent": "Several names per key: the most frequent one is shown.",
    }
    lines = [f"# How the data of {_one_line(proposal.title)} become the facts of {recipe.model}. Edit freely."]
    content = recipe.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    for key in sorted(content, key=RECIPE_ORDER.index):
        lines += _section(key, content[key], heads.get(key), said if key in {"columns", "most_frequent"} else proofs)
    return "\n".join(lines) + "\n"


def written_model(model: SalesModel, proposal: Proposal) -> str:
    """Return a model as YAML."""
    heads = {
        "currency": f"{proposal.currency_reason[:1].upper()}{proposal.currency_reason[1:]}.",
        "today": '"This year" counts from the last day of the data, not from the clock.',
        "facts": "One row per line of the source.",
        "segments": "Conditions with a name; measures count the rows of one.",
        "overview": "The tiles of the first page; the first measure is the one charts start with.",
    }
    lines = [
        f"# What the data of {_one_line(model.title)} mean. Menus, axis titles, questions and the SQL read this file."
    ]
    content = model.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    content.setdefault("currency", model.currency)
    order = [name for name in SalesModel.model_fields if name in content]
    for key in order:
        lines += _section(key, content[key], heads.get(key), {})
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _section(key: str, value: Any, head: str | None, said: Mapping[str | None, str]) -> list[str]:
    """Return the lines of one key; mappings item by item, each under its comment."""
    nested = isinstance(value, dict) and value
    lines = [""] if nested or head else []
    lines += _comment(head, "") if head else []
    if not nested:
        return lines + _dumped(key, value, "")
    lines.append(f"{key}:")
    for name, item in value.items():
        lines += _comment(said[name], "  ") if said.get(name) else []
        lines += _dumped(name, item, "  ")
    return lines


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        _printable(text), WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ", break_on_hyphens=False
    )


def _printable(text: str) -> str:
    """Return a text that may stand in a comment: YAML takes no control characters there."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _dumped(key: str, value: Any, indent: str) -> list[str]:
    """Return the lines of one key: what has no further levels stands on one line."""
    flow = None if isinstance(value, dict | list) else False
    text = _yaml({key: value}, flow=flow)
    if text.rstrip("\n").count("\n") and isinstance(value, dict):
        text = _yaml({key: value}, flow=None if any(isinstance(each, dict) for each in value.values()) else False)
    return [f"{indent}{line}" if line else line for line in text.rstrip("\n").split("\n")]


def _yaml(value: dict[str, Any], *, flow: bool | None) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=flow))
