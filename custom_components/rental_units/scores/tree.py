"""A file of JSON or YAML as a tree of which each part knows where it is.

Nothing of YAML that a table of criteria has no need of is taken: no tags, so no file is
included and no secret is read; no aliases, with which a short file becomes an endless one;
and no key twice, of which one would be lost.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
import re
from typing import Any, Final, override

import yaml

from .const import MOST_BYTES, MOST_LETTERS

_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,9}(\.[0-9]{1,9})?")
_TRUTH: Final = {"true": True, "false": False}
#: Tags of YAML by how their texts are read; what is no number is a text.
_TAG: Final = "tag:yaml.org,2002:"
_TEXTS: Final = {f"{_TAG}{name}" for name in ("str", "timestamp", "value", "merge")}
_NUMBERS: Final = {f"{_TAG}{name}" for name in ("int", "float")}


class TreeError(Exception):
    """Something is not as it has to be: what, where, and what it may be."""

    def __init__(self, problem: str, where: str, **more: str) -> None:
        """Initialize; `problem` is a part of a translation key."""
        super().__init__(problem)
        self.problem = problem
        self.placeholders = {"where": where, **more}


class _Composer(yaml.SafeLoader):
    @override
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.get_event()  # type: ignore[no-untyped-call]
            raise TreeError("alias", f"L{event.start_mark.line + 1}")
        return super().compose_node(parent, index)


@dataclass(frozen=True, slots=True)
class Tree:
    """A part of a file."""

    value: Any
    path: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, content: str | bytes) -> Tree:
        """Return what a file says. Raises TreeError."""
        raw = content.encode() if isinstance(content, str) else content
        if len(raw) > MOST_BYTES:
            raise TreeError("too_large", "–")
        lines: dict[str, int] = {}
        loader: _Composer | None = None
        try:
            loader = _Composer(raw.decode("utf-8-sig"))
            node = loader.get_single_node()
            value = _plain(node, "", lines) if node else None
        except yaml.MarkedYAMLError as err:
            mark = err.problem_mark or err.context_mark
            raise TreeError(
                "unreadable", f"L{mark.line + 1}" if mark else "–"
            ) from None
        except yaml.YAMLError, UnicodeDecodeError, RecursionError:
            raise TreeError("unreadable", "–") from None
        finally:
            if loader is not None:
                loader.dispose()
        return cls(value, "", lines)

    @property
    def where(self) -> str:
        """Return where this is in the file, as a person finds it."""
        line = self.lines.get(self.path)
        return (self.path or "–") + (f" (L{line})" if line else "")

    def wrong(self, problem: str, **more: str) -> TreeError:
        """Return the error of this part."""
        return TreeError(problem, self.where, **more)

    def has(self, key: str) -> bool:
        """Return if a mapping says something of a key."""
        return self.value.get(key) is not None

    def __getitem__(self, key: str) -> Tree:
        """Return the part of a mapping that has to be there. Raises TreeError."""
        if not self.has(key):
            raise self._at(key).wrong("missing")
        return self._at(key)

    def get(self, key: str) -> Tree | None:
        """Return a part of a mapping, if it is there."""
        return self._at(key) if self.has(key) else None

    def _at(self, key: str) -> Tree:
        path = f"{self.path} → {key}" if self.path else key
        return Tree(self.value.get(key), path, self.lines)

    def mapping(self, *known: str) -> Tree:
        """Return this, if it is a mapping of no other keys. Raises TreeError."""
        if not isinstance(self.value, Mapping):
            raise self.wrong("not_mapping")
        for key in self.value:
            if not isinstance(key, str) or key not in known:
                raise self._at(str(key)[:40]).wrong("unknown", known=", ".join(known))
        return self

    def items(self, most: int) -> Iterator[Tree]:
        """Yield the parts of a list. Raises TreeError."""
        if not isinstance(self.value, list):
            raise self.wrong("not_list")
        if len(self.value) > most:
            raise self.wrong("too_many", most=str(most))
        for number, value in enumerate(self.value, 1):
            yield Tree(value, f"{self.path} {number}", self.lines)

    def text(self, most: int = MOST_LETTERS) -> str:
        """Return a text. Raises TreeError."""
        value = self.value
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not 0 < len(value.strip()) <= most:
            raise self.wrong("not_text", most=str(most))
        return value.strip()

    def word(self, known: Collection[str]) -> str:
        """Return one of several words. Raises TreeError."""
        if not isinstance(self.value, str) or self.value not in known:
            raise self.wrong("not_word", known=", ".join(known))
        return self.value

    def truth(self) -> bool:
        """Return if something is so. Raises TreeError."""
        if not isinstance(self.value, bool):
            raise self.wrong("not_word", known="true, false")
        return self.value

    def number(self, least: Decimal, most: Decimal, *, decimals: int = 2) -> Decimal:
        """Return a number with so many decimals at most. Raises TreeError."""
        text = str(self.value)
        value = Decimal(text) if _NUMBER.fullmatch(text) else None
        if (
            value is None
            or not least <= value <= most
            or value != value.quantize(Decimal(1).scaleb(-decimals))
        ):
            raise self.wrong(
                "not_number", least=str(least), most=str(most), decimals=str(decimals)
            )
        return value

    def whole(self, least: int, most: int) -> int:
        """Return a whole number. Raises TreeError."""
        return int(self.number(Decimal(least), Decimal(most), decimals=0))


def _plain(node: Any, path: str, lines: dict[str, int]) -> Any:
    """Return what a node of YAML says, and note on which line."""
    lines[path] = line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise TreeError("unreadable", f"L{line}")
            inner = f"{path} → {key.value}" if path else key.value
            if key.value in found:
                raise TreeError("twice", f"{inner} (L{key.start_mark.line + 1})")
            found[key.value] = _plain(value, inner, lines)
            lines[inner] = key.start_mark.line + 1
        return found
    if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
        return [
            _plain(value, f"{path} {number}", lines)
            for number, value in enumerate(node.value, 1)
        ]
    if isinstance(node, yaml.ScalarNode):
        text = node.value
        if node.tag in _NUMBERS:
            return Decimal(text) if _NUMBER.fullmatch(text) else text
        if node.tag == f"{_TAG}bool":
            return _TRUTH.get(text.lower(), text)
        if node.tag == f"{_TAG}null":
            return None
        if node.tag in _TEXTS:
            return text
    raise TreeError("unreadable", f"L{line}")
