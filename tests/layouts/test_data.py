"""What the Data page shows of proposals, decisions and loads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from plotly.utils import PlotlyJSONEncoder

from layouts import data_check
from layouts.data_check import Present
from services.intake.proposal import (
    FieldRole,
    LeaveOut,
    Option,
    Proposal,
    ProposedColumn,
    ProposedTable,
    Question,
)
from services.model import ColumnType
from services.recipe import Typing
from services.workbench import Looked

PRESENT = Present("Shop", 1200, key=True)
COLUMN = ProposedColumn(
    table="sales",
    source="Betrag",
    staged=ColumnType.TEXT,
    target="revenue",
    label="Betrag",
    typing=Typing(type=ColumnType.MONEY, decimal=","),
    role=FieldRole.REVENUE,
    confidence=0.72,
    reasons=("its name says so",),
    raw=("1,50", "viel"),
    parsed=("1.5000", ""),
    filled=10_000,
    missing=3,
    unparseable=1,
    distinct=900,
    low="0.5000",
    high="80.0000",
)


def proposal(*questions: Question) -> Proposal:
    return Proposal(
        name="sales",
        title="Sales",
        currency="EUR",
        currency_reason="it says so",
        tables=(ProposedTable(name="sales", sources=("sales.csv",), rows=10_003, use="facts", reason="the only one"),),
        columns=(COLUMN,),
        leave_out=(LeaveOut(reason="totals", condition="x", rows=7, proof="they add up"),),
        questions=questions,
        facts_rows=10_003,
    )


def shown(looked: Looked, present: Present | None = None) -> Any:
    return json.loads(json.dumps(data_check.check(looked, "w" * 32, ["sales.csv"], present), cls=PlotlyJSONEncoder))


def parts(found: Any) -> list[dict[str, Any]]:
    """Return the properties of all components in a piece of the page."""
    if isinstance(found, list):
        return [part for each in found for part in parts(each)]
    if not isinstance(found, dict):
        return []
    own = [found["props"]] if "props" in found and "type" in found else []
    return own + [part for each in found.values() for part in parts(each)]


def buttons(found: Any) -> dict[str, dict[str, Any]]:
    return {part["data-do"]: part for part in parts(found) if "data-do" in part}


def modes(found: Any) -> tuple[list[str], str]:
    (choice,) = [part for part in parts(found) if part.get("name") == "mode"]
    return [option["value"] for option in choice["options"]], choice["value"]


ASKED = Question(key="day", words="Day or month first?", options=(Option(key="day", words="Day"),))


@pytest.mark.parametrize(("chosen", "shut"), [(None, True), ("day", False)])
def test_nothing_is_loaded_before_questions_are_answered(chosen: str | None, *, shut: bool) -> None:
    found = shown(Looked(fits=False, proposal=proposal(ASKED.model_copy(update={"chosen": chosen}))))
    assert buttons(found)["load"]["disabled"] is shut
    assert ("Answer the question on top first." in json.dumps(found)) is shut


def test_every_control_says_what_it_edits() -> None:
    found = [part for part in parts(shown(Looked(fits=False, proposal=proposal(ASKED)))) if "data-field" in part]
    of_column = {part["data-field"]: part["data-was"] for part in found if part.get("data-column") == "Betrag"}
    assert of_column == {"label": "Betrag", "role": "revenue", "type": "money", "number": "1234,56"}
    others = {
        part["data-field"]: (part.get("data-key"), part["data-was"]) for part in found if "data-column" not in part
    }
    assert others == {
        "answer": ("day", ""),
        "title": (None, "Sales"),
        "name": (None, "sales"),
        "currency": (None, "EUR"),
        "leave_out": ("totals", "true"),
    }


def test_doubts_about_a_column_are_shown() -> None:
    text = json.dumps(shown(Looked(fits=False, proposal=proposal())), ensure_ascii=False)
    for words in ("likely, 72%", "above 99.9% filled", "1 cannot be read (below 0.1%)", "0.5 to 80", "→ 1.5"):
        assert words.replace("→", " →").strip() in text or words in text, words


def test_other_data_can_only_start_over() -> None:
    found = shown(Looked(fits=False, proposal=proposal()), PRESENT)
    assert modes(found) == (["start-over"], "start-over")
    assert "The 1,200 lines of Shop leave every page" in json.dumps(found)
    assert not [part for part in parts(shown(Looked(fits=False, proposal=proposal()))) if part.get("name") == "mode"]


@pytest.mark.parametrize("key", [True, False])
def test_files_that_fit_may_do_anything_their_recipe_can(*, key: bool) -> None:
    offered, chosen = modes(shown(Looked(fits=True), Present("Shop", 5, key=key)))
    assert chosen == ""
    assert offered == ["", *(["replace-key"] if key else []), "replace-period", "start-over"]


def test_drift_is_said_and_a_new_recipe_offered() -> None:
    found = shown(Looked(fits=False, drift="'Betrag' is new.", proposal=proposal()), PRESENT)
    assert "'Betrag' is new." in json.dumps(found)
    assert set(buttons(found)) == {"look", "discard"}
    assert buttons(found)["look"]["data-afresh"] == "true"
