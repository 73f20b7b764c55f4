"""Looking at the site as somebody else over HTTP, and roles of one's own: the matrix holds for them too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from salescope.gate import Gate
from salescope.pages import PAGES
from salescope.policy import ROUTES
from services.access import EVERYTHING, ROLES, Permission
from tests.client import Client, callback_body
from tests.serving import ALLOWED, Installation, Server, email_of

UPDATE = "/_dash-update-component"
OPEN_PAGE = "..content.children...navigation.children...title.data.."
PASSWORD = "a password made for this test"


def act(client: Client, page: str, do: str, **fields: str) -> str:
    """Send what a form of a page sends; return the answer's text."""
    rows = [output for output in client.callbacks() if output.startswith(f"..{page}-body.children@")]
    asked = {"do": do, "at": 1, "fields": {name: [value] for name, value in fields.items()}}
    (output,) = [each for each in rows if f"{page}-asked" in str(client.callbacks()[each]["inputs"])]
    answer = client.callback(output, {f"{page}-asked.data": asked})
    assert answer.status == 200, answer.text
    return answer.text


@pytest.fixture
def admin(server: Server, installation: Installation) -> Client:
    """An admin of this test's own."""
    email = "eyes@example.com"
    accounts = installation.accounts()
    if email not in {each.email for each in accounts.list()}:
        accounts.add(email, "", "admin", password=PASSWORD, scope=EVERYTHING)
    client = Client(server.port)
    assert client.sign_in(email, PASSWORD).status == 302
    client.callbacks()
    return client


def matrix(client: Client, everything: Client, gate: Gate) -> dict[str, str | int]:
    """Return what each callback answers: "runs" or the status."""
    found: dict[str, str | int] = {}
    for output in gate.policy:
        answer = client.post(UPDATE, callback_body(everything.callbacks()[output], {}))
        found[output] = answer.status if answer.status not in {200, 204} else "runs"
    return found


@pytest.mark.parametrize("role", ["executive", "admin"])  # the least and the most there is to read
def test_borrowed_eyes_reach_what_the_person_may_read_and_nothing_else(
    gate: Gate, people: dict[str, Client], admin: Client, role: str
) -> None:
    act(admin, "people", "look", person=email_of(role))
    may = {permission for permission in ROLES[role].permissions if permission.reading}
    wanted = {output: "runs" if needs in may else 403 for output, needs in gate.policy.items()}
    assert matrix(admin, people["admin"], gate) == wanted
    for page in PAGES:
        assert admin.page(page.path).status == (200 if page.permission in may else 403), page.path
    for endpoint, method, path in (("data_uploads", "POST", "/data/uploads"), ("audit_log", "GET", "/audit.csv")):
        status = admin.send(method, path, b"{}" if method == "POST" else None).status
        assert (status == 403) == (ROUTES[endpoint] not in may), path
    assert admin.form("/people/stop-looking", {}).status == 302
    assert admin.page("/people").status == 200


def test_borrowed_eyes_see_the_rows_of_the_person_under_a_banner(admin: Client, installation: Installation) -> None:
    act(admin, "people", "look", person=email_of("manager"))
    layout = admin.get("/_dash-layout").text
    assert f"you see the site as {email_of('manager')} does. Nothing can be changed." in layout
    shown = admin.callback(OPEN_PAGE, {"route.data": {"pathname": "/", "search": "?period=all"}}).text
    assert all(country in shown for country in ALLOWED)
    assert "United Kingdom" not in shown
    admin.page("/data")
    denied, look = installation.accounts().events(limit=2)
    assert (denied.action, denied.actor, denied.seen_as) == ("denied", "eyes@example.com", email_of("manager"))
    assert (look.action, look.actor, look.detail) == ("look as", "eyes@example.com", email_of("manager"))
    assert admin.form("/people/stop-looking", {}, {"Origin": "https://evil.example"}).status == 403


def test_only_admins_borrow_eyes(people: dict[str, Client]) -> None:
    dependencies = people["admin"].callbacks()
    (output,) = [each for each in dependencies if "people-asked" in str(dependencies[each]["inputs"])]
    asked = {"do": "look", "at": 1, "fields": {"person": [email_of("admin")]}}
    for role in ("executive", "manager", "analyst"):
        body = callback_body(dependencies[output], {"people-asked.data": asked})
        assert people[role].post(UPDATE, body).status == 403


@pytest.fixture
def reader(server: Server, installation: Installation) -> Iterator[Client]:
    """Somebody with a role of one's own: the audit log, besides what everybody has."""
    accounts = installation.accounts()
    name = accounts.save_role("Reader of logs", [Permission.AUDIT_READ])
    accounts.add("reader@example.com", "", name, password=PASSWORD)
    client = Client(server.port)
    assert client.sign_in("reader@example.com", PASSWORD).status == 302
    yield client
    accounts.delete("reader@example.com")
    accounts.delete_role(name)


def test_role_of_ones_own_is_held_by_the_matrix(
    gate: Gate, people: dict[str, Client], reader: Client, installation: Installation
) -> None:
    may = installation.accounts().role("reader-of-logs").permissions
    wanted = {output: "runs" if needs in may else 403 for output, needs in gate.policy.items()}
    assert matrix(reader, people["admin"], gate) == wanted
    assert {page.path for page in PAGES if reader.page(page.path).status == 200} == {
        page.path for page in PAGES if page.permission in may
    }
    assert reader.get("/audit.csv").status == 200


ODD: list[Any] = [None, "x", [], {}, {"do": "look"}, {"do": "delete", "fields": None}, {"do": {}, "fields": {"a": {}}}]
ODD += [{"do": "preview", "fields": {"sees": ["chosen"], "rules": ["=x", "y="]}}]
ODD += [{"do": "import", "fields": {"list": ["\x00,email\n"]}}]
ODD += [{"do": "role", "fields": {"person": ["x"], "role": ["y"]}}]


@pytest.mark.parametrize("asked", ODD, ids=str)
def test_odd_form_is_refused_in_words(people: dict[str, Client], asked: object) -> None:
    dependencies = people["admin"].callbacks()
    for output, row in dependencies.items():
        names = [item["id"] for item in row["inputs"] if item["id"].endswith("-asked") and item["id"] != "panel-asked"]
        if len(names) == 1 and "-body.children@" in output:
            answer = people["admin"].callback(output, {f"{names[0]}.data": asked})
            assert answer.status in {200, 204}
            assert "Something went wrong" not in answer.text, (output, asked)


def test_exports_and_uploads_are_in_the_audit_log(people: dict[str, Client], installation: Installation) -> None:
    people["analyst"].get("/exports/lines.csv?search=%3Fcountry%3DMalta")
    people["analyst"].post("/data/uploads", {})
    upload, export = installation.accounts().events(limit=2)
    assert (upload.action, upload.actor, upload.address) == ("upload", email_of("analyst"), "127.0.0.1")
    assert (export.action, "country" in export.detail, len(export.request)) == ("export", True, 16)


def test_downloaded_audit_log_holds_no_formula(people: dict[str, Client], installation: Installation) -> None:
    installation.accounts().record("load", '=HYPERLINK("x")', "cli", "@SUM(1)\r\n,next")
    text = people["admin"].get("/audit.csv?action=load").text
    assert "'=HYPERLINK" in text
    assert "'@SUM(1)" in text
    assert all(line.count(",") >= 6 for line in text.splitlines() if line)
