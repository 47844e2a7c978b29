"""The network on a coordinator: looked at, formed and restored.

All of it happens while nobody else uses the radio: in the config flow, and in a repair.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
import re
from typing import Any, override

from bellows.config import CONF_USE_THREAD
from zigpy.backups import NetworkBackup
from zigpy.config import (
    CONF_DATABASE,
    CONF_DEVICE,
    CONF_NWK,
    CONF_NWK_BACKUP_ENABLED,
    CONF_NWK_CHANNEL,
    CONF_OTA,
    CONF_OTA_ENABLED,
    CONF_TOPO_SCAN_ENABLED,
    CONF_WATCHDOG_ENABLED,
)
from zigpy.exceptions import CannotWriteNetworkSettings, NetworkNotFormed
from zigpy.serial import create_serial_connection
from zigpy.types import EUI64

from .application import OpenedOften
from .connection import BAUDRATES, Port

#: EmberZNet 6.7 of 2020. Older radios cannot be given another EUI64, and forget routes.
OLDEST_EZSP = 8
CONNECT_SECONDS = 15
#: A radio scans 16 channels, and starts anew several times, while it forms a network.
FORM_SECONDS = 90
#: How long a radio may take to answer a reset.
ANSWER_SECONDS = 2.5

#: EZSP over ASH: cancel what was before, then reset; and how the answer begins.
_RESET = bytes.fromhex("1ac038bc7e")
_RESET_DONE = re.compile(rb"\xc1\x02[^\x7e]{3,6}\x7e")
_OVERWRITE = "i_understand_i_can_update_eui64_only_once_and_i_still_want_to_do_it"


class RadioError(Exception):
    """A radio cannot be used; `key` is one of the flow's errors."""

    def __init__(self, key: str, reason: str = "") -> None:
        """Initialize."""
        super().__init__(reason or key)
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinator:
    """A radio, and the network that it holds if there is one."""

    ieee: str
    ezsp: int
    firmware: str | None
    board: str | None
    network: NetworkBackup | None

    @property
    def unique_id(self) -> str | None:
        """Return the id of the network: it stays when the radio is replaced."""
        return network_id(self.network) if self.network else None


def network_id(network: NetworkBackup) -> str:
    """Return a config entry's unique id for a network."""
    return f"zigbee/{network.network_info.extended_pan_id}".lower()


async def async_probe(port: Port) -> Coordinator:
    """Return what is at a port. Raises RadioError."""
    async with _radio(port) as app:
        return await _async_describe(app)


async def async_form(port: Port, channel: int | None = None) -> Coordinator:
    """Form a network, on the quietest channel if none is given. Raises RadioError."""
    async with _radio(port, {CONF_NWK: {CONF_NWK_CHANNEL: channel}}) as app:
        async with asyncio.timeout(FORM_SECONDS):
            await app.form_network()
        return await _async_describe(app)


async def async_restore(
    port: Port, backup: NetworkBackup, *, overwrite: bool = False
) -> Coordinator:
    """Write a network to a radio.

    With `overwrite` the radio takes the EUI64 of the backup for its own, which some
    radios can do only once. Raises RadioError, `zigbee_consent` if that is needed and
    was not allowed.
    """
    async with _radio(port) as app:
        coordinator = await _async_describe(app)
        if coordinator.ieee != str(backup.node_info.ieee):
            if not overwrite:
                raise RadioError("zigbee_consent")
            network = backup.network_info
            ezsp = {**network.stack_specific.get("ezsp", {}), _OVERWRITE: True}
            backup = backup.replace(
                network_info=network.replace(
                    stack_specific={**network.stack_specific, "ezsp": ezsp}
                )
            )
        try:
            async with asyncio.timeout(FORM_SECONDS):
                await app.backups.restore_backup(backup)
        except CannotWriteNetworkSettings as err:
            raise RadioError("zigbee_cannot_overwrite", str(err)) from err
        return await _async_describe(app)


async def async_accept(port: Port, database: Path) -> Coordinator:
    """Note the network that is on the radio as the one that zigpy knows.

    Raises RadioError, also if there is none.
    """
    async with _radio(port, {CONF_DATABASE: str(database)}) as app:
        coordinator = await _async_describe(app)
        if coordinator.network is None:
            raise RadioError("zigbee_lost", "no network")
        app.backups.add_backup(coordinator.network)
        return coordinator


def parse_backup(data: Any) -> NetworkBackup:
    """Return a network backup in the format of zigpy, ZHA or Zigbee2MQTT.

    Raises ValueError for anything that cannot be restored.
    """
    try:
        backup = NetworkBackup.from_dict(data)
    except (AssertionError, AttributeError, KeyError, TypeError) as err:
        raise ValueError("not a network backup") from err
    if not backup.is_complete():
        raise ValueError("an incomplete network backup")
    return backup


@asynccontextmanager
async def _radio(
    port: Port, config: Mapping[str, Any] | None = None
) -> AsyncGenerator[OpenedOften]:
    """Open the radio, and close it whatever happens. Raises RadioError."""
    app: Any = await OpenedOften.new(
        {
            CONF_DEVICE: port.as_dict(),
            CONF_NWK_BACKUP_ENABLED: False,
            CONF_OTA: {CONF_OTA_ENABLED: False},
            CONF_TOPO_SCAN_ENABLED: False,
            CONF_USE_THREAD: False,
            CONF_WATCHDOG_ENABLED: False,
            **(config or {}),
        },
        start_radio=False,
    )
    is_connected = False
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await app.connect()
        is_connected = True
        if (version := _ezsp_version(app)) < OLDEST_EZSP:
            raise RadioError("zigbee_firmware_too_old", f"EZSP {version}")
        yield app
    except RadioError:
        raise
    except Exception as err:
        # The libraries raise whatever comes to them when the link goes away.
        if is_connected:
            raise RadioError("zigbee_lost", str(err) or type(err).__name__) from err
        raise await _async_why(port, err) from err
    finally:
        await app.shutdown()


def _ezsp_version(app: OpenedOften) -> int:
    ezsp: Any = app._ezsp  # noqa: SLF001
    return int(ezsp.ezsp_version)


async def _async_describe(app: OpenedOften) -> Coordinator:
    ezsp: Any = app._ezsp  # noqa: SLF001
    async with asyncio.timeout(CONNECT_SECONDS):
        try:
            await app.load_network_info()
        except NetworkNotFormed:
            (ieee,) = await ezsp.getEui64()
            _maker, board, firmware = await app._get_board_info()  # noqa: SLF001
            network = None
        else:
            network = app.backups.from_network_state()
            node = network.node_info
            ieee, board, firmware = node.ieee, node.model, node.version
    return Coordinator(
        ieee=str(EUI64(ieee)),
        ezsp=_ezsp_version(app),
        firmware=firmware,
        board=board,
        network=network,
    )


async def _async_why(port: Port, error: Exception) -> RadioError:
    """Return why a radio could not be opened, after listening to what it says."""
    is_serial = "://" not in port.path
    rates = [port.baudrate]
    if is_serial:
        rates += [rate for rate in BAUDRATES if rate != port.baudrate]
    heard = b""
    for rate in rates:
        try:
            heard, ended = await _async_hear(port, rate)
        except PermissionError as err:
            return RadioError("zigbee_busy", str(err))
        except (OSError, TimeoutError) as err:
            return RadioError("zigbee_cannot_connect", str(err))
        if _RESET_DONE.search(heard):
            if rate == port.baudrate:
                # It answers after all, but not what it is asked.
                return RadioError("zigbee_lost", str(error))
            return RadioError("zigbee_wrong_baudrate", str(rate))
        if ended:
            # It takes one connection at a time, and has one already.
            return RadioError("zigbee_busy", "The connection was closed at once")
    return RadioError("zigbee_not_ezsp" if heard else "zigbee_no_answer")


class _Ear(asyncio.Protocol):
    """Collects what arrives."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.news = asyncio.Event()
        self.closed = asyncio.Event()

    @override
    def data_received(self, data: bytes) -> None:
        self.heard += data
        if _RESET_DONE.search(self.heard):
            self.news.set()

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        self.closed.set()
        self.news.set()


async def _async_hear(port: Port, baudrate: int) -> tuple[bytes, bool]:
    """Return what a port says to a reset, and if it hung up."""
    ear = _Ear()
    async with asyncio.timeout(CONNECT_SECONDS):
        transport, _protocol = await create_serial_connection(
            asyncio.get_running_loop(),
            lambda: ear,
            url=port.path,
            baudrate=baudrate,
            xonxoff=port.flow_control == "software",
            rtscts=port.flow_control == "hardware",
        )
    try:
        transport.write(_RESET)
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await ear.news.wait()
        return bytes(ear.heard), ear.closed.is_set()
    finally:
        transport.close()
        # Until then the port cannot be opened anew.
        await ear.closed.wait()
