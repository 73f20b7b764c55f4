"""Settings from the environment: one row each, checked together, errors before anything starts."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from services.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
MIN_KEY_BYTES = 32
MIN_TOKEN = 16
#: Parts of keys that stand in documentation and images of other products; anyone would try them.
KNOWN_KEYS = (
    "change_me",
    "changeme",
    "secret_key",
    "supersecret",
    "super_secret",
    "thisismyscretkey",
    "this_is_a_secret",
    "your_secret_key_here",
    "insecure",
    "not_a_secret",
    "example",
)


class SettingsError(UserError):
    """The environment holds something that cannot be used."""


def _text(value: str) -> str:
    return value


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        number = int(value)
        if not low <= number <= high:
            raise ValueError(f"allowed: {low} to {high}")
        return number

    return read


def _choice(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"allowed: {', '.join(allowed)}")
        return value

    return read


def _size(value: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,5} ?[MG]B", value):
        raise ValueError("write it like 512MB or 2GB")
    return value


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _pairs(value: str) -> tuple[tuple[str, str], ...]:
    pairs = [tuple(part.strip() for part in row.split("=")) for row in _list(value)]
    if not all(len(pair) == 2 and all(pair) for pair in pairs):
        raise ValueError("write it like sales-leads=manager, staff=executive")
    return tuple((group, role) for group, role in pairs)


def _mail_server(value: str) -> str:
    if value and not re.fullmatch(r"smtps?://(\S+@)?[^\s/@]+/?", value):
        raise ValueError("write it like smtp://host:587 or smtps://user:password@host")
    return value


def _endpoint(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s@?#]*)?", value):
        raise ValueError("write it like https://host/v1, the key in SALESCOPE_REWRITE_KEY")
    return value


@dataclass(frozen=True)
class Setting:
    """A setting: environment name, default, how to read it, what it does."""

    env: str
    default: str
    read: Callable[[str], Any]
    help: str

    @property
    def field(self) -> str:
        """The attribute of Settings that holds the value."""
        return self.env.removeprefix("SALESCOPE_").lower()


#: Every setting; README's table is held against this one by a test. A name ending in _FILE names a file to read.
SETTINGS: tuple[Setting, ...] = (
    Setting("SALESCOPE_ENV", "local", _choice("local", "production"), "`production` refuses weak settings."),
    Setting("SALESCOPE_INSTANCE", "instance", Path, "Folder of databases, data, cache, key."),
    Setting("SALESCOPE_SECRET_KEY", "", _text, "Signs cookies and cache; 32 bytes or more. Local runs generate one."),
    Setting("SALESCOPE_SECRET_KEY_FALLBACKS", "", _list, "Former keys, comma separated; their cookies still count."),
    Setting("SALESCOPE_DATABASE_URL", "", _text, "Application database; empty: SQLite in the instance folder."),
    Setting("SALESCOPE_WAREHOUSE_URL", "", _text, "The data, `postgresql://…`; empty: DuckDB in the instance folder."),
    Setting("SALESCOPE_CACHE_URL", "", _text, "Result cache, `redis://…`; empty: files in the instance folder."),
    Setting("SALESCOPE_CACHE_ENTRIES", "2000", _whole(0, 1_000_000), "Answers kept at most; 0 switches caching off."),
    Setting("SALESCOPE_MODEL", "", _text, "Model YAML in use; empty: that of the live data."),
    Setting("SALESCOPE_HOST", "127.0.0.1", _text, "Address to listen on."),
    Setting("SALESCOPE_PORT", "8050", _whole(1, 65_535), "Port to listen on."),
    Setting("SALESCOPE_WORKERS", "2", _whole(1, 64), "Worker processes."),
    Setting("SALESCOPE_THREADS", "4", _whole(1, 64), "Threads per worker process."),
    Setting("SALESCOPE_DRAIN_SECONDS", "0", _whole(0, 300), "Seconds from SIGTERM, and `/readyz` 503, to the end."),
    Setting("SALESCOPE_TRUSTED_HOSTS", "", _list, "Host names of the site, comma separated; production needs them."),
    Setting("SALESCOPE_PROXY_HOPS", "0", _whole(0, 5), "Reverse proxies in front; their X-Forwarded headers count."),
    Setting("SALESCOPE_MAX_BODY_MB", "2", _whole(1, 1_000), "Largest request body."),
    Setting("SALESCOPE_QUERY_SECONDS", "30", _whole(1, 3_600), "A query is stopped after this many seconds."),
    Setting("SALESCOPE_QUERY_MEMORY", "1GB", _size, "Memory DuckDB may use per worker."),
    Setting("SALESCOPE_QUERY_THREADS", "2", _whole(1, 64), "Threads DuckDB may use per worker."),
    Setting("SALESCOPE_USER_QUERIES", "2", _whole(1, 64), "Queries one person runs at once per worker; others wait."),
    Setting("SALESCOPE_JOBS", "1", _whole(1, 16), "Jobs that run at once; others wait."),
    Setting("SALESCOPE_LOAD_MEMORY_MB", "3000", _whole(500, 1_000_000), "Memory a job may use."),
    Setting("SALESCOPE_LOAD_MINUTES", "60", _whole(1, 1_440), "A job is stopped after this long."),
    Setting("SALESCOPE_UPLOAD_MB", "2048", _whole(1, 1_000_000), "Largest file the Data page takes."),
    Setting("SALESCOPE_API_BODY_MB", "10", _whole(1, 1_000), "Largest batch of orders the API takes."),
    Setting("SALESCOPE_SESSION_IDLE_MINUTES", "30", _whole(1, 1_440), "A session ends after this long without use."),
    Setting("SALESCOPE_SESSION_HOURS", "12", _whole(1, 168), "A session ends this long after sign-in."),
    Setting("SALESCOPE_SMTP_URL", "", _mail_server, "Mail server, `smtp://user:password@host:587`; empty: no mail."),
    Setting("SALESCOPE_MAIL_FROM", "", _text, "Sender of mails; needed with a mail server."),
    Setting("SALESCOPE_OIDC_ISSUER", "", _text, "Single sign-on: address of the OpenID Connect provider; empty: none."),
    Setting("SALESCOPE_OIDC_CLIENT_ID", "", _text, "What the provider knows this site by."),
    Setting("SALESCOPE_OIDC_CLIENT_SECRET", "", _text, "The site's secret with the provider."),
    Setting("SALESCOPE_OIDC_GROUPS_CLAIM", "groups", _text, "The claim that lists a person's groups."),
    Setting("SALESCOPE_OIDC_ROLES", "", _pairs, "`group=role, …`; the first group that fits counts; others stay out."),
    Setting("SALESCOPE_OIDC_DOMAINS", "", _list, "Mail domains let in by single sign-on; empty: all of the provider."),
    Setting(
        "SALESCOPE_REWRITE_URL", "", _endpoint, "Chat endpoint (`/v1`) that rewords unread questions; empty: none."
    ),
    Setting("SALESCOPE_REWRITE_MODEL", "", _text, "The endpoint's model."),
    Setting("SALESCOPE_REWRITE_KEY", "", _text, "The site's key with the endpoint."),
    Setting("SALESCOPE_METRICS_TOKEN", "", _text, "Bearer token for `/metrics`; empty: no metrics."),
    Setting("SALESCOPE_ACCESS_LOG", "0", _choice("0", "1"), "`1` writes a line per request to standard output."),
    Setting("SALESCOPE_LOG_FORMAT", "text", _choice("text", "json"), "`json` writes one JSON object per log line."),
)
#: Settings that may stand in a file instead, named by the same name with _FILE.
SECRETS = (
    "SALESCOPE_SECRET_KEY",
    "SALESCOPE_SECRET_KEY_FALLBACKS",
    "SALESCOPE_DATABASE_URL",
    "SALESCOPE_WAREHOUSE_URL",
    "SALESCOPE_CACHE_URL",
    "SALESCOPE_SMTP_URL",
    "SALESCOPE_OIDC_CLIENT_SECRET",
    "SALESCOPE_REWRITE_KEY",
    "SALESCOPE_METRICS_TOKEN",
)


@dataclass(frozen=True)
class Settings:
    """The settings of one process, read and checked."""

    env: str
    instance: Path
    secret_key: str = field(repr=False)
    secret_key_fallbacks: tuple[str, ...] = field(repr=False)
    database_url: str = field(repr=False)
    warehouse_url: str = field(repr=False)
    cache_url: str = field(repr=False)
    cache_entries: int
    model: str
    host: str
    port: int
    workers: int
    threads: int
    drain_seconds: int
    trusted_hosts: tuple[str, ...]
    proxy_hops: int
    max_body_mb: int
    query_seconds: int
    query_memory: str
    query_threads: int
    user_queries: int
    jobs: int
    load_memory_mb: int
    load_minutes: int
    upload_mb: int
    api_body_mb: int
    session_idle_minutes: int
    session_hours: int
    smtp_url: str = field(repr=False)
    mail_from: str
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str = field(repr=False)
    oidc_groups_claim: str
    oidc_roles: tuple[tuple[str, str], ...]
    oidc_domains: tuple[str, ...]
    rewrite_url: str
    rewrite_model: str
    rewrite_key: str = field(repr=False)
    metrics_token: str = field(repr=False)
    access_log: str
    log_format: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings.

        Raises SettingsError for an unknown SALESCOPE_ name, a value that cannot be read, and in production for
        a missing or weak key or missing host names. A local run without a key gets a generated one.
        """
        given = dict(os.environ if environ is None else environ)
        _refuse_unknown(given)
        values = {row.field: _read(row, _from_file(row, given)) for row in SETTINGS}
        values["instance"] = ROOT / values["instance"].expanduser()
        settings = cls(**values)
        settings._check_together()
        return cls(**(values | {"secret_key": settings._key(), "database_url": settings._database()}))

    @property
    def production(self) -> bool:
        """True when weak settings are refused."""
        return self.env == "production"

    @property
    def warehouse(self) -> Path:
        """Folder of the data snapshots."""
        return self.instance / "warehouse"

    def _key(self) -> str:
        if self.production and not self.trusted_hosts:
            raise SettingsError("SALESCOPE_TRUSTED_HOSTS is empty; in production name the host names of the site.")
        if self.secret_key:
            return _checked_key(self.secret_key)
        if self.production:
            raise SettingsError(
                "SALESCOPE_SECRET_KEY is missing; in production it must be set. Make one with: "
                "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        return _generated_key(self.instance / "secret_key")

    def _check_together(self) -> None:
        """Refuse settings that need one another; every former key must be as strong as the key."""
        for key in self.secret_key_fallbacks:
            _checked_key(key, "SALESCOPE_SECRET_KEY_FALLBACKS")
        if self.smtp_url and not self.mail_from:
            raise SettingsError("SALESCOPE_MAIL_FROM is empty; with SALESCOPE_SMTP_URL name the sender of mails.")
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret and self.oidc_roles):
            raise SettingsError(
                "SALESCOPE_OIDC_ISSUER needs SALESCOPE_OIDC_CLIENT_ID, SALESCOPE_OIDC_CLIENT_SECRET and "
                "SALESCOPE_OIDC_ROLES beside it."
            )
        if self.rewrite_url and not self.rewrite_model:
            raise SettingsError("SALESCOPE_REWRITE_MODEL is empty; with SALESCOPE_REWRITE_URL name the model.")
        if self.metrics_token and len(self.metrics_token) < MIN_TOKEN:
            raise SettingsError(f"SALESCOPE_METRICS_TOKEN is too short; {MIN_TOKEN} characters or more are needed.")

    def _database(self) -> str:
        return self.database_url or f"sqlite:///{self.instance / 'salescope.db'}"


def _refuse_unknown(given: Mapping[str, str]) -> None:
    known = {row.env for row in SETTINGS} | {f"{name}_FILE" for name in SECRETS}
    unknown = sorted(name for name in given if name.startswith("SALESCOPE_") and name not in known)
    if unknown:
        raise SettingsError(f"Unknown settings: {', '.join(unknown)}. Allowed: {', '.join(sorted(known))}.")


def _from_file(row: Setting, given: Mapping[str, str]) -> str:
    path = given.get(f"{row.env}_FILE")
    if path is None or row.env not in SECRETS:
        return given.get(row.env, row.default)
    if row.env in given:
        raise SettingsError(f"{row.env} and {row.env}_FILE are both set; keep one.")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{row.env}_FILE names {path!r}, which cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{row.env}_FILE names {path!r}, which is not a text file.") from None


def _read(row: Setting, value: str) -> Any:
    try:
        return row.read(value)
    except ValueError as error:
        shown = "(not shown)" if row.env in SECRETS else repr(value)
        raise SettingsError(f"{row.env} is {shown}; {error}.") from None


def _checked_key(key: str, name: str = "SALESCOPE_SECRET_KEY") -> str:
    plain = re.sub(r"[^a-z0-9_]", "", key.lower().replace("-", "_").replace(" ", "_"))
    known = any(each in plain for each in KNOWN_KEYS)
    repeated = any(key == key[:size] * (len(key) // size) for size in range(1, len(key) // 2 + 1))
    if len(key.encode()) < MIN_KEY_BYTES or known or repeated or len(set(key)) < 8:
        raise SettingsError(
            f"{name} is too weak: {MIN_KEY_BYTES} random bytes or more are needed. Make one with: "
            "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return key


def _generated_key(path: Path) -> str:
    """Return the key in `path`, made on first use, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=path.parent, prefix=".secret_key-") as fresh:
            fresh.write(secrets.token_urlsafe(48))
            fresh.flush()
            # A link is made whole or not at all, and only by the first of several processes.
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(fresh.name)
    return _checked_key(path.read_text(encoding="ascii").strip())


def shown(settings: Settings) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of every setting; of a secret only whether there is one."""
    return [(row.env, _said(row, getattr(settings, row.field)), row.help) for row in SETTINGS]


def _said(row: Setting, value: object) -> str:
    if row.env in SECRETS:
        return "set, not shown" if value else "not set"
    parts = value if isinstance(value, tuple) else (value,)
    return ", ".join("=".join(part) if isinstance(part, tuple) else str(part) for part in parts)
