"""Read a YAML file into a frozen pydantic value; say file, line, found and allowed when it is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from services.errors import DefinitionError

Location = tuple[str | int, ...]


class Problem(NamedTuple):
    """One mistake in a definition: where (`("measures", "revenue", "format")`) and what."""

    location: Location
    message: str


class Definition(BaseModel):
    """Base of everything read from YAML: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def problems(self) -> Iterator[Problem]:
        """Yield what the types alone cannot say, such as a reference to a name that is not defined."""
        yield from ()


D = TypeVar("D", bound=Definition)


def read(path: Path, kind: type[D]) -> D:
    """Return the definition in `path`.

    Raises DefinitionError naming the first mistake by line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(path, 1, f"the file cannot be read: {error}") from None
    return parse(text, kind, path)


def parse(text: str, kind: type[D], path: Path) -> D:
    """Return the definition written in `text`; `path` is named in errors."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DefinitionError(path, line, f"not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DefinitionError(path, 1, f"not valid YAML: {error}") from None
    _refuse_repeats(node, path)
    try:
        definition = kind.model_validate(data)
    except ValidationError as error:
        # An unknown key first: it is mostly the misspelt form of one that is then "missing".
        found = min(error.errors(include_url=False), key=_rank)
        location = tuple(found["loc"])
        raise DefinitionError(path, _line(node, location), _explain(kind, found)) from None
    for problem in definition.problems():
        raise DefinitionError(path, _line(node, problem.location), _sentence(*problem))
    return definition


def _rank(found: Any) -> tuple[bool, bool]:
    """Order errors by how much they say: a key of the wrong name first, a union's plain-text branch last."""
    return found["type"] != "extra_forbidden", found["loc"][-1:] == ("str",)


def _refuse_repeats(node: yaml.Node | None, path: Path, above: tuple[yaml.Node, ...] = ()) -> None:
    """Raise DefinitionError for a key given twice, of which YAML would silently drop one."""
    if node in above:
        return  # an alias of what it stands in
    above = (*above, node) if node is not None else above
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise DefinitionError(path, key.start_mark.line + 1, f"the key {key.value!r} is given twice.")
            seen.add(key.value)
            _refuse_repeats(value, path, above)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeats(value, path, above)


def _line(node: yaml.Node | None, location: Location) -> int:
    """Return the 1-based line of the deepest part of `location` that stands in the file."""
    line = 1
    for step in location:
        found: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    line, found = key.start_mark.line + 1, value
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
            line = found.start_mark.line + 1
        if found is None:
            break
        node = found
    return line


def _sentence(location: Location, message: str) -> str:
    # pydantic adds the branch of a union it tried and a mark for keys, which stand nowhere in the file.
    branches = {"str", "[key]", *(kind.__name__ for kind in Definition.__subclasses__())}
    place = ".".join(str(step) for step in location if step not in branches)
    return f"{place}: {message}" if place else message


def _explain(kind: type[Definition], found: Any) -> str:
    location: Location = tuple(found["loc"])
    if found["type"] == "extra_forbidden":
        allowed = _fields_at(kind, location[:-1])
        near = get_close_matches(str(location[-1]), allowed, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return _sentence(location, f"this key is not known.{hint} Allowed here: {', '.join(allowed)}.")
    if found["type"] == "missing":
        return _sentence(location, "this key is required and missing.")
    received = found["input"]
    near = get_close_matches(str(received), re.findall(r"'(.*?)'", found["msg"]), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return _sentence(location, f"found {received!r}. {found['msg']}.{hint}")


def _fields_at(kind: type[BaseModel], location: Location) -> list[str]:
    """Return the field names allowed at `location`, following nested definitions."""
    current: Any = kind
    for step in location:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(str(step))
            current = field.annotation if field else None
        else:
            arguments = [each for each in getattr(current, "__args__", None) or () if each is not Ellipsis]
            current = arguments[-1] if arguments else None
    while not isinstance(current, type) and getattr(current, "__args__", None):
        current = next((a for a in current.__args__ if isinstance(a, type) and issubclass(a, BaseModel)), None)
    if isinstance(current, type) and issubclass(current, BaseModel):
        return sorted(current.model_fields)
    return []
