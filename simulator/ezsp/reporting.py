"""Attribute reports as a host has configured them (ZCL 8, 2.5.7 and 2.5.11)."""

from dataclasses import dataclass
import time
from typing import TYPE_CHECKING, Any

from . import zcl

if TYPE_CHECKING:
    from .node import Node

type Key = tuple[int, int, int]

#: A longest interval that takes the rule away.
NEVER = 0xFFFF
#: Bytes of attributes in one report.
LONGEST_REPORT = 70
_FLAGS = zcl.FROM_SERVER | zcl.NO_DEFAULT_RESPONSE


@dataclass(slots=True)
class Rule:
    """When an attribute is reported; intervals in seconds."""

    least: int
    most: int
    change: float
    told_at: float
    told: Any


class Reporting:
    """The rules of a node, and the reports that follow from them."""

    def __init__(self, node: Node) -> None:
        """Initialize without rules."""
        self._node = node
        self.rules: dict[Key, Rule] = {}

    def clear(self) -> None:
        """Forget all rules."""
        self.rules.clear()

    def configure(self, key: Key, least: int, most: int, change: float) -> None:
        """Set a rule, or take it away."""
        if most == NEVER:
            self.rules.pop(key, None)
            return
        value = self._node.attributes[key]
        self.rules[key] = Rule(least, most, change, time.monotonic(), value)

    def send_due(self) -> None:
        """Report what is due now."""
        now = time.monotonic()
        due: dict[tuple[int, int], list[Key]] = {}
        for key, rule in self.rules.items():
            if self._is_due(key, rule, now) and self._node.is_bound(key[0], key[1]):
                due.setdefault(key[:2], []).append(key)
                rule.told_at, rule.told = now, self._node.attributes[key]
        for keys in due.values():
            self.report(*keys)

    def _is_due(self, key: Key, rule: Rule, now: float) -> bool:
        waited = now - rule.told_at
        if waited < rule.least:
            return False
        if rule.most and waited >= rule.most:
            return True
        value = self._node.attributes[key]
        if self._node.kinds[key].type.analogue:
            moved: bool = abs(value - rule.told) >= max(rule.change, 1e-9)
            return moved
        return bool(value != rule.told)

    def report(self, *keys: Key) -> None:
        """Report attributes of one cluster, whatever the rules say."""
        if not keys:
            return
        endpoint, cluster, _ = keys[0]
        body = b""
        for key in keys:
            kind = self._node.kinds[key].type
            piece = key[2].to_bytes(2, "little") + bytes((kind.id,))
            piece += kind.write(self._node.attributes[key])
            if len(body) + len(piece) > LONGEST_REPORT:
                self._send(endpoint, cluster, body)
                body = b""
            body += piece
        self._send(endpoint, cluster, body)

    def _send(self, endpoint: int, cluster: int, body: bytes) -> None:
        header = zcl.Header(_FLAGS, self._node.next_sequence(), zcl.REPORT)
        self._node.send(endpoint, cluster, header.write() + body)
