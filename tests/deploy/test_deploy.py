"""What the container files, the Procfile and the secrets script promise, held without a container engine."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from salescope.settings import SETTINGS, Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
APPLICATION = ("app", "init")
SERVICES = (*APPLICATION, "database", "cache")
LONG_RUNNING = ("app", "database", "cache")
SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|KEY|CREDENTIAL|DATABASE_URL|CACHE_URL")


class Instruction(NamedTuple):
    keyword: str
    value: str


def instructions(text: str) -> list[Instruction]:
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    lines = [line.strip() for line in re.sub(r"\\\n\s*", "", code).splitlines()]
    return [
        Instruction(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line)
    ]


def dockerfile() -> list[Instruction]:
    return instructions((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))


def stages() -> list[list[Instruction]]:
    found: list[list[Instruction]] = []
    for instruction in dockerfile():
        if instruction.keyword == "FROM":
            found.append([])
        if found:
            found[-1].append(instruction)
    return found


def values(stage: list[Instruction], keyword: str) -> list[str]:
    return [value for word, value in stage if word == keyword]


def assignments(stage: list[Instruction], keyword: str) -> dict[str, str]:
    words = [word for value in values(stage, keyword) for word in shlex.split(value)]
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def context_sources() -> list[str]:
    copies = [shlex.split(value) for stage in stages() for value in values(stage, "COPY")]
    return [source for words in copies if not words[0].startswith("--from=") for source in words[:-1]]


def sent_to_builder(path: str) -> bool:
    sent = True
    for pattern in (ROOT / ".dockerignore").read_text(encoding="utf-8").split():
        bare = pattern.removeprefix("!")
        folders = [path, *(str(parent) for parent in Path(path).parents)]
        if any(fnmatch(folder, bare) or fnmatch(f"/{folder}", bare.replace("**/", "*/")) for folder in folders):
            sent = pattern.startswith("!")
    return sent


def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return content


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def size_in_bytes(size: str) -> int:
    found = re.fullmatch(r"(\d+)([kmg])b?", size.lower())
    assert found, size
    return int(found[1]) << {"k": 10, "m": 20, "g": 30}[found[2]]


def interpolated(value: str, given: dict[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        return given.get(match["name"]) or match["default"] or ""

    return re.sub(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]*)\}", replace, value)


def make_secrets(folder: Path) -> None:
    subprocess.run(["sh", str(DEPLOY / "secrets.sh"), str(folder)], check=True, timeout=10)


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="ascii").strip() for path in folder.iterdir()}


def deploy_texts() -> Iterator[tuple[str, str]]:
    skipped = {"vendor", "secrets", "__pycache__", ".env"}
    for path in [ROOT / "Procfile", *sorted(DEPLOY.iterdir())]:
        if path.is_file() and path.name not in skipped:
            yield path.name, path.read_text(encoding="utf-8")


def test_image_is_built_in_stages_and_the_last_one_installs_no_python_package() -> None:
    assert len(stages()) >= 2
    assert not [value for value in values(stages()[-1], "RUN") if "pip" in value]


def test_base_image_is_a_named_slim_python_311_for_every_stage() -> None:
    arguments = dict(value.split("=", 1) for word, value in dockerfile() if word == "ARG")
    assert re.fullmatch(r"python:3\.11(\.\d+)?-slim-[a-z]+|python@sha256:[0-9a-f]{64}", arguments["PYTHON_IMAGE"])
    assert all(values(stage, "FROM")[0].startswith("${PYTHON_IMAGE}") for stage in stages())


def test_image_runs_as_a_user_without_rights_and_without_a_name_lookup() -> None:
    last = stages()[-1]
    assert values(last, "USER") == ["10001:10001"]
    assert [word for word, _ in last].index("USER") > max(i for i, (word, _) in enumerate(last) if word == "RUN")


def test_image_takes_packages_by_hash_and_nothing_else_from_the_network() -> None:
    everything = dockerfile()
    installs = [value for word, value in everything if word == "RUN" and re.search(r"\bpip\b.*\binstall\b", value)]
    assert not values(everything, "ADD")
    assert not [value for word, value in everything if word == "RUN" and re.search(r"\b(curl|wget|git)\b", value)]
    assert installs
    assert all("--require-hashes" in value and "--only-binary=:all:" in value for value in installs)


def test_image_copies_what_exists_and_what_the_ignore_file_lets_through() -> None:
    assert context_sources()
    for source in context_sources():
        assert (ROOT / source).exists(), source
        assert sent_to_builder(source), source


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        "deploy/.env",
        "deploy/secrets/secret_key",
        "instance/secret_key",
        "src/salescope.egg-info/PKG-INFO",
        "src/salescope/__pycache__/settings.cpython-311.pyc",
        "tests/deploy/test_deploy.py",
    ],
)
def test_build_context_leaves_out(path: str) -> None:
    assert not sent_to_builder(path)


def test_image_carries_no_secret() -> None:
    for stage in [dockerfile(), *stages()]:
        names = [*assignments(stage, "ENV"), *assignments(stage, "ARG")]
        assert [name for name in names if SECRET_NAME.search(name)] == []
    assert "secrets" not in " ".join(context_sources())


def test_image_writes_only_to_its_volume() -> None:
    last = stages()[-1]
    environment = assignments(last, "ENV")
    assert yaml.safe_load(values(last, "VOLUME")[0]) == [environment["SALESCOPE_INSTANCE"]]
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
    assert environment["HOME"] == "/tmp"
    assert any("compileall" in value for stage in stages() for value in values(stage, "RUN"))


def test_image_checks_the_liveness_address_with_a_file_it_holds() -> None:
    command = yaml.safe_load(values(stages()[-1], "HEALTHCHECK")[0].partition("CMD ")[2])
    assert command == ["python", "deploy/healthcheck.py", "/healthz"]
    assert command[1] in context_sources()


def test_image_and_procfile_start_the_same_server() -> None:
    procfile = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines())
    assert yaml.safe_load(values(stages()[-1], "CMD")[0]) == shlex.split(procfile["web"])
    assert procfile["release"].endswith("python -m salescope init")
    assert values(stages()[-1], "STOPSIGNAL") == ["SIGTERM"]
    assert values(stages()[-1], "EXPOSE") == [assignments(stages()[-1], "ENV")["SALESCOPE_PORT"]]


def test_compose_has_the_services_tested_here() -> None:
    assert set(compose()["services"]) == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_container_is_locked_down(name: str) -> None:
    here = service(name)
    assert here["read_only"] is True
    assert here["cap_drop"] == ["ALL"]
    assert here["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", here["user"])
    forbidden = {
        "privileged",
        "cap_add",
        "pid",
        "ipc",
        "network_mode",
        "userns_mode",
        "devices",
        "group_add",
        "env_file",
    }
    assert not forbidden & set(here)


@pytest.mark.parametrize("name", SERVICES)
def test_container_cannot_take_the_whole_machine(name: str) -> None:
    here = service(name)
    assert 0 < here["cpus"] <= 2
    assert 0 < here["pids_limit"] <= 512
    assert size_in_bytes(here["mem_limit"]) <= 4 * 1024**3
    assert here["logging"] == {"driver": "local"}
    assert all("size=" in mount for mount in here["tmpfs"])


@pytest.mark.parametrize("name", SERVICES)
def test_container_mounts_named_volumes_and_read_only_files_of_the_repository(name: str) -> None:
    for mount in service(name).get("volumes", []):
        source, _, options = mount.partition(":")
        if source not in compose()["volumes"]:
            assert (DEPLOY / source).is_file()
            assert options.endswith(":ro")


@pytest.mark.parametrize("name", SERVICES)
def test_container_gets_secrets_as_files_only(name: str) -> None:
    granted = {f"/run/secrets/{secret}" for secret in service(name)["secrets"]}
    for variable, value in service(name).get("environment", {}).items():
        if SECRET_NAME.search(variable):
            assert variable.endswith("_FILE")
            assert value in granted


def test_application_runs_as_the_user_of_its_image() -> None:
    assert {service(name)["user"] for name in APPLICATION} == set(values(stages()[-1], "USER"))


def test_only_the_application_is_published_and_only_on_loopback() -> None:
    published = {name: service(name)["ports"] for name in SERVICES if "ports" in service(name)}
    port = assignments(stages()[-1], "ENV")["SALESCOPE_PORT"]
    assert published == {"app": [f"127.0.0.1:{port}:{port}"]}


@pytest.mark.parametrize("name", ["init", "database", "cache"])
def test_service_without_visitors_has_no_way_out(name: str) -> None:
    networks = compose()["networks"]
    assert all(networks[network] == {"internal": True} for network in service(name)["networks"])


def test_database_and_cache_do_not_see_each_other() -> None:
    assert not set(service("database")["networks"]) & set(service("cache")["networks"])


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_long_running_service_reports_its_health_and_comes_back(name: str) -> None:
    assert service(name)["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert service(name)["restart"] == "unless-stopped"


def test_application_starts_after_a_finished_migration_and_healthy_neighbours() -> None:
    waits = {name: rule["condition"] for name, rule in service("app")["depends_on"].items()}
    assert waits == {
        "init": "service_completed_successfully",
        "database": "service_healthy",
        "cache": "service_healthy",
    }
    assert service("init")["command"] == ["python", "-m", "salescope", "init"]
    assert service("init")["restart"] == "no"
    assert service("init")["depends_on"]["database"]["condition"] == "service_healthy"


def test_container_is_stopped_later_than_gunicorn_cuts_requests() -> None:
    found = re.search(r"^graceful_timeout = (\d+)$", (DEPLOY / "gunicorn.conf.py").read_text(encoding="utf-8"), re.M)
    assert found
    assert seconds(service("app")["stop_grace_period"]) > int(found[1]) + 5


@pytest.mark.parametrize("name", ["database", "cache"])
def test_foreign_image_names_its_version_and_release(name: str) -> None:
    assert re.fullmatch(r"(postgres:15|redis:7)(\.\d+)*-[a-z]+(@sha256:[0-9a-f]{64})?", service(name)["image"])


def test_memory_of_all_queries_fits_the_container() -> None:
    environment = {key: interpolated(value, {}) for key, value in service("app")["environment"].items()}
    a_worker = size_in_bytes(environment["SALESCOPE_QUERY_MEMORY"]) + 512 * 1024**2
    assert int(environment["SALESCOPE_WORKERS"]) * a_worker < size_in_bytes(service("app")["mem_limit"])


def test_every_secret_is_made_by_the_script_and_kept_out_of_git(tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets")
    declared = {name: entry["file"] for name, entry in compose()["secrets"].items()}
    assert declared == {name: f"./secrets/{name}" for name in texts(tmp_path / "secrets")}
    assert {"/secrets/", "/.env"} <= set((DEPLOY / ".gitignore").read_text(encoding="utf-8").split())


def test_secrets_are_random_and_agree_with_each_other(tmp_path: Path) -> None:
    make_secrets(tmp_path / "one")
    make_secrets(tmp_path / "two")
    one, two = texts(tmp_path / "one"), texts(tmp_path / "two")
    assert not set(one.values()) & set(two.values())
    assert len({one["secret_key"], one["postgres_password"], one["database_password"]}) == 3
    assert all(len(one[name]) >= 32 for name in ("secret_key", "postgres_password", "database_password"))
    assert f":{one['database_password']}@database:5432/" in one["database_url"]
    assert one["cache_url"] == f"redis://:{one['redis_conf'].removeprefix('requirepass ')}@cache:6379/0"


def test_secrets_are_reachable_by_their_owner_only_and_survive_a_second_run(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make_secrets(folder)
    first = texts(folder)
    make_secrets(folder)
    assert texts(folder) == first
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}


def test_database_role_of_the_application_is_no_superuser() -> None:
    script = (DEPLOY / "postgres.sql").read_text(encoding="utf-8")
    assert "CREATE ROLE salescope LOGIN PASSWORD :'password';" in script
    assert not re.search(r"\bSUPERUSER\b|\bCREATEROLE\b", script)
    assert "POSTGRES_USER" not in service("database")["environment"]


def test_every_setting_named_in_deploy_files_exists() -> None:
    known = {row.env for row in SETTINGS} | {f"{row.env}_FILE" for row in SETTINGS}
    for name, text in deploy_texts():
        assert set(re.findall(r"SALESCOPE_[A-Z][A-Z_]*[A-Z]", text)) <= known, name


def test_application_accepts_the_environment_of_its_container(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    image = {key: value for key, value in assignments(stages()[-1], "ENV").items() if key.startswith("SALESCOPE_")}
    given = {"SALESCOPE_TRUSTED_HOSTS": "sales.example.com"}
    container = {key: interpolated(value, given) for key, value in service("app")["environment"].items()}
    found = {key: value.replace("/run/secrets", os.fspath(tmp_path)) for key, value in (image | container).items()}
    settings = Settings.from_env(found)
    assert settings.production
    assert settings.database_url.startswith("postgresql+psycopg://salescope:")
    assert settings.cache_url.startswith("redis://")
    assert (settings.trusted_hosts, settings.proxy_hops) == (("sales.example.com",), 1)


def test_proxy_example_lets_through_the_largest_body_the_application_takes() -> None:
    found = re.search(r"client_max_body_size (\d+)m;", (DEPLOY / "README.md").read_text(encoding="utf-8"))
    assert found
    assert [found[1]] == [row.default for row in SETTINGS if row.env == "SALESCOPE_MAX_BODY_MB"]
