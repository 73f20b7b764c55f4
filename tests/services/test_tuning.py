"""What is asked and no table has is proposed; what is accepted answers as the facts do from the next publish on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from salescope.cache import NoCache
from services import querylog, rollups, surveying, tuning
from services.errors import UserError
from services.ledger import Mode
from services.loading import load
from services.periods import Grain, Period
from services.planner import FACTS
from services.query import Filter, SalesQuery, Sort
from services.querylog import Log, QueryLog, kind_of
from services.rollups import Tuning
from services.sales import Sales
from services.tuning import FEW_ANSWERS
from tests.factories import SHOP_MODEL, House, shop, viewer_of

ALL = Period("all")
#: What no table has when no column counts as one of few values.
ASKED = SalesQuery(
    measures=("revenue", "lines"),
    dimensions=("product",),
    grain=Grain.MONTH,
    filters=(Filter("country", "not", ("Nowhere",)),),
)
EVERYTHING = SalesQuery(measures=("lines",), dimensions=("product", "country"), grain=Grain.MONTH, period=ALL)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(surveying, "WORTHWHILE", 0)
    monkeypatch.setattr(surveying, "FEW", 0)
    found = shop(tmp_path, model=SHOP_MODEL.replace("model: 1\n", "model: 1\nrollups: 10\n", 1))
    found.load()
    yield found
    found.warehouse.current().engine.dispose()


def logging(house: House, folder: Path) -> Sales:
    return Sales(house.model, house.warehouse, NoCache(), note=QueryLog(folder))


def publish_again(house: House) -> None:
    load(house.warehouse, house.model, house.recipe, house.folder, by="tests", mode=Mode.START_OVER)


def test_what_is_asked_gets_a_table(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(querylog, "WRITE_EVERY", 0.0)
    monkeypatch.setattr(tuning, "LEAST_MS", 0.0)
    monkeypatch.setattr(tuning, "FACTS_ROW", 1_000_000)
    sales = logging(house, tmp_path / "log")
    before = sales.answer(ASKED, viewer_of("analyst"))
    assert before.trust.served == FACTS
    log = querylog.read(tmp_path / "log")
    assert [(query, by, each.answers) for (query, by), each in log.kinds.items()] == [(kind_of(ASKED), "facts", 1)]
    (proposal,) = sales.proposals(log)
    assert (proposal.problem, proposal.answers, proposal.drop) == ("", 1, False)
    assert proposal.rows == len(sales.answer(EVERYTHING, viewer_of("analyst")).frame) > 1
    sales.tune([proposal])
    publish_again(house)
    after = sales.answer(ASKED, viewer_of("analyst"))
    assert after.trust.served != FACTS
    assert len(after.frame) > 1
    assert after.frame.equals(before.frame)
    assert sales.proposals(log) == []


def test_what_nobody_uses_is_dropped(house: House, tmp_path: Path) -> None:
    sales = logging(house, tmp_path / "log")
    log = Log()
    log.kinds[kind_of(ASKED), "tables"] = querylog.Counted(FEW_ANSWERS, 1.0)
    found = sales.proposals(log)
    assert {each.drop for each in found} == {True}
    assert all(each.bytes > 0 for each in found)
    sales.tune(found[:1])
    publish_again(house)
    assert found[0].rollup.columns not in {each.rollup.columns for each in sales.proposals(log)}


def test_the_log_holds_no_values(tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(querylog, "WRITE_EVERY", 0.0)
    query = SalesQuery(
        measures=("revenue",),
        dimensions=("country",),
        filters=(Filter("country", "not", ("Secretland",)),),
        having=(Filter("revenue", "gt", ("987654",)),),
        sort=(Sort("revenue"),),
        limit=3,
    )
    for _ in range(2):
        logging(house, tmp_path / "log").answer(query, viewer_of("analyst"))
    (path,) = (tmp_path / "log").iterdir()
    assert "Secretland" not in path.read_text()
    assert "987654" not in path.read_text()
    assert querylog.read(tmp_path / "log").answers == 2
    path.write_bytes(b"{damaged")
    assert querylog.read(tmp_path / "log").answers == 0


def test_a_choice_reads_back(tmp_path: Path) -> None:
    chosen = Tuning((rollups.Rollup("", Grain.MONTH, ("country",), ("__hour",)),), (" × category",))
    tuning.write(tmp_path, chosen)
    assert tuning.read(tmp_path) == chosen
    (tmp_path / tuning.FILE).write_text("{}")
    with pytest.raises(UserError, match=r"damaged. Remove it"):
        tuning.read(tmp_path)
