"""What browsers are told: on every kind of answer, from both servers."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping

import pytest

from tests.client import JSON, PAGE, Answer, Client, callback_body
from tests.security.conftest import COOKIE, SITE
from tests.security.leaks import leaked
from tests.serving import Server

UPDATE = "/_dash-update-component"
OPEN_PAGE = "..content.children...navigation.children...title.data.."
YEAR = "public, max-age=31536000, immutable"


def directives(answer: Answer) -> Mapping[str, list[str]]:
    rules = (rule.split() for rule in answer.headers["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in rules}


def every_kind(port: int, host: str, cookie: str) -> dict[str, Answer]:
    anonymous = Client(port, host, cookie)
    admin, executive = (Client(port, host, cookie).sign_in_as(role) for role in ("admin", "executive"))
    body = callback_body(admin.callbacks()[OPEN_PAGE], {"route.data": {"pathname": "/", "search": ""}})
    return {
        "sign-in page": anonymous.page("/signin"),
        "redirect to it": anonymous.page("/"),
        "401": anonymous.get("/_dash-layout"),
        "health": anonymous.get("/healthz"),
        "ready": anonymous.get("/readyz"),
        "another method": admin.send("PUT", "/"),
        "options": admin.send("OPTIONS", "/"),
        "head": admin.send("HEAD", "/"),
        "asset not found": anonymous.page("/assets/nope.css"),
        "index": admin.page("/"),
        "unknown page": admin.page("/nope"),
        "403": executive.page("/lines"),
        "layout": admin.get("/_dash-layout"),
        "dependencies": admin.get("/_dash-dependencies"),
        "callback": admin.post(UPDATE, body),
        "400": admin.post(UPDATE, b"{"),
        "500": admin.get("/_dash-component-suites/nope/x.js"),
        "413": admin.send("POST", UPDATE, headers=JSON | {"Content-Length": "3000000"}),
        "signed out": admin.sign_out(),
    }


@pytest.fixture(scope="module")
def at_home(server: Server) -> dict[str, Answer]:
    return every_kind(server.port, "", "salescope")


@pytest.fixture(scope="module")
def in_production(production: Server) -> dict[str, Answer]:
    return every_kind(production.port, SITE, COOKIE)


@pytest.fixture(params=["at_home", "in_production"])
def answers(request: pytest.FixtureRequest) -> dict[str, Answer]:
    found: dict[str, Answer] = request.getfixturevalue(request.param)
    return found


def test_answers_are_of_the_kind_they_are_named_after(at_home: dict[str, Answer]) -> None:
    for kind, answer in at_home.items():
        if kind.isdigit() and kind != "500":
            assert str(answer.status) == kind


def test_every_answer_forbids_guessing_framing_and_keeping(answers: dict[str, Answer]) -> None:
    for kind, answer in answers.items():
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff", kind
        assert headers["X-Frame-Options"] == "DENY", kind
        assert headers["Referrer-Policy"] == "same-origin", kind
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", kind
        assert headers["Cache-Control"] == "no-store" or kind in {"asset not found", "500"}, kind
        assert "public" not in headers["Cache-Control"], kind


def test_every_policy_allows_own_scripts_only(answers: dict[str, Answer]) -> None:
    for kind, answer in answers.items():
        rules = directives(answer)
        assert rules["default-src"] == ["'none'"], kind
        assert rules["base-uri"] == rules["frame-ancestors"] == ["'none'"], kind
        assert rules["form-action"] == rules["connect-src"] == ["'self'"], kind
        for source in rules["script-src"]:
            assert source == "'self'" or re.fullmatch(r"'sha256-[A-Za-z0-9+/]+=*'", source), kind
        assert not [value for values in rules.values() for value in values if "*" in value or "http" in value], kind
        assert "'unsafe-eval'" not in answer.headers["Content-Security-Policy"], kind


@pytest.mark.parametrize("kind", ["index", "unknown page", "sign-in page", "403", "asset not found"])
def test_inline_scripts_are_those_the_policy_names(at_home: dict[str, Answer], kind: str) -> None:
    allowed = directives(at_home[kind])["script-src"]
    for attributes, code in re.findall(r"<script([^>]*)>(.*?)</script>", at_home[kind].text, re.S):
        if code.strip() and "application/json" not in attributes:
            digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in allowed, code[:80]
    assert not re.search(r"\son[a-z]+=", at_home[kind].text)


@pytest.mark.parametrize("kind", ["index", "sign-in page", "403"])
def test_pages_load_nothing_from_elsewhere(at_home: dict[str, Answer], kind: str) -> None:
    loaded = re.findall(r"(?:src|href)=\"([^\"]+)\"", at_home[kind].text)
    assert loaded
    assert [address for address in loaded if not re.match(r"/(?!/)", address)] == []


def test_no_answer_names_software_or_versions(answers: dict[str, Answer]) -> None:
    for kind, answer in answers.items():
        assert answer.headers["Server"] == "salescope", kind
        assert "X-Powered-By" not in answer.headers
        told = str({name: value for name, value in answer.headers.items() if name != "Content-Security-Policy"})
        assert not re.search(r"gunicorn|werkzeug|flask|dash|python|\d+\.\d+\.\d+(?!\.)", told, re.I), (kind, told)


def test_errors_hold_no_internals(answers: dict[str, Answer]) -> None:
    for kind in ("401", "403", "400", "another method", "413", "500", "asset not found", "redirect to it"):
        assert leaked(answers[kind]) == [], kind


def test_https_is_demanded_in_production_only(at_home: dict[str, Answer], in_production: dict[str, Answer]) -> None:
    assert {"Strict-Transport-Security" in answer.headers for answer in at_home.values()} == {False}
    for kind, answer in in_production.items():
        assert int(answer.headers["Strict-Transport-Security"].split("=")[1].split(";")[0]) >= 31_536_000, kind


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/assets/salescope/app.css?v=1", YEAR),
        ("/assets/salescope/app.css?m=1", YEAR),
        ("/assets/salescope/app.css", "no-cache"),
        ("/assets/nope.css?v=1", "no-cache"),
        ("/assets/nope.css?m=1", "no-cache"),
    ],
)
def test_only_fingerprinted_assets_are_kept(anonymous: Client, path: str, wanted: str) -> None:
    assert anonymous.get(path).headers["Cache-Control"] == wanted


def test_scripts_the_index_names_are_there_and_kept_by_their_fingerprint(people: dict[str, Client]) -> None:
    index = people["analyst"].page("/").text
    scripts = re.findall(r"<script src=\"([^\"]+)\"", index)
    assert len(scripts) > 5
    for path in scripts:
        answer = people["analyst"].get(path.replace("&amp;", "&"))
        assert (answer.status, answer.headers["Cache-Control"]) == (200, YEAR), path


def test_private_answers_are_never_marked_as_shared(people: dict[str, Client]) -> None:
    for path in ("/", "/lines", "/_dash-layout?m=1", "/_dash-dependencies?v=1", "/?m=1", "/nope.css?v=1"):
        answer = people["analyst"].get(path, PAGE)
        assert answer.headers["Cache-Control"] == "no-store", path
