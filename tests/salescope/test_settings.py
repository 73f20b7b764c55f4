"""Settings: every row, the generated key, what production refuses, and what no message says."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest

from salescope.settings import KNOWN_KEYS, MIN_KEY_BYTES, ROOT, SECRETS, SETTINGS, Setting, Settings, SettingsError

KEY = "q8Vd-2Jr_71mXw0ZbTn5uLk3PsYc9hGe4AfRoMiE6tU"
#: Name -> a text that is accepted, and the value it becomes.
ACCEPTED = {
    "SALESCOPE_ENV": ("production", "production"),
    "SALESCOPE_INSTANCE": ("/srv/salescope", Path("/srv/salescope")),
    "SALESCOPE_SECRET_KEY": (KEY, KEY),
    "SALESCOPE_DATABASE_URL": ("sqlite:////srv/other.db", "sqlite:////srv/other.db"),
    "SALESCOPE_CACHE_URL": ("redis://cache:6379/0", "redis://cache:6379/0"),
    "SALESCOPE_CACHE_ENTRIES": ("0", 0),
    "SALESCOPE_MODEL": ("/srv/model.yaml", "/srv/model.yaml"),
    "SALESCOPE_HOST": ("0.0.0.0", "0.0.0.0"),
    "SALESCOPE_PORT": ("65535", 65535),
    "SALESCOPE_WORKERS": ("64", 64),
    "SALESCOPE_THREADS": ("1", 1),
    "SALESCOPE_TRUSTED_HOSTS": (" a.example, ,b.example ", ("a.example", "b.example")),
    "SALESCOPE_PROXY_HOPS": ("5", 5),
    "SALESCOPE_MAX_BODY_MB": ("1000", 1000),
    "SALESCOPE_QUERY_SECONDS": ("1", 1),
    "SALESCOPE_QUERY_MEMORY": ("500MB", "500MB"),
    "SALESCOPE_QUERY_THREADS": ("64", 64),
    "SALESCOPE_USER_QUERIES": ("1", 1),
    "SALESCOPE_SESSION_IDLE_MINUTES": ("1440", 1440),
    "SALESCOPE_SESSION_HOURS": ("168", 168),
    "SALESCOPE_ACCESS_LOG": ("1", "1"),
    "SALESCOPE_WAREHOUSE_URL": ("postgresql+psycopg://u@h/sales", "postgresql+psycopg://u@h/sales"),
    "SALESCOPE_UPLOAD_MB": ("1", 1),
    "SALESCOPE_API_BODY_MB": ("1", 1),
    "SALESCOPE_JOBS": ("2", 2),
    "SALESCOPE_LOAD_MEMORY_MB": ("2000", 2000),
    "SALESCOPE_LOAD_MINUTES": ("5", 5),
    "SALESCOPE_SECRET_KEY_FALLBACKS": (f"{KEY[::-1]},{KEY}", (KEY[::-1], KEY)),
    "SALESCOPE_SMTP_URL": ("smtps://me:secret@mail:465", "smtps://me:secret@mail:465"),
    "SALESCOPE_MAIL_FROM": ("sales@example.com", "sales@example.com"),
    "SALESCOPE_OIDC_ISSUER": ("https://id.example.com", "https://id.example.com"),
    "SALESCOPE_OIDC_CLIENT_ID": ("salescope", "salescope"),
    "SALESCOPE_OIDC_CLIENT_SECRET": ("s3cret", "s3cret"),
    "SALESCOPE_OIDC_GROUPS_CLAIM": ("roles", "roles"),
    "SALESCOPE_OIDC_ROLES": ("leads = manager,staff=executive", (("leads", "manager"), ("staff", "executive"))),
    "SALESCOPE_OIDC_DOMAINS": ("example.com", ("example.com",)),
    "SALESCOPE_REWRITE_URL": ("https://models.example/v1", "https://models.example/v1"),
    "SALESCOPE_REWRITE_MODEL": ("small", "small"),
    "SALESCOPE_REWRITE_KEY": ("s3cret", "s3cret"),
    "SALESCOPE_METRICS_TOKEN": ("0123456789abcdef", "0123456789abcdef"),
    "SALESCOPE_LOG_FORMAT": ("json", "json"),
    "SALESCOPE_DRAIN_SECONDS": ("15", 15),
}
#: Settings that are refused alone, with what they need.
TOGETHER = {
    "SALESCOPE_MAIL_FROM": "sales@example.com",
    "SALESCOPE_REWRITE_MODEL": "small",
    "SALESCOPE_OIDC_CLIENT_ID": "salescope",
    "SALESCOPE_OIDC_CLIENT_SECRET": "s3cret",
    "SALESCOPE_OIDC_ROLES": "staff=executive",
}
REFUSED = [
    ("SALESCOPE_ENV", "prod"),
    ("SALESCOPE_ENV", "PRODUCTION"),
    ("SALESCOPE_CACHE_ENTRIES", "-1"),
    ("SALESCOPE_PORT", "0"),
    ("SALESCOPE_PORT", "65536"),
    ("SALESCOPE_PORT", "http"),
    ("SALESCOPE_WORKERS", "0"),
    ("SALESCOPE_WORKERS", "2.5"),
    ("SALESCOPE_THREADS", "65"),
    ("SALESCOPE_PROXY_HOPS", "6"),
    ("SALESCOPE_MAX_BODY_MB", "0"),
    ("SALESCOPE_QUERY_SECONDS", "-5"),
    ("SALESCOPE_QUERY_THREADS", "many"),
    ("SALESCOPE_USER_QUERIES", "0"),
    ("SALESCOPE_SESSION_IDLE_MINUTES", "0"),
    ("SALESCOPE_SESSION_HOURS", "169"),
    ("SALESCOPE_ACCESS_LOG", "yes"),
    ("SALESCOPE_UPLOAD_MB", "0"),
    ("SALESCOPE_API_BODY_MB", "-1"),
    ("SALESCOPE_JOBS", "0"),
    ("SALESCOPE_LOAD_MEMORY_MB", "much"),
    ("SALESCOPE_LOAD_MINUTES", "0"),
    ("SALESCOPE_OIDC_ROLES", "manager"),
    ("SALESCOPE_OIDC_ROLES", "=manager"),
    ("SALESCOPE_LOG_FORMAT", "xml"),
    ("SALESCOPE_REWRITE_URL", "file:///etc/passwd"),
    ("SALESCOPE_REWRITE_URL", "https://me:secret@host/v1"),
]


def read(folder: Path, **given: str) -> Settings:
    return Settings.from_env({"SALESCOPE_INSTANCE": str(folder)} | given)


def production(folder: Path, **given: str) -> Settings:
    wanted = {"SALESCOPE_ENV": "production", "SALESCOPE_SECRET_KEY": KEY, "SALESCOPE_TRUSTED_HOSTS": "a.example"}
    return read(folder, **{name: value for name, value in (wanted | given).items() if value})


def test_every_setting_is_a_field_and_has_a_case_here() -> None:
    assert [row.field for row in SETTINGS] == [field.name for field in fields(Settings)]
    assert set(ACCEPTED) == {row.env for row in SETTINGS}
    assert all(row.env.startswith("SALESCOPE_") and row.help.endswith(".") for row in SETTINGS)


@pytest.mark.parametrize("name", ACCEPTED)
def test_value_is_read(tmp_path: Path, name: str) -> None:
    text, wanted = ACCEPTED[name]
    given = {"SALESCOPE_SECRET_KEY": KEY, "SALESCOPE_TRUSTED_HOSTS": "a.example"} | TOGETHER | {name: text}
    settings = Settings.from_env({"SALESCOPE_INSTANCE": str(tmp_path)} | given)
    assert getattr(settings, name.removeprefix("SALESCOPE_").lower()) == wanted


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_value_out_of_range_is_refused_with_name_value_and_allowed(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, **{name: value})
    assert name in str(refused.value)
    assert repr(value) in str(refused.value)


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.env)
def test_default_is_what_its_row_says(tmp_path: Path, row: Setting) -> None:
    if row.env in {"SALESCOPE_INSTANCE", *SECRETS}:
        assert row.default in {"", "instance"}
    else:
        assert getattr(read(tmp_path), row.field) == row.read(row.default)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SALESCOPE_SMTP_URL": "smtp://mail"}, "SALESCOPE_MAIL_FROM is empty"),
        ({"SALESCOPE_SMTP_URL": "mail", "SALESCOPE_MAIL_FROM": "a@b.c"}, r"SALESCOPE_SMTP_URL is \(not shown\)"),
        ({"SALESCOPE_OIDC_ISSUER": "https://id"}, "SALESCOPE_OIDC_ISSUER needs SALESCOPE_OIDC_CLIENT_ID"),
        ({"SALESCOPE_METRICS_TOKEN": "short"}, "SALESCOPE_METRICS_TOKEN is too short"),
        ({"SALESCOPE_SECRET_KEY_FALLBACKS": "short"}, "SALESCOPE_SECRET_KEY_FALLBACKS is too weak"),
    ],
)
def test_settings_that_need_one_another(tmp_path: Path, given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        read(tmp_path, **given)
    assert "short" not in str(refused.value).replace("too short", "")


def test_defaults_are_safe(tmp_path: Path) -> None:
    made = read(tmp_path)
    assert (made.host, made.proxy_hops, made.access_log, made.production) == ("127.0.0.1", 0, "0", False)
    assert made.session_idle_minutes <= 30
    assert made.session_hours <= 12
    assert made.database_url == f"sqlite:///{tmp_path / 'salescope.db'}"
    assert made.warehouse == tmp_path / "warehouse"


def test_instance_folder_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Settings.from_env({"SALESCOPE_SECRET_KEY": KEY}).instance == ROOT / "instance"
    assert read(Path("~/data")).instance == tmp_path / "home" / "data"


def test_environment_of_the_process_is_read_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESCOPE_INSTANCE", str(tmp_path))
    monkeypatch.setenv("SALESCOPE_PORT", "9000")
    assert Settings.from_env().port == 9000


@pytest.mark.parametrize(
    "name", ["SALESCOPE_PROT", "SALESCOPE_", "SALESCOPE_PORT_FILE", "SALESCOPE_SECRET_KEY_FILE_", "SALESCOPE_DEBUG"]
)
def test_unknown_name_is_refused_with_the_allowed_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, **{name: "a secret value"})
    assert name in str(refused.value)
    assert all(row.env in str(refused.value) for row in SETTINGS)
    assert "a secret value" not in str(refused.value)


def test_names_of_others_are_ignored(tmp_path: Path) -> None:
    assert read(tmp_path, SALESCOP="1", DASH_DEBUG="1", XSALESCOPE_PORT="1").port == 8050


def test_generated_key_is_private_strong_and_used_again(tmp_path: Path) -> None:
    folder = tmp_path / "instance"
    first = read(folder).secret_key
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(first) >= 2 * MIN_KEY_BYTES * 0.9
    assert read(folder).secret_key == first
    assert read(tmp_path / "other").secret_key != first


def test_generated_key_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("short")
    with pytest.raises(SettingsError, match="too weak"):
        read(tmp_path)


def test_given_key_is_used_and_none_is_generated(tmp_path: Path) -> None:
    assert read(tmp_path, SALESCOPE_SECRET_KEY=KEY).secret_key == KEY
    assert list(tmp_path.iterdir()) == []


def test_processes_started_together_agree_on_one_key(tmp_path: Path) -> None:
    """One round fails rarely, when a second process reads between the first one's open and write; hence many."""
    with ThreadPoolExecutor(8) as pool:
        for number in range(200):
            keys = set(pool.map(lambda folder: read(folder).secret_key, [tmp_path / str(number)] * 8))
            assert len(keys) == 1


WEAK = [*KNOWN_KEYS, *(known * 10 for known in KNOWN_KEYS), "a" * 64, "ab" * 32, KEY[: MIN_KEY_BYTES - 1]]
#: Keys of at least 32 bytes that stand in the documentation of other products.
PUBLISHED = [
    "CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET",
    "YOUR_OWN_RANDOM_GENERATED_SECRET_KEY",
    "your-super-secret-key-change-in-production",
    "thisismysecretkeythisismysecretkey",
]


@pytest.mark.parametrize("key", [key for key in WEAK if len(key) < MIN_KEY_BYTES or len(set(key)) < 8], ids=ascii)
@pytest.mark.parametrize("env", ["local", "production"])
def test_weak_key_is_refused_everywhere_and_not_shown(tmp_path: Path, key: str, env: str) -> None:
    with pytest.raises(SettingsError) as refused:
        production(tmp_path, SALESCOPE_SECRET_KEY=key, SALESCOPE_ENV=env)
    assert "SALESCOPE_SECRET_KEY" in str(refused.value)
    assert "token_urlsafe" in str(refused.value)
    assert len(key) < 16 or key not in str(refused.value)


@pytest.mark.parametrize("key", [*PUBLISHED, "thisismysecretkey" * 10], ids=lambda key: key[:40])
def test_published_key_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingsError):
        production(tmp_path, SALESCOPE_SECRET_KEY=key)


def test_production_refuses_a_missing_key(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SALESCOPE_SECRET_KEY is missing"):
        production(tmp_path, SALESCOPE_SECRET_KEY="")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("hosts", ["", " ", ",", " , "])
def test_production_refuses_missing_host_names(tmp_path: Path, hosts: str) -> None:
    with pytest.raises(SettingsError, match="SALESCOPE_TRUSTED_HOSTS is empty"):
        production(tmp_path, SALESCOPE_TRUSTED_HOSTS=hosts)


def test_production_with_key_and_hosts_is_accepted(tmp_path: Path) -> None:
    made = production(tmp_path)
    assert made.production
    assert made.trusted_hosts == ("a.example",)


@pytest.mark.parametrize("name", SECRETS)
def test_secret_may_stand_in_a_file(tmp_path: Path, name: str) -> None:
    text, wanted = ACCEPTED[name]
    (tmp_path / "file").write_text(f"{text}\n")
    beside = {key: value for key, value in TOGETHER.items() if key != name}
    made = read(tmp_path, **beside, **{f"{name}_FILE": str(tmp_path / "file")})
    assert getattr(made, name.removeprefix("SALESCOPE_").lower()) == wanted


@pytest.mark.parametrize("name", SECRETS)
def test_missing_secret_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, **{f"{name}_FILE": str(tmp_path / "nowhere")})
    assert f"{name}_FILE" in str(refused.value)
    assert "nowhere" in str(refused.value)


def test_weak_key_in_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("short secret")
    with pytest.raises(SettingsError) as refused:
        production(tmp_path, SALESCOPE_SECRET_KEY="", SALESCOPE_SECRET_KEY_FILE=str(tmp_path / "file"))
    assert "short secret" not in str(refused.value)


def test_secret_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff\xfe" * 40)
    with pytest.raises(SettingsError):
        read(tmp_path, SALESCOPE_SECRET_KEY_FILE=str(tmp_path / "file"))


def test_secret_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(KEY)
    with pytest.raises(SettingsError):
        read(tmp_path, SALESCOPE_SECRET_KEY=KEY[::-1], SALESCOPE_SECRET_KEY_FILE=str(tmp_path / "file"))


def test_settings_written_into_a_log_hold_no_secret(tmp_path: Path) -> None:
    shown = repr(production(tmp_path, SALESCOPE_DATABASE_URL="postgresql+psycopg://u:pa55word@h/d"))
    assert KEY not in shown
    assert "pa55word" not in shown
