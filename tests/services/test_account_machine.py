"""Accounts, roles, scopes, sessions and borrowed eyes in any order: nobody is answered outside the scope of the moment.

Meanwhile people export, ask in words, upload, keep views and publish other data. The model beside the database is a
dictionary per person; the truth about rows is what plain SQL says of the file that was published last.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.orm import Session

from services import circumstances, sheets
from services.access import EVERYTHING, NOTHING, ROLES, Permission, RowScope, Viewer
from services.accounts import FAILURES_PER_ACCOUNT, Accounts, LastAdminError, SignInError
from services.audit import Wanted
from services.circumstances import Circumstances
from services.database import Base, User, migrate, open_database
from services.dataroom import DataRoom
from services.errors import AccessDeniedError, UserError
from services.jobs import Jobs
from services.language.questions import Questions
from services.ledger import Mode
from services.links import RESET, Links
from services.loading import load
from services.modelfiles import ModelFiles
from services.passwords import Passwords
from services.periods import Period
from services.query import SalesQuery
from services.sales import Sales
from services.views import SavedViews
from tests.factories import SHOP_ROWS, House, MemoryCache, shop, write_parquet

PEOPLE = ("ada@example.com", "bea@example.com", "cem@example.com")
FIRST = "correct horse battery"
COUNTRIES = ("Austria", "Belgium", "Chile")
SCOPES = (EVERYTHING, NOTHING, *(RowScope.of({"country": [name]}) for name in COUNTRIES))
BY_COUNTRY = SalesQuery(measures=("revenue",), dimensions=("country",), period=Period("all"))
LINES = SalesQuery(columns=("order_id", "country"), period=Period("all"), limit=50)
#: Data that are published one after the other: all lines, those of some countries, all again.
CONTENTS = (SHOP_ROWS, f"SELECT * FROM ({SHOP_ROWS}) WHERE country IN ('Austria', 'Chile', 'Egypt')")


class QuickPasswords(Passwords):
    """Hashes in no time; that argon2 is used is tested elsewhere."""

    def hash(self, password: str) -> str:
        return f"quick:{password}"

    def verify(self, hashed: str | None, password: str) -> bool:
        return hashed == f"quick:{password}"


@dataclass
class Person:
    """What is true of somebody now."""

    role: str
    scope: RowScope
    active: bool = True
    password: str = FIRST


@dataclass
class OpenSession:
    """A session somebody holds the token of; `seen_as` is whose eyes it borrows."""

    email: str
    token: str
    seen_as: str = ""


@contextmanager
def reading(viewer: Viewer) -> Iterator[None]:
    """Run as the gate runs a request."""
    if viewer.looked_at_by:
        circumstances.begin(Circumstances(looking_as=viewer.email, by=viewer.looked_at_by))
    try:
        yield
    finally:
        circumstances.begin(Circumstances())


people = st.sampled_from(PEOPLE)
roles = st.sampled_from(list(ROLES))
scopes = st.sampled_from(SCOPES)


@dataclass
class Site:
    """What all examples share: a database, a shop and what is asked of it; `truth` is its revenue by country."""

    engine: sa.Engine
    house: House
    sales: Sales
    folder: Path
    content: int = 0
    truth: dict[str | None, float] = field(default_factory=dict)

    def publish(self, content: int) -> None:
        """Put other data in the place of those that are live."""
        file = write_parquet(self.house.folder / "sales.parquet", CONTENTS[content])
        load(self.house.warehouse, self.house.model, self.house.recipe, self.house.folder, by="x", mode=Mode.START_OVER)
        with duckdb.connect() as plain:
            found = plain.execute(f"SELECT country, sum(revenue)::DOUBLE FROM '{file}' GROUP BY 1").fetchall()
        self.content, self.truth = content, dict(found)

    def within(self, scope: RowScope) -> dict[str | None, float]:
        """Return the revenue of the countries of a scope."""
        allowed = {value for _, values in scope.limits for value in values}
        return {name: value for name, value in self.truth.items() if scope.everything or name in allowed}


class AccountMachine(RuleBasedStateMachine):
    """The rules are what people and admins do; `site` is set by the test."""

    site: Site

    @property
    def engine(self) -> sa.Engine:
        return self.site.engine

    @initialize()
    def start(self) -> None:
        with Session(self.engine) as session:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(sa.delete(table))
            session.commit()
        self.accounts = Accounts(self.engine)
        self.accounts._passwords = QuickPasswords()
        self.links = Links(self.engine, self.accounts)
        self.people = {email: Person("manager" if email == PEOPLE[2] else "admin", NOTHING) for email in PEOPLE}
        for email, person in self.people.items():
            self.accounts.add(email, "", person.role, password=FIRST)
        self.sessions = [
            OpenSession(email, self.accounts.sign_in(email, FIRST, address="10.0.1.1", agent="")) for email in PEOPLE
        ]
        self.over: list[str] = []
        self.works: dict[str, str] = {}
        self.published = False
        instance, store = self.site.folder, self.site.house.warehouse
        jobs = Jobs(self.engine, instance / "jobs", command=("true",))
        self.room = DataRoom(instance, store, ModelFiles(instance, store), jobs)
        self.views = SavedViews(self.engine, self.site.house.model)
        self.questions = Questions(self.engine, self.site.sales)

    def end(self, which: Any) -> None:
        """Note sessions as over."""
        self.over += [each.token for each in self.sessions if which(each)]
        self.sessions = [each for each in self.sessions if not which(each)]

    def admins(self) -> list[str]:
        return [email for email, person in self.people.items() if person.active and person.role == "admin"]

    @rule(email=people, right=st.sampled_from([True, True, True, False]))
    def sign_in(self, email: str, *, right: bool) -> None:
        person = self.people.get(email)
        password = person.password if person and right else "something wrong"
        try:
            token = self.accounts.sign_in(email, password, address=f"10.0.0.{len(self.over) % 250}", agent="")
        except SignInError:
            assert not (right and person and person.active) or self.throttled(email)
        else:
            assert person is not None
            assert right
            assert person.active
            self.sessions.append(OpenSession(email, token))

    def throttled(self, email: str) -> bool:
        failed = Wanted(actor=email, action="sign-in failed")
        return len(self.accounts.events(failed, limit=20)) >= FAILURES_PER_ACCOUNT

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def sign_out(self, data: st.DataObject) -> None:
        found = data.draw(st.sampled_from(self.sessions))
        self.accounts.sign_out(found.token)
        self.end(lambda each: each is found)

    @rule(email=people, role=roles)
    def change_role(self, email: str, role: str) -> None:
        if email not in self.people:
            return
        try:
            self.accounts.set_role(email, role)
        except LastAdminError:
            assert self.admins() == [email]
        else:
            self.people[email].role = role

    @rule(email=people, scope=scopes)
    def change_scope(self, email: str, scope: RowScope) -> None:
        if email in self.people:
            self.accounts.set_scope(email, scope)
            self.people[email].scope = scope

    @rule(email=people, active=st.booleans())
    def switch(self, email: str, *, active: bool) -> None:
        if email not in self.people:
            return
        try:
            self.accounts.set_active(email, active=active)
        except LastAdminError:
            assert self.admins() == [email]
        else:
            self.people[email].active = active
            self.end(lambda each: email in (each.email, each.seen_as))

    @rule(email=people, number=st.integers(0, 9))
    def reset_by_link(self, email: str, number: int) -> None:
        if email in self.people and self.people[email].active:
            password = f"quite unexpected garden words {number}"
            self.links.use(self.links.make(email, RESET), password)
            self.people[email].password = password
            self.end(lambda each: email in (each.email, each.seen_as))

    @rule(email=people)
    def delete_and_add_again(self, email: str) -> None:
        if email not in self.people:
            return
        try:
            self.accounts.delete(email)
        except LastAdminError:
            assert self.admins() == [email]
            return
        self.end(lambda each: email in (each.email, each.seen_as))
        self.accounts.add(email, "", "executive", password=FIRST)
        self.people[email] = Person("executive", NOTHING)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), email=people)
    def look_as(self, data: st.DataObject, email: str) -> None:
        found = data.draw(st.sampled_from(self.sessions))
        viewer = self.accounts.viewer(found.token)
        assert viewer is not None
        try:
            with reading(viewer):
                self.accounts.look_as(viewer, email)
        except (AccessDeniedError, UserError):
            may = self.people[found.email].role == "admin" and not found.seen_as
            assert not may or email == found.email or not self.people[email].active
        else:
            found.seen_as = email

    @precondition(lambda self: any(each.seen_as for each in self.sessions))
    @rule(data=st.data())
    def own_eyes_again(self, data: st.DataObject) -> None:
        found = data.draw(st.sampled_from([each for each in self.sessions if each.seen_as]))
        viewer = self.accounts.viewer(found.token)
        assert viewer is not None
        with reading(viewer):
            self.accounts.stop_looking(viewer)
        found.seen_as = ""

    @precondition(lambda self: not self.published)
    @rule()
    def publish(self) -> None:
        """Once an example, for a publish takes its time."""
        self.site.publish(1 - self.site.content)
        self.published = True

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def export(self, data: st.DataObject) -> None:
        viewer, scope = self.someone(data)
        with reading(viewer):
            answer = self.site.sales.answer(BY_COUNTRY, viewer)
            text = io.StringIO()
            sheets.write_csv(sheets.sheet_of(self.site.sales, answer, viewer, "x"), (), text)
            assert self.named(text) <= {name for name in self.site.within(scope) if name}
            try:
                lines = sheets.lines(self.site.sales, LINES, viewer, "x")
                sheets.write_csv(lines, (), text := io.StringIO())
            except AccessDeniedError:
                assert not viewer.may(Permission.LINES_VIEW)
            else:
                assert self.named(text) <= {name for name in self.site.within(scope) if name}

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        viewer, scope = self.someone(data)
        for name in (*COUNTRIES, "Egypt"):
            found = self.questions.complete(f"revenue in {name[:3].lower()}", viewer)
            assert (f"revenue in {name}" in found) == (name in self.site.within(scope)), (name, scope)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def upload(self, data: st.DataObject) -> None:
        viewer, scope = self.someone(data)
        may = Permission.DATA_LOAD in viewer.permissions and scope.everything
        with reading(viewer):
            try:
                work = self.room.open(viewer)
                self.room.receive(work, "a.csv", io.BytesIO(b"a\n1\n"), viewer)
            except AccessDeniedError:
                assert not may
            else:
                assert may
                self.works[work] = viewer.email
            for work, owner in self.works.items():
                if not may or owner != viewer.email:
                    with pytest.raises(UserError):
                        self.room.bench(work, viewer)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), shared=st.booleans())
    def keep_view(self, data: st.DataObject, *, shared: bool) -> None:
        viewer, _ = self.someone(data)
        with reading(viewer):
            try:
                self.views.save(f"of {viewer.email}", "/", viewer, shared=shared)
            except AccessDeniedError:
                assert viewer.looked_at_by or not viewer.may(Permission.VIEWS_SHARE)
            assert all(each.mine == (each.name == f"of {viewer.email}") for each in self.views.all(viewer))
            assert all(each.mine or each.shared for each in self.views.all(viewer))

    def someone(self, data: st.DataObject) -> tuple[Viewer, RowScope]:
        """Return the viewer of an open session, and the scope that counts for it now."""
        found = data.draw(st.sampled_from(self.sessions))
        viewer = self.accounts.viewer(found.token)
        assert viewer is not None, found
        looks = found.seen_as and self.people[found.email].role == "admin"
        return viewer, self.people[found.seen_as if looks else found.email].scope

    def named(self, text: io.StringIO) -> set[str]:
        """Return the countries of the shop that stand in a file."""
        cells = {cell for row in csv.reader(io.StringIO(text.getvalue())) for cell in row}
        return cells & {"Austria", "Belgium", "Chile", "Denmark", "Egypt", "France", "Greece"}

    @invariant()
    def every_session_is_answered_within_the_scope_of_the_moment(self) -> None:
        for found in getattr(self, "sessions", []):
            viewer = self.accounts.viewer(found.token)
            assert viewer is not None, found
            looks = found.seen_as and self.people[found.email].role == "admin"
            person = self.people[found.seen_as if looks else found.email]
            wanted = ROLES[person.role].permissions
            assert viewer.permissions == ({each for each in wanted if each.reading} if looks else wanted)
            assert viewer.scope == person.scope
            assert viewer.actor == found.email
            self.answered_within(viewer, person.scope)
            if looks:
                with reading(viewer), pytest.raises(AccessDeniedError):
                    self.accounts.set_scope(PEOPLE[1], EVERYTHING)

    def answered_within(self, viewer: Viewer, scope: RowScope) -> None:
        frame = self.site.sales.answer(BY_COUNTRY, viewer).frame
        found = dict(zip(frame["country"].where(frame["country"].notna(), None), frame["revenue"], strict=True))
        assert found == pytest.approx(self.site.within(scope))

    @invariant()
    def what_is_over_stays_over(self) -> None:
        for token in getattr(self, "over", [])[-5:]:
            assert self.accounts.viewer(token) is None

    @invariant()
    def somebody_may_manage_people(self) -> None:
        if hasattr(self, "people"):
            assert self.admins()
            managing = [each for each in self.accounts.list() if each.active and each.role == "admin"]
            assert [each.email for each in managing] == sorted(self.admins())
            assert all(Permission.USERS_MANAGE in ROLES[each.role].permissions for each in managing)


def test_accounts_in_any_order(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> None:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('machine')}/app.db")
    migrate(engine)
    folder = tmp_path_factory.mktemp("shop")
    house = shop(folder)
    site = AccountMachine.site = Site(engine, house, house.sales(MemoryCache()), folder)
    site.publish(0)
    rounds = int(pytestconfig.getoption("--rounds"))
    run_state_machine_as_test(
        AccountMachine,
        settings=settings(
            max_examples=max(1, rounds // 4),
            stateful_step_count=30,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    with Session(engine) as session:
        assert session.scalar(sa.select(sa.func.count(User.id))) == len(PEOPLE)
    house.warehouse.current().engine.dispose()
    engine.dispose()
