"""A coordinator: one gateway of the `zha` library, on zigpy and bellows.

Home Assistant's own ZHA keeps its single gateway in its integration, not in the library:
of that there can be many, each with a network, a database and a serial port of its own.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, cast, override

from zha.application.const import (
    ZHA_GW_MSG_CONNECTION_LOST,
    ZHA_GW_MSG_DEVICE_FULL_INIT,
    ZHA_GW_MSG_DEVICE_JOINED,
    ZHA_GW_MSG_DEVICE_LEFT,
    ZHA_GW_MSG_DEVICE_REMOVED,
    ZHA_GW_MSG_RAW_INIT,
)
from zha.application.gateway import DevicePairingStatus, Gateway
from zha.application.helpers import (
    CoordinatorConfiguration,
    DeviceOptions,
    QuirksConfiguration,
    ZHAConfiguration,
    ZHAData,
)
from zha.zigbee.device import Device
import zhaquirks
import zhaquirks.legacy
from zigpy.backups import NetworkBackup
from zigpy.exceptions import NetworkNotFormed, NetworkSettingsInconsistent
import zigpy.types as t

from ...base import NONE
from ..devices.entities import async_have_entities, spare_entities
from ..devices.matching import clusters_of
from ..devices.node import Node
from ..devices.profile import compile_device, may_speak_of_danger
from ..devices.table import ALARM_BITS, TELLING
from ..devices.zones import notified_status
from . import operations
from .application import Application
from .network import NetworkInfo

__all__ = [
    "ALARM_BITS",
    "ANOTHER_NETWORK",
    "NONE",
    "Node",
    "Radio",
    "RadioConfig",
    "async_have_entities",
    "compile_device",
    "load_quirks",
    "may_speak_of_danger",
    "notified_status",
    "operations",
    "spare_entities",
]

#: What is raised by the start of a coordinator whose network is not ours, or is gone.
ANOTHER_NETWORK = (NetworkNotFormed, NetworkSettingsInconsistent)
#: The library's own idea of who is away must never act: ours is stricter, and its would
#: read everything from a device that comes back.
NEVER_AWAY_SECONDS = 10 * 365 * 24 * 3600
#: Devices that are asked for all their readings at the same time: the radio must stay
#: free for commands.
ASKED_AT_A_TIME = 3
STOP_SECONDS = 10.0
INTERVIEW_SECONDS = 60.0
#: Cluster of a device that tells that it is back (ZDO).
DEVICE_ANNOUNCE = 0x0013


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioConfig:
    """Where a coordinator is, its network's id, and where its database is kept."""

    path: str
    baudrate: int
    flow_control: str | None
    network: str
    database: str
    country: str | None = None


class Listener(Protocol):
    """Who wants to know of a network: the gateway."""

    def device_progress(self, ieee: str, stage: str) -> None:
        """Take the stage of a device that is joining."""

    def device_ready(self, device: Device) -> None:
        """Take a device that can be used."""

    def device_unfinished(self, ieee: str, model: str | None) -> None:
        """Take that it was not found out what a device of the network has."""

    def device_left(self, ieee: str) -> None:
        """Take that a device has left the network."""

    def device_removed(self, ieee: str) -> None:
        """Take that a device was removed."""

    def packet_heard(self, ieee: str, packet: t.ZigbeePacket) -> None:
        """Take that a device has sent something, after that was dealt with."""

    def link_lost(self, error: Exception) -> None:
        """Take that the coordinator cannot be reached any more."""

    def refuse(self, device: str, reason: str) -> None:
        """Count a message that was of no use."""

    def backup_made(self, backup: dict[str, Any]) -> None:
        """Take a backup of the network, with its keys."""

    async def async_announced(self) -> None:
        """Return once no alarm waits to be announced, and what they set off has begun."""


@cache
def load_quirks() -> None:
    """Import every quirk; they are global to the process."""
    zhaquirks.setup(None)


class _Gateway(Gateway):
    """The library's gateway, with our application."""

    @override
    def get_application_controller_data(self) -> Any:
        _controller, config = super().get_application_controller_data()
        return Application, config


class Radio:
    """A coordinator from its start to its end; after a loss there is a new one."""

    def __init__(
        self,
        config: RadioConfig,
        listener: Listener,
        create_task: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
    ) -> None:
        """Initialize; nothing is opened yet."""
        self._listener = listener
        self.create_task = create_task
        self.asking = asyncio.Semaphore(ASKED_AT_A_TIME)
        self._undo: list[Callable[[], None]] = []
        self._gateway = _Gateway(_library_config(config))

    @property
    def app(self) -> Application:
        """Return zigpy's application. Raises RuntimeError after the end."""
        app: Any = self._gateway.application_controller
        if app is None:
            raise RuntimeError("the radio is not running")
        return cast("Application", app)

    @property
    def receiving(self) -> bool:
        """Return if what happens is because of a packet that has just come."""
        app: Any = self._gateway.application_controller
        return app is not None and bool(app.receiving)

    @property
    def devices(self) -> list[Device]:
        """Return the devices of the network, without the coordinator."""
        return [
            device
            for device in self._gateway.devices.values()
            if not device.is_coordinator
        ]

    @property
    def network(self) -> NetworkInfo:
        """Return what is known of the network."""
        network, node = self.app.state.network_info, self.app.state.node_info
        return NetworkInfo(
            ieee=str(node.ieee),
            channel=int(network.channel),
            pan_id=f"0x{int(network.pan_id):04X}",
            extended_pan_id=str(network.extended_pan_id),
            nwk_update_id=int(network.nwk_update_id),
            manufacturer=node.manufacturer,
            model=node.model,
            firmware=node.version,
        )

    def device(self, ieee: str) -> Device | None:
        """Return a device by its address."""
        return self._gateway.devices.get(t.EUI64.convert(ieee))

    def refuse(self, device: str, reason: str) -> None:
        """Count a message that was of no use."""
        self._listener.refuse(device, reason)

    async def async_announced(self) -> None:
        """Return once no alarm waits to be announced, and what they set off has begun."""
        await self._listener.async_announced()

    async def start(self) -> None:
        """Open the coordinator and start its network. Raises whatever goes wrong."""
        await self._gateway.async_initialize()
        self.app.radio = self
        # The library's pollers wait for this.
        self._gateway.config.allow_polling = True
        for event, listener in {
            ZHA_GW_MSG_CONNECTION_LOST: lambda event: self._listener.link_lost(
                event.exception
            ),
            ZHA_GW_MSG_DEVICE_JOINED: lambda event: self._listener.device_progress(
                str(event.device_info.ieee), "joined"
            ),
            ZHA_GW_MSG_RAW_INIT: lambda event: self._listener.device_progress(
                str(event.device_info.ieee), "interviewed"
            ),
            ZHA_GW_MSG_DEVICE_FULL_INIT: self._initialized,
            ZHA_GW_MSG_DEVICE_LEFT: lambda event: self._listener.device_left(
                str(event.ieee)
            ),
            ZHA_GW_MSG_DEVICE_REMOVED: lambda event: self._listener.device_removed(
                str(event.device_info.ieee)
            ),
        }.items():
            self._undo.append(self._gateway.on_event(event, listener))
        self.app.add_listener(self)
        backups = self.app.backups
        backups.add_listener(self)
        if newest := backups.most_recent_backup():
            self.network_backup_created(newest)

    def listen(self) -> None:
        """Let packets through, beginning with those that came during the start."""
        self.app.replay()

    @property
    def last_word(self) -> float:
        """Return the monotonic time of the last thing that the co-processor told."""
        return self.app.last_word

    @property
    def waiting(self) -> int:
        """Return how many requests are waiting for the radio."""
        return int(self.app._concurrent_requests_semaphore.waiting_requests)  # noqa: SLF001

    async def async_nop(self) -> None:
        """Ask the co-processor for nothing. Raises whatever goes wrong."""
        ezsp: Any = self.app._ezsp  # noqa: SLF001
        await ezsp.nop()

    async def async_remove(self, ieee: str) -> None:
        """Ask a device to leave, and forget it."""
        address = t.EUI64.convert(ieee)
        if address in self._gateway.devices:
            await self._gateway.async_remove_device(address)
        else:
            # Its interview never came to an end: the library does not know it.
            await self.app.remove(address)

    async def async_reinterview(self, ieee: str) -> None:
        """Find out anew what a device has. Raises whatever goes wrong."""
        address = t.EUI64.convert(ieee)
        device: Any = self.app.devices.get(address)
        if device is None or device.is_initialized:
            await self._gateway.async_reinterview_device(address)
            # The library only logs why it has failed.
            done = self.app.devices.get(address) is not device
        else:
            async with asyncio.timeout(INTERVIEW_SECONDS):
                await device.schedule_initialize()
            done = device.is_initialized
        if not done:
            raise TimeoutError("no answer")

    async def stop(self) -> None:
        """End everything, also what is half started. Raises nothing."""
        for undo in self._undo:
            undo()
        self._undo.clear()
        # The library would go on with devices that are joining, without a radio.
        joining = list(self._gateway._device_init_tasks.values())  # noqa: SLF001
        for task in joining:
            task.cancel()
        if joining:
            await asyncio.wait(joining, timeout=1)
        if self._gateway.application_controller is not None:
            # The library takes an end that was cancelled half-way for a whole one.
            self._gateway.shutting_down = False
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._gateway.shutdown()
        except Exception:  # noqa: BLE001, S110
            # A link that is gone cannot be closed properly; there will be a new one.
            pass

    # Called by zigpy

    def network_backup_created(self, backup: NetworkBackup) -> None:
        """Take a backup: zigpy makes one at the start, every day, and when it is told."""
        self._listener.backup_made(backup.as_open_coordinator_json())

    def device_init_failure(self, device: Any) -> None:
        """Take that an interview has failed."""
        self._listener.device_progress(str(device.ieee), "failed")
        if not device.is_initialized:
            self._listener.device_unfinished(str(device.ieee), _model(device))

    def packet_received(self, packet: t.ZigbeePacket) -> None:
        """Take that a packet was dealt with."""
        if ieee := self.app.sender(packet):
            self._listener.packet_heard(ieee, packet)

    def _initialized(self, event: Any) -> None:
        # Each way to be ready passes through this once: a join, a rejoin, an interview.
        if event.device_info.pairing_status is DevicePairingStatus.CONFIGURED:
            self.create_task(
                self._async_initialized(event.device_info.ieee), "new device"
            )

    async def _async_initialized(self, ieee: t.EUI64) -> None:
        if (device := self._gateway.devices.get(ieee)) is None:
            return
        for cluster in clusters_of(device):
            missing: list[Any] = [
                name
                for name in TELLING.get(cluster.ep_attribute or "", ())
                if cluster.get(name) is None
                and not cluster.is_attribute_unsupported(name)
            ]
            if missing:
                with suppress(Exception):
                    # It is awake now; what it does not tell, it may not have.
                    await cluster.read_attributes(missing)
        if self._gateway.devices.get(ieee) is device:
            self._listener.device_ready(device)


def _model(device: Any) -> str | None:
    """Return the model of a device, as far as it has told it."""
    return " ".join(filter(None, (device.manufacturer, device.model))) or None


def _library_config(config: RadioConfig) -> ZHAData:
    is_network = "://" in config.path
    return ZHAData(
        config=ZHAConfiguration(
            coordinator_configuration=CoordinatorConfiguration(
                path=config.path,
                baudrate=config.baudrate,
                flow_control=config.flow_control,  # type: ignore[arg-type]
                radio_type="ezsp",
            ),
            quirks_configuration=QuirksConfiguration(
                # They are there already, once for the process.
                enabled=False,
                uninitialized_packet_handler=(
                    zhaquirks.legacy.handle_message_from_uninitialized_sender
                ),
            ),
            device_options=DeviceOptions(
                enable_identify_on_join=False,
                consider_unavailable_mains=NEVER_AWAY_SECONDS,
                consider_unavailable_battery=NEVER_AWAY_SECONDS,
                enable_mains_startup_polling=False,
            ),
        ),
        zigpy_config={
            "database_path": config.database,
            # The application starts no other.
            "network": {"extended_pan_id": config.network.rpartition("/")[2]},
            # A thread only where the operating system may block: on a serial port.
            "use_thread": not is_network,
            "ota": {"enabled": False},
        },
        country_code=config.country,
    )
