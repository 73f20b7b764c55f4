from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access import EVERYTHING, NOTHING, ROLES, Permission, RowScope, Viewer, role
from services.errors import AccessDeniedError, UnknownNameError
from tests.factories import viewer_of


@pytest.mark.parametrize(
    ("name", "permissions"),
    [
        ("executive", {Permission.DASHBOARDS_VIEW}),
        ("manager", {Permission.DASHBOARDS_VIEW, Permission.LINES_VIEW}),
        ("analyst", {Permission.DASHBOARDS_VIEW, Permission.DATA_LOAD, Permission.LINES_VIEW}),
        ("admin", {Permission.DASHBOARDS_VIEW, Permission.DATA_LOAD, Permission.LINES_VIEW}),
    ],
)
def test_least_a_role_may(name: str, permissions: set[Permission]) -> None:
    assert permissions <= role(name).permissions


def test_executive_does_not_see_order_lines() -> None:
    assert not viewer_of("executive").may(Permission.LINES_VIEW)


@pytest.mark.parametrize("name", ["executive", "manager"])
def test_only_analysts_and_admins_load_data(name: str) -> None:
    assert not viewer_of(name).may(Permission.DATA_LOAD)


def test_every_permission_is_held_by_some_role_and_says_what_it_is() -> None:
    held = {permission for each in ROLES.values() for permission in each.permissions}
    assert held == set(Permission)
    assert all(permission.value.count(":") == 1 for permission in Permission)
    assert list(Permission) == sorted(Permission)


def test_unknown_role() -> None:
    with pytest.raises(UnknownNameError, match=r"There is no role 'manger'\. Did you mean 'manager'"):
        role("manger")


def test_viewer_may_nothing_and_sees_nothing_by_default() -> None:
    viewer = Viewer(1, "a@example.com", "analyst")
    assert viewer.scope == NOTHING
    assert not any(viewer.may(permission) for permission in Permission)


def test_denial_names_permission_role_and_who_can_help() -> None:
    with pytest.raises(AccessDeniedError, match=r"'lines:view'.*'executive'.*An admin can change your role"):
        viewer_of("executive").require(Permission.LINES_VIEW)
    viewer_of("analyst").require(Permission.LINES_VIEW)


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (EVERYTHING, "all rows"),
        (NOTHING, "no rows"),
        (RowScope.of({"country": ["France", "Austria"]}), "country: Austria, France"),
        (RowScope.of({"product": ["P1"], "country": ["France"]}), "country: France; product: P1"),
    ],
    ids=["everything", "nothing", "one", "two"],
)
def test_scope_in_words(scope: RowScope, words: str) -> None:
    assert scope.describe() == words


def test_scope_ignores_order_and_repetition() -> None:
    one = RowScope.of({"country": ["B", "A", "B"], "product": ["1"]})
    two = RowScope.of({"product": ["1"], "country": ["A", "B"]})
    assert (one, one.fingerprint) == (two, two.fingerprint)


LIMITS = st.dictionaries(st.text(max_size=4), st.lists(st.text(max_size=4), max_size=3), max_size=3)
SCOPES = st.sampled_from([EVERYTHING, NOTHING]) | LIMITS.map(RowScope.of)


@given(SCOPES, SCOPES)
def test_fingerprints_differ_when_scopes_do(one: RowScope, two: RowScope) -> None:
    assert (one.fingerprint == two.fingerprint) == (one == two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(EVERYTHING, NOTHING, id="all and none"),
        pytest.param(RowScope.of({"a": ["b,c"]}), RowScope.of({"a": ["b", "c"]}), id="comma"),
        pytest.param(RowScope.of({"a": ['b", "c']}), RowScope.of({"a": ["b", "c"]}), id="quote"),
        pytest.param(RowScope.of({"a": ["b"], "c": []}), RowScope.of({"a": ["b"]}), id="empty dimension"),
    ],
)
def test_scopes_that_look_alike(one: RowScope, two: RowScope) -> None:
    assert one.fingerprint != two.fingerprint
