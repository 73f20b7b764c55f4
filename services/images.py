"""Images: rollups of a version as columns of numbers, in files that all worker processes map and share.

`<warehouse>/images/<version>-<id>/` holds one .npy file per column and `images.json`, which says what they are. The
rows of an image are sorted by time, then by its first key. Keys are codes into the sorted values of their column,
money is whole numbers of its smallest unit. The table `images` of a version names its folder and the digest of the
files; without them, or on another machine, the version is answered by SQL alone.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import sqlalchemy as sa

from services.periods import Range
from services.rollups import Rollup, rollup_from
from services.warehouse import KEEP, Snapshot, rows_of, sync

log = logging.getLogger("salescope")
Array = npt.NDArray[Any]
LIST = "images.json"
DAYS = ("days", "days_first", "days_last")
MIDNIGHT = dt.time()
#: Columns of an image beside its keys and states.
STARTS, OFFSETS, LEAD, BUCKET, MASK, ENTITY, ROWS = "starts", "offsets", "lead", "bucket", "mask", "entity", "rows"


@dataclass(frozen=True)
class Dictionary:
    """The values of a facts column in the order of their codes, nothing last.

    `attributes` are columns that depend on it, such as labels, `flags` conditions on it by their text.
    """

    values: tuple[Any, ...]
    attributes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict, hash=False)
    flags: Mapping[str, tuple[bool, ...]] = field(default_factory=dict, hash=False)

    @cached_property
    def index(self) -> Mapping[Any, int]:
        """The code of each value."""
        return {value: code for code, value in enumerate(self.values)}

    @cached_property
    def _numbers(self) -> Array | None:
        """The values as sorted numbers, None where they are no numbers or one is nothing."""
        found = np.array(self.values) if self.values and self.values[-1] is not None else None
        return found if found is not None and found.dtype.kind in "iu" else None

    def codes(self, values: Array) -> Array:
        """Return the code of each of some values, as `columns_of` has them; all are among the dictionary's."""
        if self._numbers is not None and values.dtype.kind in "iu" and not np.ma.is_masked(values):
            return np.searchsorted(self._numbers, np.asarray(values))
        index = self.index
        return np.array([index[value] for value in values.tolist()], np.int64)


@dataclass(frozen=True)
class State:
    """Partial results of an aggregate: whole numbers of 10**-scale, or doubles when `scale` is None.

    `known` is false for rows without a result; None when every row has one.
    """

    values: Array
    scale: int | None
    known: Array | None


@dataclass(frozen=True)
class Image:
    """A rollup in memory.

    `starts` are its buckets of time; bucket b has the rows `offsets[b]` to `offsets[b + 1]`, and those of code c of
    the first key the rows `lead[b, c]` to `lead[b, c + 1]`. Bit n of `mask` says that values of the rollup's `masks`
    stand behind the row: their codes, the last column's running fastest, are the digits of n.
    """

    rollup: Rollup
    starts: Array
    offsets: Array
    lead: Array | None
    bucket: Array
    codes: Mapping[str, Array]
    states: Mapping[str, State]
    rows: Array | None
    mask: Array | None
    entity: Array | None

    @property
    def nbytes(self) -> int:
        """Bytes of all its columns."""
        states = [each for state in self.states.values() for each in (state.values, state.known)]
        own = (self.starts, self.offsets, self.lead, self.bucket, self.rows, self.mask, self.entity)
        return sum(each.nbytes for each in (*own, *self.codes.values(), *states) if each is not None)


@dataclass(frozen=True)
class Days:
    """The days with lines, and the moments of the first and the last line of each."""

    days: Array
    first: Array
    last: Array

    def widened(self, period: Range) -> Range:
        """Return a period that reaches to midnight at each end beyond which its day has no line."""
        start, end = period.start, period.end
        if start.time() != MIDNIGHT and not self._lines(start.date(), self.first, lambda first: first < start):
            start = dt.datetime.combine(start.date(), MIDNIGHT)
        if end.time() != MIDNIGHT and not self._lines(end.date(), self.last, lambda last: last >= end):
            end = dt.datetime.combine(end.date(), MIDNIGHT) + dt.timedelta(days=1)
        return Range(start, end)

    def _lines(self, day: dt.date, moments: Array, beyond: Callable[[dt.datetime], bool]) -> bool:
        place = int(np.searchsorted(self.days, np.datetime64(day)))
        if place == len(self.days) or self.days[place] != np.datetime64(day):
            return False
        return beyond(moments[place].astype("datetime64[us]").item())


@dataclass(frozen=True)
class Basis:
    """What images were chosen for: the model's version, how many lines there were, the bytes allowed."""

    model: str
    lines: int
    budget: int


@dataclass(frozen=True)
class Images:
    """All images of a version, the dictionaries of their keys, and the sorted values of entities.

    `chains` are the finest of those made of one another, each followed by the small ones beside it; `basis` says what
    they were chosen for.
    """

    images: Mapping[str, Image]
    dictionaries: Mapping[str, Dictionary]
    entities: Mapping[str, Array]
    days: Days
    chains: tuple[tuple[Rollup, ...], ...] = ()
    basis: Basis | None = None

    @property
    def rollups(self) -> tuple[Rollup, ...]:
        """What the images hold."""
        return tuple(image.rollup for image in self.images.values())

    def bits(self, rollup: Rollup, allowed: Mapping[str, Array]) -> int:
        """Return the bits of a mask whose values are all allowed; columns not named are allowed all."""
        sizes = [len(self.dictionaries[name].values) for name in rollup.masks]
        grid = np.ones(sizes, bool)
        for axis, name in enumerate(rollup.masks):
            if name in allowed:
                grid &= allowed[name].reshape([-1 if each == axis else 1 for each in range(len(sizes))])
        return sum(1 << int(bit) for bit in np.flatnonzero(grid.ravel()))


_NO_DAYS = np.empty(0, "datetime64[D]")
NONE = Images({}, {}, {}, Days(_NO_DAYS, _NO_DAYS, _NO_DAYS))


class Writer:
    """Writes the images of a version into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._list: dict[str, Any] = {"images": [], "dictionaries": [], "entities": []}
        self._kept = 0
        folder.mkdir(parents=True, mode=0o700)

    def add(self, rollup: Rollup, columns: Mapping[str, Array], scales: Mapping[str, int | None]) -> None:
        """Add an image; `columns` are named as `Image` says, keys and states by their place."""
        for name, values in columns.items():
            np.save(self.folder / f"{rollup.table}.{name}.npy", np.ascontiguousarray(values), allow_pickle=False)
        self._list["images"].append({"rollup": asdict(rollup), "columns": [*columns], "scales": dict(scales)})

    def keep(self) -> None:
        """Have the images added so far stay."""
        self._kept = len(self._list["images"])

    def take_back(self) -> None:
        """Remove the images added since the last that stay."""
        for row in self._list["images"][self._kept :]:
            for name in row["columns"]:
                (self.folder / f"{row['rollup']['table']}.{name}.npy").unlink()
        del self._list["images"][self._kept :]

    def note(self, chains: Sequence[Sequence[Rollup]], basis: Basis) -> None:
        """Add how the images were chosen."""
        self._list["chains"] = [[asdict(each) for each in chain] for chain in chains]
        self._list["basis"] = asdict(basis)

    def add_dictionary(self, column: str, dictionary: Dictionary) -> None:
        """Add the values of a key."""
        self._list["dictionaries"].append({"column": column, **asdict(dictionary)})

    def add_entity(self, column: str, values: Array) -> None:
        """Add the sorted values of an entity."""
        number = len(self._list["entities"])
        np.save(self.folder / f"entity_{number}.npy", values, allow_pickle=False)
        self._list["entities"].append(column)

    def add_days(self, days: Array, first: Array, last: Array) -> None:
        """Add the days with lines, and the moments of the first and the last of each."""
        for name, values in zip(DAYS, (days, first, last), strict=True):
            np.save(self.folder / f"{name}.npy", values, allow_pickle=False)

    def finish(self) -> str:
        """Write the list, make sure that all is on the disk, and return the digest of the files."""
        (self.folder / LIST).write_bytes(orjson.dumps(self._list))
        for path in self.folder.iterdir():
            sync(path)
        sync(self.folder)
        return _digest(self.folder)


def read(folder: Path) -> Images:
    """Return the images in a folder; raises OSError or ValueError for what cannot be read."""
    listed = orjson.loads((folder / LIST).read_bytes())
    dictionaries = {
        row["column"]: Dictionary(
            tuple(row["values"]),
            {name: tuple(values) for name, values in row["attributes"].items()},
            {name: tuple(values) for name, values in row["flags"].items()},
        )
        for row in listed["dictionaries"]
    }
    images = [_image(folder, row) for row in listed["images"]]
    entities = {column: _load(folder / f"entity_{number}.npy") for number, column in enumerate(listed["entities"])}
    days = Days(*(_load(folder / f"{name}.npy") for name in DAYS))
    chains = tuple(tuple(dict.fromkeys(map(rollup_from, chain))) for chain in listed.get("chains", ()))
    basis = Basis(**listed["basis"]) if "basis" in listed else None
    return Images({image.rollup.table: image for image in images}, dictionaries, entities, days, chains, basis)


def images_of(snapshot: Snapshot, root: Path) -> Images:
    """Return the images of a version in a warehouse's folder; none where it has none, or they are damaged."""
    there = sa.text(
        "SELECT count(*) AS tables FROM information_schema.tables "
        "WHERE table_name = 'images' AND table_schema = current_schema()"
    )
    if snapshot.coverage is not None or not rows_of(snapshot, there)[0]["tables"]:
        return NONE
    for row in rows_of(snapshot, sa.text("SELECT folder, digest FROM images")):
        folder = root / "images" / str(row["folder"])
        try:
            found = read_whole(folder, str(row["digest"]))
            if found is not None:
                return found
            log.error("The images in %s are damaged; the data are answered without them, more slowly.", folder)
        except FileNotFoundError:
            log.warning("There are no images in %s; the data are answered without them, more slowly.", folder)
    return NONE


def read_whole(folder: Path, digest: str) -> Images | None:
    """Return the images in a folder whose files have a digest, None for others; raises FileNotFoundError."""
    return read(folder) if _digest(folder) == digest else None


def sweep(root: Path, version: int) -> None:
    """Remove the images of versions that are not kept, and those of builds of this version that nobody finished."""
    for path in (root / "images").glob("[0-9]*-*"):
        number = int(path.name.partition("-")[0])
        if number >= version or number <= version - 1 - KEEP:
            shutil.rmtree(path, ignore_errors=True)


def _image(folder: Path, row: Mapping[str, Any]) -> Image:
    rollup = rollup_from(row["rollup"])
    held = {name: _load(folder / f"{rollup.table}.{name}.npy") for name in row["columns"]}
    keys = (*rollup.parts, *rollup.keys)
    states = {
        text: State(held[column], row["scales"][column], held.get(f"{column}_known"))
        for text, column in rollup.states.items()
    }
    return Image(
        rollup,
        held[STARTS],
        held[OFFSETS],
        held.get(LEAD),
        held[BUCKET],
        {key: held[f"k{number}"] for number, key in enumerate(keys)},
        states,
        held.get(ROWS),
        held.get(MASK),
        held.get(ENTITY),
    )


def _load(path: Path) -> Array:
    # Without the subclass, whose every slice costs microseconds.
    return np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)  # type: ignore[no-any-return]


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(_files(folder)):
        with path.open("rb") as stream:
            found.update(path.name.encode() + hashlib.file_digest(stream, "sha256").digest())
    return found.hexdigest()


def _files(folder: Path) -> Iterable[Path]:
    if not (folder / LIST).exists():
        raise FileNotFoundError(folder)
    return folder.iterdir()


def narrow(values: Array) -> Array:
    """Return whole numbers in the smallest type that holds them all."""
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    kinds: Sequence[Any] = (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.int64)
    kind = next(kind for kind in kinds if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    return values.astype(kind)
