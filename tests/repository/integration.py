"""An integration's folder as it lies in the repository: its files, and what its code says."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
import json
from pathlib import Path
from typing import Any, override

from homeassistant.util.yaml import load_yaml_dict

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Integration:
    """One of ours."""

    folder: Path

    @override
    def __str__(self) -> str:
        """Return the name of its test cases."""
        return self.folder.name

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Return its manifest."""
        return self.json("manifest.json")

    @cached_property
    def texts(self) -> dict[str, Any]:
        """Return its English texts."""
        return self.json("translations/en.json")

    @cached_property
    def icons(self) -> dict[str, Any]:
        """Return its icons."""
        return self.json("icons.json")

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """Return its code by the name of the file."""
        return {
            path.relative_to(self.folder).as_posix(): ast.parse(path.read_text("utf-8"))
            for path in sorted(self.folder.rglob("*.py"))
        }

    @cached_property
    def nodes(self) -> list[tuple[str, ast.AST]]:
        """Return every piece of its code, with the place of each that has a line."""
        return [
            (f"{name}:{getattr(node, 'lineno', 0)}", node)
            for name, tree in self.trees.items()
            for node in ast.walk(tree)
        ]

    def json(self, name: str) -> dict[str, Any]:
        """Return a file of it."""
        content: dict[str, Any] = json.loads((self.folder / name).read_text("utf-8"))
        return content

    def yaml(self, name: str) -> dict[str, Any]:
        """Return a file of it, nothing where there is none; without what is only referred to."""
        path = self.folder / name
        found = load_yaml_dict(str(path)) if path.exists() else {}
        return {key: row for key, row in found.items() if not key.startswith(".")}

    def functions(self, name: str | None = None) -> set[str]:
        """Return the functions and methods of a file, or of all."""
        return {
            node.name
            for file, tree in self.trees.items()
            if name in (None, file)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }

    def calls(self, *names: str) -> Iterator[tuple[str, ast.Call]]:
        """Yield the calls of functions, methods or classes by their last names."""
        for place, node in self.nodes:
            if isinstance(node, ast.Call) and last_name(node.func) in names:
                yield place, node


INTEGRATIONS = [
    Integration(path.parent)
    for path in sorted(ROOT.glob("custom_components/*/manifest.json"))
]


def last_name(node: ast.AST) -> str:
    """Return `c` of `a.b.c`."""
    return str(getattr(node, "attr", None) or getattr(node, "id", ""))


def leaves(
    node: Any, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each value of a JSON file with its path."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    else:
        yield path, node
