"""Each table understood on its own, then the tables together: the facts, what is looked up, what is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from services.errors import LoadError
from services.intake import questions
from services.intake.candidates import Candidate
from services.intake.fitting import NUMERIC
from services.intake.leftovers import Guess
from services.intake.measuring import measure
from services.intake.profile import Measured, Stack, make_raw, make_typed
from services.intake.proposal import Changes, FieldRole, Question
from services.intake.relations import Link, entity_of, is_returns, links, reachable
from services.intake.roles import ONCE, guess
from services.intake.settling import by_currency, by_siblings, dated_numbers, remeasured, settled
from services.intake.staged import DeclaredKey
from services.recipe import Typing

WEIGHTS = {FieldRole.REVENUE: 3.0, FieldRole.QUANTITY: 2.0, FieldRole.UNIT_PRICE: 1.0, FieldRole.MEASURE: 0.5}
DATED = frozenset({FieldRole.TIME, FieldRole.YEAR})
#: Whose own dates (birth, first listed) say nothing of when something was sold.
UNDATED = frozenset({FieldRole.CUSTOMER, FieldRole.PRODUCT, FieldRole.CATEGORY, FieldRole.REGION})
MOST_WEIGHT = 6.0


@dataclass(frozen=True)
class Table:
    """A stack with its columns measured and their roles guessed."""

    stack: Stack
    measured: Mapping[str, Measured]
    guesses: Mapping[str, Guess]

    @property
    def name(self) -> str:
        """The name of the stack."""
        return self.stack.name

    @property
    def dated(self) -> bool:
        """Whether it tells when."""
        return any(each.role in DATED for each in self.guesses.values())

    @property
    def weight(self) -> float:
        """How much it looks like sales."""
        found = [WEIGHTS.get(each.role, 0.0) for each in self.guesses.values()]
        return min(MOST_WEIGHT, sum(found))

    def column(self, role: FieldRole) -> str | None:
        """Return the first column with a role."""
        return next((column for column, each in self.guesses.items() if each.role is role), None)


@dataclass(frozen=True)
class Plan:
    """The facts, the lookups in their order, and why each other table is unused."""

    facts: Table
    lookups: tuple[tuple[Table, Link], ...]
    unused: Mapping[str, str]
    unused_stacks: Mapping[str, Stack]
    questions: tuple[Question, ...] = ()


def read(connection: duckdb.DuckDBPyConnection, stack: Stack, changes: Changes) -> dict[str, Measured]:
    """Return the columns of a stack, measured under the typings the person gave or the texts show."""
    given = _given_typings(stack, changes)
    make_raw(connection, stack)
    found = measure(connection, stack, given)
    decided = questions.answered(stack.name, by_siblings(by_currency(found)), changes.answers)
    found = _as_decided(connection, stack, found, decided)
    found = dated_numbers(connection, stack, found, set(given))
    make_typed(connection, stack, found)
    return found


def _as_decided(
    connection: duckdb.DuckDBPyConnection,
    stack: Stack,
    found: Mapping[str, Measured],
    decided: Mapping[str, Measured],
) -> dict[str, Measured]:
    """Measure the columns again that are read in another way than at first."""
    other = {
        column: Candidate(each.typing, each.order)
        for column, each in decided.items()
        if each.typing != found[column].typing
    }
    if not other:
        return dict(decided)
    part = replace(stack, columns={column: stack.columns[column] for column in other})
    again = measure(connection, part, {}, other)
    return {
        **decided,
        **{
            column: replace(each, reasons=decided[column].reasons, confidence=decided[column].confidence)
            for column, each in again.items()
        },
    }


def _given_typings(stack: Stack, changes: Changes) -> dict[str, Typing]:
    given = changes.columns.get(stack.name, {})
    return {column: each.typing for column, each in given.items() if each.typing and column in stack.columns}


def _given_roles(stack: Stack, changes: Changes) -> dict[str, FieldRole]:
    given = changes.columns.get(stack.name, {})
    return {column: each.role for column, each in given.items() if each.role and column in stack.columns}


def understood(
    connection: duckdb.DuckDBPyConnection,
    stack: Stack,
    measured: Mapping[str, Measured],
    changes: Changes,
    entity: FieldRole | None = None,
) -> Table:
    """Return a stack with the roles of its columns, and the typings these need."""
    guesses = guess(connection, stack, measured, _given_roles(stack, changes), entity)
    given = _given_typings(stack, changes)
    wanted = {
        column: settled(each, guesses[column])
        for column, each in measured.items()
        if column not in given and not each.rivals
    }
    changed = {column for column, typing in wanted.items() if typing != measured[column].typing}
    known = remeasured(connection, stack, measured, wanted)
    kept = {
        column: replace(each, top=measured[column].top, reasons=measured[column].reasons, order=measured[column].order)
        for column, each in known.items()
    }
    if changed:
        make_typed(connection, stack, kept)
    return Table(stack, kept, guesses)


def plan(
    connection: duckdb.DuckDBPyConnection, found: Sequence[Stack], keys: Sequence[DeclaredKey], changes: Changes
) -> Plan:
    """Return which table holds the sales and how the others are joined to it; raises LoadError when none is dated."""
    measured = {stack.name: read(connection, stack, changes) for stack in found}
    tables = {stack.name: understood(connection, stack, measured[stack.name], changes) for stack in found}
    known = {name: table.measured for name, table in tables.items()}
    ways = links(connection, found, known, keys) if len(found) > 1 else []
    facts, asked = _facts(tables, ways, changes)
    chosen = reachable(facts.name, ways)
    lookups = tuple((_lookup(connection, tables[link.one], measured[link.one], changes), link) for link in chosen)
    facts, lookups = _once(facts, lookups, changes)
    if not facts.dated and not any(table.dated for table, _ in lookups):
        raise LoadError(_no_dates(tables.values()))
    unused = _unused(tables, facts, chosen, ways)
    return Plan(facts, lookups, unused, {name: tables[name].stack for name in unused}, asked)


def _lookup(
    connection: duckdb.DuckDBPyConnection, table: Table, measured: Mapping[str, Measured], changes: Changes
) -> Table:
    entity = entity_of(table.name)
    guesses = guess(connection, table.stack, measured, _given_roles(table.stack, changes), entity, lookup=True)
    return replace(table, guesses=guesses)


def _facts(tables: Mapping[str, Table], ways: Sequence[Link], changes: Changes) -> tuple[Table, tuple[Question, ...]]:
    """Return the table with the sales: it counts or adds up something, is dated, and others are looked up from it."""
    fitting = {name: score for name, table in tables.items() if (score := _score(table, tables, ways)) is not None}
    if not fitting:
        raise LoadError(_no_dates(tables.values()))
    best = max(fitting.values())
    tied = [name for name, score in fitting.items() if score >= best - 0.01]
    tied = [name for name in tied if not any(link.one == name and link.many in tied for link in ways)] or tied
    if len(tied) == 1:
        return tables[tied[0]], ()
    options = {name: tables[name].stack.rows for name in sorted(tied, key=lambda name: -tables[name].stack.rows)}
    asked = questions.with_answers([questions.facts_question(options)], changes.answers)
    return tables[asked[0].chosen or next(iter(options))], asked


def _score(table: Table, tables: Mapping[str, Table], ways: Sequence[Link]) -> float | None:
    """Return how surely a table holds the sales; None when nothing says when."""
    reached = [tables[link.one] for link in reachable(table.name, ways)]
    if not table.dated and not any(each.dated and entity_of(each.name) not in UNDATED for each in reached):
        return None
    return table.weight + 0.5 * min(len(reached), 4)


def _no_dates(tables: object) -> str:
    found = [table for table in tables if isinstance(table, Table)] if hasattr(tables, "__iter__") else []
    columns = sorted({column for table in found for column in table.measured})
    shown = ", ".join(map(repr, columns[:12])) + (", …" if len(columns) > 12 else "")
    return (
        "These data have no column that says when: a date, a month or a year, such as 2024-03-31, 31/03/2024 or "
        f"Mar-2024. Found: {shown}. Add such a column to the export and load it again; if one of these holds dates in "
        "another notation, say which and how it is written."
    )


def _once(
    facts: Table, lookups: Sequence[tuple[Table, Link]], changes: Changes
) -> tuple[Table, tuple[tuple[Table, Link], ...]]:
    """Keep each role once over all tables, the facts first, and out of the lookups what belongs to no line."""
    taken = {each.role for each in facts.guesses.values()} & ONCE
    made = []
    for table, link in _own_names(lookups, changes):
        given = _given_roles(table.stack, changes)
        guesses = {}
        for column, each in table.guesses.items():
            kept = each if column in given else _in_lookup(column, each, table, link, taken)
            guesses[column] = kept
            taken |= {kept.role} & ONCE
        made.append((replace(table, guesses=guesses), link))
    return _without_keys(facts, made, changes), tuple(
        (_without_keys(table, made, changes), link) for table, link in made
    )


def _own_names(lookups: Sequence[tuple[Table, Link]], changes: Changes) -> Iterator[tuple[Table, Link]]:
    """Take the name of a customer or a product from the table of customers or products, where it has one."""
    owners = {FieldRole.CUSTOMER_NAME: FieldRole.CUSTOMER, FieldRole.PRODUCT_NAME: FieldRole.PRODUCT}
    owned = {
        name
        for name, key in owners.items()
        for table, _ in lookups
        if entity_of(table.name) is key and table.column(name)
    }
    for table, link in lookups:
        given = _given_roles(table.stack, changes)
        guesses = {
            column: replace(each, role=FieldRole.DIMENSION, reasons=(*each.reasons, "another table has the name"))
            if each.role in owned and entity_of(table.name) is not owners[each.role] and column not in given
            else each
            for column, each in table.guesses.items()
        }
        yield replace(table, guesses=guesses), link


def _in_lookup(column: str, each: Guess, table: Table, link: Link, taken: set[FieldRole]) -> Guess:
    entity = entity_of(table.name)
    number = table.measured[column].is_number
    keyed = {key for _, key in link.columns}
    dated = each.role in DATED | {FieldRole.MONTH, FieldRole.DAY, FieldRole.CLOCK}
    stranger = entity is None or entity in {FieldRole.CATEGORY, FieldRole.REGION}
    prices = {FieldRole.UNIT_PRICE, FieldRole.UNIT_COST}
    names = {FieldRole.CUSTOMER, FieldRole.CUSTOMER_NAME, FieldRole.PRODUCT, FieldRole.PRODUCT_NAME}
    places = {FieldRole.COUNTRY, FieldRole.REGION, FieldRole.CITY}
    foreign = names | places if stranger else places if entity is FieldRole.PRODUCT else set()
    foreign |= {FieldRole.STATUS} if entity is not FieldRole.ORDER and not is_returns(table.name) else set()
    rows: tuple[tuple[bool, FieldRole, str], ...] = (
        (column in keyed, FieldRole.IGNORE, "it is the key of the table, which the lines have too"),
        (dated and (entity in UNDATED or bool(taken & DATED)), FieldRole.IGNORE, "the lines have their own date"),
        (each.role in prices and each.role not in taken, each.role, "the lines have none of their own"),
        (
            each.role in NUMERIC | {FieldRole.MEASURE, FieldRole.AVERAGE},
            FieldRole.IGNORE,
            f"it belongs to a row of {table.name}; added up over lines it would count several times",
        ),
        (each.role in foreign and not number, FieldRole.DIMENSION, f"it is that of {table.name}, not of the sale"),
        (each.role in foreign or (each.role in taken and number), FieldRole.IGNORE, "another column already is that"),
        (each.role in taken, FieldRole.DIMENSION, "another column already is that"),
    )
    found = next(((role, why) for holds, role, why in rows if holds), None)
    return each if found is None else Guess(found[0], min(each.confidence, 0.9), (*each.reasons, found[1]))


def _without_keys(many: Table, lookups: Sequence[tuple[Table, Link]], changes: Changes) -> Table:
    """Leave out plain numbers that only lead to a lookup with words of its own."""
    given = _given_roles(many.stack, changes)
    told = {
        column
        for table, link in lookups
        for column, _ in link.columns
        if link.many == many.name
        and any(each.role not in {FieldRole.IGNORE, FieldRole.LINE} for each in table.guesses.values())
    }
    guesses = {
        column: Guess(FieldRole.IGNORE, 0.8, (*each.reasons, "the table it leads to has the words"))
        if column in told and each.role in {FieldRole.DIMENSION, FieldRole.CATEGORY} and column not in given
        else each
        for column, each in many.guesses.items()
    }
    return replace(many, guesses=guesses)


def _unused(tables: Mapping[str, Table], facts: Table, chosen: Sequence[Link], ways: Sequence[Link]) -> dict[str, str]:
    """Say why a table is not used."""
    used = {facts.name, *(link.one for link in chosen)}
    found = {}
    for name in tables:
        if name in used:
            continue
        back = next((link for link in ways if link.many == name and link.one in used), None)
        if back is not None:
            keys = ", ".join(a for a, _ in back.columns)
            found[name] = f"it has several rows per {keys}; joined, it would repeat lines of {facts.name}"
        else:
            found[name] = f"no column of {facts.name} leads to one row of it"
    return found
