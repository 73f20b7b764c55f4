"""Reads an Arrow stream from outside in a process of its own and writes its rows as a plain one.

Run as a script, with nothing imported but Arrow: a stream may unpack to a thousand times its size, or be damaged on
purpose. Exit code 2 means that the last line written says what is wrong with the stream.
"""

from __future__ import annotations

import os
import resource
import sys

import pyarrow as pa

REFUSED = 2
MEMORY = 1_000_000_000
SECONDS = 20


def main(source: str, target: str, file_bytes: int) -> None:
    """Write the rows of `source` to `target`, which may become `file_bytes` large."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pa.set_cpu_count(1)
    with pa.OSFile(source) as stream, pa.ipc.open_stream(stream) as reader:
        schema = _plain_schema(reader.schema)
        with pa.OSFile(target, "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            for batch in reader:
                batch.validate(full=True)
                writer.write_batch(batch.cast(schema))


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    if len(set(schema.names)) != len(schema.names):
        raise ValueError("two columns have the same name")
    return pa.schema([pa.field(field.name, _plain(field)) for field in schema])


def _plain(field: pa.Field) -> pa.DataType:
    """Return the type a column is written with; raises ValueError for one that no facts column can hold."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if pa.types.is_date(kind):
        return pa.date32()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return kind
    raise ValueError(f"the column {field.name!r} has the type {kind}; allowed: texts, numbers, dates and timestamps")


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    except (pa.ArrowException, ValueError, OSError, MemoryError) as error:
        sys.stdout.write(f"{type(error).__name__}: {error}"[:500].replace("\n", " "))
        sys.stdout.flush()
        os._exit(REFUSED)
