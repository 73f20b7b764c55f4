"""Cookies, sign-in, sign-out, cross-site requests, redirects, and changes that must act at once."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import statistics
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import flask
import pytest
import sqlalchemy as sa
from flask.sessions import SecureCookieSessionInterface

from salescope.settings import KNOWN_KEYS, SETTINGS
from services.access import EVERYTHING, NOTHING, Permission, RowScope
from services.accounts import FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS
from services.database import AuditEvent, SignedIn, open_database, utc_now
from tests.client import Client, callback_body
from tests.security.conftest import COOKIE, KEY, SITE
from tests.security.leaks import leaked
from tests.serving import PASSWORDS, Installation, Server, email_of

UPDATE = "/_dash-update-component"
GRID = "lines-grid.getRowsResponse"
ROWS = {"lines-grid.getRowsRequest": {"startRow": 0, "endRow": 100}, "url.search": "?period=all"}
PASSWORD = "a password made for this test"
#: Keys that stand in documentation; whoever finds a signed cookie tries them first.
TRIED_KEYS = [*KNOWN_KEYS, "", "CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET", "\2\1thisismyscretkey\1\2\\e\\y\\y\\h"]


def signed(key: str, content: dict[str, Any]) -> str:
    app = flask.Flask("forger")
    app.secret_key = key or "\0"
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer
    text = serializer.dumps(content)
    return text if isinstance(text, str) else text.decode()


def content_of(cookie: str, key: str) -> dict[str, Any]:
    app = flask.Flask("reader")
    app.secret_key = key
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer
    found: dict[str, Any] = serializer.loads(cookie)
    return found


def signed_in(client: Client) -> bool:
    status = client.get("/_dash-layout").status
    assert status in {200, 401}
    return status == 200


@pytest.fixture
def site(production: Server) -> Client:
    return Client(production.port, SITE, COOKIE)


@pytest.fixture
def forgotten(production_installation: Installation) -> Iterator[Callable[[], None]]:
    """Forget failed sign-ins of production before and after the test."""
    engine = open_database(production_installation.settings().database_url)

    def forget() -> None:
        with engine.begin() as connection:
            connection.execute(sa.delete(AuditEvent))

    forget()
    yield forget
    forget()
    engine.dispose()


def flags(line: str) -> set[str]:
    return {part.strip() for part in line.split(";")[1:]}


def test_cookie_at_home_is_out_of_reach_of_scripts_and_other_sites(anonymous: Client) -> None:
    (line,) = anonymous.sign_in(email_of("analyst"), PASSWORDS["analyst"]).cookies
    assert line.startswith("salescope=")
    assert flags(line) == {"HttpOnly", "Path=/", "SameSite=Lax"}


def test_cookie_in_production_is_bound_to_the_host_and_to_https(site: Client) -> None:
    (line,) = site.sign_in(email_of("analyst"), PASSWORDS["analyst"]).cookies
    assert line.startswith("__Host-salescope=")
    assert flags(line) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


def test_no_other_cookie_is_ever_set(anonymous: Client) -> None:
    names = set()
    for answer in (
        anonymous.sign_in_as("analyst").page("/"),
        anonymous.get("/_dash-layout"),
        anonymous.page("/nope"),
        anonymous.sign_out(),
        anonymous.page("/signin"),
    ):
        names |= {line.partition("=")[0] for line in answer.cookies}
    assert names == {"salescope"}


def test_session_gets_a_new_token_at_each_sign_in(server: Server, installation: Installation) -> None:
    key = installation.settings().secret_key
    client = Client(server.port)
    client.cookie = signed(key, {"_user_id": "planted", "planted": True})
    tokens = []
    for _ in range(2):
        client.sign_in_as("analyst")
        content = content_of(client.cookie, key)
        tokens.append(content["_user_id"])
        assert "planted" not in content
    assert len({"planted", *tokens}) == 3


def test_copied_cookie_is_dead_after_sign_out(server: Server) -> None:
    client, thief = Client(server.port).sign_in_as("analyst"), Client(server.port)
    thief.cookie = client.cookie
    assert signed_in(thief)
    assert client.sign_out().status == 302
    assert not signed_in(thief)
    assert thief.page("/").status == 302
    assert thief.post(UPDATE, {}).status == 401


def test_sign_out_needs_a_post(server: Server) -> None:
    client = Client(server.port).sign_in_as("analyst")
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        client.send(method, "/signout")
    assert signed_in(client)


def test_sign_out_ends_one_session_only(server: Server) -> None:
    here, there = Client(server.port).sign_in_as("analyst"), Client(server.port).sign_in_as("analyst")
    here.sign_out()
    assert signed_in(there)


@pytest.mark.parametrize("key", TRIED_KEYS, ids=lambda key: ascii(key)[:40])
def test_cookie_signed_with_a_known_key_is_nobody(server: Server, site: Client, key: str) -> None:
    forged = signed(key, {"_user_id": "1", "_fresh": True, "user": {"email": "admin@example.com", "groups": ["admin"]}})
    for client in (Client(server.port), site):
        client.cookie = forged
        assert not signed_in(client)


def test_stolen_key_alone_opens_no_session(server: Server, installation: Installation) -> None:
    groups = [permission.value for permission in Permission]
    for user in ("1", "admin@example.com", "", None, "x" * 3_000, "' OR 1=1 --"):
        client = Client(server.port)
        content = {"_user_id": user, "_fresh": True, "user": {"email": "admin@example.com", "groups": groups}}
        client.cookie = signed(installation.settings().secret_key, content)
        answer = client.get("/_dash-layout")
        assert answer.status == 401, (user, answer.text)


def test_groups_in_the_cookie_count_for_nothing(
    server: Server, installation: Installation, people: dict[str, Client]
) -> None:
    key = installation.settings().secret_key
    executive = Client(server.port).sign_in_as("executive")
    content = content_of(executive.cookie, key)
    content["user"] = {"email": "admin@example.com", "groups": [permission.value for permission in Permission]}
    executive.cookie = signed(key, content)
    body = callback_body(people["admin"].callbacks()[GRID], ROWS)
    assert executive.post(UPDATE, body).status == 403


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", ".", "\xff", "." * 100, "eyJ9.Zg.aaaa", "A" * 6_000])
def test_damaged_cookie_is_nobody(anonymous: Client, cookie: str) -> None:
    anonymous.cookie = cookie
    answer = anonymous.get("/_dash-layout", {"Cookie": f"salescope={cookie}"})
    assert answer.status == 401
    assert leaked(answer) == []


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "something new"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "{own}"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_request_that_another_site_started_is_refused(
    server: Server, people: dict[str, Client], headers: dict[str, str]
) -> None:
    own = {name: value.format(own=server.url) for name, value in headers.items()}
    victim = people["analyst"]
    credentials = {"email": email_of("analyst"), "password": PASSWORDS["analyst"]}
    assert victim.post(UPDATE, callback_body(people["admin"].callbacks()[GRID], ROWS), own).status == 403
    assert victim.form("/signout", {}, own).status == 403
    assert signed_in(victim)
    login = Client(server.port)
    answer = login.form("/signin", credentials, own)
    assert (answer.status, answer.cookies) == (403, ())


def test_own_origin_is_accepted(server: Server) -> None:
    client = Client(server.port)
    own = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    credentials = {"email": email_of("analyst"), "password": PASSWORDS["analyst"]}
    assert client.form("/signin", credentials, own).status == 302
    assert client.form("/signout", {}, own).status == 302


def test_refused_cross_site_request_is_in_the_audit_log(anonymous: Client, installation: Installation) -> None:
    anonymous.form("/signin", {}, {"Origin": "https://evil.example"})
    assert [each for each in installation.accounts().events() if each.detail == "cross-site request"]


OUTSIDE = [
    "https://evil.example",
    "http:evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    " //evil.example",
    "/%0d%0aSet-Cookie:%20a=b",
    "/\r\nSet-Cookie: a=b",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    ".evil.example",
    "@evil.example",
    "/%09/evil.example",
    "/%2f/evil.example",
    "/%5cevil.example",
    "/.//evil.example",
    "/..//evil.example",
    "https:///evil.example",
    "?//evil.example",
    "",
    "\x00//evil.example",
]
UNREADABLE = ["//[", "http://[::1", "//evil\uff0f.example", "//[x]/"]


def lands_on(server: Server, location: str) -> str:
    """Return the host a browser goes to; it drops tabs and line ends, and reads \\ as /."""
    cleaned = re.sub(r"[\t\r\n]", "", location).replace("\\", "/")
    return urlsplit(urljoin(f"{server.url}/signin", cleaned)).netloc


@pytest.mark.parametrize("target", OUTSIDE, ids=ascii)
def test_sign_in_never_sends_to_another_site(server: Server, target: str) -> None:
    client = Client(server.port)
    answer = client.sign_in(email_of("analyst"), PASSWORDS["analyst"], next=target)
    assert answer.status == 302
    assert lands_on(server, answer.headers["Location"]) == f"127.0.0.1:{server.port}"
    assert [line.partition("=")[0] for line in answer.cookies] == ["salescope"]


@pytest.mark.parametrize("target", UNREADABLE, ids=ascii)
def test_sign_in_with_a_target_that_cannot_be_read(server: Server, target: str) -> None:
    answer = Client(server.port).sign_in(email_of("analyst"), PASSWORDS["analyst"], next=target)
    assert (answer.status, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("path", ["//evil.example", "///evil.example/%2e%2e", "/%2f%2fevil.example", "/\\evil.example"])
def test_the_way_to_the_sign_in_page_names_no_other_site(server: Server, anonymous: Client, path: str) -> None:
    answer = anonymous.page(path)
    assert answer.status in {302, 401}
    assert lands_on(server, answer.headers.get("Location", "/")) == f"127.0.0.1:{server.port}"


def test_next_is_written_as_text_into_the_page(anonymous: Client) -> None:
    shown = anonymous.page('/signin?next=/"><script>alert(1)</script>'.replace(" ", "%20").replace('"', "%22")).text
    assert "<script>alert" not in shown
    failed = anonymous.sign_in('"><script>alert(1)</script>@example.com', "wrong").text
    assert "<script>alert" not in failed


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", f"{SITE}.evil.example", "127.0.0.1", "[::1]", ""])
def test_foreign_host_name_reaches_nothing(production: Server, host: str) -> None:
    client = Client(production.port, "x", COOKIE)
    client.host = host
    for answer in (
        client.page("/"),
        client.page("/signin"),
        client.get("/healthz"),
        client.get("/_dash-layout"),
        client.sign_in(email_of("admin"), PASSWORDS["admin"]),
    ):
        assert answer.status in {400, 401}
        assert "Location" not in answer.headers
        assert "evil.example" not in answer.text
        assert answer.cookies == ()


def test_foreign_host_name_is_a_bad_request(production: Server, site: Client) -> None:
    signed = site.sign_in_as("admin")
    signed.host = "evil.example"
    assert {signed.page("/").status, Client(production.port, "evil.example").page("/signin").status} == {400}


def test_forwarded_host_and_scheme_are_not_believed_without_a_proxy(production: Server, site: Client) -> None:
    forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    answer = site.page("/lines")
    assert site.get("/lines", {"Accept": "text/html"} | forwarded).headers["Location"] == answer.headers["Location"]
    assert "evil.example" not in site.get("/signin", forwarded).text


def test_unknown_and_known_people_get_the_same_answer_in_the_same_time(
    site: Client, forgotten: Callable[[], None]
) -> None:
    seconds: dict[str, list[float]] = {}
    shown: dict[str, set[tuple[int, str]]] = {}
    for number in range(5):
        for email in (email_of("admin"), "admim@example.com"):
            answer = site.sign_in(email, f"wrong password {number}")
            seconds.setdefault(email, []).append(answer.seconds)
            shown.setdefault(email, set()).add((answer.status, answer.text.replace(email, "EMAIL")))
            assert answer.cookies == ()
    known, unknown = shown.values()
    assert known == unknown
    assert {status for status, _ in known} == {401}
    slow, fast = sorted(statistics.median(each) for each in seconds.values())[::-1]
    assert slow < 3 * fast + 0.02


def test_disabled_person_gets_the_answer_of_an_unknown_one(
    site: Client, production_installation: Installation, forgotten: Callable[[], None]
) -> None:
    accounts = production_installation.accounts()
    accounts.add("gone@example.com", "", "analyst", password=PASSWORD)
    accounts.set_active("gone@example.com", active=False)
    answers = [site.sign_in(email, PASSWORD) for email in ("gone@example.com", "none@example.com")]
    assert len({(each.status, each.text.replace("gone@", "none@")) for each in answers}) == 1


@pytest.mark.parametrize("email", [email_of("manager"), "manages@example.com"], ids=["known", "unknown"])
def test_account_is_throttled_whatever_address_is_claimed(
    site: Client, forgotten: Callable[[], None], email: str
) -> None:
    statuses = []
    for number in range(FAILURES_PER_ACCOUNT + 2):
        claimed = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}"}
        answer = site.form("/signin", {"email": email, "password": f"guess {number}"}, claimed)
        statuses.append(answer.status)
    assert statuses == [401] * FAILURES_PER_ACCOUNT + [429, 429]
    assert site.sign_in(email.upper(), PASSWORDS["manager"]).status == 429
    forgotten()
    assert site.sign_in(email, PASSWORDS["manager"]).status == (302 if email == email_of("manager") else 401)


def test_spraying_many_people_from_one_address_is_throttled(
    site: Client, production_installation: Installation, forgotten: Callable[[], None]
) -> None:
    accounts = production_installation.accounts()
    for number in range(FAILURES_PER_ADDRESS - 5):
        accounts.record("sign-in failed", f"earlier{number}@example.com", "127.0.0.1")
    statuses = []
    for number in range(7):
        claimed = {"X-Forwarded-For": f"203.0.113.{number}"}
        form = {"email": f"person{number}@example.com", "password": "Winter 2026 is here"}
        statuses.append(site.form("/signin", form, claimed).status)
    assert statuses == [401] * 5 + [429, 429]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"email": "", "password": ""},
        {"email": "a" * 100_000, "password": "b" * 100_000},
        {"email": "a\x00b@example.com", "password": "\x00"},
        {"email": "x' OR 1=1 --", "password": "' OR '1'='1"},
        {"email": "admin@example.com\r\nX-Injected: 1", "password": "x"},
    ],
    ids=lambda fields: str(fields)[:40],
)
def test_odd_sign_in_is_refused(site: Client, forgotten: Callable[[], None], fields: dict[str, str]) -> None:
    answer = site.form("/signin", fields)
    assert answer.status == 401
    assert leaked(answer) == []


@pytest.fixture
def person(server: Server, installation: Installation, request: pytest.FixtureRequest) -> tuple[str, Client]:
    """An analyst of this test's own, signed in."""
    email = f"{abs(hash(request.node.name)):x}@example.com"
    installation.accounts().add(email, "", "analyst", password=PASSWORD, scope=EVERYTHING)
    client = Client(server.port)
    assert client.sign_in(email, PASSWORD).status == 302
    assert client.callback(GRID, ROWS).status == 200
    return email, client


def test_disabling_ends_an_open_session_at_once_and_for_good(
    person: tuple[str, Client], installation: Installation
) -> None:
    email, client = person
    installation.accounts().set_active(email, active=False)
    assert client.callback(GRID, ROWS).status == 401
    assert client.sign_in(email, PASSWORD).status == 401
    installation.accounts().set_active(email, active=True)
    assert not signed_in(client)


def test_new_password_ends_an_open_session_at_once(person: tuple[str, Client], installation: Installation) -> None:
    email, client = person
    installation.accounts().set_password(email, "another password of theirs")
    assert client.callback(GRID, ROWS).status == 401
    assert client.sign_in(email, PASSWORD).status == 401
    assert client.sign_in(email, "another password of theirs").status == 302


def test_new_role_acts_on_the_next_request_both_ways(person: tuple[str, Client], installation: Installation) -> None:
    email, client = person
    installation.accounts().set_role(email, "executive")
    assert (client.callback(GRID, ROWS).status, client.page("/lines").status) == (403, 403)
    installation.accounts().set_role(email, "analyst")
    assert (client.callback(GRID, ROWS).status, client.page("/lines").status) == (200, 200)


def countries(client: Client) -> set[str]:
    rows = client.callback(GRID, ROWS).json()["response"]["lines-grid"]["getRowsResponse"]["rowData"]
    return {row["country"] for row in rows}


def test_new_scope_acts_on_the_next_request(person: tuple[str, Client], installation: Installation) -> None:
    email, client = person
    assert "United Kingdom" in countries(client)
    for country in ("France", "Spain"):
        installation.accounts().set_scope(email, RowScope.of({"country": [country]}))
        assert countries(client) == {country}


def test_scope_taken_away_shows_no_rows(person: tuple[str, Client], installation: Installation) -> None:
    email, client = person
    installation.accounts().set_scope(email, NOTHING)
    assert countries(client) == set()


@pytest.mark.parametrize(
    ("column", "minutes", "alive"),
    [("seen_at", 29, True), ("seen_at", 31, False), ("created_at", 719, True), ("created_at", 721, False)],
)
def test_session_ends_without_use_and_after_its_time(
    person: tuple[str, Client], installation: Installation, column: str, minutes: int, alive: bool
) -> None:
    _, client = person
    token = content_of(client.cookie, installation.settings().secret_key)["_user_id"]
    engine = open_database(installation.settings().database_url)
    with engine.begin() as connection:
        moved = sa.update(SignedIn).values({column: utc_now() - dt.timedelta(minutes=minutes)})
        connection.execute(moved.where(SignedIn.token_hash == _hash(token)))
    engine.dispose()
    assert signed_in(client) == alive


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def test_database_holds_neither_passwords_nor_tokens(
    person: tuple[str, Client], installation: Installation, server: Server
) -> None:
    token = content_of(person[1].cookie, installation.settings().secret_key)["_user_id"]
    engine = open_database(installation.settings().database_url)
    with engine.connect() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
    engine.dispose()
    assert _hash(token) in dump
    assert token not in dump
    assert PASSWORD not in dump
    assert not [password for password in PASSWORDS.values() if password in dump]
    assert dump.count("$argon2id$") >= len(PASSWORDS)


def test_log_holds_neither_passwords_nor_cookies(
    server: Server, production: Server, site: Client, forgotten: Callable[[], None]
) -> None:
    wrong = "a wrong guess that must stay out of logs"
    secrets_ = [*PASSWORDS.values(), wrong, KEY]
    for started, client in ((server, Client(server.port)), (production, site)):
        client.sign_in("nobody@example.com", wrong)
        client.sign_in_as("admin")
        client.get(f"/signin?password={wrong.replace(' ', '+')}")
        client.post(UPDATE, b"{", {"X-Secret": wrong})
        client.get("/_dash-component-suites/nope/x.js", {"Authorization": wrong})
        secrets_.append(client.cookie)
        log = started.log()
        assert "POST /signin" in log
        assert [secret for secret in secrets_ if secret in log or secret.replace(" ", "+") in log] == []


def test_no_setting_has_a_secret_for_a_default() -> None:
    assert [row.env for row in SETTINGS if "KEY" in row.env and row.default] == []
