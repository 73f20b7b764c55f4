"""Loads while people look: workers keep answering and move to the new version on their own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.client import Client
from tests.serving import ROOT, Installation, outside, running_server

SAMPLE = ROOT / "data" / "online_retail_ii"
ROUTE = "..content.children...navigation.children...title.data.."
#: The first two weeks of the sample once more, under another name: a load of its own.
MORE = """
recipe: 1
name: two_weeks_again
model: {sample}/model.yaml
sources:
  - file: {sample}/year_2009_2010.parquet
    where: InvoiceDate < date('2009-12-15')
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    text = (SAMPLE / "recipe.yaml").read_text(encoding="utf-8")
    path = tmp_path / "more.yaml"
    path.write_text(MORE.format(sample=SAMPLE) + text[text.index("\nlet:") : text.index("# Row scope")], "utf-8")
    return path


def test_workers_read_while_a_load_publishes(installation: Installation, tmp_path: Path, recipe: Path) -> None:
    own = installation.copied_to(tmp_path / "instance")
    with running_server(own, tmp_path / "server.log") as server:
        client = Client(server.port).sign_in_as("analyst")
        seen: list[list[str]] = [[], [], []]
        statuses: set[int] = set()
        done = threading.Event()

        def browse(tab: Client, versions: list[str]) -> None:
            while not done.wait(0.5):
                answer = tab.callback(ROUTE, {"route.data": {"pathname": "/", "search": "?period=all"}})
                statuses.add(answer.status)
                versions.append(trust_version(answer.text))

        tabs = [threading.Thread(target=browse, args=(copy_of(client), versions)) for versions in seen]
        for tab in tabs:
            tab.start()
        loaded = subprocess.run(
            [sys.executable, "-m", "salescope", "load", str(recipe), "--mode", "append"],
            cwd=ROOT,
            env=outside(**own.environment),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        for _ in range(6):
            last = trust_version(
                client.callback(ROUTE, {"route.data": {"pathname": "/", "search": "?period=last_month"}}).text
            )
        done.set()
        for tab in tabs:
            tab.join(timeout=120)
    assert loaded.returncode == 0, loaded.stderr
    assert statuses == {200}
    assert last == "2"
    for versions in seen:
        assert versions[0] == "1"
        assert versions == sorted(versions), "a tab went back to an older version"


def copy_of(client: Client) -> Client:
    other = Client(client.port)
    other.cookie, other.dependencies = client.cookie, dict(client.callbacks())
    return other


def trust_version(text: str) -> str:
    """Return the data version that the strip under the page names."""
    flat = json.dumps(json.loads(text))
    return flat.split('"Version"', 1)[1].split('"children": "', 1)[1].split(" of ", 1)[0]
