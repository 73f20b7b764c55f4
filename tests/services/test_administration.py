"""What admins do, against the data of the small shop: lists of people, previews of row scopes, links, the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.access import EVERYTHING, NOTHING, RowScope, Viewer
from services.accounts import Accounts
from services.administration import Administration
from services.database import migrate, open_database
from services.errors import AccessDeniedError, UserError
from services.mail import Mail
from services.scopes import chosen_scope, offered, preview, read_rules, write_rules
from services.usage import UsageLog
from services.warehouse import rows_of
from tests.factories import House, shop, viewer_of

PASSWORD = "four unexpected garden words"


@pytest.fixture(scope="module")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The small shop in DuckDB only: what is tested here does not depend on the engine."""
    house = shop(tmp_path_factory.mktemp("shop"))
    house.load()
    yield house
    house.warehouse.current().engine.dispose()


@pytest.fixture
def desk(tmp_path: Path, small_shop: House) -> Iterator[Administration]:
    engine = open_database(f"sqlite:///{tmp_path}/app.db")
    migrate(engine)
    accounts = Accounts(engine)
    yield Administration(engine, accounts, Mail("", ""), small_shop.sales(), UsageLog(engine))
    engine.dispose()


@pytest.fixture
def admin(desk: Administration) -> Viewer:
    desk.accounts.add("admin@example.com", "", "admin", password=PASSWORD, scope=EVERYTHING)
    return desk.accounts.as_viewer("admin@example.com")


LIST = """email,name,role,rows
ann@example.com,Ann,manager,country=France;country=Egypt
bob@example.com,Bob,analyst,everything
cat@example.com,,executive,
"""


def test_list_of_people_is_added_whole(desk: Administration, admin: Viewer) -> None:
    assert [row.problem for row in desk.read_list(admin, LIST)] == ["", "", ""]
    assert len(desk.accounts.list()) == 1
    links = desk.add_list(admin, LIST)
    assert [each.email for each in links] == ["ann@example.com", "bob@example.com", "cat@example.com"]
    scopes = [desk.accounts.scope(each.email) for each in links]
    assert scopes == [RowScope.of({"country": ["France", "Egypt"]}), EVERYTHING, NOTHING]
    token = links[0].link.partition("token=")[2]
    assert desk.links.use(token, "five other garden words now") == "ann@example.com"
    assert [each.action for each in desk.accounts.events(limit=3)][-1] == "user added"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("ann,Ann,manager,", "is not an e-mail address"),
        ("ann@example.com,Ann,manger,", "There is no role 'manger'"),
        ("admin@example.com,Ann,manager,", "already somebody"),
        ("bob@example.com,Ann,manager,", "already somebody"),
        ("ann@example.com,Ann,manager,country=Frnce", "No row has the country 'Frnce'. Did you mean 'France'"),
        ("ann@example.com,Ann,manager,planet=Mars", "There is no dimension 'planet'"),
        ("ann@example.com,Ann,manager,France", "write it as country=Germany"),
    ],
)
def test_line_with_a_problem_keeps_everybody_out(desk: Administration, admin: Viewer, line: str, problem: str) -> None:
    text = f"\ufeffEmail , NAME,role,rows\nbob@example.com,Bob,analyst,everything\n{line}\n"
    good, bad = desk.read_list(admin, text)
    assert (good.problem, bad.line) == ("", 3)
    assert problem in bad.problem
    with pytest.raises(UserError, match="Nobody was added: 1 of 2"):
        desk.add_list(admin, text)
    assert len(desk.accounts.list()) == 1


@pytest.mark.parametrize("text", ["", "\x00", "name,role\nx,y", "e-mail;name\n", "email,name\n" + "x" * 200_000])
def test_what_is_no_list_of_people(desk: Administration, admin: Viewer, text: str) -> None:
    with pytest.raises(UserError, match="missing"):
        desk.read_list(admin, text)


def test_only_who_manages_people_does(desk: Administration, admin: Viewer) -> None:
    analyst = viewer_of("analyst")
    for act in (
        lambda: desk.people(analyst),
        lambda: desk.invite(analyst, "x@example.com", "", "admin", EVERYTHING),
        lambda: desk.reset(analyst, admin.email),
        lambda: desk.set_role(analyst, admin.email, "admin"),
        lambda: desk.set_scope(analyst, admin.email, EVERYTHING),
        lambda: desk.set_active(analyst, admin.email, active=False),
        lambda: desk.delete(analyst, admin.email, ""),
        lambda: desk.look_as(analyst, admin.email),
        lambda: desk.read_list(analyst, LIST),
        lambda: desk.save_role(analyst, "x", ["users:manage"]),
        lambda: desk.make_token(analyst, admin.email, "x", ["data:load"], 1),
        lambda: desk.tokens(analyst),
        lambda: desk.drop_second_factor(analyst, admin.email),
        lambda: desk.end_sessions(analyst, admin.email),
    ):
        with pytest.raises(AccessDeniedError):
            act()


def test_preview_says_what_plain_sql_says(small_shop: House) -> None:
    found = preview(small_shop.sales(), RowScope.of({"country": ["France", "Greece"]}), viewer_of("admin"))
    sums = """SELECT sum(revenue) FILTER (WHERE country IN ('France', 'Greece')) / sum(revenue) AS share,
        count(DISTINCT country) AS countries FROM facts"""
    (truth,) = rows_of(small_shop.warehouse.current(), sa.text(sums))
    assert found.share == pytest.approx(float(truth["share"]))
    assert [(each.label, each.seen, each.all) for each in found.values] == [("Country", 2, truth["countries"])]
    assert found.lines is not None
    assert set(found.lines["country"]) <= {"France", "Greece"}
    nothing = preview(small_shop.sales(), NOTHING, viewer_of("admin"))
    assert (nothing.share, nothing.lines is None or len(nothing.lines)) == (0.0, 0)


def test_rules_are_read_as_they_are_written() -> None:
    scope = RowScope.of({"country": ["Åland", "a=b"], "product": ["P1"]})
    assert read_rules(write_rules(scope)) == scope
    assert read_rules(" \n") == NOTHING


def test_scope_is_made_of_ticked_values_and_written_rules(small_shop: House, admin: Viewer) -> None:
    sales, scope = small_shop.sales(), RowScope.of({"country": ["Greece"], "gone": ["x"]})
    found = {each.dimension: each for each in offered(sales, scope, admin)}
    assert found["country"].chosen == ("Greece",)
    assert {choice.key for choice in found["country"].values} >= {"France", "Greece"}
    assert "gone" not in found
    made = chosen_scope({"country": ["Greece", " odd=\n"], "product": []}, "country=France\ngone=x")
    assert made == RowScope.of({"country": ["France", "Greece", " odd=\n"], "gone": ["x"]})
    assert chosen_scope({"country": []}, "") == NOTHING


def test_people_are_found_and_sorted(desk: Administration, admin: Viewer) -> None:
    desk.add_list(admin, LIST)
    assert [each.email[:3] for each in desk.people(admin, "example manager")] == ["ann"]
    assert [each.email[:3] for each in desk.people(admin, sort="-role")] == ["ann", "cat", "bob", "adm"]
    assert [each.email[:3] for each in desk.people(admin, sort="nonsense; DROP")] == ["adm", "ann", "bob", "cat"]


def test_usage_is_added_up(desk: Administration) -> None:
    for milliseconds in (10.0, 30.0, 5000.0):
        desk.usage.note("ann@example.com", "page", milliseconds, "asked")
    desk.usage.note("bob@example.com", "page", 20.0)
    desk.usage.write()
    desk.usage.note("ann@example.com", "page", 40.0)
    desk.usage.write()
    (used,) = desk.usage.used(30)
    assert used.people == ("ann@example.com", "bob@example.com")
    assert (used.what, used.times, used.slowest) == ("page", 5, 5000.0)
    assert used.mean == pytest.approx(5100 / 5)
    assert [tuple(row)[:3] for row in desk.usage.people(30)] == [("ann@example.com", 1, 4), ("bob@example.com", 1, 1)]
    assert [(each.email, each.detail) for each in desk.usage.slow()] == [("ann@example.com", "asked")]
