"""What a file is, told by its first bytes."""

from __future__ import annotations

import re
from enum import Enum

from services.errors import LoadError
from services.intake.encodings import wide_encoding

#: Bytes of a file that tell its kind.
HEAD = 4096


class Kind(Enum):
    """A kind of file that intake reads."""

    TEXT = "a delimited text"
    JSON = "JSON"
    PARQUET = "a Parquet file"
    WORKBOOK = "an Excel workbook"
    ZIP = "a zip archive"
    GZIP = "a gzip archive"


#: Where which bytes stand in the kinds that are read.
READ = (
    (0, b"PAR1", Kind.PARQUET),
    (0, b"PK\x03\x04", Kind.ZIP),
    (0, b"PK\x05\x06", Kind.ZIP),
    (0, b"\x1f\x8b", Kind.GZIP),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.WORKBOOK),
)
UNPACK = "Unpack it and load what is inside."
EXPORT = "Export the data as CSV, Excel or Parquet."
#: The same for kinds that are not read, and what to do with them.
FOREIGN = (
    (0, b"%PDF-", "a PDF document", EXPORT),
    (0, b"{\\rtf", "a text document (RTF)", EXPORT),
    (0, b"\x89PNG", "an image", EXPORT),
    (0, b"\xff\xd8\xff", "an image", EXPORT),
    (0, b"GIF8", "an image", EXPORT),
    (0, b"RIFF", "an image, a sound or a film", EXPORT),
    (0, b"MZ", "a program", EXPORT),
    (0, b"\x7fELF", "a program", EXPORT),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (0, b"Rar!", "a RAR archive", UNPACK),
    (0, b"BZh", "a bzip2 archive", UNPACK),
    (0, b"\xfd7zXZ", "an xz archive", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    (0, b"SQLite format 3\0", "a SQLite database", "Load its tables by URL: sqlite:///path/to/file."),
    (8, b"DUCK", "a DuckDB database", "Load its tables by URL: duckdb:///path/to/file."),
    (0, b"ARROW1", "an Arrow file", EXPORT),
    (0, b"ORC", "an ORC file", EXPORT),
    (0, b"Obj\x01", "an Avro file", EXPORT),
)
MARKUP = re.compile(rb"\s*<(!doctype|\?xml|html|head|body|table|script|style|svg)\b", re.IGNORECASE)
JSON_START = re.compile(rb'\s*(\[\s*)?\{\s*("|\})')
#: Bytes that no text has.
BINARY = bytes(code for code in range(32) if code not in b"\0\t\n\v\f\r\x1a\x1b\x01\x1c\x1d\x1e\x1f")
OTHERS = "CSV and other delimited texts, Excel (.xlsx, .xls), Parquet, JSON lines, and zip or gzip of those"


def kind_of(name: str, head: bytes) -> Kind:
    """Return what a file is by its first bytes; raises LoadError for what is not read."""
    if not head:
        raise LoadError(f"{name} is empty.")
    for place, mark, kind in READ:
        if head.startswith(mark, place):
            return kind
    for place, mark, what, remedy in FOREIGN:
        if head.startswith(mark, place):
            raise LoadError(f"{name} is {what}, which is not read. {remedy} Allowed: {OTHERS}.")
    text = head.removeprefix(b"\xef\xbb\xbf")
    if MARKUP.match(text):
        raise LoadError(
            f"{name} is a web page or XML, whatever its name says. Open it in a spreadsheet and save it as Excel or "
            f"CSV. Allowed: {OTHERS}."
        )
    if wide_encoding(head):
        return Kind.JSON if JSON_START.match(text.replace(b"\0", b"").lstrip(b"\xff\xfe")) else Kind.TEXT
    if sum(map(head.count, map(bytes, zip(BINARY, strict=True)))) > max(8, len(head) // 20):
        raise LoadError(f"{name} is no text and of no kind that is known. Allowed: {OTHERS}.")
    return Kind.JSON if JSON_START.match(text) else Kind.TEXT
