from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import DefinitionError
from services.yamlfile import Definition, Problem, parse, read


class Leaf(Definition):
    size: int
    colour: str = "green"


class Tree(Definition):
    name: str
    leaves: tuple[Leaf, ...] = ()
    by_name: dict[str, Leaf] = {}

    def problems(self) -> Iterator[Problem]:
        for position, leaf in enumerate(self.leaves):
            if leaf.size > 9:
                yield Problem(("leaves", position, "size"), f"found {leaf.size}; the largest is 9.")


GOOD = "name: oak\nleaves:\n- size: 1\n- size: 2\n  colour: red\nby_name:\n  first: {size: 3}\n"
PATH = Path("tree.yaml")


def test_good_file(tmp_path: Path) -> None:
    (tmp_path / "tree.yaml").write_text(GOOD, encoding="utf-8")
    tree = read(tmp_path / "tree.yaml", Tree)
    assert tree == Tree(name="oak", leaves=(Leaf(size=1), Leaf(size=2, colour="red")), by_name={"first": Leaf(size=3)})


def test_definitions_are_frozen() -> None:
    tree = parse(GOOD, Tree, PATH)
    with pytest.raises(ValueError, match="frozen"):
        tree.name = "elm"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        pytest.param("", 1, "found None", id="empty"),
        pytest.param("- 1\n", 1, "found [1]", id="list"),
        pytest.param("name: [oak\n", 2, "not valid YAML", id="open bracket"),
        pytest.param("name: oak\n\tleaves: 1\n", 2, "not valid YAML", id="tab"),
        pytest.param("name: oak\nname\n", 3, "not valid YAML", id="no colon"),
        pytest.param("name: \x00\n", 1, "not valid YAML", id="nul"),
        pytest.param("name: &a [*a]\n", 1, "found", id="endless alias"),
        pytest.param("name: !!python/object/apply:os.getcwd []\n", 1, "not valid YAML", id="python object"),
        pytest.param("name: oak\n? [a, b]\n: 1\n", 2, "not valid YAML", id="list as a key"),
        pytest.param("name: oak\n1: 2\n", 2, "1: found 1", id="number as a key"),
        pytest.param("leaves: []\n", 1, "name: this key is required and missing.", id="missing"),
        pytest.param(
            "name: oak\nleafs: []\n", 2, "leafs: this key is not known. Did you mean 'leaves'?", id="unknown key"
        ),
        pytest.param(
            "name: oak\nleaves:\n- size: 1\n- {size: 2, color: red}\n",
            4,
            "leaves.1.color: this key is not known. Did you mean 'colour'? Allowed here: colour, size.",
            id="unknown key in a list",
        ),
        pytest.param(
            "name: oak\nby_name:\n  a: {size: 1}\n  b:\n    size: 1\n    zzz: 2\n",
            6,
            "by_name.b.zzz: this key is not known. Allowed here: colour, size.",
            id="unknown key in a mapping",
        ),
        pytest.param("name: oak\nleaves:\n- size: big\n", 3, "leaves.0.size: found 'big'.", id="wrong type in a list"),
        pytest.param(
            "name: oak\nleaves:\n- size: 1\n-\n  colour: red\n  size: 12\n",
            6,
            "leaves.1.size: found 12; the largest is 9.",
            id="problem the types cannot say",
        ),
    ],
)
def test_broken_text(text: str, line: int, said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse(text, Tree, PATH)
    assert caught.value.line == line
    assert said in caught.value.problem


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"line 1: the file cannot be read: .*No such file"):
        read(tmp_path / "none.yaml", Tree)


def test_folder_for_a_file(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="the file cannot be read"):
        read(tmp_path, Tree)


def test_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "tree.yaml").write_bytes("name: Käfer".encode("latin-1"))
    with pytest.raises(DefinitionError, match="the file cannot be read"):
        read(tmp_path / "tree.yaml", Tree)


@given(st.one_of(st.text(max_size=80), st.text(st.sampled_from("naemlvsize:-[]{}&*!?|>'\"\n \t#1,%@"), max_size=60)))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(DefinitionError):
        assert isinstance(parse(text, Tree, PATH), Tree)
