"""What a fresh machine needs before it can serve: database, data, people. Each step is safe to repeat."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from salescope.cache import make_cache
from salescope.settings import ROOT, Settings
from services.access import EVERYTHING, NOTHING, ROLES, RowScope
from services.accounts import Accounts
from services.database import migrate, open_database
from services.errors import LoadError, NotReadyError, UserError
from services.loading import Loaded, Progress, load
from services.model import SalesModel, read_model
from services.recipe import Recipe, read_recipe
from services.sales import Sales
from services.warehouse import Warehouse

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
    return Accounts(engine)


def warehouse(settings: Settings) -> Warehouse:
    """Return the warehouse in the instance folder."""
    return Warehouse(settings.warehouse, memory=settings.query_memory, threads=settings.query_threads)


def load_recipe(settings: Settings, path: Path, *, by: str, progress: Progress) -> Loaded:
    """Load a recipe's files, publish them and make its model the one in use.

    Raises LoadError when other data are there already: they belong to another model.
    """
    recipe = read_recipe(path)
    model_file = path.parent / recipe.model
    model = read_model(model_file)
    in_use = settings.instance / "model.yaml"
    if in_use.exists() and (present := read_model(in_use)).name != model.name:
        raise LoadError(
            f"This installation holds data of the model {present.name!r}; the recipe {recipe.name!r} is for "
            f"{model.name!r}. Use another folder: SALESCOPE_INSTANCE=…"
        )
    loaded = load(warehouse(settings), model, recipe, path.parent, by=by, progress=progress)
    if not in_use.exists():
        shutil.copyfile(model_file, in_use)
    return loaded


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


def model_path(settings: Settings) -> Path:
    """Return the file of the model in use: the setting's, else the one the data were loaded with."""
    return Path(settings.model) if settings.model else settings.instance / "model.yaml"


def make_sales(settings: Settings) -> Sales:
    """Return the door to the data of an installation.

    Raises DefinitionError for a broken model, NotReadyError before the first load or with a model of other data.
    """
    path = model_path(settings)
    if not path.exists():
        raise NotReadyError("There are no data yet. Load some: salescope load --sample")
    sales = Sales(read_model(path), warehouse(settings), make_cache(settings), seconds=settings.query_seconds)
    sales.coverage()
    return sales
