"""The table of threats, faults and goals is whole and names tests that exist; what no code of ours may hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.serving import ROOT

TABLE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [f"T{number}" for number in range(1, 37)] + [f"L{number}" for number in range(1, 11)]
ROWS += ["F2", "F5", "F6", "F7", "F8", "F9", "F17", "F18", "F20"]
#: Packages and the version that closed a hole in them which would be open here.
FLOORS = {
    "dash": "4.4.1",
    "flask": "3.1.3",
    "gunicorn": "27.0.1",
    "lightgbm": "4.6.0",
    "pyarrow": "14.0.1",
    "werkzeug": "3.0.3",
}
#: Modules and functions that run what they are given.
RUN_WHAT_THEY_GET = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
RUN = {"eval", "exec", "compile", "__import__"}


@cache
def functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_row_is_there_and_every_proof_exists() -> None:
    lines = {line.split("|")[1].strip(): line for line in TABLE.splitlines() if re.match(r"\| [TFL]\d+ \|", line)}
    assert set(ROWS) <= set(lines)
    for row, line in lines.items():
        assert "::" in line, row
    named = re.findall(r"(tests/[\w/]+\.py)::(\w+)", TABLE)
    assert len(named) > 80
    assert [f"{path}::{name}" for path, name in named if name not in functions(ROOT / path)] == []
    held = {path for row, line in lines.items() if row[0] in "TF" for path in line.split("|")[3].strip().split(", ")}
    assert [path for path in held if not (ROOT / path).exists()] == []


def sources() -> Iterator[Path]:
    for folder in ("src", "services", "layouts", "callbacks", "deploy"):
        yield from (ROOT / folder).rglob("*.py")


def test_code_of_ours_unpickles_and_evaluates_nothing() -> None:
    found = []
    words = re.compile(rf"\b({'|'.join(RUN_WHAT_THEY_GET | RUN)})\b")
    for path in sources():
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if words.search(text) else ():
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{path}: {name}" for name in names if name.split(".")[0] in RUN_WHAT_THEY_GET]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RUN:
                found.append(f"{path}:{node.lineno}: {node.func.id}")
    assert found == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_locked_packages_have_hashes_and_are_past_their_known_holes(name: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / name).read_text(encoding="utf-8").strip())
    packages = [each for each in entries if "==" in each]
    assert len(packages) > 40
    assert [each for each in packages if "--hash=sha256:" not in each] == []
    versions = {found.name: str(found.specifier).removeprefix("==") for found in map(requirement, packages)}
    assert {name for name, floor in FLOORS.items() if Version(versions[name]) < Version(floor)} == set()


def requirement(entry: str) -> Requirement:
    return Requirement(entry.partition("\\")[0].strip())
