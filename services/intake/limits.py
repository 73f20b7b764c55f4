"""How much of a source intake is willing to read."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What a source may demand of this machine; more is refused by a LoadError that names the limit.

    `source_bytes` is the size of the file as it lies there, `unpacked_bytes` what an archive or workbook may unpack
    to, `ratio` how many times its packed size an entry may unpack to, `workbook_bytes` and `workbook_cells` the
    size of a workbook, which must fit into memory, `record_bytes` the size of one record of a text file.
    """

    source_bytes: int = 20_000 * MEGABYTE
    unpacked_bytes: int = 20_000 * MEGABYTE
    ratio: int = 200
    workbook_bytes: int = 600 * MEGABYTE
    workbook_cells: int = 20_000_000
    columns: int = 1_000
    record_bytes: int = MEGABYTE


LIMITS = Limits()
