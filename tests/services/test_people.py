"""Roles of one's own, the last admin, one-time links, second factors, many guesses at once, borrowed eyes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from services import circumstances, totp
from services.access import EVERYTHING, NOTHING, ROLES, Permission, RowScope
from services.accounts import FAILURES_PER_ACCOUNT, Accounts, LastAdminError, SignInError, ThrottledError
from services.audit import Wanted
from services.circumstances import Circumstances
from services.database import AuditEvent, Base, Job, Link, SignedIn, User, migrate, open_database, utc_now
from services.errors import AccessDeniedError, UnknownNameError, UserError
from services.factors import RECOVERY_CODES, Factors
from services.links import GONE, INVITE, LIFETIMES, RESET, Links
from services.people import LEAST
from services.sealing import Seal
from services.throttle import FAILED

ADMIN, ANN, BOB = "admin@example.com", "ann@example.com", "bob@example.com"
PASSWORD = "correct horse battery"
FRANCE = RowScope.of({"country": ["France"]})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sa.Engine, str]]:
    """Return an engine and the hash of PASSWORD: hashing is slow on purpose, once is enough."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('people')}/app.db")
    migrate(engine)
    yield engine, Accounts(engine)._passwords.hash(PASSWORD)
    engine.dispose()


@pytest.fixture
def engine(made: tuple[sa.Engine, str]) -> sa.Engine:
    """Return a database with an admin, Ann (analyst, everything) and Bob (manager, France)."""
    engine, password_hash = made
    rows = [(ADMIN, "admin", EVERYTHING), (ANN, "analyst", EVERYTHING), (BOB, "manager", NOTHING)]
    with Session(engine) as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(sa.delete(table))
        for email, role, scope in rows:
            session.add(
                User(email=email, name="", role=role, password_hash=password_hash, sees_everything=scope.everything)
            )
        session.commit()
    return engine


@pytest.fixture
def accounts(engine: sa.Engine) -> Accounts:
    made = Accounts(engine)
    made.set_scope(BOB, FRANCE)
    return made


def sign_in(accounts: Accounts, email: str = ANN, password: str = PASSWORD) -> str:
    return accounts.sign_in(email, password, address="10.0.0.1", agent="tests")


# Roles


def test_own_role_gives_its_permissions_at_once_and_loses_them_at_once(accounts: Accounts) -> None:
    name = accounts.save_role("Regional lead", ["dashboards:view", "audit:read"])
    accounts.set_role(BOB, name)
    token = sign_in(accounts, BOB)
    viewer = accounts.viewer(token)
    assert viewer is not None
    assert viewer.permissions == {Permission.DASHBOARDS_VIEW, Permission.AUDIT_READ, Permission.ACCOUNT_OWN}
    accounts.save_role("Regional lead", ["lines:view"])
    viewer = accounts.viewer(token)
    assert viewer is not None
    assert viewer.permissions == {Permission.LINES_VIEW} | LEAST


def test_own_role_goes_only_when_nobody_has_it(accounts: Accounts) -> None:
    name = accounts.save_role("Reader", ["dashboards:view"])
    accounts.set_role(BOB, name)
    with pytest.raises(UserError, match=r"bob@example\.com still have the role"):
        accounts.delete_role(name)
    accounts.set_role(BOB, "manager")
    accounts.delete_role(name)
    assert set(accounts.roles()) == set(ROLES)


@pytest.mark.parametrize("label", ["Admin", "admin", "  ANALYST ", "", "!!!"])
def test_built_in_roles_are_not_changed(accounts: Accounts, label: str) -> None:
    with pytest.raises(UserError, match="cannot name a role"):
        accounts.save_role(label, ["dashboards:view"])


def test_role_with_an_unknown_permission(accounts: Accounts) -> None:
    with pytest.raises(UnknownNameError, match=r"no permission 'lines:veiw'\. Did you mean 'lines:view'"):
        accounts.save_role("Lead", ["lines:veiw"])


# The last admin


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda accounts: accounts.set_role(ADMIN, "analyst"), id="role"),
        pytest.param(lambda accounts: accounts.set_active(ADMIN, active=False), id="disabled"),
        pytest.param(lambda accounts: accounts.delete(ADMIN), id="deleted"),
        pytest.param(lambda accounts: accounts.delete(ADMIN, ANN), id="deleted with an heir"),
    ],
)
def test_last_admin_stays(accounts: Accounts, change: Callable[[Accounts], None]) -> None:
    with pytest.raises(LastAdminError, match=r"admin@example\.com is the last who may manage people"):
        change(accounts)
    assert accounts.account(ADMIN).role == "admin"
    accounts.set_role(ANN, "admin")
    change(accounts)
    with pytest.raises(LastAdminError):
        accounts.set_role(ANN, "analyst")


def test_last_admin_by_a_role_of_ones_own_stays(accounts: Accounts) -> None:
    name = accounts.save_role("People", ["users:manage"])
    accounts.set_role(ANN, name)
    accounts.set_role(ADMIN, "analyst")
    with pytest.raises(LastAdminError):
        accounts.save_role("People", ["dashboards:view"])
    assert Permission.USERS_MANAGE in accounts.role(name).permissions


# Deleting


def test_what_a_deleted_person_owned_goes_to_the_heir(engine: sa.Engine, accounts: Accounts) -> None:
    ann, bob = accounts.as_viewer(ANN), accounts.as_viewer(BOB)
    with Session(engine) as session:
        job = Job(id="1", kind="load", user_id=bob.user_id, owner=BOB, state="done", arguments={}, created_at=utc_now())
        session.add(job)
        session.commit()
    sign_in(accounts, BOB)
    accounts.delete(BOB, ANN)
    with Session(engine) as session:
        assert session.scalars(sa.select(Job.user_id)).all() == [ann.user_id]
        assert session.scalars(sa.select(SignedIn.user_id)).all() == []
    with pytest.raises(UserError, match="There is no user"):
        accounts.account(BOB)


# One-time links


@pytest.fixture
def links(engine: sa.Engine, accounts: Accounts) -> Links:
    return Links(engine, accounts)


def test_link_sets_the_password_once(engine: sa.Engine, accounts: Accounts, links: Links) -> None:
    session_token = sign_in(accounts)
    token = links.make(ANN, RESET)
    with Session(engine) as session:
        assert token not in session.scalars(sa.select(Link.token_hash)).all()
    assert links.look(token).email == ANN
    with pytest.raises(UserError, match="allowed: 12 to 256"):
        links.use(token, "short")
    assert links.use(token, "four other unexpected words") == ANN
    assert accounts.viewer(session_token) is None
    assert sign_in(accounts, password="four other unexpected words")
    for again in (links.look, lambda token: links.use(token, PASSWORD)):
        with pytest.raises(UserError) as refused:
            again(token)
        assert str(refused.value) == GONE


def test_link_is_used_once_when_many_use_it_at_once(links: Links) -> None:
    token = links.make(ANN, INVITE)

    def use(number: int) -> bool:
        try:
            links.use(token, f"unexpected words in number {number}")
        except UserError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(use, range(6))) == 1


@pytest.mark.parametrize("purpose", LIFETIMES)
def test_link_expires(engine: sa.Engine, links: Links, purpose: str) -> None:
    token = links.make(ANN, purpose)
    with Session(engine) as session:
        session.execute(sa.update(Link).values(expires_at=utc_now() - dt.timedelta(seconds=1)))
        session.commit()
    with pytest.raises(UserError, match="too old"):
        links.look(token)


def test_newer_link_replaces_the_older_and_disabling_stops_both(accounts: Accounts, links: Links) -> None:
    old, new = links.make(ANN, INVITE), links.make(ANN, RESET)
    with pytest.raises(UserError):
        links.look(old)
    accounts.set_active(ANN, active=False)
    with pytest.raises(UserError):
        links.look(new)
    with pytest.raises(UserError, match="disabled"):
        links.make(ANN, RESET)


# Second factors

#: RFC 6238, appendix B, SHA-1: the secret is the text 12345678901234567890.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}


@pytest.mark.parametrize(("seconds", "wanted"), RFC_CODES.items())
def test_code_of_the_rfc(seconds: int, wanted: str) -> None:
    assert totp.code(RFC_SECRET, seconds // 30, digits=8) == wanted
    assert totp.matching_step(RFC_SECRET, wanted[2:], seconds, None) == seconds // 30


def test_code_of_a_neighbouring_step_counts_and_of_others_not() -> None:
    found = {step: totp.matching_step(RFC_SECRET, totp.code(RFC_SECRET, step), 3000, None) for step in range(95, 106)}
    assert [step for step, match in found.items() if match == step] == [99, 100, 101]


@pytest.fixture
def clock(accounts: Accounts, engine: sa.Engine) -> list[float]:
    """Return the time that second factors go by, to be changed in place."""
    now = [1_000_000.0]
    accounts.factors = Factors(engine, Seal(["a key"]), lambda: now[0])
    return now


@pytest.fixture
def recovery(accounts: Accounts, clock: list[float]) -> tuple[str, ...]:
    """Give Ann a second factor and return her recovery codes."""
    code = totp.code(RFC_SECRET, int(clock[0]) // 30)
    codes = accounts.factors.turn_on(accounts.as_viewer(ANN), RFC_SECRET, code)
    clock[0] += 60
    return codes


def test_session_opens_with_the_second_factor_only(
    accounts: Accounts, clock: list[float], recovery: tuple[str, ...]
) -> None:
    token = sign_in(accounts)
    assert accounts.viewer(token) is None
    assert not [each for each in accounts.signed_in() if each.email == ANN]
    with pytest.raises(SignInError, match="wrong or was used"):
        accounts.second_factor(token, "000000", address="a")
    code = totp.code(RFC_SECRET, int(clock[0]) // 30)
    accounts.second_factor(token, f"{code[:3]} {code[3:]}", address="a")
    assert accounts.viewer(token)
    other = sign_in(accounts)
    with pytest.raises(SignInError, match="wrong or was used"):
        accounts.second_factor(other, code, address="a")
    with pytest.raises(SignInError, match="took too long"):
        accounts.second_factor(token, code, address="a")


def kept(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(sa.text("SELECT totp_secret FROM users WHERE totp_secret <> ''")).scalar_one())


def test_secret_of_the_second_factor_is_kept_sealed_and_survives_a_new_key(
    engine: sa.Engine, accounts: Accounts, clock: list[float], recovery: tuple[str, ...]
) -> None:
    ann = accounts.as_viewer(ANN).user_id

    def answers(*keys: str) -> bool:
        clock[0] += 60
        return Factors(engine, Seal(keys), lambda: clock[0]).check(ann, totp.code(RFC_SECRET, int(clock[0]) // 30))

    assert RFC_SECRET not in kept(engine)
    assert (answers("a key"), answers("new", "a key"), answers("new"), answers()) == (True, True, False, False)
    Factors(engine, Seal(["new", "a key"])).renew()
    renewed = kept(engine)
    Factors(engine, Seal(["new", "a key"])).renew()
    assert kept(engine) == renewed
    assert (answers("new"), answers("a key")) == (True, False)
    with engine.begin() as connection:
        connection.execute(sa.update(User).where(User.id == ann).values(totp_secret=RFC_SECRET))
    assert not answers("new")
    Factors(engine, Seal(["new"])).renew()
    assert answers("new")
    bob = accounts.as_viewer(BOB).user_id
    with engine.begin() as connection:
        connection.execute(sa.update(User).where(User.id == bob).values(totp_secret=kept(engine)))
    clock[0] += 60
    assert not Factors(engine, Seal(["new"]), lambda: clock[0]).check(bob, totp.code(RFC_SECRET, int(clock[0]) // 30))


def test_recovery_code_works_once(engine: sa.Engine, accounts: Accounts, recovery: tuple[str, ...]) -> None:
    assert len(set(recovery)) == RECOVERY_CODES
    first, second = sign_in(accounts), sign_in(accounts)
    accounts.second_factor(first, recovery[3].upper(), address="a")
    assert accounts.viewer(first)
    with pytest.raises(SignInError):
        accounts.second_factor(second, recovery[3], address="a")
    accounts.second_factor(second, recovery[4], address="a")
    with engine.connect() as connection:
        stored = str(connection.execute(sa.text("SELECT code_hash FROM recovery_codes")).all())
    assert not [code for code in recovery if code in stored]


def test_guessing_the_second_factor_is_throttled(accounts: Accounts, recovery: tuple[str, ...]) -> None:
    token = sign_in(accounts)
    for _ in range(FAILURES_PER_ACCOUNT):
        with pytest.raises(SignInError, match="wrong"):
            accounts.second_factor(token, "123456", address="a")
    with pytest.raises(ThrottledError):
        accounts.second_factor(token, recovery[0], address="a")


def test_sign_in_waits_for_the_second_factor_five_minutes(
    engine: sa.Engine, accounts: Accounts, recovery: tuple[str, ...]
) -> None:
    token = sign_in(accounts)
    with Session(engine) as session:
        session.execute(sa.update(SignedIn).values(created_at=utc_now() - dt.timedelta(minutes=5, seconds=1)))
        session.commit()
    with pytest.raises(SignInError, match="took too long"):
        accounts.second_factor(token, recovery[0], address="a")


def test_second_factor_is_turned_on_by_a_code_of_it_only(accounts: Accounts, clock: list[float]) -> None:
    ann = accounts.as_viewer(ANN)
    with pytest.raises(UserError, match="does not fit"):
        accounts.factors.turn_on(ann, RFC_SECRET, "000000")
    assert not accounts.factors.has(ann)
    accounts.factors.turn_on(ann, RFC_SECRET, totp.code(RFC_SECRET, int(clock[0]) // 30))
    assert accounts.factors.has(ann)
    accounts.factors.turn_off(ann.user_id)
    assert accounts.viewer(sign_in(accounts))


# Throttle


def test_forty_guesses_at_once_get_ten_tries_at_most(engine: sa.Engine, accounts: Accounts) -> None:
    tried = []
    verify = accounts._passwords.verify

    def counted(hashed: str | None, password: str) -> bool:
        tried.append(password)
        return verify(hashed, password)

    accounts._passwords.verify = counted  # type: ignore[method-assign]

    def guess(number: int) -> str:
        try:
            sign_in(accounts, password=f"guess number {number}")
        except ThrottledError:
            return "throttled"
        except (SignInError, UserError):
            return "wrong"
        return "in"

    with ThreadPoolExecutor(40) as pool:
        outcomes = list(pool.map(guess, range(40)))
    assert len(tried) <= FAILURES_PER_ACCOUNT
    assert "in" not in outcomes
    with Session(engine) as session:
        noted = session.scalar(sa.select(sa.func.count()).where(AuditEvent.action == "sign-in failed"))
    assert (noted or 0) <= FAILURES_PER_ACCOUNT


# Sessions


def test_person_sees_and_ends_own_sessions_only(accounts: Accounts) -> None:
    tokens = [sign_in(accounts) for _ in range(3)]
    bobs = sign_in(accounts, BOB)
    ann = accounts.viewer(tokens[0])
    bob = accounts.viewer(bobs)
    assert ann is not None
    assert bob is not None
    assert {each.agent for each in accounts.sessions(ann)} == {"tests"}
    assert len(accounts.sessions(ann)) == 3
    accounts.end_session(ann, bob.session)
    assert accounts.viewer(bobs)
    second = accounts.viewer(tokens[1])
    assert second is not None
    accounts.end_session(ann, second.session)
    assert accounts.viewer(tokens[1]) is None
    accounts.end_other_sessions(ann)
    assert accounts.viewer(tokens[2]) is None
    assert accounts.viewer(tokens[0])


def test_own_password_is_changed_with_the_old_one_and_ends_the_other_sessions(accounts: Accounts) -> None:
    here, there = sign_in(accounts), sign_in(accounts)
    ann = accounts.viewer(here)
    assert ann is not None
    with pytest.raises(UserError, match="not right"):
        accounts.change_password(ann, "something else", "four other unexpected words")
    accounts.change_password(ann, PASSWORD, "four other unexpected words")
    assert accounts.viewer(here)
    assert accounts.viewer(there) is None
    assert sign_in(accounts, password="four other unexpected words")


def test_session_from_a_clock_that_was_ahead_is_over(engine: sa.Engine, accounts: Accounts) -> None:
    token = sign_in(accounts)
    tomorrow = utc_now() + dt.timedelta(days=1)
    with Session(engine) as session:
        session.execute(sa.update(SignedIn).values(created_at=tomorrow, seen_at=tomorrow))
        session.commit()
    assert accounts.viewer(token) is None


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(jump=st.integers(-2_880, 2_880), idle=st.integers(0, 60), age=st.integers(0, 900))
def test_no_jump_of_the_clock_makes_a_session_last_longer_and_none_back_ends_a_lockout(
    engine: sa.Engine, accounts: Accounts, jump: int, idle: int, age: int
) -> None:
    """All that is stored moves against the jump, in minutes, as if the clock had moved."""

    def ago(minutes: int) -> dt.datetime:
        return utc_now() - dt.timedelta(minutes=minutes, seconds=30)

    def there_are(*more: sa.Executable) -> None:
        with Session(engine) as session:
            for each in (sa.delete(AuditEvent), sa.delete(SignedIn), *more):
                session.execute(each)
            session.commit()

    there_are()
    token = accounts.sign_in_outside(ANN, address="a", agent="b", how="test")
    there_then = {"created_at": ago(max(age, idle)), "seen_at": ago(idle)}
    with Session(engine) as session:
        session.execute(sa.update(SignedIn).values(there_then))
        session.add_all(
            AuditEvent(at=ago(idle), action=FAILED, actor=BOB, address="a", detail="")
            for _ in range(FAILURES_PER_ACCOUNT)
        )
        session.commit()
    alive, locked = idle < 30 and max(age, idle) < 720, idle < 15
    accounts.sign_in_outside(ADMIN, address="a", agent="b", how="test")
    with Session(engine) as session:
        for row in (*session.scalars(sa.select(SignedIn)), *session.scalars(sa.select(AuditEvent))):
            for name in {"created_at", "seen_at", "at"} & set(row.__table__.columns.keys()):
                setattr(row, name, getattr(row, name) - dt.timedelta(minutes=jump))
        session.commit()
    assert accounts.viewer(token) is None or alive
    if locked and jump <= 0:
        with pytest.raises(ThrottledError):
            sign_in(accounts, BOB, "wrong")


# Borrowed eyes


@pytest.fixture
def _circumstances() -> Iterator[None]:
    yield
    circumstances.begin(Circumstances())


@pytest.mark.usefixtures("_circumstances")
def test_admin_with_borrowed_eyes_sees_the_rows_and_changes_nothing(accounts: Accounts) -> None:
    token = sign_in(accounts, ADMIN)
    admin = accounts.viewer(token)
    assert admin is not None
    accounts.look_as(admin, BOB)
    seen = accounts.viewer(token)
    assert seen is not None
    assert (seen.email, seen.scope, seen.looked_at_by, seen.actor) == (BOB, FRANCE, ADMIN, ADMIN)
    assert seen.permissions == {each for each in ROLES["manager"].permissions if each.reading}
    circumstances.begin(Circumstances("10.0.0.9", "r1", looking_as=BOB, by=ADMIN))
    for change in (
        lambda: accounts.set_scope(BOB, EVERYTHING),
        lambda: accounts.set_role(BOB, "admin"),
        lambda: accounts.add("eve@example.com", "", "admin", password=PASSWORD),
        lambda: accounts.end_all_sessions(ANN),
    ):
        with pytest.raises(AccessDeniedError, match=r"looking as bob@example\.com; nothing can be changed"):
            change()
    accounts.record("denied", seen.email, "", "something")
    line = accounts.events(limit=1)[0]
    assert (line.actor, line.seen_as, line.address, line.request) == (ADMIN, BOB, "10.0.0.9", "r1")
    accounts.stop_looking(seen)
    circumstances.begin(Circumstances())
    own = accounts.viewer(token)
    assert own is not None
    assert (own.email, own.looked_at_by) == (ADMIN, "")


def test_borrowed_eyes_are_given_back_when_either_may_no_more(accounts: Accounts) -> None:
    accounts.set_role(ANN, "admin")
    token = sign_in(accounts, ANN)
    ann = accounts.viewer(token)
    assert ann is not None
    accounts.look_as(ann, BOB)
    accounts.set_role(ANN, "analyst")
    seen = accounts.viewer(token)
    assert seen is not None
    assert (seen.email, seen.role) == (ANN, "analyst")


def test_only_who_manages_people_looks_with_other_eyes(accounts: Accounts) -> None:
    ann = accounts.viewer(sign_in(accounts))
    assert ann is not None
    with pytest.raises(AccessDeniedError):
        accounts.look_as(ann, ADMIN)


# The audit log


def test_audit_log_is_narrowed(accounts: Accounts) -> None:
    for number, (action, actor) in enumerate([("load", ANN), ("denied", BOB), ("load", BOB)]):
        accounts.record(action, actor, f"10.0.0.{number}", "100%_of it")
    assert [each.actor for each in accounts.events(Wanted(action="load"))] == [BOB, ANN]
    assert [each.action for each in accounts.events(Wanted(actor=" BOB@example.com"))] == ["load", "denied"]
    assert [each.address for each in accounts.events(Wanted(text="0.0.1"))] == ["10.0.0.1"]
    assert len(accounts.events(Wanted(text="0%_O"))) == 3
    assert accounts.events(Wanted(text="0%O")) == []
    today = utc_now().date()
    assert len(accounts.events(Wanted(since=today, until=today))) == 3
    assert accounts.events(Wanted(until=today - dt.timedelta(days=1))) == []
    newest = accounts.events(limit=1)[0]
    assert [each.action for each in accounts.events(before=newest.id)] == ["denied", "load"]
    assert {"load", "denied"} <= set(accounts.actions())


def test_migration_goes_back_and_forth(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/app.db")
    migrate(engine)
    accounts = Accounts(engine)
    accounts.add(ANN, "", "analyst", password=PASSWORD)
    assert accounts.account(ANN).second_factor is False
    engine.dispose()
