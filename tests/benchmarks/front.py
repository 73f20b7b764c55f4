"""What a request costs beside its query: `make bench-front`.

Each callback is answered by the whole application in this process (routing, session, gate, dispatch, view, JSON,
compression), in turns with what it asks the services for; answers come from the result cache. Times are of the CPU,
so that what else the machine does counts less.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from rich.console import Console
from rich.table import Table

from layouts.overview import Ids
from salescope.app import create_app
from services.overview import answers, default_query, offered
from tests.client import callback_body
from tests.serving import PASSWORDS, email_of, make_installation

RUNS = 60
GOAL_MS = 5.0
ENCODING = {"Accept-Encoding": "gzip, deflate, br, zstd"}
UPDATE = "/_dash-update-component"


def milliseconds(action: Callable[[], object]) -> float:
    """Return the CPU time of one run."""
    started = time.process_time()
    action()
    return (time.process_time() - started) * 1000


@dataclass(frozen=True)
class Case:
    """A callback, the values the browser sends with it, and what it asks the services for."""

    name: str
    output: str
    values: Mapping[str, object]
    direct: Callable[[], object]


def cases(sales: Any, who: Any) -> tuple[Case, ...]:
    """Return the callbacks that are measured, from the one that asks for nothing to the whole page."""
    menu, tiles, base = Ids.FILTERS.dimension("country"), offered(sales.model), default_query(sales.model)
    typed = {f"{menu}.search_value": "ger", f"{menu}.value": []}
    return (
        Case("nothing to do", f"{menu}.options", {}, lambda: None),
        Case("search in a menu", f"{menu}.options", typed, lambda: sales.values("country", who, search="ger")),
        Case(
            "Overview",
            Ids.KPIS,
            {f"{Ids.FILTERS.search}.data": {"search": "", "from": "controls"}},
            lambda: answers(sales, tiles, base, who),
        ),
    )


def measure_callbacks(client: FlaskClient, found: tuple[Case, ...]) -> Table:
    """Return what each callback costs beside its queries."""
    rows = [row for row in client.get("/_dash-dependencies").get_json() if not row["clientside_function"]]
    table = Table("Callback", "Bytes", "Whole ms", "Services ms", "Added ms", title=f"Goal: {GOAL_MS:g} ms added")
    for case in found:
        specification = next(row for row in rows if case.output in row["output"])
        body = callback_body(specification, case.values)

        def whole(body: Mapping[str, Any] = body) -> bytes:
            answer = client.post(UPDATE, json=body, headers=ENCODING)
            if answer.status_code not in (200, 204):
                raise SystemExit(f"{answer.status_code}: {answer.text}")
            return bytes(answer.data)

        size = len(whole())
        pairs = [(milliseconds(whole), milliseconds(case.direct)) for _ in range(RUNS)]
        ours, services = (statistics.median(column) for column in zip(*pairs, strict=True))
        table.add_row(case.name, f"{size:,}", f"{ours:.2f}", f"{services:.2f}", f"{ours - services:.2f}")
    return table


def measure_files(client: FlaskClient) -> Table:
    """Return what each file of the first page costs, the first time and afterwards."""
    table = Table("File", "Bytes", "First ms", "Then ms", title="Static files")
    index = client.get("/").text
    sizes, firsts, thens = [], [], []
    for path in re.findall(r"(?:<script src|<link[^>]+href)=\"([^\"]+)\"", index):
        address = path.replace("&amp;", "&")

        def ask(address: str = address) -> bytes:
            return bytes(client.get(address, headers=ENCODING).data)

        firsts.append(milliseconds(ask))
        thens.append(statistics.median(milliseconds(ask) for _ in range(RUNS // 4)))
        sizes.append(len(ask()))
        name = address.partition("?")[0].rpartition("/")[2]
        table.add_row(name[:40], f"{sizes[-1]:,}", f"{firsts[-1]:.1f}", f"{thens[-1]:.2f}")
    table.add_row("all", f"{sum(sizes):,}", f"{sum(firsts):.1f}", f"{sum(thens):.2f}", style="bold")
    return table


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(make_installation(Path(folder) / "instance").settings())
        client = app.test_client()
        client.post("/signin", data={"email": email_of("analyst"), "password": PASSWORDS["analyst"]})
        parts = app.extensions["salescope"]
        who = parts["accounts"].as_viewer(email_of("analyst"))
        for table in (measure_callbacks(client, cases(parts["sales"], who)), measure_files(client)):
            Console().print(table)


if __name__ == "__main__":
    main()
