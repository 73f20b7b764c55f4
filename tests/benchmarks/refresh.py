"""Whole refreshes of the Overview over HTTP, as browsers ask for them: `make bench-refresh`.

The real gunicorn with two workers, sign-in, gate and row scope; the answer is the figures as JSON. Users without think
time, each with its own stream of filter states that no result cache can answer; then the landing view asked again.

    make bench-refresh BENCH_ARGS="--rows 10m --cache /tmp/bench --json figures.json"
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
from rich.console import Console
from rich.table import Table

from layouts.overview import Ids
from salescope import installation
from services.access import EVERYTHING
from tests.benchmarks import reference
from tests.benchmarks.engine import load
from tests.benchmarks.engine_steps import REFRESHED
from tests.benchmarks.measuring import Action, CpuOfOthers, beside_one_another, cpu_of_family, percentile, seconds_of
from tests.benchmarks.reference import State
from tests.client import Client, callback_body
from tests.serving import PASSWORDS, Installation, Server, running_server

UPDATE = "/_dash-update-component"
USERS = 8
ENCODING = {"Accept-Encoding": "gzip, deflate, br, zstd", "Content-Type": "application/json"}
#: Goal, the key of the figure, how it compares; the rates of the Superset chart API on the same data are 2.1 and 7.2.
GOALS = (
    ("refreshes per second, 8 users, random filters, at least", "per_second", 25.0, True),
    ("p95 of a refresh, 8 users, ms, at most", "p95_ms", 400.0, False),
    ("p95 of the landing view asked again, ms, at most", "landing_p95_ms", 60.0, False),
)
CONSOLE = Console(width=None if sys.stdout.isatty() else 140)


def search_of(state: State) -> str:
    """Return the address of the Overview under a filter state."""
    last = state.end.fromordinal(state.end.toordinal() - 1)
    chosen = [("country", each) for each in state.countries] + [("category", each) for each in state.categories]
    return "?" + urlencode([("from", str(state.start)), ("to", str(last)), *chosen])


class User:
    """A signed-in browser that asks for the Overview's figures."""

    def __init__(self, port: int, number: int) -> None:
        self._client = Client(port)
        signed_in = self._client.form("/signin", {"email": address(number), "password": PASSWORDS["analyst"]})
        if signed_in.status not in (200, 302, 303):
            sys.exit(f"Signing in gave {signed_in.status}: {signed_in.text[:200]}")
        rows = self._client.get("/_dash-dependencies").json()
        self._specification = next(row for row in rows if Ids.KPIS in row["output"] and not row["clientside_function"])

    def refresh(self, search: str) -> int:
        """Ask for all figures under an address; return the bytes of the answer."""
        values = {f"{Ids.FILTERS.search}.data": {"search": search, "from": "controls"}}
        body = orjson.dumps(callback_body(self._specification, values))
        answer = self._client.send("POST", UPDATE, body, ENCODING)
        if answer.status != 200:
            sys.exit(f"A refresh gave {answer.status}: {answer.text[:200]}")
        return len(answer.body)


def address(number: int) -> str:
    """Return the mail address of a user."""
    return f"bench-{number}@example.com"


def installed(folder: Path, data: Path) -> Installation:
    """Return an installation over published data, with the users of the benchmark."""
    made = Installation(folder, {"SALESCOPE_MODEL": str(data / "model.yaml"), "SALESCOPE_ACCESS_LOG": "0"})
    accounts = installation.init(made.settings())
    (folder / "warehouse").symlink_to(data / "warehouse")
    for number in range(USERS):
        accounts.add(address(number), "Bench", "analyst", password=PASSWORDS["analyst"], scope=EVERYTHING)
    return made


def measure(server: Server, seconds: float) -> dict[str, Any]:
    """Return rates and times of refreshes, and the milliseconds of CPU that the server takes for each."""
    port = server.port
    users = [User(port, number) for number in range(USERS)]
    for user in users:
        user.refresh("")

    def refreshes(number: int) -> Iterator[Action]:
        for state in reference.random_states(500 + number):
            yield partial(users[number].refresh, search_of(state))

    others = CpuOfOthers()
    used = cpu_of_family(server.process.pid)
    found: dict[str, Any] = dict(beside_one_another(USERS, seconds, refreshes))
    used = cpu_of_family(server.process.pid) - used
    landing = [seconds_of(partial(users[0].refresh, "")) * 1000 for _ in range(2 * REFRESHED)]
    return found | {
        "landing_p50_ms": percentile(landing, 50),
        "landing_p95_ms": percentile(landing, 95),
        "cpu_ms": used * 1000 / found["refreshes"],
        "bytes": users[0].refresh(""),
        "cpu_of_others": others.share,
    }


def print_figures(found: dict[str, Any]) -> None:
    """Print what was measured beside the goals."""
    table = Table("Goal", "measured", "met", title=f"Overview over HTTP, {found['lines']:,} lines")
    for name, key, limit, at_least in GOALS:
        met = found[key] >= limit if at_least else found[key] <= limit
        table.add_row(f"{name} {limit:g}", f"{found[key]:.1f}", "yes" if met else "NO")
    CONSOLE.print(table)
    CONSOLE.print(
        f"p50 {found['p50_ms']:.0f} ms with {USERS} users, landing view {found['landing_p50_ms']:.0f} ms; "
        f"{found['cpu_ms']:.0f} ms of the server's CPU per refresh; "
        f"{found['bytes']:,} bytes compressed; other processes took {found['cpu_of_others']:.0%} of the CPU."
    )


def run(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Generate and load what is missing, serve and measure."""
    tag = reference.generate(asked.rows, folder)
    load(folder, tag, reuse=True)
    with tempfile.TemporaryDirectory() as temporary:
        instance = installed(Path(temporary) / "instance", folder)
        with running_server(instance, Path(temporary) / "server.log", SALESCOPE_WORKERS="2") as server:
            found = measure(server, asked.seconds)
    lines, _ = reference.bench_module("make_sales").parse_rows(asked.rows)
    return found | {"lines": lines}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench-refresh", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", default="1m", help="lines to generate: 1m (default), 10m, 100m")
    parser.add_argument("--cache", type=Path, help="folder that keeps the data for the next run; default: none is kept")
    parser.add_argument("--seconds", type=float, default=20, help=f"how long {USERS} users work beside one another")
    parser.add_argument("--json", type=Path, help="file that all figures are written to")
    asked = parser.parse_args()
    if not reference.available():
        sys.exit(reference.MISSING)
    with tempfile.TemporaryDirectory() as temporary:
        found = run(asked, (asked.cache.resolve() / asked.rows.lower()) if asked.cache else Path(temporary))
    print_figures(found)
    if asked.json:
        asked.json.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
