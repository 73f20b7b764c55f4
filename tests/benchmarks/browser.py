"""What a person waits for in a real Chromium: visits, filters, drilling, page to page; `make bench-browser` prints it.

Times are of this machine with nothing else running; bytes and requests are the same everywhere, and a test holds them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright
from rich.console import Console
from rich.table import Table

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.serving import PASSWORDS, Installation, Server, email_of, make_installation, running_server

#: The page is painted when every figure has been drawn.
PAINTED = """() => {
  const graphs = [...document.querySelectorAll('main .js-plotly-plot')];
  return graphs.length >= 5 && graphs.every((graph) => graph.querySelector('.main-svg'));
}"""
#: The map's shapes come last, on their own.
MAPPED = "() => document.querySelector('main .choroplethlayer path')"
SETTLED = """(text) => {
  const value = document.querySelector('.kpi .value');
  return value && value.textContent !== text && !document.querySelector('main [data-dash-is-loading=true]');
}"""


@dataclass
class Traffic:
    """What went over the wire: (bytes as sent, immutable or not, address) per response."""

    rows: list[tuple[int, bool, str]] = field(default_factory=list)

    def note(self, response: Response) -> None:
        """Count a response that came over the network."""
        if response.url.startswith("http"):
            sizes = response.request.sizes()
            immutable = "immutable" in (response.headers.get("cache-control") or "")
            self.rows.append((sizes["responseBodySize"] + sizes["responseHeadersSize"], immutable, response.url))

    @property
    def bytes(self) -> int:
        """All bytes."""
        return sum(size for size, _, _ in self.rows)

    @property
    def largest(self) -> tuple[int, str]:
        """The largest response that browsers do not keep for good."""
        return max(((size, url) for size, immutable, url in self.rows if not immutable), default=(0, ""))


def sign_in(context: BrowserContext, server: Server, role: str = "analyst") -> None:
    """Sign in without a page: what is measured begins afterwards."""
    form: dict[str, str | float | bool] = {"email": email_of(role), "password": PASSWORDS[role]}
    assert context.request.post(f"{server.url}/signin", form=form).ok


def first_visit(context: BrowserContext, server: Server) -> tuple[Page, float, Traffic]:
    """Return the page, the seconds until the Overview is painted, and what went over the wire."""
    page, traffic = context.new_page(), Traffic()
    found: list[Response] = []

    def keep(response: Response) -> None:
        found.append(response)

    page.on("response", keep)
    started = time.perf_counter()
    page.goto(server.url, wait_until="commit")
    page.wait_for_function(PAINTED, timeout=60_000, polling="raf")
    seconds = time.perf_counter() - started
    page.wait_for_function(MAPPED, timeout=60_000)
    for response in found.copy():
        traffic.note(response)
    return page, seconds, traffic


def timed(page: Page, act: Callable[[], object], done: str, argument: object = None) -> float:
    """Return the seconds from an action until a condition holds in the page."""
    started = time.perf_counter()
    act()
    page.wait_for_function(done, arg=argument, timeout=60_000, polling="raf")
    return time.perf_counter() - started


def filter_change(page: Page, period: str) -> float:
    """Return the seconds from choosing a period until all tiles show it."""
    before = page.inner_text(".kpi .value >> nth=0")
    return timed(page, lambda: page.select_option("#overview-period", period), SETTLED, before)


def drill(page: Page) -> float:
    """Return the seconds from clicking a key figure's button until its menu is open."""
    button = page.locator(".kpi button[data-mark]").nth(1)
    seconds = timed(page, button.click, "() => !document.getElementById('panel').hidden")
    page.keyboard.press("Escape")
    return seconds


def page_to_page(page: Page) -> float:
    """Return the seconds from a click in the menu until the other page is there, and go back."""
    go = page.locator("header nav a", has_text="Trends")
    seconds = timed(
        page,
        go.click,
        "() => document.querySelector('#trends-period') && document.querySelector('.js-plotly-plot .main-svg')",
    )
    page.click("header nav a >> text=Overview")
    page.wait_for_function(PAINTED, polling="raf")
    return seconds


@contextmanager
def contexts(browser: Browser) -> Iterator[Callable[[], BrowserContext]]:
    """Yield what makes an empty browser, and close them all."""
    made: list[BrowserContext] = []

    def make() -> BrowserContext:
        made.append(browser.new_context(viewport={"width": 1400, "height": 1000}))
        return made[-1]

    yield make
    for context in made:
        context.close()


def measure(browser: Browser, server: Server, rounds: int) -> list[tuple[str, str, str]]:
    """Return (what, measured, goal) rows."""
    cold: list[float] = []
    again: list[float] = []
    changes: list[float] = []
    warm: list[float] = []
    drills: list[float] = []
    pages: list[float] = []
    traffic = Traffic()
    for number in range(rounds + 1):
        with contexts(browser) as make:
            context = make()
            sign_in(context, server)
            page, seconds, traffic = first_visit(context, server)
            second, seconds_again, _ = first_visit(context, server)
            second.close()
            if number:  # the first one warms the server
                cold.append(seconds)
                again.append(seconds_again)
            for period in ("last_month", "last_year", "last_quarter", "ytd"):
                (warm if number else changes).append(filter_change(page, period))
            drills.append(drill(page))
            pages.append(page_to_page(page))
    size, url = traffic.largest
    return [
        ("first visit, empty browser", _ms(cold), "1300 ms"),
        ("second visit", _ms(again), "1000 ms"),
        ("requests of a first visit", str(len(traffic.rows)), "20"),
        ("bytes of a first visit", f"{traffic.bytes / 1e6:.2f} MB", "0.9 MB"),
        (
            "largest answer not kept for good",
            f"{size / 1e3:.0f} kB {url.partition('?')[0].rpartition('/')[2]}",
            "200 kB",
        ),
        ("filter change, answers not kept", _ms(changes), "600 ms"),
        ("filter change, answers kept", _ms(warm), "300 ms"),
        ("drill menu", _ms(drills), "300 ms"),
        ("page to page", _ms(pages), "400 ms"),
    ]


def _ms(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return f"{1000 * statistics.median(ordered):.0f} ms, p95 {1000 * p95:.0f} ms"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="visits that are measured")
    parser.add_argument("--instance", type=Path, help="a folder made before, instead of a new one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        instance = Installation(given.instance) if given.instance else make_installation(Path(folder) / "instance")
        with running_server(instance, Path(folder) / "server.log") as server:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            rows = measure(browser, server, given.rounds)
            browser.close()
    table = Table("what", "measured", "goal")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
