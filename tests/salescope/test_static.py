"""Static files: compressed once per file, whole in every form, anew when the file changed."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import flask
import pytest
from flask.testing import FlaskClient

from salescope import bundle, static
from salescope.static import StaticFiles

DECODE = {"br": brotli.decompress, "gzip": gzip.decompress}
TEXT = "let answer = 42; // and so on\n" * 200


@pytest.fixture
def small(tmp_path: Path) -> FlaskClient:
    """A server with one folder of assets, as Dash registers them."""
    server = flask.Flask("small", static_folder=None)
    server.register_blueprint(
        flask.Blueprint("_dash_assets", __name__, static_folder=str(tmp_path), static_url_path="/assets")
    )
    server.after_request(StaticFiles().finish)
    (tmp_path / "app.js").write_text(TEXT)
    (tmp_path / "small.js").write_text("1")
    (tmp_path / "photo.png").write_bytes(os.urandom(2_000))
    return server.test_client()


def get(client: FlaskClient, path: str, encoding: str = "gzip, deflate, br", **headers: str) -> flask.Response:
    return client.get(path, headers={"Accept-Encoding": encoding} | headers, buffered=True)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("br", "br"), ("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("*", "br")],
)
def test_file_is_whole_in_every_form(small: FlaskClient, accepted: str, encoding: str) -> None:
    for _ in range(2):
        answer = get(small, "/assets/app.js", accepted)
        assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, encoding)
        assert int(answer.headers["Content-Length"]) == len(answer.data) < len(TEXT) / 10
        assert DECODE[encoding](answer.data).decode() == TEXT


@pytest.mark.parametrize(
    ("path", "accepted"),
    [("/assets/app.js", ""), ("/assets/app.js", "identity"), ("/assets/small.js", "br"), ("/assets/photo.png", "br")],
)
def test_what_gains_nothing_stays_as_it_is(small: FlaskClient, path: str, accepted: str) -> None:
    answer = get(small, path, accepted)
    assert (answer.status_code, answer.headers.get("Content-Encoding")) == (200, None)
    assert len(answer.data) == int(answer.headers["Content-Length"])


def test_file_is_compressed_once(small: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list[int]()
    compress = static.ENCODINGS["br"]

    def counted(body: bytes) -> bytes:
        calls.append(len(body))
        return compress(body)

    monkeypatch.setattr(static, "ENCODINGS", {"br": counted})
    assert len({get(small, f"/assets/app.js?v={number}").data for number in range(5)}) == 1
    assert calls == [len(TEXT)]


def test_changed_file_is_compressed_anew(small: FlaskClient, tmp_path: Path) -> None:
    before = get(small, "/assets/app.js")
    (tmp_path / "app.js").write_text(TEXT.replace("42", "43"))
    os.utime(tmp_path / "app.js", (1, 1))
    after = get(small, "/assets/app.js")
    assert brotli.decompress(after.data).decode() == TEXT.replace("42", "43")
    assert after.headers["ETag"] != before.headers["ETag"]


def test_browser_that_has_the_file_gets_none(small: FlaskClient) -> None:
    tag = get(small, "/assets/app.js").headers["ETag"]
    again = get(small, "/assets/app.js", **{"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    other = get(small, "/assets/app.js", "gzip", **{"If-None-Match": tag})
    assert (other.status_code, gzip.decompress(other.data).decode()) == (200, TEXT)


def test_part_of_a_file_is_that_part(small: FlaskClient) -> None:
    answer = get(small, "/assets/app.js", Range="bytes=4-9")
    assert (answer.status_code, answer.data) == (206, b"answer")


def test_missing_files_are_not_kept(small: FlaskClient) -> None:
    for _ in range(2):
        assert get(small, "/assets/nope.js").status_code == 404


def test_scripts_of_the_page_are_whole(signed_in: dict[str, FlaskClient]) -> None:
    client = signed_in["analyst"]
    scripts = [path.replace("&amp;", "&") for path in re.findall(r"<script src=\"([^\"]+)\"", client.get("/").text)]
    assert len(scripts) > 5
    eager = []
    for path in scripts:
        plain, packed = get(client, path, "identity"), get(client, path)
        if len(plain.data) >= static.MIN_BYTES:
            body = brotli.decompress(packed.data)
            assert body.removeprefix(static.HINT) == plain.data.removeprefix(static.HINT), path
            eager += [path] if body.startswith(static.HINT) else []
            assert "Accept-Encoding" in packed.headers["Vary"]
            assert packed.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for name in ("plotly", "dash_renderer", "react-dom"):
        assert any(name in path for path in eager), name


def test_best_form_of_a_vendored_file_is_the_file() -> None:
    for made in (bundle.ASSETS / "vendor").glob("*.br"):
        assert brotli.decompress(made.read_bytes()) == made.with_suffix("").read_bytes(), made.name


def test_bundles_hold_every_file_of_ours() -> None:
    server = flask.Flask("bundles", static_folder=None)
    addresses = bundle.install(server)
    for kind, address in addresses.items():
        body = server.test_client().get(address).data
        own = [path for path in (bundle.ASSETS / "salescope").glob(f"*.{kind}") if path.name not in bundle.ALONE]
        assert own
        assert all(path.read_bytes() in body for path in own)
    assert server.test_client().get("/assets/all.py").status_code == 404
