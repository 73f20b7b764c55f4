"""Any text is read without an exception, in bounded time; generated questions are read as they were meant."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.language import wording
from services.language.asking import Vocabulary, read
from services.language.function_words import function_vocabulary
from services.language.spans import Clock
from tests.benchmarks.ask import HERE, measure
from tests.benchmarks.questions import bikes, cafe
from tests.benchmarks.questions.expected import cases
from tests.benchmarks.questions.generated import generated

CLOCK = Clock(dt.date(2011, 12, 9))
CAFE = cafe.vocabulary()


@pytest.fixture(scope="module", params=[bikes, cafe], ids=["bikes", "cafe"])
def words(request: pytest.FixtureRequest) -> Vocabulary:
    made: Vocabulary = request.param.vocabulary()
    return dataclasses.replace(made, covered=(dt.date(2001, 1, 1), dt.date(2011, 12, 9)))


def test_questions_from_templates(words: Vocabulary) -> None:
    result = measure(list(generated(words, 300, seed=42)), words, CLOCK)
    assert result["exact"] >= 0.95
    assert result["refused"] >= 0.97
    assert result["confident_wrong"] <= 0.03


@pytest.mark.parametrize("name", ["subscriptions", "pharma", "wholesale"])
def test_questions_written_for_other_models(name: str) -> None:
    model = importlib.import_module(f"tests.benchmarks.questions.{name}")
    result = measure(list(cases(HERE / f"{name}.txt")), model.vocabulary(), Clock(model.TODAY))
    assert result["exact"] >= 0.97
    assert result["refused"] >= 0.97
    assert result["confident_wrong"] <= 0.02


@settings(max_examples=100)
@given(st.text(min_size=1, max_size=500).filter(str.strip))
def test_any_text(text: str) -> None:
    vocabulary = CAFE
    reading = read(text, vocabulary, CLOCK)
    assert 0 <= reading.confidence <= 1
    wording.refused(reading, vocabulary)


def test_long_questions_of_known_words_stay_fast(words: Vocabulary) -> None:
    dice = random.Random(5)
    names = [entry.label for found in words.index.whole.values() for entry in found]
    pool = [*sorted(function_vocabulary()), *words.lexicon.spoken, *names]
    slowest = 0.0
    for _ in range(40):
        text = ""
        while len(text) < 440:
            text += f"{dice.choice(pool)} "
        started = time.perf_counter()
        reading = read(text[:500], words, CLOCK)
        slowest = max(slowest, time.perf_counter() - started)
        wording.restated(reading.form, words.model)
    assert slowest < 2
