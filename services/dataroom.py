"""What the Data page does: files arrive, are looked at, loaded and taken back, as jobs of the person who asks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from services import yamlfile
from services.access import Permission, Viewer
from services.errors import LoadError, UserError
from services.intake.proposal import Changes
from services.jobs import JobInfo, Jobs
from services.ledger import Load, Mode, loads
from services.loading import report_path
from services.model import SalesModel
from services.modelfiles import MODEL, RECIPE, ModelFiles
from services.processes import locked
from services.recipe import Recipe
from services.scratch import require_space
from services.warehouse import Warehouse
from services.workbench import Workbench

#: Kinds of jobs; `salescope.dataloads` does them.
LOOK, LOAD, UNDO = "look", "load", "undo"
KINDS = frozenset({LOOK, LOAD, UNDO})
CHUNK = 1024 * 1024
#: Chunks that arrive between two looks at the room on the disk.
LOOK_EVERY = 64
MAX_NAME = 120


class Unfinished(NamedTuple):
    """Files that arrived and are not loaded yet."""

    work: str
    files: tuple[str, ...]
    looked: bool


class DataRoom:
    """Everything here is for those who may load data and see all rows; it shows people their own files only."""

    def __init__(self, instance: Path, store: Warehouse, files: ModelFiles, jobs: Jobs) -> None:
        self._root, self._store, self._files, self._jobs = instance / "uploads", store, files, jobs

    def open(self, viewer: Viewer) -> str:
        """Begin a piece of work and return its id."""
        _may_load(viewer)
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Workbench.open(self._root, viewer.email).folder.name

    def bench(self, work: str, viewer: Viewer) -> Workbench:
        """Return the viewer's work of this id; raises UserError when there is none, or it is somebody else's."""
        _may_load(viewer)
        bench = Workbench(self._root / work)
        if not work.isalnum() or not bench.folder.is_dir() or bench.work.owner != viewer.email:
            raise UserError("These files are no longer there: they were loaded or thrown away. Choose them again.")
        return bench

    def receive(self, work: str, name: str, stream: BinaryIO, viewer: Viewer, *, size: int = 0) -> None:
        """Keep a file that arrives, in pieces; one that does not arrive whole leaves nothing.

        `size` is what was announced, 0 when nothing was. Raises LoadError when the disk has no room.
        """
        bench = self.bench(work, viewer)
        require_space(self._root, size)
        path = bench.new_file()
        try:
            with path.open("xb") as kept:
                for number, chunk in enumerate(iter(lambda: stream.read(CHUNK), b"")):
                    if number % LOOK_EVERY == 0:
                        require_space(self._root, kept.tell())
                    kept.write(chunk)
                arrived = kept.tell()
            # Servers end a stream silently when the sender goes away.
            if size and arrived != size:
                raise LoadError(f"Only {arrived:,} of {size:,} bytes arrived. Send the file again.")
            with locked(bench.folder / "LOCK"):
                bench.add(_free(_plain(name), [file.name for file in bench.work.files]), path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def unfinished(self, viewer: Viewer) -> list[Unfinished]:
        """Return the viewer's files that are not loaded yet, the last ones first."""
        _may_load(viewer)
        benches = [Workbench(folder) for folder in self._root.glob("*") if (folder / "work.json").exists()]
        benches.sort(key=lambda bench: bench.folder.stat().st_mtime, reverse=True)
        return [
            Unfinished(bench.folder.name, tuple(file.name for file in work.files), bench.looked is not None)
            for bench in benches
            if (work := bench.work).owner == viewer.email and work.files
        ]

    def running(self, viewer: Viewer) -> list[JobInfo]:
        """Return the viewer's own jobs that are not over, the last ones first."""
        _may_load(viewer)
        found = self._jobs.list(viewer)
        return [job for job in found if not job.over and job.owner == viewer.email and job.kind in KINDS]

    def look(self, work: str, viewer: Viewer, changes: Changes | None = None, *, afresh: bool = False) -> str:
        """Have the files looked at, or looked at again with changes to the proposal; return the job's id."""
        self.bench(work, viewer)
        said = None if changes is None else changes.model_dump(mode="json", exclude_none=True)
        return self._jobs.start(LOOK, {"work": work, "changes": said, "afresh": afresh}, viewer)

    def load(self, work: str, viewer: Viewer, mode: Mode | None = None, *, keep_good: bool = False) -> str:
        """Have what was looked at loaded; return the job's id."""
        self.bench(work, viewer)
        return self._jobs.start(LOAD, {"work": work, "mode": mode, "keep_good": keep_good}, viewer)

    def undo(self, number: int, viewer: Viewer) -> str:
        """Have a load taken back; return the job's id."""
        _may_load(viewer)
        return self._jobs.start(UNDO, {"number": number}, viewer)

    def job(self, identity: str, viewer: Viewer) -> JobInfo:
        """Return a job of the viewer."""
        _may_load(viewer)
        return self._jobs.get(identity, viewer)

    def cancel(self, identity: str, viewer: Viewer) -> None:
        """Ask a job to end."""
        _may_load(viewer)
        self._jobs.cancel(identity, viewer)

    def discard(self, work: str, viewer: Viewer) -> None:
        """Throw files away."""
        self.bench(work, viewer).discard()

    def loads(self, viewer: Viewer) -> list[Load]:
        """Return all loads, newest first."""
        _may_load(viewer)
        return loads(self._store)[::-1]

    def report(self, number: int, viewer: Viewer) -> Path:
        """Return the reject report of a load; raises UserError when it has none."""
        found = next((entry for entry in self.loads(viewer) if entry.number == number), None)
        path = report_path(self._store.root, found.digest) if found else None
        if path is None or not path.exists():
            raise UserError(f"There is no reject report of load {number}.")
        return path

    def report_of_work(self, work: str, viewer: Viewer) -> Path:
        """Return the reject report of files that are not loaded yet."""
        prepared = self.bench(work, viewer).prepared
        if prepared is None:
            raise UserError("These files were not checked yet; there is no reject report.")
        return prepared.report

    def model(self, viewer: Viewer) -> SalesModel:
        """Return the model in use."""
        _may_load(viewer)
        return self._files.in_use()

    def model_text(self, viewer: Viewer) -> str:
        """Return the YAML of the model in use, "" when there are no data."""
        _may_load(viewer)
        path = self._files.path_in_use()
        return path.read_text(encoding="utf-8") if path else ""

    def recipe(self, viewer: Viewer) -> Recipe | None:
        """Return the recipe in use, or None when there is none."""
        _may_load(viewer)
        return self._files.recipe_in_use()

    def recipe_text(self, viewer: Viewer) -> str:
        """Return the YAML of the recipe in use; raises UserError when there is none."""
        _may_load(viewer)
        name = self._files.name_in_use()
        path = self._files.folder(name) / RECIPE if name else None
        if path is None or not path.exists():
            raise UserError("There is no recipe: nothing was loaded, or the recipe was not kept.")
        return path.read_text(encoding="utf-8")

    def save_model(self, text: str, viewer: Viewer) -> None:
        """Put another text of the model in use; raises DefinitionError with the line of the first mistake.

        Name, facts table and the columns already loaded stay: they belong to the data.
        """
        _may_load(viewer)
        present = self._files.in_use()
        wanted = yamlfile.parse(text, SalesModel, Path(MODEL))
        kept = list(_kept(present, wanted))
        if kept:
            raise UserError(f"{'; '.join(kept)} cannot change while these data are in use. Load the data anew instead.")
        self._files.save(present.name, {MODEL: text})


def _may_load(viewer: Viewer) -> None:
    """Raise AccessDeniedError unless the viewer may: totals, rejected rows and taking back reach beyond a row scope."""
    viewer.require(Permission.DATA_LOAD)
    viewer.require_all_rows("Loading data")


def _plain(name: str) -> str:
    """Return a name of somebody else's as words of ours: no folders, nothing that does not print, not too long."""
    last = PurePosixPath("".join(each if each.isprintable() else " " for each in name.replace("\\", "/"))).name.strip()
    stem, suffix = PurePosixPath(last).stem, PurePosixPath(last).suffix[:20]
    return f"{stem[: MAX_NAME - len(suffix)]}{suffix}" or "file"


def _free(name: str, taken: Collection[str]) -> str:
    """Return the name, with a number in it when another file of the work has it."""
    path, number = PurePosixPath(name), 1
    while name in taken:
        number += 1
        name = f"{path.stem} ({number}){path.suffix}"
    return name


def _kept(present: SalesModel, wanted: SalesModel) -> Iterator[str]:
    """Yield what differs of all that belongs to the data."""
    if wanted.name != present.name:
        yield f"the name {present.name!r}"
    for field in ("table", "time", "key"):
        if getattr(wanted.facts, field) != getattr(present.facts, field):
            yield f"facts.{field}"
    types = {name: column.type for name, column in present.facts.columns.items()}
    if {name: column.type for name, column in wanted.facts.columns.items()} != types:
        yield "the names and types of the facts columns"
