"""The application: what it needs to start, its health, its error pages, and addresses that make no sense."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient

from salescope import installation as product
from salescope.app import create_app
from services.errors import AwayError, DefinitionError, NotReadyError, SalescopeError
from services.model import EMPTY
from tests.salescope.conftest import Visit
from tests.serving import ROOT, Installation, email_of

MODEL = ROOT / "data" / "online_retail_ii" / "model.yaml"


def test_start_before_init_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="salescope init"):
        create_app(Installation(tmp_path).settings())


def test_an_installation_without_data_says_so(tmp_path: Path) -> None:
    settings = Installation(tmp_path).settings()
    product.init(settings)
    server = create_app(settings)
    assert server.test_client().get("/readyz").status_code == 200
    assert server.extensions["salescope"]["sales"].model is EMPTY


def test_a_model_without_data_is_not_in_use(tmp_path: Path) -> None:
    settings = Installation(tmp_path).settings()
    product.init(settings)
    product.model_files(settings).save("online_retail_ii", {"model.yaml": MODEL.read_text(encoding="utf-8")})
    assert create_app(settings).extensions["salescope"]["sales"].model is EMPTY


def changed_model(folder: Path, old: str, new: str) -> tuple[Path, int]:
    """Return a copy of the sample's model with one line changed, and the number of that line."""
    text = MODEL.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    line = text[: text.index(old)].count("\n") + 1
    path = folder / "broken.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path, line


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    expression: sum(revenue)", "    expression: sum(revenu)", "revenu"),
        ("    expression: sum(revenue)", "    expression: __import__('os').system('id')", "expression"),
        ("    format: currency", "    fromat: currency", "Did you mean 'format'"),
        ("    column: country", "    column: land", "land"),
        ("model: 1", "model: 2", "2"),
        ("title: Online", "title: [Online", "YAML"),
        ("  period: ytd", "  period: ytd\n  perod: x", "perod"),
    ],
    ids=["unknown name", "code", "misspelt key", "unknown column", "version", "not YAML", "one key too many"],
)
def test_broken_model_stops_the_start_with_file_and_line(
    installation: Installation, tmp_path: Path, old: str, new: str, said: str
) -> None:
    path, line = changed_model(tmp_path, old, new)
    with pytest.raises(DefinitionError) as refused:
        create_app(installation.settings(SALESCOPE_MODEL=str(path)))
    assert str(path) in str(refused.value)
    assert said in str(refused.value)
    assert abs(refused.value.line - line) <= 2, str(refused.value)


def test_model_of_other_data_stops_the_start(installation: Installation, tmp_path: Path) -> None:
    path, _ = changed_model(tmp_path, "name: online_retail_ii", "name: another_shop")
    with pytest.raises(NotReadyError, match="another_shop"):
        create_app(installation.settings(SALESCOPE_MODEL=str(path)))


def test_model_that_does_not_exist_stops_the_start(installation: Installation, tmp_path: Path) -> None:
    with pytest.raises(SalescopeError):
        create_app(installation.settings(SALESCOPE_MODEL=str(tmp_path / "nowhere.yaml")))


def test_configuration_holds_what_the_settings_say(installation: Installation) -> None:
    settings = installation.settings(SALESCOPE_MAX_BODY_MB="7", SALESCOPE_TRUSTED_HOSTS="a.example,b.example")
    config = create_app(settings).config
    assert config["SECRET_KEY"] == settings.secret_key
    assert config["MAX_CONTENT_LENGTH"] == 7 * 1024 * 1024
    assert config["TRUSTED_HOSTS"] == ["a.example", "b.example"]
    assert (config["DEBUG"], config["TESTING"]) == (False, False)


def test_dash_is_set_up_without_its_open_doors(app: flask.Flask) -> None:
    dash_app = app.extensions["salescope"]["dash"]
    assert dash_app.config.suppress_callback_exceptions
    assert dash_app.validation_layout is None
    assert not dash_app._enable_mcp
    assert not dash_app._dev_tools.ui
    assert not dash_app.callback_api_paths


@pytest.mark.parametrize(("path", "status"), [("/healthz", "alive"), ("/readyz", "ready")])
def test_health_is_told_to_anybody(app: flask.Flask, path: str, status: str) -> None:
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.get_json()) == (200, {"status": status})


def test_readiness_is_lost_with_the_data_and_comes_back(installation: Installation, tmp_path: Path) -> None:
    copy = installation.copied_to(tmp_path / "instance")
    client = create_app(copy.settings()).test_client()
    current = copy.folder / "warehouse" / "CURRENT"
    current.rename(tmp_path / "CURRENT")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (503, {"status": "not ready"})
    assert client.get("/healthz").status_code == 200
    (tmp_path / "CURRENT").rename(current)
    assert client.get("/readyz").status_code == 200


def test_readiness_is_lost_with_the_database(installation: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "database"
    folder.mkdir()
    other = installation.with_new_database(folder / "salescope.db")
    client = create_app(other.settings()).test_client()
    assert client.get("/readyz").status_code == 200
    (folder / "salescope.db").rename(folder / "away")
    (folder / "salescope.db").mkdir()
    client.application.extensions["salescope"]["accounts"]._engine.dispose()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (503, {"status": "not ready"})


@pytest.mark.parametrize("path", ["/nope", "/lines/", "/assets/nope.css"])
def test_unknown_address_says_so(signed_in: dict[str, FlaskClient], path: str) -> None:
    answer = signed_in["analyst"].get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert "Go to the Overview" in answer.text


def test_page_of_another_role_says_so(signed_in: dict[str, FlaskClient]) -> None:
    answer = signed_in["executive"].get("/lines", headers={"Accept": "text/html"})
    assert answer.status_code == 403
    words = "Order lines needs the permission 'lines:view', which the role 'executive' does not have."
    assert f"{words} An admin can change your role." in html.unescape(answer.text)
    assert signed_in["executive"].get("/lines").get_json() == {"error": f"{words} An admin can change your role."}


def test_cancel_stops_what_runs_for_the_viewer(app: flask.Flask, signed_in: dict[str, FlaskClient]) -> None:
    parts = app.extensions["salescope"]
    who = [parts["accounts"].as_viewer(email_of(role)) for role in ("analyst", "manager")]
    mine, others = (parts["sales"]._cancelling.watch(each.user_id) for each in who)
    assert app.test_client().post("/queries/stop").status_code == 401
    assert not mine()
    assert signed_in["analyst"].post("/queries/stop").status_code == 204
    assert (mine(), others()) == (True, False)


def test_error_for_a_program_is_json(signed_in: dict[str, FlaskClient]) -> None:
    answer = signed_in["executive"].post("/_dash-update-component", json={})
    assert answer.status_code == 400
    assert answer.get_json() == {"error": "This is not a callback request."}


def test_unforeseen_error_is_told_by_a_number_that_stands_in_the_log(
    signed_in: dict[str, FlaskClient],
    app: flask.Flask,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(**_: Any) -> str:
        raise ZeroDivisionError("the password is hunter2")

    monkeypatch.setitem(app.view_functions, "/_reload-hash", fail)
    answer = signed_in["analyst"].get("/_reload-hash", headers={"Accept": "application/json"})
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "ZeroDivision" not in answer.text
    number = answer.get_json()["error"].rpartition("(error ")[2].rstrip(").")
    assert number in caplog.text
    page = signed_in["analyst"].get("/_reload-hash", headers={"Accept": "text/html"})
    assert page.status_code == 500
    assert "Something went wrong on our side" in page.text


@pytest.mark.parametrize("path", ["/nope", "/lines/", "/LINES", "/<script>alert(1)</script>", "/%2e%2e"])
def test_unknown_page_says_so(visit: Visit, path: str) -> None:
    shown = visit("analyst", path, "")
    assert "There is no such page" in shown
    assert "Not found" in shown


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("?period=fortnight", "There is no period 'fortnight'"),
        ("?contry=Spain", "Did you mean 'country'"),
        ("?from=2011-13-01&to=2011-01-01", "The period was left as it was"),
        ("?from=2011-02-01&to=2011-01-01", "swap the two dates"),
        ("?from=2011-02-01", "needs a first and a last day"),
        ("?country.roughly=Spain", "There is no filter operator 'roughly'"),
        ("?country=" + "a" * 600, "longer than 500 characters"),
        ("?sort=-nope", "nope"),
        ("?utm_source=mail", "utm_source=mail was ignored"),
        ("?" + "&".join(f"country={number}" for number in range(1_001)), "allowed: 1 to 1000"),
    ],
    ids=lambda value: value[:40],
)
@pytest.mark.parametrize("path", ["/", "/lines"])
def test_malformed_parameter_gives_the_page_and_a_notice(visit: Visit, path: str, search: str, said: str) -> None:
    shown = visit("analyst", path, search)
    assert "was not used" in shown
    assert said in shown
    assert "Something went wrong" not in shown


def test_comparison_that_does_not_exist_gives_a_notice(visit: Visit) -> None:
    assert "There is no comparison 'twin'" in visit("analyst", "/", "?compare=twin")


def test_several_problems_are_all_told(visit: Visit) -> None:
    shown = visit("analyst", "/", "?period=x&a=1&b=2&country=Spain")
    assert shown.count("was ignored") == 2
    assert "The period was left as it was" in shown


@pytest.mark.parametrize("search", ["?product=nope", "?country=nope&product=nope"])
def test_value_that_nobody_sold_gives_the_page(visit: Visit, search: str) -> None:
    assert "Something went wrong" not in visit("analyst", "/", search)


def test_a_database_that_is_away_is_said_with_a_time_to_try_again(installation: Installation) -> None:
    server = create_app(installation.settings())

    def away() -> str:
        raise AwayError("The database does not answer.")

    server.view_functions["healthz"] = away
    answer = server.test_client().get("/healthz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.get_json() == {"error": "The database does not answer. Try again in a few seconds."}


def test_numbers_and_dates_are_written_as_the_person_wants(app: flask.Flask, visit: Visit) -> None:
    assert "£9.83M" in visit("executive", "/", "")
    accounts = app.extensions["salescope"]["accounts"]
    (executive,) = {each.user_id: each for each in accounts.signed_in() if each.role == "executive"}.values()
    accounts.write_as(executive, "de_DE")
    try:
        shown = visit("executive", "/", "")
        assert "9,83\\u00a0Mio.\\u00a0£" in shown or "9,83\xa0Mio.\xa0£" in shown
        assert "9 Dez." in shown
        assert '"separators":",."' in shown
        assert "£9.83M" in visit("analyst", "/", "")
        with pytest.raises(SalescopeError, match="Choose one of en_GB"):
            accounts.write_as(executive, "klingon")
    finally:
        accounts.write_as(executive, "model")
    assert "£9.83M" in visit("executive", "/", "")


def test_first_page_comes_with_the_layout(signed_in: dict[str, FlaskClient]) -> None:
    layout = signed_in["manager"].get("/_dash-layout", query_string={"at": "/trends?period=last_year"}).text
    assert '"trends-tiles"' in layout
    assert '{"pathname":"/trends","search":"?period=last_year"}' in layout
    refused = signed_in["executive"].get("/_dash-layout", query_string={"at": "/data"}).text
    assert "Not for your role" in refused
    for at in ("/lines", "/nope", "/" + "x" * 20_000):
        alone = signed_in["analyst"].get("/_dash-layout", query_string={"at": at})
        assert '"bones"' in alone.text, at[:20]
