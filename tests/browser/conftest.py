"""A real Chromium on the real server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, sync_playwright

from tests.serving import PASSWORDS, Installation, Server, email_of, running_server

OUTPUT = Path(__file__).parent.parent / "output"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
DESKTOP, PHONE = (1400, 1000), (390, 844)
MAX_ANSWER = 200_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip with the reason where no browser can be had."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="No Chromium found; install one: apt-get install chromium"))


@pytest.fixture(scope="session")
def installation(prepared: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return prepared.copied_to(tmp_path_factory.mktemp("browser") / "instance")


@pytest.fixture(scope="session")
def server(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(installation, tmp_path_factory.mktemp("browser-log") / "server.log") as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """A signed-in tab, and everything that should not have happened in it."""

    page: Page
    server: Server
    pictures: bool
    problems: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.server.url + path)
        return self.settled()

    def settled(self) -> Page:
        """Wait until the page has its content and no callback is under way."""
        self.page.wait_for_selector("main#content .page, main#content .message, main.door")
        self.page.wait_for_load_state("networkidle")
        return self.page

    def first_kpi(self) -> str:
        return self.page.inner_text(".kpi .value >> nth=0")

    def expect_kpi(self, text: str) -> None:
        self.page.wait_for_function(
            "text => document.querySelector('.kpi .value')?.textContent === text", arg=text, timeout=60_000
        )

    def picture(self, name: str) -> None:
        """Keep a picture of the whole page under `--pictures`: a page takes a second to draw."""
        if not self.pictures:
            return
        OUTPUT.mkdir(exist_ok=True)
        self.page.screenshot(path=OUTPUT / f"{name}.png", full_page=True)

    def note_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text}")

    def note_response(self, response: Response) -> None:
        """Note an answer of the application, other than its files, of more than 200 kB as it is sent."""
        size = int(response.headers.get("content-length") or 0)
        if size > MAX_ANSWER and re.search("/_dash-(layout|dependencies|update)", response.url):
            self.problems.append(f"{size:,} bytes: {response.url}")

    def note_request(self, request: Request) -> None:
        if not re.match(rf"{re.escape(self.server.url)}/|data:|blob:", request.url):
            self.problems.append(f"request to a foreign host: {request.url}")


Visitor = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Return a function that signs somebody in and opens a page: `visit("analyst", "/lines", size=PHONE)`."""
    contexts: list[BrowserContext] = []

    def start(role: str, path: str = "/", *, size: tuple[int, int] = DESKTOP, dark: bool = False) -> Visit:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        context.set_default_timeout(60_000)
        tab = Visit(context.new_page(), server, request.config.getoption("--pictures"))
        tab.page.on("console", tab.note_console)
        tab.page.on("pageerror", lambda error: tab.problems.append(f"error: {error}"))
        tab.page.on("request", tab.note_request)
        tab.page.on("response", tab.note_response)
        form: dict[str, str | float | bool] = {"email": email_of(role), "password": PASSWORDS[role]}
        context.request.post(f"{server.url}/signin", form=form, headers={"Origin": server.url}, max_redirects=0)
        tab.open(path)
        return tab

    yield start
    for context in contexts:
        context.close()
