"""What the co-processor knows: in flash, which survives resets, and in RAM, which does not."""

from dataclasses import asdict, dataclass, field
import json
from pathlib import Path
from typing import Any, cast

from .fields import Values

#: Erased flash, as an EUI64.
ERASED = 0xFFFFFFFFFFFFFFFF
COUNTERS = 41


def _default_manufacturing() -> dict[int, bytes]:
    # EzspMfgTokenId: sizes of tokens, erased but for the names of maker and board.
    tokens = {0: 2, 3: 2, 4: 2, 5: 16, 6: 40, 7: 8, 8: 4, 9: 92, 10: 20, 11: 1, 12: 8}
    return {
        **{number: b"\xff" * size for number, size in tokens.items()},
        1: b"Xingqiao".ljust(16, b"\xff"),
        2: b"EZSP simulation".ljust(16, b"\xff"),
        13: b"\xff\xff",
    }


@dataclass
class LinkKey:
    """An entry of the key table."""

    eui64: int
    key: bytes
    outgoing: int = 0
    incoming: int = 0


@dataclass
class Flash:
    """Tokens, in a form that is easy to read. It can be a file."""

    #: EUI64 of the chip, and one written over it in a rewritable token.
    eui64: int
    restored_eui64: int = ERASED
    #: Parameters of the network as of formNetwork, or None.
    network: Values | None = None
    #: Initial security state as of setInitialSecurityState.
    security: Values | None = None
    nwk_counter: int = 0
    aps_counter: int = 0
    #: By index.
    link_keys: dict[int, LinkKey] = field(default_factory=dict)
    children: dict[int, Values] = field(default_factory=dict)
    #: By EzspMfgTokenId.
    manufacturing: dict[int, bytes] = field(default_factory=_default_manufacturing)
    #: Application tokens of setToken, by index.
    tokens: dict[int, bytes] = field(default_factory=dict)
    #: Other tokens of setTokenData, by key and index.
    other: dict[tuple[int, int], bytes] = field(default_factory=dict)

    @property
    def current_eui64(self) -> int:
        """Return the EUI64 that counts after a reset."""
        if self.restored_eui64 != ERASED:
            return self.restored_eui64
        custom = int.from_bytes(self.manufacturing[12], "little")
        return self.eui64 if custom == ERASED else custom

    def forget_network(self) -> None:
        """Leave the network; counters only ever grow."""
        self.network = None
        self.security = None
        self.children.clear()


def save(flash: Flash, path: Path) -> None:
    """Write a flash to a file."""

    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return {"hex": value.hex()}
        if isinstance(value, dict):
            return {"items": [[plain(k), plain(v)] for k, v in value.items()]}
        return list(value) if isinstance(value, tuple) else value

    new = path.with_suffix(".new")
    new.write_text(json.dumps({k: plain(v) for k, v in asdict(flash).items()}), "utf-8")
    new.replace(path)


def load(path: Path) -> Flash:
    """Read a flash from a file that `save` has written."""

    def rich(value: Any) -> Any:
        if isinstance(value, dict) and "hex" in value:
            return bytes.fromhex(value["hex"])
        if isinstance(value, dict):
            return {rich(key): rich(item) for key, item in value["items"]}
        return tuple(value) if isinstance(value, list) else value

    values = {k: rich(v) for k, v in json.loads(path.read_text("utf-8")).items()}
    values["link_keys"] = {
        index: LinkKey(**row) for index, row in values["link_keys"].items()
    }
    return Flash(**cast("dict[str, Any]", values))


@dataclass
class Ram:
    """What a reset clears."""

    #: If host and co-processor have agreed on the version.
    agreed: bool = False
    #: Sequence number of the last command.
    sequence: int = 0
    network_up: bool = False
    scanning: bool = False
    #: By EzspConfigId, EzspValueId and EzspPolicyId.
    configuration: dict[int, int] = field(default_factory=dict)
    values: dict[int, bytes] = field(default_factory=dict)
    policies: dict[int, int] = field(default_factory=dict)
    #: Endpoints as of addEndpoint.
    endpoints: dict[int, Values] = field(default_factory=dict)
    #: Security state that waits for formNetwork.
    security: Values | None = None
    manufacturer: int = 0x1002
    concentrator: bool = False
    multicast: dict[int, Values] = field(default_factory=dict)
    bindings: dict[int, Values] = field(default_factory=dict)
    #: (EUI64, network address) by index.
    addresses: dict[int, tuple[int, int]] = field(default_factory=dict)
    extended_timeouts: set[int] = field(default_factory=set)
    #: Transient keys by EUI64.
    transient: dict[int, bytes] = field(default_factory=dict)
    source_routes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    counters: list[int] = field(default_factory=lambda: [0] * COUNTERS)
    aps_sequence: int = 0
    #: Unicasts on their way.
    in_flight: int = 0
    #: Loop time until which joining is permitted; infinity is for ever.
    open_until: float = 0.0
