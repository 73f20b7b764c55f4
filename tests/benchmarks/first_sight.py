"""Keep what questions looked like when the parser met them for the first time, before anything is mended for them.

Run: python -m tests.benchmarks.first_sight NAME QUESTIONS.jsonl [MODEL.yaml LINES.csv]. Reads a set of the neutral
form, asked of the sample or of a model whose facts the CSV file holds, scores it with score_nlq.py beside the open set
and appends features and truth of each question to first_sight.jsonl under NAME, which must be new; a set of the
sample's questions ends in _gifts. `python -m tests.benchmarks.calibrate --write` then fits them too.
"""

from __future__ import annotations

import csv
import datetime as dt
import runpy
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from services.language import batch
from services.language.asking import Vocabulary, read
from services.language.lexicon import Lexicon
from services.language.spans import Clock
from services.language.values import Entry, ValueIndex
from services.model import ColumnType, SalesModel, read_model
from tests.benchmarks.ask import HERE, OPEN
from tests.benchmarks.questions import gifts

FILE = HERE / "first_sight.jsonl"
#: The sample's questions go by this ending: they are asked of the same words as gifts.txt.
ENDING = "_gifts"


def vocabulary_of(model_file: Path, lines_file: Path) -> Vocabulary:
    """Return the words of a model and of its facts; the file's columns are called as those of the facts."""
    model = read_model(model_file)
    with lines_file.open(encoding="utf-8") as text:
        lines = list(csv.DictReader(text))
    named = {name: each for name, each in model.dimensions.items() if _type(model, each.column) is ColumnType.TEXT}
    entries = {
        Entry(name, line[each.column], line[each.label_column or each.column])
        for name, each in named.items()
        for line in lines
        if line[each.column]
    }
    days = sorted(dt.date.fromisoformat(line[model.facts.time][:10]) for line in lines)
    index = ValueIndex(model, sorted(entries, key=lambda each: (each.dimension, each.key)))
    return Vocabulary(model, Lexicon(model), index, (days[0], days[-1]))


def _type(model: SalesModel, column: str) -> ColumnType:
    return model.facts.columns[column].type


def sighted(name: str, rows: Iterable[Mapping[str, Any]], vocabulary: Vocabulary) -> Iterator[dict[str, Any]]:
    """Yield set, truth, features, kinds of words and reasons of refusal per question, as calibrate reads them."""
    scorer = runpy.run_path(str(OPEN / "score_nlq.py"))
    judge, (first, last) = scorer["judge"], vocabulary.covered
    judge.__globals__.update(DATA_START=str(first), DATA_END=str(last + dt.timedelta(days=1)))
    for row in rows:
        reading = read(row["text"], vocabulary, batch.clock_for(row, Clock(last)))
        form = batch.neutral(reading, vocabulary.model)
        found: dict[str, Any] = {
            "set": name,
            "right": bool(row["answerable"]) and all(judge(row, form).values()),
            "features": {each: round(value, 3) for each, value in reading.features.items() if value},
            "kinds": reading.kinds,
        }
        yield found | ({"faults": [reason for reason, _ in reading.faults]} if reading.faults else {})


def main() -> None:
    """Append a set; exits with what is wrong where the name is taken or the scorer is absent."""
    own = len(sys.argv) == len(("", "name", "questions", "model", "lines"))
    if not own and (len(sys.argv) != len(("", "name", "questions")) or not sys.argv[1].endswith(ENDING)):
        sys.exit(f"Give NAME{ENDING} and QUESTIONS.jsonl, or NAME, QUESTIONS, MODEL, LINES. Received: {sys.argv[1:]}.")
    name, questions = sys.argv[1], Path(sys.argv[2])
    vocabulary = vocabulary_of(Path(sys.argv[3]), Path(sys.argv[4])) if own else gifts.vocabulary()
    if not OPEN.exists():
        sys.exit(f"The scorer is not at {OPEN}; a set cannot be judged without it.")
    if any(orjson.loads(line)["set"] == name for line in FILE.read_bytes().splitlines()):
        sys.exit(f"{name} is kept already; a set is seen for the first time once.")
    with questions.open("rb") as lines:
        found = list(sighted(name, batch.rows_of(lines), vocabulary))
    with FILE.open("ab") as kept:
        kept.writelines(orjson.dumps(each) + b"\n" for each in found)
    print(f"{name}: {len(found)} questions, {sum(each['right'] for each in found)} read rightly")


if __name__ == "__main__":
    main()
