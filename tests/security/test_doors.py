"""Ways in besides the password: single sign-on against a real provider, links by mail, the second factor.

The server that has all of it set up also shows its metrics and logs, which are searched for every secret.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from services import totp
from services.access import EVERYTHING, NOTHING
from services.accounts import FAILURES_PER_ACCOUNT
from services.throttle import RESETS_PER_ACCOUNT
from tests.client import Client
from tests.mailbox import Mailbox, running_mailbox
from tests.provider import Provider, running_provider
from tests.security.leaks import leaked
from tests.serving import Installation, Server, email_of, running_server, until

PASSWORD = "four unexpected garden words"
METRICS = "metrics-canary-7f3a9c51d2"
CLIENT_SECRET = "client-canary-0b66e1f28d"
BACK = "/signin/oidc/back"


@dataclass(frozen=True)
class Site:
    """A server with a provider, a mail server and metrics."""

    server: Server
    installation: Installation
    provider: Provider
    mailbox: Mailbox

    def client(self) -> Client:
        return Client(self.server.port)


@pytest.fixture(scope="module")
def site(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("doors")
    with running_provider() as provider, running_mailbox() as mailbox:
        settings = {
            "SALESCOPE_OIDC_ISSUER": provider.issuer,
            "SALESCOPE_OIDC_CLIENT_ID": "salescope",
            "SALESCOPE_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "SALESCOPE_OIDC_ROLES": "bosses=admin, leads=manager, staff=executive",
            "SALESCOPE_OIDC_DOMAINS": "example.com",
            "SALESCOPE_SMTP_URL": mailbox.address,
            "SALESCOPE_MAIL_FROM": "sales@example.com",
            "SALESCOPE_METRICS_TOKEN": METRICS,
            "SALESCOPE_LOG_FORMAT": "json",
        }
        own = installation.with_new_database(folder / "salescope.db")
        with running_server(own, folder / "output", **settings) as server:
            yield Site(server, own, provider, mailbox)


def through(site: Site, subject: str, client: Client | None = None) -> Client:
    """Go to the provider and back as a person's browser does; return the client with its last answer's cookie."""
    client = client or site.client()
    away = client.page("/signin/oidc?next=/account")
    assert away.status == 302, away.text
    back = site.provider.authorize(away.headers["Location"], subject)
    answer = client.page(back.removeprefix(site.server.url))
    client.last = answer  # type: ignore[attr-defined]
    return client


def status(client: Client) -> int:
    found: int = client.last.status  # type: ignore[attr-defined]
    return found


def said(client: Client) -> str:
    found = re.search(r'role="alert">(.*?)<', client.last.text)  # type: ignore[attr-defined]
    return found[1] if found else ""


def inside(client: Client) -> bool:
    return client.get("/_dash-layout").status == 200


# Single sign-on


def test_the_way_to_the_provider_carries_state_nonce_and_challenge(site: Site) -> None:
    away = site.client().page("/signin/oidc")
    asked = parse_qs(urlsplit(away.headers["Location"]).query)
    assert away.headers["Location"].startswith(f"{site.provider.issuer}/")
    assert asked["redirect_uri"] == [f"{site.server.url}{BACK}"]
    assert asked["code_challenge_method"] == ["S256"]
    assert all(len(asked[name][0]) >= 16 for name in ("state", "nonce", "code_challenge"))


def test_new_person_gets_an_account_with_the_role_of_the_group_and_no_rows(site: Site) -> None:
    site.provider.knows("s1", email="Lea@example.com", name="Lea", email_verified=True, groups=["other", "leads"])
    client = through(site, "s1")
    assert (status(client), client.last.headers["Location"]) == (302, "/account")  # type: ignore[attr-defined]
    assert inside(client)
    account = site.installation.accounts().account("lea@example.com")
    assert (account.role, account.scope, account.single_sign_on) == ("manager", "no rows", True)
    assert inside(through(site, "s1"))
    assert len([each for each in site.installation.accounts().list() if each.email == "lea@example.com"]) == 1


def test_groups_decide_about_the_role_at_each_sign_in_and_disabling_holds(site: Site) -> None:
    site.provider.knows("s2", email="max@example.com", email_verified=True, groups=["bosses"])
    through(site, "s2")
    accounts = site.installation.accounts()
    assert accounts.account("max@example.com").role == "admin"
    site.provider.knows("s2", email="max@example.com", email_verified=True, groups=["staff"])
    client = through(site, "s2")
    assert accounts.account("max@example.com").role == "executive"
    accounts.set_active("max@example.com", active=False)
    assert not inside(client)
    assert (status(through(site, "s2")), inside(client)) == (403, False)


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"email": "a@example.com", "email_verified": True, "groups": []}, "None of your groups"),
        ({"email": "a@example.com", "email_verified": True}, "None of your groups"),
        ({"email": "a@example.com", "email_verified": True, "groups": "nobodies"}, "None of your groups"),
        ({"email": "a@evil.example", "email_verified": True, "groups": ["staff"]}, "does not let in"),
        ({"email": "a@example.com.evil.example", "email_verified": True, "groups": ["staff"]}, "does not let in"),
        ({"email": "admin@example.com", "email_verified": False, "groups": ["staff"]}, "not verified"),
        ({"email": "admin@example.com", "groups": ["staff"]}, "not verified"),
        ({"email": "", "email_verified": True, "groups": ["staff"]}, "not an e-mail address"),
    ],
)
def test_who_is_not_let_in_is_told_why(site: Site, claims: dict[str, object], words: str) -> None:
    before = site.installation.accounts().list()
    site.provider.knows("s3", **claims)
    client = through(site, "s3")
    assert status(client) == 403
    assert words in said(client).replace("&#39;", "'")
    assert not inside(client)
    after = site.installation.accounts().list()
    assert [(each.email, each.role) for each in after] == [(each.email, each.role) for each in before]


def test_verified_address_joins_the_account_that_is_there_once(site: Site) -> None:
    accounts = site.installation.accounts()
    accounts.add("ida@example.com", "Ida", "executive", password=PASSWORD, scope=EVERYTHING)
    site.provider.knows("s4", email="ida@example.com", email_verified=True, groups=["leads"])
    assert inside(through(site, "s4"))
    assert (accounts.account("ida@example.com").role, accounts.scope("ida@example.com")) == ("manager", EVERYTHING)
    site.provider.knows("s5", email="ida@example.com", email_verified=True, groups=["bosses"])
    client = through(site, "s5")
    assert "belongs to another person" in said(client)
    assert accounts.account("ida@example.com").role == "manager"


def test_answers_of_the_provider_are_believed_once_and_by_the_same_browser_only(site: Site) -> None:
    site.provider.knows("s6", email="eva@example.com", email_verified=True, groups=["staff"])
    victim, thief = site.client(), site.client()
    away = victim.page("/signin/oidc")
    back = site.provider.authorize(away.headers["Location"], "s6").removeprefix(site.server.url)
    thief.page("/signin/oidc")
    for path in (
        back,
        back.replace("state=", "state=x"),
        f"{BACK}?code=x&state=y",
        BACK,
        f"{BACK}?error=access_denied",
    ):
        answer = thief.page(path)
        assert answer.status == 403, path
        assert leaked(answer) == []
        assert not inside(thief)
    assert victim.page(back).status == 302
    assert inside(victim)
    assert victim.page(back).status == 403


def test_single_sign_on_sends_to_no_other_site_afterwards(site: Site) -> None:
    site.provider.knows("s7", email="uwe@example.com", email_verified=True, groups=["staff"])
    client = site.client()
    away = client.page("/signin/oidc?next=//evil.example/")
    back = site.provider.authorize(away.headers["Location"], "s7").removeprefix(site.server.url)
    assert client.page(back).headers["Location"] == "/"


# Links by mail


def link_in(site: Site, email: str, count: int) -> str:
    """Return the path of the link in the newest of `count` mails to somebody."""

    def mails() -> list[str]:
        return [mail for mail in site.mailbox.mails if f"To: {email}" in mail]

    assert until(lambda: len(mails()) >= count, 60)
    found = re.search(rf"{re.escape(site.server.url)}(/signin/password\?token=[\w-]+)", mails()[-1])
    assert found, mails()[-1]
    return found[1]


def test_lost_password_is_mailed_a_link_that_works_once(site: Site) -> None:
    site.installation.accounts().add("pia@example.com", "Pia", "executive", password=PASSWORD)
    session = site.client()
    session.sign_in("pia@example.com", PASSWORD)
    anonymous = site.client()
    answers = [anonymous.form("/signin/forgot", {"email": each}) for each in ("pia@example.com", "nobody@example.com")]
    assert len({(each.status, each.text) for each in answers}) == 1
    path = link_in(site, "pia@example.com", 1)
    token = parse_qs(urlsplit(path).query)["token"][0]
    assert "pia@example.com" in anonymous.page(path).text
    new = "five other unexpected meadow words"
    weak = anonymous.form("/signin/password", {"token": token, "password": "short", "again": "short"})
    assert (weak.status, "allowed: 12 to 256" in weak.text) == (400, True)
    differ = anonymous.form("/signin/password", {"token": token, "password": new, "again": PASSWORD})
    assert differ.status == 400
    assert anonymous.form("/signin/password", {"token": token, "password": new, "again": new}).status == 302
    assert not inside(session)
    assert site.client().sign_in("pia@example.com", PASSWORD).status == 401
    assert site.client().sign_in("pia@example.com", new).status == 302
    again = anonymous.form("/signin/password", {"token": token, "password": PASSWORD, "again": PASSWORD})
    assert (again.status, anonymous.page(path).status) == (410, 410)


def test_asking_for_links_is_throttled_for_everybody_alike(site: Site) -> None:
    for email in ("unknown@example.com", email_of("analyst")):
        found = [site.client().form("/signin/forgot", {"email": email}).status for _ in range(RESETS_PER_ACCOUNT + 1)]
        assert found == [200] * RESETS_PER_ACCOUNT + [429]


@pytest.mark.parametrize("token", ["", "x", "' OR 1=1 --", "\x00", "0" * 5_000])
def test_made_up_link_opens_nothing(site: Site, token: str) -> None:
    form = {"token": token, "password": PASSWORD, "again": PASSWORD}
    answer = site.client().form("/signin/password", form)
    assert answer.status == 410
    assert leaked(answer) == []


# The second factor


def test_password_alone_opens_nothing_where_there_is_a_second_factor(site: Site) -> None:
    accounts = site.installation.accounts()
    accounts.add("tom@example.com", "Tom", "executive", password=PASSWORD)
    tom, secret = accounts.as_viewer("tom@example.com"), totp.new_secret()
    step = int(time.time()) // totp.SECONDS
    codes = accounts.factors.turn_on(tom, secret, totp.code(secret, step - 1))
    client = site.client()
    answer = client.sign_in("tom@example.com", PASSWORD)
    assert (answer.status, 'name="code"' in answer.text) == (200, True)
    assert not inside(client)
    assert client.page("/").status == 302
    wrong = client.form("/signin", {"code": "000000"})
    assert (wrong.status, inside(client)) == (401, False)
    assert site.client().form("/signin", {"code": codes[0]}).status == 401
    assert client.form("/signin", {"code": codes[0], "next": "/lines"}).headers["Location"] == "/lines"
    assert inside(client)
    other = site.client()
    other.sign_in("tom@example.com", PASSWORD)
    guesses = [other.form("/signin", {"code": f"{number:06d}"}).status for number in range(FAILURES_PER_ACCOUNT)]
    assert guesses[-1] == 429
    assert other.form("/signin", {"code": codes[1]}).status == 429


# Metrics, request numbers, logs, secrets


def test_metrics_are_for_who_has_the_token(site: Site) -> None:
    client = site.client()
    assert client.get("/metrics").status == 401
    assert client.get("/metrics", {"Authorization": "Bearer wrong"}).status == 401
    assert site.client().sign_in_as("admin").get("/metrics").status == 401
    for _ in range(3):
        client.get("/healthz")
    text = client.get("/metrics", {"Authorization": f"Bearer {METRICS}"}).text
    counted = re.search(r'salescope_requests_total\{endpoint="healthz",status="200"\} (\d+)', text)
    assert counted
    assert float(counted[1]) >= 3
    assert 'salescope_request_seconds_bucket{endpoint="signin"' in text


def test_request_number_is_in_the_answer_and_in_the_log_as_json(site: Site) -> None:
    answer = site.client().get("/healthz")
    number = answer.headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{16}", number)
    lines: list[dict[str, object]] = []

    def found() -> bool:
        lines[:] = [json.loads(line) for line in site.server.log().splitlines() if line.startswith("{")]
        return any(line.get("request") == number for line in lines)

    assert until(found, 60)
    line = next(line for line in lines if line.get("request") == number)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/healthz", 200)


def test_no_secret_is_in_the_log_the_arguments_or_an_answer(site: Site) -> None:
    admin = site.client().sign_in_as("admin")
    log = site.server.log()
    tokens = re.findall(r"token=([\w-]{40,})", "".join(site.mailbox.mails))
    key = site.installation.settings().secret_key
    secrets = [PASSWORD, METRICS, CLIENT_SECRET, key, admin.cookie, *tokens]
    assert len(secrets) >= 5
    children = Path(f"/proc/{site.server.process.pid}/task/{site.server.process.pid}/children").read_text().split()
    arguments = [Path(f"/proc/{pid}/cmdline").read_text() for pid in (str(site.server.process.pid), *children)]
    shown = admin.callback(
        "..content.children...navigation.children...title.data..",
        {"route.data": {"pathname": "/settings", "search": ""}},
    )
    assert "set, not shown" in shown.text
    answers = [shown.text, admin.page("/").text, admin.get("/_dash-layout").text, admin.page("/nope").text]
    for text in (log, *arguments, *answers):
        assert [secret for secret in secrets if secret in text] == []


def test_new_person_of_single_sign_on_sees_no_rows(site: Site) -> None:
    site.provider.knows("s8", email="ben@example.com", email_verified=True, groups=["leads"])
    client = through(site, "s8")
    assert site.installation.accounts().scope("ben@example.com") == NOTHING
    shown = client.callback(
        "..content.children...navigation.children...title.data..",
        {"route.data": {"pathname": "/", "search": "?period=all"}},
    )
    assert "Something went wrong" not in shown.text
    assert "United Kingdom" not in shown.text
