"""What a person does with a network: let devices in and out, look, move, back up."""

import asyncio
from typing import TYPE_CHECKING, Any

from zha.application.helpers import convert_install_code, qr_to_install_code
import zigpy.types as t

if TYPE_CHECKING:
    from .radio import Radio

#: Longest time that a network may be open at once, in seconds (Zigbee 3.0: 254).
MOST_OPEN_SECONDS = 254
#: Five broadcasts a second apart, and the coordinator's own move.
CHANNEL_SECONDS = 60.0
SCAN_SECONDS = 30.0
#: Duration of an energy scan on one channel: 2^n + 1 superframes of 15.36 ms.
SCAN_EXPONENT = 4
CHANNELS = range(11, 27)

#: Counters of zigpy and the co-processor, by what they are to us.
COUNTERS: dict[str, tuple[tuple[str, str], ...]] = {
    "radio_retries": (
        ("ezsp_counters", "MAC_TX_UNICAST_RETRY"),
        ("ezsp_counters", "APS_DATA_TX_UNICAST_RETRY"),
    ),
    "radio_failures": (("ezsp_counters", "APS_DATA_TX_UNICAST_FAILED"),),
    "radio_link_errors": (
        ("ezsp_counters", "ASH_OVERFLOW_ERROR"),
        ("ezsp_counters", "ASH_FRAMING_ERROR"),
        ("ezsp_counters", "ASH_OVERRUN_ERROR"),
    ),
}


async def async_permit(
    radio: Radio, seconds: int, ieee: str | None, install_code: str | None
) -> None:
    """Let devices join: anywhere, by the router `ieee`, or the one that has a code.

    A code is that of the device `ieee`, or what the QR code on it says.
    Raises ValueError for one that is none.
    """
    seconds = max(0, min(seconds, MOST_OPEN_SECONDS))
    if install_code is None:
        node: Any = t.EUI64.convert(ieee) if ieee else None
        await radio.app.permit(seconds, node=node)
        return
    try:
        if ieee:
            node, key = t.EUI64.convert(ieee), convert_install_code(install_code)
        else:
            node, key = qr_to_install_code(install_code)
    except Exception as err:
        # voluptuous, binascii and zigpy each have an exception of their own for it.
        raise ValueError(f"not an install code: {err}") from err
    await radio.app.permit_with_link_key(node=node, link_key=key, time_s=seconds)


async def async_energy_scan(radio: Radio) -> dict[int, float]:
    """Return how busy each channel is: 0 to 255."""
    async with asyncio.timeout(SCAN_SECONDS):
        found = await radio.app.energy_scan(
            channels=t.Channels.ALL_CHANNELS, duration_exp=SCAN_EXPONENT, count=1
        )
    return {int(channel): float(energy) for channel, energy in found.items()}


async def async_change_channel(radio: Radio, channel: int) -> None:
    """Move the network. Raises ValueError for a channel that Zigbee does not have."""
    if channel not in CHANNELS:
        raise ValueError(f"no such channel: {channel}")
    async with asyncio.timeout(CHANNEL_SECONDS):
        await radio.app.move_network_to_channel(channel)


async def async_backup(radio: Radio) -> dict[str, Any]:
    """Return a backup of the network, with its keys: the open coordinator format."""
    backup = await radio.app.backups.create_backup(load_devices=True)
    return dict(backup.as_open_coordinator_json())


def counts(radio: Radio) -> dict[str, float]:
    """Return what was counted since the start, and how many requests are waiting."""
    counters = radio.app.state.counters
    found = {
        key: float(
            sum(
                int(counters[group][name])
                for group, name in names
                if group in counters and name in counters[group]
            )
        )
        for key, names in COUNTERS.items()
    }
    found["radio_route_errors"] = float(radio.app.route_errors)
    found["radio_queue"] = float(radio.waiting)
    return found


def diagnostics(radio: Radio) -> dict[str, Any]:
    """Return counters and topology; no keys, and nothing that a key could be told from."""
    app = radio.app
    return {
        "counters": {
            group: {counter.name: int(counter) for counter in counters.values()}
            for group, counters in app.state.counters.items()
        },
        "topology": {
            str(ieee): [
                {
                    "ieee": str(row.ieee),
                    "lqi": int(row.lqi),
                    "depth": int(row.depth),
                    "relationship": row.relationship.name,
                }
                for row in rows
            ]
            for ieee, rows in app.topology.neighbors.items()
        },
        "routes": {
            str(ieee): [
                {
                    "to": str(row.DstNWK),
                    "by": str(row.NextHop),
                    "status": row.RouteStatus.name,
                }
                for row in rows
            ]
            for ieee, rows in app.topology.routes.items()
        },
        "backups": [
            {"at": backup.backup_time.isoformat()} for backup in app.backups.backups
        ],
    }
