"""The slowest question: texts nobody would ask, over 5,000 products, each read without an exception.

Run: python -m tests.benchmarks.hostile [COUNT], 10,000 texts unless given. Prints milliseconds of CPU; exits with 1
where one took LIMIT_MS or more.
"""

from __future__ import annotations

import dataclasses
import gc
import itertools
import random
import string
import sys
import time
from collections.abc import Callable

from services.language.asking import Vocabulary, read
from services.language.date_reader import VOCABULARY
from services.language.function_words import function_vocabulary
from services.language.spans import Clock
from services.language.tokens import listed
from services.language.values import Entry, ValueIndex
from tests.benchmarks.questions import bikes

LIMIT_MS = 50.0
ODD = ("", " ", "/", "-", ".", " to ", " and ")
COLOURS = listed("red blue green black white pink silver gold cream ivory purple yellow orange brown navy mint grey")
STUFF = listed("wooden metal glass vintage paper cotton ceramic enamel knitted printed painted folding mini large")
THINGS = listed(
    "lantern box bag mug clock doormat umbrella candle holder frame cushion heart star lamp bowl plate tray "
    "bunting card ribbon basket"
)


def vocabulary() -> Vocabulary:
    """Return the bikes model over 4,998 products with names of three words, and its other values."""
    names = [" ".join(words).upper() for words in itertools.product(COLOURS, STUFF, THINGS)]
    goods = [Entry("product", f"{20000 + number}", name) for number, name in enumerate(names[:4998])]
    made = bikes.vocabulary()
    others = [each for each in bikes.entries() if each.dimension != "product"]
    return dataclasses.replace(made, index=ValueIndex(made.model, [*others, *goods]))


def text(dice: random.Random, pools: list[list[str]]) -> str:
    """Return up to 500 characters of words of one kind, of all kinds, of numbers, of misspellings or of signs."""
    kinds: list[Callable[[], str]] = [
        *(lambda pool=pool: " ".join(dice.choices(pool, k=120)) for pool in pools),
        lambda: " ".join(dice.choice(dice.choice(pools)) for _ in range(120)),
        lambda: "".join(dice.choices(string.printable, k=500)),
        lambda: " ".join("".join(dice.choices("abcdeilmnorstu", k=dice.randrange(4, 11))) for _ in range(90)),
        lambda: "".join(f"{dice.randrange(1, 3000)}{dice.choice(ODD)}" for _ in range(120)),
    ]
    made = dice.choice(kinds)()
    if dice.random() < 0.2:
        made = " ".join(made.split()[: dice.randrange(1, 6)] * 100)
    return made[: dice.choice((500, 500, dice.randrange(1, 500)))]


def main() -> None:
    """Read the texts and print how long they took."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    dice, words, clock = random.Random(20), vocabulary(), Clock(bikes.TODAY)
    names = [word for entries in words.index.whole.values() for word in entries[0].label.lower()]
    pools = [sorted(function_vocabulary()), sorted(VOCABULARY), names]
    read("revenu by brand", words, clock)
    gc.freeze()
    taken: list[tuple[float, str]] = []
    for _ in range(count):
        if not (asked := text(dice, pools)).strip():
            continue
        started = time.thread_time()
        read(asked, words, clock)
        taken.append(((time.thread_time() - started) * 1000, asked))
    taken.sort()
    shown = {name: round(taken[int(len(taken) * part)][0], 1) for name, part in (("p50", 0.5), ("p99", 0.99))}
    print(f"{len(taken)} texts, ms of CPU: {shown}, slowest {taken[-1][0]:.1f} (goal < {LIMIT_MS:g}): {taken[-1][1]!r}")
    sys.exit(taken[-1][0] >= LIMIT_MS)


if __name__ == "__main__":
    main()
