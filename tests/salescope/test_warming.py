"""After a publish the landing page is computed for the scopes in use before anybody opens it."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from callbacks.wiring import Services
from salescope import installation as product
from salescope.app import create_app
from salescope.warming import Warming
from services.access import Viewer
from services.database import SignedIn, open_database
from services.language.questions import Questions
from services.overview import answers, default_query, offered
from services.planning import Planning
from services.sales import Sales
from services.warehouse import Pointer
from tests.salescope.conftest import close
from tests.serving import PASSWORDS, Installation, email_of

FIRST, SECOND = Pointer(1, "0001.duckdb", "", "then"), Pointer(2, "0002.duckdb", "", "now")


@pytest.fixture
def copy(installation: Installation, tmp_path: Path) -> Installation:
    made = installation.copied_to(tmp_path / "instance")
    # What is answered from memory needs no warming.
    for name in ("cache", "warehouse/images"):
        shutil.rmtree(made.folder / name, ignore_errors=True)
    with open_database(made.settings().database_url).begin() as connection:
        connection.execute(sa.delete(SignedIn))
    return made


def sign_in(installation: Installation, role: str) -> Viewer:
    accounts = installation.accounts()
    accounts.sign_in(email_of(role), PASSWORDS[role], address="", agent="")
    return accounts.as_viewer(email_of(role))


def is_warm(sales: Sales, who: Viewer) -> bool:
    found = answers(sales, offered(sales.model), default_query(sales.model), who)
    return all(answer.trust.cached for answer in found.values())


def test_scopes_in_use_are_warmed_and_no_others(copy: Installation) -> None:
    manager, settings = sign_in(copy, "manager"), copy.settings()
    sales = product.make_sales(settings)
    engine = open_database(settings.database_url)
    data, planning = product.data_room(settings, product.warehouse(settings), engine), Planning(engine, sales.model)
    questions = Questions(engine, sales)
    warming = Warming(Services(sales, data, None, None, planning, questions), copy.accounts())  # type: ignore[arg-type]
    words = warming.notice(FIRST)
    assert words is not None
    words.join(60)
    assert warming.notice(FIRST) is None
    assert [kept.index.model for kept in questions._vocabularies._kept.values()] == [sales.model]
    assert not is_warm(sales, manager)
    thread = warming.notice(SECOND)
    assert thread is not None
    thread.join(60)
    assert warming.notice(SECOND) is None
    assert is_warm(sales, manager)
    assert not is_warm(sales, copy.accounts().as_viewer(email_of("analyst")))
    sales._warehouse.current().engine.dispose()


def test_trouble_is_logged_and_nothing_else(copy: Installation, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(copy.settings())
    accounts, parts = copy.accounts(), app.extensions["salescope"]
    warming = Warming(Services(parts["sales"], None, None, None, None, None), accounts)  # type: ignore[arg-type]
    warming.notice(FIRST)
    with open_database(copy.settings().database_url).begin() as connection:
        connection.exec_driver_sql("ALTER TABLE sessions RENAME TO gone")
    thread = warming.notice(SECOND)
    assert thread is not None
    thread.join(60)
    assert "could not be computed ahead" in caplog.text
    close(app)


def test_signed_in_are_those_whose_session_lives(copy: Installation) -> None:
    accounts = copy.accounts()
    assert accounts.signed_in() == []
    manager, analyst = sign_in(copy, "manager"), sign_in(copy, "analyst")
    sign_in(copy, "manager")
    assert sorted(accounts.signed_in(), key=lambda who: who.role) == [analyst, manager]
    with open_database(copy.settings().database_url).begin() as connection:
        old = sa.update(SignedIn).where(SignedIn.user_id == analyst.user_id)
        connection.execute(old.values(seen_at=SignedIn.seen_at - dt.timedelta(hours=1)))
    assert accounts.signed_in() == [manager]
    accounts.set_active(manager.email, active=False)
    assert accounts.signed_in() == []
