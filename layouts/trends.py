"""Trends and seasonality: a measure over time, its seasons, what does not fit, and who is seasonal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from dash.development.base_component import Component

from layouts import figures_trends, labels, settings_bar, tables
from layouts.settings_bar import NONE, Setting
from layouts.tiles import Drawn
from services import formats
from services.adding import Adding, adding
from services.model import SalesModel
from services.periods import Compare, Grain
from services.sales import Answer
from services.seasonality import ALPHA, STRONG, Decomposition, Season
from services.seasons import Pattern, Seasonal, Weekday
from services.trends import AHEAD, AVERAGES, LOOKS, Line, Look, Trend, TrendQuery

PAGE = "trends"


def settings(asked: TrendQuery, grain: Grain, model: SalesModel, *, forecasts: bool = False) -> list[Component]:
    """Return the controls of the page; `grain` is the one on show, `forecasts` whether they are offered."""
    measures = [(name, each.label) for name, each in model.measures.items()]
    splits = [(NONE, "– none –"), *((name, each.label) for name, each in model.dimensions.items())]
    averages = [(str(n), f"{n} {grain.value}s" if n else "– none –") for n in AVERAGES]
    other = "last year" if asked.query.compare is Compare.PRIOR else "period before"
    both = [("no", "– none –"), ("yes", f"and the {other}")]
    found = [
        Setting("Measure", "measure", asked.measure, measures, model.overview.measures[0]),
        Setting("Time step", "grain", grain.value, [(each.value, each.value.capitalize()) for each in Grain]),
        Setting("Look", "trends-look", asked.look.value, [(k.value, v) for k, v in LOOKS.items()], Look.VALUE.value),
        Setting("Running average", "trends-average", str(asked.average), averages, "0"),
        Setting("Lines", "trends-split", asked.split or NONE, splits),
    ]
    if forecasts:
        ahead = [(str(n), f"{n} {grain.value}s ahead" if n else "– none –") for n in AHEAD]
        found.append(Setting("Forecast", "trends-ahead", str(asked.ahead), ahead, "0"))
    if asked.query.compare is not Compare.NONE and not asked.split:
        found.insert(3, Setting("Compare also", "trends-also", "yes" if asked.also else "no", both, "no"))
    return settings_bar.bar(PAGE, [("Trend", found)])


def trend(found: Trend, model: SalesModel) -> Drawn:
    """Return the tile of the measure over time."""
    asked, measure = found.asked, model.measure(found.asked.measure)
    names = [_line_name(line, asked, model) for line in found.lines]
    title = f"{measure.label} by {found.grain.value}"
    title += f" and {model.dimension(asked.split).label.lower()}" if asked.split else ""
    title += {Look.CUMULATIVE: ", added up", Look.SHARE: ", share", Look.INDEX: ", index"}.get(asked.look, "")
    rows = [
        [
            formats.bucket(bucket.start, found.grain, model) + (" (part)" if partial else ""),
            *(figures_trends.written(line.values[index], found, model) for line in found.lines),
        ]
        for index, (bucket, partial) in enumerate(zip(found.buckets, found.partial, strict=True))
    ]
    marks = [[row[0], f"{bucket.start:%Y-%m-%d}"] for row, bucket in zip(rows, found.buckets, strict=True)]
    table = tables.table(
        title,
        [found.grain.value.capitalize(), *names],
        rows,
        marks=marks,
        meta={"measure": asked.measure, "fields": ["time"]},
    )
    return Drawn(
        title, _summary(found, model), figures_trends.trend(found, names, model), table, found.answer, asked.measure
    )


def _line_name(line: Line, asked: TrendQuery, model: SalesModel) -> str:
    match line.kind:
        case "average":
            return f"Mean of {asked.average} {asked.query.grain.value if asked.query.grain else 'bucket'}s"
        case "other":
            return f"All other {model.dimension(asked.split).plural.lower()}"
        case "part":
            return line.label or labels.UNKNOWN
        case _ if line.covered is not None:
            return labels.range_of(line.covered, model)
        case _:
            return line.label


def _summary(found: Trend, model: SalesModel) -> str:
    measure = model.measure(found.asked.measure)
    line = found.lines[0] if found.lines else None
    if line is None or all(math.isnan(value) for value in line.values):
        return "No values in this period."
    words = []
    if found.asked.split:
        words.append(f"{_line_name(line, found.asked, model)} is the largest of {len(found.lines)} lines.")
    else:
        words += _compared(found, line, model)
        cells = zip(line.values, found.buckets, found.partial, strict=True)
        whole = [(value, bucket) for value, bucket, partial in cells if not partial and not math.isnan(value)]
        ends = (("Highest", max), ("lowest", min)) if len(whole) > 1 and found.asked.look is not Look.CUMULATIVE else ()
        named = []
        for word, pick in ends:
            value, bucket = pick(whole, key=lambda each: each[0])
            name = formats.bucket(bucket.start, found.grain, model)
            named.append(f"{word}: {name} with {figures_trends.written(value, found, model, short=True)}")
        words += [f"{', '.join(named)}."] if named else []
    if found.partial and found.partial[-1]:
        until = formats.moment_text(found.answer.trust.data_until, model)
        words.append(f"The last {found.grain.value} is not whole (hatched): data go up to {until}.")
    return " ".join(words) or f"{measure.label} in {len(found.buckets)} {found.grain.value}s."


def _compared(found: Trend, line: Line, model: SalesModel) -> list[str]:
    """Return the change against each comparison, for measures whose values add up."""
    if found.asked.look is not Look.VALUE or adding(model, found.asked.measure) is not Adding.SUM:
        return []
    measure, now = model.measure(found.asked.measure), math.fsum(line.values)
    words = []
    for other in found.lines:
        if other.kind in list(Compare) and other.covered is not None and not any(map(math.isnan, other.values)):
            change = formats.change(now, math.fsum(other.values))
            if not math.isnan(change):
                words.append(f"{formats.change_text(change, model)} against {labels.range_of(other.covered, model)}")
    total = formats.short(now, measure.format, model)
    return [f"{measure.label} {total}{': ' if words else ''}{', '.join(words)}."]


def season(
    pattern: Pattern, found: Season | None, split: Decomposition | None, measure: str, model: SalesModel
) -> Drawn:
    """Return the tile of the months of each year over each other."""
    label, months = model.measure(measure).label, formats.months(formats.locale_of(model))
    title = f"{label}: the year"
    rows = []
    years = sorted({each.start.year for each in pattern.buckets})
    cells = {(b.start.year, b.start.month): v for b, v in zip(pattern.buckets, pattern.values, strict=True)}
    kind = model.measure(measure).format
    for number, name in enumerate(months, start=1):
        index = f"{found.index[number - 1]:.2f}" if found else formats.NOTHING
        rows.append([name, index, *(formats.exact(cells.get((y, number), math.nan), kind, model) for y in years)])
    table = tables.table(title, ["Month", "Index", *map(str, years)], rows)
    return Drawn(
        title,
        _season_words(found, split, months),
        figures_trends.years(pattern, found, measure, model),
        table,
        pattern.answer,
        measure,
    )


def _season_words(found: Season | None, split: Decomposition | None, months: Sequence[str]) -> str:
    if found is None:
        return "A season needs a whole year of data with something in most months."
    end = months[(found.start - 2 + found.length) % 12]
    peak = f"highest in {months[found.peak - 1]} at {found.index[found.peak - 1]:.2f} times the average."
    words = [f"Above the average month from {months[found.start - 1]} to {end} (shaded), {peak}"]
    if found.p is None:
        words.append("One year only: whether it comes back is not known.")
    else:
        same = "the same months are high" if found.p < ALPHA else "the years do not agree"
        words.append(f"Over {found.years} years {same} (Friedman's test, p {_p(found.p)}).")
    if split is not None:
        words.append(
            f"Strength by STL over {split.cycles:.1f} cycles: season {split.season_strength:.2f}, "
            f"trend {split.trend_strength:.2f} of 1; {STRONG} is strong."
        )
    return " ".join(words)


def _p(p: float | None) -> str:
    return formats.NOTHING if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def week(days: Sequence[Weekday], answer: Answer, measure: str, model: SalesModel) -> Drawn:
    """Return the tile of the weekdays."""
    label, kind = model.measure(measure).label, model.measure(measure).format
    sums = adding(model, measure) is Adding.SUM
    title = f"{label} {'per day' if sums else ''} by weekday".replace("  ", " ")
    names = formats.weekdays(formats.locale_of(model))
    known = [each for each in days if not math.isnan(each.mean)]
    best = max(known, key=lambda each: each.mean) if known else None
    summary = "No values in this period."
    if best is not None:
        summary = f"Highest: {names[best.day - 1]} with {formats.short(best.mean, kind, model)}"
        summary += f", the mean of {best.days} such days." if sums else "."
    rows = [[names[each.day - 1], formats.exact(each.mean, kind, model), str(each.days)] for each in days]
    table = tables.table(title, ["Weekday", "Mean" if sums else label, "Days"], rows)
    return Drawn(title, summary, figures_trends.week(days, measure, model), table, answer, measure)


def unusual(pattern: Pattern, measure: str, model: SalesModel) -> Drawn:
    """Return the tile of what does not fit."""
    label, kind = model.measure(measure).label, model.measure(measure).format
    title = f"{label}: {pattern.grain.value}s that do not fit"
    found = sorted(pattern.anomalies, key=lambda each: -each.statistic)
    names = [formats.bucket(pattern.buckets[each.index].start, pattern.grain, model) for each in found]
    summary = f"None of {len(pattern.values)} {pattern.grain.value}s is unusual"
    if found:
        first = found[0]
        seen, wanted = (formats.short(value, kind, model) for value in (first.value, first.expected))
        summary = f"{len(found)} of {len(pattern.values)}; most unusual: {names[0]} with {seen}, expected {wanted}"
    summary += f". Test: {pattern.test}, over all data." if pattern.test else "."
    rows = [
        [
            name,
            formats.exact(each.value, kind, model),
            formats.exact(each.expected, kind, model),
            formats.change_text(formats.change(each.value, each.expected), model),
            f"{each.statistic:.1f}",
        ]
        for name, each in zip(names, found, strict=True)
    ]
    marks = [[name, f"{pattern.buckets[each.index].start:%Y-%m-%d}"] for name, each in zip(names, found, strict=True)]
    heads = [pattern.grain.value.capitalize(), label, "Expected", "Off by", "Statistic"]
    table = tables.table(title, heads, rows, marks=marks, meta={"measure": measure, "fields": ["time"]})
    return Drawn(title, summary, figures_trends.unusual(pattern, measure, model), table, pattern.answer, measure)


def seasonal(
    found: Sequence[Seasonal], answer: Answer | None, dimension: str, measure: str, model: SalesModel
) -> Drawn:
    """Return the tile that lists the seasons of a dimension's values."""
    label, plural = model.dimension(dimension).label, model.dimension(dimension).plural
    months, kind = formats.months(formats.locale_of(model)), model.measure(measure).format
    title = f"Which {plural.lower()} are seasonal"
    if not found:
        return Drawn(title, "", problem="Seasons need two whole years of data and a measure that adds up.")
    sure = [each for each in found if each.sure]
    summary = (
        f"{len(sure)} of the {len(found)} leading {plural.lower()} with two years of data have a season that comes back"
    )
    if sure:
        first = sure[0]
        start, peak = (months[each - 1] for each in (first.season.start, first.season.peak))
        summary += f"; clearest: {first.label}, from {start}, highest in {peak}"
    summary += ". Friedman's test, false discoveries at 5 %; strength by STL."
    rows = [
        [
            each.label,
            "yes" if each.sure else "not sure",
            months[each.season.start - 1],
            months[each.season.peak - 1],
            f"{each.season.index[each.season.peak - 1]:.1f} ×",
            f"{each.season.strength:.2f}",
            _p(each.season.p),
            formats.short(each.value, kind, model),
        ]
        for each in found
    ]
    heads = [label, "Seasonal", "Starts", "Highest", "of average", "Strength", "p", model.measure(measure).label]
    marks = [[each.label, each.key] for each in found]
    table = tables.table(title, heads, rows, marks=marks, meta={"measure": measure, "fields": [dimension]})
    shown = replace(answer, query=replace(answer.query, grain=None)) if answer else None
    return Drawn(title, summary, None, table, shown, measure)
