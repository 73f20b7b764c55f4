"""Where DuckDB and PostgreSQL differ; every other module writes one SQL for both."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from services.errors import AwayError, CancelledError, QueryError
from services.watchdog import Watchdog

WATCHDOG = Watchdog()

#: PostgreSQL's collations that know upper and lower case letter by letter, as DuckDB does; the best first.
FOLDING = ("pg_c_utf8", "C.utf8", "C.UTF-8", "und-x-icu")
#: Every blank of Unicode's class Zs: what DuckDB's trim takes away.
BLANKS = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
#: A server that has not stopped a statement this long after its time is taken to hang.
GRACE = 2.0


class contains_pattern(GenericFunction[bool]):  # noqa: N801 - named like the SQL function it becomes
    """`contains_pattern(text, regex)`: true when the pattern is found anywhere in the text."""

    type = sa.Boolean()
    inherit_cache = True


class lower_case(GenericFunction[str]):  # noqa: N801 - as above
    """`lower_case(text)`, letters of every alphabet."""

    type = sa.String()
    inherit_cache = True


class upper_case(GenericFunction[str]):  # noqa: N801 - as above
    """`upper_case(text)`, letters of every alphabet."""

    type = sa.String()
    inherit_cache = True


class without_blanks(GenericFunction[str]):  # noqa: N801 - as above
    """`without_blanks(text)`: the text less the blanks at both ends."""

    type = sa.String()
    inherit_cache = True


class as_text(GenericFunction[str]):  # noqa: N801 - as above
    """`as_text(value)`: a value written out."""

    type = sa.String()
    inherit_cache = True


class rounded(sa.sql.functions.ReturnTypeFromArgs[Any]):  # noqa: N801 - as above
    """`rounded(number[, digits])`: halves go away from zero."""

    inherit_cache = True


def _plain(template: str) -> Callable[..., str]:
    """Return a compiler that writes the arguments into a template."""

    def write(element: GenericFunction[Any], compiler: SQLCompiler, **kw: Any) -> str:
        arguments = [compiler.process(clause, **kw) for clause in element.clauses]
        return template.format(*arguments, all=", ".join(arguments), folding=_folding(compiler))

    return write


def _folding(compiler: SQLCompiler) -> str:
    return '"' + getattr(compiler.dialect, "salescope_folding", FOLDING[-1]) + '"'


#: How each function is written, by engine. DuckDB's `~` matches the whole text, PostgreSQL's any part of it.
TEMPLATES: dict[type[GenericFunction[Any]], tuple[str, str]] = {
    contains_pattern: ("regexp_matches({all})", "({0} ~ {1})"),
    lower_case: ("lower({0})", 'lower({0} COLLATE {folding}) COLLATE "C"'),
    upper_case: ("upper({0})", 'upper({0} COLLATE {folding}) COLLATE "C"'),
    without_blanks: ("trim({0})", f"btrim({{0}}, '{BLANKS}')"),
}
for _function, (_duckdb, _postgresql) in TEMPLATES.items():
    compiles(_function, "duckdb")(_plain(_duckdb))
    compiles(_function)(_plain(_postgresql))


@compiles(as_text)
def _as_text(element: as_text, compiler: SQLCompiler, **kw: Any) -> str:
    (value,) = element.clauses
    written = compiler.process(sa.cast(value, sa.String), **kw)
    if compiler.dialect.name != "postgresql" or not isinstance(value.type, sa.Float):
        return written
    # DuckDB writes 1.0 where PostgreSQL writes 1.
    return f"CASE WHEN {written} ~ '^-?[0-9]+$' THEN {written} || '.0' ELSE {written} END"


@compiles(rounded)
def _rounded(element: rounded, compiler: SQLCompiler, **kw: Any) -> str:
    value, *digits = element.clauses
    arguments = [compiler.process(clause, **kw) for clause in (value, *digits)]
    if compiler.dialect.name != "postgresql" or not isinstance(value.type, sa.Float):
        return f"round({', '.join(arguments)})"
    # PostgreSQL rounds a double's half to the even number, and to whole numbers only.
    arguments[0] = f"CAST({arguments[0]} AS NUMERIC)"
    return f"CAST(round({', '.join(arguments)}) AS DOUBLE PRECISION)"


def like(value: sa.ColumnElement[Any], pattern: str) -> sa.ColumnElement[bool]:
    """Return the condition that a value, written out, matches a LIKE pattern (escaped by a backslash) in any case."""
    return lower_case(as_text(value)).like(lower_case(sa.literal(pattern)), escape="\\")


def shift(moment: sa.ColumnElement[Any], months: int, days: int) -> sa.ColumnElement[Any]:
    """Return the timestamp moved by whole months, then by whole days."""
    for count, unit in ((months, "months"), (days, "days")):
        if count:
            moment = moment + sa.literal_column(f"INTERVAL '{int(count)} {unit}'", sa.Interval())
    return moment


class Stopping(NamedTuple):
    """How an engine's statements are ended.

    `prepare` sets the limit in seconds; `interrupt` ends a statement from another thread, `late` seconds after the
    limit, `cancel` one that a person no longer wants; `stopped` recognises the error this gives, `away` that of a
    server that does not answer.
    """

    prepare: Callable[[sa.Connection, float], None]
    interrupt: Callable[[Any], None]
    cancel: Callable[[Any], None]
    late: float
    stopped: Callable[[Any], bool]
    away: Callable[[Exception], bool]


def _set_timeout(connection: sa.Connection, seconds: float) -> None:
    limit = max(1, round(seconds * 1000))
    if connection.info.get("statement_timeout") != limit:
        connection.exec_driver_sql(f"SET statement_timeout = {limit}")
        connection.info["statement_timeout"] = limit


def _hang_up(driver: Any) -> None:
    """Close the line to a server that does not answer; who waits for it gets an error."""
    with contextlib.suppress(OSError, Exception), socket.socket(fileno=socket.dup(driver.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


STOPPING: dict[str, Stopping] = {
    # DuckDB has no statement timeout; interrupting from another thread is its documented way.
    "duckdb": Stopping(
        prepare=lambda connection, seconds: None,
        interrupt=lambda driver: driver.interrupt(),
        cancel=lambda driver: driver.interrupt(),
        late=0.0,
        stopped=lambda error: "INTERRUPT" in str(error).upper(),
        away=lambda error: False,
    ),
    "postgresql": Stopping(
        prepare=_set_timeout,
        interrupt=_hang_up,
        cancel=lambda driver: driver.cancel_safe(timeout=GRACE),
        late=GRACE,
        stopped=lambda error: getattr(error, "sqlstate", None) == "57014",
        away=lambda error: isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.TimeoutError),
    ),
}


def never() -> bool:
    """Return False."""
    return False


@contextlib.contextmanager
def reading(engine: sa.Engine, seconds: float, unwanted: Callable[[], bool] = never) -> Iterator[sa.Connection]:
    """Connect for statements that may take `seconds` and are stopped as soon as they are `unwanted()`.

    Raises QueryError for one that is stopped, AwayError when the server does not answer.
    """
    how = STOPPING[engine.dialect.name]
    try:
        with engine.connect() as connection:
            how.prepare(connection, seconds)
            driver = connection.connection.driver_connection
            with (
                WATCHDOG.watch(seconds + how.late, lambda: how.interrupt(driver)),
                WATCHDOG.listen(unwanted, lambda: how.cancel(driver)) if unwanted is not never else nullcontext(),
            ):
                yield connection
    except sa.exc.SQLAlchemyError as error:
        if how.stopped(getattr(error, "orig", None)) and unwanted():
            raise CancelledError from None
        if how.stopped(getattr(error, "orig", None)):
            raise QueryError(
                f"The query took longer than {seconds:g} seconds and was stopped. "
                "Choose a shorter period or fewer values."
            ) from None
        if how.away(error):
            raise AwayError from error
        raise


class Nothing(sa.sql.functions.FunctionElement[Any]):
    """NULL of a column's type, where a union needs one; it reads no table."""

    inherit_cache = False

    def __init__(self, like_this: sa.ColumnElement[Any]) -> None:
        super().__init__()
        self.type = like_this.type


@compiles(Nothing, "duckdb")
def _duckdb_nothing(_element: Nothing, _compiler: SQLCompiler, **_kw: Any) -> str:
    return "NULL"


@compiles(Nothing)
def _nothing(element: Nothing, compiler: SQLCompiler, **_kw: Any) -> str:
    # PostgreSQL would take an untyped NULL for a text.
    kind = element.type if isinstance(element.type, sa.DateTime | sa.String) else sa.Numeric()
    return f"CAST(NULL AS {compiler.dialect.type_compiler_instance.process(kind)})"
