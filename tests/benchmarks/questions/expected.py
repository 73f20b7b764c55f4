"""Expected forms in a short notation: `revenue by brand | m=revenue d=brand`.

Keys: m measures, d dimensions, f filter (dimension:operator:values), h bound (measure:operator:values[:per]),
t time, g grain, s sort (measure:direction), n limit, per limit_per, c comparison (kind:start..end:form),
k calculation, w window.
`|` separates alternatives; `!` must not be answered; `?` is anybody's guess and not scored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.language.forms import Form

KEYS = ("m", "d", "f", "h", "t", "g", "s", "n", "per", "c", "k", "w")


@dataclass(frozen=True)
class Case:
    """A question and what it must be read as: alternatives per key; none for what must not be answered."""

    text: str
    wanted: dict[str, tuple[str, ...]] | None


def cases(path: Path) -> Iterator[Case]:
    """Yield the scored questions of a file."""
    for line in path.read_text().splitlines():
        text, _, right = line.rpartition(" | ")
        if line.startswith("#") or right.strip() == "?":
            continue
        yield Case(text, None if right.strip() == "!" else parsed(right))


def parsed(text: str) -> dict[str, tuple[str, ...]]:
    """Return the alternatives of each key of a line; filters and bounds are joined by `;`."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"(\w+)=(.*?)(?= (?:m|d|f|h|t|g|s|n|per|c|k|w)=|$)", text.strip()):
        found.setdefault(key, []).append(value)
    return {
        key: tuple(value[0].split("|")) if key not in "fh" else (";".join(sorted(value)),)
        for key, value in found.items()
    }


def written(form: Form) -> dict[str, str]:
    """Return a form in the notation."""
    time, order, comparison = form.time, form.order, form.comparison
    found = {
        "m": ",".join(sorted(form.measures)),
        "d": ",".join(sorted(form.dimensions)),
        "f": ";".join(
            sorted(f"{each.dimension}:{each.operator}:{','.join(sorted(set(each.words)))}" for each in form.conditions)
        ),
        "h": ";".join(
            sorted(
                ":".join(
                    [
                        each.measure,
                        each.operator,
                        ",".join(f"{value:g}" if value < 1e5 else str(int(value)) for value in each.values),
                    ]
                    + ([each.per] if each.per else [])
                )
                for each in form.thresholds
            )
        ),
        "t": f"{time.start or ''}..{time.end or ''}" if time and (time.start or time.end) else "",
        "g": form.grain or "",
        "s": f"{order[0]}:{'desc' if order[1] else 'asc'}" if order else "",
        "n": str(form.limit or ""),
        "per": form.limit_per or "",
        "c": "",
        "k": form.calculation or "",
        "w": str(form.window or ""),
    }
    if comparison:
        span = comparison.span
        found["c"] = f"{comparison.kind}:{f'{span.start}..{span.end}' if span else ''}:{comparison.form}"
    return found


def wrong(form: Form, wanted: dict[str, tuple[str, ...]]) -> list[str]:
    """Return the keys in which a form differs from what is wanted."""
    got = written(form)
    return [key for key in KEYS if not _fits(key, got[key], wanted.get(key, ("",)))]


def _fits(key: str, got: str, allowed: tuple[str, ...]) -> bool:
    if key in ("m", "d"):
        allowed = tuple(",".join(sorted(each.split(","))) for each in allowed)
    if key == "f":
        got = ";".join(sorted(_ordered(part.casefold()) for part in got.split(";")))
        allowed = tuple(";".join(sorted(_ordered(part.casefold()) for part in each.split(";"))) for each in allowed)
    if key == "s" and allowed == ("",):
        return True
    if key in ("g", "n") and "any" in allowed:
        return bool(got) if key == "g" else True
    return got in allowed


def _ordered(part: str) -> str:
    head, _, values = part.rpartition(":")
    return f"{head}:{','.join(sorted(set(values.split(','))))}" if head else part
