"""Zip and gzip: what is inside, and unpacking it without being flooded."""

from __future__ import annotations

import contextlib
import gzip
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from services.errors import LoadError
from services.intake.limits import MEGABYTE, Limits

CHUNK = MEGABYTE
#: Bytes that may unpack at any ratio: short texts repeat themselves.
RATIO_FROM = 16 * MEGABYTE
#: Bytes an archive's table of contents may take; reading it needs some ten times that.
CONTENTS_BYTES = 8 * MEGABYTE
END, END64 = b"PK\x05\x06", b"PK\x06\x06"
DAMAGED = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError, ValueError)
#: Members that are no data, by path.
ASIDE = re.compile(
    r"(^|/)(__MACOSX/|\.|(readme|licen[cs]e|copying|changelog)[^/]*$)|/$|\.(pdf|md|html?|docx?|rtf|png|jpe?g|gif|svg)$",
    re.IGNORECASE,
)


@contextlib.contextmanager
def opened_zip(name: str, path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive whose table of contents is no attack; damage of any sort becomes a LoadError."""
    _check_contents(name, path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except DAMAGED as error:
        raise LoadError(f"{name} is damaged: {error or type(error).__name__}. Make or send it again.") from None


def _check_contents(name: str, path: Path) -> None:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 66_000))
        tail = stream.read()
    sizes = [
        int.from_bytes(tail[place + start : place + stop], "little")
        for mark, start, stop in ((END, 12, 16), (END64, 40, 48))
        for place in _places(tail, mark)
    ]
    if any(CONTENTS_BYTES < size < 0xFFFFFFFF for size in sizes):
        raise LoadError(f"{name} lists more files than can be read. Pack fewer files into an archive.")


def _places(data: bytes, mark: bytes) -> Iterator[int]:
    place = data.find(mark)
    while place >= 0:
        yield place
        place = data.find(mark, place + 1)


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members of an archive that may hold data."""
    return [info for info in archive.infolist() if not ASIDE.search(info.filename)]


def member_pieces(
    name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits, most: int
) -> Iterator[bytes]:
    """Yield what a member unpacks to, as `pieces` does.

    Raises LoadError for a locked member, and for one packed in a way that unpacks without bounds.
    """
    if info.flag_bits & 1:
        raise LoadError(f"{info.filename} in {name} is locked with a password. Unpack it and load what is inside.")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise LoadError(f"{info.filename} in {name} is packed in an unusual way. Unpack it and load what is inside.")
    with archive.open(info) as stream:
        yield from pieces(f"{info.filename} in {name}", stream, lambda: info.compress_size, limits, most)


def pieces(name: str, stream: IO[bytes], packed: Callable[[], int], limits: Limits, most: int) -> Iterator[bytes]:
    """Yield what a packed stream unpacks to; raises LoadError where it grows beyond `most` or the allowed ratio.

    `packed` tells how many packed bytes there were for it. Unpacked sizes that an archive states are not believed.
    """
    size = 0
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        if size > most:
            raise LoadError(f"{name} unpacks to more than {most:,} bytes (limit unpacked_bytes). Split it.")
        if size > RATIO_FROM and size > limits.ratio * max(1, packed()):
            raise LoadError(
                f"{name} unpacks to more than {limits.ratio:,} times its size (limit ratio), as no data do. Check "
                "where it comes from; if it is sound, unpack it and load what is inside."
            )
        yield chunk


def unpack_member(name: str, path: Path, member: str, target: Path, limits: Limits) -> None:
    """Write a member of a zip archive to `target`."""
    with opened_zip(name, path) as archive, target.open("wb") as out:
        info = next((info for info in members(archive) if info.filename == member), None)
        if info is None:
            raise LoadError(f"There is no {member} in {name}. It holds: {_shown(archive)}.")
        for piece in member_pieces(name, archive, info, limits, limits.unpacked_bytes):
            out.write(piece)


def member_head(name: str, path: Path, member: str, limits: Limits) -> bytes:
    """Return the first bytes of a member of a zip archive."""
    with opened_zip(name, path) as archive:
        return next(member_pieces(name, archive, archive.getinfo(member), limits, limits.unpacked_bytes), b"")


def _shown(archive: zipfile.ZipFile) -> str:
    names = [info.filename for info in members(archive)]
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "") or "nothing"


@contextlib.contextmanager
def _opened_gzip(name: str, path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Open a gzip file; gives what it unpacks to and its own bytes."""
    try:
        with path.open("rb") as packed, gzip.open(packed) as stream:
            yield cast(IO[bytes], stream), packed
    except DAMAGED as error:
        raise LoadError(f"{name} is damaged: {error or type(error).__name__}. Make or send it again.") from None


def gzip_head(name: str, path: Path) -> bytes:
    """Return the first bytes of what a gzip file holds."""
    with _opened_gzip(name, path) as (stream, _):
        return stream.read(CHUNK)


def unpack_gzip(name: str, path: Path, target: Path, limits: Limits) -> None:
    """Write what a gzip file holds to `target`."""
    with _opened_gzip(name, path) as (stream, packed), target.open("wb") as out:
        for piece in pieces(name, stream, packed.tell, limits, limits.unpacked_bytes):
            out.write(piece)
