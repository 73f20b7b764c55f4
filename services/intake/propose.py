"""From staged tables to a proposal of recipe and model."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from services.intake import currencies, derivation, findings, questions
from services.intake.fitting import marks
from services.intake.headers import header
from services.intake.leftovers import Guess
from services.intake.naming import PARTS, TARGETS, reference, target_of
from services.intake.profile import Measured, with_examples
from services.intake.proposal import (
    Changes,
    ColumnChange,
    Derived,
    FieldRole,
    LeaveOut,
    Notice,
    Proposal,
    ProposedColumn,
    ProposedJoin,
    ProposedTable,
    Question,
)
from services.intake.relations import is_returns, stacks
from services.intake.settling import AMOUNTS, typing_reasons
from services.intake.staged import DeclaredKey, Staged
from services.intake.tables import Plan, Table, plan
from services.intake.words import label, slug
from services.model import ColumnType
from services.sqltext import name_of, one

__all__ = ["propose"]
NO_CHANGES = Changes()
MEMORY = "1GB"
CURRENCY_UNKNOWN = "USD"


def propose(
    tables: Sequence[Staged], *, name: str, keys: Sequence[DeclaredKey] = (), changes: Changes = NO_CHANGES
) -> Proposal:
    """Return what the tables seem to hold and how they would be loaded.

    `keys` are those of a database's catalogue. Raises LoadError when nothing tells when the records happened, and
    UnknownNameError when `changes` answer a question with something that is no option.
    """
    with tempfile.TemporaryDirectory() as folder:
        config: dict[str, Any] = {"memory_limit": MEMORY, "temp_directory": folder}
        with duckdb.connect(str(Path(folder) / "proposal.duckdb"), config=config) as connection:
            found = plan(connection, stacks(tables), keys, changes)
            return _Proposing(connection, found, changes).proposal(name)


class _Proposing:
    """The steps from a plan to a proposal."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, made: Plan, changes: Changes) -> None:
        self._connection, self._plan, self._changes = connection, made, changes
        self._facts = made.facts
        self._columns = tuple(self._all_columns())
        self._roles = derivation.by_role(self._columns)
        self._asked: list[Question] = list(made.questions)
        self._notices: list[Notice] = []

    def proposal(self, name: str) -> Proposal:
        leave_out = tuple(self._leave_out())
        wheres = self._overlaps()
        self._ask_readings()
        derived = tuple(derivation.all_of(self._columns, self._facts.name, self._line_kind()))
        currency, why = self._currency()
        first, last = self._span()
        self._note_columns()
        asked = questions.with_answers(self._asked, self._changes.answers)
        return Proposal(
            name=self._changes.name or slug(name, "data"),
            title=self._changes.title or label(name),
            currency=currency,
            currency_reason=why,
            tables=tuple(self._tables()),
            columns=self._columns,
            joins=tuple(self._joins()),
            leave_out=leave_out,
            derived=derived,
            wheres=wheres if any(each.key == "overlap" and each.chosen == "later" for each in asked) else {},
            notices=tuple(self._notices),
            questions=asked,
            first=first,
            last=last,
            facts_rows=self._facts.stack.rows,
        )

    def _all_columns(self) -> Iterator[ProposedColumn]:
        taken: set[str] = set()
        used = [(self._facts, None), *((table, table.name) for table, _ in self._plan.lookups)]
        for table, lookup in used:
            given = self._changes.columns.get(table.name, {})
            for column, each in sorted(
                table.measured.items(), key=lambda pair: table.guesses[pair[0]].role not in TARGETS
            ):
                guess = table.guesses[column]
                change = given.get(column, ColumnChange())
                target = change.target if guess.role not in PARTS else None
                target = target or target_of(column, guess.role, lookup, taken)
                taken |= {target} if target else set()
                yield self._column(table, each, guess, target, change)

    def _column(
        self, table: Table, each: Measured, guess: Guess, target: str | None, change: ColumnChange
    ) -> ProposedColumn:
        shown = with_examples(self._connection, each)
        return ProposedColumn(
            table=table.name,
            source=each.name,
            staged=each.staged,
            target=target,
            label=change.label or label(each.name),
            typing=each.typing,
            role=guess.role,
            confidence=0.3 if each.rivals else min(guess.confidence, each.confidence),
            reasons=(*guess.reasons, *typing_reasons(each)),
            raw=tuple(raw for raw, _ in shown.examples),
            parsed=tuple(parsed for _, parsed in shown.examples),
            filled=each.filled,
            missing=each.rows - each.filled,
            unparseable=each.unparseable,
            distinct=each.distinct,
            low=None if each.low is None else str(each.low),
            high=None if each.high is None else str(each.high),
        )

    def _tables(self) -> Iterator[ProposedTable]:
        stacked = (
            "files with the same columns are stacked" if len(self._facts.stack.staged) > 1 else "it holds the sales"
        )
        yield self._table(self._facts, "facts", stacked)
        for table, link in self._plan.lookups:
            yield self._table(table, "lookup", link.reason)
        for name, reason in self._plan.unused.items():
            self._notices.append(Notice(table=name, words=f"The table {name} is not used: {reason}."))
            stack = self._plan.unused_stacks[name]
            sources = tuple(each.name for each in stack.staged)
            yield ProposedTable(name=name, sources=sources, rows=stack.rows, use="unused", reason=reason)

    def _table(self, table: Table, use: Any, reason: str) -> ProposedTable:
        staged = table.stack.staged
        return ProposedTable(
            name=table.name,
            sources=tuple(each.name for each in staged),
            rows=table.stack.rows,
            use=use,
            reason=reason,
            reading=staged[0].reading,
        )

    def _joins(self) -> Iterator[ProposedJoin]:
        for table, link in self._plan.lookups:
            many = None if link.many == self._facts.name else link.many
            by = {key: reference(column, many) for column, key in link.columns}
            yield ProposedJoin(table=table.name, on=by, coverage=min(link.coverage, 1.0), reason=link.reason)
            if link.coverage < 0.995:
                words = f"{1 - link.coverage:.1%} of the rows of {link.many} find nothing in {table.name}."
                self._notices.append(Notice(table=table.name, words=words))

    def _leave_out(self) -> Iterator[LeaveOut]:
        table = self._facts
        found = findings.totals(self._connection, table.stack, table.measured, table.guesses)
        for total in found:
            reason = f"{total.value} is the total of the other values of {total.column}"
            condition = f"trim({reference(total.column)}) == {total.value!r}"
            if not total.proven:
                question = questions.total_question(total)
                self._asked.append(question)
                if self._changes.answers.get(question.key) != "leave_out":
                    continue
            proof = (
                f"it equals the sum of the others by {total.measure} in {total.share:.0%} of {total.sums:,} comparisons"
            )
            active = self._changes.leave_out.get(reason, True)
            yield LeaveOut(reason=reason, condition=condition, rows=total.rows, proof=proof, active=active)
        yield from self._footer()

    def _footer(self) -> Iterator[LeaveOut]:
        table = self._facts
        found = findings.footer(self._connection, table.stack, table.measured, table.guesses)
        if found is None:
            return
        source = reference(found.column)
        text = table.stack.columns[found.column] is ColumnType.TEXT
        written = f"trim({source})" if text else f"text({source})"
        condition = f"coalesce({written}, '') == {found.text or ''!r}"
        reason = "the closing line holds the total"
        yield LeaveOut(
            reason=reason,
            condition=condition,
            rows=found.rows,
            proof=f"it has no date, and its {found.measure} is the sum of all others",
            active=self._changes.leave_out.get(reason, True),
        )

    def _overlaps(self) -> dict[str, str]:
        """Report rows that repeat; return the conditions that would take them once."""
        table, time = self._facts, self._facts.column(FieldRole.TIME)
        ignored = {column for column, each in table.guesses.items() if each.role is FieldRole.LINE}
        repeated = findings.repeats(self._connection, table.stack, ignored)
        if repeated:
            words = f"{repeated:,} of {table.stack.rows:,} rows repeat another one exactly. They are kept."
            self._notices.append(Notice(table=table.name, words=words))
        shared = findings.overlaps(self._connection, table.stack, time, ignored) if time else []
        clean = [each for each in shared if each.clean]
        if clean:
            self._asked.append(questions.overlap_question(clean, table.stack.rows))
        for each in shared:
            if not each.clean:
                words = f"{each.rows:,} rows of {each.source} stand in another file too, among rows that do not."
                self._notices.append(Notice(table=table.name, words=words))
        target = TARGETS[FieldRole.TIME]
        return {each.source: f"{target} < date('{each.since:%Y-%m-%d}')" for each in clean}

    def _ask_readings(self) -> None:
        for table in (self._facts, *(lookup for lookup, _ in self._plan.lookups)):
            used = {
                column: each
                for column, each in table.measured.items()
                if table.guesses[column].role not in {FieldRole.IGNORE, FieldRole.LINE}
            }
            self._asked += questions.readings(self._connection, table.name, used)

    def _line_kind(self) -> Derived | None:
        table = self._facts
        order, quantity, revenue = (
            table.column(role) for role in (FieldRole.ORDER, FieldRole.QUANTITY, FieldRole.REVENUE)
        )
        negatives = self._negatives(quantity, revenue)
        number = {FieldRole.QUANTITY: quantity, FieldRole.REVENUE: revenue}.get(negatives) if negatives else None
        prefixes = findings.return_prefixes(self._connection, table.stack, order, number) if order and number else []
        status = self._roles.get(FieldRole.STATUS)
        returned, cancelled = self._marks(status) if status else ((), ())
        listed = next(((t, link) for t, link in self._plan.lookups if is_returns(t.name)), None)
        key = reference(listed[1].columns[0][1], listed[0].name) if listed else None
        if listed and listed[0].measured[listed[1].columns[0][1]].typing.type is not ColumnType.TEXT:
            key = f"text({key})"
        return derivation.line_kind(self._roles, prefixes, returned, cancelled, negatives, key)

    def _negatives(self, quantity: str | None, revenue: str | None) -> FieldRole | None:
        for role, column in ((FieldRole.QUANTITY, quantity), (FieldRole.REVENUE, revenue)):
            if column and self._facts.measured[column].negative:
                return role
        return None

    def _marks(self, status: ProposedColumn) -> tuple[tuple[str, ...], tuple[str, ...]]:
        tables = {table.name: table for table in (self._facts, *(each for each, _ in self._plan.lookups))}
        return marks(tables[status.table].measured[status.source])

    def _currency(self) -> tuple[str, str]:
        if self._changes.currency:
            return self._changes.currency, "you chose it"
        tables = (self._facts, *(each for each, _ in self._plan.lookups))
        column = self._roles.get(FieldRole.CURRENCY)
        if column is not None:
            table = next(each for each in tables if each.name == column.table)
            found = [code for text, _ in table.measured[column.source].top if (code := currencies.currency_of(text))]
            if len(found) > 1:
                words = f"Amounts are in {len(found)} currencies ({', '.join(found[:6])}); adding them up mixes them."
                self._notices.append(Notice(table=table.name, words=words))
            if found:
                return found[0], f"{column.source!r} says so"
        return self._currency_of_amounts(tables)

    def _currency_of_amounts(self, tables: Sequence[Table]) -> tuple[str, str]:
        said: Counter[tuple[str, str]] = Counter()
        for table in tables:
            for column, each in table.measured.items():
                code = header(column).currency if each.is_number else None
                sign = each.sign
                code = code or (currencies.currency_of(sign) if sign else None)
                if code:
                    said[code, f"{column!r} says so"] += 2 if column in _amounts(table.guesses) else 1
        if said:
            return said.most_common(1)[0][0]
        if not any(each.role in AMOUNTS for each in self._columns):
            return CURRENCY_UNKNOWN, "there are no amounts"
        words = f"Nothing says in which currency the amounts are; {CURRENCY_UNKNOWN} is shown until you choose another."
        self._notices.append(Notice(table=self._facts.name, words=words))
        return CURRENCY_UNKNOWN, "nothing says which; choose it"

    def _span(self) -> tuple[str | None, str | None]:
        """Return the first and last moment, as ISO texts."""
        column = self._roles.get(FieldRole.TIME)
        if column is not None:
            return column.low, column.high
        parts = [self._roles[role] for role in (FieldRole.YEAR, FieldRole.MONTH) if role in self._roles]
        table = next(t for t in (self._facts, *(t for t, _ in self._plan.lookups)) if t.name == parts[0].table)
        year = name_of(parts[0].source)
        month = name_of(parts[1].source) if len(parts) > 1 and parts[1].typing.type is ColumnType.INTEGER else None
        value = f"{year} * 100 + {month}" if month else f"{year} * 100 + 1"
        low, high = one(self._connection, f"SELECT min({value}), max({value}) FROM {table.stack.typed}")
        first, last = (dt.datetime(int(v) // 100, int(v) % 100, 1).isoformat(" ") for v in (low, high))
        return first, last

    def _note_columns(self) -> None:
        for column in self._columns:
            if column.unparseable and column.role not in {FieldRole.IGNORE, FieldRole.LINE}:
                words = (
                    f"{column.unparseable:,} of {column.filled:,} values of {column.source!r} cannot be read as "
                    f"{column.typing.type}; their rows would be refused."
                )
                self._notices.append(Notice(table=column.table, words=words))


def _amounts(guesses: Mapping[str, Guess]) -> set[str]:
    wanted = {FieldRole.REVENUE, FieldRole.UNIT_PRICE, FieldRole.COST}
    return {column for column, guess in guesses.items() if guess.role in wanted}
