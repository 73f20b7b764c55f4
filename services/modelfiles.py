"""The models and recipes of an installation: `<instance>/models/<name>/model.yaml` and `recipe.yaml`.

The live snapshot says which of them is in use, so that data and model change in one step.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from services.errors import AwayError, NotReadyError
from services.model import EMPTY, SalesModel, read_model
from services.recipe import Recipe, read_recipe
from services.warehouse import Warehouse, coverage_of

MODEL, RECIPE = "model.yaml", "recipe.yaml"


class ModelFiles:
    """The model files of one installation; `override` names a file that stands above all of them."""

    def __init__(self, instance: Path, store: Warehouse, override: str = "") -> None:
        self._instance, self._store, self._override = instance, store, override

    def folder(self, name: str) -> Path:
        """Return the folder of a model."""
        return self._instance / "models" / name

    def save(self, name: str, files: Mapping[str, str]) -> Path:
        """Write a model's files (name -> text), each whole or not at all; return their folder."""
        place = self.folder(name)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file, text in files.items():
            handle, fresh = tempfile.mkstemp(dir=place, prefix=".new-")
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            Path(fresh).replace(place / file)
        return place

    def free_name(self, wanted: str) -> str:
        """Return the name, with a number after it when a model has it already."""
        name, number = wanted, 1
        while self.folder(name).exists():
            number += 1
            name = f"{wanted}_{number}"
        return name

    def name_in_use(self) -> str | None:
        """Return the name of the live data's model, or None when there are no data."""
        try:
            row = coverage_of(self._store.current())
        except AwayError:
            raise
        except NotReadyError:
            return None
        return str(row["model_name"]) if row["line_count"] else None

    def path_in_use(self) -> Path | None:
        """Return the model file in use: the override, else that of the live data; None when there are no data."""
        if self._override:
            return Path(self._override)
        name = self.name_in_use()
        return None if name is None else self._path(name)

    def in_use(self) -> SalesModel:
        """Return the model in use, EMPTY when there are no data; raises DefinitionError for a broken file."""
        path = self.path_in_use()
        return EMPTY if path is None else read_model(path)

    def called(self, name: str) -> SalesModel:
        """Return a model of this installation by its name."""
        return read_model(self._path(name))

    def recipe_in_use(self) -> Recipe | None:
        """Return the recipe the live data were loaded by, or None when it was not kept."""
        name = self.name_in_use()
        path = self.folder(name) / RECIPE if name else None
        return read_recipe(path) if path is not None and path.exists() else None

    def _path(self, name: str) -> Path:
        kept = self.folder(name) / MODEL
        # Where the first version kept the only model.
        return kept if kept.exists() else self._instance / MODEL
