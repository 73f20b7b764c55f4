"""What an answer's numbers mean and where they come from, in words: for the page, its exports and its print."""

from __future__ import annotations

from collections.abc import Mapping

from services import formats, trail
from services.model import SalesModel
from services.periods import Range
from services.sales import Answer

Names = Mapping[tuple[str, str], str]


def facts(answer: Answer, model: SalesModel, names: Names) -> list[tuple[str, str]]:
    """Return (name, text) pairs: definitions, period, filters, data time and version, tables, time taken.

    `names` gives (dimension, key) its label.
    """
    found = answer.trust
    return [
        *definitions(answer, model),
        *circumstances(answer, model, names),
        ("Data up to", formats.moment_text(found.data_until, model)),
        ("Version", f"{found.version} of {found.published_at.replace('T', ' ')} UTC"),
        ("Order lines", f"{found.rows:,}"),
        ("Answered from", found.served),
        ("Answered in", f"{found.milliseconds:.0f} ms{', kept from before' if found.cached else ''}"),
    ]


def definitions(answer: Answer, model: SalesModel) -> list[tuple[str, str]]:
    """Return what each measure of an answer means."""
    measures = [model.measure(name) for name in answer.query.measures]
    return [(each.label, each.description or each.expression) for each in measures]


def circumstances(answer: Answer, model: SalesModel, names: Names) -> list[tuple[str, str]]:
    """Return period, comparison and filters of an answer."""
    window, query = answer.window, answer.query
    incomplete = f" (asked: {_text(window.asked, model)}; not over yet)" if window.incomplete else ""
    pairs = [
        ("Period", _text(window.now, model) + incomplete),
        ("Compared with", _text(window.before, model) if window.before else "nothing"),
        ("Filters", "; ".join(trail.describe(model, query, names)) or "none"),
    ]
    if query.segments:
        pairs.append(("Only", ", ".join(model.segments[name].label for name in query.segments)))
    return pairs


def _text(covered: Range, model: SalesModel) -> str:
    return formats.range_text(covered.start, covered.end, model)
