"""Questions as a service: read, answer, complete, recommend, remember and learn, inside the viewer's row scope."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.access import Permission, Viewer
from services.database import AskedRow, TaughtRow, utc_now
from services.errors import QueryError, UserError
from services.language import answering, editing, wording
from services.language.asking import SURE, Reading, Vocabulary, read
from services.language.editing import Around
from services.language.forms import Form
from services.language.index import Vocabularies, clock_of
from services.language.results import Result
from services.language.rewriting import Rewriter
from services.language.suggested import same, templates
from services.model import Role
from services.sales import Sales

KEPT, HISTORY, SHOWN = 2_000, 30, 8
SYNONYM, VERIFIED = "synonym", "verified"
#: Faults that other words do not mend, and how sure a reworded reading is at most.
ROUTED, REWORDED = ("unsupported_analysis", "no_data_period"), 0.7
#: How the reason of a question begins whose reading was edited.
CORRECTED = "corrected: "
TIMES = ("last month", "this month", "last quarter", "this year", "last year", "year to date", "last 12 months")


@dataclass(frozen=True)
class Taught:
    """What somebody taught: a synonym of a measure or dimension, or a wording that stands for another one."""

    number: int
    kind: str
    phrase: str
    meaning: str
    by: str


@dataclass(frozen=True)
class Unclear:
    """A question that was not answered, not surely, or whose reading was edited: how often it came and why."""

    text: str
    times: int
    corrected: int
    confidence: float
    reason: str


class Questions:
    """Plain-English questions over the live data."""

    def __init__(self, engine: sa.Engine, sales: Sales, rewriter: Rewriter | None = None) -> None:
        self._engine, self._sales, self._rewriter = engine, sales, rewriter
        self._vocabularies = Vocabularies(sales)
        self._readings: OrderedDict[tuple[object, ...], Reading] = OrderedDict()
        self._lock = threading.Lock()

    def vocabulary(self, viewer: Viewer) -> Vocabulary:
        """Return the words a viewer's questions may use."""
        extra = tuple((each.phrase, each.meaning) for each in self.taught() if each.kind == SYNONYM)
        return self._vocabularies.of(viewer, extra)

    def warm(self, viewer: Viewer) -> None:
        """Make the words of a viewer's questions ready, so that nobody waits a second for a first answer."""
        self.read(f"{self._sales.model.measure(self._sales.model.overview.measures[0]).label} by month", viewer)

    def read(self, text: str, viewer: Viewer) -> Reading:
        """Return the reading of a question; verified wordings come first, the same text again is not parsed again.

        Raises UserError for an empty or overlong text.
        """
        plain = " ".join(text.split()).casefold()
        taught = self.taught()
        verified = {each.phrase.casefold(): each.meaning for each in taught if each.kind == VERIFIED}
        key = (plain, viewer.scope.fingerprint, self._sales.version(), self._sales.today(), taught)
        with self._lock:
            if key in self._readings:
                self._readings.move_to_end(key)
                return self._readings[key]
        vocabulary, clock = self.vocabulary(viewer), clock_of(self._sales.model, self._sales)
        found = read(verified.get(plain.rstrip("?. "), text), vocabulary, clock)
        if not found.answerable and found.text != text:  # what stands for it is not for this viewer
            found = read(text, vocabulary, clock)
        found = self._reworded(found, viewer)
        with self._lock:
            self._readings[key] = found
            while len(self._readings) > KEPT:
                self._readings.popitem(last=False)
        return found

    def _reworded(self, found: Reading, viewer: Viewer) -> Reading:
        """Return the reading of what the endpoint makes of a question that was not understood; it is never sure."""
        if self._rewriter is None or found.answerable or any(fault in ROUTED for fault, _ in found.faults):
            return found
        words = self._rewriter.rewrite(found.text, self._sales.model)
        if words is None:
            return found
        again = read(words, self.vocabulary(viewer), clock_of(self._sales.model, self._sales))
        if not again.answerable:
            return found
        doubtful = min(again.confidence, REWORDED)
        return replace(again, text=found.text, confidence=doubtful, parts=(), others=(), reworded=words)

    def answer(self, form: Form, viewer: Viewer) -> Result:
        """Answer a reading's form; raises what Sales.answer raises."""
        return answering.answer(form, self._sales, viewer, self.vocabulary(viewer).index)

    def refused(self, reading: Reading, viewer: Viewer) -> str:
        """Return why a question is not answered and what may be asked instead."""
        return wording.refused(reading, self.vocabulary(viewer))

    def around(self, viewer: Viewer) -> Around:
        """Return what the alternatives of a reading are made of: today, and values this viewer may see."""

        def leading(dimension: str) -> list[tuple[str, str]]:
            return [(each.key, each.label) for each in self._sales.values(dimension, viewer, limit=9)]

        return Around(clock_of(self._sales.model, self._sales), leading)

    def edited(self, form: Form, edits: Sequence[tuple[str, str]], viewer: Viewer) -> Form:
        """Return a reading's form with edits made; chosen values are called as the viewer's data call them."""
        changed = editing.edited(form, edits, self._sales.model)
        unnamed = {(each.dimension, key) for each in changed.conditions if not each.labels for key in each.values}
        if not unnamed:
            return changed
        entries = (entry for found in self.vocabulary(viewer).index.whole.values() for entry in found)
        labels = {place: each.label for each in entries if (place := (each.dimension, each.key)) in unnamed}
        named = (
            each
            if each.labels
            else replace(each, labels=tuple(labels.get((each.dimension, key), key) for key in each.values))
            for each in changed.conditions
        )
        return replace(changed, conditions=tuple(named))

    def complete(self, text: str, viewer: Viewer) -> list[str]:
        """Return whole questions that go on from a beginning: the last word completed by what the viewer may see."""
        head, _, last = text.rpartition(" ")
        if len(last) < 2:
            return []
        wanted, found = last.casefold(), list[str]()
        for name in self._names(self.vocabulary(viewer)):
            if name.casefold().startswith(wanted) and name.casefold() != wanted:
                found.append(f"{head} {name}".strip())
                if len(found) == SHOWN:
                    break
        return found

    def _names(self, vocabulary: Vocabulary) -> Iterator[str]:
        model = vocabulary.model
        yield from (each.label.lower() for each in model.measures.values())
        yield from (each.label.lower() for each in model.dimensions.values())
        yield from TIMES
        for entries in vocabulary.index.whole.values():
            yield entries[0].label

    def recommended(self, viewer: Viewer) -> list[str]:
        """Return questions made from the model and the viewer's data that read back as they were meant.

        Verified ones and what the viewer asks most come first.
        """
        vocabulary = self.vocabulary(viewer)
        clock = clock_of(self._sales.model, self._sales)
        kept = [each for each in self.taught() if each.kind == VERIFIED]
        # One that names what another scope holds is not for this viewer.
        verified = (each.phrase for each in kept if read(each.meaning, vocabulary, clock).answerable)
        frequent = [text for text, times in self._counted(viewer) if times > 1]
        found = dict.fromkeys([*islice(verified, 3), *frequent[:3]])
        for text, form in templates(vocabulary, self._leaders(viewer)):
            reading = self.read(text, viewer)
            if not reading.faults and reading.confidence >= SURE and same(reading.form, form):
                found[text] = None
        return list(found)[:SHOWN]

    def _leaders(self, viewer: Viewer) -> dict[str, str]:
        model = self._sales.model
        names = [name for role in (Role.COUNTRY, Role.CHANNEL, Role.PRODUCT_TYPE) if (name := model.by_role(role))]
        return {name: found[0].label for name in names if (found := self._sales.values(name, viewer, limit=1))}

    # Memory

    def record(self, reading: Reading, viewer: Viewer, corrected: str = "") -> None:
        """Remember a question of a person: text, confidence, and why it was not answered.

        `corrected` is the part of the reading that the person edited; looking again at the same edit counts once.
        """
        reason = ", ".join(f"{fault} {words}".strip() for fault, words in reading.faults)[:200]
        if corrected:
            reason = f"{CORRECTED}{corrected}"[:200]
            latest = sa.select(AskedRow.text, AskedRow.reason).where(*self._mine(viewer))
            with Session(self._engine) as session:
                last = session.execute(latest.order_by(AskedRow.id.desc()).limit(1)).first()
            if last is not None and tuple(last) == (reading.text[:500], reason):
                return
        row = AskedRow(
            model=self._sales.model.name,
            user_id=viewer.user_id,
            text=reading.text[:500],
            confidence=0.0 if reading.faults or corrected else reading.confidence,
            reason=reason,
            asked_at=utc_now(),
        )
        with Session(self._engine) as session, session.begin():
            session.add(row)

    def history(self, viewer: Viewer) -> list[str]:
        """Return what this person asked last, newest first, each once."""
        mine = sa.select(AskedRow.text).where(*self._mine(viewer)).order_by(AskedRow.id.desc()).limit(200)
        with Session(self._engine) as session:
            return list(dict.fromkeys(session.scalars(mine)))[:HISTORY]

    def _mine(self, viewer: Viewer) -> tuple[sa.ColumnElement[bool], ...]:
        return (AskedRow.user_id == viewer.user_id, AskedRow.model == self._sales.model.name)

    def _counted(self, viewer: Viewer) -> Sequence[tuple[str, int]]:
        times = sa.func.count().label("times")
        sure = (*self._mine(viewer), AskedRow.confidence >= SURE)
        wanted = sa.select(AskedRow.text, times).where(*sure).group_by(AskedRow.text).order_by(times.desc()).limit(5)
        with Session(self._engine) as session:
            return [(text, count) for text, count in session.execute(wanted)]

    def unclear(self, viewer: Viewer) -> list[Unclear]:
        """Return questions that were not surely understood, the most frequent first.

        Of everybody for a viewer of all rows, else one's own: a text may name what another scope holds.
        """
        viewer.require(Permission.DATA_LOAD)
        conditions = [AskedRow.model == self._sales.model.name, AskedRow.confidence < SURE]
        if not viewer.scope.everything:
            conditions.append(AskedRow.user_id == viewer.user_id)
        times = sa.func.count()
        corrected = sa.case((AskedRow.reason.startswith(CORRECTED), 1), else_=0)
        wanted = (
            sa.select(
                AskedRow.text,
                times,
                sa.func.sum(corrected),
                sa.func.max(AskedRow.confidence),
                sa.func.max(AskedRow.reason),
            )
            .where(*conditions)
            .group_by(AskedRow.text)
            .order_by(times.desc(), AskedRow.text)
            .limit(50)
        )
        with Session(self._engine) as session:
            return [Unclear(row[0], int(row[1]), int(row[2]), *row[3:]) for row in session.execute(wanted).all()]

    def taught(self) -> tuple[Taught, ...]:
        """Return what was taught for this model."""
        wanted = sa.select(TaughtRow).where(TaughtRow.model == self._sales.model.name).order_by(TaughtRow.id)
        with Session(self._engine) as session:
            rows = session.scalars(wanted)
            return tuple(Taught(row.id, row.kind, row.phrase, row.meaning, row.by) for row in rows)

    def teach(self, kind: str, phrase: str, meaning: str, viewer: Viewer) -> None:
        """Teach a synonym of a measure or dimension, or a wording that stands for a question that is understood.

        Raises AccessDeniedError without the permission, QueryError for what would not be understood afterwards.
        """
        viewer.require(Permission.DATA_LOAD)
        phrase, meaning, model = " ".join(phrase.split()), " ".join(meaning.split()), self._sales.model
        if not 2 <= len(phrase) <= 200:
            raise QueryError(f"The phrase has {len(phrase)} characters; allowed: 2 to 200.")
        if kind == SYNONYM:
            if meaning not in {**model.measures, **model.dimensions}:
                raise QueryError(f"There is no measure or dimension {meaning!r}; choose one of the list.")
        elif kind == VERIFIED:
            reading = self.read(meaning, viewer)
            if not reading.answerable:
                raise QueryError(f"{meaning!r} is not understood itself: {self.refused(reading, viewer)}")
            phrase = phrase.rstrip("?. ")
        else:
            raise QueryError(f"There is no kind {kind!r} of teaching; allowed: {SYNONYM}, {VERIFIED}.")
        with Session(self._engine) as session, session.begin():
            same = (TaughtRow.model == model.name, TaughtRow.kind == kind, TaughtRow.phrase == phrase.casefold())
            session.execute(sa.delete(TaughtRow).where(*same))
            row = TaughtRow(
                model=model.name,
                kind=kind,
                phrase=phrase.casefold(),
                meaning=meaning,
                by=viewer.email,
                made_at=utc_now(),
            )
            session.add(row)

    def forget(self, number: int, viewer: Viewer) -> None:
        """Take back what was taught."""
        viewer.require(Permission.DATA_LOAD)
        mine = (TaughtRow.id == number, TaughtRow.model == self._sales.model.name)
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(TaughtRow).where(*mine))


__all__ = ["Questions", "Taught", "Unclear", "UserError"]
