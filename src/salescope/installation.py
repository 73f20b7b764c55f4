"""What a fresh machine needs before it can serve: database, data, people. Each step is safe to repeat."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
import sqlalchemy as sa
from pydantic import SecretStr

from salescope.cache import make_cache, make_turns
from salescope.settings import ROOT, Settings
from salescope.tally import Tally
from services.access import EVERYTHING, NOTHING, ROLES, RowScope
from services.accounts import Accounts
from services.addresses import read_address
from services.database import migrate, open_database
from services.dataroom import DataRoom
from services.duck_warehouse import DuckWarehouse
from services.errors import UserError
from services.fairness import Fairness
from services.in_place import InPlace
from services.jobs import Jobs
from services.ledger import Mode, loads
from services.loading import Loaded, load, require_model
from services.model import EMPTY, SalesModel, read_model
from services.modelfiles import MODEL, RECIPE, ModelFiles
from services.postgres_warehouse import PostgresWarehouse
from services.preparing import Progress
from services.querylog import QueryLog
from services.recipe import Recipe, read_recipe
from services.sales import Sales
from services.sealing import Seal
from services.tokens import Tokens
from services.warehouse import Limits, Warehouse
from services.yamlfile import Definition

SAMPLE = ROOT / "data" / "online_retail_ii" / "recipe.yaml"


@dataclass(frozen=True)
class NewUser:
    """A user just made; the password is known only here."""

    email: str
    role: str
    password: str
    scope: str


def init(settings: Settings) -> Accounts:
    """Create or migrate the application database and return its accounts."""
    settings.instance.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = open_database(settings.database_url)
    migrate(engine)
    return Accounts(engine, seal=seal(settings))


def seal(settings: Settings) -> Seal:
    """Return what closes the secrets in the application database."""
    return Seal((settings.secret_key, *settings.secret_key_fallbacks))


def tokens(settings: Settings) -> Tokens:
    """Return the API tokens; creates or migrates the application database."""
    return Tokens(open_database(settings.database_url), init(settings))


def jobs(settings: Settings, engine: sa.Engine) -> Jobs:
    """Return the jobs of the installation."""
    return Jobs(engine, settings.instance / "jobs", slots=settings.jobs)


def warehouse(settings: Settings) -> Warehouse:
    """Return the data's place: a connected database, the settings' PostgreSQL, or DuckDB in the instance folder."""
    found = connected(settings)
    if found is not None:
        model = read_model(settings.instance / "models" / found.model / MODEL)
        url = read_address(found.url.get_secret_value(), ("postgresql",))
        return InPlace(url, model, settings.warehouse, seconds=settings.query_seconds)
    limits: Limits = {"memory": settings.query_memory, "threads": settings.query_threads}
    if not settings.warehouse_url:
        return DuckWarehouse(settings.warehouse, **limits)
    address = read_address(settings.warehouse_url, ("postgresql",))
    return PostgresWarehouse(address, settings.warehouse, seconds=settings.query_seconds, **limits)


def data_room(settings: Settings, store: Warehouse, engine: sa.Engine) -> DataRoom:
    """Return what the Data page works with."""
    return DataRoom(settings.instance, store, model_files(settings, store), jobs(settings, engine))


class Connected(Definition):
    """The database whose tables are used where they are, and the name of the model that says how."""

    url: SecretStr
    model: str


def connected(settings: Settings) -> Connected | None:
    """Return what `connect` wrote, None when nothing is connected."""
    path = settings.instance / "connected.json"
    try:
        return Connected.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        raise UserError(f"{path} is damaged. Run: salescope connect URL, or salescope connect --off") from None


def connect(settings: Settings, url: str, model: str) -> None:
    """Use the tables that a model's `place` names from now on; the URL is kept in a file for its owner only."""
    settings.instance.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = orjson.dumps({"url": url, "model": model})
    with tempfile.NamedTemporaryFile(dir=settings.instance, prefix=".connected-", delete=False) as fresh:
        fresh.write(content)
        fresh.flush()
        os.fsync(fresh.fileno())
    Path(fresh.name).replace(settings.instance / "connected.json")


def disconnect(settings: Settings) -> bool:
    """Use the installation's own data again; return whether a database was connected."""
    path = settings.instance / "connected.json"
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def model_files(settings: Settings, store: Warehouse | None = None) -> ModelFiles:
    """Return the models and recipes of the installation."""
    return ModelFiles(settings.instance, store or warehouse(settings), settings.model)


def load_recipe(
    settings: Settings,
    path: Path,
    *,
    by: str,
    mode: Mode | None = None,
    keep_good: bool = False,
    progress: Progress,
) -> Loaded:
    """Load the files a recipe names, publish them and make its model the one in use.

    Raises LoadError when other data are there already and `mode` does not start over.
    """
    recipe = read_recipe(path)
    model_file = path.parent / recipe.model
    model = read_model(model_file)
    store = warehouse(settings)
    require_model(loads(store), model.name, mode)
    texts = {MODEL: model_file.read_text(encoding="utf-8"), RECIPE: path.read_text(encoding="utf-8")}
    files = model_files(settings, store)
    if not files.folder(model.name).exists():
        files.save(model.name, texts)
    return load(store, model, recipe, path.parent, by=by, mode=mode, keep_good=keep_good, progress=progress)


def sample_users(accounts: Accounts, recipe: Recipe, model: SalesModel) -> list[NewUser]:
    """Create one user per role with a generated password, unless there are users already."""
    if accounts.list():
        return []
    return [_sample_user(accounts, role, recipe.scopes, model) for role in ROLES]


def _sample_user(
    accounts: Accounts, role: str, scopes: Mapping[str, Mapping[str, tuple[str, ...]]], model: SalesModel
) -> NewUser:
    scope = check_scope(RowScope.of(scopes[role]), model) if role in scopes else EVERYTHING
    email = f"{role}@example.com"
    return NewUser(email, role, accounts.add(email, ROLES[role].label, role, scope=scope), scope.describe())


def check_scope(scope: RowScope, model: SalesModel) -> RowScope:
    """Return the scope when every dimension in it exists; raises UnknownNameError."""
    for name, _ in scope.limits:
        model.dimension(name)
    return scope


def parse_scope(rows: tuple[str, ...], *, everything: bool) -> RowScope:
    """Return the scope of `dimension=value` texts; none of them and not everything means no rows."""
    if everything and rows:
        raise UserError("Everything, or the rows of a scope: name one of the two.")
    if everything:
        return EVERYTHING
    limits: dict[str, list[str]] = {}
    for row in rows:
        name, separator, value = row.partition("=")
        if not separator or not name or not value:
            raise UserError(f"{row!r} is not a row scope; write it as country=Germany.")
        limits.setdefault(name, []).append(value)
    return RowScope.of(limits) if limits else NOTHING


def query_log(settings: Settings) -> Path:
    """Return the folder of the query log."""
    return settings.instance / "queries"


def make_sales(settings: Settings, store: Warehouse | None = None) -> Sales:
    """Return the door to the data of an installation; without data, one with the model EMPTY.

    Raises DefinitionError for a broken model, NotReadyError for one of other data.
    """
    store = store or warehouse(settings)
    model = model_files(settings, store).in_use()
    sales = Sales(
        model,
        store,
        make_cache(settings),
        seconds=settings.query_seconds,
        turns=make_turns(settings),
        # One thread of a worker is left to everybody else.
        fairness=Fairness(settings.user_queries, max(settings.user_queries, settings.threads - 1)),
        tell=Tally(settings.instance / "answers"),
        note=QueryLog(query_log(settings)),
    )
    if model is not EMPTY:
        sales.coverage()
    return sales
