"""Orders as programs send them: NDJSON or an Arrow stream -> checked columns of the model, all or nothing."""

from __future__ import annotations

import datetime as dt
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow as pa

from services import arrow_plain
from services.errors import LoadError
from services.model import ColumnType, SalesModel
from services.processes import environment

CHUNK = 10_000
MAX_FAULTS = 100
MAX_TEXT = 2_000
MONEY_PLACES, MONEY_LIMIT = 4, Decimal(10) ** 14
#: An Arrow stream may unpack to this many times the size it may have.
UNPACKED = 8
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?")
PLAIN_AMOUNT = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
ARROW_TYPES: Mapping[ColumnType, pa.DataType] = {
    ColumnType.TEXT: pa.string(),
    ColumnType.TIME: pa.timestamp("us"),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.MONEY: pa.decimal128(18, MONEY_PLACES),
}

#: A record with the number of its row, or the reason why the row is none.
Record = tuple[int, Mapping[str, Any] | str]


@dataclass(frozen=True)
class Fault:
    """Why an order cannot be taken: the row, counted from 1, the column, or None for the whole row, the reason."""

    row: int
    column: str | None
    reason: str


class RefusedOrdersError(LoadError):
    """Some orders cannot be taken, so none was; `faults` are the first of them."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        first = faults[0]
        place = f"row {first.row}" + (f", {first.column}" if first.column else "")
        super().__init__(f"No order was taken. {place}: {first.reason}")


class OrderForm:
    """What orders for a model look like: its facts columns but for the line's number, which Salescope gives."""

    def __init__(self, model: SalesModel) -> None:
        self.columns = {name: each.type for name, each in model.facts.columns.items() if name != model.facts.key}
        self.schema = pa.schema([(name, ARROW_TYPES[kind]) for name, kind in self.columns.items()])
        self._key, self._time = model.facts.key, model.facts.time
        # A text may be left out; a number that is left out would count as nothing without anybody noticing.
        self._required = [name for name, kind in self.columns.items() if kind is not ColumnType.TEXT]

    def batches(self, records: Iterable[Record]) -> Iterator[dict[str, list[Any]]]:
        """Yield the records as columns, some thousand rows at a time.

        Raises RefusedOrdersError for records that are not as they should be, after MAX_FAULTS of them at the latest.
        """
        faults: list[Fault] = []
        rows = iter(records)
        while chunk := list(islice(rows, CHUNK)):
            columns: dict[str, list[Any]] = {name: [] for name in self.columns}
            for number, record in chunk:
                faults += self._read(number, record, columns)
                if len(faults) >= MAX_FAULTS:
                    raise RefusedOrdersError(faults[:MAX_FAULTS])
            if not faults:
                yield columns
        if faults:
            raise RefusedOrdersError(faults)

    def _read(self, row: int, record: Mapping[str, Any] | str, columns: dict[str, list[Any]]) -> Iterator[Fault]:
        if isinstance(record, str):
            yield Fault(row, None, record)
            return
        for name in record:
            if name not in self.columns:
                yield Fault(row, name[:80], self._unknown(name))
        for name, kind in self.columns.items():
            value = record.get(name)
            try:
                if value is None and (name == self._time or (name in self._required and name not in record)):
                    raise ValueError("is missing")
                columns[name].append(None if value is None else READERS[kind](value))
            except (ValueError, OverflowError) as error:
                yield Fault(row, name, f"{error}" if value is None else f"{error}; received {_shown(value)}")

    def _unknown(self, name: str) -> str:
        if name == self._key:
            return "is given by Salescope; leave it out"
        return f"there is no such column; allowed: {', '.join(self.columns)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    if len(value) > MAX_TEXT:
        raise ValueError(f"must have at most {MAX_TEXT} characters")
    return value or None


def _time(value: Any) -> dt.datetime:
    if isinstance(value, str) and ISO_TIME.fullmatch(value):
        return dt.datetime.fromisoformat(value)
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return value
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime.combine(value, dt.time())
    raise ValueError("must be a local time without a zone, such as 2024-01-31T12:50:00")


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or value != value // 1:
        raise ValueError("must be a whole number")
    whole = int(value)
    if not -(2**63) <= whole < 2**63:
        raise ValueError("must be a whole number of 64 bits")
    return whole


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        raise ValueError("must be a number")
    return float(value)


def _money(value: Any) -> Decimal:
    written = isinstance(value, str) and PLAIN_AMOUNT.fullmatch(value)
    if isinstance(value, bool) or not (written or isinstance(value, int | float | Decimal)):
        raise ValueError("must be an amount, such as 12.50")
    amount = Decimal(str(value))
    if not amount.is_finite() or abs(amount) >= MONEY_LIMIT:
        raise ValueError(f"must be an amount below {MONEY_LIMIT:,f}")
    kept = amount.quantize(Decimal(1).scaleb(-MONEY_PLACES))
    if kept != amount:
        raise ValueError(f"must have at most {MONEY_PLACES} decimal places; round it")
    return kept


READERS: Mapping[ColumnType, Callable[[Any], Any]] = {
    ColumnType.TEXT: _text,
    ColumnType.TIME: _time,
    ColumnType.INTEGER: _integer,
    ColumnType.NUMBER: _number,
    ColumnType.MONEY: _money,
}


def ndjson(stream: IO[bytes]) -> Iterator[Record]:
    """Yield the records of a stream with one JSON object a line; blank lines are passed over, but counted."""
    for row, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield row, f"is not JSON: {error.msg}"
            continue
        yield row, found if isinstance(found, dict) else "is not a JSON object"


def arrow(source: Path, limit: int) -> Iterator[Record]:
    """Yield the records of a file with an Arrow stream, which may have `limit` bytes.

    The stream is unpacked beside it by a process of its own. Raises LoadError for one that is damaged or too large.
    """
    plain = source.with_suffix(".plain")
    command = [sys.executable, "-I", arrow_plain.__file__, str(source), str(plain), str(limit * UNPACKED)]
    try:
        unpacked = subprocess.run(  # noqa: S603 - our own interpreter with arguments made here
            command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
        if unpacked.returncode == arrow_plain.REFUSED:
            reason = unpacked.stdout.decode("utf-8", "replace").replace(str(source.parent), "")
            raise LoadError(f"This is no Arrow stream of orders: {reason}.")
        if unpacked.returncode:
            raise LoadError("The Arrow stream is damaged or unpacks to too much. Send it in smaller parts.")
        with pa.memory_map(str(plain)) as stream, pa.ipc.open_stream(stream) as reader:
            rows = (row for batch in reader for row in _rows(batch))
            yield from enumerate(rows, start=1)
    except subprocess.TimeoutExpired:
        raise LoadError("The Arrow stream takes too long to unpack. Send it in smaller parts.") from None
    finally:
        plain.unlink(missing_ok=True)


def _rows(batch: pa.RecordBatch) -> Iterator[Mapping[str, Any]]:
    for start in range(0, batch.num_rows, CHUNK):
        yield from batch.slice(start, CHUNK).to_pylist()
