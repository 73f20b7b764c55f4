"""Image files: the images of a version in files that all worker processes map and share.

`<warehouse>/images/<version>-<id>/` holds one .npy file per column and `images.json`, which says what they are. The
table `images` of a version names its folder and the digest of the files; without them, or on another machine, the
version is answered by SQL alone.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import sqlalchemy as sa

from services.images import (
    BUCKET,
    ENTITY,
    LEAD,
    MASK,
    NONE,
    OFFSETS,
    ROWS,
    STARTS,
    Array,
    Basis,
    Days,
    Dictionary,
    Image,
    Images,
    State,
)
from services.rollups import Rollup, rollup_from
from services.warehouse import KEEP, Snapshot, rows_of, sync

log = logging.getLogger("salescope")
LIST = "images.json"

DAYS = ("days", "days_first", "days_last")


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
