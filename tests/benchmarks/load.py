"""People at work on the real server, beside the goals: `make bench-load`; `BENCH_ARGS=--help` tells more.

Every person is a thread with a session and an open connection who opens the Overview with filters nobody asked for
before (cold) or everybody asks for (warm), and comes back when told to where the site is busy. The threads of the
people take the machine's cores too, as does whatever else runs there: the title says how much that was.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

import click
import flask
from rich.console import Console
from rich.table import Table

from salescope.app import create_app
from services.ledger import Mode
from tests.client import Client, callback_body
from tests.serving import PASSWORDS, Installation, Server, email_of, make_installation, outside, running_server

OPEN_PAGE = "..content.children...navigation.children...title.data.."
UPDATE = "/_dash-update-component"
COUNTRIES = ("Germany", "France", "EIRE", "Spain", "Netherlands", "Belgium", "Switzerland", "Portugal", "Italy")
REFUSED = (429, 503)
#: Pages with new filters that fill every cache with a bound in two workers.
FILLS = 4_000
ROLES = ("analyst", "admin", "manager", "executive")


@dataclass
class Seen:
    """What some requests came to: seconds of the good ones and of refusals, and how often each status was answered."""

    seconds: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def add(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        if status == 200:
            self.seconds.append(seconds)
        elif status in REFUSED:
            self.refusals.append(seconds)

    def quantile(self, share: float) -> float:
        return quantile(self.seconds, share)

    @property
    def failed(self) -> float:
        """The share that was neither answered nor politely put off."""
        bad = sum(count for status, count in self.statuses.items() if status not in (200, *REFUSED))
        return bad / max(1, self.statuses.total())


def quantile(numbers: list[float], share: float) -> float:
    return sorted(numbers)[min(len(numbers) - 1, int(share * len(numbers)))] if numbers else 0.0


class Person:
    """Somebody with a session and a connection of their own."""

    def __init__(self, port: int, role: str, cookie: str, body: dict[str, object]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._body, self._cookie = body, cookie
        self._random = random.Random(role)

    def ask(self, search: str) -> tuple[int, float]:
        """Open the Overview and return status and seconds; 0 is a connection that broke. Wait where told to."""
        inputs = [{"id": "route", "property": "data", "value": {"pathname": "/", "search": search}}]
        started = time.perf_counter()
        try:
            self._connection.request(
                "POST",
                UPDATE,
                json.dumps(self._body | {"inputs": inputs}),
                {"Content-Type": "application/json", "Cookie": f"salescope={self._cookie}"},
            )
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            self._connection.close()
            return 0, time.perf_counter() - started
        took = time.perf_counter() - started
        if answer.status in REFUSED:
            time.sleep(float(answer.headers["Retry-After"]) * self._random.uniform(1, 1.5))
        return answer.status, took


class Crowd:
    """People on one server."""

    def __init__(self, server: Server) -> None:
        self._server, self._number = server, itertools.count()
        clients = [Client(server.port).sign_in_as(role) for role in ROLES]
        body = callback_body(clients[0].callbacks()[OPEN_PAGE], {})
        self._who = [(role, client.cookie, body) for role, client in zip(ROLES, clients, strict=True)]

    def person(self) -> Person:
        return Person(self._server.port, *self._who[next(self._number) % len(self._who)])

    def warm(self) -> str:
        return f"?country={COUNTRIES[next(self._number) % len(COUNTRIES)]}"

    def cold(self) -> str:
        number = next(self._number)
        first, second = COUNTRIES[number % 9], COUNTRIES[(number // 9) % 9]
        days = f"from=2010-{number % 12 + 1:02d}-{number % 28 + 1:02d}&to=2011-11-{number % 30 + 1:02d}"
        return f"?{days}&country={first}&country={second}"

    def heavy(self) -> str:
        return f"?period=all&product.contains={next(self._number)}"

    def work(self, people: int, seconds: float, think: float, search: Callable[[], str]) -> Seen:
        """Let people work for some time, each waiting `think` seconds on average between two pages."""
        seen, end = Seen(), time.monotonic() + seconds

        def sit(number: int) -> None:
            person = self.person()
            pause = random.Random(number)
            time.sleep(pause.random() * think)
            while time.monotonic() < end:
                seen.add(*person.ask(search()))
                time.sleep(pause.uniform(0.5, 1.5) * think)

        with ThreadPoolExecutor(people) as pool:
            list(pool.map(sit, range(people)))
        return seen


@contextmanager
def beside(action: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run something in a thread until the end of the block."""
    stop = threading.Event()
    thread = threading.Thread(target=action, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def gate_milliseconds(made: Installation) -> float:
    """L1: return the CPU milliseconds of the gate for a callback request, its look at the session included."""
    app = create_app(made.settings())
    client = app.test_client()
    client.post("/signin", data={"email": email_of("analyst"), "password": PASSWORDS["analyst"]})
    row = next(row for row in client.get("/_dash-dependencies").get_json() if row["output"] == OPEN_PAGE)
    gate, times = app.extensions["salescope"]["gate"], []
    cookie = client.get_cookie("salescope")
    assert cookie
    for _ in range(300):
        headers = {"Cookie": f"salescope={cookie.value}"}
        with app.test_request_context(UPDATE, method="POST", json=callback_body(row, {}), headers=headers):
            started = time.process_time()
            assert gate.check() is None
            times.append((time.process_time() - started) * 1000)
            flask.g.pop("_login_user", None)
    return statistics.median(times)


def resident_mb(server: Server) -> float:
    """Return what the workers hold in memory."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    pages = sum(int(Path(f"/proc/{each}/statm").read_text(encoding="ascii").split()[1]) for each in children)
    return pages * 4096 / 2**20


@dataclass(frozen=True)
class Held:
    """What a server holds at a moment: MB in memory, of it not shared with anything, MB of its folder, open files."""

    at: float
    resident: float
    private: float
    folders: float
    open: int

    @classmethod
    def of(cls, server: Server, made: Installation) -> Self:
        """Look at a server."""
        files = [path.lstat().st_size for path in made.folder.rglob("*") if path.is_file()]
        private = 0
        for each in workers(server).split():
            status = Path(f"/proc/{each}/status").read_text(encoding="ascii")
            private += int(status.partition("RssAnon:")[2].split()[0])
        return cls(time.monotonic(), resident_mb(server), private / 1024, sum(files) / 2**20, held_open(server))

    @staticmethod
    def slope(seen: Sequence[Held], name: str) -> float:
        """Return by how many MB an hour something grew."""
        values = [getattr(each, name) for each in seen]
        return statistics.linear_regression([each.at for each in seen], values).slope * 3600


def held_open(server: Server) -> int:
    """Return how many files and threads the workers hold."""
    found = (Path(f"/proc/{each}/{what}") for each in workers(server).split() for what in ("fd", "task"))
    return sum(len(list(folder.iterdir())) for folder in found)


def workers(server: Server) -> str:
    pid = server.process.pid
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")


class Scenes:
    """The scenes on one server; each adds a line or two to the table."""

    def __init__(self, server: Server, made: Installation, table: Table, seconds: float) -> None:
        self._server, self._made, self._table, self._seconds = server, made, table, seconds
        self._crowd, self._calm = Crowd(server), 0.02

    def add(self, name: str, what: str, found: str, goal: str, *, good: bool) -> None:
        """Add a line, and say it at once: a run that is cut short has told what it measured."""
        click.echo(f"{name} {what}: {found} (goal {goal}: {'yes' if good else 'NO'})", err=True)
        self._table.add_row(name, what, found, goal, "[green]yes[/]" if good else "[red]no[/]")

    def everyday(self, people: int, think: float) -> None:
        """L2: people work, with filters that are new and with filters that were asked for before."""
        cold = self._crowd.work(people, self._seconds, think, self._crowd.cold)
        self._crowd.work(4, 2, 0, self._crowd.warm)
        warm = self._crowd.work(people, self._seconds, think, self._crowd.warm)
        self._calm = max(warm.quantile(0.95), 0.02)
        for what, seen, goal in (("new filters", cold, 2.5), ("known filters", warm, 1.0)):
            slow = seen.quantile(0.95)
            words = f"p95 {slow:.2f} s, {seen.failed:.2%} of {seen.statuses.total()} failed"
            self.add(
                "L2", f"{people} people, {what}", words, f"{goal} s, 0.1 %", good=slow <= goal and seen.failed < 0.001
            )

    def stress(self, crowd: int) -> None:
        """L3, L9: far too many people, and how the site is during and after."""
        before, health = workers(self._server), Seen()

        def look(stop: threading.Event) -> None:
            while not stop.wait(0.1):
                at = time.perf_counter()
                health.add(200 if self._server.alive() else 0, time.perf_counter() - at)

        with beside(look):
            seen = self._crowd.work(crowd, self._seconds, 0.2, self._crowd.cold)
        after = self._crowd.work(8, 5, 0.5, self._crowd.warm).quantile(0.95)
        kinds = ", ".join(f"{count} × {status}" for status, count in sorted(seen.statuses.items()))
        words = f"p95 {seen.quantile(0.95):.1f} s; {kinds}"
        good = seen.failed == 0 and seen.quantile(0.95) < 10
        self.add("L3", f"{crowd} people at once", words, "10 s, no failure", good=good)
        slow = quantile(seen.refusals, 0.95)
        words = f"p95 {slow * 1000:.0f} ms of {len(seen.refusals)}" if seen.refusals else "none needed"
        self.add("L3", "being turned away meanwhile", words, "500 ms", good=slow <= 0.5)
        limit = max(2 * self._calm, 1.0)
        self.add("L3", "right after", f"p95 {after:.2f} s", f"{limit:.2f} s", good=after <= limit)
        same = workers(self._server) == before
        self.add("L3", "workers that ended", "none" if same else "some", "none", good=same)
        slow = health.quantile(0.99)
        good = slow <= 0.05 and not health.statuses[0]
        self.add("L9", "/healthz meanwhile", f"p99 {slow * 1000:.0f} ms", "50 ms", good=good)

    def one_asks_without_end(self, people: int, think: float) -> None:
        """L4: what others notice of somebody with the heaviest query."""

        def heavy(stop: threading.Event) -> None:
            person = self._crowd.person()
            while not stop.is_set():
                person.ask(self._crowd.heavy())

        self._others("L4", "one asks the heaviest without end", people, think, heavy, 2.0)

    def many_sign_in(self, people: int, think: float) -> None:
        """L8: what others notice of people who sign in, 20 a second as far as the machine goes."""

        def sign_in(stop: threading.Event) -> None:
            with ThreadPoolExecutor(8) as pool:
                while not stop.wait(0.05):
                    pool.submit(Client(self._server.port).sign_in, email_of("executive"), PASSWORDS["executive"])

        self._others("L8", "20 people sign in every second", people, think, sign_in, 1.5)

    def _others(
        self, name: str, what: str, people: int, think: float, action: Callable[[threading.Event], None], goal: float
    ) -> None:
        with beside(action):
            seen = self._crowd.work(people, self._seconds, think, self._crowd.warm)
        ratio = seen.quantile(0.95) / self._calm
        words = f"others' p95 {seen.quantile(0.95):.2f} s, × {ratio:.1f}"
        self.add(name, what, words, f"× {goal}", good=ratio <= goal)

    def exports(self) -> None:
        """L6: three people export order lines at once."""
        held = resident_mb(self._server)
        for kind in ("csv", "xlsx"):
            clients = [Client(self._server.port).sign_in_as("analyst") for _ in range(3)]
            path, at = f"/exports/lines.{kind}?search=%3Fperiod%3Dall", time.perf_counter()
            with ThreadPoolExecutor(3) as pool:
                answers = list(pool.map(Client.get, clients, [path] * 3))
            took, grown = time.perf_counter() - at, resident_mb(self._server) - held
            fine = all(each.status == 200 for each in answers)
            words = f"{took:.1f} s, {len(answers[0].body) / 2**20:.1f} MB each, {grown:+.0f} MB kept"
            good = fine and took <= 10 and grown <= 150
            self.add("L6", f"3 × order lines as {kind}", words, "10 s, +150 MB", good=good)

    def ingest(self) -> None:
        """L5: a million lines are loaded while people work."""
        took: list[float] = []

        def load(_stop: threading.Event) -> None:
            at = time.perf_counter()
            command = [sys.executable, "-m", "salescope", "load", "--sample", "--mode", Mode.START_OVER.value]
            subprocess.run(command, env=outside(**self._made.environment), check=True, capture_output=True)
            took.append(time.perf_counter() - at)

        with beside(load):
            seen = self._crowd.work(20, self._seconds, 2, self._crowd.warm)
        ratio, bad = seen.quantile(0.95) / self._calm, seen.statuses[500] + seen.statuses[0]
        words = f"p95 {seen.quantile(0.95):.2f} s, × {ratio:.1f}, {bad} failures, loaded in {took[0]:.0f} s"
        self.add("L5", "a million lines are loaded", words, "× 1.5, none", good=ratio <= 1.5 and not bad)

    def soak(self, people: int, minutes: float) -> None:
        """L7: people work for long; what the server holds once its caches are full must stay.

        What fills, per worker: 2,000 readings of questions, 500 statements per database, 1,000 kinds of queries, 20,000
        written numbers, the pages of the data that are mapped into memory, and what DuckDB keeps of statements until
        its file is opened anew (services/duck_warehouse.py, RENEW_AFTER): 10 MB.
        """
        filled = 0
        while filled < FILLS:
            filled += self._crowd.work(8, 20, 0, self._crowd.cold).statuses[200]
        seen: list[Held] = []

        def look(stop: threading.Event) -> None:
            while not stop.wait(minutes):
                seen.append(Held.of(self._server, self._made))

        with beside(look):
            asked = self._crowd.work(people, minutes * 60, 5, self._crowd.cold).statuses[200]
        hours = (seen[-1].at - seen[0].at) / 3600
        slopes = [Held.slope(seen, name) for name in ("resident", "private", "folders")]
        thousand = slopes[0] * hours / asked * 1000 if asked else 0.0
        words = "{:+.1f} MB an hour ({:+.1f} MB not shared, {:+.1f} MB in folders)".format(*slopes)
        more = seen[-1].open - seen[0].open
        words += f" over {hours:.2f} h, {thousand:+.2f} MB per 1,000 pages, {more:+d} files and threads"
        good = slopes[0] < 1 and slopes[2] < 1 and abs(more) <= 16
        what = f"{people} people for {minutes:g} minutes after {filled:,} pages"
        self.add("L7", what, words, "1 MB an hour, flat", good=good)

    def oversized(self) -> None:
        """L10: a body far over the limit is refused before it is read."""
        client = Client(self._server.port).sign_in_as("analyst")
        held, at = resident_mb(self._server), time.perf_counter()
        headers = {"Content-Type": "application/json", "Content-Length": str(60 * 2**20)}
        answer = client.send("POST", UPDATE, None, headers)
        took, grown = (time.perf_counter() - at) * 1000, resident_mb(self._server) - held
        good = answer.status == 413 and took < 100 and grown < 2
        self.add(
            "L10", "a body of 60 MB", f"{answer.status} in {took:.0f} ms, {grown:+.0f} MB", "413, 100 ms, +0", good=good
        )


#: The scenes by name, in their order: what each does with so many people who think so long, and so large a crowd.
SCENES: dict[str, Callable[[Scenes, int, float, int], None]] = {
    "everyday": lambda scenes, people, think, _: scenes.everyday(people, think),
    "stress": lambda scenes, _people, _think, crowd: scenes.stress(crowd),
    "heavy": lambda scenes, people, think, _: scenes.one_asks_without_end(people // 2, think / 2),
    "sign-in": lambda scenes, people, think, _: scenes.many_sign_in(people // 2, think / 2),
    "exports": lambda scenes, _people, _think, _crowd: scenes.exports(),
    "oversized": lambda scenes, _people, _think, _crowd: scenes.oversized(),
    "ingest": lambda scenes, _people, _think, _crowd: scenes.ingest(),
}


@click.command()
@click.option("--seconds", default=15.0, show_default=True, help="How long each scene lasts.")
@click.option("--people", default=50, show_default=True, help="How many people work.")
@click.option("--think", default=5.0, show_default=True, help="Seconds between two pages of a person.")
@click.option("--crowd", default=200, show_default=True, help="How many people come at once in the stress scene.")
@click.option("--scene", "chosen", multiple=True, type=click.Choice(SCENES), help="Measure this one only; repeatable.")
@click.option("--soak-minutes", default=0.0, help="How long L7 lasts; 30 a night, 240 as the goal says.")
def main(seconds: float, people: int, think: float, crowd: int, chosen: tuple[str, ...], soak_minutes: float) -> None:
    """Measure L1 to L6 and L8 to L10, and L7 where asked, on the sample and print them beside their goals."""
    table = Table("", "scene", "measured", "goal", "met")
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        made = make_installation(Path(folder) / "instance")
        cost, started = gate_milliseconds(made), time.perf_counter()
        with running_server(made, Path(folder) / "output") as server:
            start = time.perf_counter() - started
            scenes = Scenes(server, made, table, seconds)
            scenes.add("L1", "the gate, per callback", f"{cost:.2f} ms CPU", "1 ms", good=cost <= 1)
            scenes.add("L9", "cold start", f"{start:.1f} s", "10 s", good=start <= 10)
            for name in chosen or SCENES:
                SCENES[name](scenes, people, think, crowd)
            if soak_minutes:
                scenes.soak(people * 2 // 5, soak_minutes)
    table.title = f"Load, on {os.cpu_count()} cores; {before:.1f} processes ran when it began"
    Console().print(table)


if __name__ == "__main__":
    main()
