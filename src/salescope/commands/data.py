"""The commands that load data and take loads back."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from salescope import installation
from salescope.settings import Settings
from salescope.terminal import FAILED, OPERATOR, err, escape, explained, out, progress, table
from services.errors import UnknownNameError, UserError
from services.intake.proposal import ROLE_LABELS, Changes, ColumnChange, FieldRole, Proposal, ProposedColumn
from services.ledger import Load, Mode, loads
from services.loading import Loaded
from services.loading import undo as take_back
from services.prepared import Prepared, rejects, write_rejects
from services.workbench import Decision, Looked, Workbench

#: Columns of text the list of loads takes at least.
WIDE = 150
#: Below this a person should look at what a column was taken for.
SURE = 0.7
MODES = {
    Mode.APPEND: "add the lines to those that are there",
    Mode.REPLACE_KEY: "replace the lines with the same key",
    Mode.REPLACE_PERIOD: "replace all lines of the days the new ones cover",
    Mode.START_OVER: "leave everything there is aside and start with these data",
}


@click.command()
@click.argument("sources", nargs=-1, metavar="[FILE… | FOLDER | URL | RECIPE.yaml]")
@click.option("--sample", is_flag=True, help="Load the sample that comes with Salescope.")
@click.option("--list", "show", is_flag=True, help="Show what was loaded so far.")
@click.option("--look", is_flag=True, help="Show what would be made of the files and load nothing.")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), help="What to do with lines that are there.")
@click.option("--good", is_flag=True, help="Load the good rows and leave the others out; all or nothing unless given.")
@click.option("--new", "afresh", is_flag=True, help="Make a new recipe, even where the one in use resembles the files.")
@click.option("--answer", multiple=True, metavar="QUESTION=OPTION", help="Answer a question about the files.")
@click.option("--role", multiple=True, metavar="[TABLE.]COLUMN=ROLE", help="Say what a column is; repeat as needed.")
@click.option("--name", help="Name of the new model, such as orders.")
@click.option("--title", help="Title of the new model.")
@click.option("--currency", help="Currency of the new model, such as EUR.")
@click.option("--table", "tables", multiple=True, help="Table or view of the database to read; all unless given.")
@click.option(
    "--rejects", "report", type=click.Path(path_type=Path, dir_okay=False), help="Write the reject report here."
)
@click.option("--yes", is_flag=True, help="Do not ask whether the columns were understood.")
@explained
def load(
    sources: tuple[str, ...],
    *,
    sample: bool,
    show: bool,
    look: bool,
    mode: str | None,
    good: bool,
    afresh: bool,
    answer: tuple[str, ...],
    role: tuple[str, ...],
    name: str | None,
    title: str | None,
    currency: str | None,
    tables: tuple[str, ...],
    report: Path | None,
    yes: bool,
) -> None:
    """Load files, a folder of them, the tables of a database, or what a recipe names, and publish them.

    Without a recipe the columns are found out; what cannot be decided is asked.
    """
    settings = Settings.from_env()
    installation.init(settings)
    if show:
        _print_loads(settings)
        return
    if sample == bool(sources):
        raise click.UsageError("Name files, a database URL or a recipe, or use --sample.")
    chosen = Mode(mode) if mode else None
    if sample or sources[0].endswith((".yaml", ".yml")):
        recipe = installation.SAMPLE if sample else Path(sources[0])
        _load_recipe(settings, recipe, chosen, keep_good=good)
        return
    changes = Changes(name=name, title=title, currency=currency, answers=_pairs(answer, "--answer"))
    bench, url = _opened(settings, sources)
    try:
        looked = _look(settings, bench, changes, url, tables, role, afresh=afresh)
        if look:
            return
        if (
            not yes
            and looked.proposal is not None
            and _asks()
            and not click.confirm("Load them like this?", default=True)
        ):
            return
        _load(settings, bench, chosen, report, keep_good=good)
    finally:
        bench.discard()


@click.command()
@click.argument("number", type=int)
@explained
def undo(number: int) -> None:
    """Take load NUMBER back (`salescope load --list` shows them); the site shows the data without it."""
    settings = Settings.from_env()
    store = installation.warehouse(settings)
    files = installation.model_files(settings, store)
    with progress() as step:
        step("Building the snapshot", 0.5)
        done = take_back(store, files.called, number, by=OPERATOR)
    out.print(
        f"Took back load {number} ({done.load.name}, {done.load.rows_kept:,} lines); version {done.version} is live."
    )


def _load_recipe(settings: Settings, path: Path, mode: Mode | None, *, keep_good: bool) -> None:
    with progress() as step:
        loaded = installation.load_recipe(settings, path, by=OPERATOR, mode=mode, keep_good=keep_good, progress=step)
    print_loaded(loaded)


def _opened(settings: Settings, sources: Sequence[str]) -> tuple[Workbench, str | None]:
    """Return a workbench with the files on it, and the URL when a database was named."""
    urls = [source for source in sources if "://" in source]
    if urls and len(sources) > 1:
        raise click.UsageError("Name one database URL, or files; not both.")
    bench = Workbench.open(settings.instance / "uploads", OPERATOR)
    for source in () if urls else sources:
        path = Path(source)
        found = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
        for each in found:
            if not each.is_file():
                bench.discard()
                raise UserError(
                    f"There is no file {source!r}. Name files, a folder, a database URL or a recipe (.yaml)."
                )
            bench.add(each.name, each.resolve())
    return bench, urls[0] if urls else None


def _look(
    settings: Settings,
    bench: Workbench,
    changes: Changes,
    url: str | None,
    tables: Sequence[str],
    roles: Sequence[str],
    *,
    afresh: bool,
) -> Looked:
    files = installation.model_files(settings)
    given = None if changes == Changes() and not roles else changes
    with progress() as step:
        looked = bench.look(
            files, given if not roles else None, url=url, only=tables, afresh=afresh or bool(roles), progress=step
        )
    if looked.drift and given is None and not afresh:
        raise UserError(f"{looked.drift} Or use --new to make a new recipe.")
    if looked.proposal is not None and roles:
        changes = changes.model_copy(update={"columns": _roles(looked.proposal, roles)})
        looked = bench.look(files, changes)
    while looked.proposal is not None and looked.proposal.open_questions:
        changes = _ask(looked.proposal, changes)
        looked = bench.look(files, changes)
    if looked.proposal is not None:
        print_proposal(looked.proposal)
    else:
        out.print("The files have the columns of the recipe in use.")
    return looked


def _asks() -> bool:
    return sys.stdin.isatty()


def _ask(proposal: Proposal, changes: Changes) -> Changes:
    """Return the changes with the answers to all open questions; raises UserError where nobody can be asked."""
    answers = dict(changes.answers)
    for question in proposal.open_questions:
        options = ", ".join(f"{option.key} ({option.words})" for option in question.options)
        if not _asks() or question.key in answers:
            raise UserError(f"{question.words} Answer with --answer {question.key}=…; allowed: {options}.")
        out.print(f"{escape(question.words)} {escape(options)}")
        answers[question.key] = click.prompt("Answer", type=click.Choice([option.key for option in question.options]))
    return changes.model_copy(update={"answers": answers})


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, separator, value = text.rpartition("=")
        if not separator or not key or not value:
            raise UserError(f"{option} {text!r} is not understood; write it as name=value.")
        pairs[key] = value
    return pairs


def _roles(proposal: Proposal, texts: Sequence[str]) -> dict[str, dict[str, ColumnChange]]:
    changes: dict[str, dict[str, ColumnChange]] = {}
    for key, value in _pairs(texts, "--role").items():
        if value not in list(FieldRole):
            raise UnknownNameError("role", value, FieldRole)
        found = [each for each in proposal.columns if key in (each.source, f"{each.table}.{each.source}")]
        if not found:
            raise UserError(
                f"There is no column {key!r}. There are: {', '.join(each.source for each in proposal.columns)}."
            )
        for each in found:
            changes.setdefault(each.table, {})[each.source] = ColumnChange(role=FieldRole(value))
    return changes


def print_proposal(proposal: Proposal) -> None:
    """Show what would be made of tables."""
    for found in proposal.tables:
        out.print(f"[bold]{escape(', '.join(found.sources))}[/]: {found.rows:,} rows, {escape(found.reason)}")
    listed = Table("Column", "Is", "Type", "Examples", "Remarks")
    used = {each.name for each in proposal.tables if each.use != "unused"}
    for column in proposal.columns:
        if column.table in used:
            listed.add_row(
                escape(column.source),
                ROLE_LABELS[column.role],
                column.typing.type.value,
                escape(" · ".join(example[:20] for example in column.parsed[:3])),
                ", ".join(_remarks(column)),
            )
    out.print(listed)
    for made in proposal.derived:
        out.print(f"{made.label} = {escape(made.expression)}: {escape(made.reason)}")
    for left in proposal.leave_out:
        if left.active:
            out.print(f"Left out, {left.rows:,} rows: {escape(left.reason)} ({escape(left.proof)})")
    for notice in proposal.notices:
        out.print(f"[yellow]Note:[/] {escape(notice.words)}")


def _remarks(column: ProposedColumn) -> Iterator[str]:
    if column.missing:
        yield f"{column.missing:,} empty"
    if column.unparseable:
        yield f"{column.unparseable:,} unreadable"
    if column.confidence < SURE:
        yield f"{column.confidence:.0%} sure"


def _load(settings: Settings, bench: Workbench, mode: Mode | None, report: Path | None, *, keep_good: bool) -> None:
    store = installation.warehouse(settings)
    files = installation.model_files(settings, store)
    while True:
        with progress() as step:
            outcome = bench.load(store, files, mode=mode, keep_good=keep_good, progress=step)
        if isinstance(outcome, Loaded):
            print_loaded(outcome)
            return
        if outcome.about == "rejects":
            _print_rejects(outcome.prepared, report)
            if not _asks() or not click.confirm("Load the good rows without them?", default=False):
                _stop(outcome, "Use --good to load the good rows only.")
            keep_good = True
        else:
            if not _asks():
                _stop(outcome, "Use --mode.")
            out.print(escape(outcome.words))
            mode = Mode(click.prompt("What to do", type=click.Choice([each.value for each in MODES])))


def _stop(decision: Decision, advice: str) -> None:
    err.print(f"[bold red]Error:[/] {escape(decision.words)} {advice}")
    sys.exit(FAILED)


def _print_rejects(prepared: Prepared, report: Path | None) -> None:
    listed = table("File", "Row", "Column", "Value", "Reason")
    for row in rejects(prepared.report, limit=10):
        listed.add_row(*(escape(str(cell if cell is not None else "")[:60]) for cell in row))
    out.print(listed)
    if report is not None:
        with report.open("w", encoding="utf-8", newline="") as stream:
            write_rejects(prepared.report, stream)
        out.print(f"The whole reject report is in {report}.")


def print_loaded(loaded: Loaded, *, quiet: bool = False) -> None:
    """Say what a load did."""
    entry = loaded.load
    if loaded.changed:
        out.print(
            f"Loaded {entry.name}: {entry.rows_read:,} rows read, {entry.rows_kept:,} kept, "
            f"{entry.rows_left_out:,} left out by the recipe, {entry.rows_rejected:,} rejected; "
            f"{entry.first_time:%Y-%m-%d} to {entry.last_time:%Y-%m-%d}; version {loaded.version} is live."
        )
        totals = ", ".join(f"{name} {total.normalize():,f}" for name, total in entry.totals)
        out.print(f"Control totals of the rows kept: {totals}.")
        if loaded.overlap is not None:
            out.print(escape(loaded.overlap.describe()))
    elif not quiet:
        out.print(f"{entry.name} is already loaded with this very content; nothing was changed.")


def _print_loads(settings: Settings) -> None:
    listed = table(
        "No.", "Loaded (UTC)", "Name", "Rows read", "Kept", "Left out", "Rejected", "From", "To", "Mode", "By", "State"
    )
    for entry in loads(installation.warehouse(settings)):
        listed.add_row(*_listed(entry))
    if listed.row_count:
        Console(width=max(out.width, WIDE)).print(listed)
    else:
        out.print("Nothing was loaded yet.")


def _listed(entry: Load) -> tuple[str, ...]:
    return (
        str(entry.number),
        f"{entry.loaded_at:%Y-%m-%d %H:%M}",
        entry.name,
        f"{entry.rows_read:,}",
        f"{entry.rows_kept:,}",
        f"{entry.rows_left_out:,}",
        f"{entry.rows_rejected:,}",
        f"{entry.first_time:%Y-%m-%d}",
        f"{entry.last_time:%Y-%m-%d}",
        entry.mode.value,
        entry.loaded_by,
        "taken back" if entry.undone_at else "",
    )
