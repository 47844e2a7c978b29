"""ZDO of the co-processor itself, which its stack answers without the host."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import zdo
from .commands.network import change_channel
from .fields import Values

if TYPE_CHECKING:
    from .ncp import Ncp

#: Capability: coordinator, router, mains, always listening, allocates addresses.
CAPABILITY = 0x8F


class Coordinator:
    """The node at network address 0."""

    nwk = 0

    def __init__(self, ncp: Ncp) -> None:
        """Initialize."""
        self._ncp = ncp

    @property
    def eui64(self) -> int:
        """Return the long address."""
        return self._ncp.eui64

    def descriptor(self) -> Values:
        """Return what the node descriptor says."""
        return {
            "type": 0,
            "capability": CAPABILITY,
            "manufacturer": self._ncp.ram.manufacturer,
        }

    def simple_descriptors(self) -> Mapping[int, Values]:
        """Return the endpoints that the host has registered."""
        return self._ncp.ram.endpoints

    def lqi_table(self) -> list[Values]:
        """Return routers and children."""
        network = self._ncp.flash.network or {}
        return [
            {
                "extended_pan": network.get("extended_pan", bytes(8)),
                "eui64": node.eui64,
                "nwk": node.nwk,
                "kind": node.lqi_kind,
                "permit": 2,
                "depth": 1,
                "lqi": node.lqi,
            }
            for node in self._ncp.air.neighbours(children=True)
        ]

    def zdo_command(self, name: str, values: Values) -> int:
        """Change what a request wants changed."""
        if name == "update" and values["duration"] == zdo.CHANNEL_CHANGE:
            channels = values["channels"] & 0x07FFF800
            if channels.bit_count() != 1:
                return zdo.INVALID_REQUEST
            more = values["more"]
            change_channel(
                self._ncp, channels.bit_length() - 1, more[0] if more else None
            )
        return zdo.NOT_SUPPORTED if name == "leave" else zdo.SUCCESS
