"""Accounts, roles, scopes, sessions and borrowed eyes in any order: nobody is answered outside the scope of the moment.

The model beside the database is a dictionary per person; the truth about rows is the shop asked without a scope.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

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

from services import circumstances
from services.access import EVERYTHING, NOTHING, ROLES, Permission, RowScope, Viewer
from services.accounts import FAILURES_PER_ACCOUNT, Accounts, LastAdminError, SignInError
from services.audit import Wanted
from services.circumstances import Circumstances
from services.database import Base, User, migrate, open_database
from services.errors import AccessDeniedError, UserError
from services.links import RESET, Links
from services.passwords import Passwords
from services.periods import Period
from services.query import SalesQuery
from services.sales import Sales
from tests.factories import MemoryCache, shop, viewer_of

PEOPLE = ("ada@example.com", "bea@example.com", "cem@example.com")
FIRST = "correct horse battery"
COUNTRIES = ("Austria", "Belgium", "Chile")
SCOPES = (EVERYTHING, NOTHING, *(RowScope.of({"country": [name]}) for name in COUNTRIES))
BY_COUNTRY = SalesQuery(measures=("revenue",), dimensions=("country",), period=Period("all"))


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


class AccountMachine(RuleBasedStateMachine):
    """The rules are what people and admins do; `engine`, `sales` and `truth` are set by the test."""

    engine: sa.Engine
    sales: Sales
    truth: dict[str | None, float]

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
        frame = self.sales.answer(BY_COUNTRY, viewer).frame
        found = dict(zip(frame["country"].where(frame["country"].notna(), None), frame["revenue"], strict=True))
        allowed = None if scope.everything else {value for _, values in scope.limits for value in values}
        wanted = {name: value for name, value in self.truth.items() if allowed is None or name in allowed}
        assert found == pytest.approx(wanted)

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
    house = shop(tmp_path_factory.mktemp("shop"))
    house.load()
    sales = house.sales(MemoryCache())
    frame = sales.answer(BY_COUNTRY, viewer_of("admin")).frame
    AccountMachine.engine, AccountMachine.sales = engine, sales
    AccountMachine.truth = dict(
        zip(frame["country"].where(frame["country"].notna(), None), frame["revenue"], strict=True)
    )
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
