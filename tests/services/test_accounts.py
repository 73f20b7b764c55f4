from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from services.access import EVERYTHING, NOTHING, ROLES, RowScope
from services.accounts import (
    FAILURES_PER_ACCOUNT,
    FAILURES_PER_ADDRESS,
    MAX_PASSWORD,
    MIN_PASSWORD,
    THROTTLE,
    Account,
    Accounts,
    Lifetimes,
    SignInError,
    ThrottledError,
)
from services.database import AuditEvent, Base, RowLimit, SignedIn, User, is_current, migrate, open_database, utc_now
from services.errors import UnknownNameError, UserError

EMAIL, PASSWORD = "ann@example.com", "correct horse battery"
GERMANY = RowScope.of({"country": ["Germany"]})


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    made = open_database(f"sqlite:///{tmp_path_factory.mktemp('accounts')}/app.db")
    migrate(made)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def first(engine: sa.Engine) -> tuple[Accounts, str]:
    """Return the accounts and Ann's password hash: hashing is slow on purpose, once is enough."""
    made = Accounts(engine)
    made.add(EMAIL, "Ann", "analyst", password=PASSWORD, scope=EVERYTHING)
    return made, stored(engine, User.password_hash)[0]


@pytest.fixture
def accounts(engine: sa.Engine, first: tuple[Accounts, str]) -> Accounts:
    """Return accounts that hold Ann, an analyst who sees everything, and nothing else."""
    made, hashed = first
    with Session(engine) as session:
        for table in (AuditEvent, SignedIn, RowLimit, User):
            session.execute(sa.delete(table))
        session.add(User(email=EMAIL, name="Ann", role="analyst", password_hash=hashed, sees_everything=True))
        session.commit()
    return made


def sign_in(accounts: Accounts, email: str = EMAIL, password: str = PASSWORD, address: str = "10.0.0.1") -> str:
    return accounts.sign_in(email, password, address=address, agent="tests")


def actions(accounts: Accounts) -> list[str]:
    return [row.action for row in accounts.events()]


def change(engine: sa.Engine, table: type[SignedIn | AuditEvent], **values: Any) -> None:
    with Session(engine) as session:
        session.execute(sa.update(table).values(**values))
        session.commit()


def stored(engine: sa.Engine, column: Any) -> list[Any]:
    with Session(engine) as session:
        return list(session.scalars(sa.select(column)))


# People


def test_password_is_kept_as_an_argon2_hash(engine: sa.Engine, accounts: Accounts) -> None:
    (hashed,) = stored(engine, User.password_hash)
    assert hashed.startswith("$argon2id$")
    assert PASSWORD not in hashed
    assert PasswordHasher().verify(hashed, PASSWORD)


def test_generated_password_is_long_and_works(accounts: Accounts) -> None:
    password = accounts.add("bob@example.com", "Bob", "manager", scope=GERMANY)
    assert len(password) >= 20
    assert accounts.viewer(sign_in(accounts, "bob@example.com", password))


def test_user_sees_nothing_unless_said(accounts: Accounts) -> None:
    accounts.add("bob@example.com", "Bob", "manager", password=PASSWORD)
    viewer = accounts.viewer(sign_in(accounts, "bob@example.com"))
    assert viewer is not None
    assert viewer.scope == NOTHING


def test_list(accounts: Accounts) -> None:
    accounts.add("Bob@Example.com ", "Bob", "manager", scope=GERMANY)
    assert accounts.list() == [
        Account(EMAIL, "Ann", "analyst", True, "all rows"),
        Account("bob@example.com", "Bob", "manager", True, "country: Germany"),
    ]


@pytest.mark.parametrize(
    ("email", "role", "password", "said"),
    [
        pytest.param("ann", "analyst", None, "'ann' is not an e-mail address", id="no address"),
        pytest.param("a b@example.com", "analyst", None, "is not an e-mail address", id="space"),
        pytest.param("a@b@c", "analyst", None, "is not an e-mail address", id="two signs"),
        pytest.param("a\x00@example.com", "analyst", None, "is not an e-mail address", id="control character"),
        pytest.param("x" * 65 + "@example.com", "analyst", None, "is not an e-mail address", id="too long"),
        pytest.param("", "analyst", None, "is not an e-mail address", id="empty"),
        pytest.param(" ANN@example.com", "analyst", None, "There is already a user 'ann@example.com'", id="taken"),
        pytest.param("b@example.com", "analist", None, "no role 'analist'. Did you mean 'analyst'", id="unknown role"),
        pytest.param("b@example.com", "analyst", "x" * (MIN_PASSWORD - 1), "has 11 characters", id="short password"),
        pytest.param("b@example.com", "analyst", "x" * (MAX_PASSWORD + 1), "has 257 characters", id="long password"),
        pytest.param(
            "b@example.com", "analyst", "password1234", "too weak. This is a very common", id="common password"
        ),
        pytest.param("beatrice@example.com", "analyst", "beatrice2026", "too weak", id="own name as password"),
        pytest.param("beatrice@example.com", "analyst", "Beatrice@Example.com", "too weak", id="own address"),
    ],
)
def test_user_that_is_not_made(accounts: Accounts, email: str, role: str, password: str | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        accounts.add(email, "Name", role, password=password)
    assert len(accounts.list()) == 1


@pytest.mark.parametrize(
    "change_user",
    [
        pytest.param(lambda accounts: accounts.set_password("nobody@example.com"), id="password"),
        pytest.param(lambda accounts: accounts.set_active("nobody@example.com", active=False), id="active"),
        pytest.param(lambda accounts: accounts.set_role("nobody@example.com", "admin"), id="role"),
        pytest.param(lambda accounts: accounts.set_scope("nobody@example.com", EVERYTHING), id="scope"),
    ],
)
def test_change_of_an_unknown_user(accounts: Accounts, change_user: Any) -> None:
    with pytest.raises(UserError, match=r"There is no user 'nobody@example\.com'"):
        change_user(accounts)


# Signing in


def test_sign_in(engine: sa.Engine, accounts: Accounts) -> None:
    token = sign_in(accounts, " ANN@Example.com ")
    viewer = accounts.viewer(token)
    assert viewer is not None
    assert (viewer.email, viewer.role, viewer.scope) == (EMAIL, "analyst", EVERYTHING)
    assert viewer.permissions == ROLES["analyst"].permissions
    assert actions(accounts) == ["sign-in"]
    assert token not in stored(engine, SignedIn.token_hash)


def test_every_sign_in_has_its_own_token(accounts: Accounts) -> None:
    tokens = {sign_in(accounts) for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) >= 40 for token in tokens)


def refusal(accounts: Accounts, email: str, password: str) -> str:
    with pytest.raises(SignInError) as caught:
        sign_in(accounts, email, password)
    assert not isinstance(caught.value, ThrottledError)
    return str(caught.value)


def test_every_refusal_reads_the_same(accounts: Accounts) -> None:
    accounts.add("off@example.com", "Off", "analyst", password=PASSWORD)
    accounts.set_active("off@example.com", active=False)
    said = {
        refusal(accounts, EMAIL, "wrong"),
        refusal(accounts, EMAIL, ""),
        refusal(accounts, EMAIL, PASSWORD.upper()),
        refusal(accounts, EMAIL, PASSWORD + "\x00"),
        refusal(accounts, EMAIL, "x" * 100_000),
        refusal(accounts, "nobody@example.com", PASSWORD),
        refusal(accounts, "", ""),
        refusal(accounts, "' OR 1=1 --", PASSWORD),
        refusal(accounts, "off@example.com", PASSWORD),
    }
    assert len(said) == 1
    assert actions(accounts) == ["sign-in failed"] * 9


@pytest.mark.parametrize(("email", "password"), [(EMAIL, "\ud800" * 12), ("\ud800@example.com", PASSWORD)])
def test_half_a_character_is_a_wrong_sign_in(accounts: Accounts, email: str, password: str) -> None:
    refusal(accounts, email, password)


@pytest.mark.parametrize("token", ["", "x", "' OR 1=1 --", "\x00", "0" * 43])
def test_token_nobody_was_given(accounts: Accounts, token: str) -> None:
    sign_in(accounts)
    assert accounts.viewer(token) is None


def test_hash_of_a_token_is_no_token(engine: sa.Engine, accounts: Accounts) -> None:
    sign_in(accounts)
    assert accounts.viewer(stored(engine, SignedIn.token_hash)[0]) is None


# Throttle


def fail(accounts: Accounts, times: int, *, actor: str = EMAIL, address: str = "10.0.0.1") -> None:
    for number in range(times):
        accounts.record("sign-in failed", actor.format(number), address.format(number))


def test_throttle_by_account(accounts: Accounts) -> None:
    fail(accounts, FAILURES_PER_ACCOUNT - 1, address="10.1.0.{}")
    sign_in(accounts)
    fail(accounts, 1, address="10.2.0.1")
    with pytest.raises(ThrottledError, match="Wait 15 minutes"):
        sign_in(accounts, address="10.3.0.1")
    assert accounts.add("bob@example.com", "Bob", "analyst", password=PASSWORD) == PASSWORD
    assert sign_in(accounts, "bob@example.com")


def test_throttle_by_address(accounts: Accounts) -> None:
    fail(accounts, FAILURES_PER_ADDRESS - 1, actor="user{}@example.com")
    sign_in(accounts)
    fail(accounts, 1, actor="last@example.com")
    with pytest.raises(ThrottledError):
        sign_in(accounts)
    assert sign_in(accounts, address="10.0.0.2")


def test_throttle_counts_real_failures_of_unknown_users_too(accounts: Accounts) -> None:
    fail(accounts, FAILURES_PER_ACCOUNT - 1, actor="nobody@example.com")
    refusal(accounts, "Nobody@example.com", "wrong")
    with pytest.raises(ThrottledError):
        sign_in(accounts, "nobody@example.com", "wrong")


def test_throttle_is_not_escaped_by_control_characters(accounts: Accounts) -> None:
    fail(accounts, FAILURES_PER_ACCOUNT, actor="ann\n@example.com")
    with pytest.raises(ThrottledError):
        sign_in(accounts, "ann\n@example.com")


def test_throttle_ends(engine: sa.Engine, accounts: Accounts) -> None:
    fail(accounts, FAILURES_PER_ACCOUNT)
    change(engine, AuditEvent, at=utc_now() - THROTTLE - dt.timedelta(seconds=1))
    assert sign_in(accounts)


def test_successes_are_not_counted(accounts: Accounts) -> None:
    for _ in range(FAILURES_PER_ACCOUNT + 2):
        accounts.record("sign-in", EMAIL, "10.0.0.1")
    assert sign_in(accounts)


# Sessions


def test_disabled_user_is_out_at_once(accounts: Accounts) -> None:
    token = sign_in(accounts)
    accounts.set_active(EMAIL, active=False)
    assert accounts.viewer(token) is None
    accounts.set_active(EMAIL, active=True)
    assert accounts.viewer(token) is None
    assert accounts.viewer(sign_in(accounts))


def test_role_changes_with_the_next_request(accounts: Accounts) -> None:
    token = sign_in(accounts)
    accounts.set_role(EMAIL, "executive")
    viewer = accounts.viewer(token)
    assert viewer is not None
    assert (viewer.role, viewer.permissions) == ("executive", ROLES["executive"].permissions)


def test_unknown_role_changes_nothing(accounts: Accounts) -> None:
    with pytest.raises(UnknownNameError):
        accounts.set_role(EMAIL, "root")
    assert accounts.list()[0].role == "analyst"


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(NOTHING, id="nothing"),
        pytest.param(EVERYTHING, id="everything"),
        pytest.param(GERMANY, id="one value"),
        pytest.param(RowScope.of({"country": ["Germany", "Åland", "it's"], "product": ["P1"]}), id="two dimensions"),
    ],
)
def test_scope_changes_with_the_next_request(accounts: Accounts, scope: RowScope) -> None:
    token = sign_in(accounts)
    for before in (EVERYTHING, GERMANY, scope):
        accounts.set_scope(EMAIL, before)
    viewer = accounts.viewer(token)
    assert viewer is not None
    assert viewer.scope == scope
    assert viewer.scope.fingerprint == scope.fingerprint


def test_scope_with_an_empty_dimension_is_not_widened(accounts: Accounts) -> None:
    scope = RowScope.of({"country": ["Germany"], "product": []})
    try:
        accounts.set_scope(EMAIL, scope)
    except UserError:
        return
    viewer = accounts.viewer(sign_in(accounts))
    assert viewer is not None
    assert viewer.scope in (scope, NOTHING)


def test_idle_session_ends(engine: sa.Engine, accounts: Accounts) -> None:
    token = sign_in(accounts)
    change(engine, SignedIn, seen_at=utc_now() - dt.timedelta(minutes=29))
    assert accounts.viewer(token)
    change(engine, SignedIn, seen_at=utc_now() - dt.timedelta(minutes=30, seconds=1))
    assert accounts.viewer(token) is None


def test_use_keeps_a_session_awake(engine: sa.Engine, accounts: Accounts) -> None:
    token = sign_in(accounts)
    change(engine, SignedIn, seen_at=utc_now() - dt.timedelta(minutes=20))
    accounts.viewer(token)
    assert utc_now() - stored(engine, SignedIn.seen_at)[0] < dt.timedelta(minutes=1)


def test_session_in_use_is_written_once_a_minute(engine: sa.Engine, accounts: Accounts) -> None:
    token = sign_in(accounts)
    seen = utc_now() - dt.timedelta(seconds=30)
    change(engine, SignedIn, seen_at=seen)
    accounts.viewer(token)
    assert stored(engine, SignedIn.seen_at) == [seen]


def test_session_ends_after_its_longest_life(engine: sa.Engine, accounts: Accounts) -> None:
    token = sign_in(accounts)
    change(engine, SignedIn, created_at=utc_now() - dt.timedelta(hours=11, minutes=59))
    assert accounts.viewer(token)
    change(engine, SignedIn, created_at=utc_now() - dt.timedelta(hours=12, seconds=1))
    assert accounts.viewer(token) is None


def test_lifetimes_are_settings(engine: sa.Engine, accounts: Accounts) -> None:
    token = sign_in(accounts)
    change(engine, SignedIn, seen_at=utc_now() - dt.timedelta(minutes=2))
    assert Accounts(engine, Lifetimes(idle=dt.timedelta(minutes=1))).viewer(token) is None
    assert Accounts(engine, Lifetimes(idle=dt.timedelta(minutes=3))).viewer(token)


def test_old_sessions_are_swept_at_the_next_sign_in(engine: sa.Engine, accounts: Accounts) -> None:
    sign_in(accounts)
    change(engine, SignedIn, created_at=utc_now() - dt.timedelta(days=2))
    sign_in(accounts)
    assert len(stored(engine, SignedIn.token_hash)) == 1


def test_sign_out_ends_this_session_only(accounts: Accounts) -> None:
    first, second = sign_in(accounts), sign_in(accounts)
    accounts.sign_out(first)
    accounts.sign_out("unknown")
    assert accounts.viewer(first) is None
    assert accounts.viewer(second)


def test_new_password_ends_all_sessions_and_the_old_password(accounts: Accounts) -> None:
    tokens = [sign_in(accounts), sign_in(accounts)]
    new = accounts.set_password(EMAIL)
    assert [accounts.viewer(token) for token in tokens] == [None, None]
    refusal(accounts, EMAIL, PASSWORD)
    assert sign_in(accounts, EMAIL, new)


def test_weak_new_password_changes_nothing(accounts: Accounts) -> None:
    token = sign_in(accounts)
    with pytest.raises(UserError, match="allowed: 12 to 256"):
        accounts.set_password(EMAIL, "short")
    assert accounts.viewer(token)


# Audit


def test_control_characters_do_not_forge_audit_lines(accounts: Accounts) -> None:
    with pytest.raises(SignInError):
        sign_in(accounts, "eve\n2024-01-01 sign-in admin\r\x1b[2J@example.com", address="1.2.3.4\nx")
    accounts.record("load", EMAIL, "cli", "a\tb\x00c\x7f")
    for row in accounts.events():
        assert all(text.isprintable() for text in (row.actor, row.address, row.detail))


@pytest.mark.parametrize("character", ["\x85", "\x9b", "\u2028", "\u202e"], ids=ascii)
def test_other_characters_that_break_or_turn_a_line(accounts: Accounts, character: str) -> None:
    accounts.record("load", f"eve{character}x", "cli")
    assert accounts.events()[0].actor.isprintable()


def test_audit_is_cut_to_its_columns(accounts: Accounts) -> None:
    accounts.record("load", "a" * 1000, "b" * 1000, "c" * 9000)
    row = accounts.events()[0]
    assert [len(text) for text in (row.actor, row.address, row.detail)] == [254, 60, 1000]


def test_newest_events_first(accounts: Accounts) -> None:
    for number in range(5):
        accounts.record(f"action {number}", EMAIL, "cli")
    assert [row.action for row in accounts.events(limit=2)] == ["action 4", "action 3"]


def test_name_and_agent_are_cleaned(engine: sa.Engine, accounts: Accounts) -> None:
    accounts.add("bob@example.com", "Bob\n\x1b[31m", "analyst", password=PASSWORD)
    accounts.sign_in("bob@example.com", PASSWORD, address="a", agent="x\r\ny" * 200)
    assert accounts.list()[1].name == "Bob  [31m"
    (agent,) = stored(engine, SignedIn.agent)
    assert agent.isprintable()
    assert len(agent) <= 300


# Tables


def test_migration_is_repeatable_and_known(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/fresh.db")
    assert not is_current(engine)
    migrate(engine)
    migrate(engine)
    assert is_current(engine)
    engine.dispose()


def test_migrated_tables_are_those_of_the_code(engine: sa.Engine) -> None:
    found = sa.inspect(engine)
    for table in Base.metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}
        assert set(found.get_pk_constraint(table.name)["constrained_columns"]) == {
            column.name for column in table.primary_key.columns
        }


def test_rows_of_a_user_go_with_the_user(engine: sa.Engine, accounts: Accounts) -> None:
    accounts.set_scope(EMAIL, GERMANY)
    sign_in(accounts)
    with Session(engine) as session:
        session.execute(sa.delete(User))
        session.commit()
    assert (stored(engine, RowLimit.value), stored(engine, SignedIn.token_hash)) == ([], [])
