"""The command line: what it says, what it returns, and that nothing is made twice."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from salescope.cli import main
from services.access import EVERYTHING, NOTHING, RowScope
from services.accounts import SignInError
from services.database import open_database
from services.duck_warehouse import DuckWarehouse
from services.loading import loads
from tests.serving import ALLOWED, ROOT, Installation, Server, free_port, outside, until

PASSWORD = "a password made for this test"
Cli = Callable[..., Result]


@pytest.fixture(scope="session")
def four_people(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with one user per role, to be copied."""
    path = tmp_path_factory.mktemp("people") / "salescope.db"
    engine = open_database(installation.with_new_database(path).settings().database_url)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def people(installation: Installation, four_people: Path, tmp_path: Path) -> Installation:
    """An installation with the sample, and people of this test's own."""
    shutil.copyfile(four_people, tmp_path / "salescope.db")
    return installation.with_database(tmp_path / "salescope.db")


@pytest.fixture
def cli(people: Installation) -> Cli:
    """Return what runs a command, in the installation of `people` unless told otherwise."""

    def run(*words: str, at: Installation = people, **options: str) -> Result:
        given = options.pop("input", None)
        environment = at.environment | {"COLUMNS": "200"} | options
        return CliRunner().invoke(main, list(words), env=environment, input=given, prog_name="salescope")

    return run


def process(*words: str, instance: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = outside(SALESCOPE_INSTANCE=str(instance), PYTHONPATH=f"{ROOT / 'src'}{os.pathsep}{ROOT}", **more)
    command = [sys.executable, "-m", "salescope", *words]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def commands(group: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from commands(command, *path, name)


@pytest.mark.parametrize("path", list(commands(main)), ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_explains_itself(path: tuple[str, ...], flag: str) -> None:
    result = CliRunner().invoke(main, [*path, flag], prog_name="salescope")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: {' '.join(('salescope', *path))}")
    assert len([line for line in result.output.splitlines() if line.strip()]) >= 4


def test_version_is_told() -> None:
    result = CliRunner().invoke(main, ["--version"], prog_name="salescope")
    assert (result.exit_code, result.output) == (0, "salescope, version 0.1.0\n")


def passwords_in(output: str) -> list[str]:
    return re.findall(r"@example\.com\s*│\s*([\w-]{20})\s*│", output)


def test_preparing_twice_doubles_nothing_and_shows_passwords_once(tmp_path: Path) -> None:
    folder = tmp_path / "instance"
    first = process("run", "--no-serve", instance=folder)
    assert first.returncode == 0, first.stderr
    assert "1,067,371 rows read, 1,044,848 kept, 22,523 left out" in first.stdout
    assert len(passwords_in(first.stdout)) == 4
    accounts, before = Installation(folder).accounts(), sorted(folder.rglob("*"))
    assert accounts.sign_in("admin@example.com", passwords_in(first.stdout)[-1], address="", agent="")
    people, key = accounts.list(), (folder / "secret_key").read_bytes()
    assert [each.role for each in people] == ["admin", "analyst", "executive", "manager"]

    second = process("run", "--no-serve", instance=folder)
    assert (second.returncode, second.stdout) == (0, ""), second.stderr
    assert Installation(folder).accounts().list() == people
    assert (folder / "secret_key").read_bytes() == key
    warehouse = DuckWarehouse(folder / "warehouse")
    assert len(loads(warehouse)) == 1
    assert warehouse.live().version == 1
    assert {path for path in folder.rglob("*") if "-wal" not in path.name and "-shm" not in path.name} >= set(before)
    assert not [path for path in folder.rglob("*") if path.name.startswith(".build")]

    everything = "".join(path.read_bytes().decode("latin-1") for path in folder.glob("salescope.db*"))
    assert not [password for password in passwords_in(first.stdout) if password in everything]


def test_run_serves_and_stops(installation: Installation, tmp_path: Path) -> None:
    port = free_port()
    environment = outside(**installation.environment, SALESCOPE_PORT=str(port), SALESCOPE_WORKERS="1")
    environment["PYTHONPATH"] = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    output = tmp_path / "output"
    with (
        output.open("wb") as stream,
        subprocess.Popen(
            [sys.executable, "-m", "salescope", "run"], env=environment, cwd=tmp_path, stdout=stream, stderr=stream
        ) as started,
    ):
        server = Server(port, output, started)
        try:
            assert until(lambda: started.poll() is not None or server.alive(), 120), server.log()
            assert f"http://127.0.0.1:{port}" in server.log()
            assert "Password" not in server.log()
            started.send_signal(signal.SIGTERM)
            assert started.wait(timeout=15) == 0
        finally:
            if started.poll() is None:
                started.kill()


def refused(result: Result, *words: str, code: int = 1) -> bool:
    """Tell whether a command ended with this code and one message that holds the words, and no traceback."""
    said = result.stderr
    return (
        result.exit_code == code
        and "Error:" in said
        and "Traceback" not in said
        and all(word in said for word in words)
        and (result.exception is None or isinstance(result.exception, SystemExit))
    )


def test_user_is_added_with_a_generated_password_shown_once(cli: Cli, people: Installation) -> None:
    result = cli("user", "add", "Ada@Example.com", "--role", "analyst", "--everything", "--name", "Ada")
    assert result.exit_code == 0, result.output
    (password,) = re.findall(r"(?<![\w-])[\w-]{20}(?![\w-])", result.stdout)
    assert people.accounts().sign_in("ada@example.com", password, address="", agent="")
    assert password not in cli("user", "list").output
    (line,) = [line for line in cli("user", "list").stdout.splitlines() if "ada@example.com" in line]
    assert [part.strip() for part in line.split("│")[1:-1]] == [
        "ada@example.com",
        "Ada",
        "analyst",
        "active",
        "all rows",
    ]


def test_user_is_added_with_a_given_password_that_is_not_shown(cli: Cli, people: Installation) -> None:
    words = ("user", "add", "ada@example.com", "--role", "admin", "--everything", "--password-stdin")
    result = cli(*words, input=f"{PASSWORD}\n")
    assert result.exit_code == 0
    assert PASSWORD not in result.output
    assert people.accounts().sign_in("ada@example.com", PASSWORD, address="", agent="")


@pytest.mark.parametrize(
    ("words", "scope"),
    [
        ((), NOTHING),
        (("--everything",), EVERYTHING),
        (("--scope", "country=Spain"), RowScope.of({"country": ["Spain"]})),
        (
            ("--scope", "country=Spain", "--scope", "country=Italy", "--scope", "product_type=Merchandise"),
            RowScope.of({"country": ["Italy", "Spain"], "product_type": ["Merchandise"]}),
        ),
        (("--scope", "country=a=b"), RowScope.of({"country": ["a=b"]})),
    ],
    ids=["nothing", "everything", "one", "several", "equals sign in the value"],
)
def test_scope_is_kept_as_given(cli: Cli, people: Installation, words: tuple[str, ...], scope: RowScope) -> None:
    assert cli("user", "add", "ada@example.com", "--role", "manager", *words).exit_code == 0
    (found,) = [each.scope for each in people.accounts().list() if each.email == "ada@example.com"]
    assert found == scope.describe()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody", "--role", "admin"), "is not an e-mail address"),
        (("", "--role", "admin"), "is not an e-mail address"),
        (("admin@example.com", "--role", "admin"), "There is already a user"),
        (("ADMIN@example.com", "--role", "admin"), "There is already a user"),
        (("ada@example.com", "--role", "manager", "--scope", "Spain"), "write it as country=Germany"),
        (("ada@example.com", "--role", "manager", "--scope", "=Spain"), "write it as country=Germany"),
        (("ada@example.com", "--role", "manager", "--scope", "country="), "write it as country=Germany"),
        (("ada@example.com", "--role", "manager", "--scope", "contry=Spain"), "Did you mean 'country'"),
        (("ada@example.com", "--role", "manager", "--scope", "hour=7"), "There is no dimension 'hour'"),
    ],
)
def test_user_is_refused_with_a_reason(cli: Cli, people: Installation, words: tuple[str, ...], said: str) -> None:
    before = people.accounts().list()
    assert refused(cli("user", "add", *words), said)
    assert people.accounts().list() == before


def test_everything_and_a_scope_together_are_refused(cli: Cli) -> None:
    words = ("user", "add", "ada@example.com", "--role", "manager", "--everything", "--scope", "country=Spain")
    assert cli(*words).exit_code != 0


@pytest.mark.parametrize(
    "words", [("a@b.example",), ("a@b.example", "--role", "king"), ("--role", "admin"), ("x", "y")]
)
def test_mistake_in_the_call_ends_with_2(cli: Cli, words: tuple[str, ...]) -> None:
    assert refused(cli("user", "add", *words), code=2)


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 257])
@pytest.mark.parametrize("words", [("add", "--role", "admin"), ("password",)], ids=["add", "password"])
def test_weak_password_is_refused_and_not_shown(cli: Cli, password: str, words: tuple[str, ...]) -> None:
    email = "ada@example.com" if words[0] == "add" else "admin@example.com"
    result = cli("user", words[0], email, *words[1:], "--password-stdin", input=f"{password}\n")
    assert refused(result, f"{len(password)} characters", "12 to 256")
    assert not password or password not in result.output


def test_new_password_replaces_the_old_one(cli: Cli, people: Installation) -> None:
    result = cli("user", "password", "admin@example.com")
    assert result.exit_code == 0
    password = result.stdout.strip().rpartition(" ")[2]
    assert people.accounts().sign_in("admin@example.com", password, address="", agent="")
    given = cli("user", "password", "admin@example.com", "--password-stdin", input=f"{PASSWORD}\n")
    assert given.stdout == "The password was changed.\n"
    assert people.accounts().sign_in("admin@example.com", PASSWORD, address="", agent="")
    with pytest.raises(SignInError):
        people.accounts().sign_in("admin@example.com", password, address="", agent="")


def test_disabled_user_is_kept_out_until_enabled(cli: Cli, people: Installation) -> None:
    cli("user", "password", "analyst@example.com", "--password-stdin", input=f"{PASSWORD}\n")
    assert cli("user", "disable", "analyst@example.com").stdout == "analyst@example.com is disabled.\n"
    assert re.search(r"analyst@example\.com .*disabled", cli("user", "list").stdout)
    with pytest.raises(SignInError):
        people.accounts().sign_in("analyst@example.com", PASSWORD, address="", agent="")
    assert cli("user", "enable", "analyst@example.com").stdout == "analyst@example.com is enabled.\n"
    assert people.accounts().sign_in("analyst@example.com", PASSWORD, address="", agent="")


def test_last_admin_is_not_disabled(cli: Cli, people: Installation) -> None:
    assert refused(cli("user", "disable", "admin@example.com"), "admin@example.com is the last who may manage people")
    assert people.accounts().account("admin@example.com").active


@pytest.mark.parametrize("command", ["password", "disable", "enable"])
def test_change_of_an_unknown_user_is_refused(cli: Cli, command: str) -> None:
    assert refused(cli("user", command, "none@example.com"), "There is no user 'none@example.com'", "user list")


def test_what_the_operator_did_is_in_the_audit_log(cli: Cli, people: Installation) -> None:
    cli("user", "add", "ada@example.com", "--role", "manager", "--scope", "country=Spain")
    for command in ("password", "disable", "enable"):
        cli("user", command, "ada@example.com")
    found = [(each.action, each.actor, each.detail) for each in people.accounts().events()][::-1]
    assert found == [
        ("user added", "command line", "ada@example.com as manager: country: Spain"),
        ("password reset", "command line", "ada@example.com"),
        ("user disabled", "command line", "ada@example.com"),
        ("user enabled", "command line", "ada@example.com"),
    ]


def test_question_is_answered_with_the_rows_of_the_person_named(cli: Cli) -> None:
    words = ("ask", "revenue by country all data")
    assert {"United Kingdom", "Spain", *ALLOWED} <= first_cells(cli(*words))
    assert first_cells(cli(*words, "--as", "manager@example.com")) == set(ALLOWED)


def first_cells(result: Result) -> set[str]:
    return {line.split("│")[1].strip() for line in result.stdout.splitlines() if "│" in line}


@pytest.mark.parametrize(
    "words",
    [
        ("ask", "--as", "manager@example.com", "revenue of Spain all data"),
        ("ask", "--as", "none@example.com", "revenue"),
        ("forecast", "--as", "manager@example.com", "--where", "country=Spain"),
        ("forecast", "--as", "none@example.com"),
        ("forecast", "--where", "land=Spain"),
        ("forecast", "--measure", "nope"),
    ],
    ids=" ".join,
)
def test_question_or_forecast_beyond_the_rows_or_names_is_refused(cli: Cli, words: tuple[str, ...]) -> None:
    assert refused(cli(*words))


def test_disabled_person_is_answered_nothing(cli: Cli) -> None:
    cli("user", "disable", "manager@example.com")
    assert refused(cli("ask", "--as", "manager@example.com", "revenue"), "is disabled")


@pytest.mark.parametrize("words", [(), ("recipe.yaml", "--sample")], ids=["neither", "both"])
def test_load_needs_either_sources_or_the_sample(cli: Cli, words: tuple[str, ...]) -> None:
    assert refused(cli("load", *words), "Name files, a database URL or a recipe, or use --sample.", code=2)


def test_load_of_a_file_that_does_not_exist_is_refused(cli: Cli, tmp_path: Path) -> None:
    assert refused(cli("load", str(tmp_path / "none.yaml")), "none.yaml", "cannot be read")
    assert refused(cli("load", str(tmp_path / "none.csv")), "There is no file", "none.csv")
    (tmp_path / "empty").mkdir()
    assert refused(cli("load", str(tmp_path / "empty")), "There is no file to look at")
    assert refused(cli("load", str(tmp_path / "none.csv"), "sqlite:///x.db"), "not both", code=2)


def test_load_of_a_broken_recipe_names_file_and_line(cli: Cli, tmp_path: Path, sample_folder: Path) -> None:
    text = (sample_folder / "recipe.yaml").read_text(encoding="utf-8").replace("\nlet:", "\nlett:")
    (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
    line = text[: text.index("\nlett:")].count("\n") + 2
    assert refused(cli("load", str(tmp_path / "recipe.yaml")), f"recipe.yaml, line {line}:", "Did you mean 'let'")


def test_load_of_the_same_data_changes_nothing(cli: Cli) -> None:
    result = cli("load", "--sample")
    assert result.exit_code == 0
    assert "is already loaded with this very content; nothing was changed" in result.stdout
    listed = cli("load", "--list").stdout
    assert [line for line in listed.splitlines() if "1,067,371" in line and "1,044,848" in line and "22,523" in line]


def test_load_of_another_model_is_refused(cli: Cli, tmp_path: Path, sample_folder: Path) -> None:
    for path in sample_folder.iterdir():
        if path.suffix == ".yaml":
            text = path.read_text(encoding="utf-8").replace("name: online_retail_ii", "name: another")
            (tmp_path / path.name).write_text(text, encoding="utf-8")
    assert refused(cli("load", str(tmp_path / "recipe.yaml")), "holds data of the model", "SALESCOPE_INSTANCE")


def test_lists_of_an_empty_installation_say_what_to_do(cli: Cli, tmp_path: Path) -> None:
    empty = Installation(tmp_path / "empty")
    assert cli("init", at=empty).stdout == "The application database is ready.\n"
    assert cli("init", at=empty).exit_code == 0
    assert cli("load", "--list", at=empty).stdout == "Nothing was loaded yet.\n"
    assert "salescope user add" in cli("user", "list", at=empty).stdout


def test_serve_before_init_names_the_command(cli: Cli, tmp_path: Path) -> None:
    assert refused(cli("serve", at=Installation(tmp_path / "empty")), "salescope init")


def test_wrong_setting_is_told_without_a_traceback(cli: Cli) -> None:
    assert refused(cli("init", SALESCOPE_PORT="http"), "SALESCOPE_PORT is 'http'")
    assert refused(cli("init", SALESCOPE_PROT="1"), "Unknown settings: SALESCOPE_PROT")
    weak = cli("init", SALESCOPE_SECRET_KEY="hunter2-hunter2")
    assert refused(weak, "SALESCOPE_SECRET_KEY is too weak")
    assert "hunter2" not in weak.output


UNREACHABLE = [
    "postgresql+psycopg://u:pa55word@127.0.0.1:1/x",
    "nonsense pa55word",
    "nope://u:pa55word@h/x",
    "sqlite:////nowhere/pa55word/x.db",
]


@pytest.mark.parametrize("url", UNREACHABLE)
def test_database_that_cannot_be_reached_is_told_without_a_traceback(cli: Cli, url: str) -> None:
    assert refused(cli("init", SALESCOPE_DATABASE_URL=url), "database")


@pytest.mark.parametrize("url", UNREACHABLE[:3])
@pytest.mark.parametrize("command", ["init", "doctor", "serve"])
def test_password_of_the_database_is_never_shown(cli: Cli, command: str, url: str) -> None:
    result = cli(command, SALESCOPE_DATABASE_URL=url)
    assert result.exit_code == 1
    shown = "".join(traceback.format_exception(result.exception)) if result.exception else ""
    assert "pa55word" not in result.output + shown


def finding(result: Result, subject: str) -> str:
    (line,) = [line for line in result.stdout.splitlines() if re.match(rf"(ok|fault) +{subject}:", line)]
    return line


def test_doctor_finds_a_healthy_installation_healthy(cli: Cli, installation: Installation) -> None:
    result = cli("doctor", at=installation)
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["ok"] * 8
    assert "1,044,848 lines" in finding(result, "Data")
    assert "sqlite, 4 users" in finding(result, "Application database")


@pytest.fixture
def copy(installation: Installation, tmp_path: Path) -> Installation:
    return installation.copied_to(tmp_path / "copy")


def test_doctor_finds_a_damaged_snapshot(cli: Cli, copy: Installation) -> None:
    snapshot = copy.folder / "warehouse" / "0001.duckdb"
    content = bytearray(snapshot.read_bytes())
    content[len(content) // 2] ^= 1
    snapshot.unlink()
    snapshot.write_bytes(content)
    result = cli("doctor", at=copy)
    assert result.exit_code == 1
    assert "fault" in finding(result, "Data")
    assert all(word in finding(result, "Data") for word in ("0001.duckdb", "damaged", "checksum"))
    assert finding(result, "Application database").startswith("ok")


def test_doctor_finds_a_missing_snapshot(cli: Cli, copy: Installation) -> None:
    (copy.folder / "warehouse" / "0001.duckdb").unlink()
    result = cli("doctor", at=copy)
    assert (result.exit_code, finding(result, "Data").split()[0]) == (1, "fault")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1}', "\x00" * 50], ids=ascii)
def test_doctor_finds_a_damaged_pointer(cli: Cli, copy: Installation, content: str) -> None:
    (copy.folder / "warehouse" / "CURRENT").write_text(content)
    result = cli("doctor", at=copy)
    assert (result.exit_code, finding(result, "Data").split()[0]) == (1, "fault")


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o707, 0o777])
def test_doctor_finds_a_folder_open_to_others(cli: Cli, copy: Installation, mode: int) -> None:
    copy.folder.chmod(mode)
    result = cli("doctor", at=copy)
    assert result.exit_code == 1
    assert f"is open to others (mode {mode:o}). Run: chmod 700 {copy.folder}" in finding(result, "Instance folder")


def test_doctor_finds_a_missing_database(cli: Cli, copy: Installation) -> None:
    for path in copy.folder.glob("salescope.db*"):
        path.unlink()
    result = cli("doctor", at=copy)
    assert result.exit_code == 1
    assert "Run: salescope init" in finding(result, "Application database")
    assert finding(result, "Data").startswith("ok")


def test_doctor_finds_a_database_that_is_none(cli: Cli, copy: Installation) -> None:
    for path in copy.folder.glob("salescope.db*"):
        path.unlink()
    (copy.folder / "salescope.db").write_bytes(b"this is no database" * 100)
    result = cli("doctor", at=copy)
    assert (result.exit_code, finding(result, "Application database").split()[0]) == (1, "fault")


def test_doctor_finds_that_nobody_is_admin(cli: Cli, copy: Installation) -> None:
    # The product itself keeps the last admin.
    with contextlib.closing(sqlite3.connect(copy.folder / "salescope.db")) as database, database:
        database.execute("UPDATE users SET active = 0 WHERE email = 'admin@example.com'")
    result = cli("doctor", at=copy)
    assert result.exit_code == 1
    assert "salescope user add" in finding(result, "Application database")


def test_doctor_finds_a_broken_model_by_file_and_line(cli: Cli, copy: Installation) -> None:
    path = copy.folder / "models" / "online_retail_ii" / "model.yaml"
    text = path.read_text(encoding="utf-8")
    broken = text.replace("    expression: sum(revenue)", "    expression: sum(revenu)", 1)
    path.write_text(broken, encoding="utf-8")
    line = broken[: broken.index("sum(revenu)")].count("\n") + 1
    result = cli("doctor", at=copy)
    assert result.exit_code == 1
    assert f"{path}, line {line}:" in finding(result, "Model")
    assert refused(cli("serve", at=copy), f"{path}, line {line}:")


def test_doctor_finds_missing_data(cli: Cli, copy: Installation) -> None:
    shutil.rmtree(copy.folder / "warehouse")
    result = cli("doctor", at=copy)
    assert result.exit_code == 0
    assert "none yet" in finding(result, "Data")
    assert "salescope load" in finding(result, "Data")


def test_doctor_finds_wrong_settings(cli: Cli) -> None:
    result = cli("doctor", SALESCOPE_PORT="http")
    assert result.exit_code == 1
    assert "SALESCOPE_PORT is 'http'" in finding(result, "Settings")


def test_doctor_changes_nothing(cli: Cli, copy: Installation) -> None:
    def state() -> dict[str, object]:
        """Every file but the database, which SQLite tidies when it is closed: of that all rows."""
        files = (path for path in copy.folder.rglob("*") if path.is_file() and "salescope.db" not in path.name)
        with contextlib.closing(sqlite3.connect(copy.folder / "salescope.db")) as database:
            return {str(path): path.read_bytes() for path in files} | {"rows": list(database.iterdump())}

    before = state()
    cli("doctor", at=copy)
    assert state() == before
