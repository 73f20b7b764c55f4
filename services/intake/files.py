"""Files of anybody -> the tables they hold -> staged tables.

What a file is, its content says, not its name.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from services.errors import LoadError
from services.intake.archives import gzip_head, member_head, members, opened_zip, unpack_gzip, unpack_member
from services.intake.columnar import stage_parquet
from services.intake.delimited import stage_delimited
from services.intake.jsonlines import stage_json
from services.intake.kinds import HEAD, Kind, kind_of
from services.intake.limits import LIMITS, Limits
from services.intake.staged import Part, Staged
from services.intake.workbooks import sheets, stage_workbook
from services.recipe import Reading
from services.warehouse import file_digest

AS_FOUND = Reading()
PACKED = (Kind.ZIP, Kind.GZIP)
#: The formats of a reading that a kind of file can be read as; the first when none is asked for.
FORMATS = {
    Kind.TEXT: ("csv", "jsonl"),
    Kind.JSON: ("jsonl", "csv"),
    Kind.PARQUET: ("parquet",),
    Kind.WORKBOOK: ("excel",),
}


def find(path: Path, limits: Limits = LIMITS) -> list[Part]:
    """Return the tables in a file: the file itself, the members of an archive, the visible sheets of a workbook.

    Members that are no data by their names (dot files, `__MACOSX`, a readme) and sheets without a record are left
    out. Raises LoadError for a file that holds no table, is of a kind that is not read, or exceeds a limit.
    """
    kind = _kind(path.name, path, limits)
    if kind is Kind.WORKBOOK:
        return [Part(path, f"{path.name}, sheet {title}", sheet=title) for title in sheets(path.name, path, limits)]
    if kind is Kind.GZIP:
        return _inside(path, None, limits)
    if kind is not Kind.ZIP:
        return [Part(path, path.name)]
    with opened_zip(path.name, path) as archive:
        names = [info.filename for info in members(archive)]
    if not names:
        raise LoadError(f"{path.name} holds no files with data.")
    return [part for name in names for part in _inside(path, name, limits)]


def _kind(name: str, path: Path, limits: Limits) -> Kind:
    """Return what a file is; a workbook is no archive."""
    if not path.is_file():
        raise LoadError(f"There is no file {path}. Check its name and place.")
    if (size := path.stat().st_size) > limits.source_bytes:
        raise LoadError(
            f"{name} has {size:,} bytes; at most {limits.source_bytes:,} are allowed (limit source_bytes). Split it."
        )
    with path.open("rb") as stream:
        kind = kind_of(name, stream.read(HEAD))
    if kind is not Kind.ZIP:
        return kind
    with opened_zip(name, path) as archive:
        inside = set(archive.namelist())
    if "[Content_Types].xml" not in inside:
        return Kind.ZIP
    if "xl/workbook.xml" in inside:
        return Kind.WORKBOOK
    raise LoadError(f"{name} is an Office document, but no .xlsx workbook. Save its tables as .xlsx or CSV.")


def _inside(path: Path, member: str | None, limits: Limits) -> list[Part]:
    """Return the tables in a member of a zip archive, or in a gzip file; raises LoadError for an archive in it."""
    name = _inner_name(path, member)
    head = gzip_head(path.name, path) if member is None else member_head(path.name, path, member, limits)
    if kind_of(name, head) not in {Kind.ZIP, Kind.GZIP, Kind.WORKBOOK}:
        return [Part(path, name, member=member)]
    with tempfile.TemporaryDirectory(prefix="find-") as folder:
        unpacked = Path(folder) / "unpacked"
        _unpack(path, member, unpacked, limits)
        kind = _kind(name, unpacked, limits)
        if kind in PACKED:
            raise LoadError(f"{name} in {path.name} is {kind.value} in an archive. Unpack {path.name} and load that.")
        titles = sheets(name, unpacked, limits)
        return [Part(path, f"{name}, sheet {title}", member=member, sheet=title) for title in titles]


def _inner_name(path: Path, member: str | None) -> str:
    return member or re.sub(r"\.gz(ip)?$", "", path.name, flags=re.IGNORECASE)


def _unpack(path: Path, member: str | None, target: Path, limits: Limits) -> None:
    if member is None:
        unpack_gzip(path.name, path, target, limits)
    else:
        unpack_member(path.name, path, member, target, limits)


def stage(part: Part, folder: Path, reading: Reading = AS_FOUND, limits: Limits = LIMITS) -> Staged:
    """Write a table of a file into `folder` as a Parquet file, and say how it was read.

    What `reading` does not say is found by looking; the result's `reading` says all of it, so that the next file is
    read alike. Every record is in the table or among the refused ones; an empty text is NULL. A plain Parquet file
    is not copied unless its columns need it. The digest is that of the content of the file, archive member or
    sheet's workbook (with the sheet's name). Raises LoadError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{_slug(part)}.parquet"
    with _plain(part, folder, limits) as path:
        kind = _kind(part.name, path, limits)
        form = _format(part.name, kind, reading)
        if form == "excel":
            staged = stage_workbook(part.name, path, target, part.sheet, reading, limits)
            identity = f"{file_digest(path)} {staged.reading.sheet}"
            return replace(staged, digest=hashlib.sha256(identity.encode()).hexdigest())
        if form == "parquet":
            return stage_parquet(part.name, path, target, limits, temporary=path != part.source)
        return (stage_json if form == "jsonl" else stage_delimited)(part.name, path, target, reading, limits)


def _format(name: str, kind: Kind, reading: Reading) -> str:
    allowed = FORMATS[kind]
    if reading.format is not None and reading.format not in allowed:
        raise LoadError(f"{name} is {kind.value}, which cannot be read as {reading.format}. Take {allowed[0]}.")
    return reading.format or allowed[0]


@contextlib.contextmanager
def _plain(part: Part, folder: Path, limits: Limits) -> Iterator[Path]:
    """Give a part's file as it is when unpacked; the unpacked one is removed afterwards."""
    packed = _kind(part.source.name, part.source, limits) in PACKED
    if not packed:
        yield part.source
        return
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacked-") as spare:
        unpacked = Path(spare) / "unpacked"
        _unpack(part.source, part.member, unpacked, limits)
        yield unpacked


def _slug(part: Part) -> str:
    """Return a file name for a part: readable, and another one for each part."""
    place = "\0".join((str(part.source.resolve()), part.member or "", part.sheet or ""))
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', part.name)[:60]}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"
