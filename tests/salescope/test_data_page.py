"""The Data page behind the gate: its routes, what they refuse, and what the page shows for an address."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import flask
import pytest
from flask.testing import FlaskClient

from salescope import installation as house
from salescope.app import create_app
from services.dataroom import DataRoom
from services.errors import AccessDeniedError
from services.workbench import Workbench
from tests.client import callback_body
from tests.factories import viewer_of
from tests.salescope.conftest import Visit, close
from tests.serving import PASSWORDS, Installation, email_of

MEGABYTE = 1024 * 1024
UPLOADS = "/data/uploads"
ROUTES = (
    ("POST", UPLOADS),
    ("PUT", f"{UPLOADS}/{'0' * 32}?name=a.csv"),
    ("GET", f"/data/rejects/{'0' * 32}.csv"),
    ("GET", "/data/loads/0/rejects.csv"),
    ("GET", "/data/recipe.yaml"),
)


@pytest.fixture(scope="module")
def small(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FlaskClient]]:
    """One client per role of an application that takes files of one megabyte; nobody failed to sign in there."""
    own = installation.with_new_database(tmp_path_factory.mktemp("people") / "people.db")
    app = create_app(own.settings(SALESCOPE_UPLOAD_MB="1"))
    clients = {}
    for role, password in PASSWORDS.items():
        clients[role] = app.test_client()
        clients[role].post("/signin", data={"email": email_of(role), "password": password})
    yield clients
    close(app)


@pytest.fixture(scope="module")
def work(small: dict[str, FlaskClient]) -> str:
    answer = small["analyst"].post(UPLOADS, json={})
    assert answer.status_code == 201
    return str(answer.get_json()["work"])


def bench(installation: Installation, work: str) -> Workbench:
    return Workbench(installation.folder / "uploads" / work)


def files(installation: Installation, work: str) -> list[Path]:
    return sorted((installation.folder / "uploads" / work / "files").glob("*"))


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("role", ["executive", "manager"])
def test_routes_are_shut_to_other_roles(signed_in: dict[str, FlaskClient], role: str, method: str, path: str) -> None:
    assert signed_in[role].open(path, method=method, data=b"x").status_code == 403


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_routes_are_shut_to_nobody_and_to_other_sites(
    app: flask.Flask, signed_in: dict[str, FlaskClient], method: str, path: str
) -> None:
    assert app.test_client().open(path, method=method).status_code == 401
    if method != "GET":
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert signed_in["analyst"].open(path, method=method, headers=headers).status_code == 403


@pytest.mark.parametrize("role", ["executive", "manager"])
def test_callbacks_of_the_page_are_shut_to_other_roles(signed_in: dict[str, FlaskClient], role: str) -> None:
    rows = signed_in["admin"].get("/_dash-dependencies").get_json()
    own = [row for row in rows if "data-" in row["output"] + str(row["inputs"]) and not row["clientside_function"]]
    assert len(own) == 3
    hidden = [row["output"] for row in signed_in[role].get("/_dash-dependencies").get_json()]
    for row in own:
        assert row["output"] not in hidden
        answer = signed_in[role].post("/_dash-update-component", json=callback_body(row, {}))
        assert answer.status_code == 403


def test_a_file_arrives_whole_under_a_name_of_ours(
    installation: Installation, small: dict[str, FlaskClient], work: str
) -> None:
    content = bytes(range(256)) * 4000
    hostile = "..\\..\\/etc/pass\x00wd\x1b[31m" + "x" * 300 + ".csv"
    for _ in range(2):
        answer = small["analyst"].put(f"{UPLOADS}/{work}", query_string={"name": hostile}, data=content)
        assert answer.status_code == 201
    kept = bench(installation, work).work.files
    assert [file.path.read_bytes() for file in kept] == [content] * 2
    assert len({file.name for file in kept}) == 2
    for file in kept:
        assert file.path.parent == installation.folder / "uploads" / work / "files"
        assert file.name.isprintable()
        assert file.name.startswith("pass wd")
        assert file.name.endswith(".csv")
        assert len(file.name) < 130


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_a_file_beyond_the_limit_is_refused_and_leaves_nothing(
    installation: Installation, small: dict[str, FlaskClient], work: str, *, announced: bool
) -> None:
    before = files(installation, work)
    content = io.BytesIO(b"x" * (MEGABYTE + 1))
    length = {} if announced else {"Transfer-Encoding": "chunked"}
    answer = small["analyst"].put(
        f"{UPLOADS}/{work}?name=a.csv",
        input_stream=content,
        content_length=MEGABYTE + 1 if announced else None,
        headers=length,
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413
    assert files(installation, work) == before


def test_a_file_that_breaks_off_leaves_nothing(
    installation: Installation, small: dict[str, FlaskClient], work: str
) -> None:
    before = files(installation, work)
    # Gunicorn says that its stream ends by itself.
    length = {"CONTENT_LENGTH": "1000", "wsgi.input_terminated": True}
    answer = small["analyst"].put(f"{UPLOADS}/{work}?name=a.csv", data=b"a,b\n", environ_overrides=length)
    assert answer.status_code == 400
    assert files(installation, work) == before


def test_other_requests_keep_their_limit(small: dict[str, FlaskClient]) -> None:
    answer = small["analyst"].post(UPLOADS, data=b"{" + b" " * 3 * MEGABYTE, content_type="application/json")
    assert answer.status_code in {201, 413}
    body = b'{"output":"' + b"x" * 3 * MEGABYTE + b'"}'
    answer = small["analyst"].post("/_dash-update-component", data=body, content_type="application/json")
    assert answer.status_code == 413


def test_somebody_elses_work_is_as_unknown_as_none(small: dict[str, FlaskClient], work: str, visit: Visit) -> None:
    for place in (work, "0" * 32, "..", "%2e%2e", "a.b"):
        told = small["admin"].put(f"{UPLOADS}/{place}?name=a.csv", data=b"x")
        assert told.status_code in {400, 404}
        if told.status_code == 400:
            assert "no longer there" in told.get_json()["error"]
        assert small["admin"].get(f"/data/rejects/{place}.csv").status_code == 404
    shown = [visit("admin", "/data", f"?work={place}") for place in (work, "0" * 32)]
    assert shown[0] == shown[1].replace("0" * 32, work)
    assert "no longer there" in shown[0]


def test_an_encoded_file_is_refused(small: dict[str, FlaskClient], work: str) -> None:
    answer = small["analyst"].put(f"{UPLOADS}/{work}?name=a.csv", data=b"x", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_recipe_is_handed_out_as_a_file(small: dict[str, FlaskClient]) -> None:
    answer = small["analyst"].get("/data/recipe.yaml")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == "attachment; filename=recipe.yaml"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "recipe: 1" in answer.text


def test_reject_reports_are_handed_out_as_files(small: dict[str, FlaskClient]) -> None:
    with small["analyst"].get("/data/loads/0/rejects.csv") as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"] == "attachment; filename=rejects-of-load-0.csv"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.get_data(as_text=True).startswith("source,row,column,value,reason\r\n")
    answer = small["analyst"].get("/data/loads/99/rejects.csv")
    assert answer.status_code == 404
    assert "no reject report" in answer.get_json()["error"]


@pytest.mark.parametrize("search", ["?job=nope", "?job=" + "x" * 5000, "?work=../..", "?work=", "?job=%00", "?saved=x"])
def test_addresses_that_name_nothing(visit: Visit, search: str) -> None:
    shown = visit("analyst", "/data", search)
    assert "Something went wrong" not in shown
    assert "is not there" in shown or "Bring your own data" in shown


def ask(client: FlaskClient, asked: object) -> str:
    rows = client.get("/_dash-dependencies").get_json()
    (row,) = [row for row in rows if "data-asked" in str(row["inputs"])]
    answer = client.post("/_dash-update-component", json=callback_body(row, {"data-asked.data": asked}))
    assert answer.status_code in {200, 204}, answer.text
    return str(answer.text)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("nonsense", "not understood"),
        ([1, 2], "not understood"),
        ({"do": "look", "edits": "all"}, "not understood: edits"),
        ({"do": "load", "work": "0" * 32, "mode": "both"}, "not understood: mode"),
        ({"do": "look", "sudo": True}, "not understood: sudo"),
        ({"do": "destroy"}, "cannot 'destroy'"),
        ({"do": "load", "work": "0" * 32}, "no longer there"),
        ({"do": "cancel", "job": "nope"}, "no job 'nope'"),
        ({"do": "model", "text": "model: 1\nnaame: x"}, "line 2"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_page_cannot_do_is_said(signed_in: dict[str, FlaskClient], asked: object, words: str) -> None:
    told = json.loads(ask(signed_in["analyst"], asked))
    assert words in json.dumps(told["sideUpdate"]["data-said"])


def test_nothing_is_asked_when_the_page_appears(signed_in: dict[str, FlaskClient]) -> None:
    assert "data-said" not in ask(signed_in["analyst"], None)


def test_start_of_the_page_lists_the_load_and_the_model(visit: Visit) -> None:
    shown = visit("analyst", "/data", "")
    assert "In force" in shown
    assert "Save the model" in shown
    assert "Take load 0 back?" in shown


def test_room_refuses_other_roles_itself(installation: Installation, app: flask.Flask) -> None:
    settings = installation.settings()
    store = app.extensions["salescope"]["sales"]._warehouse
    room: DataRoom = house.data_room(settings, store, installation.accounts()._engine)
    someone = viewer_of("manager")
    for call in (
        lambda: room.open(someone),
        lambda: room.unfinished(someone),
        lambda: room.running(someone),
        lambda: room.recipe(someone),
        lambda: room.recipe_text(someone),
        lambda: room.receive("x", "a", io.BytesIO(), someone),
    ):
        with pytest.raises(AccessDeniedError):
            call()
