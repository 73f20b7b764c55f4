"""`salescope tune`: tables for what people ask, and away with those that nobody needs; each is asked for first."""

from __future__ import annotations

import click

from salescope import installation
from salescope.settings import Settings
from salescope.terminal import escape, explained, out
from services import querylog
from services.tuning import FEW_ANSWERS, Proposal


@click.command()
@click.option("--yes", is_flag=True, help="Accept every proposal that fits without asking.")
@explained
def tune(*, yes: bool) -> None:
    """Propose rollups to add or drop from what people asked in the last 30 days, with cost and gain, and ask.

    What is accepted counts from the next publish on.
    """
    settings = Settings.from_env()
    sales = installation.make_sales(settings)
    log = querylog.read(installation.query_log(settings))
    found = sales.proposals(log)
    out.print(f"{log.answers:,} answers of {len(log.kinds):,} kinds are in the query log.")
    if log.answers < FEW_ANSWERS:
        out.print(f"With fewer than {FEW_ANSWERS} nothing is proposed to be dropped.")
    if not found:
        out.print("Nothing to propose: what was asked is answered from tables.")
        return
    _print(found)
    accepted = [each for each in found if not each.problem and (yes or click.confirm(_question(each)))]
    if accepted:
        sales.tune(accepted)
        out.print(f"{len(accepted)} accepted; they count from the next publish on, such as the next load.")


def _question(proposal: Proposal) -> str:
    return f"{'Drop' if proposal.drop else 'Add'} {proposal.label}?"


def _print(found: list[Proposal]) -> None:
    for each in found:
        out.print(f"{'Drop' if each.drop else 'Add'} {escape(each.label)}: {each.rows:,} rows, {_worth(each)}")
        if each.problem:
            out.print(f"  Cannot be had: {each.problem}. Raise `rollups:` in the model, or drop others.")


def _worth(proposal: Proposal) -> str:
    size = f"about {proposal.bytes / 1e6:,.1f} MB"
    if proposal.drop:
        return f"{size}; no answer of the log needed it."
    now, then = proposal.milliseconds / proposal.answers, proposal.after / proposal.answers
    return (
        f"{size}, {proposal.seconds:.1f} s more per publish; would give {proposal.answers:,} answers of the log in "
        f"about {then:.0f} ms each, not {now:.0f} ms."
    )
