from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.access import EVERYTHING, Permission, RowScope
from services.accounts import Accounts
from services.database import ApiToken, User, migrate, open_database, utc_now
from services.errors import AccessDeniedError, UnknownNameError, UserError
from services.tokens import MAX_DAYS, NOTED_EVERY, PREFIX, Tokens

ANN, BOB = "ann@example.com", "bob@example.com"
GERMANY = RowScope.of({"country": ["Germany"]})


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    made = open_database(f"sqlite:///{tmp_path}/app.db")
    migrate(made)
    with Session(made) as session:
        for email, role in ((ANN, "analyst"), (BOB, "executive")):
            session.add(User(email=email, name="", role=role, password_hash="-", sees_everything=True))
        session.commit()
    yield made
    made.dispose()


@pytest.fixture
def accounts(engine: sa.Engine) -> Accounts:
    return Accounts(engine)


@pytest.fixture
def tokens(engine: sa.Engine, accounts: Accounts) -> Tokens:
    return Tokens(engine, accounts)


def make(tokens: Tokens, *permissions: str, days: int = 90, email: str = ANN) -> str:
    return tokens.create(email, "web shop", permissions or ("data:load",), days, by="tests")


def change(engine: sa.Engine, **values: Any) -> None:
    with Session(engine) as session:
        session.execute(sa.update(ApiToken).values(values))
        session.commit()


def actions(accounts: Accounts) -> list[str]:
    return [event.action for event in accounts.events()]


def test_token_acts_as_its_user_with_no_more_than_it_was_given(tokens: Tokens) -> None:
    who = tokens.viewer(make(tokens), "10.0.0.1")
    assert who is not None
    assert (who.email, who.role, who.scope) == (ANN, "analyst", EVERYTHING)
    assert who.permissions == {Permission.DATA_LOAD}


def test_token_is_random_and_only_its_digest_is_kept(engine: sa.Engine, tokens: Tokens) -> None:
    first, second = make(tokens), make(tokens)
    assert first != second
    assert first.startswith(PREFIX)
    assert len(first) >= 40
    with Session(engine) as session:
        stored = [str(vars(row)) for row in session.scalars(sa.select(ApiToken))]
    assert len(stored) == 2
    assert not any(first.removeprefix(PREFIX) in row or second.removeprefix(PREFIX) in row for row in stored)
    assert first.removeprefix(PREFIX) not in str(tokens.list())


def test_role_and_scope_are_those_of_today(tokens: Tokens, accounts: Accounts) -> None:
    token = make(tokens, "data:load", "lines:view")
    accounts.set_scope(ANN, GERMANY)
    accounts.set_role(ANN, "executive")
    who = tokens.viewer(token, "")
    assert who is not None
    assert who.scope == GERMANY
    assert who.permissions == set()


@pytest.mark.parametrize("text", ["", "sst_", "sst_wrong", "Bearer x", "sst_" + "x" * 5000, "\x00", "ſst_"])
def test_unknown_token_is_nobody_and_fills_no_log(tokens: Tokens, accounts: Accounts, text: str) -> None:
    make(tokens)
    before = len(actions(accounts))
    assert tokens.viewer(text, "10.0.0.1") is None
    assert len(actions(accounts)) == before


@pytest.mark.parametrize("why", ["expired", "revoked", "disabled", "deleted"])
def test_token_out_of_force_is_nobody_and_noted_once_a_minute(
    engine: sa.Engine, tokens: Tokens, accounts: Accounts, why: str
) -> None:
    token = make(tokens)
    match why:
        case "expired":
            change(engine, expires_at=utc_now())
        case "revoked":
            tokens.revoke(tokens.list()[0].id, by="tests")
        case "disabled":
            accounts.set_active(ANN, active=False)
        case _:
            with Session(engine) as session:
                session.execute(sa.delete(User).where(User.email == ANN))
                session.commit()
    for _ in range(3):
        assert tokens.viewer(token, "10.0.0.1") is None
    assert actions(accounts).count("token refused") == (0 if why == "deleted" else 1)
    if why != "deleted":
        change(engine, refused_at=utc_now() - NOTED_EVERY * 2)
        assert tokens.viewer(token, "10.0.0.1") is None
        assert actions(accounts).count("token refused") == 2


def test_use_is_noted_once_a_minute(engine: sa.Engine, tokens: Tokens) -> None:
    token = make(tokens)
    assert tokens.list()[0].last_used_at is None
    tokens.viewer(token, "")
    used = tokens.list()[0].last_used_at
    tokens.viewer(token, "")
    assert tokens.list()[0].last_used_at == used
    assert used is not None
    change(engine, last_used_at=used - dt.timedelta(hours=1))
    tokens.viewer(token, "")
    assert tokens.list()[0].last_used_at > used - dt.timedelta(minutes=1)  # type: ignore[operator]


def test_list_shows_state_and_newest_first(engine: sa.Engine, tokens: Tokens) -> None:
    make(tokens, "data:load", "dashboards:view", days=1)
    make(tokens, "dashboards:view", email=BOB)
    newest, oldest = tokens.list()
    assert (newest.email, newest.state, newest.permissions) == (BOB, "active", ("dashboards:view",))
    assert (oldest.email, oldest.permissions) == (ANN, ("dashboards:view", "data:load"))
    assert oldest.expires_at - oldest.created_at == dt.timedelta(days=1)
    tokens.revoke(newest.id, by="tests")
    change(engine, expires_at=utc_now())
    assert [each.state for each in tokens.list()] == ["revoked", "expired"]


def test_making_and_revoking_are_in_the_audit_log(tokens: Tokens, accounts: Accounts) -> None:
    token = make(tokens)
    tokens.revoke(tokens.list()[0].id, by="tests")
    revoked, created = accounts.events()
    assert (created.action, created.actor, created.detail) == (
        "token created",
        "tests",
        "web shop for ann@example.com: data:load, 90 days",
    )
    assert (revoked.action, revoked.actor) == ("token revoked", "tests")
    assert token not in f"{revoked}{created}"


@pytest.mark.parametrize(
    ("email", "name", "permissions", "days", "error", "said"),
    [
        pytest.param("eve@example.com", "x", ["data:load"], 1, UserError, "There is no user", id="no such user"),
        pytest.param(BOB, "x", ["data:load"], 1, AccessDeniedError, "'data:load'", id="more than the person may"),
        pytest.param(ANN, "x", ["data:lode"], 1, UnknownNameError, "Did you mean 'data:load'", id="unknown permission"),
        pytest.param(ANN, "x", [], 1, UserError, "received 0 permissions", id="no permission"),
        pytest.param(ANN, "x", ["data:load"], 0, UserError, "0 days", id="no day"),
        pytest.param(ANN, "x", ["data:load"], MAX_DAYS + 1, UserError, f"{MAX_DAYS + 1} days", id="too long"),
        pytest.param(ANN, " \n", ["data:load"], 1, UserError, "0 characters", id="no name"),
        pytest.param(ANN, "x" * 101, ["data:load"], 1, UserError, "101 characters", id="long name"),
    ],
)
def test_what_cannot_be_made(
    tokens: Tokens, email: str, name: str, permissions: list[str], days: int, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        tokens.create(email, name, permissions, days, by="tests")
    assert tokens.list() == []


def test_disabled_person_gets_no_token(tokens: Tokens, accounts: Accounts) -> None:
    accounts.set_active(ANN, active=False)
    with pytest.raises(UserError, match="is disabled"):
        make(tokens)


@pytest.mark.parametrize("number", [0, 2, -1])
def test_revoking_what_is_not_there(tokens: Tokens, number: int) -> None:
    make(tokens)
    with pytest.raises(UserError, match=f"no token {number} in force"):
        tokens.revoke(number, by="tests")
    tokens.revoke(1, by="tests")
    with pytest.raises(UserError, match="no token 1 in force"):
        tokens.revoke(1, by="tests")
