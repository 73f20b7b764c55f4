"""The workbench: somebody's files on their way to be loaded, in a folder of their own.

    <folder>/files/       what was uploaded, under names of ours
    <folder>/work.json    who, which files under which names
    <folder>/staged/      the tables found in them
    <folder>/looked.json  what was found: the recipe in use fits, or a proposal

`look` reads the files and says what they are, `load` prepares and publishes them. Both run outside the web request.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Literal

from services import yamlfile
from services.binding import bind
from services.errors import LoadError
from services.intake.databases import catalogue, stage_table
from services.intake.files import find, stage
from services.intake.proposal import Changes, Proposal
from services.intake.propose import propose
from services.intake.staged import DeclaredKey, Staged
from services.intake.written import model_yaml, recipe_yaml
from services.ledger import Mode
from services.loading import Loaded, OverlapError, RejectedError, publish
from services.model import SalesModel
from services.modelfiles import MODEL, RECIPE, ModelFiles
from services.prepared import Prepared, read_prepared
from services.preparing import Bound, Progress, prepare
from services.recipe import Recipe
from services.typing_rows import check_drift
from services.warehouse import Warehouse
from services.yamlfile import Definition

#: Work that nobody touched for this long is thrown away.
KEPT_FOR = dt.timedelta(days=7)


class WorkFile(Definition):
    """A file as its owner calls it, and where it lies."""

    name: str
    path: Path


class Work(Definition):
    """Who is loading what; `url` is that of a database instead of files, never written down with its password."""

    owner: str
    files: tuple[WorkFile, ...] = ()


class StagedTables(Definition):
    """The tables found in the files."""

    tables: tuple[Staged, ...]
    keys: tuple[DeclaredKey, ...] = ()


class Looked(Definition):
    """What the files are.

    `fits`: the recipe in use takes them as they are. Otherwise `proposal` is a recipe of their own, `changes` what
    was changed of it, and `drift` says how they differ from the recipe in use when they resemble it.
    """

    fits: bool
    drift: str = ""
    proposal: Proposal | None = None
    changes: Changes = Changes()


class Decision(Definition):
    """A load that stopped before anything was published: somebody has to decide."""

    about: Literal["rejects", "overlap"]
    words: str
    prepared: Prepared


class Workbench:
    """One piece of work, in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(cls, root: Path, owner: str) -> Workbench:
        """Make an empty one below `root`."""
        sweep(root)
        bench = cls(root / uuid.uuid4().hex)
        bench.folder.mkdir(parents=True, mode=0o700)
        bench._write("work.json", Work(owner=owner))
        return bench

    @property
    def work(self) -> Work:
        """Who is loading what; raises LoadError when the work is gone."""
        try:
            return Work.model_validate_json((self.folder / "work.json").read_bytes())
        except (OSError, ValueError):
            raise LoadError("These files are no longer there. Choose them again.") from None

    def new_file(self) -> Path:
        """Return where to write a file that arrives; `add` makes it part of the work."""
        place = self.folder / "files"
        place.mkdir(exist_ok=True, mode=0o700)
        return place / uuid.uuid4().hex

    def add(self, name: str, path: Path) -> None:
        """Make a file part of the work; what was found so far is looked at again."""
        work = self.work
        self._write("work.json", Work(owner=work.owner, files=(*work.files, WorkFile(name=name, path=path))))
        self._forget()

    @property
    def looked(self) -> Looked | None:
        """What was found, None before `look`."""
        path = self.folder / "looked.json"
        return Looked.model_validate_json(path.read_bytes()) if path.exists() else None

    @property
    def prepared(self) -> Prepared | None:
        """What was prepared and waits for a decision, None when nothing does."""
        path = self.folder / "prepared.json"
        return read_prepared(Prepared.model_validate_json(path.read_bytes()).folder) if path.exists() else None

    def look(
        self,
        files: ModelFiles,
        changes: Changes | None = None,
        *,
        url: str | None = None,
        only: Sequence[str] = (),
        afresh: bool = False,
        progress: Progress = lambda stage, share: None,
    ) -> Looked:
        """Stage the files (or the tables of a database), compare them with the recipe in use, else propose one.

        `changes` are what a person changed of the proposal; `afresh` leaves the recipe in use aside.
        """
        found = self._staged(url, only, progress)
        progress("Looking at the columns", 0.7)
        recipe = None if afresh or changes is not None else files.recipe_in_use()
        drift = ""
        if recipe is not None:
            fits, drift = _fits(recipe, found.tables)
            if fits:
                return self._keep(Looked(fits=True))
        return self._keep(self._proposed(files, found, changes or Changes(), drift))

    def _proposed(self, files: ModelFiles, found: StagedTables, changes: Changes, drift: str) -> Looked:
        """Propose a recipe under a name no other model has."""
        proposal = propose(found.tables, name="sales", keys=found.keys, changes=changes)
        wanted = changes.name or _name_of(proposal)
        name = files.free_name(wanted)
        title = changes.title or wanted.replace("_", " ").capitalize()
        proposal = proposal.model_copy(update={"name": name, "title": title})
        return Looked(fits=False, drift=drift, proposal=proposal, changes=changes)

    def load(
        self,
        store: Warehouse,
        files: ModelFiles,
        *,
        mode: Mode | None = None,
        keep_good: bool = False,
        progress: Progress = lambda stage, share: None,
        commit: Callable[[], None] = lambda: None,
    ) -> Loaded | Decision:
        """Prepare what was looked at and publish it; a Decision when rows were refused or overlap.

        `commit` is called before anything becomes visible. The work's folder is gone after a publish.
        """
        recipe, model, texts = self._recipe(files)
        prepared = self._prepared(store, recipe, model, progress)
        if texts:
            files.save(model.name, texts)
        try:
            progress("Publishing", 0.55)
            loaded = publish(
                store,
                model,
                prepared,
                by=self.work.owner,
                mode=mode,
                keep_good=keep_good,
                progress=progress,
                commit=commit,
            )
        except RejectedError as error:
            return Decision(about="rejects", words=str(error), prepared=prepared)
        except OverlapError as error:
            return Decision(about="overlap", words=str(error), prepared=prepared)
        self.discard()
        return loaded

    def discard(self) -> None:
        """Throw the work away, prepared lines included."""
        kept = self.folder / "prepared.json"
        if kept.exists():
            Prepared.model_validate_json(kept.read_bytes()).discard()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _staged(self, url: str | None, only: Sequence[str], progress: Progress) -> StagedTables:
        kept = self.folder / "staged.json"
        if kept.exists():
            return StagedTables.model_validate_json(kept.read_bytes())
        place = self.folder / "staged"
        place.mkdir(exist_ok=True, mode=0o700)
        found = self._of_files(place, progress) if url is None else self._of_database(url, only, place, progress)
        self._write("staged.json", found)
        return found

    def _of_files(self, place: Path, progress: Progress) -> StagedTables:
        tables: list[Staged] = []
        files = self.work.files
        if not files:
            raise LoadError("There is no file to look at. Choose one or more.")
        for number, file in enumerate(files):
            progress(f"Reading {file.name}", 0.7 * number / len(files))
            for count, part in enumerate(find(file.path)):
                named = replace(part, name=part.name.replace(file.path.name, file.name, 1))
                tables.append(stage(named, place / f"{number}-{count}"))
        return StagedTables(tables=tuple(tables))

    def _of_database(self, url: str, only: Sequence[str], place: Path, progress: Progress) -> StagedTables:
        progress("Reading the catalogue", 0.01)
        known = catalogue(url)
        names = [table.name for table in known.tables if not only or table.name in only]
        tables = []
        for number, name in enumerate(names):
            progress(f"Reading {name}", 0.7 * number / len(names))
            tables.append(stage_table(url, name, place))
        return StagedTables(tables=tuple(tables), keys=tuple(known.keys))

    def _recipe(self, files: ModelFiles) -> tuple[Recipe, SalesModel, dict[str, str]]:
        """Return recipe and model to load by, and their texts when they are new."""
        looked = self.looked
        if looked is None:
            raise LoadError("The files were not looked at yet.")
        if looked.proposal is None:
            recipe = files.recipe_in_use()
            if recipe is None:
                raise LoadError("The recipe in use has changed since the files were looked at. Look at them again.")
            return recipe, files.in_use(), {}
        proposal = looked.proposal
        if proposal.open_questions:
            asked = " ".join(question.words for question in proposal.open_questions)
            raise LoadError(f"Before these files can be loaded: {asked}")
        texts = {MODEL: model_yaml(proposal), RECIPE: recipe_yaml(proposal)}
        recipe = yamlfile.parse(texts[RECIPE], Recipe, Path(RECIPE))
        return recipe, yamlfile.parse(texts[MODEL], SalesModel, Path(MODEL)), texts

    def _prepared(self, store: Warehouse, recipe: Recipe, model: SalesModel, progress: Progress) -> Prepared:
        if self.prepared is not None:
            return self.prepared
        found = StagedTables.model_validate_json((self.folder / "staged.json").read_bytes())
        prepared = prepare(store.root, model, recipe, self._bound(recipe, found.tables), progress=progress)
        self._write("prepared.json", prepared)
        return prepared

    def _bound(self, recipe: Recipe, tables: Sequence[Staged]) -> Bound:
        looked = self.looked
        if looked is None or looked.proposal is None:
            return bind(recipe, tables)
        by_name = {staged.name: staged for staged in tables}
        named = {"": recipe.sources} | {name: lookup.sources for name, lookup in recipe.lookups.items()}
        return {
            name: [by_name[source.file or source.table or ""] for source in sources] for name, sources in named.items()
        }

    def _keep(self, looked: Looked) -> Looked:
        self._write("looked.json", looked)
        (self.folder / "prepared.json").unlink(missing_ok=True)
        return looked

    def _forget(self) -> None:
        for name in ("staged.json", "looked.json", "prepared.json"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "staged", ignore_errors=True)

    def _write(self, name: str, value: Definition) -> None:
        fresh = self.folder / f".{name}"
        fresh.write_text(value.model_dump_json(), encoding="utf-8")
        fresh.replace(self.folder / name)


def _fits(recipe: Recipe, tables: Sequence[Staged]) -> tuple[bool, str]:
    """Tell whether a recipe takes the tables as they are; else how they differ, "" when they are something else."""
    if not recipe.fields:
        return False, ""
    try:
        bound = bind(recipe, tables)
        for name, table in recipe.tables.items():
            for staged in bound[name]:
                check_drift(recipe.name, table, staged)
    except LoadError as error:
        return False, str(error)
    return True, ""


def _name_of(proposal: Proposal) -> str:
    """Return a name for the facts from what the names of their files have in common."""
    sources = next(table.sources for table in proposal.tables if table.use == "facts")
    stems = [Path(source).stem.casefold() for source in sources]
    common = "".join(
        letters[0] for letters in takewhile(lambda letters: len({*letters}) == 1, zip(*stems, strict=False))
    )
    words = re.sub(r"[^a-z0-9]+", "_", common).strip("_")
    words = words if len(sources) == 1 else words.rstrip("0123456789_")
    return words[:50] if re.match("[a-z]{2}", words) else "sales"


def sweep(root: Path) -> None:
    """Throw away work nobody touched for a week."""
    oldest = (dt.datetime.now(dt.UTC) - KEPT_FOR).timestamp()
    for folder in root.glob("*"):
        if folder.stat().st_mtime < oldest:
            Workbench(folder).discard()
