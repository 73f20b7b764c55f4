"""Text files of any encoding -> UTF-8, and what a look at every byte of them tells."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from services.errors import LoadError

CHUNK = 1 << 20
#: Byte order marks, the longer before the shorter that they begin with.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Bytes that cp1252 has no letters for.
NOT_CP1252 = frozenset((0x81, 0x8D, 0x8F, 0x90, 0x9D))
#: One broken letter among this many good ones is damage within UTF-8; more of them are another encoding.
DAMAGE = 50


@dataclass(frozen=True)
class Facts:
    """What the bytes of a text file say.

    `lines` counts the lines that a line feed ends, and an unended last one; `blank` those without a letter;
    `blank_end` the blank ones at the end of the file; `longest` is the size of the longest line in bytes. `even`
    says that all lines end alike, in LF or in CRLF, so that these numbers hold. `utf8` says that all bytes are.
    """

    sha256: str
    size: int
    lines: int
    blank: int
    blank_end: int
    longest: int
    even: bool
    nul: bool
    utf8: bool


class Look:
    """Gathers Facts from the bytes of a file, chunk by chunk."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._utf8, self._nul = True, False
        self._size = self._lines = self._blank = self._blank_end = self._longest = self._returns = self._pairs = 0
        self._last_end = -1
        self._last = 0

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes; there must be some."""
        self._sha.update(chunk)
        self._nul = self._nul or b"\0" in chunk
        self._decode(chunk)
        self._count(chunk)
        self._size += len(chunk)
        self._last = chunk[-1]

    def _decode(self, chunk: bytes, *, final: bool = False) -> None:
        if self._utf8 and not (chunk.isascii() and not self._decoder.getstate()[0]):
            try:
                self._decoder.decode(chunk, final)
            except UnicodeDecodeError:
                self._utf8 = False

    def _count(self, chunk: bytes) -> None:
        data = np.frombuffer(chunk, np.uint8)
        feeds = np.flatnonzero(data == 10)
        self._returns += chunk.count(b"\r")
        if not len(feeds):
            return
        before = data[feeds - 1] == 13
        if feeds[0] == 0:
            before[0] = self._last == 13
        lengths = np.diff(feeds, prepend=self._last_end - self._size) - 1 - before
        filled = np.flatnonzero(lengths)
        self._pairs += int(before.sum())
        self._lines += len(feeds)
        self._blank += len(feeds) - len(filled)
        self._blank_end = len(feeds) - 1 - int(filled[-1]) if len(filled) else self._blank_end + len(feeds)
        self._longest = max(self._longest, int(lengths.max()))
        self._last_end = self._size + int(feeds[-1])

    def facts(self) -> Facts:
        """Return what was seen, when all bytes were."""
        self._decode(b"", final=True)
        rest = self._size - 1 - self._last_end
        return Facts(
            sha256=self._sha.hexdigest(),
            size=self._size,
            lines=self._lines + (rest > 0),
            blank=self._blank,
            blank_end=0 if rest else self._blank_end,
            longest=max(self._longest, rest),
            even=self._returns == self._pairs and self._pairs in {0, self._lines},
            nul=self._nul,
            utf8=self._utf8,
        )


def look(path: Path) -> Facts:
    """Return what the bytes of a file say, read as UTF-8."""
    seen = Look()
    for chunk in _chunks(path):
        seen.feed(chunk)
    return seen.facts()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def wide_encoding(head: bytes) -> str | None:
    """Return the encoding that the first bytes of a text give away: a mark's, or UTF-16's without one."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    data = np.frombuffer(head[: len(head) // 2 * 2], np.uint8)
    if len(data) < 4:
        return None
    even, odd = float((data[0::2] == 0).mean()), float((data[1::2] == 0).mean())
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.1 else None


def _narrow(path: Path, facts: Facts) -> str:
    """Return UTF-8, also if a little damaged, or else cp1252, or else Latin-1."""
    if facts.utf8:
        return "utf-8"
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    broken = letters = 0
    lone: set[int] = set()
    for chunk in _chunks(path):
        if not chunk.isascii():
            codes = np.frombuffer(decoder.decode(chunk).encode("utf-32-le", "surrogatepass"), np.uint32)
            bad = codes[(codes >= 0xDC80) & (codes <= 0xDCFF)]
            broken += len(bad)
            letters += int((codes > 0x7F).sum()) - len(bad)
            lone.update((np.unique(bad) - 0xDC00).tolist())
    if broken * DAMAGE <= letters:
        return "utf-8"
    return "latin-1" if lone & NOT_CP1252 else "cp1252"


def check_encoding(name: str) -> str:
    """Return an encoding's name as Python writes it; raises LoadError for one that is none."""
    try:
        "a".encode(name)
        known = codecs.lookup(name).name
        return "utf-8" if known in {"ascii", "utf-8-sig"} else known
    except (LookupError, UnicodeError, ValueError):
        raise LoadError(
            f"There is no text encoding {name!r}. Allowed are utf-8, utf-16, cp1252, latin-1 and the others that "
            "Python knows."
        ) from None


def open_text(path: Path) -> TextIO:
    """Open a text in UTF-8 with its line ends as they are; bytes that are not UTF-8 become lone surrogates."""
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def bounded_lines(stream: TextIO, limit: int) -> Iterator[str]:
    """Yield the lines of a text with their ends; one of more than `limit` letters comes cut a little above it."""
    while line := stream.readline(limit + 2):
        rest = line
        while len(rest) >= limit and not rest.endswith(("\n", "\r")):
            rest = stream.readline(limit)
        yield line


@dataclass(frozen=True)
class Text:
    """A text file: itself or a copy in UTF-8, what its bytes say, its own encoding and digest."""

    path: Path
    facts: Facts
    encoding: str
    sha256: str


def as_utf8(name: str, path: Path, stated: str | None, spare: Path) -> Text:
    """Return a text in UTF-8, transcoded into `spare` where it is in another encoding.

    Raises LoadError for an empty file, and for a stated encoding that is none or not that of the file.
    """
    with path.open("rb") as stream:
        head = stream.read(4096)
    if not head.strip(b"\xef\xbb\xbf\xfe\xff\0\r\n\t "):
        raise LoadError(f"{name} is empty.")
    facts = look(path)
    encoding = check_encoding(stated) if stated else wide_encoding(head) or _narrow(path, facts)
    if encoding == "utf-8":
        return Text(path, facts, encoding, facts.sha256)
    return Text(spare, transcode(name, path, encoding, spare), encoding, facts.sha256)


def transcode(name: str, source: Path, encoding: str, target: Path) -> Facts:
    """Write a text file as UTF-8 and return what its bytes say; raises LoadError where it is not in `encoding`."""
    decoder = codecs.getincrementaldecoder(encoding)()
    seen = Look()
    done = 0
    with target.open("wb") as out:
        try:
            for chunk in _chunks(source):
                text = decoder.decode(chunk)
                _put(text if done else text.removeprefix("\ufeff"), seen, out.write)
                done += len(chunk)
            _put(decoder.decode(b"", True), seen, out.write)
        except UnicodeError as error:
            raise LoadError(
                f"{name} is not text in {encoding}: {error.args[-1]}, after {done:,} bytes. Give its encoding, "
                "or write it as UTF-8."
            ) from None
    return seen.facts()


def _put(text: str, seen: Look, write: Callable[[bytes], int]) -> None:
    if data := text.encode():
        seen.feed(data)
        write(data)
