"""What is known of a network and its coordinator, without its keys."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkInfo:
    """A network as its coordinator tells it; addresses are in Zigbee's usual notation."""

    ieee: str
    channel: int
    pan_id: str
    extended_pan_id: str
    nwk_update_id: int
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it for diagnostics."""
        return asdict(self)
